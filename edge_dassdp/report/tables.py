"""Tables of the screens, and parts of a screen one below the other."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edge_dassdp.base.text import printable


def apart(first: RenderableType, *others: RenderableType) -> Group:
    """Parts of a screen, an empty line between two."""
    parts = [first]
    for part in others:
        parts += [Text(""), part]
    return Group(*parts)


class _Literal(Table):
    """A table whose cells are text as it stands, on any console."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(Text(printable(c, "\n\t")) if isinstance(c, str) else c
                          for c in cells), **options)


def table(first: str, *others: str, left: tuple[str, ...] = ()) -> Table:
    made = _Literal(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    options: dict[str, Any] = {"overflow": "fold"}
    made.add_column(first, justify="left", **options)
    for name in others:
        made.add_column(name, justify="left" if name in left else "right", **options)
    return made
