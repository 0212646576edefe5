"""Plain text in columns, for `print`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def columns(title: str, rows: Iterable[Sequence[object]]) -> str:
    """A title, and rows below it in columns as wide as their longest cell."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in cells]
    return "\n".join([title, *(f"  {line}" for line in lines)])


def size_text(shape: Sequence[int]) -> str:
    """A shape as people write it: 64 or 8x26x26."""
    return "x".join(map(str, shape))
