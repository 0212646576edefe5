"""A screen shows text as it stands, whoever wrote it, at a width that can be read."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from edge_dassdp.report import screens
from edge_dassdp.report.console import Screen

FOREIGN = ["edge-dassdp[plot]", "[bold]b[/bold]", "[/]", "[link=http://a]b[/link]", ":smile:",
           "a\\[b]", "[red", "x]y[z"]


def printed(*parts: object, console: Console | None = None) -> str:
    screen = console or Screen()
    with screen.capture() as found:
        for part in parts:
            screen.print(part)
    return found.get()


@pytest.mark.parametrize("text", FOREIGN)
def test_brackets_are_text_wherever_they_stand(text: str) -> None:
    table = screens.listing(("what", "fix"), [(text, text)])
    for console in (Screen(), Screen(stderr=True, soft_wrap=True), Console(width=110)):
        assert printed(table, console=console).count(text) == 2, "on anybody's console, too"
    assert printed(text, Text(text)).count(text) == 2


@pytest.mark.parametrize(("text", "told"), [
    ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"), ("\x1b]0;title\x07", "\\x1b]0;title"),
    ("a\x9b2J", "a\\x9b2J"), ("abc\u202ecba", "abc\\u202ecba"), ("a\u200bb", "a\\u200bb"),
    ("\ufeffa", "\\ufeffa"), ("a\x00b", "a\\x00b"), ("plain → é 中", "plain → é 中"),
])
def test_nothing_steers_the_terminal(text: str, told: str) -> None:
    for part in (text, Text(text), screens.listing(("a",), [(text,)])):
        found = printed(part)
        assert told in found
        assert not set(found) & {"\x1b", "\x9b", "\x00", "\x07", "\u202e"}


def test_colours_of_our_own_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31mred" in printed(Text("red", "red"))


@pytest.mark.parametrize(("columns", "width"), [
    ("0", 80), ("1", 40), ("39", 40), ("40", 40), ("200", 200)])
def test_a_terminal_too_narrow_to_read(monkeypatch: pytest.MonkeyPatch, columns: str,
                                       width: int) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout", Terminal())
    assert Screen().width == width
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert Screen().width == 110
