"""Text from outside steers no terminal, and what can be read stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.text import printable


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)
    assert printable(shown) == shown
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(("text", "shown"), [
    ("\x1b[2J", "\\x1b[2J"), ("a\0b", "a\\x00b"), ("\x9b31m", "\\x9b31m"),
    ("\u202eevil", "\\u202eevil"), ("one\ntwo", "one\\ntwo"), ("\udcff.npz", "\\xff.npz"),
    ("[b]Bärbel's → board[/b]", "[b]Bärbel's → board[/b]"), ("日本\u3000語", "日本\u3000語")])
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_refusal_quotes_what_it_was_told_and_obeys_none_of_it() -> None:
    problem = EdgeError("E504", "it says \x1b[2Jok\nerror[E101]: x", cause="two\nlines\x07",
                        help="\u202eno")
    assert str(problem).splitlines() == [
        "error[E504]: it says \\x1b[2Jok\\nerror[E101]: x", "  cause: two", "lines\\x07",
        "  help:  \\u202eno"]
    assert problem.args == (problem.message,)
