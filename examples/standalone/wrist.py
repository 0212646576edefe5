"""What the application needs of the host: its model, and readings to try it with.

    python wrist.py DIRECTORY

writes wrist.q.npz, the quantized network, and readings.csv and later.csv: a known wearer does
seven exercises again and again, puts the sensor on the other wrist, presses buttons where the class
shown is wrong, and holds B at the end; then the power goes, and comes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from wrist_app import WINDOW, A, Application, B

from edge_dassdp import ir, qir
from edge_dassdp.data.labels import ClassNames
from edge_dassdp.data.watch import COUNTS, LEFT, RIGHT, Scale, WatchData, load_watch, training
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import ErrorScaled, ErrorTouch, Learning, ReadoutDelta
from edge_dassdp.targets.emulator import Emulator

HERE = Path(__file__).parent
SEED, N_CHANNELS = 0, 3
WEARER, N_PIECE = 1, 300
"""Whose recordings, and the most readings of one exercise before the next."""
PRESS, HOLD = 2, 60
"""Readings that a button is down, and up before the next: a press, and a long one."""
Script = NDArray[np.int16]
"""Readings, (n, N_CHANNELS + 1): counts and the buttons that are down."""


def accelerations(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples of the watch, (n, 600), without their angular rates, (n, 300)."""
    return np.ascontiguousarray(x.reshape(len(x), WINDOW, -1)[:, :, :N_CHANNELS]).reshape(
        len(x), -1)


def sensor(scale: Scale) -> ir.Sensor:
    std, mean = scale.std[:N_CHANNELS], scale.mean[:N_CHANNELS]
    return ir.Sensor(N_CHANNELS, tuple(1 / (COUNTS * std)), tuple(-mean / std),
                     (ir.Triad("polar", (0, 1, 2)),), COUNTS)


def recordings() -> WatchData:
    return load_watch(HERE.parent / "watch" / "data.npz")


def model() -> QNetwork:
    """The readout learns by the delta rule, the layer below by touch; no sample is stored."""
    network = ir.load(HERE / "wrist.npz")
    data = recordings()
    samples, _ = training(SEED, data)
    learning = Learning({"fc2": ErrorTouch(32.0), "fc3": ReadoutDelta(0.8)},
                        schedule=ErrorScaled())
    return quantize(network, learning, Settings(), accelerations(samples.x), samples.y,
                    ClassNames(data.exercises, is_stated=True)).network


def exercises(data: WatchData, side: int, quarter: int) -> list[tuple[int, NDArray[np.int16]]]:
    """Each exercise once, its label and its readings, from a quarter of the wearer's recordings."""
    found = []
    for row in np.flatnonzero((data.wearer == WEARER) & (data.side == side)):
        begin, end = (int(at) for at in data.starts[row : row + 2])
        start = begin + (end - begin) * quarter // 4
        part = data.signal[start : start + min(N_PIECE, (end - begin) // 4), :N_CHANNELS]
        counts = np.round(part * data.step[:N_CHANNELS] * COUNTS)
        found.append((int(data.label[row]), counts.astype(np.int16)))
    return sorted(found, key=lambda piece: piece[0])


class Wearer:
    """Does exercises with the application on, and presses its buttons.

    readings: what the sensor gave and which buttons were down. hits: (phase, right) of every window
    of one exercise alone."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.readings: list[NDArray[np.int16]] = []
        self.hits: list[tuple[str, bool]] = []

    def does(self, phase: str, pieces: list[tuple[int, NDArray[np.int16]]], *, teaches: bool
             ) -> None:
        """teaches: where the class shown is wrong its label is chosen with A and taught with B."""
        for label, counts in pieces:
            plan: list[int] = []
            for i, reading in enumerate(counts):
                was = self.application.fresh
                self._reads(reading, plan.pop(0) if plan else 0)
                is_new = self.application.fresh is not None and self.application.fresh is not was
                if is_new and i >= WINDOW - 1:
                    is_hit = self.application.class_idx == label
                    self.hits.append((phase, is_hit))
                    if teaches and not is_hit:
                        plan = self._presses(label)

    def holds(self, button: int, reading: NDArray[np.int16]) -> None:
        for _ in range(HOLD):
            self._reads(reading, button)
        self._reads(reading, 0)

    def _reads(self, reading: NDArray[np.int16], buttons: int) -> None:
        self.readings.append(np.append(reading, np.int16(buttons)))
        self.application.read(reading, buttons)

    def _presses(self, label: int) -> list[int]:
        n = (label - self.application.label) % self.application.network.n_classes
        return [down for button in [A] * n + [B] for down in [button] * PRESS + [0] * PRESS]

    def accuracy(self, phase: str) -> float:
        """Percent of its windows."""
        return 100 * float(np.mean([is_hit for name, is_hit in self.hits if name == phase]))


def day(application: Application, data: WatchData) -> Wearer:
    """Until the power goes."""
    wearer = Wearer(application)
    wearer.does("as trained", exercises(data, RIGHT, 3), teaches=False)
    wearer.does("other wrist", exercises(data, LEFT, 0), teaches=True)
    wearer.does("taught", exercises(data, LEFT, 1), teaches=True)
    wearer.does("taught more", exercises(data, LEFT, 2), teaches=True)
    wearer.holds(B, wearer.readings[-1][:N_CHANNELS])
    return wearer


def day_after(application: Application, data: WatchData) -> Wearer:
    wearer = Wearer(application)
    wearer.does("after the power cut", exercises(data, LEFT, 3), teaches=False)
    return wearer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="folder to write to")
    folder = parser.parse_args().directory
    folder.mkdir(parents=True, exist_ok=True)
    network, data = model(), recordings()
    qir.save(network, folder / "wrist.q.npz")
    with Emulator(network) as emulator:
        first = day(Application(network, emulator), data)
    with Emulator(network) as emulator:
        second = day_after(Application(network, emulator, first.application.saved), data)
    for wearer, name in ((first, "readings.csv"), (second, "later.csv")):
        np.savetxt(folder / name, np.array(wearer.readings), "%d", ",")
        for phase in dict(wearer.hits):
            print(f"{phase}: {wearer.accuracy(phase):.0f} % of the windows right")


if __name__ == "__main__":
    main()
