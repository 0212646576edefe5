"""Figures that change: a panel that renews itself on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

_RENEWED_S = 0.1
"""A terminal, maybe far away, gets no more panels than people see."""


@dataclass(frozen=True)
class Row:
    """A figure with its name. is_bad: worse than it should be, shown in red. in_line: also where a
    line tells of all."""

    name: str
    text: str
    is_bad: bool = False
    in_line: bool = True


Rows = Callable[[], Sequence[Row]]


class Panel:
    """Rows on a console; `show` says that they may have changed. What is not shown is not asked
    for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown_s = 0.0
        can_move = console.is_terminal and not console.is_dumb_terminal
        self._live = Live(console=console, auto_refresh=False) if can_move else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def show(self, rows: Rows, *, is_line_due: bool, is_last: bool = False) -> None:
        """is_line_due: where no panel can be, a line is printed now. is_last: a panel stands so."""
        if self._live is None:
            if is_line_due:
                told = (f"{row.name} {row.text}" for row in rows() if row.in_line)
                self._console.print(Text(", ".join(told)), soft_wrap=True)
        elif is_last or time.monotonic() - self._shown_s >= _RENEWED_S:
            self._live.update(_table(rows()), refresh=True)
            self._shown_s = time.monotonic()


def _table(rows: Sequence[Row]) -> Table:
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(Text(row.name, "bold"), Text(row.text, "bold red" if row.is_bad else ""))
    return table
