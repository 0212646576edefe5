"""Without labels: the drift alarm, and profiles that a device takes by itself, on the watch data.

    python benchmarks/evidence/unlabelled.py [--seeds 0 1 ...] [--out FILE.json]

Counts are those of a sensor of 512 to a g and to a radian a second. Of every stream, window by
window in its order: how often the alarm was on, which profile was taken and when, how far its
orientation is from the one that undoes the shift, and the frozen integer network on the test
windows before and after. Seeds without a shipped network have no accuracy.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.sensor.drift import N_ALARM, statistics
from edge_dassdp.sensor.monitor import Event, Monitor
from edge_dassdp.sensor.profile import Kind, QProfile, QTriad
from edge_dassdp.targets.emulator import Emulator

UNIT = 512
TRIADS = (QTriad((0, 1, 2)), QTriad((3, 4, 5), axial=True))
SCENARIOS = ("N", "B", "D", "E", "Ap", "A", "C")
UNTOUCHED = ("N", "B", "D")
"""Where there is nothing that a profile mends."""
N_NETWORKS = 10


@dataclass(frozen=True)
class Taken:
    """One stream. alarms: share of its windows behind which the alarm was on. median: D of the
    first N_ALARM windows. profile: kind of the one taken, or None; after: windows until then;
    degrees: what its orientation leaves of the shift; None where that is not known. is_mirrored:
    its determinant is the wrong one. before, after_it: percent of the test windows."""

    scenario: str
    order: watch.Order
    seed: int
    n_windows: int
    alarms: float
    median: float
    profile: str | None = None
    after: int | None = None
    degrees: float | None = None
    is_mirrored: bool = False
    before: float | None = None
    after_it: float | None = None


@cache
def _data() -> watch.WatchData:
    return watch.load_watch(assets.folder("examples") / "watch" / "data.npz")


def counts(x: NDArray[np.float32], scale: watch.Scale) -> NDArray[np.int16]:
    """Readings (n, WINDOW, 6) of standardized samples."""
    return np.clip(np.floor(scale.windows(x) * UNIT + 0.5), -(2**15), 2**15 - 1).astype(np.int16)


def run(scenario: str, order: watch.Order, seed: int) -> Taken:
    """The stream of one seed, a profile allowed."""
    made = watch.scenario(scenario, seed, _data(), order=order)
    drift = statistics(counts(made.replay.x, made.scale), made.replay.y, TRIADS, UNIT, N_ALARM)
    alone, device = Monitor(drift), Monitor(drift, is_allowed=True)
    taken: QProfile | None = None
    after, on, first = None, [], 0
    for i, window in enumerate(counts(made.stream.x, made.scale)):
        alone.window(window)
        on.append(alone.is_on)
        first = alone.median_q8 if i == N_ALARM - 1 else first
        if taken is None:
            event, taken = device.window(window)
            after = i + 1 if event is Event.PROFILE_TAKEN else None
    degrees, is_mirrored = _left(taken, scenario, order, seed, made)
    before, then = _accuracy(made, seed, taken)
    return Taken(scenario, order, seed, len(made.stream), float(np.mean(on)), first / 256,
                 taken.kind.name.lower() if taken else None, after, degrees, is_mirrored,
                 before, then)


def _left(taken: QProfile | None, scenario: str, order: watch.Order, seed: int,
          made: watch.Scenario) -> tuple[float | None, bool]:
    """Degrees between what was taken and what undoes the shift; whether it is a mirror image."""
    if taken is None or taken.kind is not Kind.ORIENTATION:
        return None, False
    shift = np.diag(watch.MIRROR[:3]) if scenario in ("A", "Ap") else np.eye(3)
    if scenario == "E":
        straight = watch.scenario("N", seed, _data(), order=order)
        shift = np.linalg.lstsq(*(
            s.scale.windows(s.stream.x[:20]).reshape(-1, 6)[:, :3] for s in (straight, made)),
            rcond=None)[0].T
    product = np.array(taken.q_q14) / 2**14 @ shift
    is_mirrored = bool(np.linalg.det(product) < 0)
    turn = -product if is_mirrored else product
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))), is_mirrored


def _accuracy(made: watch.Scenario, seed: int, taken: QProfile | None
              ) -> tuple[float | None, float | None]:
    if seed >= N_NETWORKS:
        return None, None
    network, emulator = _emulator(seed)

    def score(samples: Samples) -> float:
        return 100 * float((emulator.classify(input_x(network, samples.x)) == samples.y).mean())

    before = score(made.test)
    if taken is None:
        return before, before
    worn = taken.apply(counts(made.test.x, made.scale), TRIADS)
    return before, score(Samples(made.scale.samples(worn / UNIT), made.test.y))


@cache
def _emulator(seed: int):
    source = ir.load(assets.folder("examples") / "watch" / f"watch_seed{seed}.npz")
    network = quantize(source, None, Settings(), watch.training(seed, _data())[0].x).network
    return network, Emulator(network)


def table(rows: list[Taken]) -> Iterator[str]:
    """A line of Markdown for each scenario and order."""
    yield ("| scenario | order | seeds | median D of the first 35 | alarm on | profiles taken "
           "| after | degrees left | frozen | with the profile | worst change |")
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for order in ("shuffled", "blocked"):
        for scenario in SCENARIOS:
            part = [r for r in rows if (r.scenario, r.order) == (scenario, order)]
            if part:
                yield _line(scenario, order, part)


def _line(scenario: str, order: str, part: list[Taken]) -> str:
    took = [r for r in part if r.profile]
    known = [r for r in part if r.before is not None]
    angles = [r.degrees for r in took if r.degrees is not None]
    change = [r.after_it - r.before for r in known]
    cells = (scenario, order, str(len(part)),
             f"{min(r.median for r in part):.1f}-{max(r.median for r in part):.1f}",
             f"{sum(r.alarms > 0 for r in part)} of {len(part)}",
             f"{len(took)}" + "".join(f", {n} {kind}" for kind in ("channels", "orientation")
                                      if (n := sum(r.profile == kind for r in took))),
             f"{int(np.median([r.after for r in took]))}" if took else "",
             f"median {np.median(angles):.0f}, worst {max(angles):.0f}"
             + (f", {n} mirrored" if (n := sum(r.is_mirrored for r in took)) else "")
             if angles else "",
             _mean([r.before for r in known]), _mean([r.after_it for r in known]),
             f"{min(change):+.1f}" if change else "")
    return f"| {' | '.join(cells)} |"


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.1f}±{np.std(values, ddof=1):.1f}" if len(values) > 1 else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[*range(10), *range(20, 30)])
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rows = joblib.Parallel(n_jobs=asked.jobs)(
        joblib.delayed(run)(scenario, order, seed) for seed in asked.seeds
        for order in ("shuffled", "blocked") for scenario in asked.scenarios)
    for seeds in (range(N_NETWORKS), range(N_NETWORKS, 10**6)):
        part = [r for r in rows if r.seed in seeds]
        print("\n".join(table(part)) + "\n" if part else "", end="")
    wrong = [r for r in rows if r.scenario in UNTOUCHED and r.profile]
    print(f"touched of {', '.join(UNTOUCHED)}: {len(wrong)}")
    for r in wrong:
        print(f"  {r.scenario} {r.order} seed {r.seed}: {r.profile} after {r.after}")
    if asked.out:
        asked.out.write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
