"""How far a sensor is from what the factory saw, without labels: distance D, and the alarm.

D of a window is min over classes of mean_k ((f_k - mean_ck) / sigma_k)^2, f its features; the alarm
is on while the median D of the last N_ALARM windows exceeds the threshold. The C of it is
firmware/src/sensor/drift.c, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import refuse_unless
from edge_dassdp.base.qformat import IntArray, to_int
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.sensor.profile import QTriad
from edge_dassdp.sensor.window import (
    LEAST_SHIFT,
    MOST_READINGS,
    MOST_SHIFT,
    QCodes,
    Windows,
    features,
)

N_ALARM = QUANTITIES["drift_windows"]
THRESHOLD_Q8 = QUANTITIES["drift_threshold_q8"]
"""Median D above which the alarm is on: 1.4."""
Z_BITS, INVERSE_BITS = 5, QUANTITIES["drift_inverse_bits"]
MOST_Z_Q5 = QUANTITIES["drift_z_max_q5"]
"""z_q5 = (f - mean) inverse >> INVERSE_BITS has Z_BITS fraction bits; beyond 32 it is 32."""
LEAST_SIGMA = 8
"""Of a feature, a code or 1/32 octave: inverse fits an int16."""
MOST_D_Q8 = 65535
RIDGE = 20
"""Of an orientation, as a share of a squared unit a class: without labels it is held back more."""
EPS_SHARE, ROOM = 16, 8
"""eps is the std of all readings by EPS_SHARE; codes hold ROOM times their root mean square."""
MOST_CLASSES, MOST_RIDGE = 255, 2**22


@dataclass(frozen=True, eq=False)
class QDrift:
    """What windows are compared with; all integers.

    eps_q3, level_q3, spread_q3: (n_channels,), mean and standard deviation of all training
    readings. mean: (n_seen, 2 n_channels) int16, mean features of each class with samples, means Q3
    of codes and then log2(std + eps) Q8; inverse: (2 n_channels,) int16, 1 / sigma of a feature
    within classes, Q17. Files know these two by their names. n_rows: windows kept
    for a profile taken without labels, at most 255; 0: alarm alone. triads: which are turned then,
    the polar one first. ridge: of an orientation's fit, for each class.
    """

    codes: QCodes
    eps_q3: IntArray
    level_q3: IntArray
    spread_q3: IntArray
    mean: IntArray
    inverse: IntArray
    triads: tuple[QTriad, ...] = ()
    ridge: int = 0
    n_rows: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "triads", tuple(
            QTriad((int(t[0][0]), int(t[0][1]), int(t[0][2])), bool(t[1])) for t in self.triads))
        n, limit = self.n_channels, self.codes.limit
        for name, shape, low, high in (
                ("eps_q3", (n,), 1, 8 * limit), ("level_q3", (n,), -8 * limit, 8 * limit),
                ("spread_q3", (n,), 1, 8 * limit), ("inverse", (2 * n,), 1, 2**14),
                ("mean", (len(self.mean), 2 * n), -(2**15), 2**15 - 1)):
            values = getattr(self, name)
            fits = values.shape == shape and bool(((values >= low) & (values <= high)).all())
            refuse_unless("E101", fits, f"sensor: {name} of its windows is out of range")
        refuse_unless("E101", 1 <= len(self.mean) <= MOST_CLASSES and self.n_rows in (0, N_ALARM)
                      and 0 <= self.ridge <= MOST_RIDGE, "sensor: its windows cannot be compared")

    @property
    def n_channels(self) -> int:
        return len(self.eps_q3)

    @property
    def n_sums(self) -> int:
        """Of a window being read."""
        return 2 * self.n_channels + 3 * len(self.triads)

    @property
    def row_length(self) -> int:
        """Numbers that are kept of a window: D, the nearest class, moments."""
        return 2 + 2 * self.n_channels + 7 * len(self.triads)

    def windows(self, counts: NDArray[np.int16]) -> Windows:
        """Counts (n, n_readings, n_channels)."""
        return Windows.of(self.codes.of(counts), self.triads)

    def distances(self, windows: Windows) -> tuple[IntArray, IntArray]:
        """D, Q8, 0 to 65535, and the row of `mean` that is nearest, (n,) each."""
        apart = features(windows, self.eps_q3)[:, None] - self.mean
        z_q5 = np.clip((apart * self.inverse) >> INVERSE_BITS, -MOST_Z_Q5, MOST_Z_Q5)
        d_q8 = (z_q5 * z_q5).sum(axis=2) // z_q5.shape[2] >> QUANTITIES["drift_distance_shift"]
        return np.minimum(d_q8.min(axis=1), MOST_D_Q8), d_q8.argmin(axis=1)


def median(d_q8: IntArray) -> int:
    """Of (n,) distances Q8, n from 1; the upper one of two."""
    return int(np.sort(d_q8)[len(d_q8) // 2])


def statistics(counts: NDArray[np.int16], y: NDArray[np.int64], triads: tuple[QTriad, ...] = (),
               unit: int = 0, n_rows: int = 0) -> QDrift:
    """What the factory saw.

    counts: int16 (n, n_readings, n_channels), training windows; y: int64 (n,), their classes, of
    any numbers. triads: of these channels, the polar one first. unit: counts of 1 g, 1 to 32,767, 0
    without triads. n_rows: windows that a search keeps, N_ALARM, or 0 for the alarm alone. Raises
    EdgeError E101 for windows of more than MOST_READINGS readings.
    """
    n_readings = counts.shape[1]
    refuse_unless("E101", n_readings <= MOST_READINGS,
                  f"sensor: a sample of {n_readings:,} readings is too long to be compared, at "
                  f"most {MOST_READINGS:,} are")
    codes = _codes(counts, triads)
    u = codes.of(counts)
    windows = Windows.of(u)
    level, spread = u.mean(axis=(0, 1)), u.std(axis=(0, 1))
    spread_q3 = np.maximum(to_int(8 * spread), 1)
    eps_q3 = np.maximum(spread_q3 // EPS_SHARE, LEAST_SIGMA)
    found = features(windows, eps_q3)
    seen = np.unique(y)
    mean = np.stack([to_int(found[y == c].mean(axis=0)) for c in seen])
    apart = found - mean[np.searchsorted(seen, y)]
    sigma = np.maximum(np.sqrt((apart**2).mean(axis=0)), LEAST_SIGMA)
    one = unit * 2.0 ** -codes.shift[triads[0].channels[0]] if triads else 0.0
    inverse = to_int(2.0 ** (Z_BITS + INVERSE_BITS) / sigma)
    return QDrift(codes, eps_q3, to_int(8 * level), spread_q3, mean, inverse,
                  triads if n_rows else (), min(int(one * one) // (4 * RIDGE), MOST_RIDGE), n_rows)


def _codes(counts: NDArray[np.int16], triads: tuple[QTriad, ...]) -> QCodes:
    """Centres of channels that do not turn, and steps that leave room."""
    flat = counts.reshape(-1, counts.shape[2]).astype(np.float64)
    turning = [list(t.channels) for t in triads]
    centre = to_int(flat.mean(axis=0))
    centre = np.clip(centre, 1 - 2**15, 2**15 - 1)
    centre[[c for at in turning for c in at]] = 0
    largest = np.sqrt(((flat - centre) ** 2).mean(axis=0))
    for at in turning:
        largest[at] = largest[at].max()
    codes = QCodes(counts.shape[1], centre, np.zeros(len(centre), np.int64))
    shift = np.ceil(np.log2(np.maximum(ROOM * largest, 1.0) / codes.limit)).astype(np.int64)
    return QCodes(codes.n_readings, centre, np.clip(shift, LEAST_SHIFT, MOST_SHIFT))
