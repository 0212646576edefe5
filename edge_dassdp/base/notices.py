"""What a command tells while it works. In Python warnings point at the user's own line; what takes
long is not told."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edge_dassdp.base.text import printable

PACKAGE = __name__.partition(".")[0]


Teller = Callable[[str], None]
_tellers: list[tuple[Teller, Teller | None]] = []


@contextmanager
def told_by(warned: Teller, begun: Teller | None = None) -> Iterator[None]:
    """A block of a command. warned: is given its warnings, in place of Python's. begun: what takes
    long there."""
    _tellers.append((warned, begun))
    try:
        yield
    finally:
        _tellers.pop()


def warn(text: str) -> None:
    """A UserWarning at the innermost line outside this package."""
    if _tellers:
        warned, _ = _tellers[-1]
        warned(text)
        return
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == PACKAGE:
        frame, level = frame.f_back, level + 1
    warnings.warn(printable(text, "\n"), stacklevel=level)


def begins(text: str) -> None:
    """What takes seconds begins."""
    if _tellers and (begun := _tellers[-1][1]):
        begun(text)
