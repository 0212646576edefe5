"""What few labels are worth on the watch: the first k windows of each exercise, and no more.

    python benchmarks/evidence/few.py [--quick] [--seeds N] [--out FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edge_dassdp import __version__
from edge_dassdp.comparison.profiles import Fitted
from edge_dassdp.comparison.trial import Given, OnDevice, Scores, percent
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import first_of_each
from edge_dassdp.harness import Device
from edge_dassdp.quantize import quantize
from edge_dassdp.rules.classes import hidden_of
from edge_dassdp.tuning.incremental import NearestMean
from evidence.methods import METHODS, STANDARD, TOUCHED
from evidence.rows import command, spread
from evidence.tasks import WATCH, Setting, Task, task

COMMITTED = Path(__file__).resolve().parents[1] / "results" / "few.json"
SCENARIOS = ("E", "Ap", "B", "D")
K = (1, 3, 5, 10)
GOAL_K, GOAL = 3, 84.0
"""Labels a class, and the percent of shifted windows they are to reach."""
IDLE = 300
"""The most of 50, 100, 200 and 300, and the best of them on the validation wearers."""
TITLES = {"touch": "touch, K = 3", "means": "+ class means",
          "idle": f"+ class means + {IDLE} idle steps",
          "profile": f"profile from the labels + touch + class means + {IDLE} idle steps",
          "nearest": "nearest class mean, frozen, float"}
"""By method."""


@dataclass(frozen=True)
class Row:
    """Percent of the test windows after k labels a class. original: of unshifted windows, then."""

    scenario: str
    seed: int
    k: int
    method: str
    shifted: float
    original: float


def first(stream: Samples, k: int) -> Samples:
    """The first k of each class, or all where there are fewer, in the order of the stream."""
    rows = first_of_each(stream.y, k)
    return Samples(stream.x[rows], stream.y[rows])


def by_all(device: Device, stream: Samples) -> Fitted:
    """The device fits to every label that it is given."""
    device.fit_profile(stream.x, stream.y)
    return Fitted(stream, len(stream), on_device=True)


def measure(seed: int, scenarios: Sequence[str], k: Sequence[int]) -> list[Row]:
    """One network over its streams."""
    tasks = [task(Setting(WATCH, scenario), seed) for scenario in scenarios]
    one = tasks[0]
    plain = METHODS["touch_k3"].learning(one.network, TOUCHED, STANDARD, len(one.training))
    models = [quantize(one.network, replace(plain, class_means=has_means), None, one.training.x,
                       one.training.y).network for has_means in (False, True)]
    touch, means = (OnDevice(model) for model in models)
    profile = OnDevice(models[1], fit=by_all)
    hidden, rows = hidden_of(one.network, plain.rules), []

    def add(t: Task, n: int, method: str, found: Scores) -> None:
        rows.append(Row(t.setting.scenario, seed, n, method, found.shifted, found.original))

    for t in tasks:
        for n in k:
            given = Given(t.training, first(t.stream, n), t.test, t.original)
            add(t, n, "touch", touch.learn(given))
            add(t, n, "means", means.learn(given))
            add(t, n, "idle", means.idle(IDLE, given))
            profile.learn(given)
            add(t, n, "profile", profile.idle(IDLE, given))
            near = NearestMean(t.network, hidden, given.stream)
            rows.append(Row(t.setting.scenario, seed, n, "nearest", *(
                percent(near.classify(s.x) == s.y) for s in (t.test, t.original))))
    return rows


def run(seeds: int, quick: bool) -> dict[str, Any]:
    """Rows of as many networks, by joblib's backend at hand. quick: 1 and 3 labels, E and B."""
    asked = (("E", "B"), (1, GOAL_K)) if quick else (SCENARIOS, K)
    found = joblib.Parallel()(joblib.delayed(measure)(seed, *asked) for seed in range(seeds))
    return {"schema": "edge_dassdp/few-labels/1", "tool": __version__,
            "rows": [asdict(row) for rows in found for row in rows]}


def mean_of(rows: Sequence[Row], value: str) -> str:
    """Over scenarios, then mean and standard deviation over seeds."""
    return spread([float(np.mean([getattr(r, value) for r in rows if r.seed == seed]))
                   for seed in sorted({r.seed for r in rows})])


def tables(result: dict[str, Any]) -> list[str]:
    """Markdown: labels by columns, methods by rows; which row reaches the goal; by scenario."""
    rows = [Row(**row) for row in result["rows"]]
    ks, scenarios = sorted({r.k for r in rows}), list(dict.fromkeys(r.scenario for r in rows))
    lines = [f"Labels a class, shifted / original, percent, mean of {', '.join(scenarios)}, "
             f"{len({r.seed for r in rows})} networks:", "",
             "| | " + " | ".join(f"{k}" for k in ks) + " |", "|---" * (len(ks) + 1) + "|"]
    reached = []
    for method, title in TITLES.items():
        by_k = {k: [r for r in rows if (r.method, r.k) == (method, k)] for k in ks}
        lines.append(f"| {title} | " + " | ".join(
            f"{mean_of(of, 'shifted')} / {mean_of(of, 'original').split(' ')[0]}"
            for of in by_k.values()) + " |")
        if np.mean([r.shifted for r in by_k[GOAL_K]]) >= GOAL:
            reached.append(title)
    lines += ["", f"{GOAL_K} labels a class reach {GOAL:.0f} by: {'; '.join(reached) or 'none'}."]
    lines += ["", f"With {GOAL_K} a class, shifted, by scenario:", "",
              "| | " + " | ".join(scenarios) + " |", "|---" * (len(scenarios) + 1) + "|"]
    return [*lines, *(f"| {title} | " + " | ".join(
        mean_of([r for r in rows if (r.method, r.k, r.scenario) == (method, GOAL_K, s)], "shifted")
        for s in scenarios) + " |" for method, title in TITLES.items())]


if __name__ == "__main__":
    command(__doc__, run, tables, 5, COMMITTED)
