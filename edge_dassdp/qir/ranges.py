"""Ranges of integers: intervals, what a container holds, what a quantity was proven to reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import INT32_MAX, IntArray

RICH_BITS = 31
"""Of membranes and synaptic currents of neurons with `QDynamics`, which saturate."""
RICH_MAX = (1 << (RICH_BITS - 1)) - 1
RECORDED_MAX = 4095
"""The most steps of a sample, and spikes of a neuron in it, that what learns remembers."""
SHARE_MAX_Q8 = 249
"""The largest share of misses that rounding reaches, of one that moves 1/16 of the way."""


@dataclass(frozen=True, eq=False)
class Interval:
    """Lower and upper bounds, int64 arrays of one shape."""

    low: IntArray
    high: IntArray

    @property
    def peak(self) -> int:
        """Largest magnitude."""
        return int(max(abs(int(self.low.min())), abs(int(self.high.max()))))

    def equals(self, other: Interval) -> bool:
        return np.array_equal(self.low, other.low) and np.array_equal(self.high, other.high)

    def map(self, monotone: Callable[[IntArray], IntArray]) -> Interval:
        return Interval(monotone(self.low), monotone(self.high))

    def hull(self, other: Interval, where: NDArray[np.bool_] | bool = True) -> Interval:
        """The least that holds both, where `where` is true; elsewhere self."""
        return Interval(np.where(where, np.minimum(self.low, other.low), self.low),
                        np.where(where, np.maximum(self.high, other.high), self.high))

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class Bound:
    """One proven quantity: its worst magnitude against what its container holds."""

    what: str
    peak: int
    container_bits: int

    @property
    def limit(self) -> int:
        return (1 << (self.container_bits - 1)) - 1

    def __str__(self) -> str:
        return f"{self.what}: {self.peak:,} of {self.limit:,} (int{self.container_bits})"


def weight_range(bits: int) -> tuple[int, int]:
    """Smallest and largest value a plastic weight of `bits` bits may take."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


SMALLER = "use fewer weight bits, fewer threshold bits, fewer steps or smaller inputs"


def require_int32(what: str, peak: int, help: str = SMALLER) -> None:
    """EdgeError E202 with that help unless +-peak fits an int32."""
    if peak > INT32_MAX:
        raise EdgeError("E202", f"{what} may reach {peak:,}, more than an int32 holds", help=help)
