"""The dopamine gate of DA-SSDP: statistics of its warm-up and what they fix, in float and, below,
in the integers of every target.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import round_divide
from edge_dassdp.base.quantities import QUANTITIES

ONE_Q12, MAX_RECORDS = QUANTITIES["gate_one_q12"], QUANTITIES["gate_records_max"]
MAX_LOSS_Q8 = QUANTITIES["loss_max_q8"]  # of a record; S is as small, too
GATE_DTYPE = np.dtype([
    ("sum_ss", "<u8"), ("sum_ll", "<u8"), ("sum_sl", "<u8"), ("sum_s", "<u4"), ("sum_l", "<u4"),
    ("root_s", "<u4"), ("k_q12", "<i4"), ("n_records", "<u2"), ("last_gate_q12", "<u2"),
    ("reserved", "<u4"),
])
"""dassdp_gate_t of sync.h."""


@dataclass
class Gate:
    """Warm-up statistics of (S, L) and the gate fitted to them; its size does not grow.

    S is counted in pairs, (neurons that fired before) * (neurons that fired behind): the gate does
    not depend on the unit, and sums of integers are exact. L is summed as its difference from the
    first loss. k, mean and std are those of `rules.DASSDP`; k is None until `fit`.
    """

    n: int = 0
    first_loss: float = 0.0
    s: int = 0
    ss: int = 0
    l: float = 0.0  # noqa: E741 - L of the equations
    ll: float = 0.0
    sl: float = 0.0
    k: float | None = None
    mean: float = 0.0
    std: float = 0.0

    def record(self, pairs: list[int], losses: list[float]) -> None:
        """Adds one batch: S and L of each sample."""
        if self.n == 0:
            self.first_loss = losses[0]
        for s, loss in zip(pairs, losses, strict=True):
            difference = loss - self.first_loss
            self.n += 1
            self.s += s
            self.ss += s * s
            self.l += difference
            self.ll += difference * difference
            self.sl += s * difference

    def fit(self) -> None:
        """Fixes mean, population std and k = -corr(S, L); k = 0 where that is not defined."""
        self.k = 0.0
        if self.n == 0:
            return
        var_s = self.n * self.ss - self.s**2
        var_l = self.n * self.ll - self.l**2
        self.mean, self.std = self.s / self.n, sqrt(var_s) / self.n
        if var_s > 0 and var_l > 0:
            self.k = -(self.n * self.sl - self.s * self.l) / (sqrt(var_s) * sqrt(var_l))

    def __call__(self, pairs: list[int]) -> list[float]:
        """G of each sample, 0 to 2; 1 where k is 0."""
        if not self.k:
            return [1.0] * len(pairs)
        return [min(2.0, max(0.0, 1.0 + self.k * (s - self.mean) / self.std)) for s in pairs]


def add_record(gate: NDArray[Any], s: int, loss: int) -> None:
    """One (S, L) pair to the warm-up sums of a gate, GATE_DTYPE; nothing once they are full."""
    if int(gate["n_records"]) >= MAX_RECORDS:
        return
    for name, value in (("sum_s", s), ("sum_l", loss), ("sum_ss", s * s), ("sum_ll", loss * loss),
                        ("sum_sl", s * loss), ("n_records", 1)):
        gate[name] += value


def fit_gate(gate: NDArray[Any]) -> None:
    """Deviation of S and k = -corr(S, L) in Q12 from the warm-up sums."""
    n, sum_s, sum_l = (int(gate[name]) for name in ("n_records", "sum_s", "sum_l"))
    root_s = isqrt(n * int(gate["sum_ss"]) - sum_s * sum_s)
    root_l = isqrt(n * int(gate["sum_ll"]) - sum_l * sum_l)
    gate["root_s"], gate["k_q12"] = root_s, 0
    if root_s == 0 or root_l == 0:
        return
    covariance, deviations = n * int(gate["sum_sl"]) - sum_s * sum_l, root_s * root_l
    while deviations >= 1 << 48:
        deviations >>= 1
        covariance >>= 1
    k_q12 = round_divide(-covariance * ONE_Q12, deviations)
    gate["k_q12"] = max(-ONE_Q12, min(ONE_Q12, k_q12))


def is_gate(gate: NDArray[Any]) -> bool:
    """Whether records can have left these sums, and a fit this k; GATE_DTYPE."""
    n, s, loss, ss, ll, sl, k_q12 = (int(gate[name]) for name in (
        "n_records", "sum_s", "sum_l", "sum_ss", "sum_ll", "sum_sl", "k_q12"))
    bound = n * MAX_LOSS_Q8
    if (n > MAX_RECORDS or max(s, loss) > bound or max(ss, ll, sl) > bound * MAX_LOSS_Q8
            or n * ss < s * s or n * ll < loss * loss or abs(k_q12) > ONE_Q12):
        return False
    return abs(n * sl - s * loss) <= (isqrt(n * ss - s * s) + 1) * (isqrt(n * ll - loss * loss) + 1)


def gate_q12(gate: NDArray[Any], s: int) -> int:
    """G = clamp(1 + k (S - mu) / sigma_S, 0, 2) in Q12."""
    root_s = int(gate["root_s"])
    if root_s == 0:
        return ONE_Q12
    deviation = int(gate["n_records"]) * s - int(gate["sum_s"])
    return max(0, min(2 * ONE_Q12, ONE_Q12 + round_divide(int(gate["k_q12"]) * deviation, root_s)))
