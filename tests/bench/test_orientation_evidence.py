"""What an orientation is worth: a smallest run for real, and its table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evidence import orientation
from evidence.orientation import Row, lines, run

pytestmark = pytest.mark.xdist_group("evidence")


def test_a_turned_watch_is_right_again_from_few_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orientation, "SCENARIOS", ("E", "N"))
    rows = run(3, (20,), learns=True)
    assert [r.n_labels for r in rows] == [7, 14, 35, 6] * 2
    for r in rows[1:3]:
        assert (r.verdict, r.det) == ("TAKEN", 1)
        assert r.oriented > max(85, r.frozen + 30) and r.chosen >= r.oriented - 3
    assert rows[1].learned > 90 and rows[1].original > 85
    assert {(r.verdict, r.oriented) for r in rows[4:]} == {("FACTORY", rows[4].frozen)}


def test_the_table_tells_own_draws_from_others() -> None:
    rows = [Row("E", seed, seed + shift, n, 7, "TAKEN", 1, "orientation", 20.0, 90.0 + shift, 90.0,
                *((95.0, 94.0) if n == 14 else ()))
            for seed in range(2) for shift in (0, 20) for n in (7, 14)]
    few = Row("E", 0, 0, 6, 3, "UNDECIDED", 1, "channels", 20.0, 20.0, 30.0)
    head, own, others = lines([*rows, few, replace(few, drawn=20)])
    assert head[3:6] == ["profile from 7 labels", "profile from 14 labels",
                         "from 2 of each of 3 exercises"]
    assert own == ["E", "own", "20.0 ± 0.0", "90.0 ± 0.0", "90.0 ± 0.0", "30.0", "+70.0",
                   "95.0 ± 0.0 / 94.0", "0 of 4"]
    assert others[:2] == ["E", "others"]
