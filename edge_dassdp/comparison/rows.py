"""Rows in a file as they are computed, so that nothing is computed twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any

from edge_dassdp import __version__
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.comparison.study import Row, Study
from edge_dassdp.storage.files import write_text

SCHEMA = "edge_dassdp/comparison/1"
NAME = "rows.jsonl"
Key = tuple[str, int]
"""Method and seed."""


class Kept:
    """rows.jsonl in a folder: a first line that says what it is of, then a row a line.

    resume: go on with the rows that are there of the same samples, networks and settings; those of
    methods with other constants are computed anew, those of methods that are not asked for stay.
    Raises EdgeError E105 where the folder holds
    rows and resume is False, or rows of another comparison, E103 for a file that is none, or one
    that cannot be written.
    """

    def __init__(self, folder: Path, study: Study, *, resume: bool = False) -> None:
        self.path = folder / NAME
        self._head = {"schema": SCHEMA, "tool": __version__, "study": study.key}
        self._constants = {m.text: study.learning_key(k) for k, m in enumerate(study.methods)}
        self.rows: dict[Key, Row] = {}
        self._others: list[str] = []
        if self.path.exists():
            if not resume:
                raise EdgeError("E105", f"{self.path} is there: {folder} holds a comparison",
                                help="go on with it with --resume, or name another folder")
            self._read()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise EdgeError("E103", f"{folder} cannot be made",
                            cause=problem.strerror or str(problem)) from None
        self.write()

    def add(self, rows: Iterable[Row]) -> Iterable[Row]:
        """Keeps each before it is handed on."""
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            for row in rows:
                self.rows[row.method, row.seed] = row
                _put(file, self._values(row))
                yield row

    def write(self) -> None:
        """All rows, by seed and method, whatever the order that they came in."""
        order = {text: place for place, text in enumerate(self._constants)}
        rows = sorted(self.rows.values(), key=lambda r: (r.seed, order.get(r.method, len(order)),
                                                         r.method))
        lines = [json.dumps(v) + "\n" for v in (self._head, *map(self._values, rows))]
        write_text(self.path, "".join([*lines, *self._others]))

    def _values(self, row: Row) -> dict[str, Any]:
        return {"constants": self._constants[row.method], **asdict(row)}

    def _read(self) -> None:
        try:
            head, *lines = self.path.read_text("utf-8").splitlines(keepends=True)
            found = json.loads(head)
        except (OSError, ValueError):
            found, lines = None, []
        if not isinstance(found, Mapping) or found.get("schema") != SCHEMA:
            raise EdgeError("E103", f"{self.path} holds no rows of a comparison",
                            help="name another folder, or remove the file")
        if found != self._head:
            raise EdgeError("E105", f"{self.path} is of another comparison",
                            cause="its networks, samples, settings or version of edge-dassdp are "
                            "others", help="give what it was begun with, or name another folder")
        if lines and not lines[-1].endswith("\n"):
            lines.pop()  # the process ended while it was written
        for line in lines:
            row, constants = self._row(line)
            if self._constants.get(row.method) == constants:
                self.rows[row.method, row.seed] = row
            elif row.method not in self._constants:
                self._others.append(line)

    def _row(self, line: str) -> tuple[Row, str]:
        """And what its constants were."""
        try:
            values = json.loads(line)
            constants = values.pop("constants")
            values["confusion"] = tuple(tuple(counts) for counts in values["confusion"])
            if set(values) != {f.name for f in fields(Row)}:
                raise ValueError
            return Row(**values), constants
        except (ValueError, TypeError, KeyError, AttributeError):
            raise EdgeError("E103", f"{self.path} is damaged: a line is no row",
                            help="remove that line, and its run is computed anew") from None


def _put(file: IO[str], values: dict[str, Any]) -> None:
    try:
        file.write(json.dumps(values) + "\n")
        file.flush()
    except OSError as problem:
        raise EdgeError("E103", f"{file.name} cannot be written",
                        cause=problem.strerror or str(problem)) from None
