"""What a window of a sensor looks like: mean and log2(std + eps) of each channel, in int32.

Readings are brought to codes u of few bits, so that no sum of squares exceeds an int32; means and
standard deviations have three fraction bits of a code. The C of it is
firmware/src/sensor/window.c, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import refuse_unless
from edge_dassdp.base.qformat import IntArray, round_shift, saturate
from edge_dassdp.sensor.profile import QTriad

MOST_READINGS = 2**15 - 1
LEAST_SHIFT, MOST_SHIFT = -8, 15
MOST_LIMIT_BITS = 12
"""Of a code: its mean fits an int16 with three fraction bits."""
BLOCK_BITS = 14
"""Of the largest variance in a block: a turn of it sums three by three in int32."""
BLOCK = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""Entries of a triad's covariances as a block holds them; its exponent stands behind them."""


def limit_bits(n_readings: int) -> int:
    """b such that n_readings (2^b - 1)^2 is below 2^31, at most MOST_LIMIT_BITS."""
    return min(MOST_LIMIT_BITS, (31 - n_readings.bit_length()) // 2)


@dataclass(frozen=True, eq=False)
class QCodes:
    """u = clip(round((count - centre) / 2^shift), -limit, limit), limit = 2^limit_bits - 1.

    centre: int16, 0 of channels in triads, which are turned about it; shift: -8 to 15, one for all
    channels of a triad. Both (n_channels,).
    """

    n_readings: int
    centre: IntArray
    shift: IntArray

    def __post_init__(self) -> None:
        n = len(self.centre)
        fits = (1 <= self.n_readings <= MOST_READINGS and self.centre.shape == (n,) ==
                self.shift.shape and bool((np.abs(self.centre) < 2**15).all())
                and bool(((self.shift >= LEAST_SHIFT) & (self.shift <= MOST_SHIFT)).all()))
        refuse_unless("E101", fits, "sensor: the codes of its windows are out of range")

    @property
    def limit(self) -> int:
        return (1 << limit_bits(self.n_readings)) - 1

    def of(self, counts: NDArray[np.int16]) -> IntArray:
        """Readings (..., n_channels), codes of the same shape."""
        moved = np.asarray(counts, np.int64) - self.centre
        down, up = np.maximum(self.shift, 0), np.maximum(-self.shift, 0)
        rounded = (moved + ((1 << down) >> 1)) >> down
        return np.asarray(np.clip(rounded << up, -self.limit, self.limit))


@dataclass(frozen=True, eq=False)
class Windows:
    """Of windows: mean_q3, std_q3: (n, n_channels); block: (n, n_triads, 7), the covariances of
    a triad as BLOCK orders them, Q6, by 2^-exponent, and the exponent. All fit an int16."""

    mean_q3: IntArray
    std_q3: IntArray
    block: IntArray

    @classmethod
    def of(cls, codes: IntArray, triads: Sequence[QTriad] = ()) -> Windows:
        """Codes (n, n_readings, n_channels)."""
        n = codes.shape[1]
        total = codes.sum(axis=1)
        mean = (2 * total + n) // (2 * n)
        centred = codes - mean[:, None]
        std_q3 = isqrt(_per_reading_q6((centred * centred).sum(axis=1), n))
        blocks = [_block(centred[..., list(triad.channels)], n) for triad in triads]
        return cls((16 * total + n) // (2 * n), std_q3,
                   np.stack(blocks, axis=1) if blocks else np.zeros((len(codes), 0, 7), np.int64))

    def __len__(self) -> int:
        return len(self.mean_q3)

    @classmethod
    def joined(cls, parts: Sequence[Windows]) -> Windows:
        return cls(*(np.concatenate([getattr(part, name) for part in parts])
                     for name in ("mean_q3", "std_q3", "block")))

    def turned(self, q_q14: IntArray, det: int, triads: Sequence[QTriad]) -> Windows:
        """As if all readings had been turned: Q a of polar triads, det Q g of axial ones."""
        mean_q3, std_q3 = self.mean_q3.copy(), self.std_q3.copy()
        for i, triad in enumerate(triads):
            at = list(triad.channels)
            turned = saturate(round_shift(mean_q3[:, at] @ q_q14.T, 14), 16)
            mean_q3[:, at] = saturate(det * turned if triad.axial else turned, 16)
            std_q3[:, at] = _turned_std_q3(self.block[:, i], q_q14)
        return Windows(mean_q3, std_q3, self.block)

    def scaled(self, gain_q12: IntArray, offset_q3: IntArray) -> Windows:
        """As if all readings had been scaled by gains above 0 and moved."""
        moved = round_shift(self.mean_q3 * gain_q12, 12) + offset_q3
        return Windows(saturate(moved, 16), round_shift(self.std_q3 * gain_q12, 12), self.block)


def features(windows: Windows, eps_q3: IntArray) -> IntArray:
    """(n, 2 n_channels): means, then log2(std + eps), Q8."""
    return np.concatenate([windows.mean_q3, log2_q8(windows.std_q3 + eps_q3)], axis=1)


def isqrt(x: IntArray) -> IntArray:
    """floor(sqrt(x)) of integers from 0 below 2^32."""
    root = np.sqrt(x.astype(np.float64)).astype(np.int64)
    root -= root * root > x
    return np.asarray(root + ((root + 1) ** 2 <= x))


def log2_q8(x: IntArray) -> IntArray:
    """log2 of integers from 1 below 2^23, straight between powers of two."""
    exponent = np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1
    return np.asarray(((exponent - 1) << 8) + ((x << 8) >> exponent))


def _per_reading_q6(total: IntArray, n: int) -> IntArray:
    """floor(2^6 total / n) in two steps, which an int32 holds; total may be negative."""
    whole = total // n
    return np.asarray((whole << 6) + ((total - whole * n) << 6) // n)


def _block(centred: IntArray, n: int) -> IntArray:
    cov_q6 = np.stack([_per_reading_q6((centred[..., i] * centred[..., j]).sum(axis=1), n)
                       for i, j in BLOCK], axis=1)
    largest = cov_q6[:, :3].max(axis=1)
    bits = np.frexp(largest.astype(np.float64))[1].astype(np.int64)
    exponent = np.maximum(bits - BLOCK_BITS, 0)
    return np.concatenate([cov_q6 >> exponent[:, None], exponent[:, None]], axis=1)


def _turned_std_q3(block: IntArray, q_q14: IntArray) -> IntArray:
    """(n, 3): square roots of the diagonal of Q C Q^T."""
    cov = np.zeros((len(block), 3, 3), np.int64)
    for k, (i, j) in enumerate(BLOCK):
        cov[:, i, j] = cov[:, j, i] = block[:, k]
    half = (q_q14 @ cov) >> 14
    diagonal = np.maximum((half * q_q14).sum(axis=2) >> 14, 0)
    return isqrt(diagonal << block[:, 6:])
