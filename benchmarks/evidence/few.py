"""What few labels are worth on the watch: the first k windows of each exercise, and no more.

    python benchmarks/evidence/few.py [--quick] [--seeds N] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
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
from evidence.rows import spread
from evidence.tasks import WATCH, Setting, Task, task

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "benchmarks" / "results" / "few.json"
DOCUMENT = ROOT / "docs" / "few-labels.md"
SCENARIOS = ("E", "Ap", "B", "D")
K = (1, 3, 5, 10)
GOAL_K, GOAL = 3, 84.0
"""Labels a class, and the percent of shifted windows they are to reach."""
IDLE, FEW_IDLE = 300, 100
TITLES = {"touch": "touch, K = 3", "means": "+ class means",
          "idle": f"+ class means + {IDLE} idle steps",
          "profile": f"profile from the labels + touch + class means + {FEW_IDLE} idle steps",
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
            add(t, n, "profile", profile.idle(FEW_IDLE, given))
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


def command(about: str | None, run: Callable[[int, bool], dict[str, Any]],
            tables: Callable[[dict[str, Any]], list[str]], seeds: int, committed: Path) -> None:
    """What both scripts ask: measure, show the tables, write the JSON, and the document where that
    is the committed one."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="a part of it, not written")
    parser.add_argument("--seeds", type=int, default=seeds, help=f"networks (default {seeds})")
    parser.add_argument("--out", type=Path, help="JSON; the committed one unless --quick")
    asked = parser.parse_args()
    result = run(asked.seeds, asked.quick)
    out = asked.out or (None if asked.quick else committed)
    if out:
        out.write_text(written(result), encoding="utf-8")
    if out == committed:
        document(committed.stem, tables(result))
    print("\n".join(tables(result)))


def document(name: str, lines: Sequence[str], path: Path = DOCUMENT) -> None:
    """The tables between the markers of a name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    path.write_text("\n".join([before + begin, *lines, end + after]), encoding="utf-8")


def written(result: dict[str, Any]) -> str:
    """JSON with a row a line."""
    head = json.dumps({name: value for name, value in result.items() if name != "rows"})[:-1]
    body = ",\n".join(json.dumps(row) for row in result["rows"])
    return f'{head}, "rows": [\n{body}\n]}}\n'


if __name__ == "__main__":
    command(__doc__, run, tables, 5, COMMITTED)
