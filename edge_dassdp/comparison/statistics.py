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
