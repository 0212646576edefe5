"""Work before the build: the operations of an inference and of a learning step, counted on the
reference. edge_dassdp.costs has what they come to in instructions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.packing import LEARNING_DTYPE, columns, words
from edge_dassdp.plan import ROWS_MAX
from edge_dassdp.qformat import IntArray
from edge_dassdp.qir import QErrorRule, QNetwork, QPopulation, QProjection, QSyncRule
from edge_dassdp.reference import Reference
from edge_dassdp.reference_rules import Record, apply_error_rule, apply_sync_rule, error_factors
from edge_dassdp.target import NO_LABEL


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
    synaptic_ops_6: int = 0  # of 4- to 6-bit weights
    synaptic_ops_16: int = 0  # of 16-bit weights
    part_columns: int = 0  # added in a pass of their own: sums of all rows, and parts of wide sums
    pair_updates: int = 0  # neurons of the kernels for pairs, padding included
    pair_subtractions: int = 0  # of them, resets by subtraction; two where it is at once
    pair_zeroings: int = 0  # of them, resets to zero
    neuron_words: int = 0  # words of neurons of the general kernels
    neuron_updates_16: int = 0  # int16 neurons of them
    neuron_updates_32: int = 0  # int32 neurons
    leak_products: int = 0  # of int32 by Q15, where no shift leaks
    subtractions: int = 0  # as of pairs
    zeroings: int = 0  # as of pairs
    words_recorded: int = 0  # words of events, for learning
    planes_recorded: int = 0  # bit planes of counts and latencies that these read or wrote
    membranes_read: int = 0  # membranes or spikes added to logits, membranes tested for a record

    # learning
    lessons: int = 0
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
    sync_columns: int = 0  # weights that synchrony rules decide on
    sync_rows: int = 0  # presynaptic latencies that they compare, in every sample of the batch
    sync_pairs: int = 0  # pairs of latencies that they compare

    @property
    def updates(self) -> int:
        """1 if weights were written."""
        return int(self.rules_applied > 0)

    @property
    def synaptic_ops(self) -> int:
        """Rows summed times columns, of any weights."""
        return (self.synaptic_ops_8 + self.synaptic_ops_7 + self.synaptic_ops_6
                + self.synaptic_ops_16)


OPERATIONS = tuple(f.name for f in fields(Work))
_SUBTRACTIONS = {"subtract_delayed": 1, "subtract_now": 2}


# ---- inference -----------------------------------------------------------------------------------

def inference_work(network: QNetwork, x: NDArray[np.int8]) -> list[Work]:
    """The work of classifying each sample of x, int8 (n, x_bytes), with factory weights."""
    reference = Reference(network)
    reference.begin(x)
    tally: dict[str, Any] = defaultdict(lambda: np.zeros(len(x), np.int64))
    tally["inferences"] += 1
    tally["bytes_moved"] += _begin_bytes(network)
    counts = {p.name: np.zeros((len(x), p.size), np.int64) for p in network.populations}
    for t_step in range(network.n_steps):
        spikes: dict[str, NDArray[Any]] = dict(reference.spikes)  # of the step before
        reference.step(t_step)
        for p in network.populations:
            tally["population_steps"] += 1
            _count_analogue(network, p, t_step, tally)
            is_zero = np.ones(len(x), bool)
            for q in network.into(p.name):
                if not q.is_analogue:
                    heard = spikes.get(q.pre)
                    is_zero &= _count_sums(p, q, reference.spikes_from(q.pre, t_step)
                                           if heard is None else heard, tally) == 0
            tally["bytes_moved"] += is_zero * columns(p.size) * p.acc_bits // 8
            _count_neurons(network, p, tally)
            if p.counts:
                v, s = reference.v[p.name], reference.spikes[p.name]
                _count_record(network, p, v > 0 if p.records_membrane else s, counts[p.name],
                              tally)
            spikes[p.name] = reference.spikes[p.name]
    return [Work(**{name: int(counted[i]) for name, counted in tally.items()})
            for i in range(len(x))]


def _begin_bytes(net: QNetwork) -> int:
    """Membranes, spikes, logits and records cleared, and the sample copied where it is read
    again."""
    copies = any(i.spikes or i.n_frames > 1 for i in net.inputs)
    n_bytes = net.x_bytes * copies + 4 * net.n_classes
    for p in net.populations:
        planes = words(p.size) * net.field_bits * p.counts * (1 + (p.records != "none"))
        n_bytes += p.size * p.membrane_bits // 8 + 4 * words(p.size) + 4 * planes
    return n_bytes


def _count_analogue(net: QNetwork, p: QPopulation, t_step: int, tally: dict[str, Any]) -> None:
    """Once a sample, or in every step if any of its inputs comes in frames."""
    frames = {i.name: i.n_frames for i in net.inputs}
    analogue = [q for q in net.into(p.name) if q.is_analogue]
    tally["analogue_steps"] += bool(analogue)
    if analogue and (t_step == 0 or any(frames[q.pre] > 1 for q in analogue)):
        tally["currents"] += p.size
        tally[f"analogue_macs_{p.analogue_bits}"] += sum(q.n_pre * columns(q.n_post)
                                                         for q in analogue)


def _count_sums(p: QPopulation, q: QProjection, spikes: NDArray[Any],
                tally: dict[str, Any]) -> IntArray:
    """One projection in one step, `accumulate` of network.c: what it adds to sums, in passes."""
    n_columns, is_dense = columns(q.n_post), q.is_dense
    rows_of_word = _by_word(spikes.astype(bool) ^ is_dense).sum(axis=2)
    n_rows, n_lists = rows_of_word.sum(axis=1), _lists(rows_of_word)
    in_parts = is_dense or (p.acc_bits == 32 and q.weight_bits != 16)
    tally["projection_steps"] += 1
    tally["words_searched"] += words(q.n_pre)
    tally["rows_summed"] += n_rows
    tally["list_columns_16" if q.weight_bits == 16 else "list_columns"] += n_lists * n_columns
    tally["part_columns"] += (n_lists * in_parts + is_dense) * n_columns
    tally[f"synaptic_ops_{max(6, q.weight_bits)}"] += n_rows * n_columns
    return n_lists + is_dense


def _by_word(values: NDArray[Any]) -> NDArray[Any]:
    """(n, size) as (n, words, 32), padded with zeros."""
    n_words = words(values.shape[1])
    padded = np.pad(values, ((0, 0), (0, 32 * n_words - values.shape[1])))
    return padded.reshape(len(values), n_words, 32)


def _lists(rows_of_word: IntArray) -> IntArray:
    """Lists made of words with so many rows, (n, words): one is full if another word may not fit.
    """
    n_lists, n_rows = np.zeros((2, len(rows_of_word)), np.int64)
    for more in rows_of_word.T:
        n_rows += more
        is_full = n_rows > ROWS_MAX - 32
        n_lists += is_full
        n_rows[is_full] = 0
    return np.asarray(n_lists + (n_rows > 0))


def _count_neurons(net: QNetwork, p: QPopulation, tally: dict[str, Any]) -> None:
    """The update of one population in one step, and what is remembered of it."""
    n_subtracted, is_zeroed = _SUBTRACTIONS.get(p.reset, 0), p.reset.startswith("zero")
    if p.runs_in_pairs:
        tally["pair_updates"] += columns(p.size)
        tally["pair_subtractions"] += n_subtracted * columns(p.size)
        tally["pair_zeroings"] += is_zeroed * columns(p.size)
    else:
        tally["neuron_words"] += words(p.size)
        tally[f"neuron_updates_{p.membrane_bits}"] += p.size
        tally["leak_products"] += p.size * (p.membrane_bits == 32 and p.leak_shift == 0)
        tally["subtractions"] += n_subtracted * p.size
        tally["zeroings"] += is_zeroed * p.size
    if p.name == net.readout:
        tally["membranes_read"] += p.size
    if p.counts:
        tally["membranes_read"] += p.size * p.records_membrane


def _count_record(net: QNetwork, p: QPopulation, events: NDArray[np.bool_], counts: IntArray,
                  tally: dict[str, Any]) -> None:
    """`dassdp_record_add` of record.c, events and counts (n, size): a word reads the planes of its
    latencies if the first event counts, writes them if there is one to be marked, and writes the
    planes of its counts as far as one carries."""
    marked = events & (counts == 0) if p.records == "first" else events
    n_latencies = (p.records == "first") + _by_word(marked).any(axis=2).astype(np.int64)
    n_written = _by_word(np.where(events, np.log2((counts ^ (counts + 1)) + 1), 0)).max(axis=2)
    tally["words_recorded"] += words(p.size)
    tally["planes_recorded"] += (n_written.astype(np.int64) + net.field_bits * n_latencies
                                 * (p.records != "none")).sum(axis=1)
    counts += events


# ---- learning ------------------------------------------------------------------------------------

def learning_work(network: QNetwork, x: NDArray[np.int8], labels: Iterable[int]) -> list[Work]:
    """The work of learning each sample of x, int8 (n, x_bytes), once and in order, from the
    factory weights on; the inference before it is not in it. Raises what `Reference.learn` does.
    """
    reference = Reference(network)
    done = []
    for sample, label in zip(x, labels, strict=True):
        outcome = reference.learn(sample, int(label))
        tally: dict[str, int] = defaultdict(int)
        tally |= {"lessons": 1, "logits": network.n_classes * (label != NO_LABEL)}
        slot = (int(reference.learning["batch_idx"]) - 1) % network.n_batch
        may_write = label != NO_LABEL and bool(reference.error) and not outcome.is_skipped
        if may_write:
            _count_feedback(reference, slot, tally)
        for p in network.plastic:
            if isinstance(p.rule, QErrorRule):
                if may_write:
                    _count_error_rule(reference, p, p.rule, slot, tally)
            elif isinstance(p.rule, QSyncRule) and slot == network.n_batch - 1:
                _count_sync_rule(reference, p, p.rule, tally)
        done.append(Work(**tally))
    return done


def _count_feedback(reference: Reference, slot: int, tally: dict[str, int]) -> None:
    """Active neurons with an error ask each projection forward of them."""
    net = reference.network
    order = [p.name for p in net.populations]
    for name in reference.error:
        if name == net.readout:
            continue
        count = reference.records[name][slot].count
        n_read = int(_planes_of_fired(count, net.field_bits).sum())
        n_active = int((count > 0).sum())
        for q in net.projections:
            if (q.pre == name and q.post in reference.error
                    and order.index(q.post) > order.index(name)):
                tally["planes_read"] += n_read
                tally["feedback_neurons"] += count.size
                tally["feedback_dots"] += n_active
                tally["feedback_macs"] += n_active * columns(q.n_post)


def _count_error_rule(reference: Reference, p: QProjection, rule: QErrorRule, slot: int,
                      tally: dict[str, int]) -> None:
    """`dassdp_rule_error` of rule_error.c."""
    n_bits, is_timed = reference.network.field_bits, rule.g_q7 is not None
    records = {name: slots[slot] for name, slots in reference.records.items()}
    pre = records[p.pre]
    tally["rules_applied"] += 1
    tally["popcounts"] += _count_popcounts(pre.count, n_bits)
    tally["factors"] += p.n_post
    if not error_factors(rule, reference.error[p.post], pre.count).any():
        return
    tally["latencies_unpacked"] += p.n_post * is_timed
    tally["bits_unpacked"] += p.n_post * n_bits * is_timed
    n_classes = _count_search(pre, is_timed, reference.network, tally)
    tally["classes"] += n_classes
    tally["class_columns"] += n_classes * columns(p.n_post)
    tally["timed_columns"] += n_classes * columns(p.n_post) * is_timed
    update = np.zeros_like(reference.w[p.name])
    apply_error_rule(replace(p, weight_bits=16), update, reference.error[p.post], records,
                     np.zeros((), LEARNING_DTYPE))
    _count_rows(p, update, tally)


def _count_popcounts(count: IntArray, n_bits: int) -> int:
    """Of every plane, and of each pair of it with a lower one where it is not empty."""
    planes = (_by_word(count[None])[0][:, None] >> np.arange(n_bits)[:, None]) & 1
    return int((1 + planes.any(axis=2) * np.arange(n_bits)).sum())


def _planes_read(values: NDArray[Any], value: Any, n_bits: int, among: Any = True) -> IntArray:
    """Bit planes of values (words, 32) compared with `value`, lowest first, while neurons `among`
    them may hold it: `dassdp_planes_equal` of state.h, (words,)."""
    differ = values ^ value
    lowest = np.log2(np.maximum(differ & -differ, 1)).astype(np.int64) + 1
    return np.asarray(np.where(among, np.where(differ == 0, n_bits, lowest), 0).max(axis=1))


def _planes_of_fired(count: IntArray, n_bits: int) -> IntArray:
    """Of `dassdp_fired`, (words,)."""
    return _planes_read(_by_word(count[None])[0], 0, n_bits)


def _count_search(pre: Record, is_timed: bool, net: QNetwork, tally: dict[str, int]) -> int:
    """Classes of presynaptic neurons, latency by latency while some are left. A class is that of
    the first neuron left; from its word on every word is visited, compared and listed."""
    n_bits, counts = net.field_bits, _by_word(pre.count[None])[0]
    silent = (1 << n_bits) - 1
    inverted = _by_word(np.where(pre.latency < 0, 0, pre.latency ^ silent)[None])[0]
    n_words, n_classes = len(counts), 0
    last = pre.latency if is_timed else np.zeros_like(pre.latency)
    n_latencies = int(last.max(where=pre.count > 0, initial=-1)) + 1
    n_visited, n_read = (n_latencies + 1) * n_words, int(_planes_of_fired(pre.count, n_bits).sum())
    tally["popcounts"] += n_words
    for t_step in range(n_latencies):
        left = np.where(pre.latency == t_step, pre.count, 0) if is_timed else pre.count
        n_read += int((_planes_read(inverted, t_step ^ silent, n_bits) if is_timed
                       else _planes_of_fired(pre.count, n_bits)).sum())
        while left.any():
            first = int(np.flatnonzero(left)[0])
            n_classes += 1
            n_visited += n_words - first // 32
            n_read += n_bits + int(_planes_read(counts, left[first], n_bits,
                                                _by_word(left[None] > 0)[0]).sum())
            left = np.where(left == left[first], 0, left)
    tally["latencies_searched"] += n_latencies
    tally["class_words"] += n_visited
    tally["planes_read"] += n_read
    return n_classes


def _count_rows(p: QProjection, update: IntArray, tally: dict[str, int]) -> None:
    """Rows of an update, (n_pre, n_post) in Q8, are written unless they are all zero. It is what a
    rule adds to weights of 16 bits that are zero."""
    n_rows = int(update.any(axis=1).sum())
    bits = p.weight_bits if p.weight_bits >= 8 else 4
    tally["rows_written"] += n_rows
    tally[f"columns_{bits}"] += n_rows * columns(p.n_post)


def _count_sync_rule(reference: Reference, p: QProjection, rule: QSyncRule,
                     tally: dict[str, int]) -> None:
    """A full batch compares every pair in every sample, unless all gates are shut:
    `dassdp_rule_sync` of rule_sync.c."""
    n_bits, n_batch = reference.network.field_bits, reference.network.n_batch
    fired = [[_planes_of_fired(record.count, n_bits) for record in reference.records[name]]
             for name in (p.pre, p.post)]
    tally["rules_applied"] += 1
    tally["planes_read"] += int(sum(n.sum() for n in [*fired[0], *fired[1]])) * rule.is_gated
    tally["popcounts"] += n_batch * (words(p.n_pre) + words(p.n_post)) * rule.is_gated
    update, counters = np.zeros_like(reference.w[p.name]), np.zeros((), LEARNING_DTYPE)
    apply_sync_rule(replace(p, weight_bits=16), update, reference.records,
                    reference.gates[p.name].copy(), counters)
    if not counters["n_updates"]:
        return
    for record, n_pre, n_post in zip(reference.records[p.pre], *fired, strict=True):
        n_active = int((record.count > 0).sum())
        tally["planes_read"] += (int(n_pre[np.arange(p.n_pre) // 32].sum()) + p.n_pre * n_bits
                                 + n_active * int(n_post.sum()))
    n_unpacked = p.n_post * (n_batch * p.n_pre if n_batch > 1 else 1)
    tally["latencies_unpacked"] += n_unpacked
    tally["bits_unpacked"] += n_bits * n_unpacked
    tally["sync_columns"] += p.n_pre * p.n_post
    tally["sync_rows"] += n_batch * p.n_pre
    tally["sync_pairs"] += n_batch * p.n_pre * p.n_post
    _count_rows(p, update, tally)
