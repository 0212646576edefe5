"""The dopamine gate of DA-SSDP: statistics of its warm-up and what they fix."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


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
