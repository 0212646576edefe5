"""The tables of few labels and of new classes, and a smallest run of the first."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from evidence import few, incremental, rows

from edge_dassdp.data.datasets import Samples

pytestmark = pytest.mark.xdist_group("evidence")


def test_the_first_of_each_class_stay_in_order() -> None:
    stream = Samples(np.arange(7, dtype=np.float32)[:, None], np.array([2, 0, 2, 1, 2, 0, 1]))
    made = few.first(stream, 2)
    assert made.x.ravel().tolist() == [0, 1, 2, 3, 5, 6] and made.y.tolist() == [2, 0, 2, 1, 0, 1]


def test_a_turned_watch_learns_from_three_labels_a_class() -> None:
    found = {r.method: r for r in few.measure(0, ("E",), (3,))}
    assert set(found) == set(few.TITLES)
    assert found["profile"].shifted > 80 and found["profile"].shifted > found["touch"].shifted + 10
    assert all(r.original > 50 for name, r in found.items() if name != "nearest")


def test_the_table_says_which_rows_reach_the_goal() -> None:
    found = [{"scenario": s, "seed": seed, "k": k, "method": method, "original": 90.0,
             "shifted": (90.0 if method == "profile" else 60.0) + seed}
            for s in "EB" for seed in range(2) for k in (1, 3) for method in few.TITLES]
    text = "\n".join(few.tables({"rows": found}))
    assert f"| {few.TITLES['touch']} | 60.5 ± 0.7 / 90.0 | 60.5 ± 0.7 / 90.0 |" in text
    assert f"3 labels a class reach 84 by: {few.TITLES['profile']}." in text


def test_the_table_of_new_classes() -> None:
    found = [{"exercise": new, "seed": 0, "method": method, "k": k, "all": 80.0 + new, "old": 90.0,
             "new": 70.0, "harmonic": 85.0} for new in range(2) for k in (1, 5)
            for method in incremental.METHODS]
    result = {"exercises": ["a", "b"], "rows": found}
    text = "\n".join(incremental.tables(result))
    assert "| 80.5 / 90.0 / 70.0 / 85.0 |" in text and "| | a | b |" in text
    assert "network 0" not in text and "alone |" not in text


def test_the_table_of_new_classes_says_which_networks_a_row_has() -> None:
    found = [{"exercise": 0, "seed": seed, "method": method, "k": 5, "all": 80.0, "old": 90.0,
             "new": 70.0 + seed, "harmonic": 85.0} for seed in range(5)
            for method in incremental.METHODS if method != "backprop" or seed in (0, 3)]
    lines = incremental.tables({"exercises": ["a"], "rows": found})
    assert "| the same, networks 3, 4 alone | 80.0 / 90.0 / 73.5 / 85.0 |" in lines
    title = f"{incremental.TITLES['backprop']} (networks 0, 3)"
    assert [line.split(" | ")[0] for line in lines].count(f"| {title}") == 2


@pytest.mark.parametrize("script", [few, incremental], ids=lambda script: script.__name__)
def test_the_page_has_the_results(script: ModuleType) -> None:
    tables = script.tables(json.loads(script.COMMITTED.read_text("utf-8")))
    assert "\n".join(tables) in rows.DOCUMENT.read_text("utf-8"), "its command writes them"


def test_tables_stand_between_the_markers_of_the_document(tmp_path: Path) -> None:
    text = rows.DOCUMENT.read_text(encoding="utf-8")
    assert all(f"<!-- {name}: {end} -->" in text for name in ("few", "incremental")
               for end in ("begin", "end"))
    copy = tmp_path / "page.md"
    copy.write_text(text, encoding="utf-8")
    for lines in (["old"], ["| new |"]):
        rows.document("few", lines, copy)
    made = copy.read_text(encoding="utf-8")
    assert "| new |" in made and "old" not in made.split("<!-- few: end")[0].split("begin -->")[1]
    assert made.split("<!-- few: end")[1] == text.split("<!-- few: end")[1]


def test_classes_are_numbered_anew_without_one() -> None:
    given = Samples(np.arange(5, dtype=np.float32)[:, None], np.array([0, 1, 2, 3, 1]))
    made = incremental.without(given, 1)
    assert made.x.ravel().tolist() == [0, 2, 3] and made.y.tolist() == [0, 1, 2]
