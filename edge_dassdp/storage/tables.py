"""Text files of values (CSV), row by row: no more of one is held than a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.foreign import unread, what_is

MOST_BYTES, MOST_LINE = 1 << 28, 1 << 22
"""Of a file, and letters of a line."""
MARKS = (";", "\t", ",")
"""What may stand between values, the first of these that the first row has; else blanks do."""

Row = tuple[int, list[str]]
"""Its line in the file, counted from 1, and its cells."""


def rows(path: Path) -> Iterator[Row]:
    """Rows of a text file; lines without values and those that begin with # are left out.

    Raises EdgeError E103 for another kind of file or one above MOST_BYTES, E104 for a line above
    MOST_LINE or with quotes that do not close.
    """
    found = what_is(path)
    if found is None or found.kind not in ("csv", "text"):
        raise unread(path, "csv")
    if path.stat().st_size > MOST_BYTES:
        raise EdgeError("E103", f"{path} has more than {MOST_BYTES:,} bytes",
                        help="write its numbers as arrays: np.savez('data.npz', x=x, y=y)")
    with path.open(encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        first = next((line for line in _lines(path, file) if line.strip()), "")
        file.seek(0)
        mark = next((mark for mark in MARKS if mark in first), None)
        if mark is None and found.kind != "csv" and not first.strip().lstrip("+-.")[:1].isdigit():
            raise unread(path, "csv")
        for row in _cells(path, _lines(path, file), mark):
            if any(cell.strip() for cell in row[1]):
                yield row


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    """Lines of a bounded length, comments emptied."""
    n = 0
    while line := file.readline(MOST_LINE + 1):
        n += 1
        if len(line) > MOST_LINE:
            raise EdgeError("E104", f"{path}: row {n} has more than {MOST_LINE:,} letters",
                            help="write one sample in a row")
        yield "\n" if line.startswith("#") else line


def _cells(path: Path, lines: Iterator[str], mark: str | None) -> Iterator[Row]:
    if mark is None:
        yield from enumerate((line.split() for line in lines), 1)
        return
    reader = csv.reader(lines, delimiter=mark, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as problem:
        raise EdgeError("E104", f"{path}: row {reader.line_num} cannot be taken apart",
                        cause=str(problem), help="close its quotes, or leave them out") from None
