"""Without labels: the drift alarm, and profiles that a device takes by itself, on the watch data.

A part of run.py, with rows of its own in benchmarks/results/unlabelled.json. The frozen network
behind its sensor, in the bits of the device: raw counts, 512 to 1 g and 1 rad/s, of every window of
a stream in its order are observed without a label. Told is how often the alarm was on while no
profile was allowed, which was taken when one was, how far its orientation is from the one that
undoes the shift, and the test windows before and after. The `drawn` seeds of shift, order and
wearer beyond those of the networks are ones that no constant was chosen on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.sensor.drift import N_ALARM
from edge_dassdp.sensor.monitor import Event
from edge_dassdp.sensor.profile import Kind, QProfile
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.profiles import read_profiles
from evidence import tasks
from evidence.rows import read, spread, write

SCHEMA = "edge_dassdp/unlabelled-evidence/1"
COMMITTED = Path(__file__).resolve().parents[1] / "results" / "unlabelled.json"
SCENARIOS = ("N", "B", "D", "E", "Ap", "A", "C")
ORDERS: tuple[watch.Order, ...] = ("shuffled", "blocked")
SHIFTS = (0, 20)
"""What is added to a network's seed for shift, order and wearer."""
SEEDS = range(tasks.WATCH_SEEDS)


@dataclass(frozen=True)
class Row:
    """One stream. n_alarms: how often the alarm came on; alarmed: share of the windows behind which
    it was; median: D of the first N_ALARM windows. profile: kind of the one taken, or None; after:
    windows until then; degrees: what its orientation leaves of the shift, None where it has none;
    is_mirrored: its determinant is the wrong one. frozen, taken: percent of the test windows
    before, and behind the profile."""

    scenario: str
    order: watch.Order
    seed: int
    drawn: int
    n_windows: int
    n_alarms: int
    alarmed: float
    median: float
    frozen: float
    taken: float
    profile: str | None = None
    after: int | None = None
    degrees: float | None = None
    is_mirrored: bool = False


def device(seed: int) -> Emulator:
    """The network of a seed behind its sensor."""
    plain = tasks.task(tasks.Setting(tasks.WATCH, "N"), seed)
    return Emulator(quantize(plain.network, None, Settings(drift="profile"), plain.training.x,
                             plain.training.y).network)


def run(seed: int, shifts: Sequence[int] = SHIFTS) -> list[Row]:
    """Every scenario in both orders, with one network."""
    emulator, data = device(seed), tasks.recordings()
    return [_measured(emulator, watch.scenario(name, seed, data, order=order, drawn=seed + shift),
                      watch.scenario("N", seed, data, order=order, drawn=seed + shift),
                      Row(name, order, seed, seed + shift, 0, 0, 0, 0, 0, 0))
            for shift in shifts for order in ORDERS for name in SCENARIOS]


def _measured(emulator: Emulator, made: watch.Scenario, straight: watch.Scenario, row: Row) -> Row:
    windows = input_x(emulator.network, made.stream.x)
    emulator.reset()
    on, medians = [], []
    for x in windows:
        emulator.observe(x)
        told = emulator.drift()
        on.append(told.alarm)
        medians.append(told.median)
    frozen, n_alarms = _percent(emulator, made.test), emulator.drift().n_alarms
    row = replace(row, n_windows=len(windows), n_alarms=n_alarms, alarmed=float(np.mean(on)),
                  median=medians[N_ALARM - 1], frozen=frozen, taken=frozen)
    emulator.reset()
    emulator.allow_profile()
    for i, x in enumerate(windows, 1):
        if emulator.observe(x) is Event.PROFILE_TAKEN:
            profile = read_profiles(emulator.network, emulator.read_learning()).selected
            degrees, is_mirrored = _left(profile, made, straight)
            return replace(row, taken=_percent(emulator, made.test), after=i, degrees=degrees,
                           profile=profile.kind.name.lower(), is_mirrored=is_mirrored)
    return row


def _percent(emulator: Emulator, samples: Samples) -> float:
    x = input_x(emulator.network, samples.x)
    return round(100 * float((emulator.classify(x) == samples.y).mean()), 3)


def _left(profile: QProfile, made: watch.Scenario, straight: watch.Scenario
          ) -> tuple[float | None, bool]:
    """Degrees between an orientation and the one that undoes the shift; whether it is a mirror
    image of that. straight: the same stream without the rotation of E."""
    if profile.kind is not Kind.ORIENTATION:
        return None, False
    shift: NDArray[np.float64] = np.eye(3)
    if made.name == "E":
        before, now = (s.scale.windows(s.stream.x[:20]).reshape(-1, 6)[:, :3]
                       for s in (straight, made))
        shift = np.linalg.lstsq(before, now, rcond=None)[0].T
    elif made.name in ("A", "Ap"):
        shift = np.diag(watch.MIRROR[:3])
    product = np.array(profile.q_q14) / 2**14 @ shift
    is_mirrored = bool(np.linalg.det(product) < 0)
    turn = -product if is_mirrored else product
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))), is_mirrored


def keep(rows: Sequence[Row], folder: Path) -> None:
    """In a file of the folder."""
    write(folder / COMMITTED.name, SCHEMA, sorted(rows, key=lambda r: (
        r.drawn - r.seed, ORDERS.index(r.order), SCENARIOS.index(r.scenario))))


def kept() -> list[Row]:
    """Those that are committed."""
    return read(COMMITTED, Row)


def lines(found: Sequence[Row]) -> list[list[str]]:
    """A table, mean ± standard deviation over the networks, by draws, order and scenario."""
    made = [["", "draws", "order", "alarm in", "taken", "after", "degrees left, median", "frozen",
             "behind the profile", "worst change"]]
    keys = dict.fromkeys((r.drawn - r.seed, r.order, r.scenario) for r in found)
    return made + [_line([r for r in found if (r.drawn - r.seed, r.order, r.scenario) == key])
                   for key in keys]


def _line(mine: Sequence[Row]) -> list[str]:
    first, n = mine[0], len(mine)
    took = [r for r in mine if r.profile]
    turned = [r for r in took if r.degrees is not None]
    kinds = "".join(f", {k} {kind}" for kind in ("channels", "orientation")
                    if (k := sum(r.profile == kind for r in took)))
    degrees = [r.degrees or 0.0 for r in turned if not r.is_mirrored]
    mirrored = sum(r.is_mirrored for r in turned)
    return [first.scenario, "own" if first.drawn == first.seed else "others", first.order,
            f"{sum(r.n_alarms > 0 for r in mine)} of {n}", f"{len(took)} of {n}{kinds}",
            f"{np.median([r.after or 0 for r in took]):.0f}" if took else "–",
            (f"{np.median(degrees):.0f}, at most {max(degrees):.0f}" if degrees else "–")
            + (f"; {mirrored} mirrored" if mirrored else ""),
            spread([r.frozen for r in mine]), spread([r.taken for r in mine]),
            f"{min(r.taken - r.frozen for r in mine):+.1f}"]
