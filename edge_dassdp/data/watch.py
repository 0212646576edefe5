"""The watch data: shoulder exercises seen by a smartwatch, and the domain shifts tried on them.

Who is where, so that nothing is judged on what it was chosen on:

- VALIDATION_WEARERS are for choosing constants, the same three for every seed; the other seven
  are test wearers. `validation=True` takes streams and tests from the former only, False from the
  latter only.
- Per seed two test wearers and one validation wearer are new: the network never saw them. It was
  trained on the right wrist of the other seven, the known wearers.
- A right-wrist recording of a known wearer is cut into quarters: training, stream, training, test.
  Any other recording into halves: stream, test. So the test windows are later in the same
  recordings as the stream's, and no sample is in two parts.

Windows of 2 s start every second within each part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.names import SCENARIOS as SCENARIOS
from edge_dassdp.ir import FloatArray
from edge_dassdp.ir.sensor import Sensor, Triad
from edge_dassdp.storage.foreign import reading
from edge_dassdp.storage.npz import read_npz, write_npz

FORMAT = "edge_dassdp/watch/1"
WINDOW, HOP = 100, 50
"""Samples of a window and between the starts of two, at 50 Hz."""
N_FRAMES = 25
"""Of a window: a network's frame holds four consecutive samples of all channels."""
LEFT, RIGHT = 0, 1
VALIDATION_WEARERS = (3, 6, 9)
N_NEW, N_NEW_VALIDATION = 2, 1
"""Wearers that a seed's network never saw, of the test and of the validation wearers."""

GAIN_OCTAVES, OFFSET_STD, N_DEAD = 1.0, 1.2, 2
"""C: gains from half to double, offsets normal in standard deviations. D: of the six axes. Chosen
so that a frozen network keeps about a third (C) and three fifths (D) of the windows, without a
look at what learning gains."""
MIRROR = np.array([-1.0, 1.0, 1.0, 1.0, -1.0, -1.0])
"""Signs of the channels in a mirror across the wrist: acceleration is a polar vector, angular
rate an axial one."""

COUNTS = 512
"""Raw counts of 1 g and of 1 rad/s, the same on every axis as a rotation needs it."""
TRIADS = (Triad("polar", (0, 1, 2)), Triad("axial", (3, 4, 5)))

Order = Literal["shuffled", "blocked"]
Quarters = tuple[tuple[int, int], ...]
"""Runs of quarters of a recording, each from its first to behind its last."""
TRAINING: Quarters = ((0, 1), (2, 3))
KNOWN: tuple[Quarters, Quarters] = ((1, 2),), ((3, 4),)
UNKNOWN: tuple[Quarters, Quarters] = ((0, 2),), ((2, 4),)
"""Stream and test of recordings with and without training windows."""
_SPLIT, _ORDER, _WRONG, _WEARER, _SHIFT = range(5)
"""What a seed draws; each has a random stream of its own."""


@dataclass(frozen=True, eq=False)
class WatchData:
    """All recordings, one after another.

    signal: int16 (n_samples, 6); signal * step is acceleration in g and angular rate in rad/s.
    step: float64 (6,). starts: int64 (n_recordings + 1,), rows of `signal`. label, wearer, side
    (LEFT or RIGHT): int64 (n_recordings,). channels, exercises: names.
    """

    signal: NDArray[np.int16]
    step: FloatArray
    starts: NDArray[np.int64]
    label: NDArray[np.int64]
    wearer: NDArray[np.int64]
    side: NDArray[np.int64]
    channels: tuple[str, ...]
    exercises: tuple[str, ...]

    def windows(self, wearers: Iterable[int], side: int, quarters: Quarters,
                hop: int = HOP) -> tuple[FloatArray, NDArray[np.int64]]:
        """Windows (n, WINDOW, 6) and labels (n,) from some quarters of each recording, each run
        of quarters by itself; by wearer, then by recording, then by time.
        """
        cut, labels = [np.zeros((0, WINDOW, len(self.step)))], [np.zeros(0, np.int64)]
        for wearer in wearers:
            for row in np.flatnonzero((self.wearer == wearer) & (self.side == side)):
                start, length = int(self.starts[row]), int(self.starts[row + 1] - self.starts[row])
                for begin, end in quarters:
                    part = self.signal[start + begin * length // 4 : start + end * length // 4]
                    views = np.lib.stride_tricks.sliding_window_view(part, WINDOW, axis=0)[::hop]
                    cut.append(views.transpose(0, 2, 1) * self.step)
                    labels.append(np.full(len(views), self.label[row]))
        return np.concatenate(cut), np.concatenate(labels)


def save_watch(path: Path | str, signal: NDArray[np.int16], step: FloatArray,
               starts: NDArray[Any], columns: dict[str, NDArray[Any]],
               names: dict[str, list[str]]) -> None:
    """Arrays as in `WatchData`; columns: label, wearer, side; names: channels, exercises.

    The signal is kept as differences of int16 that wrap, which deflate well.
    """
    header = {"format": FORMAT, "step": [float(s) for s in step], **names}
    differences = np.diff(signal, axis=0, prepend=np.zeros((1, signal.shape[1]), np.int16))
    write_npz(path, header, {"differences": differences.T.astype(np.int16),
                             "starts": starts.astype(np.uint32),
                             **{name: c.astype(np.uint8) for name, c in columns.items()}})


def load_watch(path: Path | str) -> WatchData:
    """Reads what `save_watch` wrote. Raises EdgeError E103 for another or a damaged file."""
    header, arrays = read_npz(path, FORMAT)
    with reading(path, "watch"):
        signal = np.cumsum(arrays["differences"], axis=1, dtype=np.int16).T
        starts = arrays["starts"].astype(np.int64)
        columns = {name: arrays[name].astype(np.int64) for name in ("label", "wearer", "side")}
        step = np.asarray(header["step"], np.float64)
        fits = (signal.ndim == 2 and step.shape == signal.shape[1:] == MIRROR.shape
                and starts[-1] == len(signal) and (np.diff(starts) > 0).all()
                and all(c.shape == (len(starts) - 1,) for c in columns.values()))
        if not fits:
            raise ValueError("its arrays do not fit")
        return WatchData(signal, step, starts, channels=tuple(header["channels"]),
                         exercises=tuple(header["exercises"]), **columns)


@dataclass(frozen=True)
class Wearers:
    """known: trained on. new: never seen. Each for tests and for validation, in order."""

    known: tuple[int, ...]
    new: tuple[int, ...]
    known_validation: tuple[int, ...]
    new_validation: tuple[int, ...]

    @classmethod
    def draw(cls, seed: int, data: WatchData) -> Wearers:
        """Who is new to the network of `seed`, of those shipped."""
        rng = _rng(seed, _SPLIT)
        test = np.setdiff1d(data.wearer, VALIDATION_WEARERS)
        new = np.sort(rng.choice(test, N_NEW, replace=False))
        held = np.sort(rng.choice(VALIDATION_WEARERS, N_NEW_VALIDATION, replace=False))
        return cls(*(tuple(int(w) for w in group) for group in (
            np.setdiff1d(test, new), new, np.setdiff1d(VALIDATION_WEARERS, held), held)))

    @property
    def trained(self) -> tuple[int, ...]:
        return tuple(sorted(self.known + self.known_validation))


@dataclass(frozen=True, eq=False)
class Scale:
    """mean, std: float64 (6,), of the training windows of a seed, one per channel."""

    mean: FloatArray
    std: FloatArray

    def samples(self, windows: FloatArray) -> NDArray[np.float32]:
        """(n, WINDOW, 6) to a network's samples, float32 (n, 25 * 24), frame after frame."""
        z = (windows - self.mean) / self.std
        return z.reshape(len(z), -1).astype(np.float32)

    @property
    def sensor(self) -> Sensor:
        """Accelerometer and gyroscope of the watch, whose counts a network is given."""
        return Sensor(len(self.std), tuple(1 / (COUNTS * self.std)), tuple(-self.mean / self.std),
                      TRIADS, COUNTS)

    def windows(self, x: ArrayLike) -> FloatArray:
        """The inverse of `samples`. Raises EdgeError E104 for another shape."""
        z = np.asarray(x, np.float64)
        if z.ndim != 2 or z.shape[1] != WINDOW * len(self.mean):
            raise EdgeError("E104", f"samples have shape {z.shape}, expected "
                            f"(n, {WINDOW * len(self.mean)})")
        return z.reshape(len(z), WINDOW, -1) * self.std + self.mean


def training(seed: int, data: WatchData, hop: int = HOP, *, wearers: Wearers | None = None
             ) -> tuple[Samples, Scale]:
    """What the network of `seed` was trained on, and the scale of all its samples. wearers: who
    is where, None for those that `seed` draws."""
    trained = (wearers or Wearers.draw(seed, data)).trained
    every = data.windows(trained, RIGHT, TRAINING)[0]
    scale = Scale(every.mean(axis=(0, 1)), every.std(axis=(0, 1)))
    windows, labels = data.windows(trained, RIGHT, TRAINING, hop)
    return Samples(scale.samples(windows), labels), scale


@dataclass(frozen=True, eq=False)
class Scenario:
    """A shift to adapt to.

    stream: labelled windows, each once, in the order they arrive. test: later windows of the
    same recordings under the same shift. original: windows of the known wearers' right wrists
    without a shift, to see what is forgotten. replay: the training set. wearers: those of stream
    and test. clean: bool (len(stream),), False where a label is wrong on purpose. description:
    one sentence with the numbers.
    """

    name: str
    stream: Samples
    test: Samples
    original: Samples
    replay: Samples
    wearers: tuple[int, ...]
    clean: NDArray[np.bool_]
    scale: Scale
    description: str

    def mirrored(self, x: ArrayLike) -> NDArray[np.float32]:
        """Samples as the other wrist would give them: acceleration x and angular rates y and z
        change sign before they are standardized. Raises EdgeError E104 for another shape."""
        return self.scale.samples(self.scale.windows(x) * MIRROR)


def scenario(name: str, seed: int, data: WatchData, *, validation: bool = False,
             order: Order = "shuffled", wrong_labels: float = 0.0,
             drawn: int | None = None, wearers: Wearers | None = None) -> Scenario:
    """The shift `name` of SCENARIOS for the network of `seed`; the same for the same arguments.

    validation: take stream, test and original from the validation wearers, and draw another
    shift. order: 'shuffled', or 'blocked' (one exercise after another, in an order drawn;
    within an exercise by wearer, then by time). wrong_labels: share, 0 to 1, of the stream's
    windows whose label is drawn from the other exercises. drawn: a seed for shift, order, the one
    wearer and wrong labels, None for that of the network. wearers: who is where, None for those
    that `seed` draws.
    Raises EdgeError E105 for a setting out of range.
    """
    _check(name, seed, order, wrong_labels)
    if drawn is not None:
        _check(name, drawn, order, wrong_labels)
    draw = seed if drawn is None else drawn
    groups = wearers or Wearers.draw(seed, data)
    known = groups.known_validation if validation else groups.known
    worn_by = known
    if name == "B":
        worn_by = groups.new_validation if validation else groups.new
    if name == "Ap":
        worn_by = (int(_rng(draw, _WEARER, validation).choice(known)),)
    side = LEFT if name in ("A", "Ap") else RIGHT
    replay, scale = training(seed, data, wearers=groups)
    early, late = UNKNOWN if name in ("A", "Ap", "B") else KNOWN
    matrix, offset, numbers = _shift(name, _rng(draw, _SHIFT, validation), scale, data.channels)

    def samples(windows: FloatArray, labels: NDArray[np.int64]) -> Samples:
        return Samples(scale.samples(windows @ matrix.T + offset), labels)

    stream = samples(*data.windows(worn_by, side, early))
    test = samples(*data.windows(worn_by, side, late))
    unshifted, labels = data.windows(known, RIGHT, KNOWN[1])
    stream = _ordered(stream, order, _rng(draw, _ORDER, validation))
    given, clean = _wrong(stream.y, wrong_labels, len(data.exercises),
                          _rng(draw, _WRONG, validation))
    who = f"wearer{'s' if len(worn_by) > 1 else ''} {', '.join(map(str, worn_by))}"
    return Scenario(
        name, Samples(stream.x, given), test, Samples(scale.samples(unshifted), labels), replay,
        worn_by, clean, scale,
        f"{SCENARIOS[name]}{numbers}: {who}, {len(stream)} windows to learn from, {order}"
        + (f", {np.count_nonzero(~clean)} of them labelled wrong" if not clean.all() else "")
        + f"; {len(test)} later ones to test")


def _check(name: str, seed: int, order: str, wrong_labels: float) -> None:
    if name not in SCENARIOS:
        raise EdgeError("E105", f"there is no scenario '{name}'",
                        help=f"choose one of {', '.join(SCENARIOS)}")
    if not is_int(seed) or seed < 0:
        raise EdgeError("E105", f"seed is {seed!r}, expected an integer from 0")
    if order not in ("shuffled", "blocked"):
        raise EdgeError("E105", f"order '{order}' is not known", help="choose shuffled or blocked")
    if not is_real(wrong_labels) or not 0 <= wrong_labels <= 1:
        raise EdgeError("E105", f"wrong_labels is {wrong_labels!r}, expected 0 to 1")


def _rng(seed: int, what: int, validation: bool = False) -> np.random.Generator:
    return np.random.default_rng((seed, what, int(validation)))


def _shift(name: str, rng: np.random.Generator, scale: Scale, channels: tuple[str, ...]
           ) -> tuple[FloatArray, FloatArray, str]:
    """window' = window @ matrix.T + offset, (6, 6) and (6,), and the numbers for people."""
    n = len(scale.std)
    if name == "C":
        gain: FloatArray = np.exp2(rng.uniform(-GAIN_OCTAVES, GAIN_OCTAVES, n))
        offset: FloatArray = OFFSET_STD * rng.normal(size=n) * scale.std
        return np.diag(gain), offset, (
            f" (gains {gain.min():.2f} to {gain.max():.2f}, offsets up to "
            f"{np.abs(offset / scale.std).max():.2f} standard deviations)")
    if name == "D":
        dead = np.sort(rng.choice(n, N_DEAD, replace=False))
        alive = ~np.isin(np.arange(n), dead)
        return np.diag(alive.astype(float)), np.zeros(n), (
            f" ({' and '.join(channels[i] for i in dead)} read 0)")
    if name == "E":
        turn = _rotation(rng.normal(size=4))
        angle = np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
        both = np.kron(np.eye(2), turn).astype(np.float64)
        return both, np.zeros(n), f" (by {angle:.0f} degrees)"
    return np.eye(n), np.zeros(n), ""


def _rotation(q: FloatArray) -> FloatArray:
    """The rotation (3, 3) of a quaternion (4,) of any length; uniform if its parts are normal."""
    w, x, y, z = (q / np.linalg.norm(q)).tolist()
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + 2 * w * cross + 2 * cross @ cross)


def _ordered(stream: Samples, order: Order, rng: np.random.Generator) -> Samples:
    if order == "shuffled":
        rows = rng.permutation(len(stream))
    else:
        place = rng.permutation(int(stream.y.max()) + 1)
        rows = np.argsort(place[stream.y], kind="stable")
    return Samples(stream.x[rows], stream.y[rows])


def _wrong(y: NDArray[np.int64], share: float, n_classes: int, rng: np.random.Generator
           ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Labels of which exactly round(share * n) are wrong, and which are right."""
    rows = rng.permutation(len(y))[: round(share * len(y))]
    given, clean = y.copy(), np.ones(len(y), np.bool_)
    given[rows] = (y[rows] + rng.integers(1, n_classes, len(rows))) % n_classes
    clean[rows] = False
    return given, clean
