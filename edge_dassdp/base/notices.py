"""Warnings that point at the user's own line."""

from __future__ import annotations

import inspect
import warnings

from edge_dassdp.base.text import printable

PACKAGE = __name__.partition(".")[0]


def warn(text: str) -> None:
    """A UserWarning at the innermost line outside this package."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == PACKAGE:
        frame, level = frame.f_back, level + 1
    warnings.warn(printable(text, "\n"), stacklevel=level)
