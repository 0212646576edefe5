"""What a plasticity rule is before it is quantized: where it may stand, what it asks of the
network, its constants in integers with their proof, and its float twin.

A rule is one file: a `Rule`, its equation and source in the docstring, and below it the `QRule`
that runs (edge_dassdp.qir.nodes). Notation of the equations, for one sample of T steps: n_j spike
count of presynaptic neuron j; p_j, q_i = 1 if the pre- or postsynaptic neuron fired, else 0; t_j,
t_i its spike step; dt = |t_i - t_j|; e = onehot(label) - softmax(logits / temperature).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import is_real
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.qir import QRule, Site
from edge_dassdp.qir.lesson import DW_MAX_Q8
from edge_dassdp.qir.ranges import Bound

LatencyKind = Literal["first", "last"]
Side = Literal["none", "pre", "both"]
BoolArray = NDArray[np.bool_]


def require(holds: bool, message: str, help: str = "") -> None:
    """EdgeError E203 unless it holds."""
    refuse_unless("E203", holds, message, help=help)


def positive(value: float, what: str) -> None:
    require(is_real(value) and value > 0, f"{what} is {value}, expected a number above 0")


def in_steps(value: float, what: str) -> None:
    require(is_real(value) and 1e-3 <= value <= 1e6,
            f"{what} is {value}, expected 0.001 to 1,000,000 steps")


@dataclass(frozen=True)
class Needs:
    """What a rule asks the network to remember of a sample.

    error: the error of a label at its postsynaptic population, fed back. counts: spikes counted.
    latency: which spike's step is kept, of both sides. rasters: the spikes of every step. touch:
    membranes within this share of the threshold are marked in every step, postsynaptic, 0 to 1.
    batch: samples that it learns from together, 1 to 64. mean_counts: mean spikes of a sample on
    calibration samples. warm_up: a fit before it learns.
    """

    error: bool = False
    counts: Side = "both"
    latency: LatencyKind | None = None
    rasters: Side = "none"
    touch: float | None = None
    batch: int | None = None
    mean_counts: bool = False
    warm_up: bool = False


@dataclass(frozen=True, eq=False)
class Place:
    """What the constants of one projection's rule are made from.

    step: real value of an 8-bit weight step, in units of the float weights. error_unit: real value
    of one unit of the error that comes back to the postsynaptic population. mean_counts: (n_post,)
    spikes of a sample on calibration samples, None without. room: bytes of a sample, free once it
    has run.
    """

    network: Network
    projection: Projection
    site: Site
    step: float
    error_unit: float
    mean_counts: FloatArray | None
    room: int

    @property
    def error_peak(self) -> int:
        """The largest error, in its unit, 0 without one."""
        return self.site.error_peak

    @property
    def threshold(self) -> float:
        """Mean of the postsynaptic neurons."""
        return float(self.network.population(self.projection.post).threshold.mean())

    @property
    def largest(self) -> float:
        """max|W| of the float weights, in 8-bit weight steps."""
        return float(np.abs(self.projection.weight).max()) / self.step

    def update(self, peak: int) -> Bound:
        """The proof that no update in Q8 exceeds what rows hold."""
        if peak > DW_MAX_Q8:
            raise EdgeError("E202", f"projection '{self.site.name}': an update may reach {peak:,} "
                            f"in Q8 of a weight step, more than {DW_MAX_Q8:,}",
                            help="choose smaller amplitudes")
        return Bound(f"{self.site.name}: update", peak, 16)

    def require_reach(self, update_q8: int, what: str, help: str) -> None:
        """EdgeError E201 where the largest update that can come about rounds to 0 in Q8."""
        if update_q8 == 0:
            raise EdgeError("E201", f"projection '{self.site.name}': {what} move no weight: the "
                            "largest is less than 1/512 of a weight step", help=help)


class Sample(Protocol):
    """What a float twin may read of one sample's activity (twin.learner.Sample)."""

    def raster(self, population: str) -> BoolArray:
        """(n_steps, size): spikes; a summed membrane 'fires' where v > 0."""

    def spikes(self, population: str) -> BoolArray:
        """(n_steps, size): spikes alone."""

    def counts(self, population: str) -> FloatArray:
        """(size,) spikes of the sample."""

    def touched(self, population: str, width: float) -> BoolArray:
        """(n_steps, size): |v - theta| < width theta."""

    def fired(self, population: str, variant: str) -> BoolArray:
        """(size,)"""


class Twin(ABC):
    """The float twin of a rule on one projection, with what it carries from sample to sample."""

    @abstractmethod
    def change(self, sample: Sample, err: FloatArray) -> FloatArray | None:
        """dW (n_pre, n_post) after a sample, None while a batch is not full."""

    def record(self, sample: Sample, loss: float) -> None:  # noqa: B027 - most have none
        """A sample of the warm-up and its loss in bits."""

    def fit(self) -> None:  # noqa: B027 - most have none
        """Ends the warm-up."""


@dataclass(frozen=True, eq=False)
class _Plain(Twin):
    """Of a rule that carries nothing."""

    rule: Rule
    network: Network
    projection: Projection

    def change(self, sample: Sample, err: FloatArray) -> FloatArray:
        return self.rule.change(sample, self.network, self.projection, err)


class Rule(ABC):
    """A plasticity rule as a frozen dataclass of real numbers, for one projection.

    word: its name on the command line, in docs and of its files. The constructor raises EdgeError
    E203 for a value out of range. size: the parameter that its updates grow with. no_twin: why it
    has no float twin. learns_channels: it may stand on a 1 x 1 convolution. takes_numbers: its
    proof is for `Site.count_peak` spikes of a neuron, which are more than n_steps where neurons
    fire several times a step.
    """

    known: ClassVar[dict[str, type[Rule]]] = {}
    makers: ClassVar[dict[str, Callable[..., Rule]]] = {}
    word: ClassVar[str]
    size: ClassVar[str] = "mu"
    no_twin: ClassVar[str] = ""
    learns_channels: ClassVar[bool] = False
    takes_numbers: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        word = cls.__dict__.get("word")
        if word is None:
            return
        other = Rule.known.get(word)
        if other is not None and other.__module__ != cls.__module__:
            raise EdgeError("E203", f"two rules have the word '{word}': {other.__module__} and "
                            f"{cls.__module__}", help="give yours another word")
        Rule.known[word] = Rule.makers[word] = cls

    @property
    @abstractmethod
    def needs(self) -> Needs: ...

    def check(self, network: Network, projection: Projection) -> None:  # noqa: B027 - most have none
        """EdgeError E203 where it may not stand, beyond what `Learning` sees to by its needs."""

    @abstractmethod
    def quantized(self, place: Place) -> tuple[QRule, tuple[Bound, ...]]:
        """Its constants in integers, and what was proven of them: `place.update` at least.

        Raises E201 where a constant has no fixed-point form, E202 where a proof fails, E105 where
        it lacks calibration samples.
        """

    def change(self, sample: Sample, network: Network, projection: Projection,
               err: FloatArray) -> FloatArray:
        """dW (n_pre, n_post) of one sample as its equation says. err: (n_post,) error of the
        postsynaptic neurons, 0 where they have none. Raises E203 where it has no float twin."""
        raise self._without_twin(projection)

    def twin(self, network: Network, projection: Projection) -> Twin:
        """Its float twin on a projection. Raises E203 where it has none."""
        if self.no_twin:
            raise self._without_twin(projection)
        return _Plain(self, network, projection)

    def _without_twin(self, projection: Projection) -> EdgeError:
        return EdgeError("E203", f"{type(self).__name__} on '{projection.name}' has no float twin",
                         cause=self.no_twin or "it defines no `change`",
                         help="measure it in the emulator")

    def of_bias(self, share: float) -> Self | None:
        """The rule of a bias beside its weights, a weight behind a neuron that fires in every step,
        with a share of the step size; None where a bias cannot learn by it."""
        return None


@dataclass(frozen=True)
class Code:
    """How the train of one neuron becomes a latency and a flag.

    last: the last step with a value above 0, else the first. silent: the latency without one.
    by_mean: of real values the flag is the sign of their mean, whatever the latency says; else one
    step is enough.
    """

    last: bool
    silent: int
    by_mean: bool


class SynchronyRule(Rule):
    """A rule whose change of a pair is a table by (sync, dt), times a gate: what training in
    PyTorch may have beside it (twin.hook).

    gated: the gate is fitted in a warm-up, else it is 1. repeats_loss: every sample of a batch of
    the warm-up has its mean loss.
    """

    gated: bool

    @property
    @abstractmethod
    def repeats_loss(self) -> bool: ...

    @abstractmethod
    def delta(self, n_steps: int) -> FloatArray:
        """dW of a pair by [sync, dt]: (2, n_steps + 1)."""

    @abstractmethod
    def code(self, n_steps: int, into_readout: bool) -> Code:
        """Of the neurons before and behind a projection."""
