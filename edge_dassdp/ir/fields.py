"""What the fields of nodes must hold: sizes, finite numbers, one for each neuron."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int
from edge_dassdp.ir import geometry

FloatArray = NDArray[np.float64]


def malformed(message: str, help: str = "") -> EdgeError:
    return EdgeError("E101", message, help=help)


LARGEST = 1e30
"""Of any number in a network: float32 files hold it, and its square is still a float."""
LEAST = 1 / LARGEST
"""Of what divides: thresholds and gains."""
ROUNDING = 2.0**-17
"""Relative error that a number may have come by on its way through files."""


_TRAIN = "train again with finite numbers (gradients may have exploded)"


def check_size(value: Any, what: str, smaller: str = "make it smaller, or pool before it") -> None:
    """uint16 in the runtime. smaller: the help for one that is too large."""
    if not is_int(value) or not 1 <= value <= 65535:
        is_large = is_int(value) and value > 65535
        raise malformed(f"{what} is {value!r}, expected an integer from 1 to 65,535",
                        smaller if is_large else "give a whole number above 0")


def numbers(value: Any, what: str) -> FloatArray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise malformed(f"{what} is no array of numbers") from None
    if not np.isfinite(array).all():
        raise malformed(f"{what} holds a NaN or an infinity", _TRAIN)
    if (np.abs(array) > LARGEST).any():
        raise malformed(f"{what} holds a number beyond {LARGEST:g}", _TRAIN)
    return array


def vector(value: Any, size: int, what: str) -> FloatArray:
    """A scalar or an array of shape (size,) as a finite float64 vector of shape (size,)."""
    array = numbers(value, what)
    if array.ndim == 0 or array.shape == (1,):
        array = np.full(size, float(array.reshape(())))
    if array.shape != (size,):
        raise malformed(f"{what} has shape {array.shape}, expected a scalar or ({size},)")
    return array


def require_each(good: Any, values: FloatArray, message: str, help: str) -> None:
    """E101 unless all are good, (n,): names the first neuron that is not, its value, and how many
    are not."""
    bad = np.flatnonzero(~np.asarray(good))
    if bad.size:
        raise EdgeError("E101", message, cause=f"neuron {bad[0]} has {values[bad[0]]:.6g}, the "
                        f"first of {bad.size:,} in {values.size:,} neurons", help=help)


CLAMP = ("clamp thresholds while they are trained, as in threshold.data.clamp_(min=0.01) behind "
         "each step of the optimizer: below 0, neurons fire without any input; potentials count "
         "from rest at 0, not in absolute millivolts")
"""What to do about learned thresholds."""


def shape_of(shape: Any, n: int, where: str) -> tuple[int, ...]:
    """As given, or (n,)."""
    if shape == ():
        return (n,)
    if not isinstance(shape, tuple | list) or not 1 <= len(shape) <= 3 or not all(
            is_int(d) and d >= 1 for d in shape) or geometry.size(tuple(shape)) != n:
        raise malformed(f"{where}: shape {shape!r} does not hold {n} neurons")
    return tuple(int(d) for d in shape)
