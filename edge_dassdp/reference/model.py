"""Inference of the integer model in NumPy: whole batches of samples, one step after the other.

docs/arithmetic.md says the same in words; `reference.Reference` adds learning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray, round_shift
from edge_dassdp.ir import Input
from edge_dassdp.qir import QNetwork, QPopulation, QProjection, frame_bytes, input_bytes
from edge_dassdp.qir.lesson import Record
from edge_dassdp.qir.packing import pack_bits, unpack_rows
from edge_dassdp.qir.samples import Q_ONE, encode_codes, read_events, target_q11
from edge_dassdp.qir.sums import sums
from edge_dassdp.reference import neuron
from edge_dassdp.reference.asked import checked_samples
from edge_dassdp.reference.classes import Classes
from edge_dassdp.reference.outcome import Progress
from edge_dassdp.reference.worn import Worn

_NO_CURRENT = np.zeros(1, np.int64)
"""Of neurons without a synapse of their own."""

class IntegerModel:
    """Weights, membranes and records of a network. Only the first sample of a batch is recorded.

    By population, of the step that just ended: v membranes, i synaptic currents, spikes, clipped
    (where membranes saturated), each (n, size). target_q11: of the first sample, (n_outputs,) where
    outputs are values, else (0,). n_x_saturated: input values at an end of int8
    in all samples since `reset`.
    """

    def __init__(self, network: QNetwork) -> None:
        self.network = network
        self.reset()

    @property
    def slot(self) -> int:
        """Where the sample that runs is recorded."""
        return 0

    def reset(self) -> None:
        """Factory weights, nothing recorded."""
        net = self.network
        self.w = {p.name: p.w.astype(np.int64) for p in net.projections}
        self.records = {
            p.name: [Record.empty(p.n_recorded, clear=False) for _ in range(net.n_batch)]
            for p in net.populations if p.counts}
        self.rasters = {p.name: np.zeros((net.n_steps, p.size), bool) for p in net.populations
                        if p.keeps_raster}
        self.touches = {p.name: np.zeros((net.n_steps, p.size), bool) for p in net.populations
                        if p.touch_width is not None}
        self.worn = None if net.sensor is None else Worn(net, net.sensor)
        self.target_q11 = np.zeros(net.n_classes if net.values else 0, np.int64)
        self.classes = Classes(net) if net.keeps_classes else None
        self._uses_factory = False
        self.n_x_saturated = 0
        self._inputs = {i.name: i for i in net.inputs}
        self._places = {p.name: index for index, p in enumerate(net.populations)}
        self._delayed_inputs = {q.pre for q in net.projections
                                if q.delay is not None and q.pre in self._inputs}
        self._rest(1)

    def _rest(self, n: int) -> None:
        """Membranes, spikes and sums of n samples at the start."""
        net = self.network
        self.v: dict[str, IntArray] = {}
        self.i: dict[str, IntArray] = {}
        self.spikes: dict[str, NDArray[Any]] = {}
        self.history: dict[str, NDArray[Any]] = {}
        self.base: dict[str, IntArray] = {}
        self.clipped: dict[str, NDArray[np.bool_]] = {}
        for p in net.populations:
            self._rest_population(p, n)
        for name in self._delayed_inputs:
            self.history[name] = np.zeros((net.n_steps, n, self._inputs[name].size), bool)
        self.coded = {i.name: np.zeros((n, net.n_steps, i.size), np.int64) for i in net.inputs
                      if i.n_events or i.encoder}
        self.t_step = 0
        self.sums = np.zeros((n, net.n_classes), np.int64)
        if net.class_means is not None:
            self.hidden_counts = np.zeros((n, net.population(net.class_means.hidden).size),
                                          np.int64)

    def _rest_population(self, p: QPopulation, n: int) -> None:
        d = p.dynamics
        self.v[p.name] = np.broadcast_to(neuron.start(p), (n, p.size)).copy()
        if d is not None and d.leak_i_q15 is not None:
            self.i[p.name] = np.zeros((n, p.size), np.int64)
        self.spikes[p.name] = np.zeros((n, p.size), np.int64 if p.max_spikes > 1 else bool)
        self.base[p.name] = np.broadcast_to(p.bias, (n, p.size))
        if p.n_history:
            self.history[p.name] = np.zeros((self.network.n_steps, n, p.size), bool)

    def begin(self, x: NDArray[np.int8]) -> None:
        """Start samples x, int8 (n, x_bytes); counts of a sensor go through its profile."""
        self._rest(len(x))
        x = x if self.worn is None else self.worn.codes(x)
        if self.network.values is not None:
            self.target_q11 = target_q11(self.network, x[:1])[0]
            x = x[:, :self.network.code_bytes]
        self.x = x
        values = x[:, self.network.values_offset :]
        self.n_x_saturated += int(((values == Q_ONE) | (values <= -Q_ONE)).sum())
        for i in self.network.inputs:
            if i.name in self.coded:
                self.coded[i.name] = self._coded(i)
        for records in self.records.values():
            records[self.slot] = Record.empty(records[self.slot].count.size)

    def _coded(self, source: Input) -> IntArray:
        """Spikes that the device makes of a sample, (n, n_steps, size)."""
        at, net = self.network.x_offsets[source.name], self.network
        own = np.ascontiguousarray(self.x[:, at : at + input_bytes(source)])
        if source.n_events:
            return read_events(source, own, net.n_steps)
        codes = own.reshape(len(own), source.n_frames, -1).astype(np.int64)
        return encode_codes(source, codes, net.n_steps).astype(np.int64)

    def _coded_state(self, name: str, spikes: IntArray) -> dict[str, NDArray[Any]]:
        """What the device made of an input in the last step."""
        state: dict[str, NDArray[Any]] = {f"coded_{name}": (spikes > 0).astype(np.int64)}
        if self._inputs[name].counts:
            state[f"multi_{name}"] = spikes
        return state

    def step(self, t_step: int) -> None:
        """One time step of every population, in order."""
        self.t_step = t_step + 1
        for name in self._delayed_inputs:
            self.history[name][t_step] = self.spikes_from(name, t_step)
        for p in self.network.populations:
            if p.analogue_bias is not None:
                self.base[p.name] = self._analogue_current(p, t_step)
            self._step_population(p, t_step)

    def _step_population(self, p: QPopulation, t_step: int) -> None:
        acc = np.zeros_like(self.v[p.name])
        for q in self.network.into(p.name):
            if not q.is_analogue:
                acc += sums(q, self._arriving(q, t_step), self._weights(q), p.shape)
        self._update(p, acc)
        if p.n_history:
            self.history[p.name][t_step] = self.spikes[p.name] > 0
        self._observe(p, t_step)

    def _arriving(self, q: QProjection, t_step: int) -> NDArray[Any]:
        """Spikes that a projection hears, (n, neurons of its source)."""
        if q.delay is None:
            return self.spikes_from(q.pre, t_step)
        is_back = self._places.get(q.pre, -1) >= self._places[q.post]
        lag, rows = q.delay + int(is_back), self.history[q.pre]
        step = np.broadcast_to(t_step - lag, rows.shape[2:])
        arrived = rows[np.maximum(step, 0), :, np.arange(rows.shape[2])].T
        return np.where(step >= 0, arrived, 0)

    def _weights(self, q: QProjection) -> IntArray:
        return q.w.astype(np.int64) if self._uses_factory else self.w[q.name]

    def rerun(self, rasters: Mapping[str, NDArray[np.bool_]], *, factory: bool = False) -> int:
        """The plastic part alone, from rasters (n_steps, size) of the cut; its class.

        factory: with factory weights instead of learned ones.
        """
        net = self.network
        for name in rasters:
            self.spikes[name] = np.zeros((1, net.population(name).size), bool)
        for p in map(net.population, net.plastic_part):
            self._rest_population(p, 1)
            if p.counts:
                self.records[p.name][self.slot] = Record.empty(p.n_recorded)
        self.sums = np.zeros((1, net.n_classes), np.int64)
        self._uses_factory = factory
        for t_step in range(net.n_steps):
            for p in net.populations:
                if p.name in net.plastic_part:
                    self._step_population(p, t_step)
                elif p.name in rasters:
                    self.spikes[p.name] = rasters[p.name][None, t_step]
                    if p.n_history:
                        self.history[p.name][t_step] = self.spikes[p.name]
        self._uses_factory = False
        if self.classes is not None:
            self.classes.mask(self.sums)
        return int(self.sums[0].argmax())

    def _analogue_current(self, p: QPopulation, t_step: int) -> IntArray:
        assert p.analogue_bias is not None
        current = np.broadcast_to(p.analogue_bias, self.v[p.name].shape).astype(np.int64)
        for q in self.network.into(p.name):
            if q.is_analogue:
                x = self._frame(q.pre, t_step).astype(np.int64)
                current = current + sums(q, x, self.w[q.name], p.shape)
        return np.asarray(round_shift(current, p.analogue_rshift))

    def _frame(self, source: str, t_step: int) -> NDArray[np.int8]:
        """What an input gives in one step, (n, frame bytes)."""
        i = next(i for i in self.network.inputs if i.name == source)
        n_bytes = frame_bytes(i)
        first = self.network.x_offsets[source] + (t_step if i.n_frames > 1 else 0) * n_bytes
        return self.x[:, first : first + n_bytes]

    def spikes_from(self, source: str, t_step: int) -> NDArray[Any]:
        """Spikes of a population, or of an input, (n, size): 0 or 1, or how many."""
        if source in self.spikes:
            return self.spikes[source]
        if source in self.coded:
            return self.coded[source][:, t_step]
        packed = np.ascontiguousarray(self._frame(source, t_step))
        return unpack_rows(packed.tobytes(), self._inputs[source].size)

    def _update(self, p: QPopulation, acc: IntArray) -> None:
        x = neuron.arriving(p, acc, self.base[p.name])
        after = neuron.step(p, self.v[p.name], self.i.get(p.name, _NO_CURRENT), x)
        self.v[p.name], self.spikes[p.name] = after.v, after.spikes
        self.clipped[p.name] = after.clipped
        if p.name in self.i:
            self.i[p.name] = after.i

    def _observe(self, p: QPopulation, t_step: int) -> None:
        net = self.network
        if p.name == net.readout:
            is_sum = self.network.readout_kind == "membrane_sum"
            self.sums += self.v[p.name] if is_sum else self.spikes[p.name]
        if net.class_means is not None and p.name == net.class_means.hidden:
            self.hidden_counts += np.minimum(self.spikes[p.name], p.recorded_a_step)
        if p.counts:
            events = self.v[p.name][0] > 0 if p.records_membrane else self.spikes[p.name][0] > 0
            if p.records_channels:
                events = events.reshape(-1, p.shape[0]).any(axis=0)[: p.n_recorded]
            numbers = self.spikes[p.name][0] if p.counts_numbers else None
            self.records[p.name][self.slot].add(events, t_step, keep_last=p.records == "last",
                                                numbers=numbers)
        if p.keeps_raster:
            self.rasters[p.name][t_step] = self.spikes[p.name][0] > 0
        if p.touch_width is not None:
            near = np.abs(self.v[p.name][0] - p.reset_by) < p.touch_width
            self.touches[p.name][t_step] = near

    def classify(self, x: NDArray[np.int8], progress: Progress | None = None) -> IntArray:
        """Classes of samples x, int8 (n, x_bytes), in one batched run."""
        given = checked_samples(x, self.network.x_bytes)
        if not len(given):
            return np.zeros(0, np.int64)
        self.begin(given)
        for t_step in range(self.network.n_steps):
            self.step(t_step)
        return self.end()

    def step_bytes(self) -> bytes:
        """Spikes, membranes and currents of the first sample, as a forward digest takes them."""
        parts = []
        for p in self.network.populations:
            parts.append(pack_bits(self.spikes[p.name][0] > 0))
            parts.append(self.v[p.name][0].astype(f"<i{p.membrane_bits // 8}").tobytes())
            if p.name in self.i:
                parts.append(self.i[p.name][0].astype("<i4").tobytes())
            if p.max_spikes > 1:
                parts.append(self.spikes[p.name][0].astype(np.uint8).tobytes())
        return b"".join(parts)

    def end(self) -> IntArray:
        """Classes of the samples: the lowest index of the largest logit, or score."""
        net = self.network
        if self.classes is not None:
            self.classes.mask(self.sums)
        readout = net.population(net.readout)
        if readout.counts and readout.records_membrane and readout.records == "last":
            self.records[readout.name][self.slot].count = (self.sums[0] > 0).astype(np.int64)
        if net.class_means is not None and self.classes is not None:
            return self.classes.classify(self.sums, self.hidden_counts)
        return np.asarray(self.sums.argmax(axis=1))
