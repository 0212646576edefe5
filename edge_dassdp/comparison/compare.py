"""The comparison itself: from samples and networks to a table, kept as it is computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import is_int
from edge_dassdp.comparison import asked
from edge_dassdp.comparison.execute import execute
from edge_dassdp.comparison.results import Comparison
from edge_dassdp.comparison.rows import Kept
from edge_dassdp.comparison.study import Row, Study
from edge_dassdp.data.labels import ClassNames

Told = Callable[[int], None]


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
                          study.shas, tuple(names), sizes, self.warnings)


