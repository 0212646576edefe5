"""What moves while a command works: on a terminal, and nowhere else."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from edge_dassdp.report import live
from edge_dassdp.report.live import Pulse, bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(file: io.StringIO) -> Console:
    return Console(file=file, width=80, _environ={"TERM": "xterm"})


def test_a_bar_is_for_terminals_and_elsewhere_a_line_tells_of_what_takes_long(
        monkeypatch: pytest.MonkeyPatch) -> None:
    screen: io.StringIO = Terminal()
    with bar(console(screen), "learning", 7) as progress:
        progress(7)
    assert "learning" in screen.getvalue() and "7/7" in screen.getvalue()
    with bar(console(screen), "replaying", 0) as progress:
        progress(6)
    assert "6/?" in screen.getvalue(), "a total that nobody knows is not 0"
    for screen, environ in ((io.StringIO(), {"TERM": "xterm"}), (Terminal(), {"TERM": "dumb"}),
                            (io.StringIO(), {"TERM": "xterm", "FORCE_COLOR": "1"})):
        with bar(Console(file=screen, _environ=environ), "learning", 7) as progress:
            progress(6)
        assert screen.getvalue() == ""
    monkeypatch.setattr(live, "LINES_S", 0.0)
    with bar(Console(file=screen), "learning", 7000) as progress:
        progress(6001)
    with bar(Console(file=screen), "replaying", 0) as progress:
        progress(6)
    assert screen.getvalue() == "learning: 6,001 of 7,000\nreplaying: 6\n"


def test_what_takes_long_gives_a_sign_of_life() -> None:
    screen = Terminal()
    pulse = Pulse(console(screen), "quantize", after_s=0.05)
    pulse.start()
    time.sleep(0.5)
    pulse.stop()
    shown = screen.getvalue()
    assert "quantize" in shown
    time.sleep(0.2)
    assert screen.getvalue() == shown, "and then none"
    pulse.start()
    time.sleep(0.5)
    pulse.stop()
    assert screen.getvalue().count("quantize") > shown.count("quantize"), "it goes on"


def test_what_is_quick_or_not_seen_gives_none() -> None:
    for screen, after_s in ((Terminal(), 60.0), (io.StringIO(), 0.0)):
        pulse = Pulse(console(screen), "quantize", after_s)
        pulse.start()
        time.sleep(0.1)
        pulse.stop()
        assert screen.getvalue() == ""
