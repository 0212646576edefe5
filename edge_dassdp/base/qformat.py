"""Q-formats and THE rounding rule: to the nearest, ties upward. No other rounding code anywhere.

`name_q<n>` holds value * 2^n. In the C runtime the same rule is `dassdp_round_s32` and
`dassdp_div_round_s64` (firmware/src/core/fixed.h).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

INT16_MAX, INT32_MAX = 2**15 - 1, 2**31 - 1


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


def quantize_input(x: Any, frac_bits: int | IntArray) -> NDArray[np.int8]:
    """Analogue samples as int8 with `frac_bits` fraction bits, clipped to +-127."""
    return np.clip(to_int(np.asarray(x) * 2.0**frac_bits), -127, 127).astype(np.int8)
