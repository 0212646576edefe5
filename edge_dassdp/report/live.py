"""What moves while a command works: a panel of figures, a bar, a sign of life. On a terminal alone;
elsewhere a line of figures now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Timer
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.status import Status
from rich.table import Table
from rich.text import Text

_RENEWED_S = 0.1
"""A terminal, maybe far away, gets no more panels than people see."""
LINES_S = 10.0
"""Between lines, and before the first."""
_SHARE = 0.1
"""Of the time, that panels take at most: the frozen network runs for them, a device is asked."""


def moves(console: Console) -> bool:
    """Whether it is a terminal whose cursor can go back."""
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()


@contextmanager
def bar(console: Console, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """To be called with the number done, of a total that is 0 where it is not known. Where nothing
    moves a line tells of it now and then."""
    if not moves(console):
        yield _Lines(console, what, total)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total or None)
        yield lambda done: progress.update(task, completed=done)


class _Lines:
    """How far it is, of what takes long."""

    def __init__(self, console: Console, what: str, total: int) -> None:
        self._console, self._what = console, what
        self._of = f" of {total:,}" if total else ""
        self._next_s = time.monotonic() + LINES_S

    def __call__(self, done: int) -> None:
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + LINES_S
            self._console.print(Text(f"{self._what}: {done:,}{self._of}"), soft_wrap=True)


class Pulse:
    """A sign of life of what takes long and shows nothing else. Between `stop` and `start` there is
    none."""

    def __init__(self, console: Console, what: str, after_s: float = 2.0) -> None:
        self._console, self._what, self._after_s = console, what, after_s
        self._lock = Lock()
        self._timer: Timer | None = None
        self._status: Status | None = None

    def start(self) -> None:
        """It is shown after a while."""
        if moves(self._console):
            self._timer = Timer(self._after_s, self._show)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """Harmless where it was not started."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            if self._status:
                self._status.stop()
            self._timer = self._status = None

    def _show(self) -> None:
        with self._lock:
            if self._timer:
                self._status = self._console.status(Text(self._what), spinner="line")
                self._status.start()


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
        self._next_s = 0.0
        self._live = Live(console=console, auto_refresh=False) if moves(console) else None

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
        elif is_last or time.monotonic() >= self._next_s:
            begun_s = time.monotonic()
            self._live.update(_table(rows()), refresh=True)
            now_s = time.monotonic()
            self._next_s = now_s + max(_RENEWED_S, (now_s - begun_s) / _SHARE)


def _table(rows: Sequence[Row]) -> Table:
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(Text(row.name, "bold"), Text(row.text, "bold red" if row.is_bad else ""))
    return table
