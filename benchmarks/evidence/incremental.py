"""A class that the watch's network never saw, taught on the device: each exercise in turn is new.

    python benchmarks/evidence/incremental.py [--quick] [--seeds N] [--out FILE]

Networks that know the other six are trained here, once, and kept in the cache folder. The new
exercise is taught from the first windows of it in the stream of known wearers, without a shift, and
all is judged on later windows of the same recordings.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edge_dassdp import __version__, ir
from edge_dassdp.base import assets
from edge_dassdp.comparison.comparators import BackpropLearner
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Network
from edge_dassdp.rules import Learning
from edge_dassdp.storage.cache import kept
from edge_dassdp.tuning.incremental import METHODS, Row, taught
from evidence.methods import METHODS as LEARNED
from evidence.methods import STANDARD, TOUCHED
from evidence.rows import command, spread
from evidence.watches import recordings

COMMITTED = Path(__file__).resolve().parents[1] / "results" / "incremental.json"
EPOCHS, HOP = 8, 15
"""Of the training of a network, half of what those shipped had."""
K = (1, 3, 5, 10)
UNSEEN = 3
"""From this network on. How far a new class reaches was chosen with those before it."""
QUICK_CLASSES = 2
SHOWN_K = 5
"""Samples of the second table."""
TITLES = {"frozen": "the network without the class",
          "device": "spare class + class means",
          "readout": "spare class without class means, touch, K = 3, 100 idle",
          "nearest": "nearest class mean, frozen",
          "backprop": "backprop of two layers, float, 100 idle"}
"""By method."""


def without(samples: Samples, new: int) -> Samples:
    """Of the other classes, numbered anew."""
    old = samples.y != new
    return Samples(samples.x[old], samples.y[old] - (samples.y[old] > new))


def network(seed: int, new: int) -> Network:
    """Of the six other exercises, from the cache folder, where it is trained first."""
    return ir.load(kept(f"evidence/watch_without{new}_{seed}_{EPOCHS}",
                        partial(_train, seed, new)) / "network.npz")


def _train(seed: int, new: int, folder: object) -> None:
    import torch

    from edge_dassdp.frontends.torch import from_torch

    sys.path.append(str(assets.folder("examples")))
    from train_watch import train

    torch.set_num_threads(1)
    samples, scale = watch.training(seed, recordings(), HOP)
    model = train(without(samples, new), seed, EPOCHS)
    made = from_torch(model, n_steps=watch.N_FRAMES, input_frames=watch.N_FRAMES, logits="sum")
    ir.save(made.with_sensor(scale.sensor), f"{folder}/network.npz")


def shots_and_test(seed: int, new: int) -> tuple[Samples, Samples]:
    """Windows of the new class in the order that they are learned, and those to judge by, of known
    wearers without a shift; labels as the network of six has them, the new one last."""
    made = watch.scenario("N", seed, recordings())
    n_old = len(recordings().exercises) - 1
    stream, test = (Samples(s.x, np.where(s.y == new, n_old, s.y - (s.y > new)))
                    for s in (made.stream, made.test))
    is_new = stream.y == n_old
    return Samples(stream.x[is_new], stream.y[is_new]), test


def measure(seed: int, new: int, k: Sequence[int]) -> list[dict[str, Any]]:
    """One network, taught one exercise. Backprop has its constants of docs/evidence.md."""
    known = network(seed, new)
    shots, test = shots_and_test(seed, new)
    training = without(watch.training(seed, recordings())[0], new)
    learning = LEARNED["touch_k3"].learning(known, TOUCHED, STANDARD, len(training))
    return [{"exercise": new, "seed": seed, **asdict(row)} for row in taught(
        known, training, shots, test, learning=learning, k=k, learner=backprop)]


def backprop(grown: Network, learning: Learning, training: Samples) -> BackpropLearner:
    """Of the two last layers, with the same step sizes, schedule and replay."""
    return BackpropLearner(grown, learning, training=training)


def run(seeds: int, quick: bool) -> dict[str, Any]:
    """Every exercise new to as many networks, by joblib's backend at hand. quick: two exercises."""
    exercises = recordings().exercises[: QUICK_CLASSES if quick else None]
    found = joblib.Parallel()(joblib.delayed(measure)(seed, new, K)
                              for seed in range(seeds) for new in range(len(exercises)))
    return {"schema": "edge_dassdp/class-incremental/1", "tool": __version__,
            "exercises": list(exercises), "rows": [row for rows in found for row in rows]}


def named(seeds: set[int]) -> str:
    """Networks by their seeds."""
    return f"network{'s' * (len(seeds) > 1)} {', '.join(map(str, sorted(seeds)))}"


def tables(result: dict[str, Any]) -> list[str]:
    """Markdown: by k, all / old / new / harmonic mean; with five samples, by the class that is new.
    """
    found = [(row["exercise"], row["seed"], Row(**{f.name: row[f.name] for f in fields(Row)}))
             for row in result["rows"]]
    ks = sorted({row.k for _, _, row in found})
    seeds, names = {seed for _, seed, _ in found}, result["exercises"]
    lines = [f"All / old / new / harmonic mean, percent, by samples of the new class; mean over "
             f"{len({new for new, *_ in found})} new classes x {len(seeds)} networks:", "",
             "| | " + " | ".join(f"{k}" for k in ks) + " |", "|---" * (len(ks) + 1) + "|"]
    titles = dict(TITLES)
    for method in METHODS:
        own = {seed for _, seed, row in found if row.method == method}
        titles[method] += f" ({named(own)})" if own != seeds else ""
    shown = [(titles[method], method, min(seeds)) for method in METHODS]
    if min(seeds) < UNSEEN <= max(seeds):
        unseen = {seed for seed in seeds if seed >= UNSEEN}
        shown.insert(2, (f"the same, {named(unseen)} alone", "device", UNSEEN))
    for title, method, first in shown:
        of_k = [[row for _, seed, row in found if (row.method, row.k) == (method, k)
                 and seed >= first] for k in ks]
        lines.append(f"| {title} | " + " | ".join(" / ".join(
            f"{np.mean([getattr(row, value) for row in rows]):.1f}"
            for value in ("all", "old", "new", "harmonic")) for rows in of_k) + " |")
    k = SHOWN_K if SHOWN_K in ks else ks[-1]
    lines += ["", f"Harmonic mean with {k}, by the class that is new:", "",
              "| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    return [*lines, *(f"| {titles[method]} | " + " | ".join(spread(
        [row.harmonic for new, _, row in found if (row.method, row.k, new) == (method, k, place)])
        for place in range(len(names))) + " |" for method in METHODS[1:])]


if __name__ == "__main__":
    command(__doc__, run, tables, 4, COMMITTED)
