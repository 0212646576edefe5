"""What an orientation is worth that the watch fits from a few labels, in the bits of the device.

    python benchmarks/evidence/orientation.py [--quick] [--out FILE]

The device takes raw counts. It fits an orientation from the first windows of each exercise in the
stream, which are learned from as well. Shift, order and wearer are drawn by the seed of the
network, as all constants were chosen, and by seeds that no constant was chosen on.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import edge_dassdp as ed
from edge_dassdp.base import assets
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import first_of_each
from edge_dassdp.harness import Device
from edge_dassdp.sensor.orientation import Verdict
from evidence.methods import METHODS, STANDARD
from evidence.rows import arguments, spread, write

SCHEMA = "edge_dassdp/orientation-evidence/1"
COMMITTED = Path(__file__).resolve().parents[1] / "results" / "orientation.json"
SCENARIOS = ("E", "A", "Ap", "B", "C", "D", "N")
N_NETWORKS = 10
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


def run(seed: int, shifts: Sequence[int], learns: bool) -> list[Row]:
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


def table(found: Sequence[Row]) -> str:
    """Markdown, mean ± standard deviation over the networks."""
    lines = ["| | drawn | labels | frozen | behind the orientation | worst change | profile in use "
             "| then touch, shifted / original | fitted (determinant -1) | undecided |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    keys = dict.fromkeys((r.scenario, r.drawn - r.seed, r.n_classes, r.n_labels) for r in found)
    for key in keys:
        mine = [r for r in found
                if (r.scenario, r.drawn - r.seed, r.n_classes, r.n_labels) == key]
        learned = [r for r in mine if r.learned is not None]
        after = (f"{spread([r.learned for r in learned])} / "
                 f"{np.mean([r.original for r in learned]):.1f}" if learned else "–")
        taken = [r for r in mine if r.verdict == Verdict.TAKEN.name]
        few = f"{key[3]} of {key[2]} exercises" if key[2] == FEW_CLASSES else str(key[3])
        lines.append(
            f"| {key[0]} | {'own' if not key[1] else f'seeds + {key[1]}'} | {few} "
            f"| {spread([r.frozen for r in mine])} | {spread([r.oriented for r in mine])} "
            f"| {min(r.oriented - r.frozen for r in mine):+.1f} "
            f"| {spread([r.chosen for r in mine])} | {after} "
            f"| {len(taken)} of {len(mine)} ({sum(r.det < 0 for r in taken)}) "
            f"| {sum(r.verdict == Verdict.UNDECIDED.name for r in mine)} |")
    return "\n".join(lines)


def main() -> None:
    asked = arguments(__doc__, "frozen only, three networks", COMMITTED)
    seeds = range(3 if asked.quick else N_NETWORKS)
    made = joblib.Parallel(n_jobs=asked.jobs)(
        joblib.delayed(run)(seed, SHIFTS, not asked.quick) for seed in seeds)
    found = [row for rows_of in made for row in rows_of]
    if asked.out is not None:
        write(asked.out, SCHEMA, found)
    print(table(found))


if __name__ == "__main__":
    main()
