"""What an orientation is worth that the watch fits from a few labels, in the bits of the device.

    python benchmarks/evidence/orientation.py [--quick] [--out FILE]

Raw counts go through the profile in integers, then into the network's own codes. Of the first k
windows of each exercise in the stream an orientation is fitted; they are learned from as well. The
`drawn` seeds of shift, order and wearer beyond those of the networks are ones that no constant was
chosen on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edge_dassdp import __version__, harness
from edge_dassdp.base import assets
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.sensor import channels, choice, orientation
from edge_dassdp.sensor.orientation import Orientation, Verdict
from edge_dassdp.sensor.profile import QProfile, QTriad
from edge_dassdp.targets.emulator import Emulator
from evidence import tasks
from evidence.methods import METHODS, STANDARD
from evidence.results import mean_std

SCHEMA = "edge_dassdp/orientation-evidence/1"
COMMITTED = Path(__file__).resolve().parents[1] / "results" / "orientation.json"
SCENARIOS = ("E", "A", "Ap", "B", "C", "D", "N")
PER_CLASS = (1, 2, 5)
FEW_CLASSES = 3
SHIFTS = (0, 20)
"""What is added to a network's seed for shift, order and wearer."""
UNIT = 512
"""Counts of 1 g and of 1 rad/s."""
TRIADS = (QTriad((0, 1, 2)), QTriad((3, 4, 5), axial=True))
TOUCH = {"mu1": 0.8, "mu2": 32.0}


@dataclass(frozen=True)
class Row:
    """Percent of the test windows. frozen: as it came; oriented: behind the orientation, where one
    was fitted; chosen: behind the factory's, an orientation or channels, as `choice.best` says by
    the windows fitted on; learned: after touch, K = 3, behind that. original: of the unshifted
    windows, then, with the factory profile."""

    scenario: str
    seed: int
    drawn: int
    n_labels: int
    n_classes: int
    verdict: str
    det: int
    frozen: float
    oriented: float
    chosen: float
    learned: float | None = None
    original: float | None = None


@dataclass(frozen=True)
class Watch:
    """A network of the watch in the emulator, its sensor in counts."""

    made: watch.Scenario
    emulator: Emulator

    def counts(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Samples as raw counts (n, readings, channels)."""
        scaled = np.rint(self.made.scale.windows(x) * UNIT)
        return np.asarray(np.clip(scaled, -32768, 32767), np.int64)

    def codes(self, x: NDArray[np.float32], profile: QProfile) -> NDArray[np.int8]:
        """Samples behind a profile, as the network takes them."""
        worn = profile.apply(self.counts(x), TRIADS)
        return input_x(self.emulator.network, self.made.scale.samples(worn / UNIT))

    def percent(self, samples: Samples, profile: QProfile) -> float:
        return round(100 * float(self.hits(samples, profile).mean()), 3)

    def hits(self, samples: Samples, profile: QProfile) -> NDArray[np.bool_]:
        return np.asarray(self.emulator.classify(self.codes(samples.x, profile)) == samples.y)

    def fitted(self, given: Samples) -> tuple[Orientation, QProfile]:
        """From labelled windows: an orientation, and the profile that is right on most of them."""
        n_classes = int(self.made.replay.y.max()) + 1
        then_mean, then_std = by_class(self.counts(self.made.replay.x), self.made.replay.y,
                                       n_classes)
        windows = self.counts(given.x)
        n_seen = np.bincount(given.y, minlength=n_classes)
        mean, std = (np.array([part[given.y == c].sum(axis=0) for c in range(n_classes)])
                     for part in statistics(windows))
        made = orientation.fit(then_mean[:, :3], mean[:, :3], n_seen, UNIT)
        profiles = [QProfile.factory(6),
                    *orientation.candidates(then_mean[:, :3], mean[:, :3], n_seen, UNIT, 6)]
        n_sure = 1 + (made.verdict == Verdict.TAKEN)
        profiles += [channels.fit(then_mean, then_std, mean, std, n_seen, with_gains=gains)
                     for gains in (False, True)]
        n_hits = [int(self.hits(given, profile).sum()) for profile in profiles]
        return made, profiles[choice.best(n_hits, len(given), n_sure)]


def statistics(windows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Means and standard deviations of windows (n, readings, channels), counts (n, channels)."""
    mean = np.floor(windows.mean(axis=1) + 0.5)
    return mean.astype(np.int64), np.floor(windows.std(axis=1)).astype(np.int64)


def by_class(windows: NDArray[np.int64], y: NDArray[np.int64], n_classes: int
             ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The factory's means and standard deviations, counts (n_classes, channels)."""
    found = [[part[y == c].mean(axis=0) for c in range(n_classes)] for part in statistics(windows)]
    mean, std = np.rint(np.array(found)).astype(np.int64)
    return mean, std


def first_of_each(y: NDArray[np.int64], per_class: int, classes: Sequence[int]
                  ) -> NDArray[np.int64]:
    """Rows of the first windows of some classes, in the order of the stream."""
    return np.sort(np.concatenate([np.flatnonzero(y == c)[:per_class] for c in classes]))


def run(seed: int, shifts: Sequence[int], learns: bool) -> list[Row]:
    """Every scenario, with one network."""
    data = watch.load_watch(assets.folder("examples") / "watch" / "data.npz")
    plain = tasks.task(tasks.Setting(tasks.WATCH, "N"), seed)
    learning = METHODS["touch_k3"].learning(plain.network, TOUCH, STANDARD, len(plain.training))
    quantized = quantize(plain.network, learning, Settings(), plain.training.x, plain.training.y)
    emulator = Emulator(quantized.network)
    return [row for name in SCENARIOS for shift in shifts for row in measured(
        name, Watch(watch.scenario(name, seed, data, drawn=seed + shift), emulator), seed,
        seed + shift, learns)]


def measured(name: str, made: Watch, seed: int, drawn: int, learns: bool) -> Iterator[Row]:
    """Fits from 1, 2 and 5 windows of each exercise, and from 2 of three exercises."""
    stream, factory = made.made.stream, QProfile.factory(6)
    made.emulator.reset()
    frozen = made.percent(made.made.test, factory)
    every = np.unique(stream.y).tolist()
    few = np.random.default_rng(drawn).permutation(every)[:FEW_CLASSES].tolist()
    for per_class, classes in (*((k, every) for k in PER_CLASS), (2, few)):
        taken = first_of_each(stream.y, per_class, classes)
        found, best = made.fitted(Samples(stream.x[taken], stream.y[taken]))
        profile = found.profile(6) if found.verdict == Verdict.TAKEN else factory
        row = Row(name, seed, drawn, len(taken), len(classes), found.verdict.name, found.det,
                  frozen, made.percent(made.made.test, profile),
                  made.percent(made.made.test, best))
        if learns and per_class == 2 and classes is every:
            harness.learn_stream(made.emulator, made.codes(stream.x, best), stream.y)
            row = Row(**{**asdict(row), "learned": made.percent(made.made.test, best),
                         "original": made.percent(made.made.original, factory)})
            made.emulator.reset()
        yield row


def table(found: Sequence[Row]) -> str:
    """Markdown, mean ± standard deviation over the networks."""
    lines = ["| | drawn | labels | frozen | behind the orientation | worst change | chosen by hits "
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


def spread(values: Sequence[float]) -> str:
    made = mean_std(values)
    return f"{made.mean:.1f}" + (f" ± {made.spread:.1f}" if made.n > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="frozen only, three networks")
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for one per core")
    parser.add_argument("--out", type=Path, help="JSON; the committed one unless --quick")
    asked = parser.parse_args()
    seeds = range(3 if asked.quick else tasks.WATCH_SEEDS)
    made = joblib.Parallel(n_jobs=asked.jobs)(
        joblib.delayed(run)(seed, SHIFTS, not asked.quick) for seed in seeds)
    found = [row for rows_of in made for row in rows_of]
    path = asked.out or (None if asked.quick else COMMITTED)
    if path is not None:
        body = ",\n".join(json.dumps(asdict(row)) for row in found)
        head = f'{{"schema": "{SCHEMA}", "tool": "{__version__}", "rows": ['
        path.write_text(f"{head}\n{body}\n]}}\n", encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
