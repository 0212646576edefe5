"""Logs of current as instruments export them (CSV), block by block: a file may be of any length."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.measured.columns import FORMATS, Columns, columns_of, is_header
from edge_dassdp.storage.foreign import told, unread, what_is
from edge_dassdp.storage.tables import MARKS

_BLOCK_BYTES = 1 << 22
_MOST_LINE = 1 << 14
_HEAD_LINES = 64
"""Within which a header begins."""
_CELL = "U8"
"""Letters of a digital cell that are looked at."""


@dataclass(frozen=True)
class Block:
    """Rows of a log: seconds, amperes (NaN where one is missing), volts where it has them, and the
    cells of each column of digital channels."""

    t_s: NDArray[np.float64]
    i_a: NDArray[np.float64]
    v_v: NDArray[np.float64] | None
    cells: dict[int, NDArray[np.str_]]

    def power_w(self, volts: float | None) -> NDArray[np.float64]:
        """Watts: at `volts`, or by its own where that is None."""
        if volts is not None:
            return self.i_a * volts
        assert self.v_v is not None  # one of the two is asked for
        return self.i_a * self.v_v


class CurrentLog:
    """The file at `path`; format: who wrote it, in FORMATS, where its header names no units.

    Raises EdgeError E103 for another kind of file, E104 for one without names of columns, E105 for
    an unknown format.
    """

    def __init__(self, path: Path, format: str | None = None) -> None:
        if format is not None and format not in FORMATS:
            raise EdgeError("E105", f"there is no format '{format}'",
                            help=f"choose {', '.join(FORMATS)}")
        found = what_is(path)
        if found is None or found.kind not in ("csv", "text"):
            raise unread(path, "current")
        self.path = path
        self._n_head, self._mark, cells = self._header()
        self.n_columns = len(cells)
        self.columns: Columns = columns_of(path, cells, format)

    def blocks(self) -> Iterator[Block]:
        """Its rows in order. Raises EdgeError E104 for one that holds something else."""
        n_before = self._n_head
        with self.path.open("rb") as file:
            for _ in range(self._n_head):
                file.readline(_MOST_LINE)
            while text := _whole_lines(self.path, file, n_before):
                lines = text.decode("utf-8", "backslashreplace").splitlines()
                yield self._block([line for line in lines if line.strip()], n_before)
                n_before += len(lines)

    def _header(self) -> tuple[int, str, list[str]]:
        """Lines up to the names of columns, what stands between values, and those names."""
        with self.path.open(encoding="utf-8-sig", errors="backslashreplace") as file:
            for n in range(1, _HEAD_LINES + 1):
                line = file.readline(_MOST_LINE)
                mark = next((m for m in MARKS if m in line), ",")
                cells = next(csv.reader(io.StringIO(line), delimiter=mark,
                                        skipinitialspace=True), [])
                if is_header(cells):
                    return n, mark, cells
        raise EdgeError("E104", f"{self.path} names no columns of time and current",
                        cause=f"in its first {_HEAD_LINES} lines",
                        help="export it with a header, as in Timestamp(ms),Current(uA),D0")

    def _block(self, lines: list[str], n_before: int) -> Block:
        c = self.columns
        digital = sorted({channel.column for channel in c.digital})
        analogue = [c.time, c.current, *([c.voltage] if c.voltage is not None else [])]
        if self._mark != ",":
            lines = [line.replace(",", ".") for line in lines]
        kinds: Any = np.dtype([(f"f{i}", "f8" if i in analogue else _CELL)
                               for i in sorted((*analogue, *digital))])
        try:
            rows = np.loadtxt(lines, kinds, delimiter=self._mark, comments=None, quotechar='"',
                              usecols=sorted((*analogue, *digital)), ndmin=1)
        except ValueError as problem:
            raise self._wrong(lines, n_before, analogue, problem) from None
        t_s, i_a = rows[f"f{c.time}"] * c.seconds, rows[f"f{c.current}"] * c.amperes
        if not np.isfinite(t_s).all():
            raise EdgeError("E104", f"{self.path}: its time is no number behind row {n_before:,}",
                            help="export time and current as plain numbers")
        i_a[np.isinf(i_a)] = np.nan
        v_v = None if c.voltage is None else rows[f"f{c.voltage}"] * c.volts
        return Block(t_s, i_a, v_v, {i: rows[f"f{i}"] for i in digital})

    def _wrong(self, lines: Sequence[str], n_before: int, analogue: Sequence[int],
               problem: ValueError) -> EdgeError:
        """What stands in the first row that cannot be read."""
        for n, line in enumerate(lines, n_before + 1):
            cells = next(csv.reader([line], delimiter=self._mark), [])
            if len(cells) < self.n_columns:
                return EdgeError("E104", f"{self.path}: row {n:,} has {len(cells)} values, its "
                                 f"header {self.n_columns}", help="export it again: it was cut off")
            for column in analogue:
                try:
                    float(cells[column])
                except ValueError:
                    return EdgeError("E104", f"{self.path}: row {n:,} holds "
                                     f"{told(cells[column])!r:.60} where a number is expected",
                                     help="export time and current as plain numbers")
        return EdgeError("E104", f"{self.path} cannot be read behind row {n_before:,}",
                         cause=told(str(problem)))


def _whole_lines(path: Path, file: BinaryIO, n_before: int) -> bytes:
    """The next bytes, up to the end of a line."""
    text = file.read(_BLOCK_BYTES)
    rest = file.readline(_MOST_LINE + 1) if text and not text.endswith(b"\n") else b""
    if len(rest) > _MOST_LINE:
        raise EdgeError("E104", f"{path}: a line behind row {n_before:,} has more than "
                        f"{_MOST_LINE:,} letters", help="export it again")
    return text + rest
