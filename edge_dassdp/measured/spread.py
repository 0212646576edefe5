"""Many values of one quantity in five numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Median, lower and upper quartile, smallest and largest of n values, all in their unit."""

    median: float
    lower: float
    upper: float
    smallest: float
    largest: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """None of no values."""
        if not len(values):
            return None
        lower, median, upper = np.percentile(values, (25, 50, 75))
        return cls(float(median), float(lower), float(upper), float(min(values)),
                   float(max(values)), len(values))

    def times(self, factor: float) -> Spread:
        """The same in another unit."""
        return Spread(factor * self.median, factor * self.lower, factor * self.upper,
                      factor * self.smallest, factor * self.largest, self.n)
