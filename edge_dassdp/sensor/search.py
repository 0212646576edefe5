"""A profile found without labels: one under which windows look like the factory's classes again.

Candidates are channels renormalized to the factory's mean and standard deviation, and the best
N_STARTS of the 48 signed permutations of a triad's axes by median D, each refined N_ROUNDS times:
every window to its nearest class, then the orientation of the class means. The best is taken if its
median D is below the threshold and SHARE of what it is now, and LEAST_CLASSES are seen under it;
otherwise more windows are waited for. The C of it is firmware/src/sensor/search.c, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from edge_dassdp.base.qformat import IntArray, round_divide, round_shift
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.sensor.drift import THRESHOLD_Q8, QDrift, median
from edge_dassdp.sensor.orientation import horn
from edge_dassdp.sensor.profile import MOST_GAIN_Q12, ONE_Q12, ONE_Q14, QProfile, as_matrix
from edge_dassdp.sensor.window import Windows, isqrt

N_STARTS, N_ROUNDS = QUANTITIES["drift_starts"], QUANTITIES["drift_rounds"]
LEAST_CLASSES, LEAST_WINDOWS = QUANTITIES["drift_classes"], QUANTITIES["drift_members"]
"""Seen under a profile: classes that are nearest to as many windows."""
SHARE = QUANTITIES["drift_share_num"], QUANTITIES["drift_share_den"]
STILL = QUANTITIES["drift_still"]
"""A channel whose standard deviation is below the factory's by this is dead: nothing is turned."""
LEAST_GAIN_Q12 = ONE_Q12 // 4


@dataclass(frozen=True, eq=False)
class _Found:
    """A candidate: its windows' median D and nearest classes."""

    profile: QProfile
    median_q8: int
    nearest: IntArray

    @classmethod
    def of(cls, drift: QDrift, profile: QProfile, windows: Windows) -> _Found:
        d_q8, nearest = drift.distances(windows)
        return cls(profile, median(d_q8), nearest)

    @property
    def n_classes(self) -> int:
        return int((np.bincount(self.nearest) >= LEAST_WINDOWS).sum())


def search(drift: QDrift, windows: Windows) -> QProfile | None:
    """The profile to take, of windows under the factory's; None: there is no better one yet."""
    now = median(drift.distances(windows)[0])
    found = list(_candidates(drift, windows))
    if not found:
        return None
    best = min(found, key=lambda f: f.median_q8)
    is_better = best.median_q8 < THRESHOLD_Q8 and (
        SHARE[1] * best.median_q8 < SHARE[0] * now) and best.n_classes >= LEAST_CLASSES
    return best.profile if is_better else None


def _candidates(drift: QDrift, windows: Windows) -> Iterator[_Found]:
    level_q3, spread_q3 = pooled(windows)
    channels = _renormalized(drift, windows, level_q3, spread_q3)
    if channels is not None:
        yield channels
    turning = [c for triad in drift.triads for c in triad.channels]
    if turning and (spread_q3 * STILL >= drift.spread_q3)[turning].all():
        starts = [_turned(drift, windows, q_q14) for q_q14 in signed_permutations()]
        for start in sorted(starts, key=lambda f: f.median_q8)[:N_STARTS]:
            yield start
            yield from _refined(drift, windows, start)


def pooled(windows: Windows) -> tuple[IntArray, IntArray]:
    """Mean and standard deviation of all readings, Q3, (n_channels,) each."""
    n = len(windows)
    level_q3 = np.array([round_divide(int(total), n) for total in windows.mean_q3.sum(axis=0)])
    within, apart = windows.std_q3**2 // n, (windows.mean_q3 - level_q3) ** 2 // n
    variance = within.sum(axis=0) + apart.sum(axis=0)
    return level_q3, isqrt(variance)


def _renormalized(drift: QDrift, windows: Windows, level_q3: IntArray, spread_q3: IntArray
                  ) -> _Found | None:
    """None: an offset is no int16."""
    gain_q12 = np.clip(drift.spread_q3 * ONE_Q12 // np.maximum(spread_q3, 1),
                       LEAST_GAIN_Q12, MOST_GAIN_Q12)
    offset_q3 = drift.level_q3 - round_shift(level_q3 * gain_q12, 12)
    now, then = _counts(drift, level_q3), _counts(drift, drift.level_q3)
    offset = then - round_shift(now * gain_q12, 12)
    if (np.abs(offset) >= 2**15).any() or (np.abs(now) >= 2**15).any():
        return None
    profile = QProfile.channels([int(g) for g in gain_q12], [int(o) for o in offset])
    return _Found.of(drift, profile, windows.scaled(gain_q12, offset_q3))


def _counts(drift: QDrift, level_q3: IntArray) -> IntArray:
    """What a mean of codes is in counts."""
    shift = drift.codes.shift - 3
    down, up = np.maximum(-shift, 0), np.maximum(shift, 0)
    rounded = (level_q3 + ((1 << down) >> 1)) >> down
    return np.asarray(drift.codes.centre + (rounded << up))


def signed_permutations() -> list[IntArray]:
    """48 matrices, Q14 (3, 3)."""
    made = []
    for at in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            q_q14 = np.zeros((3, 3), np.int64)
            q_q14[range(3), at] = np.array(signs) * ONE_Q14
            made.append(q_q14)
    return made


def _turned(drift: QDrift, windows: Windows, q_q14: IntArray) -> _Found:
    det = 1 if np.linalg.det(q_q14 / ONE_Q14) > 0 else -1
    profile = QProfile.oriented(as_matrix(q_q14), det, drift.n_channels)
    return _Found.of(drift, profile, windows.turned(q_q14, det, drift.triads))


def _refined(drift: QDrift, windows: Windows, start: _Found) -> Iterator[_Found]:
    """One after another, with the determinant of the first."""
    det, found = start.profile.det, start
    for _ in range(N_ROUNDS):
        q_q14 = det * horn(det * _correlation(drift, windows, found.nearest))
        profile = QProfile.oriented(as_matrix(q_q14), det, drift.n_channels)
        found = _Found.of(drift, profile, windows.turned(q_q14, det, drift.triads))
        yield found


def _correlation(drift: QDrift, windows: Windows, nearest: IntArray) -> IntArray:
    """sum_c then_c now_c^T of the polar triad's means, halves of codes, and the ridge."""
    polar = list(drift.triads[0].channels)
    h = np.zeros((3, 3), np.int64)
    for c in np.unique(nearest):
        members = windows.mean_q3[nearest == c][:, polar]
        now = [round_divide(int(total), 16 * len(members)) for total in members.sum(axis=0)]
        then = round_shift(drift.mean[c, polar], 4)
        h += np.outer(then, now) + np.eye(3, dtype=np.int64) * drift.ridge
    return h
