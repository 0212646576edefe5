"""Learning in floating point, as the equations of rules say, for any graph, with step sizes, gate
and replay.

The twin of what the device computes in integers; batch 1, one labelled sample at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int, is_real, sample_array
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import FloatArray, Network
from edge_dassdp.ir.cells import Float32Array
from edge_dassdp.ir.credit import forward_projections, plastic_part
from edge_dassdp.ir.geometry import volume
from edge_dassdp.ir.pools import with_pools_apart
from edge_dassdp.rules import Learning, Rule
from edge_dassdp.twin.misses import FloatMisses
from edge_dassdp.twin.model import FloatModel, Trace
from edge_dassdp.twin.replay import FloatReplay, StoredSample, cut_of, flash_samples

HEADROOM = 2.0
BoolArray = NDArray[np.bool_]


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
    """One sample's activity: what the rules may read.

    by_channel: every array is of channels, of which one fires, or touches its threshold, where any
    of its positions does.
    """

    network: Network
    trace: Trace
    by_channel: bool = False

    def raster(self, population: str) -> BoolArray:
        """(n_steps, size) as SSDP sees it: a summed membrane 'fires' where v > 0."""
        if self._is_summed(population):
            return self._seen(population, self._of(self.trace.membranes, population) > 0)
        return self.spikes(population)

    def spikes(self, population: str) -> BoolArray:
        """(n_steps, size): whether it fired, once or several times."""
        return self._seen(population, self._of(self.trace.spikes, population) > 0)

    def counts(self, population: str) -> FloatArray:
        """(size,) spikes, or the steps with some where their number has no limit."""
        most = self.network.population(population).max_spikes
        spikes = self.trace.spikes[population][0]
        if self.by_channel or most == 0:
            spikes = self.spikes(population)
        return np.asarray(spikes.sum(axis=0), dtype=np.float64)

    def touched(self, population: str, width: float) -> BoolArray:
        """(n_steps, size): |v - theta| < width * theta. The stored membrane is the compared one,
        except where a population resets at once."""
        theta = self.network.population(population).threshold
        membrane = self._of(self.trace.membranes, population)
        return self._seen(population, np.abs(membrane - theta) < width * theta)

    def fired(self, population: str, variant: str) -> BoolArray:
        if variant == "published" and self._is_summed(population):
            summed = self._of(self.trace.membranes, population).sum(axis=0, keepdims=True)
            return np.asarray(self._seen(population, summed > 0)[0])
        return np.asarray(self.raster(population).any(axis=0))

    def _of(self, kept: Mapping[str, NDArray[Any]], population: str) -> NDArray[Any]:
        """(n_steps, size); E105 for what is no population, or did not run."""
        if population not in kept:
            raise EdgeError("E105", f"'{self.network.population(population).name}' did not run")
        return np.asarray(kept[population][0])

    def _seen(self, population: str, events: BoolArray) -> BoolArray:
        """Of neurons (n, size), or of their channels."""
        if not self.by_channel:
            return np.asarray(events)
        channels, *_ = volume(self.network.population(population).shape)
        return np.asarray(events.reshape(len(events), channels, -1).any(axis=2))

    @property
    def logits(self) -> Float32Array:
        return np.asarray(self.trace.logits[0])

    @property
    def scores(self) -> FloatArray:
        """What the softmax takes: logits / temperature."""
        return np.asarray(self.logits / self.network.readout.temperature, np.float64)

    @cached_property
    def predicted(self) -> int:
        return int(self.trace.classes[0])

    def _is_summed(self, population: str) -> bool:
        readout = self.network.readout
        return readout.kind == "membrane_sum" and population == readout.population


class FloatLearner:
    """A float network that learns by `Learning` (or by a plain mapping projection -> rule).

    Plastic weights stay within +-headroom * max|W_factory| of their projection. `training` is what
    samples in flash are chosen from. The guard is the device's; there is none here. Raises E203 or
    E105 where a rule does not fit the network, E105 for a headroom below 1 or where replay
    has no samples. What runs raises E104 for samples, labels and losses that are none.
    """

    def __init__(
        self,
        network: Network,
        learning: Learning | Mapping[str, Rule],
        *,
        headroom: float = HEADROOM,
        training: Samples | None = None,
    ) -> None:
        self.model = FloatModel(network)
        if not is_real(headroom) or headroom < 1.0:
            raise EdgeError("E105", f"headroom is {headroom}, expected a number from 1")
        self.learning = learning if isinstance(learning, Learning) else Learning(learning)
        self.learning.validate(network)
        grown = with_pools_apart(network, self.learning.rules)
        if grown is not network:
            network, self.model = grown, FloatModel(grown)
        self.network = network
        self._limits = {p.name: headroom * float(np.abs(p.weight).max())
                        for p in network.projections}
        self._touch_widths = {
            network.projection(name).post: rule.needs.touch
            for name, rule in self.learning.rules.items() if rule.needs.touch is not None
        }
        self.twins = {name: rule.twin(network, network.projection(name))
                      for name, rule in self.learning.rules.items()}
        self.n_labelled = 0
        self.misses = FloatMisses(self.learning)
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
        return Sample(self.network, self.model.run(sample_array(x)[None]))

    def infer(self, x: ArrayLike) -> int:
        """Class of one sample x (n_inputs,)."""
        return self.run(x).predicted

    def learn(self, x: ArrayLike, label: int | None) -> int:
        """Class before the update; then every rule writes, without a label those without an error.

        A labelled sample is stored and others are replayed, skipped or not. A closed gate lets it
        be stored alone.
        """
        sample, misses, memory = self.run(x), self.misses, self.memory
        is_miss = label is not None and sample.predicted != self._checked(label)
        if label is not None:
            misses.judge(is_miss, memory.n_stored if memory else 0)
        if misses.is_open:
            self.adapt(sample, label)
        if label is not None:
            misses.count(is_miss)
        if memory is not None and label is not None:
            rasters = {name: sample.trace.spikes[name][0] for name in self.cut}
            memory.store(StoredSample.of(rasters, label))
            if misses.is_open:
                self._replay(memory.after_sample(misses.take_due()))
        return sample.predicted

    def idle(self, n: int) -> int:
        """Learns again from up to n stored samples; how many there were. E503 without replay."""
        if self.memory is None:
            raise EdgeError("E503", "there is no replay", help="give Learning a Replay")
        if not is_int(n) or n < 0:
            raise EdgeError("E105", f"{n} idle steps, expected an integer from 0")
        return self._replay(self.memory.idle(n if self.misses.is_open else 0))

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
        if loss is not None and not is_real(loss):
            raise EdgeError("E104", f"a loss of {loss} bits is no number")
        sample = self.run(x)
        label = self._checked(label)
        bits = loss_bits(sample.scores, label) if loss is None else float(loss)
        for name, twin in self.twins.items():
            twin.record(self._as_seen_by(name, sample), bits)
        return sample.predicted

    def fit_gate(self) -> None:
        """Ends the warm-up: fixes k, mean and standard deviation of every gate."""
        for twin in self.twins.values():
            twin.fit()

    def adapt(self, sample: Sample, label: int | None) -> None:
        """Writes the weight changes of a sample that was run; all read the weights before it."""
        changes: dict[str, FloatArray | None] = {
            name: self.twins[name].change(self._as_seen_by(name, sample), self._nothing(name))
            for name, rule in self.learning.rules.items() if not rule.needs.error
        }
        if label is not None:
            changes |= self.error_changes(sample, label)
            self.n_labelled += 1
        for name, change in changes.items():
            if change is not None:
                self.add(name, change)

    def add(self, name: str, change: FloatArray) -> None:
        """weights[name] += change (n_pre, n_post), or of channels, clipped to the headroom."""
        projection = self.network.projection(name)
        limit, w = self._limits[name], self.weights[name]
        if np.shape(change) != (w.size // projection.n_columns, projection.n_columns):
            raise EdgeError("E104", f"a change of '{name}' has shape {np.shape(change)}, expected "
                            f"({w.size // projection.n_columns}, {projection.n_columns})")
        if projection.conv is not None:
            change = change.T.reshape(w.shape)
        w[:] = np.clip(w + change, -limit, limit)

    def error(self, sample: Sample, label: int) -> FloatArray:
        """e = onehot(label) - softmax(logits / temperature): (n_classes,)."""
        e = -probabilities(sample.scores)
        e[self._checked(label)] += 1.0
        return e

    def credit(self, sample: Sample, population: str, e: FloatArray) -> FloatArray:
        """err of a population: e (n_classes,) at the readout, d (unmasked) elsewhere: (size,)."""
        if np.shape(e) != (self.network.n_classes,):
            raise EdgeError("E104", f"an error has shape {np.shape(e)}, expected "
                            f"({self.network.n_classes},)")
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
        """Which neurons have an error: the touched ones where a rule asks for touches, else those
        that fired."""
        width = self._touch_widths.get(population)
        if width is None:
            return np.asarray(sample.counts(population) > 0)
        return np.asarray(sample.touched(population, width).any(axis=0))

    def error_changes(self, sample: Sample, label: int) -> dict[str, FloatArray]:
        """dW of every error-driven projection; none if the sample is no surprise."""
        e = self.error(sample, label)
        if e[label] < self.learning.skip_below:
            return {}
        factor = self.misses.factor(self.n_labelled)
        return {name: factor * change for name, change in self.changes(sample, e).items()}

    def changes(self, sample: Sample, e: FloatArray) -> dict[str, FloatArray]:
        """dW of every error-driven projection for the error e (n_classes,), without schedule."""
        found = {name: self.change(sample, name, e)
                 for name, rule in self.learning.rules.items() if rule.needs.error}
        return {name: change for name, change in found.items() if change is not None}

    def change(self, sample: Sample, name: str, e: FloatArray) -> FloatArray | None:
        """dW of one of them, None while its batch is not full."""
        if name not in self.twins:
            raise EdgeError("E105", f"'{self.network.projection(name).name}' has no rule")
        return self.twins[name].change(self._as_seen_by(name, sample),
                                       self._masked(sample, name, e))

    def _masked(self, sample: Sample, name: str, e: FloatArray) -> FloatArray:
        """The error behind a projection, 0 where its neurons have none."""
        post = self.network.projection(name).post
        err = self.credit(sample, post, e)
        return err if post == self.network.readout.population else err * self.mask(sample, post)

    def _as_seen_by(self, name: str, sample: Sample) -> Sample:
        """A convolution learns from channels."""
        return replace(sample, by_channel=self.network.projection(name).conv is not None)

    def _nothing(self, name: str) -> FloatArray:
        return np.zeros(self.network.projection(name).n_columns)

    def _checked(self, label: int) -> int:
        if not is_int(label) or not 0 <= label < self.network.n_classes:
            raise EdgeError("E104", f"label {label!r} is not one of 0 to "
                            f"{self.network.n_classes - 1}")
        return label
