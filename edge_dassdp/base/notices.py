"""Warnings that point at the user's own line, or go where a command tells them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edge_dassdp.base.text import printable

PACKAGE = __name__.partition(".")[0]


_tellers: list[Callable[[str], None]] = []


@contextmanager
def told_by(teller: Callable[[str], None]) -> Iterator[None]:
    """A block whose warnings `teller` is given, in place of Python's."""
    _tellers.append(teller)
    try:
        yield
    finally:
        _tellers.pop()


def warn(text: str) -> None:
    """A UserWarning at the innermost line outside this package."""
    if _tellers:
        _tellers[-1](text)
        return
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == PACKAGE:
        frame, level = frame.f_back, level + 1
    warnings.warn(printable(text, "\n"), stacklevel=level)
