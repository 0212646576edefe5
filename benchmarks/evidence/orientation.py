"""What an orientation is worth that the watch fits from a few labels, in the bits of the device.

A part of run.py, with rows of its own in benchmarks/results/orientation.json.

The device takes raw counts. It fits an orientation from the first windows of each exercise in the
stream, which are learned from as well. Shift, order and wearer are drawn by the seed of the
network, as all constants were chosen, and by seeds that no constant was chosen on.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edge_dassdp as ed
from edge_dassdp.base import assets
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import first_of_each
from edge_dassdp.harness import Device
from edge_dassdp.sensor.orientation import Verdict
from evidence.methods import METHODS, STANDARD
from evidence.rows import read, spread, write

SCHEMA = "edge_dassdp/orientation-evidence/1"
COMMITTED = Path(__file__).resolve().parents[1] / "results" / "orientation.json"
SCENARIOS = ("E", "A", "Ap", "B", "C", "D", "N")
SEEDS = range(10)
PER_CLASS = (1, 2, 5)
FEW_CLASSES = 3
SHIFTS = (0, 20)
"""What is added to a network's seed for shift, order and wearer."""
TOUCH = {"mu1": 0.8, "mu2": 32.0}


@dataclass(frozen=True)
class Row:
    """Percent of the test windows. frozen: as it came. oriented: behind what the device itself
    fitted, if anything. chosen: behind the profile that `Device.fit_profile` uses; learned: after
    touch, K = 3, behind that. original: of unshifted windows, then, with the factory profile."""

    scenario: str
    seed: int
    drawn: int
    n_labels: int
    n_classes: int
    verdict: str
    det: int
    profile: str
    frozen: float
    oriented: float
    chosen: float
    learned: float | None = None
    original: float | None = None


@dataclass(frozen=True)
class Watch:
    """A device under a shift."""

    device: Device
    made: watch.Scenario

    def counts(self, samples: Samples) -> NDArray[np.int64]:
        """Raw counts (n, readings, channels)."""
        scaled = np.rint(self.made.scale.windows(samples.x) * watch.COUNTS)
        return np.asarray(np.clip(scaled, -32768, 32767), np.int64)

    def percent(self, samples: Samples) -> float:
        return round(100 * self.device.accuracy(self.counts(samples), samples.y), 3)


def run(seed: int, shifts: Sequence[int] = SHIFTS, learns: bool = True) -> list[Row]:
    """Every scenario, with one network."""
    folder = assets.folder("examples") / "watch"
    data = watch.load_watch(folder / "data.npz")
    training, scale = watch.training(seed, data)
    network = ed.load(folder / f"watch_seed{seed}.npz").with_sensor(scale.sensor)
    learning = METHODS["touch_k3"].learning(network, TOUCH, STANDARD, len(training))
    model = ed.quantize(network, learning, x=training.x, y=training.y)
    with ed.open(model) as device, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the sensor has drifted")
        return [row for name in SCENARIOS for shift in shifts for row in measured(
            Watch(device, watch.scenario(name, seed, data, drawn=seed + shift)), seed,
            seed + shift, learns)]


def measured(worn: Watch, seed: int, drawn: int, learns: bool) -> Iterator[Row]:
    """Fits from 1, 2 and 5 windows of each exercise, and from 2 of three exercises."""
    every = np.unique(worn.made.stream.y).tolist()
    few = np.random.default_rng(drawn).permutation(every)[:FEW_CLASSES].tolist()
    for per_class, classes in (*((k, every) for k in PER_CLASS), (2, few)):
        yield fitted(worn, seed, drawn, per_class, classes,
                     learns and per_class == 2 and classes is every)


def fitted(worn: Watch, seed: int, drawn: int, per_class: int, classes: Sequence[int],
           learns: bool) -> Row:
    device, stream, test = worn.device, worn.made.stream, worn.made.test
    device.reset()
    frozen = worn.percent(test)
    taken = first_of_each(stream.y, per_class)
    taken = taken[np.isin(stream.y[taken], classes)]
    found = device.fit_profile(worn.counts(stream)[taken], stream.y[taken])
    chosen = worn.percent(test)
    oriented, learned, original = frozen, None, None
    if found.orientation.verdict == Verdict.TAKEN:
        device.select_profile(found.orientation.profile(len(watch.MIRROR)))
        oriented = worn.percent(test)
        device.select_profile(found.chosen.profile)
    if learns:
        device.learn(worn.counts(stream), stream.y)
        learned = worn.percent(test)
        device.select_profile("factory")
        original = worn.percent(worn.made.original)
    return Row(worn.made.name, seed, drawn, len(taken), len(classes),
               found.orientation.verdict.name, found.orientation.det, found.chosen.name, frozen,
               oriented, chosen, learned, original)


def keep(rows: Sequence[Row], folder: Path) -> None:
    """In a file of the folder."""
    write(folder / COMMITTED.name, SCHEMA, rows)


def kept() -> list[Row]:
    """Those that are committed."""
    return read(COMMITTED, Row)


def lines(found: Sequence[Row]) -> list[list[str]]:
    """A table, mean ± standard deviation over the networks, by scenario and draws."""
    counts = sorted({r.n_labels for r in found if r.n_classes > FEW_CLASSES})
    made = [["", "draws", "frozen", *(f"profile from {n} labels" for n in counts),
             f"from 2 of each of {FEW_CLASSES} exercises", "worst change from 14 labels",
             "14 labels, then touch: shifted / original", "undecided"]]
    for scenario, added in dict.fromkeys((r.scenario, r.drawn - r.seed) for r in found):
        mine = [r for r in found if (r.scenario, r.drawn - r.seed) == (scenario, added)]
        whole = [r for r in mine if r.n_classes > FEW_CLASSES]
        learned = [r for r in mine if r.learned is not None]
        undecided = sum(r.verdict == Verdict.UNDECIDED.name for r in whole)
        made.append([
            scenario, "others" if added else "own", spread([r.frozen for r in whole]),
            *(spread([r.chosen for r in whole if r.n_labels == n]) for n in counts),
            spread([r.chosen for r in mine if r.n_classes == FEW_CLASSES]),
            f"{min(r.chosen - r.frozen for r in whole if r.n_labels == 14):+.1f}",
            f"{spread([r.learned for r in learned if r.learned is not None])} / "
            f"{np.mean([r.original for r in learned if r.original is not None]):.1f}"
            if learned else "–",
            f"{undecided} of {len(whole)}"])
    return made
