"""Plasticity rules that need no label, as frozen specifications.

Notation as in `rules`. Every constructor raises EdgeError E203 for a value out of range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int, is_real

Variant = Literal["described", "published"]


def require(holds: bool, message: str, help: str = "") -> None:
    """EdgeError E203 unless it holds."""
    if not holds:
        raise EdgeError("E203", message, help=help)


def positive(value: float, what: str) -> None:
    require(is_real(value) and value > 0, f"{what} is {value}, expected a number above 0")


def in_steps(value: float, what: str) -> None:
    require(is_real(value) and 1e-3 <= value <= 1e6,
            f"{what} is {value}, expected 0.001 to 1,000,000 steps")


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
            require(is_real(value), f"DASSDP: {name} is {value}, expected a finite number")
        in_steps(self.sigma, "DASSDP: sigma")
        require(self.variant in ("described", "published"),
                f"DASSDP: variant '{self.variant}' is not described or published")
        require(isinstance(self.gated, bool), f"DASSDP: gated is {self.gated}, expected a bool")
        require(is_int(self.batch) and 1 <= self.batch <= 64,
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


@dataclass(frozen=True)
class PairSTDP:
    """Pair-based STDP with exponential traces, all pairs, of one projection. No label, no error.

    Each step: X_j = X_j exp(-1/tau_plus) + s_j;
    dW[j,i] += scale * (a_plus * X_j * s_i - a_minus * s_j * Y_i);
    Y_i = Y_i exp(-1/tau_minus) + s_i; scale = max|W_factory|.
    a_plus, a_minus finite, as shares of scale; tau_plus, tau_minus > 0 in steps.
    Source: Morrison, Diesmann and Gerstner, Biological Cybernetics 98 (2008), 459-478.
    """

    a_plus: float = 1e-4
    a_minus: float = 2e-4
    tau_plus: float = 4.0
    tau_minus: float = 4.0

    def __post_init__(self) -> None:
        for name in ("a_plus", "a_minus"):
            value = getattr(self, name)
            require(is_real(value), f"PairSTDP: {name} is {value}, expected a finite number")
        for name in ("tau_plus", "tau_minus"):
            positive(getattr(self, name), f"PairSTDP: {name}")


@dataclass(frozen=True)
class Homeostasis:
    """Homeostatic scaling: every neuron returns to the activity that it had in the factory.

    dW[j,i] = eta * mean(theta_post) * (target_i - n_i) / T * n_j / (1 + |n|^2)
    on every sample learned, labelled or not: a normalized delta rule on the spike count. Its aim is
    that of synaptic scaling (Turrigiano et al., Nature 391, 1998), its form is not multiplicative.
    eta > 0, no unit. target: spikes of a sample, 0 to 255, of all neurons, or None for each
    neuron's mean on the calibration samples.
    """

    eta: float = 0.1
    target: float | None = None

    def __post_init__(self) -> None:
        positive(self.eta, "Homeostasis: eta")
        require(self.target is None or (is_real(self.target) and 0 <= self.target <= 255),
                f"Homeostasis: target is {self.target}, expected 0 to 255 spikes or None")
