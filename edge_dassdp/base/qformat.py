"""Q-formats and THE rounding rule: to the nearest, ties upward. No other rounding code anywhere.

`name_q<n>` holds value * 2^n. In the C runtime the same rule is `dassdp_round_s32` and
`dassdp_div_round_s64` (firmware/src/core/fixed.h).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

INT16_MAX, INT32_MAX = 2**15 - 1, 2**31 - 1
INT32_MIN = -(2**31)


def to_int(value: Any) -> IntArray:
    """floor(value + 1/2) of a float scalar or array, as int64."""
    return np.floor(np.asarray(value, dtype=np.float64) + 0.5).astype(np.int64)


def scalar_to_int(value: float) -> int:
    """`to_int` of one number, as a Python integer."""
    return int(to_int(value))


def floor_log2(value: float) -> int:
    """floor(log2(value)) of a positive float, exactly."""
    return math.frexp(value)[1] - 1


def round_shift(value: Any, n: int) -> Any:
    """floor(value / 2^n + 1/2) of integers (Python int or int64 array), n >= 0."""
    return value if n == 0 else (value + (1 << (n - 1))) >> n


def round_divide(num: int, den: int) -> int:
    """floor(num / den + 1/2) of Python integers, den > 0."""
    return (2 * num + den) // (2 * den)


def saturate(value: Any, bits: int) -> Any:
    """Clip to the range of a signed integer of `bits` bits."""
    return np.clip(value, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def quantize_input(x: Any, frac_bits: int | IntArray, zero: int | IntArray = 0,
                   ) -> NDArray[np.int8]:
    """Analogue samples as int8 with `frac_bits` fraction bits, counted from `zero`, clipped to
    +-127."""
    limit = 2.0**62  # of an int64
    scaled = np.clip(np.asarray(x, np.float64) * 2.0**frac_bits, -limit, limit)
    return np.asarray(np.clip(to_int(scaled) - zero, -127, 127), np.int8)


MOST_FRAC_BITS = 24
"""Of a step, as a power of two and as one of a half: a float32 sample has no more digits."""


@dataclass(frozen=True, eq=False)
class QInputScale:
    """code = clip(round(x 2^frac_bits) - zero, -127, 127), so x is (code + zero) / 2^frac_bits.

    frac_bits: -24 to 24; zero: int32. Both (1,), or one for each value of a frame in natural
    order, (n_raw,).
    """

    frac_bits: IntArray
    zero: IntArray

    @classmethod
    def uniform(cls, frac_bits: int) -> QInputScale:
        """One step for all values, and 0 for 0."""
        return cls(np.full(1, frac_bits, np.int64), np.zeros(1, np.int64))

    @property
    def is_uniform(self) -> bool:
        return self.frac_bits.size == 1

    @property
    def offset(self) -> NDArray[np.float64]:
        """What code 0 stands for, in units of x."""
        return np.asarray(self.zero * 2.0**-self.frac_bits)

    def codes(self, x: NDArray[Any]) -> NDArray[np.int8]:
        """Values (..., n_raw) as int8 of the same shape."""
        return quantize_input(x, self.frac_bits, self.zero)

    def cuts(self, x: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of these values (..., n_raw) lie beyond the codes."""
        exact = x * 2.0**self.frac_bits - self.zero
        return np.asarray((exact >= 127.5) | (exact < -127.5))

    def values(self, codes: NDArray[Any]) -> NDArray[np.float64]:
        """What codes (..., n_raw) stand for."""
        return np.asarray((codes + self.zero) * 2.0**-self.frac_bits)
