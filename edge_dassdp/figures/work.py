"""Work before the build: the operations of an inference, counted on the reference.
work_paths has those of spikes that no plain matrix weights, lesson those of a learning step, prices
what they come to in instructions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.figures.work_paths import Visits, count_coding, count_currents, count_path
from edge_dassdp.plan import Plan
from edge_dassdp.plan.kernels import summed_bits
from edge_dassdp.qir import QNetwork, QPopulation, QProjection
from edge_dassdp.qir.packing import by_word, columns, words
from edge_dassdp.reference.model import IntegerModel
from edge_dassdp.wire.messages import CHUNK_BYTES


@dataclass(frozen=True)
class Work:
    """Operations of one sample on a device, exact. Columns are those of the weight image, padding
    included; a row is that of a presynaptic neuron; a word holds 32 neurons.
    """

    # inference
    inferences: int = 0
    bytes_moved: int = 0  # cleared, or copied at the start of a sample
    population_steps: int = 0  # population updates
    analogue_steps: int = 0  # of populations that hear currents
    analogue_macs_16: int = 0  # inputs times columns, into int16 sums
    analogue_macs_32: int = 0  # into int32 sums
    currents: int = 0  # neurons whose analogue current was rounded
    projection_steps: int = 0  # of projections that hear spikes
    words_searched: int = 0  # words of spikes of which rows were listed
    list_columns: int = 0  # columns of the lists of rows that were summed, of byte weights
    list_columns_16: int = 0  # of 16-bit weights
    rows_summed: int = 0  # active neurons; silent ones where a projection is dense
    synaptic_ops_8: int = 0  # rows summed times columns, of 8-bit weights
    synaptic_ops_7: int = 0  # of 7-bit weights
    synaptic_ops_6: int = 0  # of 4- to 6-bit weights, a byte each
    synaptic_ops_4: int = 0  # of 4-bit weights, two to a byte
    synaptic_ops_16: int = 0  # of 16-bit weights
    part_columns: int = 0  # added in a pass of their own: sums of all rows, and parts of wide sums
    pair_updates: int = 0  # neurons of the kernels for pairs, padding included
    pair_subtractions: int = 0  # of them, resets by subtraction; two where it is at once
    pair_zeroings: int = 0  # of them, resets to zero
    lean_words: int = 0  # words of neurons of the lean kernels
    lean_updates_16: int = 0  # int16 neurons of them, padding included
    lean_updates_32: int = 0  # int32 neurons
    lean_sums_32: int = 0  # of them, int32 sums
    lean_constants: int = 0  # of them, with a leak or a threshold of its own
    lean_looks_back: int = 0  # of them, compared with the threshold before the step, too
    lean_spikes: int = 0  # of them, what fired
    neuron_words: int = 0  # words of neurons of the general kernels
    neuron_updates_16: int = 0  # int16 neurons of them
    neuron_updates_32: int = 0  # int32 neurons
    leak_products: int = 0  # of int32 by Q15, where no shift leaks
    subtractions: int = 0  # as of pairs
    zeroings: int = 0  # as of pairs
    words_recorded: int = 0  # words of events, for learning
    planes_recorded: int = 0  # bit planes of counts and latencies that these read or wrote
    membranes_read: int = 0  # membranes or spikes added to logits, membranes tested for a record
    thresholds_read: int = 0  # membranes tested for a touch

    # paths of spikes, rich neurons, and inputs that the device makes spikes of
    delay_words: int = 0  # words of spikes of steps before, masked
    events_delivered: int = 0  # spikes that reach weights by a path
    events_pooled: int = 0  # spikes, or currents, that reach a pool
    windows_visited: int = 0  # that hold one of them
    lists_summed: int = 0  # lists of rows that these made
    list_columns_added: int = 0  # of them, sums that were widened
    words_prepared: int = 0  # words of sums, before or behind what convolutions add to them
    kernels_scattered: int = 0  # places and channels of spikes and currents that are convolved
    patches_reached: int = 0  # outputs of a place found, once for the channels in turn there
    patches_dilated: int = 0  # outputs sought tap by tap
    runs_scattered: int = 0  # rows of outputs added to
    scattered_16: int = 0  # columns of them, of spikes into int16 sums
    scattered_32: int = 0  # into int32 sums
    scattered_plain_16: int = 0  # of groups of channels, also of currents, into int16 sums
    scattered_plain_32: int = 0  # into int32 sums, and of 16-bit weights
    taps_scattered: int = 0  # outputs that these were added to
    currents_searched: int = 0  # of inputs with convolutions or pools
    current_columns_16: int = 0  # as scattered, of currents into int16 sums
    current_columns_32: int = 0  # into int32 sums
    sums_compared: int = 0  # places of windows of a convolution's result, for each channel
    maxima_added: int = 0  # the largest of them
    rich_words: int = 0  # words of neurons with dynamics of the lean kernels
    rich_lean_16: int = 0  # int16 neurons of them, by fours
    rich_lean_32: int = 0  # int32 neurons
    rich_passed: int = 0  # in place of these, neurons without input that were passed by
    rich_leaks: int = 0  # of them, with a leak that is not 1
    rich_currents: int = 0  # of them, with a synaptic current
    rich_spikes: int = 0  # of them, what fired
    rich_updates_16: int = 0  # int16 neurons with dynamics of the general kernels
    rich_updates_32: int = 0  # int32 neurons of them
    synaptic_currents: int = 0  # of them
    spikes_counted: int = 0  # of neurons that fire several times a step
    events_read: int = 0  # addresses and ends of steps
    codes_latency: int = 0  # codes looked at in a step, by what makes spikes of them
    codes_rate: int = 0
    codes_delta: int = 0
    channels_folded: int = 0  # neurons whose spikes became records of channels

    # learning
    lessons: int = 0
    bytes_noted: int = 0  # of their samples, for the digest of lessons
    rules_applied: int = 0  # calls of a rule; of synchrony ones once a batch
    logits: int = 0  # softmax terms
    planes_read: int = 0  # words of bit planes compared
    popcounts: int = 0  # words whose bits were counted
    latencies_unpacked: int = 0  # latencies of postsynaptic neurons, from bit planes to bytes
    bits_unpacked: int = 0  # bits of these
    feedback_neurons: int = 0  # neurons that an error may be passed back to, by projection
    feedback_dots: int = 0  # errors passed back to one of them
    feedback_macs: int = 0  # columns of these
    factors: int = 0  # error factors k
    latencies_searched: int = 0  # latencies of which classes were sought, 1 where counts alone tell
    class_words: int = 0  # visited to find and list classes: neurons of one update row
    classes: int = 0
    class_columns: int = 0  # columns of their update rows
    timed_columns: int = 0  # those weighted by latency among them
    rows_written: int = 0
    columns_8: int = 0  # columns of these rows, of 8-bit weights
    columns_4: int = 0  # of 4- to 7-bit weights
    columns_16: int = 0  # of 16-bit weights
    trace_columns: int = 0  # touch traces made
    words_transposed: int = 0  # spikes of 32 neurons in 32 steps, block by block
    steps_searched: int = 0  # words of steps in which a row's spikes are sought, by block
    trace_rows: int = 0  # rows of traces that were listed and summed: spikes, by block
    trace_ops: int = 0  # columns of these
    touch_rows: int = 0  # update rows made from them
    touch_columns: int = 0  # columns of these
    samples_gated: int = 0  # labelled samples that a CUSUM gate judged
    misses_followed: int = 0  # labelled samples that the share of misses took in
    samples_stored: int = 0  # in a ring
    bytes_stored: int = 0  # of these
    replays: int = 0
    neurons_rebuilt: int = 0  # of stored samples
    spikes_rebuilt: int = 0
    sync_columns: int = 0  # weights that synchrony rules decide on
    sync_rows: int = 0  # presynaptic latencies that they compare, in every sample of the batch
    sync_pairs: int = 0  # pairs of latencies that they compare
    unpriced: int = 0  # calls of rules that do not say what they cost: there is no price for one

    @property
    def updates(self) -> int:
        """1 if weights were written."""
        return int(self.rules_applied > 0)

    @property
    def synaptic_ops(self) -> int:
        """Rows summed times columns, and columns that convolutions were added to."""
        return (self.synaptic_ops_8 + self.synaptic_ops_7 + self.synaptic_ops_6
                + self.synaptic_ops_4 + self.synaptic_ops_16 + self.scattered_16
                + self.scattered_32 + self.scattered_plain_16 + self.scattered_plain_32)


OPERATIONS = tuple(f.name for f in fields(Work))
_SUBTRACTIONS = {"subtract_delayed": 1, "subtract_now": 2, "subtract_once": 1}


class CountingModel(IntegerModel):
    """An integer model that counts what its steps do: `tally` holds (n,) of each operation."""

    tally: dict[str, Any]

    def begin(self, x: NDArray[np.int8]) -> None:
        self.tally = defaultdict(lambda: np.zeros(len(x), np.int64))
        self._n_events = {p.name: np.zeros((len(x), p.n_recorded), np.int64)
                          for p in self.network.populations}
        super().begin(x)

    @cached_property
    def _visits(self) -> dict[str, Visits]:
        routes = Plan.of(self.network).routes
        return {q.name: Visits.of(q, routes[q.name]) for q in self.network.projections
                if routes[q.name].has_path}

    def rest_bytes(self, p: QPopulation) -> int:
        """Membranes, spikes, logits and records of a population, cleared before a run; membranes
        that do not start at 0 are written twice."""
        planes = words(p.n_recorded) * self.network.field_bits * p.counts \
            * (1 + (p.records != "none"))
        logits, membranes = 4 * p.size * (p.name == self.network.readout), \
            p.size * p.membrane_bits // 8
        if p.dynamics is not None:
            membranes += membranes + 4 * p.size * (p.dynamics.leak_i_q15 is not None)
            membranes += p.size * (p.max_spikes > 1)
        return membranes + 4 * words(p.size) + 4 * planes + logits

    def forget_events(self, p: QPopulation) -> None:
        """Before the population runs again."""
        self._n_events[p.name][:] = 0

    def step(self, t_step: int) -> None:
        count_coding(Plan.of(self.network), self.x, t_step, self.tally)
        super().step(t_step)

    def _step_population(self, p: QPopulation, t_step: int) -> None:
        tally = self.tally
        tally["population_steps"] += 1
        self._count_analogue(p, t_step)
        adds = np.zeros(len(self.v[p.name]), bool)
        for q in self.network.into(p.name):
            if q.is_analogue:
                continue
            arrived = self._arriving(q, t_step)
            if q.name in self._visits:
                adds = count_path(self.network, q, self._visits[q.name], arrived, t_step, adds,
                                  tally)
            else:
                adds = adds | (_count_sums(self.network, p, q, arrived, tally) > 0)
        tally["bytes_moved"] += ~adds * (columns(p.size) * p.acc_bits // 8)
        super()._step_population(p, t_step)
        _count_neurons(self.network, p, self.spikes[p.name], tally)
        tally["bytes_moved"] += 4 * words(p.size) * (p.keeps_raster + (p.n_history > 0))
        tally["thresholds_read"] += p.size * (p.touch_width is not None)
        if p.counts:
            _count_record(self.network, p, self._events(p), self._n_events[p.name], tally)

    def _update(self, p: QPopulation, acc: IntArray) -> None:
        if p.stays:
            moves = np.pad((acc != 0) | (self.spikes[p.name] > 0), ((0, 0), (0, -p.size % 4)))
            n_passed = 4 * (~moves.reshape(len(acc), -1, 4).any(axis=2)).sum(axis=1)
            self.tally["rich_passed"] += n_passed
            self.tally[f"rich_lean_{p.membrane_bits}"] -= n_passed
        super()._update(p, acc)

    def _count_analogue(self, p: QPopulation, t_step: int) -> None:
        """Once a sample, or in every step if any of its inputs comes in frames."""
        tally, frames = self.tally, {i.name: i.n_frames for i in self.network.inputs}
        analogue = [q for q in self.network.into(p.name) if q.is_analogue]
        tally["analogue_steps"] += bool(analogue)
        if not analogue or (t_step > 0 and all(frames[q.pre] == 1 for q in analogue)):
            return
        tally["currents"] += p.size
        for adds, q in enumerate(analogue):
            if q.name in self._visits:
                count_currents(p, q, self._visits[q.name], self._frame(q.pre, t_step), adds > 0,
                               tally)
            else:
                tally[f"analogue_macs_{p.analogue_bits}"] += q.n_pre * columns(q.n_post)

    def _events(self, p: QPopulation) -> NDArray[np.bool_]:
        """What a record of p sees of this step, (n, n_recorded)."""
        events: NDArray[np.bool_] = np.greater(
            self.v[p.name] if p.records_membrane else self.spikes[p.name], 0)
        if p.records_channels:
            self.tally["channels_folded"] += p.size
            by_place = events.reshape(len(events), -1, p.shape[0])
            events = np.asarray(by_place.any(axis=1))[:, : p.n_recorded]
        return events


def inference_work(network: QNetwork, x: NDArray[np.int8]) -> list[Work]:
    """The work of classifying each sample of x, int8 (n, x_bytes), with factory weights."""
    model = CountingModel(network)
    model.begin(x)
    model.tally["inferences"] += 1
    copies = network.sensor is None and network.x_bytes <= CHUNK_BYTES and any(
        i.spikes or i.n_frames > 1 for i in network.inputs)
    n_bytes = sum(model.rest_bytes(p) for p in network.populations)
    model.tally["bytes_moved"] += n_bytes + network.x_bytes * copies
    for t_step in range(network.n_steps):
        model.step(t_step)
    return [Work(**{name: int(counted[i]) for name, counted in model.tally.items()})
            for i in range(len(x))]


def _count_sums(network: QNetwork, p: QPopulation, q: QProjection, spikes: NDArray[Any],
                tally: dict[str, Any]) -> IntArray:
    """One projection in one step, `accumulate` of network.c: what it adds to sums, in passes."""
    n_columns, is_dense = columns(q.n_post), q.is_dense
    rows_of_word = by_word(spikes.astype(bool) ^ is_dense).sum(axis=2)
    n_rows, n_lists = rows_of_word.sum(axis=1), _lists(rows_of_word)
    in_parts = is_dense or (p.acc_bits == 32 and q.weight_bits != 16)
    tally["projection_steps"] += 1
    tally["words_searched"] += words(q.n_pre)
    tally["rows_summed"] += n_rows
    tally["list_columns_16" if q.weight_bits == 16 else "list_columns"] += n_lists * n_columns
    tally["part_columns"] += (n_lists * in_parts + is_dense) * n_columns
    tally[f"synaptic_ops_{summed_bits(network, q)}"] += n_rows * n_columns
    return n_lists + is_dense


def _lists(rows_of_word: IntArray) -> IntArray:
    """Lists made of words with so many rows, (n, words): one is full if another word may not fit.
    """
    n_lists, n_rows = np.zeros((2, len(rows_of_word)), np.int64)
    for more in rows_of_word.T:
        n_rows += more
        is_full = n_rows > QUANTITIES["rows_full"]
        n_lists += is_full
        n_rows[is_full] = 0
    return np.asarray(n_lists + (n_rows > 0))


def _count_neurons(net: QNetwork, p: QPopulation, spikes: NDArray[Any],
                   tally: dict[str, Any]) -> None:
    """The update of one population in one step, and what is remembered of it."""
    n_subtracted, is_zeroed = _SUBTRACTIONS.get(p.reset, 0), p.reset.startswith("zero")
    if p.runs_in_pairs:
        tally["pair_updates"] += columns(p.size)
        tally["pair_subtractions"] += n_subtracted * columns(p.size)
        tally["pair_zeroings"] += is_zeroed * columns(p.size)
    elif p.is_lean and p.dynamics is None:
        n_columns, is_each = columns(p.size), p.leak_q15.size > 1 or p.fire_at.size > 1
        tally["lean_words"] += words(p.size)
        tally[f"lean_updates_{p.membrane_bits}"] += n_columns
        tally["lean_sums_32"] += n_columns * (p.acc_bits == 32)
        tally["lean_constants"] += n_columns * is_each
        tally["lean_looks_back"] += n_columns * (p.reset not in ("none", "zero_now"))
        tally["lean_spikes"] += (spikes > 0).sum(axis=1)
    elif p.is_lean and p.dynamics is not None:
        n_places = p.size + -p.size % 4
        tally["rich_words"] += words(p.size)
        tally[f"rich_lean_{p.membrane_bits}"] += n_places
        tally["rich_leaks"] += n_places * (p.leak_shift > 0 or int(p.leak_q15[0]) != 1 << 15)
        tally["rich_currents"] += n_places * (p.dynamics.leak_i_q15 is not None)
        tally["rich_spikes"] += (spikes > 0).sum(axis=1)
    else:
        kind = "neuron" if p.dynamics is None else "rich"
        tally["neuron_words"] += words(p.size)
        tally[f"{kind}_updates_{p.membrane_bits}"] += p.size
        tally["leak_products"] += p.size * (p.membrane_bits == 32 and p.leak_shift == 0)
        tally["subtractions"] += n_subtracted * p.size
        tally["zeroings"] += is_zeroed * p.size
        if p.dynamics is not None:
            tally["synaptic_currents"] += p.size * (p.dynamics.leak_i_q15 is not None)
    if p.max_spikes > 1:
        tally["spikes_counted"] += spikes.sum(axis=1)
    if p.name == net.readout:
        tally["membranes_read"] += p.size
    if p.counts:
        tally["membranes_read"] += p.size * p.records_membrane


def _count_record(net: QNetwork, p: QPopulation, events: NDArray[np.bool_], counts: IntArray,
                  tally: dict[str, Any]) -> None:
    """`dassdp_record_add` of record.c, events and counts (n, n_recorded): a word reads the planes
    of its latencies if the first event counts, writes them if there is one to be marked, and writes
    the planes of its counts as far as one carries."""
    marked = events & (counts == 0) if p.records == "first" else events
    n_latencies = (p.records == "first") + by_word(marked).any(axis=2).astype(np.int64)
    n_written = by_word(np.where(events, np.log2((counts ^ (counts + 1)) + 1), 0)).max(axis=2)
    tally["words_recorded"] += words(p.n_recorded)
    tally["planes_recorded"] += (n_written.astype(np.int64) + net.field_bits * n_latencies
                                 * (p.records != "none")).sum(axis=1)
    counts += events
