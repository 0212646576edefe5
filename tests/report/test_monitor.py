"""What is seen of a stream while it runs."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from edge_dassdp.report.monitor import Monitor, sparkline
from edge_dassdp.targets.target import Outcome


def watched(n: int, **console) -> str:
    """The screen of a stream in which every second sample is right."""
    screen, outcomes = io.StringIO(), []
    logits = np.zeros(2, np.int32)
    with Monitor(Console(file=screen, width=100, **console), outcomes, np.zeros(n, int),
                 window=4) as monitor:
        for i in range(n):
            outcomes.append(Outcome(i % 2, logits, is_updated=i % 2 == 1, is_skipped=i % 2 == 0,
                                    n_replayed=3))
            monitor(i + 1)
    return screen.getvalue()


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_a_file_gets_at_most_ten_lines_the_last_for_all(n):
    lines = watched(n).splitlines()
    assert len(lines) == min(n, 10)
    accuracy = "100.0" if n == 1 else "50.0"
    assert lines[-1].startswith(f"samples {n:,} of {n:,}, ")
    assert f"written {n // 2:,}, skipped {(n + 1) // 2:,}, replayed {3 * n:,}" in lines[-1]
    assert n == 7 or f"accuracy(4) {accuracy} %" in lines[-1]


def test_samples_held_back_are_counted_where_there_are_some():
    outcomes = [Outcome(0, np.zeros(2, np.int32), is_held=i < 3) for i in range(5)]
    monitor = Monitor(Console(file=io.StringIO()), outcomes, np.zeros(5, int), window=4)
    assert monitor.fields(5)["held back"] == "3"
    assert "held back" not in Monitor(Console(file=io.StringIO()), outcomes[3:], np.zeros(2, int),
                                      window=4).fields(2)


def test_a_terminal_gets_a_panel_that_stays():
    screen = watched(12, force_terminal=True)
    last = screen[screen.rindex("samples"):]
    assert "12 of 12" in last and "50.0 %" in last and "36" in last and "▅" in last


def test_a_sparkline_is_as_wide_as_wanted_and_ends_with_now():
    shares = np.linspace(0, 1, 200)
    assert sparkline(shares, 8) == "▁▂▃▄▅▆▇█"
    assert sparkline(shares[:3], 8) == "▁▁▁"
    assert sparkline(shares[:0], 8) == ""
