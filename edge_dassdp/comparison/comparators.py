"""What the device rules are compared with on the host: surrogate backpropagation, and TESS.

Both learn where `Learning` has an error-driven rule and share its mu, normalized step sizes, skip,
schedule, headroom and replay; of ErrorSSDP and ErrorTouch only the place and mu count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import FloatArray, Network
from edge_dassdp.ir.credit import path_gain, readout_gain
from edge_dassdp.rules import Learning
from edge_dassdp.twin.learner import HEADROOM, FloatLearner, Sample


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise EdgeError("E203", message)


@dataclass(frozen=True)
class Surrogate:
    """What stands for the derivative of a spike by its membrane, 1 at the threshold.

    With u = slope |v - theta| / theta: fast_sigmoid 1 / (1 + u)^2, triangle max(0, 1 - u), box
    [u < 1]. slope > 0. The defaults were the best on validation streams of the watch data.
    Raises EdgeError E203 for another kind or slope.
    """

    kind: Literal["fast_sigmoid", "triangle", "box"] = "box"
    slope: float = 2.0

    def __post_init__(self) -> None:
        _require(self.kind in ("fast_sigmoid", "triangle", "box"),
                 f"Surrogate: kind '{self.kind}' is not fast_sigmoid, triangle or box")
        _require(math.isfinite(self.slope) and self.slope > 0,
                 f"Surrogate: slope is {self.slope}, expected a number above 0")

    def __call__(self, v: NDArray[Any], theta: FloatArray) -> FloatArray:
        """v: (n_steps, size), as compared with theta: (size,)."""
        distance = self.slope * np.abs(np.asarray(v, np.float64) - theta) / theta
        if self.kind == "fast_sigmoid":
            return np.asarray(1.0 / (1.0 + distance) ** 2)
        if self.kind == "triangle":
            return np.asarray(np.maximum(0.0, 1.0 - distance))
        return np.asarray((distance < 1.0).astype(np.float64))


def _require_delayed(network: Network, populations: tuple[str, ...]) -> None:
    for name in populations:
        p = network.population(name)
        _require(p.reset == "none" or p.reset_delay, f"'{name}' resets at once, so the membrane "
                 "that was compared with its threshold is not kept")


class BackpropLearner(FloatLearner):
    """Surrogate backpropagation through time of the plastic part, one step per labelled sample.

    With the error e as -dL/dlogits and resets held constant (as in snnTorch):
    i_q[t] = -dL/di, the gradient by the current of a neuron, is
    i[t] = h(v[t]) * sum over projections to q of sum_q W[., q] i_q[t] + leak * i[t+1],
    leak = beta, or 0 after a spike that resets to zero; at the readout membrane_sum adds e to i[t],
    spike_count adds h(v[t]) * e. Projections back in order carry i_q[t+1].
    dW[j,i] = mu * theta / (lambda kappa gain (1 + |n|^2)) * sum_t s_j[t] i_i[t], without theta /
    lambda into the readout. gain: what a presynaptic spike adds to a readout gradient, kappa for
    membrane_sum, 1 for spike_count.

    Parameters as of FloatLearner. Raises E203, too, where a population of the plastic part resets
    at once.
    """

    def __init__(self, network: Network, learning: Learning, surrogate: Surrogate | None = None,
                 *, headroom: float = HEADROOM, training: Samples | None = None) -> None:
        super().__init__(network, learning, headroom=headroom, training=training)
        _require_delayed(network, self.part)
        self.surrogate = surrogate or Surrogate()
        self._gain = readout_gain(network) if network.readout.kind == "membrane_sum" else 1.0

    def current_gradients(self, sample: Sample, e: FloatArray) -> dict[str, FloatArray]:
        """-dL/di of every population of the plastic part, (n_steps, size)."""
        network, n_steps = self.network, self.network.n_steps
        populations = [network.population(name) for name in self.part]
        h = {p.name: self.surrogate(sample.trace.membranes[p.name][0], p.threshold)
             for p in populations}
        keeps = {p.name: p.beta * ~(sample.trace.spikes[p.name][0] & (p.reset == "zero"))
                 for p in populations}
        gradient = {p.name: np.zeros((n_steps + 1, p.size)) for p in populations}
        place = {name: k for k, name in enumerate(self.part)}
        onward = [(p, int(place[p.post] <= place[p.pre])) for p in network.projections
                  if p.pre in place]
        weights = {p.name: self.weights[p.name].astype(np.float64) for p, _ in onward}
        counts_spikes = network.readout.kind == "spike_count"
        for t_step in range(n_steps - 1, -1, -1):
            for p in reversed(populations):
                by_spike = np.zeros(p.size)
                for q, delay in onward:
                    if q.pre == p.name:
                        by_spike += weights[q.name] @ gradient[q.post][t_step + delay]
                by_membrane = keeps[p.name][t_step] * gradient[p.name][t_step + 1]
                if p.name == network.readout.population:
                    by_spike += e * counts_spikes
                    by_membrane += e * (not counts_spikes)
                gradient[p.name][t_step] = h[p.name][t_step] * by_spike + by_membrane
        return {name: g[:-1] for name, g in gradient.items()}

    def gradients(self, sample: Sample, e: FloatArray) -> dict[str, FloatArray]:
        """-dL/dW of every projection with an error-driven rule, (n_pre, n_post)."""
        by_current = self.current_gradients(sample, e)
        found: dict[str, FloatArray] = {}
        order = [p.name for p in self.network.populations]
        for name, rule in self.learning.rules.items():
            if not rule.needs.error:
                continue
            p = self.network.projection(name)
            pre = sample.trace.spikes[p.pre][0].astype(np.float64)
            if order.index(p.pre) >= order.index(p.post):
                pre = np.concatenate([np.zeros_like(pre[:1]), pre[:-1]])
            found[name] = pre.T @ by_current[p.post]
        return found

    def changes(self, sample: Sample, e: FloatArray) -> dict[str, FloatArray]:
        """The gradients in normalized steps."""
        return {name: step_size(self, sample, name) / self._gain * gradient
                for name, gradient in self.gradients(sample, e).items()}


def step_size(learner: FloatLearner, sample: Sample, name: str,
              gain: float | None = None) -> float:
    """mu * mean(theta_post) / (lambda * kappa * (1 + |n|^2)) of an error-driven rule, lambda = gain
    where it is given; mu / (kappa (1 + |n|^2)) into the readout."""
    network, p = learner.network, learner.network.projection(name)
    n, mu = sample.counts(p.pre), float(vars(learner.learning.rules[name])["mu"])
    scale = mu / (readout_gain(network) * float(1.0 + n @ n))
    if p.post == network.readout.population:
        return scale
    theta = float(network.population(p.post).threshold.mean())
    return scale * theta / (path_gain(network, p.post) if gain is None else gain)


@dataclass(frozen=True)
class TESS:
    """A temporally and spatially local rule, after TESS (Apolinario, Roy and Frenkel, arXiv
    2502.01837; constants of its published linear layers).

    x_j[t] = lambda_pre x_j[t-1] + s_j[t];  y_i[t] = lambda_post y_i[t-1] + h(v_i[t]);
    dW[j,i] ~ sum_t m_i[t] (alpha_pre h(v_i[t]) x_j[t] + alpha_post y_i[t-1] s_j[t]).
    signal 'local', as published: m[t] = B (onehot(label) - softmax(B^T s_i[t])) in every step, with
    a fixed B (size, n_classes) = sign(sin(f_c i)) / size, f_c from 50 to 512. 'readout', ours: m[t]
    = the error fed back through the forward weights, the same at all steps.
    Ours, too: the normalized step size, one write per sample, and the delta rule at the readout.
    lambda_pre, lambda_post 0 to below 1; alpha_pre, alpha_post finite. Raises E203 out of range.
    """

    lambda_pre: float = 0.8
    lambda_post: float = 0.5
    alpha_pre: float = 1.0
    alpha_post: float = -0.2
    signal: Literal["local", "readout"] = "local"
    surrogate: Surrogate = Surrogate("fast_sigmoid", 100.0)

    def __post_init__(self) -> None:
        for name in ("lambda_pre", "lambda_post"):
            value = getattr(self, name)
            _require(0 <= value < 1, f"TESS: {name} is {value}, expected 0 to below 1")
        for name in ("alpha_pre", "alpha_post"):
            value = getattr(self, name)
            _require(math.isfinite(value), f"TESS: {name} is {value}, expected a finite number")
        _require(self.signal in ("local", "readout"),
                 f"TESS: signal '{self.signal}' is not local or readout")


def square_waves(size: int, n_classes: int) -> FloatArray:
    """B of TESS: (size, n_classes)."""
    frequencies = np.linspace(50.0, 512.0, n_classes)
    return np.asarray(np.sign(np.sin(np.outer(np.arange(size), frequencies))) / size)


def traces(values: FloatArray, decay: float) -> FloatArray:
    """z[t] = decay z[t-1] + values[t], (n_steps, size)."""
    filtered = np.zeros_like(values)
    z = np.zeros(values.shape[1])
    for t_step, value in enumerate(values):
        z = decay * z + value
        filtered[t_step] = z
    return filtered


class TESSLearner(FloatLearner):
    """`TESS` where `learning` has ErrorSSDP or ErrorTouch, with its mu; dW is scaled as theirs,
    with lambda = mean_c sum_i B[i,c]^2 for the local signal. Parameters as of FloatLearner. Raises
    E203, too, where a population of the plastic part resets at once."""

    def __init__(self, network: Network, learning: Learning, tess: TESS | None = None,
                 *, headroom: float = HEADROOM, training: Samples | None = None) -> None:
        super().__init__(network, learning, headroom=headroom, training=training)
        _require_delayed(network, self.part)
        self.tess = tess or TESS()
        self._basis: dict[str, FloatArray] = {}
        if self.tess.signal == "local":
            for name in self.learning.rules:
                post = network.population(network.projection(name).post)
                self._basis[post.name] = square_waves(post.size, network.n_classes)

    def signals(self, sample: Sample, population: str, e: FloatArray) -> FloatArray:
        """m of a population, (n_steps, size)."""
        n_steps = self.network.n_steps
        if self.tess.signal == "readout":
            return np.tile(self.credit(sample, population, e), (n_steps, 1))
        basis = self._basis[population]
        powers = np.exp(sample.trace.spikes[population][0] @ basis)
        onehot = np.eye(e.size)[e.argmax()]  # no other error is positive
        return np.asarray((onehot - powers / powers.sum(axis=1, keepdims=True)) @ basis.T)

    def change(self, sample: Sample, name: str, e: FloatArray) -> FloatArray | None:
        p, tess = self.network.projection(name), self.tess
        if p.post == self.network.readout.population:
            return super().change(sample, name, e)
        basis = self._basis.get(p.post)
        gain = None if basis is None else float((basis**2).sum(axis=0).mean())
        m = self.signals(sample, p.post, e)
        h = tess.surrogate(sample.trace.membranes[p.post][0],
                           self.network.population(p.post).threshold)
        s = sample.trace.spikes[p.pre][0].astype(np.float64)
        y = traces(h, tess.lambda_post)
        before = np.concatenate([np.zeros_like(y[:1]), y[:-1]])
        x = traces(s, tess.lambda_pre)
        change = tess.alpha_pre * x.T @ (m * h) + tess.alpha_post * s.T @ (m * before)
        return np.asarray(step_size(self, sample, name, gain) * change)
