"""Work of a learning step before the build, counted on the reference as it learns: rules, replay
and guard. The inference before it is not in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.figures.lesson_local import count_phase, count_stdp
from edge_dassdp.figures.work import CountingModel, Work, by_word
from edge_dassdp.qir import QSTDP, QErrorRule, QHomeostasis, QNetwork, QProjection, QSyncRule
from edge_dassdp.qir.packing import LEARNING_DTYPE, columns, words
from edge_dassdp.qir.stored import stored_words
from edge_dassdp.reference import Reference
from edge_dassdp.reference.rules import (
    Record,
    apply_error_rule,
    apply_sync_rule,
    error_factors,
    step_size_q8,
    touch_dw_q8,
)
from edge_dassdp.targets.target import NO_LABEL, Outcome


def learning_work(network: QNetwork, x: NDArray[np.int8], labels: Iterable[int]) -> list[Work]:
    """The work of learning each sample of x, int8 (n, x_bytes), once and in order, from the
    factory weights on. Raises what `Reference.learn` does.
    """
    reference = _CountingReference(network)
    done = []
    for sample, label in zip(x, labels, strict=True):
        reference.learn(sample, int(label))
        done.append(Work(**{name: int(np.sum(n)) for name, n in reference.tally.items()}))
    return done


class _CountingReference(CountingModel, Reference):
    """Counts one lesson at a time."""

    def infer(self, x: NDArray[np.int8], **options: Any) -> Outcome:
        outcome = super().infer(x, **options)
        self.tally = defaultdict(int)
        self.tally["lessons"] = 1
        return outcome

    def _evaluate(self, label: int) -> tuple[int, bool]:
        self.tally["logits"] += self.network.n_classes * (label != NO_LABEL)
        return super()._evaluate(label)

    def rerun(self, rasters: Mapping[str, NDArray[np.bool_]], *, factory: bool = False) -> int:
        net = self.network
        for name in net.plastic_part:
            p = net.population(name)
            self.tally["bytes_moved"] += self.rest_bytes(p)
            self.forget_events(p)
        self.tally["bytes_moved"] += sum(4 * words(p.size) for p in net.cut) * net.n_steps
        return super().rerun(rasters, factory=factory)

    def _remember(self, slot: int, label: int) -> int:
        if self.memory is not None and self.memory.rule.ring_per_class:
            self.tally["bytes_moved"] += 4 * stored_words(self.network)
        return super()._remember(slot, label)

    def _replay(self, sample: tuple[dict[str, tuple[IntArray, IntArray]], int] | None) -> int:
        if sample is not None:
            self.tally["replays"] += 1
            self.tally["bytes_moved"] += 4 * stored_words(self.network)
            for counts, _ in sample[0].values():
                self.tally["neurons_rebuilt"] += counts.size
                self.tally["spikes_rebuilt"] += int(counts.sum())
        return super()._replay(sample)

    def _learn_from_error(self) -> None:
        phases = {name: phase.copy() for name, phase in self.eihl.items()}
        super()._learn_from_error()
        _count_feedback(self, self.slot, self.tally)
        for p in self.network.plastic:
            if p.stage == "error":
                self._count_error(p, phases)

    def _count_error(self, p: QProjection, phases: Mapping[str, NDArray[Any]]) -> None:
        if p.name in phases and not count_phase(p, phases[p.name], self.eihl[p.name], self.tally):
            return
        assert p.factors is not None
        count = _count_touch_rule if p.factors.touch_columns else _count_error_rule
        count(self, p, p.factors, self.error[p.post], self.slot, self.tally)

    def _learn_from_activity(self) -> bool:
        done = super()._learn_from_activity()
        for p in self.network.plastic:
            if isinstance(p.rule, QSTDP):
                count_stdp(self, p, self.tally)
            elif isinstance(p.rule, QHomeostasis):
                lacking = p.rule.targets_q7 - (self.records[p.post][self.slot].count << 7)
                _count_error_rule(self, p, p.rule.factors, lacking, self.slot, self.tally)
        return done

    def _apply_sync_rules(self) -> None:
        for p in self.network.plastic:
            if isinstance(p.rule, QSyncRule):
                _count_sync_rule(self, p, p.rule, self.tally)
        super()._apply_sync_rules()


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


def _count_error_rule(reference: Reference, p: QProjection, rule: QErrorRule, err: IntArray,
                      slot: int, tally: dict[str, int]) -> None:
    """`dassdp_rule_error` of rules/error.c with errors (n_post,)."""
    n_bits, is_timed = reference.network.field_bits, rule.g_q7 is not None
    records = {name: slots[slot] for name, slots in reference.records.items()}
    pre = records[p.pre]
    tally["rules_applied"] += 1
    tally["popcounts"] += _count_popcounts(pre.count, n_bits)
    tally["factors"] += p.n_post
    if not error_factors(rule, err, pre.count).any():
        return
    tally["latencies_unpacked"] += p.n_post * is_timed
    tally["bits_unpacked"] += p.n_post * n_bits * is_timed
    n_classes = _count_search(pre, is_timed, reference.network, tally)
    tally["classes"] += n_classes
    tally["class_columns"] += n_classes * columns(p.n_post)
    tally["timed_columns"] += n_classes * columns(p.n_post) * is_timed
    update = np.zeros_like(reference.w[p.name])
    apply_error_rule(replace(p, weight_bits=16, rule=rule), update, err, records,
                     np.zeros((), LEARNING_DTYPE))
    _count_rows(p, update, tally)


def _count_touch_rule(reference: Reference, p: QProjection, rule: QErrorRule, err: IntArray,
                      slot: int, tally: dict[str, int]) -> None:
    """`dassdp_rule_touch` of rules/touch.c, block of columns by block."""
    net = reference.network
    count, raster = reference.records[p.pre][slot].count, reference.rasters[p.pre]
    tally["rules_applied"] += 1
    tally["popcounts"] += _count_popcounts(count, net.field_bits)
    tally["factors"] += p.n_post
    k, dw_q8 = touch_dw_q8(p, err, count, raster, reference.touches[p.post],
                           step_size_q8(net, int(reference.learning["n_labelled"])))
    n_rows, n_spikes = int((count > 0).sum()), int(raster[:, count > 0].sum())
    for begin in range(0, p.n_post, rule.touch_columns):
        block = slice(begin, begin + rule.touch_columns)
        if not k[block].any():
            continue
        width = columns(k[block].size)
        tally["trace_columns"] += net.n_steps * width
        tally["planes_read"] += int(_planes_of_fired(count, net.field_bits).sum())
        fired = by_word(count[None])[0].any(axis=1).sum()
        tally["words_transposed"] += int(fired) * words(net.n_steps)
        tally["steps_searched"] += n_rows * words(net.n_steps)
        tally["trace_rows"] += n_spikes
        tally["trace_ops"] += n_spikes * width
        tally["touch_rows"] += n_rows
        tally["touch_columns"] += n_rows * width
        _count_rows(p, dw_q8[:, block], tally)


def _count_popcounts(count: IntArray, n_bits: int) -> int:
    """Of every plane, and of each pair of it with a lower one where it is not empty."""
    planes = (by_word(count[None])[0][:, None] >> np.arange(n_bits)[:, None]) & 1
    return int((1 + planes.any(axis=2) * np.arange(n_bits)).sum())


def _planes_read(values: NDArray[Any], value: Any, n_bits: int, among: Any = True) -> IntArray:
    """Bit planes of values (words, 32) compared with `value`, lowest first, while neurons `among`
    them may hold it: `dassdp_planes_equal` of state.h, (words,)."""
    differ = values ^ value
    lowest = np.log2(np.maximum(differ & -differ, 1)).astype(np.int64) + 1
    return np.asarray(np.where(among, np.where(differ == 0, n_bits, lowest), 0).max(axis=1))


def _planes_of_fired(count: IntArray, n_bits: int) -> IntArray:
    """Of `dassdp_fired`, (words,)."""
    return _planes_read(by_word(count[None])[0], 0, n_bits)


def _count_search(pre: Record, is_timed: bool, net: QNetwork, tally: dict[str, int]) -> int:
    """Classes of presynaptic neurons, latency by latency while some are left. A class is that of
    the first neuron left; from its word on every word is visited, compared and listed."""
    n_bits, counts = net.field_bits, by_word(pre.count[None])[0]
    silent = (1 << n_bits) - 1
    inverted = by_word(np.where(pre.latency < 0, 0, pre.latency ^ silent)[None])[0]
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
                                                by_word(left[None] > 0)[0]).sum())
            left = np.where(left == left[first], 0, left)
    tally["latencies_searched"] += n_latencies
    tally["class_words"] += n_visited
    tally["planes_read"] += n_read
    return n_classes


def _count_rows(p: QProjection, update: IntArray, tally: dict[str, int]) -> None:
    """Rows of an update, (n_pre, columns) in Q8, are written unless they are all zero. It is what a
    rule adds to weights of 16 bits that are zero."""
    n_rows = int(update.any(axis=1).sum())
    bits = p.weight_bits if p.weight_bits >= 8 else 4
    tally["rows_written"] += n_rows
    tally[f"columns_{bits}"] += n_rows * columns(update.shape[1])


def _count_sync_rule(reference: Reference, p: QProjection, rule: QSyncRule,
                     tally: dict[str, int]) -> None:
    """A full batch compares every pair in every sample, unless all gates are shut:
    `dassdp_rule_sync` of rules/sync.c."""
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
