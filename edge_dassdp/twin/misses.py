"""What the misses of float learning decide: the twin of docs/arithmetic.md, 12 and 14."""

from __future__ import annotations

from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.rules import CUSUM, ErrorScaled, Learning

WEIGHT = 2.0 ** -QUANTITIES["share_shift"]
CATCH_UP = QUANTITIES["catch_up"]


class FloatMisses:
    """Of one learner. share: running share of wrong classes, of steps that follow it; total: S of
    the gate; n_due: samples of the ring to learn again since it opened; n_held: held back."""

    def __init__(self, learning: Learning) -> None:
        steps = learning.schedule
        self.steps = steps
        self.gate: CUSUM | None = learning.gate
        self.is_open = learning.gate is None
        self.share = steps.start if isinstance(steps, ErrorScaled) else 0.0
        self.total, self.n_due, self.n_held = 0.0, 0, 0

    def factor(self, n_labelled: int) -> float:
        """What multiplies step sizes."""
        if isinstance(self.steps, ErrorScaled):
            return self.steps.factor(self.share)
        return 1.0 if self.steps is None else self.steps.factor(n_labelled)

    def judge(self, is_miss: bool, n_stored: int) -> None:
        """A labelled sample at the CUSUM gate. n_stored: samples in the ring."""
        gate = self.gate
        if gate is None:
            return
        self.total = min(gate.opens_at, max(0.0, self.total + is_miss - gate.allowed))
        if not self.is_open and self.total == gate.opens_at:
            self.is_open, self.n_due = True, n_stored
        elif gate.closes and self.total == 0.0:
            self.is_open = False
        self.n_held += not self.is_open

    def count(self, is_miss: bool) -> None:
        """A labelled sample that was learned, or held back."""
        self.share += (is_miss - self.share) * WEIGHT

    def take_due(self) -> int:
        """How many samples of the ring are learned again now, beside the usual ones."""
        n = min(self.n_due, CATCH_UP)
        self.n_due -= n
        return n
