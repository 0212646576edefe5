"""The plasticity rules of the reference, in integers, in the draw order of every target."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray, round_divide, round_shift, saturate, to_int
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.qir import SCHEDULE_SHIFT, QErrorRule, QNetwork, QProjection, QSyncRule
from edge_dassdp.qir.packing import LANES, columns
from edge_dassdp.qir.ranges import weight_range

TOUCH = QUANTITIES["touch"]
"""What a touch adds to its trace; the trace F - (F >> 2) + TOUCH stays at 4 TOUCH or below, in a
signed byte."""
EXP2_Q15 = to_int(32768 * 2.0 ** (-np.arange(32) / 32))
ONE_Q7, ONE_Q12 = 128, QUANTITIES["gate_one_q12"]
MAX_RECORDS, SOFTMAX_MAX_Q8 = QUANTITIES["gate_records_max"], QUANTITIES["softmax_max_q8"]


@dataclass
class Record:
    """What a sample leaves behind in a population: counts, and a latency per neuron, -1 silent."""

    count: IntArray
    latency: IntArray

    @classmethod
    def empty(cls, n: int, clear: bool = True) -> Record:
        """As after `begin` (silent); or all zero bytes, as after a reset."""
        return cls(np.zeros(n, np.int64), np.full(n, -1 if clear else 0, np.int64))

    def copy(self) -> Record:
        return Record(self.count.copy(), self.latency.copy())

    def add(self, events: NDArray[np.bool_], t_step: int, *, keep_last: bool) -> None:
        news = events if keep_last else events & (self.count == 0)
        self.latency = np.where(news, t_step, self.latency)
        self.count = self.count + events

    def steps(self, silent_step: int) -> IntArray:
        return np.where(self.latency < 0, silent_step, self.latency)


def xorshift32(state: int) -> int:
    """Marsaglia 2003, shifts 13, 17, 5."""
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    state ^= (state << 5) & 0xFFFFFFFF
    return state


def log2_q8(x: int) -> int:
    """log2(x / 32768) in Q8 for 32768 <= x < 2^31, by repeated squaring."""
    result = 0
    while x >= 65536:
        x >>= 1
        result += 256
    for bit in range(7, -1, -1):
        x = (x * x) >> 15
        if x >= 65536:
            x >>= 1
            result += 1 << bit
    return result


def softmax_error(network: QNetwork, logits: IntArray, label: int) -> tuple[IntArray, int]:
    """(onehot(label) - softmax) in Q8, (n_classes,), and the loss -log2 p(label) in Q8."""
    difference = logits.max() - logits
    z_q8 = np.where(difference >= network.softmax_limit, SOFTMAX_MAX_Q8,
                    (difference * network.softmax_scale) >> network.softmax_shift)
    p = np.where(z_q8 >= SOFTMAX_MAX_Q8, 0, EXP2_Q15[(z_q8 >> 3) & 31] >> np.minimum(z_q8 >> 8, 15))
    total = int(p.sum())
    err_q8 = -((256 * p + (total >> 1)) // total)
    err_q8[label] += 256
    return err_q8, int(z_q8[label]) + log2_q8(total)


def feed_back(network: QNetwork, w: Mapping[str, IntArray], error: dict[str, IntArray],
              active: Mapping[str, NDArray[np.bool_]]) -> None:
    """Errors of hidden populations from those behind them, last first; 0 where not active, (size,):
    silent, or under a touch rule never near its threshold."""
    order = [p.name for p in network.populations]
    for name in reversed(order):
        if name == network.readout or name not in error:
            continue
        total = np.zeros_like(error[name])
        for p in network.projections:
            forward = not p.is_analogue and p.pre == name and p.post in error \
                and order.index(p.post) > order.index(name)
            if forward:
                dot = w[p.name] @ error[p.post]
                total += round_shift(round_shift(dot, p.feedback_rshift) * p.feedback_gain_q14, 14)
        error[name] = np.where(active[name], total, 0)


def step_size_q8(network: QNetwork, n_labelled: int) -> int:
    """The schedule's factor in Q8; 256 without one."""
    table = network.schedule_q8
    return 256 if table is None else int(table[min(n_labelled >> SCHEDULE_SHIFT, table.size - 1)])


def error_factors(rule: QErrorRule, err: IntArray, count: IntArray,
                  step_q8: int = 256) -> IntArray:
    """k (n_post,) in Q(row_rshift + 1) of a weight step, from errors (n_post,) and presynaptic
    spike counts (n_pre,)."""
    r = min((rule.amplitude * step_q8 >> 8) // (1 + int((count**2).sum())), rule.r_max)
    return np.asarray(np.clip(round_shift(err * r, rule.k_rshift), -rule.k_max, rule.k_max))


def apply_error_rule(p: QProjection, w: IntArray, err: IntArray, records: Mapping[str, Record],
                     learning: NDArray[Any], step_q8: int = 256) -> None:
    """Error-modulated synchrony, or the delta rule without g; changes w in place.

    Rows are written class by class, a class being the presynaptic neurons of one latency (with g)
    and count, which share their update row: latencies ascend, then the class's first neuron, then
    the neuron.
    """
    rule = p.rule
    assert isinstance(rule, QErrorRule)
    pre = records[p.pre]
    k = error_factors(rule, err, pre.count, step_q8)
    n_tried = int((k != 0).sum())
    if n_tried == 0:
        return
    rows = np.flatnonzero(pre.count)
    latency = np.zeros_like(pre.latency) if rule.g_q7 is None else pre.latency
    _, first, classes = np.unique(latency[rows] * 256 + pre.count[rows], return_index=True,
                                  return_inverse=True)
    rows = rows[np.lexsort((rows, first[classes], latency[rows]))]
    g_q7: IntArray | int = ONE_Q7
    if rule.g_q7 is not None:
        dt = np.abs(records[p.post].latency[None, :] - pre.latency[rows][:, None])
        g_q7 = rule.g_q7[np.where(k != 0, dt, 0)]
    dw_q8 = round_shift(k * (pre.count[rows][:, None] * g_q7), rule.row_rshift)
    learning["n_updates"] += n_tried * rows.size
    learning["n_vanished"] += int(((dw_q8 == 0) & (k != 0)).sum())
    write_rows(p, w, rows, dw_q8, learning)


def touch_traces(touches: NDArray[np.bool_]) -> IntArray:
    """F (n_steps, n_post) of touches (n_steps, n_post), backward in time."""
    traces = np.zeros(touches.shape, np.int64)
    f = np.zeros(touches.shape[1], np.int64)
    for t_step in reversed(range(len(touches))):
        f = traces[t_step] = f - (f >> 2) + TOUCH * touches[t_step]
    return traces


def touch_dw_q8(p: QProjection, err: IntArray, count: IntArray, raster: NDArray[np.bool_],
                touches: NDArray[np.bool_], step_q8: int) -> tuple[IntArray, IntArray]:
    """Factors k (n_post,), and the update rows of the presynaptic neurons that fired, in order,
    (n, n_post). count (n_pre,), raster (n_steps, n_pre), touches (n_steps, n_post)."""
    rule = p.rule
    assert isinstance(rule, QErrorRule)
    k = error_factors(rule, err, count, step_q8)
    summed = raster[:, count > 0].T.astype(np.int64) @ touch_traces(touches)
    return k, np.asarray(round_shift(k * summed, rule.row_rshift))


def apply_touch_rule(p: QProjection, w: IntArray, err: IntArray, count: IntArray,
                     raster: NDArray[np.bool_], touches: NDArray[np.bool_],
                     learning: NDArray[Any], step_q8: int) -> None:
    """Error-modulated touch; changes w in place, block of columns by block, row by row.

    count (n_pre,), raster (n_steps, n_pre), touches (n_steps, n_post).
    """
    rule = p.rule
    assert isinstance(rule, QErrorRule)
    rows = np.flatnonzero(count)
    k, dw_q8 = touch_dw_q8(p, err, count, raster, touches, step_q8)
    learning["n_updates"] += int((k != 0).sum()) * rows.size
    learning["n_vanished"] += int(((dw_q8 == 0) & (k != 0)).sum())
    for begin in range(0, p.n_post, rule.touch_columns):
        block = slice(begin, min(begin + rule.touch_columns, columns(p.n_post)))
        part = w[:, block]
        write_rows(p, part, rows, dw_q8[:, block], learning)


def write_rows(p: QProjection, w: IntArray, rows: IntArray, dw_q8: IntArray,
               learning: NDArray[Any]) -> None:
    """w[rows] += dw_q8 / 256 by stochastic rounding, row by row: a word for every group of four
    columns of the image, byte b for column LANES[b]; 16-bit weights draw nothing. A row of zeros
    is skipped and draws nothing."""
    changed = (dw_q8 != 0).any(axis=1)
    rows, dw_q8 = rows[changed], dw_q8[changed]
    if p.weight_bits == 16:
        w[rows] = saturate(w[rows] + dw_q8, 16)
        return
    n_groups = columns(w.shape[1]) // 4
    words = draw(learning, rows.size * n_groups).reshape(rows.size, n_groups)
    dither = np.zeros((rows.size, n_groups, 4), np.int64)
    for b, lane in enumerate(LANES):
        dither[:, :, lane] = (words >> (8 * b)) & 255
    padded = dither.reshape(rows.size, 4 * n_groups)[:, : w.shape[1]]
    w[rows] = np.clip(w[rows] + ((dw_q8 + padded) >> 8), *weight_range(p.weight_bits))


def draw(learning: NDArray[Any], n: int) -> IntArray:
    """The next n words of the generator."""
    words, state = [0] * n, int(learning["rng"])
    for i in range(n):
        state = words[i] = xorshift32(state)
    learning["rng"] = state
    return np.array(words, np.int64)


def synchrony(p: QProjection, records: Mapping[str, list[Record]], slot: int) -> int:
    """S = n_pre n_post of one sample, scaled to 15 bits."""
    assert isinstance(p.rule, QSyncRule)
    n_pre = int((records[p.pre][slot].count > 0).sum())
    n_post = int((records[p.post][slot].count > 0).sum())
    return (n_pre * n_post) >> p.rule.sync_rshift


def record_gate(p: QProjection, gate: NDArray[Any], losses: IntArray,
                records: Mapping[str, list[Record]]) -> None:
    """Add the batch's (S, L) pairs to the warm-up sums."""
    assert isinstance(p.rule, QSyncRule)
    mean = (int(losses.sum()) + losses.size // 2) // losses.size
    for slot in range(losses.size):
        if int(gate["n_records"]) >= MAX_RECORDS:
            return
        s = synchrony(p, records, slot)
        loss = mean if p.rule.repeat_loss else int(losses[slot])
        for name, value in (("sum_s", s), ("sum_l", loss), ("sum_ss", s * s),
                            ("sum_ll", loss * loss), ("sum_sl", s * loss), ("n_records", 1)):
            gate[name] += value


def fit_gate(gate: NDArray[Any]) -> None:
    """Deviation of S and k = -corr(S, L) in Q12 from the warm-up sums."""
    n, sum_s, sum_l = (int(gate[name]) for name in ("n_records", "sum_s", "sum_l"))
    root_s = math.isqrt(n * int(gate["sum_ss"]) - sum_s * sum_s)
    root_l = math.isqrt(n * int(gate["sum_ll"]) - sum_l * sum_l)
    gate["root_s"], gate["k_q12"] = root_s, 0
    if root_s == 0 or root_l == 0:
        return
    covariance, deviations = n * int(gate["sum_sl"]) - sum_s * sum_l, root_s * root_l
    while deviations >= 1 << 48:
        deviations >>= 1
        covariance >>= 1
    k_q12 = round_divide(-covariance * ONE_Q12, deviations)
    gate["k_q12"] = max(-ONE_Q12, min(ONE_Q12, k_q12))


def gate_q12(gate: NDArray[Any], s: int) -> int:
    """G = clamp(1 + k (S - mu) / sigma_S, 0, 2) in Q12."""
    root_s = int(gate["root_s"])
    if root_s == 0:
        return ONE_Q12
    deviation = int(gate["n_records"]) * s - int(gate["sum_s"])
    return max(0, min(2 * ONE_Q12, ONE_Q12 + round_divide(int(gate["k_q12"]) * deviation, root_s)))


def apply_sync_rule(p: QProjection, w: IntArray, records: Mapping[str, list[Record]],
                    gate: NDArray[Any], learning: NDArray[Any]) -> None:
    """(DA-)SSDP from the slots of a full batch; changes w in place."""
    rule = p.rule
    assert isinstance(rule, QSyncRule)
    n_batch = len(records[p.pre])
    gates = [gate_q12(gate, synchrony(p, records, b)) if rule.is_gated else ONE_Q12
             for b in range(n_batch)]
    gate["last_gate_q12"] = gates[-1]
    if not any(gates):
        return
    total = np.zeros((p.n_pre, p.n_post), np.int64)
    for b, g in enumerate(gates):
        pre, post = records[p.pre][b], records[p.post][b]
        sync = (pre.count > 0)[:, None] & (post.count > 0)[None, :]
        dt = np.abs(pre.steps(rule.silent_step)[:, None] - post.steps(rule.silent_step)[None, :])
        total += g * rule.delta[sync.astype(np.int64), dt]
    dw_q8 = round_shift(total, 12 + rule.delta_rshift)
    learning["n_updates"] += total.size
    learning["n_vanished"] += int((dw_q8 == 0).sum())
    write_rows(p, w, np.arange(p.n_pre), dw_q8, learning)


