"""What the misses of the device itself decide: how far it steps, and whether it learns at all."""

from __future__ import annotations

from dataclasses import dataclass

from edge_dassdp.base.numbers import is_real
from edge_dassdp.rules.base import require


@dataclass(frozen=True)
class ErrorScaled:
    """Step sizes of the error-driven rules follow the share of wrong classes: times
    min(1, max(floor, gain * share)).

    share: running mean over labelled samples, each judged before it is learned, share += (miss -
    share) / 16. gain: 0.25 to 15, in sixteenths. floor: 0.01 to 1. start: the share before the
    first sample, 0 to 0.97. In place of a `Schedule`: where nothing shifted, little is written,
    however many labels come; a byte of state.
    """

    gain: float = 2.0
    floor: float = 0.05
    start: float = 0.1

    def __post_init__(self) -> None:
        for name, low, high in (("gain", 0.25, 15), ("floor", 0.01, 1), ("start", 0, 0.97)):
            value = getattr(self, name)
            require(is_real(value) and low <= value <= high,
                    f"ErrorScaled: {name} is {value}, expected {low} to {high}")

    def factor(self, share: float) -> float:
        """What multiplies the step size at a share of wrong classes."""
        return min(1.0, max(self.floor, self.gain * share))


@dataclass(frozen=True)
class CUSUM:
    """A gate that keeps the weights as they are until misses pile up.

    Of every labelled sample S = min(opens_at, max(0, S + miss - allowed)), Page's cumulative sum:
    at S = opens_at the gate opens, and learning begins with that sample. Until then nothing is
    written, whatever the rule, and no stored sample is learned again; labelled samples go into the
    ring of `Replay`, which is caught up with after the opening. allowed: share of misses that is no
    shift, 0.01 to 0.9: some points more than the network errs by itself. opens_at: 0.5 to 60, less
    opens sooner, and on nothing: with 2.7, at 3 % misses, one stream of 120 samples in 25. closes:
    it closes where S comes back to 0, that is once the network errs less than `allowed` again, and
    a false alarm ends; without, it stays open for ever.
    """

    opens_at: float = 2.7
    allowed: float = 0.08
    closes: bool = True

    def __post_init__(self) -> None:
        for name, low, high in (("opens_at", 0.5, 60), ("allowed", 0.01, 0.9)):
            value = getattr(self, name)
            require(is_real(value) and low <= value <= high,
                    f"CUSUM: {name} is {value}, expected {low} to {high}")
        require(isinstance(self.closes, bool), "CUSUM: closes is no truth value")
