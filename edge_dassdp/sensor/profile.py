"""What is different about a sensor as it is worn now, applied to its raw counts in int32.

The C of it is firmware/src/sensor/sensor.c, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int
from edge_dassdp.base.qformat import INT16_MAX, IntArray, round_shift, saturate

ONE_Q14, ONE_Q12 = 1 << 14, 1 << 12
MOST_GAIN_Q12 = 4 * ONE_Q12
NOT_ORTHOGONAL = 16
"""A matrix is orthogonal up to 1 / NOT_ORTHOGONAL in every product of its rows."""
Matrix = tuple[tuple[int, ...], ...]
UNTURNED: Matrix = ((ONE_Q14, 0, 0), (0, ONE_Q14, 0), (0, 0, ONE_Q14))


class Kind(IntEnum):
    """What a profile changes."""

    FACTORY = 0
    CHANNELS = 1
    ORIENTATION = 2
    BOTH = 3


class QTriad(NamedTuple):
    """Three channels that are one vector: a polar one (acceleration), or an axial one (angular
    rate, magnetic field), which a mirror reverses."""

    channels: tuple[int, int, int]
    axial: bool = False


@dataclass(frozen=True)
class QProfile:
    """counts' = gain (Q counts) + offset: orientation by triads first, then channel by channel.

    kind: what differs from the factory. q_q14: 3x3, orthogonal, +-2^14; det: its determinant,
    1 or -1. gain_q12: one for each channel, sign included, +-4; offset: counts, int16.
    Raises EdgeError E105 for values out of range, or a kind that they are not of.
    """

    kind: Kind
    q_q14: Matrix
    det: int
    gain_q12: tuple[int, ...]
    offset: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _kind(self.kind))
        _check_matrix(self.q_q14, self.det)
        _check_channels(self.gain_q12, self.offset)
        if self._changes & ~self.kind:
            raise EdgeError("E105", f"a profile of kind {int(self.kind)} changes what the kind "
                            "does not say: 1 channels, 2 orientation, 3 both, 0 neither")

    @property
    def _changes(self) -> int:
        as_they_are = set(self.gain_q12) == {ONE_Q12} and set(self.offset) == {0}
        return (Kind.FACTORY if as_they_are else Kind.CHANNELS) | (
            Kind.FACTORY if self.q_q14 == UNTURNED else Kind.ORIENTATION)

    @classmethod
    def factory(cls, n_channels: int) -> QProfile:
        """Changes nothing."""
        return cls(Kind.FACTORY, UNTURNED, 1, (ONE_Q12,) * n_channels, (0,) * n_channels)

    @classmethod
    def oriented(cls, q_q14: Matrix, det: int, n_channels: int) -> QProfile:
        """One matrix, and channels as they are. q_q14: 3 rows of 3 integers, +-16,384, orthogonal
        up to 1 / NOT_ORTHOGONAL; det: its determinant, 1 or -1; n_channels: 1 to 32. Raises
        EdgeError E105 for another matrix."""
        return cls(Kind.ORIENTATION, q_q14, det, (ONE_Q12,) * n_channels, (0,) * n_channels)

    @classmethod
    def channels(cls, gain_q12: Sequence[int], offset: Sequence[int]) -> QProfile:
        """Signs, gains and offsets, and no matrix: (n_channels,) integers each, gains +-16,384 but
        0, 4,096 for 1, offsets counts of int16. Raises EdgeError E105 for others."""
        return cls(Kind.CHANNELS, UNTURNED, 1, tuple(gain_q12), tuple(offset))

    def apply(self, counts: NDArray[Any], triads: Sequence[QTriad] = ()) -> NDArray[np.int16]:
        """Readings (..., n_channels) of int16, in the same shape.

        polar: a' = (Q a + 2^13) >> 14; axial: det times that; both to int16. Then
        ((gain counts + 2^11) >> 12) + offset, to int16. No sum exceeds int32: |Q| <= 2^14 and
        |gain| <= 2^14. Raises EdgeError E104 for another number of channels.
        """
        made = np.array(counts, np.int64)
        if not made.ndim or made.shape[-1] != len(self.gain_q12):
            raise EdgeError("E104", f"readings of shape {made.shape} do not hold "
                            f"{len(self.gain_q12)} channels")
        q_q14 = np.array(self.q_q14, np.int64)
        for triad in triads:
            at = list(triad.channels)
            turned = round_shift(made[..., at] @ q_q14.T, 14)
            made[..., at] = saturate(self.det * turned if triad.axial else turned, 16)
        scaled = round_shift(made * np.array(self.gain_q12), 12) + np.array(self.offset)
        return np.asarray(saturate(scaled, 16), np.int16)


def as_matrix(q_q14: IntArray) -> Matrix:
    """An array (3, 3) as a profile holds it."""
    return tuple(tuple(int(q) for q in row) for row in q_q14)


def _kind(kind: int) -> Kind:
    if not is_int(kind) or kind not in tuple(Kind):
        raise EdgeError("E105", f"a profile is of kind {kind}, expected 0 to 3: 1 channels, "
                        "2 orientation, 3 both, 0 neither")
    return Kind(kind)


def _check_matrix(q_q14: Matrix, det: int) -> None:
    three = len(q_q14) == 3 and all(len(row) == 3 and all(map(is_int, row)) for row in q_q14)
    if not three or any(abs(q) > ONE_Q14 for row in q_q14 for q in row) or not _is_turn(q_q14, det):
        raise EdgeError("E105", f"the orientation {q_q14} with determinant {det} is no rotation or "
                        "reflection of 3x3 integers, 16384 for 1")


def _is_turn(q_q14: Matrix, det: int) -> bool:
    q = np.array(q_q14, np.float64) / ONE_Q14
    return bool((np.abs(q @ q.T - np.eye(3)) <= 1 / NOT_ORTHOGONAL).all()
                and det in (1, -1) and det * np.linalg.det(q) > 0)


def _check_channels(gain_q12: tuple[int, ...], offset: tuple[int, ...]) -> None:
    fits = (len(gain_q12) == len(offset) > 0 and all(map(is_int, (*gain_q12, *offset)))
            and all(0 < abs(g) <= MOST_GAIN_Q12 for g in gain_q12)
            and all(-INT16_MAX - 1 <= o <= INT16_MAX for o in offset))
    if not fits:
        raise EdgeError("E105", "gains of +-16384 but 0 (4096 for 1) and offsets of int16 are "
                        f"expected, as many of each, not {gain_q12} and {offset}")
