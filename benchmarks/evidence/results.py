"""Rows by method and stream, as they are kept in JSON, and the arithmetic of the tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edge_dassdp import __version__
from edge_dassdp.comparison.statistics import Estimate, paired
from evidence.measure import Row
from evidence.methods import STANDARD
from evidence.tasks import WATCH, Setting

SCHEMA = "edge_dassdp/evidence/1"
COLUMNS = ("before", "online", "shifted", "original", "written", "skipped", "replayed")
UNIT = "percent of the samples; written, skipped and replayed are numbers of samples"
Key = tuple[str, str, str, float, str, str]


@dataclass
class Results:
    """groups: by dataset, scenario, order, wrong labels, replay and method: each column's values by
    seed. constants: by method its grid, scores and choice. seconds, cpu_seconds: of each part, all
    its runs together, by the clock and of a processor. finished: parts that came to their end."""

    groups: dict[Key, dict[int, dict[str, float]]] = field(default_factory=dict)
    constants: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)

    def add(self, rows: Iterable[Row]) -> None:
        """A row replaces an earlier one of the same run."""
        for row in rows:
            key = self.key(row.setting, row.replay, row.method)
            columns = asdict(row)
            self.groups.setdefault(key, {})[row.seed] = {c: columns[c] for c in COLUMNS}

    def took(self, part: str, seconds: float) -> None:
        """Adds to what the part took before: a run may be resumed."""
        self.seconds[part] = round(self.seconds.get(part, 0) + seconds)

    def worked(self, part: str, seconds: float) -> None:
        """As `took`, for the processor."""
        self.cpu_seconds[part] = round(self.cpu_seconds.get(part, 0) + seconds, 1)

    @staticmethod
    def key(setting: Setting, replay: str, method: str) -> Key:
        s = setting
        return (s.dataset, s.scenario, s.order, s.wrong_labels, replay, method)

    def by_seed(self, method: str, setting: Setting, column: str, replay: str = STANDARD
                ) -> dict[int, float]:
        """Seed -> value; empty if it was not run."""
        found = self.groups.get(self.key(setting, replay, method), {})
        return {seed: v[column] for seed, v in sorted(found.items())}

    def mean_by_seed(self, method: str, settings: Sequence[Setting], column: str,
                     replay: str = STANDARD) -> dict[int, float]:
        """Seed -> mean over the settings, of seeds that have all of them."""
        found = [self.by_seed(method, s, column, replay) for s in settings]
        seeds = set.intersection(*(set(f) for f in found)) if found else set()
        return {seed: float(np.mean([f[seed] for f in found])) for seed in sorted(seeds)}

    def difference(self, method: str, other: str, settings: Sequence[Setting], column: str,
                   replay: str = STANDARD, other_replay: str = STANDARD) -> Estimate | None:
        """Paired over the seeds that both have; None without any."""
        mine = self.mean_by_seed(method, settings, column, replay)
        theirs = self.mean_by_seed(other, settings, column, other_replay)
        seeds = sorted(mine.keys() & theirs.keys())
        return paired([mine[s] for s in seeds], [theirs[s] for s in seeds]) if seeds else None

    def seeds(self, dataset: str) -> list[int]:
        """Of any method."""
        return sorted({seed for key, found in self.groups.items() if key[0] == dataset
                       for seed in found})

    def n_seeds(self, dataset: str, method: str) -> int:
        return max((len(found) for key, found in self.groups.items()
                    if (key[0], key[-1]) == (dataset, method)), default=0)

    def datasets(self) -> list[str]:
        """Those with rows, the watch first."""
        names = dict.fromkeys(key[0] for key in self.groups)
        return sorted(names, key=lambda n: n != WATCH)

    def save(self, path: Path) -> None:
        """One line per group, so that differences can be read."""
        lines = []
        for key, found in sorted(self.groups.items()):
            head = dict(zip(("dataset", "scenario", "order", "wrong_labels", "replay", "method"),
                            key, strict=True))
            seeds = sorted(found)
            lines.append(json.dumps({**head, "seeds": seeds, **{
                c: [found[s][c] for s in seeds] for c in COLUMNS}}))
        header = json.dumps({"schema": SCHEMA, "tool": __version__, "unit": UNIT,
                             "seconds": self.seconds,
                             "cpu_seconds": self.cpu_seconds, "finished": self.finished,
                             "constants": self.constants}, indent=1)
        body = ",\n".join(lines)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{header[:-2]},\n "rows": [\n{body}\n]}}\n', encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Results:
        """What `save` wrote; empty where there is no file."""
        if not path.exists():
            return cls()
        data = json.loads(path.read_text(encoding="utf-8"))
        groups: dict[Key, dict[int, dict[str, float]]] = {}
        for g in data["rows"]:
            key = (g["dataset"], g["scenario"], g["order"], g["wrong_labels"], g["replay"],
                   g["method"])
            groups[key] = {seed: {c: g[c][k] for c in COLUMNS} for k, seed in enumerate(g["seeds"])}
        return cls(groups, data["constants"], data["seconds"],
                   data.get("cpu_seconds", {}), data.get("finished", []))
