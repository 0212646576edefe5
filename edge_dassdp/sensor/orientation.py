"""One rotation or reflection of a triad, fitted from class means, all in int32.

Horn 1987, J. Opt. Soc. Am. A 4(4):629; the eigenvector by squaring its matrix, which is power
iteration. The C of it is firmware/src/sensor/orientation.c, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import INT32_MAX, IntArray, round_divide, round_shift
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.sensor.profile import ONE_Q14, UNTURNED, Matrix, QProfile, as_matrix

FIT_CLASSES, TURN_CLASSES = QUANTITIES["fit_classes"], QUANTITIES["turn_classes"]
RIDGE, ACCEPTED, DECIDED = (QUANTITIES["turn_ridge"], QUANTITIES["turn_accepted"],
                            QUANTITIES["turn_decided"])
H_BITS, BITS, SQUARINGS = (QUANTITIES["turn_h_bits"], QUANTITIES["turn_bits"],
                           QUANTITIES["turn_squarings"])


class Verdict(IntEnum):
    """What came of a fit."""

    FACTORY = QUANTITIES["fit_factory"]
    TAKEN = QUANTITIES["fit_taken"]
    FEW = QUANTITIES["fit_few"]
    UNDECIDED = QUANTITIES["fit_undecided"]


SENTENCES = {
    Verdict.FEW: "a profile is fitted from labelled samples of {least} classes or more, and {n} "
                 "was observed",
    Verdict.UNDECIDED: "the means of the {n} classes observed lie close to one plane, so they do "
                       "not tell a rotation from its mirror image",
}


@dataclass(frozen=True)
class Orientation:
    """q_q14 (3, 3) turns what is measured now into what the factory measured; det: 1 or -1.

    Unturned unless the verdict is TAKEN. n_classes: observed. residual, residual_factory: sums
    over these classes of |then - Q now|^2 and |then - now|^2, counts of 2^shift, squared.
    """

    verdict: Verdict
    q_q14: Matrix
    det: int
    n_classes: int
    residual: int
    residual_factory: int

    def profile(self, n_channels: int) -> QProfile:
        """The factory's, where that fits as well. Raises EdgeError E105 where nothing is fitted."""
        if self.verdict in SENTENCES:
            text = SENTENCES[self.verdict].format(least=FIT_CLASSES, n=self.n_classes or "none")
            raise EdgeError("E105", text, help="Observe labelled samples of other classes, too.")
        if self.verdict == Verdict.FACTORY:
            return QProfile.factory(n_channels)
        return QProfile.oriented(self.q_q14, self.det, n_channels)


def fit(then: IntArray, sums: IntArray, n_seen: IntArray, unit: int) -> Orientation:
    """The orientation under which class means are what the factory's were.

    then: int16 (n_classes, 3), the factory's class means of the polar triad. sums: int32
    (n_classes, 3), sums of as many window means as n_seen says, uint16 (n_classes,); classes with
    0 are left out. unit: counts of one unit of the triad (1 g), 1 to 32767.

    H = sum_c then_c now_c^T + unit^2 / RIDGE a class on the diagonal; Q = d horn(d H) for d of 1
    and -1, the one with the smaller residual, 1 where they are equal. It is taken if its residual
    is below half of the factory's and that is above unit^2 / ACCEPTED a class. It is UNDECIDED
    where the other d leaves less than unit^2 / DECIDED a class more, and from less than
    TURN_CLASSES.
    """
    seen = np.flatnonzero(n_seen)
    if len(seen) < FIT_CLASSES:
        return Orientation(Verdict.FEW, UNTURNED, 1, len(seen), 0, 0)
    both = _both(then[seen], sums[seen], n_seen[seen], unit)
    best, other = (both[1], both[-1]) if both[1].left <= both[-1].left else (both[-1], both[1])
    turn, verdict = (UNTURNED, 1), _verdict(best, other, len(seen))
    if verdict == Verdict.TAKEN:
        turn = as_matrix(best.q_q14), best.det
    return Orientation(verdict, *turn, len(seen), best.left, best.left_factory)


def candidates(then: IntArray, sums: IntArray, n_seen: IntArray, unit: int, n_channels: int
               ) -> list[QProfile]:
    """Profiles of what `fit` takes, of a rotation and a reflection where it is undecided; none
    where it takes none. Whoever can classify samples may choose."""
    made = fit(then, sums, n_seen, unit)
    if made.verdict != Verdict.UNDECIDED:
        return [made.profile(n_channels)] if made.verdict == Verdict.TAKEN else []
    seen = np.flatnonzero(n_seen)
    both = _both(then[seen], sums[seen], n_seen[seen], unit)
    return [QProfile.oriented(as_matrix(both[d].q_q14), d, n_channels) for d in (1, -1)]


@dataclass(frozen=True, eq=False)
class _Turn:
    """The best of a determinant; what is left of distances, and of those of the factory's; of a
    squared unit, all in the same unit."""

    det: int
    q_q14: IntArray
    left: int
    left_factory: int
    square: int


def _both(then: IntArray, sums: IntArray, n_seen: IntArray, unit: int) -> dict[int, _Turn]:
    """By determinant, of classes that were all observed."""
    now = np.array([[round_divide(int(s), int(n)) for s in row]
                    for row, n in zip(sums, n_seen, strict=True)], np.int64)
    shift = _shift(np.array([*then, *now], np.int64), unit, len(now))
    a, b = (round_shift(np.asarray(means, np.int64), shift) for means in (then, now))
    square = (unit * unit) >> 2 * shift
    h = a.T @ b + np.eye(3, dtype=np.int64) * (square // RIDGE * len(now))
    factory = _residual(a, b, np.eye(3, dtype=np.int64) * ONE_Q14)
    turns = {d: d * horn(d * h) for d in (1, -1)}
    return {d: _Turn(d, q, _residual(a, b, q), factory, square) for d, q in turns.items()}


def _verdict(best: _Turn, other: _Turn, n: int) -> Verdict:
    if best.left >= best.left_factory - best.left or (
            best.left_factory <= best.square // ACCEPTED * n):
        return Verdict.FACTORY
    if n < TURN_CLASSES or other.left - best.left < best.square // DECIDED * n:
        return Verdict.UNDECIDED
    return Verdict.TAKEN


def _shift(means: IntArray, unit: int, n: int) -> int:
    """By which no sum of n squared distances of such vectors exceeds int32: 12 squares each."""
    largest, most, shift = max(int(np.abs(means).max()), unit), INT32_MAX // (13 * n), 0
    while (largest >> shift) ** 2 > most:
        shift += 1
    return shift


def _residual(then: IntArray, now: IntArray, q_q14: IntArray) -> int:
    return int(((then - round_shift(now @ q_q14.T, 14)) ** 2).sum())


def horn(h: IntArray) -> IntArray:
    """The rotation R, Q14 (3, 3), that maximizes sum_ij R_ij h_ij; h (3, 3), |h| < 2^30."""
    matrix = _narrowed(_with_positive_eigenvalues(_narrowed(h, H_BITS)), BITS)
    for _ in range(SQUARINGS):
        matrix = _narrowed(matrix @ matrix, BITS)
    return _of_quaternion([int(v) for v in matrix[int(np.argmax(np.diag(matrix)))]])


def _narrowed(matrix: IntArray, bits: int) -> IntArray:
    """Shifted to the right until no entry has more bits."""
    shift = max(0, int(np.abs(matrix).max()).bit_length() - bits)
    return np.asarray(round_shift(matrix, shift), np.int64)


def _with_positive_eigenvalues(h: IntArray) -> IntArray:
    """Horn's 4x4 matrix, whose foremost eigenvector is the quaternion, plus its largest row sum of
    magnitudes on the diagonal."""
    (xx, yx, zx), (xy, yy, zy), (xz, yz, zz) = h
    n = np.array([[xx + yy + zz, yz - zy, zx - xz, xy - yx],
                  [yz - zy, xx - yy - zz, xy + yx, zx + xz],
                  [zx - xz, xy + yx, yy - xx - zz, yz + zy],
                  [xy - yx, zx + xz, yz + zy, zz - xx - yy]])
    return np.asarray(n + np.eye(4, dtype=np.int64) * np.abs(n).sum(axis=1).max())


def _of_quaternion(q: list[int]) -> IntArray:
    """Q14 (3, 3) of a quaternion of any length, below 2^15 each; unturned for 0."""
    w, x, y, z = q
    n_q14 = round_shift(w * w + x * x + y * y + z * z, 14) or 1

    def entry(one: int, product: int) -> int:
        return min(max(one + round_divide(2 * product, n_q14), -ONE_Q14), ONE_Q14)

    return np.array([
        [entry(ONE_Q14, -(y * y + z * z)), entry(0, x * y - w * z), entry(0, x * z + w * y)],
        [entry(0, x * y + w * z), entry(ONE_Q14, -(x * x + z * z)), entry(0, y * z - w * x)],
        [entry(0, x * z - w * y), entry(0, y * z + w * x), entry(ONE_Q14, -(x * x + y * y))]])
