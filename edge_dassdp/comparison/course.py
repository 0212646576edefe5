"""A study over its seeds, its rows kept in a file as they are computed: none is computed twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import is_int
from edge_dassdp.comparison import asked
from edge_dassdp.comparison.execute import execute
from edge_dassdp.comparison.results import Comparison
from edge_dassdp.comparison.study import Row, Study
from edge_dassdp.data.labels import ClassNames
from edge_dassdp.neurobench import metrics
from edge_dassdp.storage.files import write_text
from edge_dassdp.version import __version__

SCHEMA = "edge_dassdp/comparison/1"
NAME = "rows.jsonl"
MOST_COUNTED = 256
"""Samples that NeuroBench's metrics are counted on, at most."""
Key = tuple[str, int]
"""Method and seed."""
Told = Callable[[int], None]


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
        if self._is_there():
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

    def _is_there(self) -> bool:
        try:
            return self.path.exists()
        except OSError as problem:
            raise EdgeError("E103", f"{self.path} cannot be read",
                            cause=problem.strerror or str(problem)) from None

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


class Course:
    """A study over its seeds. folder: where rows are kept as they are computed, None for nowhere.

    Raises EdgeError E105 for seeds out of range, those of `Kept`.
    """

    def __init__(self, study: Study, n_seeds: int, folder: Path | None = None, *,
                 resume: bool = False, names: ClassNames | None = None) -> None:
        refuse_unless("E105", is_int(n_seeds) and 1 <= n_seeds <= asked.MOST_SEEDS,
                      f"{n_seeds} seeds, expected 1 to {asked.MOST_SEEDS:,}")
        self.study, self.n_seeds, self.names = study, n_seeds, names
        self.warnings = tuple(asked.warnings(study, n_seeds, names))
        self.kept = None if folder is None else Kept(folder, study, resume=resume)
        self.rows: dict[tuple[str, int], Row] = dict(self.kept.rows) if self.kept else {}
        self.n_before = self.n_done

    @property
    def runs(self) -> int:
        return self.n_seeds * len(self.study.methods)

    @property
    def n_done(self) -> int:
        asked_for = {m.text for m in self.study.methods}
        return sum(m in asked_for and seed < self.n_seeds for m, seed in self.rows)

    @property
    def told(self) -> str:
        """How far it got, a sentence."""
        place = f"are kept in {self.kept.path}: --resume goes on" if self.kept else "were computed"
        return f"{self.n_done:,} of {self.runs:,} runs {place}"

    def run(self, *, n_jobs: int = -1, dask: str | None = None, told: Told | None = None
            ) -> Comparison:
        """What is not there yet. Where it fails in the middle, the error says what is kept."""
        methods = self.study.methods
        left = [r for r in self.study.runs(self.n_seeds)
                if (methods[r.method].text, r.seed) not in self.rows]
        made = execute(self.study, left, n_jobs=n_jobs, dask=dask) if left else iter(())
        try:
            for row in self.kept.add(made) if self.kept else made:
                self.rows[row.method, row.seed] = row
                if told:
                    told(self.n_done)
        except EdgeError as problem:
            if self.n_done:
                problem.message += f": {self.told}"
            raise
        if self.kept:
            self.kept.write()
        return self._comparison()

    def _comparison(self) -> Comparison:
        study, given = self.study, self.study.given
        order = [(m.text, seed) for m in study.methods for seed in range(self.n_seeds)]
        names = self.names.names if self.names else tuple(map(str, range(study.n_classes)))
        sizes = {"train": len(given.training), "stream": len(given.stream),
                 "learned": len(study.stream(0)), "test": len(given.test)}
        if given.original is not None:
            sizes["unshifted"] = len(given.original)
        return Comparison(tuple(m.text for m in study.methods), tuple(self.rows[k] for k in order),
                          study.shas, tuple(names), sizes, self.warnings,
                          tuple(metrics(n, given.test.x[:MOST_COUNTED]) for n in study.frozen))


