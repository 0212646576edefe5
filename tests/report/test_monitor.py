"""What is seen of a stream while it runs, and of a device's counters."""

from __future__ import annotations

import dataclasses
import io
import re
import time
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import edge_dassdp as ed
from edge_dassdp import harness, ir
from edge_dassdp.harness import Stream
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import random_samples
from edge_dassdp.report.monitor import Accuracy, Counters, Monitor, of_counters, sparkline
from edge_dassdp.targets.reference import ReferenceTarget

RNG = np.random.default_rng(1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def stream(n: int, n_held: int = 0, right: int = 1) -> Stream:
    """n samples of class 0 and 1 in turn, of which those of class `right` are right."""
    labels = np.arange(n) % 2
    is_right = labels == right
    return Stream(np.where(is_right, labels, 1 - labels), labels == 0, labels,
                  np.arange(n) < n_held, np.zeros(n, bool), labels == 1, np.full(n, 3))


def watched(n: int, names: tuple[str, ...] = (), *, is_frozen_better: bool = False,
            **options: Any) -> str:
    """The screen of a stream in which every second sample is right."""
    screen = Terminal() if options.pop("on_terminal", False) else io.StringIO()

    class Better(harness.Frozen):
        def __init__(self) -> None:
            pass

        def first(self, n: int) -> Stream:
            return dataclasses.replace(stream(n), predicted=stream(n).labels)

    done = 0
    after_s = options.pop("after_s", 0.0)
    options = {"_environ": {"TERM": "xterm"}, **options}
    with Monitor(Console(file=screen, width=100, **options), lambda: stream(done), n, Accuracy(4),
                 names=names, frozen=Better() if is_frozen_better else None,
                 after_s=after_s) as monitor:
        for i in range(n):
            done = i + 1
            monitor(done)
    return screen.getvalue()


def last_panel(screen: str) -> str:
    """Without what moves the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen[screen.rindex("samples"):])


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_a_file_gets_at_most_ten_lines_the_last_for_all(n: int) -> None:
    lines = watched(n).splitlines()
    assert len(lines) == min(n, 10)
    accuracy = "0.0" if n == 1 else "50.0"
    assert lines[-1].startswith(f"samples {n:,} of {n:,}, ")
    assert f"written {n // 2:,}, skipped {(n + 1) // 2:,}, replayed {3 * n:,}" in lines[-1]
    assert n == 7 or f"accuracy(4) {accuracy} %" in lines[-1]


def test_a_piece_that_passes_a_stop_is_told_of_once() -> None:
    screen = io.StringIO()
    with Monitor(Console(file=screen, width=100), lambda: stream(8), 100, Accuracy(4)) as monitor:
        for done in range(0, 101, 8):
            monitor(done)
        monitor(100)
    told = [int(line.split()[1]) for line in screen.getvalue().splitlines()]
    assert told == [16, 24, 32, 40, 56, 64, 72, 80, 96, 100]


def test_what_is_quick_is_not_told_of_in_lines() -> None:
    assert watched(50, after_s=60) == ""


def test_samples_held_back_are_counted_where_there_are_some() -> None:
    def names(n_held: int) -> dict[str, str]:
        monitor = Monitor(Console(file=io.StringIO()), lambda: stream(5, n_held), 5, Accuracy(4))
        return {row.name: row.text for row in monitor.rows(5)}

    assert names(3)["held back"] == "3" and "held back" not in names(0)


def test_a_terminal_gets_a_panel_that_stays() -> None:
    panel = last_panel(watched(12, ("rest", "wave"), on_terminal=True))
    assert "12 of 12" in panel and "50.0 %" in panel and "36" in panel and "▅" in panel
    assert "rest ▁ 0/6, wave █ 6/6" in panel


def test_where_factory_weights_are_better_it_is_red_and_said() -> None:
    screen = watched(12, is_frozen_better=True, on_terminal=True)
    assert "\x1b[1;31m" in screen and "100.0 %, which is better" in last_panel(screen)
    plain = watched(12, is_frozen_better=True, on_terminal=True,
                    _environ={"TERM": "xterm", "NO_COLOR": "1"})
    assert "31m" not in plain and "which is better" in last_panel(plain)
    assert "31m" not in watched(12, on_terminal=True)
    assert "frozen 100.0 %, which is better" in watched(12, is_frozen_better=True)


def test_a_terminal_gets_no_more_panels_than_people_see() -> None:
    begun = time.monotonic()
    screen = watched(2000, on_terminal=True)
    # beside those in between the first, the last, and the last once more, as it stays
    assert screen.count("accuracy(4)") <= 3 + (time.monotonic() - begun) / 0.1


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    screen = watched(100, on_terminal=True, _environ={"TERM": "dumb"})
    assert len(screen.splitlines()) == 10 and "\x1b[" not in screen.replace("\x1b[0m", "")


@pytest.fixture(scope="module")
def network() -> QNetwork:
    source = ir.Network(
        (ir.Input("x", 4),),
        (ir.Population("h", 12, np.array(0.9), np.array(1.0)),
         ir.Population("o", 3, np.array(0.9), np.array(1.0))),
        (ir.Projection("in", "x", "h", RNG.normal(size=(4, 12))),
         ir.Projection("out", "h", "o", RNG.normal(size=(12, 3)))),
        ir.Readout("o", "spike_count"), 5)
    return ed.quantize(source, ed.Learning.default(source))


def test_counters_are_those_of_the_device_and_asking_changes_nothing(network: QNetwork) -> None:
    device = ReferenceTarget(network)
    x = random_samples(network, 20)
    for i, sample in enumerate(x):
        device.learn(sample, i % network.n_known)
    before = device.named_state()
    rows = {row.name: row.text for row in of_counters(Counters(device, network).read(), network)}
    after = device.named_state()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    s = device.statistics()
    n = sum(p.w.size for p in network.plastic)
    assert rows["saturated"] == f"{100 * s.n_saturated / n:.1f} %"
    assert "link" not in rows


def test_frozen_is_a_device_that_never_learned(network: QNetwork) -> None:
    x = random_samples(network, 150)
    labels = np.arange(150) % network.n_known
    frozen = harness.Frozen(network, x, labels)
    whole = ReferenceTarget(network).classify(x)
    for n in (0, 1, 64, 65, 150):
        found = frozen.first(n)
        assert found.predicted.tolist() == whole[:n].tolist()
        assert found.labels.tolist() == labels[:n].tolist()


def test_a_sparkline_is_as_wide_as_wanted_and_ends_with_now() -> None:
    shares = np.linspace(0, 1, 200)
    assert sparkline(shares, 8) == "▁▂▃▄▅▆▇█"
    assert sparkline(shares[:3], 8) == "▁▁▁"
    assert sparkline(shares[:0], 8) == ""
