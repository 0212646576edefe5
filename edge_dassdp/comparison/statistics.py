"""The arithmetic of a comparison: means over seeds, and differences seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_dassdp.ir import FloatArray


@dataclass(frozen=True)
class Estimate:
    """mean of n values with their sample standard deviation, or with the standard error of a mean
    difference; nan with fewer than two values."""

    mean: float
    spread: float
    n: int


def mean_std(values: Sequence[float] | FloatArray) -> Estimate:
    a = np.asarray(values, np.float64)
    return Estimate(float(a.mean()), float(a.std(ddof=1)) if a.size > 1 else float("nan"), a.size)


def paired(values: Sequence[float] | FloatArray, others: Sequence[float] | FloatArray) -> Estimate:
    """Mean of values - others, seed by seed, and its standard error: std(ddof=1) / sqrt(n)."""
    d = mean_std(np.asarray(values, np.float64) - np.asarray(others, np.float64))
    return Estimate(d.mean, d.spread / float(np.sqrt(d.n)), d.n)


N_DRAWS = 10_000
LEAST, FEW = 3, 5
"""Values, and networks, that an interval is drawn from at all, and below which it is said how few
they are."""


@dataclass(frozen=True)
class Interval:
    """Percentile bootstrap interval of 95 % of a mean. n, n_networks: values, and networks that
    they are of."""

    low: float
    high: float
    n: int
    n_networks: int

    @property
    def name(self) -> str:
        """For people: what it speaks of."""
        if self.n < FEW:
            return f"bootstrap interval of only {self.n} seeds"
        if self.n_networks == 1:
            return (f"95 % bootstrap interval over {self.n} orders and roundings, of one network "
                    "alone")
        kind = "bootstrap interval of only" if self.n_networks < FEW else \
            "95 % bootstrap interval over"
        return f"{kind} {self.n_networks} networks, {self.n} seeds"

    @property
    def holds_zero(self) -> bool:
        return self.low <= 0 <= self.high


def bootstrap(values: Sequence[float], networks: Sequence[int], *, n_draws: int = N_DRAWS,
              seed: int = 0) -> Interval | None:
    """Of the mean of values, of networks by their place: networks are drawn with replacement, then
    as many values of each as it has, for those of one network are no values of others. The same for
    the same seed; None of fewer than LEAST values, and of several networks that are fewer.
    """
    if len(values) < LEAST or 1 < len(set(networks)) < LEAST:
        return None
    groups = [np.asarray(values, np.float64)[np.asarray(networks) == k]
              for k in dict.fromkeys(networks)]
    counts = np.array([g.size for g in groups])
    padded = np.zeros((len(groups), int(counts.max())))
    for k, group in enumerate(groups):
        padded[k, : group.size] = group
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(groups), size=(n_draws, len(groups)))
    places = (rng.random((*drawn.shape, padded.shape[1])) * counts[drawn][..., None]).astype(int)
    counted = np.arange(padded.shape[1]) < counts[drawn][..., None]
    sums = (padded[drawn[..., None], places] * counted).sum(axis=(1, 2))
    low, high = np.percentile(sums / counted.sum(axis=(1, 2)), (2.5, 97.5))
    return Interval(float(low), float(high), len(values), len(groups))
