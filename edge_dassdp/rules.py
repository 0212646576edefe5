"""Plasticity rules as frozen specifications, one per projection, and where each may stand.

Notation, for one sample of T steps: n_j spike count of presynaptic neuron j; p_j, q_i = 1 if the
pre- or postsynaptic neuron fired, else 0; t_j, t_i its spike step; dt = |t_i - t_j|;
e = onehot(label) - softmax(logits). Sources: DA-SSDP, arXiv 2512.07194 and NeuroSyd/DA-SSDP;
SSDP, arXiv 2505.14841. Every constructor raises EdgeError E203 for a value out of range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edge_dassdp.credit import forward_projections, has_error, path_gain
from edge_dassdp.errors import EdgeError
from edge_dassdp.ir import Network, Projection
from edge_dassdp.kinds import is_int, is_real

Variant = Literal["described", "published"]
LatencyKind = Literal["first", "last"]


def _require(holds: bool, message: str, help: str = "") -> None:
    if not holds:
        raise EdgeError("E203", message, help=help)


def _positive(value: float, what: str) -> None:
    _require(is_real(value) and value > 0, f"{what} is {value}, expected a number above 0")


def _sigma(value: float, what: str) -> None:
    _require(is_real(value) and 1e-3 <= value <= 1e6,
             f"{what} is {value}, expected 0.001 to 1,000,000 steps")


@dataclass(frozen=True)
class ReadoutDelta:
    """Normalized delta rule of a forward projection into the readout.

    dW[j,c] = mu / kappa * n_j * e_c / (1 + |n|^2), kappa = `credit.readout_gain`.
    mu > 0, no unit: the share of the error one sample removes.
    """

    mu: float = 0.4

    def __post_init__(self) -> None:
        _positive(self.mu, "ReadoutDelta: mu")


@dataclass(frozen=True)
class ErrorSSDP:
    """Error-modulated SSDP: synchrony as eligibility, one back-projected error per neuron.

    d_i = sum over forward projections i -> q of sum_q err_q * W[i,q], weights as before the
    update; err = e at the readout, and q_q * d_q at a hidden population.
    dW[j,i] = mu * mean(theta_post) / (lambda * kappa * (1 + |n|^2))
              * d_i * q_i * n_j * exp(-dt^2 / (2 sigma^2)), first-spike steps,
    lambda = `credit.path_gain` of the postsynaptic population, kappa = `credit.readout_gain`.
    mu > 0, no unit; sigma > 0 in steps.
    """

    mu: float = 8.0
    sigma: float = 2.0

    def __post_init__(self) -> None:
        _positive(self.mu, "ErrorSSDP: mu")
        _sigma(self.sigma, "ErrorSSDP: sigma")


@dataclass(frozen=True)
class DASSDP:
    """SSDP under a dopamine gate fitted in a warm-up; needs no label once the gate is fitted.

    sync = p_j q_i, g = exp(-dt^2 / (2 sigma^2))
    Delta_ij = a_plus * sync * g - a_base * (1 - sync) * g
    S = mean_ij(sync); warm-up records (S, L), L the cross-entropy, and changes no weight;
    mu, sd = mean and population standard deviation of S, k = -corr(S, L), 0 without records
    G = clamp(1 + k (S - mu) / sd, 0, 2)   (G = 1 if not `gated`, if k is 0 or sd is 0)
    dW = clamp(mean over `batch` samples of G * Delta, -1, 1), applied when the batch is full.

    variant 'described' (the text): t = first spike, p, q = any spike, t = T if silent.
    variant 'published' (the code): t = last spike; t of a silent neuron is T for a projection
    into the readout and 0 elsewhere; L is the mean over the batch, the same for each of its
    samples. A readout whose membrane is summed fires at a step where v > 0; 'published' takes
    its flag from sum of v > 0 and its time from the steps.
    a_plus, a_base finite, in weight units (a negative a_plus reverses the sign of the rule);
    sigma > 0 in steps; batch 1 to 64 samples.
    """

    a_plus: float = 1.5e-3
    a_base: float = 5e-4
    sigma: float = 1.0
    gated: bool = True
    variant: Variant = "described"
    batch: int = 1

    def __post_init__(self) -> None:
        for name in ("a_plus", "a_base"):
            value = getattr(self, name)
            _require(is_real(value), f"DASSDP: {name} is {value}, expected a finite number")
        _sigma(self.sigma, "DASSDP: sigma")
        _require(self.variant in ("described", "published"),
                 f"DASSDP: variant '{self.variant}' is not described or published")
        _require(isinstance(self.gated, bool), f"DASSDP: gated is {self.gated}, expected a bool")
        _require(is_int(self.batch) and 1 <= self.batch <= 64,
                 f"DASSDP: batch is {self.batch}, expected 1 to 64")


def SSDP(  # noqa: N802 - stands beside DASSDP and is used like it
    a_plus: float = 1e-4,
    a_base: float = 5e-5,
    sigma: float = 1.0,
    variant: Variant = "described",
    batch: int = 1,
) -> DASSDP:
    """SSDP: `DASSDP` with the gate held at 1 and the constants of its vision code."""
    return DASSDP(a_plus, a_base, sigma, gated=False, variant=variant, batch=batch)


Rule = ReadoutDelta | ErrorSSDP | DASSDP


def latency_kind(rule: Rule) -> LatencyKind | None:
    """Which spike a rule's latencies record; None if it uses none."""
    if isinstance(rule, ReadoutDelta):
        return None
    published = isinstance(rule, DASSDP) and rule.variant == "published"
    return "last" if published else "first"


@dataclass(frozen=True)
class Learning:
    """What learns, and how.

    rules: projection name -> rule. skip_below: no error-driven rule writes for a sample with
    1 - p_y < skip_below, 0 (never skip) to below 1. seed: xorshift32 seed of the device's
    stochastic rounding, 1 to 2^32 - 1; float learning draws no random numbers.
    """

    rules: Mapping[str, Rule]
    skip_below: float = 0.05
    seed: int = 2463534242

    def __post_init__(self) -> None:
        _require(isinstance(self.rules, Mapping) and bool(self.rules), "no projection has a rule",
                 help="give a mapping of projections to rules")
        for name, rule in self.rules.items():
            _require(isinstance(rule, Rule), f"the rule of '{name}' is a {type(rule).__name__}",
                     help="choose ReadoutDelta, ErrorSSDP, DASSDP or SSDP")
        _require(is_real(self.skip_below) and 0 <= self.skip_below < 1,
                 f"skip_below is {self.skip_below}, expected 0 to below 1")
        _require(is_int(self.seed) and 1 <= self.seed < 2**32,
                 f"seed is {self.seed}, expected 1 to 2^32 - 1")

    @classmethod
    def default(cls, network: Network) -> Learning:
        """ErrorSSDP into the last hidden population, ReadoutDelta into the readout.

        Only projections from spiking populations learn; those into the readout must be forward.
        Raises E203 if there is none.
        """
        spiking = {p.name for p in network.populations}
        readout = network.readout.population
        hidden = [p.name for p in network.populations
                  if p.name != readout and has_error(network, p.name)]
        rules: dict[str, Rule] = {}
        for p in network.projections:
            if p.pre in spiking and hidden and p.post == hidden[-1]:
                rules[p.name] = ErrorSSDP()
            elif p.post == readout and p.pre in hidden:
                rules[p.name] = ReadoutDelta()
        return cls(rules)

    def validate(self, network: Network) -> None:
        """Raises E203 where a rule cannot stand, E105 for an unknown projection."""
        for name, rule in self.rules.items():
            _check_place(network, network.projection(name), rule)
        kinds: dict[str, tuple[LatencyKind, str]] = {}
        for name, rule in self.rules.items():
            kind = latency_kind(rule)
            if kind is None:
                continue
            projection = network.projection(name)
            for population in (projection.pre, projection.post):
                known, other = kinds.setdefault(population, (kind, name))
                _require(
                    known == kind,
                    f"'{other}' needs the {known} and '{name}' the {kind} spike of '{population}'",
                    help="give both rules the same variant",
                )


def _check_place(network: Network, projection: Projection, rule: Rule) -> None:
    kind, readout = type(rule).__name__, network.readout.population
    where = f"{kind} on '{projection.name}'"
    inputs = {i.name for i in network.inputs}
    _require(projection.pre not in inputs,
             f"{where}: its presynaptic side '{projection.pre}' is an input and does not spike",
             help="choose a projection between populations")
    if isinstance(rule, ReadoutDelta):
        _require(projection.post == readout, f"{where}: it ends at '{projection.post}', not at "
                 f"the readout '{readout}'", help="use ErrorSSDP for hidden projections")
        _require(projection in forward_projections(network, projection.pre),
                 f"{where}: it does not run forward into the readout")
    if isinstance(rule, ErrorSSDP):
        _require(projection.post != readout, f"{where}: it ends at the readout",
                 help="use ReadoutDelta for projections into the readout")
        _require(has_error(network, projection.post),
                 f"{where}: no forward path leads from '{projection.post}' to the readout")
        _require(path_gain(network, projection.post) > 0,
                 f"{where}: the weights from '{projection.post}' to the readout are all 0, so no "
                 "error comes back")
