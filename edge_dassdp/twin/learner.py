"""Learning in floating point: ReadoutDelta, ErrorSSDP, ErrorTouch and DASSDP as their equations
say, for any graph, with schedule and replay.

The twin of what the device computes in integers; batch 1, one labelled sample at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.ir.cells import Float32Array
from edge_dassdp.ir.credit import forward_projections, path_gain, plastic_part, readout_gain
from edge_dassdp.rules import DASSDP, ErrorSSDP, ErrorTouch, Learning, ReadoutDelta, Rule
from edge_dassdp.twin.gate import Gate
from edge_dassdp.twin.model import FloatModel, Trace
from edge_dassdp.twin.replay import FloatReplay, StoredSample, cut_of, flash_samples

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


def touch_trace(touched: BoolArray) -> FloatArray:
    """F[t] = 3/4 F[t+1] + M[t] from the marks M (n_steps, size): the same shape."""
    trace = np.zeros((len(touched) + 1, touched.shape[1]))
    for t_step in range(len(touched) - 1, -1, -1):
        trace[t_step] = 0.75 * trace[t_step + 1] + touched[t_step]
    return trace[:-1]


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

    def touched(self, population: str, width: float) -> BoolArray:
        """(n_steps, size): |v - theta| < width * theta. The stored membrane is the compared one,
        except where a population resets at once."""
        theta = self.network.population(population).threshold
        membrane = self.trace.membranes[population][0]
        return np.asarray(np.abs(membrane - theta) < width * theta)

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
        self._waiting: list[tuple[int, float]] = []
        self._batch: list[FloatArray] = []
        self.gate = Gate()

    def eligibility(self, sample: Sample) -> tuple[FloatArray, int]:
        """Delta (n_pre, n_post) and S of one sample, as a number of pairs."""
        rule, pre, post = self.rule, sample.raster(self._pre), sample.raster(self._post)
        if rule.variant == "published":
            t_pre, t_post = (last_spike_step(r, self._silent) for r in (pre, post))
        else:
            t_pre, t_post = first_spike_step(pre), first_spike_step(post)
        sync = np.outer(sample.fired(self._pre, rule.variant),
                        sample.fired(self._post, rule.variant))
        g = synchrony(t_pre, t_post, rule.sigma)
        return np.where(sync, rule.a_plus, -rule.a_base) * g, int(sync.sum())

    def record(self, sample: Sample, loss: float) -> None:
        """Keeps (S, L); 'published' replaces L by the mean of its batch once that is full."""
        self._waiting.append((self.eligibility(sample)[1], loss))
        if self.rule.variant == "described" or len(self._waiting) == self.rule.batch:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            shared = float(np.mean([loss for _, loss in self._waiting]))
            self.gate.record([s for s, _ in self._waiting], [shared] * len(self._waiting))
            self._waiting.clear()

    def fit(self) -> None:
        """Ends the warm-up."""
        self._flush()
        self.gate.fit()

    def update(self, sample: Sample) -> FloatArray | None:
        """The batch's weight change (n_pre, n_post) if this sample completes it."""
        delta, s = self.eligibility(sample)
        self._batch.append((self.gate([s])[0] if self.rule.gated else 1.0) * delta)
        if len(self._batch) < self.rule.batch:
            return None
        change = np.clip(np.mean(self._batch, axis=0), -1.0, 1.0)
        self._batch.clear()
        return np.asarray(change)


class FloatLearner:
    """A float network that learns by `Learning` (or by a plain mapping projection -> rule).

    Plastic weights stay within +-headroom * max|W_factory| of their projection. `training` is what
    samples in flash are chosen from. The guard is the device's; there is none here. Raises E203 or
    E105 where a rule does not fit the network, E105 where replay has no samples.
    """

    def __init__(
        self,
        network: Network,
        learning: Learning | Mapping[str, Rule],
        *,
        headroom: float = HEADROOM,
        training: Samples | None = None,
    ) -> None:
        self.learning = learning if isinstance(learning, Learning) else Learning(learning)
        self.learning.validate(network)
        for name, rule in self.learning.rules.items():
            if not isinstance(rule, ReadoutDelta | ErrorSSDP | ErrorTouch | DASSDP):
                raise EdgeError("E203", f"{type(rule).__name__} on '{name}' has no float twin",
                                help="measure it in the emulator")
        self.network = network
        self.model = FloatModel(network)
        self._limits = {p.name: headroom * float(np.abs(p.weight).max())
                        for p in network.projections}
        self._kappa = readout_gain(network)
        self._lambdas = {
            name: path_gain(network, network.projection(name).post)
            for name, rule in self.learning.rules.items()
            if isinstance(rule, ErrorSSDP | ErrorTouch)
        }
        self._touch_widths = {
            network.projection(name).post: rule.width
            for name, rule in self.learning.rules.items() if isinstance(rule, ErrorTouch)
        }
        self.gates = {
            name: DopamineSSDP(network, network.projection(name), rule)
            for name, rule in self.learning.rules.items() if isinstance(rule, DASSDP)
        }
        self.n_labelled = 0
        self.part = plastic_part(network, self.learning.rules)
        self.cut = cut_of(network, self.part)
        self.memory: FloatReplay | None = None
        if self.learning.replay is not None:
            flash = flash_samples(self.model, self.cut, self.learning.replay, training)
            self.memory = FloatReplay(self.learning.replay, network.n_classes, flash,
                                      self.learning.seed)

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
        """Class before the update; then every rule writes. Without a label only DASSDP does.

        A labelled sample is stored and others are replayed, skipped or not.
        """
        sample = self.run(x)
        self.adapt(sample, label)
        if self.memory is not None and label is not None:
            rasters = {name: sample.trace.spikes[name][0] for name in self.cut}
            self.memory.store(StoredSample.of(rasters, label))
            self._replay(self.memory.after_sample())
        return sample.predicted

    def idle(self, n: int) -> int:
        """Learns again from up to n stored samples; how many there were. E503 without replay."""
        if self.memory is None:
            raise EdgeError("E503", "there is no replay", help="give Learning a Replay")
        return self._replay(self.memory.idle(n))

    def _replay(self, stored: Iterable[StoredSample]) -> int:
        n_done = 0
        for sample in stored:
            rasters = {name: r[None] for name, r in sample.rasters(self.network.n_steps).items()}
            rerun = Sample(self.network, self.model.rerun(rasters, self.part))
            for name, change in self.error_changes(rerun, sample.label).items():
                self.add(name, change)
            n_done += 1
        return n_done

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
            self.n_labelled += 1
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
                err = err * self.mask(sample, p.post)
            d += self.weights[p.name] @ err
        return d

    def mask(self, sample: Sample, population: str) -> BoolArray:
        """Which neurons have an error: the touched ones where ErrorTouch writes, else those that
        fired."""
        width = self._touch_widths.get(population)
        if width is None:
            return np.asarray(sample.counts(population) > 0)
        return np.asarray(sample.touched(population, width).any(axis=0))

    def error_changes(self, sample: Sample, label: int) -> dict[str, FloatArray]:
        """dW of every error-driven projection; none if the sample is no surprise."""
        e = self.error(sample, label)
        if e[label] < self.learning.skip_below:
            return {}
        schedule = self.learning.schedule
        factor = 1.0 if schedule is None else schedule.factor(self.n_labelled)
        return {name: factor * change for name, change in self.changes(sample, e).items()}

    def changes(self, sample: Sample, e: FloatArray) -> dict[str, FloatArray]:
        """dW of every error-driven projection for the error e (n_classes,), without schedule."""
        changes: dict[str, FloatArray] = {}
        for name, rule in self.learning.rules.items():
            projection = self.network.projection(name)
            if isinstance(rule, ReadoutDelta):
                changes[name] = self._readout_delta(sample, projection, rule, e)
            elif isinstance(rule, ErrorSSDP | ErrorTouch):
                scale = self.hidden_scale(sample, projection, rule.mu)
                changes[name] = scale * self.hidden_change(sample, projection, rule, e)
        return changes

    def hidden_scale(self, sample: Sample, projection: Projection, mu: float) -> float:
        """mu * mean(theta_post) / (lambda * kappa * (1 + |n|^2))."""
        n = sample.counts(projection.pre)
        theta = float(self.network.population(projection.post).threshold.mean())
        return mu * theta / (self._lambdas[projection.name] * self._kappa * float(1.0 + n @ n))

    def hidden_change(self, sample: Sample, projection: Projection,
                      rule: ErrorSSDP | ErrorTouch, e: FloatArray) -> FloatArray:
        """Eligibility times error, (n_pre, n_post); `hidden_scale` makes it a weight change."""
        d = self.credit(sample, projection.post, e) * self.mask(sample, projection.post)
        pre, post = sample.raster(projection.pre), sample.raster(projection.post)
        if isinstance(rule, ErrorTouch):
            trace = touch_trace(sample.touched(projection.post, rule.width))
            return np.asarray(pre.T.astype(np.float64) @ trace * d)
        g = synchrony(first_spike_step(pre), first_spike_step(post), rule.sigma)
        return np.asarray(np.outer(sample.counts(projection.pre), d) * g)

    def _readout_delta(
        self, sample: Sample, projection: Projection, rule: ReadoutDelta, e: FloatArray
    ) -> FloatArray:
        n = sample.counts(projection.pre)
        return np.asarray(rule.mu / self._kappa / (1.0 + n @ n) * np.outer(n, e))

    def _checked(self, label: int) -> int:
        if not 0 <= label < self.network.n_classes:
            raise EdgeError("E104", f"label {label} is not one of 0 to "
                            f"{self.network.n_classes - 1}")
        return label
