"""Learning in floating point: every rule of `rules.py` as its equation says, for any graph.

The twin of what the device computes in integers; batch 1, one labelled sample at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.credit import forward_projections, path_gain, readout_gain
from edge_dassdp.errors import EdgeError
from edge_dassdp.floatmodel import Float32Array, FloatModel, Trace
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.rules import DASSDP, ErrorSSDP, Learning, ReadoutDelta, Rule

HEADROOM = 2.0
BoolArray = NDArray[np.bool_]


def first_spike_step(raster: BoolArray) -> NDArray[np.int64]:
    """(n_steps, size) -> (size,): step of the first spike, n_steps if silent."""
    return np.where(raster.any(axis=0), raster.argmax(axis=0), len(raster))


def last_spike_step(raster: BoolArray, silent: int) -> NDArray[np.int64]:
    """(n_steps, size) -> (size,): step of the last spike, `silent` if there is none."""
    last = len(raster) - 1 - raster[::-1].argmax(axis=0)
    return np.where(raster.any(axis=0), last, silent)


def synchrony(t_pre: NDArray[np.int64], t_post: NDArray[np.int64], sigma: float) -> FloatArray:
    """g[j,i] = exp(-(t_i - t_j)^2 / (2 sigma^2)): (n_pre, n_post)."""
    dt = t_post[None, :] - t_pre[:, None]
    return np.asarray(np.exp(-(dt**2) / (2.0 * sigma**2)))


def probabilities(logits: ArrayLike) -> FloatArray:
    """Softmax in float64: (n_classes,)."""
    scaled = np.asarray(logits, dtype=np.float64)
    powers = np.exp(scaled - scaled.max())
    return np.asarray(powers / powers.sum())


def loss_bits(logits: ArrayLike, label: int) -> float:
    """Cross-entropy of one sample in bits, -log2 p_label."""
    scaled = np.asarray(logits, dtype=np.float64)
    shifted = scaled - scaled.max()
    return float((np.log(np.exp(shifted).sum()) - shifted[label]) / np.log(2.0))


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample's activity: what the rules may read."""

    network: Network
    trace: Trace

    def raster(self, population: str) -> BoolArray:
        """(n_steps, size) as SSDP sees it: a summed membrane 'fires' where v > 0."""
        if self._is_summed(population):
            return np.asarray(self.trace.membranes[population][0] > 0)
        return np.asarray(self.trace.spikes[population][0])

    def counts(self, population: str) -> FloatArray:
        return np.asarray(self.trace.spikes[population][0].sum(axis=0), dtype=np.float64)

    def fired(self, population: str, variant: str) -> BoolArray:
        if variant == "published" and self._is_summed(population):
            return np.asarray(self.trace.membranes[population][0].sum(axis=0) > 0)
        return np.asarray(self.raster(population).any(axis=0))

    @property
    def logits(self) -> Float32Array:
        return np.asarray(self.trace.logits[0])

    @cached_property
    def predicted(self) -> int:
        return int(self.trace.classes[0])

    def _is_summed(self, population: str) -> bool:
        readout = self.network.readout
        return readout.kind == "membrane_sum" and population == readout.population


class DopamineSSDP:
    """State of one `DASSDP` projection: warm-up records, gate, and the batch under way."""

    def __init__(self, network: Network, projection: Projection, rule: DASSDP) -> None:
        self.rule = rule
        self._pre, self._post = projection.pre, projection.post
        into_readout = projection.post == network.readout.population
        self._silent = network.n_steps if into_readout else 0
        self._records: list[tuple[float, float]] = []
        self._waiting: list[tuple[float, float]] = []
        self._batch: list[FloatArray] = []
        self.k, self.mean, self.std = 0.0, 0.0, 1.0

    def eligibility(self, sample: Sample) -> tuple[FloatArray, float]:
        """Delta (n_pre, n_post) and S of one sample."""
        rule, pre, post = self.rule, sample.raster(self._pre), sample.raster(self._post)
        if rule.variant == "published":
            t_pre, t_post = (last_spike_step(r, self._silent) for r in (pre, post))
        else:
            t_pre, t_post = first_spike_step(pre), first_spike_step(post)
        sync = np.outer(sample.fired(self._pre, rule.variant),
                        sample.fired(self._post, rule.variant))
        g = synchrony(t_pre, t_post, rule.sigma)
        return np.where(sync, rule.a_plus, -rule.a_base) * g, float(sync.mean())

    def record(self, sample: Sample, loss: float) -> None:
        """Keeps (S, L); 'published' replaces L by the mean of its batch once that is full."""
        self._waiting.append((self.eligibility(sample)[1], loss))
        if self.rule.variant == "described" or len(self._waiting) == self.rule.batch:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            shared = float(np.mean([loss for _, loss in self._waiting]))
            self._records += [(s, shared) for s, _ in self._waiting]
            self._waiting.clear()

    def fit(self) -> None:
        """mean, std and k = -corr(S, L) of the records; k = 0 where there is no correlation."""
        self._flush()
        if not self._records:
            return
        s, loss = np.array(self._records).T
        self.mean, self.std = float(s.mean()), float(s.std())
        self._records.clear()
        spread = self.std * float(loss.std())
        covariance = float(((s - self.mean) * (loss - loss.mean())).mean())
        self.k = -covariance / spread if spread > 0 else 0.0

    def gate(self, s: float) -> float:
        if not self.rule.gated or self.k == 0.0:
            return 1.0
        return float(np.clip(1.0 + self.k * (s - self.mean) / self.std, 0.0, 2.0))

    def update(self, sample: Sample) -> FloatArray | None:
        """The batch's weight change (n_pre, n_post) if this sample completes it."""
        delta, s = self.eligibility(sample)
        self._batch.append(self.gate(s) * delta)
        if len(self._batch) < self.rule.batch:
            return None
        change = np.clip(np.mean(self._batch, axis=0), -1.0, 1.0)
        self._batch.clear()
        return np.asarray(change)


class FloatLearner:
    """A float network that learns by `Learning` (or by a plain mapping projection -> rule).

    Plastic weights stay within +-headroom * max|W_factory| of their projection. Raises E203 or
    E105 where a rule does not fit the network.
    """

    def __init__(
        self,
        network: Network,
        learning: Learning | Mapping[str, Rule],
        *,
        headroom: float = HEADROOM,
    ) -> None:
        self.learning = learning if isinstance(learning, Learning) else Learning(learning)
        self.learning.validate(network)
        self.network = network
        self.model = FloatModel(network)
        self._limits = {p.name: headroom * float(np.abs(p.weight).max())
                        for p in network.projections}
        self._kappa = readout_gain(network)
        self._lambdas = {
            name: path_gain(network, network.projection(name).post)
            for name, rule in self.learning.rules.items() if isinstance(rule, ErrorSSDP)
        }
        self.gates = {
            name: DopamineSSDP(network, network.projection(name), rule)
            for name, rule in self.learning.rules.items() if isinstance(rule, DASSDP)
        }

    @property
    def weights(self) -> dict[str, Float32Array]:
        """Projection name -> (n_pre, n_post) float32, live."""
        return self.model.weights

    def run(self, x: ArrayLike) -> Sample:
        """One sample x (n_inputs,) through the network."""
        return Sample(self.network, self.model.run(np.asarray(x, np.float32)[None]))

    def infer(self, x: ArrayLike) -> int:
        """Class of one sample x (n_inputs,)."""
        return self.run(x).predicted

    def learn(self, x: ArrayLike, label: int | None) -> int:
        """Class before the update; then every rule writes. Without a label only DASSDP does."""
        sample = self.run(x)
        self.adapt(sample, label)
        return sample.predicted

    def warm_up(self, x: ArrayLike, label: int, loss: float | None = None) -> int:
        """Records (S, L) for every gate, writes no weight. loss: bits, None = cross-entropy."""
        sample = self.run(x)
        bits = loss_bits(sample.logits, self._checked(label)) if loss is None else loss
        for gate in self.gates.values():
            gate.record(sample, bits)
        return sample.predicted

    def fit_gate(self) -> None:
        """Ends the warm-up: fixes k, mean and standard deviation of every gate."""
        for gate in self.gates.values():
            gate.fit()

    def adapt(self, sample: Sample, label: int | None) -> None:
        """Writes the weight changes of a sample that was run; all read the weights before it."""
        changes: dict[str, FloatArray | None] = {
            name: gate.update(sample) for name, gate in self.gates.items()
        }
        if label is not None:
            changes |= self.error_changes(sample, label)
        for name, change in changes.items():
            if change is not None:
                self.add(name, change)

    def add(self, name: str, change: FloatArray) -> None:
        """weights[name] += change, clipped to the headroom."""
        limit = self._limits[name]
        self.weights[name][:] = np.clip(self.weights[name] + change, -limit, limit)

    def error(self, sample: Sample, label: int) -> FloatArray:
        """e = onehot(label) - softmax(logits): (n_classes,)."""
        e = -probabilities(sample.logits)
        e[self._checked(label)] += 1.0
        return e

    def credit(self, sample: Sample, population: str, e: FloatArray) -> FloatArray:
        """err of a population: e at the readout, d (unmasked) elsewhere: (size,)."""
        if population == self.network.readout.population:
            return e
        d = np.zeros(self.network.population(population).size)
        for p in forward_projections(self.network, population):
            err = self.credit(sample, p.post, e)
            if p.post != self.network.readout.population:
                err = err * (sample.counts(p.post) > 0)
            d += self.weights[p.name] @ err
        return d

    def error_changes(self, sample: Sample, label: int) -> dict[str, FloatArray]:
        """dW of every error-driven projection; none if the sample is no surprise."""
        e = self.error(sample, label)
        if e[label] < self.learning.skip_below:
            return {}
        changes: dict[str, FloatArray] = {}
        for name, rule in self.learning.rules.items():
            projection = self.network.projection(name)
            if isinstance(rule, ReadoutDelta):
                changes[name] = self._readout_delta(sample, projection, rule, e)
            elif isinstance(rule, ErrorSSDP):
                changes[name] = self._error_ssdp(sample, projection, rule, e)
        return changes

    def _readout_delta(
        self, sample: Sample, projection: Projection, rule: ReadoutDelta, e: FloatArray
    ) -> FloatArray:
        n = sample.counts(projection.pre)
        return np.asarray(rule.mu / self._kappa / (1.0 + n @ n) * np.outer(n, e))

    def _error_ssdp(
        self, sample: Sample, projection: Projection, rule: ErrorSSDP, e: FloatArray
    ) -> FloatArray:
        n = sample.counts(projection.pre)
        theta = float(self.network.population(projection.post).threshold.mean())
        scale = rule.mu * theta / (self._lambdas[projection.name] * self._kappa * (1.0 + n @ n))
        d = self.credit(sample, projection.post, e) * (sample.counts(projection.post) > 0)
        t_pre = first_spike_step(sample.raster(projection.pre))
        t_post = first_spike_step(sample.raster(projection.post))
        return np.asarray(scale * np.outer(n, d) * synchrony(t_pre, t_post, rule.sigma))

    def _checked(self, label: int) -> int:
        if not 0 <= label < self.network.n_classes:
            raise EdgeError("E104", f"label {label} is not one of 0 to "
                            f"{self.network.n_classes - 1}")
        return label
