"""Rules of the reference that use no error, and what EIHL does between errors, in integers, in the
draw order of every target (docs/arithmetic.md, 15).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray, round_shift
from edge_dassdp.qir import QEIHL, QSTDP, QHomeostasis, QProjection
from edge_dassdp.qir.packing import EIHL_DTYPE
from edge_dassdp.reference.rules import Record, apply_error_rule, write_rows

CONTRACTION, ERROR_DRIVEN = 0, 1


def apply_homeostasis(p: QProjection, w: IntArray, records: Mapping[str, Record],
                      learning: NDArray[Any]) -> None:
    """Towards the targets; changes w in place."""
    rule = p.rule
    assert isinstance(rule, QHomeostasis)
    err = rule.targets_q7 - (records[p.post].count << 7)
    apply_error_rule(replace(p, rule=rule.factors), w, err, records, learning)


def apply_eihl(p: QProjection, w: IntArray, err: IntArray, records: Mapping[str, Record],
               learning: NDArray[Any], phase: NDArray[Any], step_q8: int) -> None:
    """One sample of its phase, EIHL_DTYPE; changes w and phase in place."""
    rule = p.rule
    assert isinstance(rule, QEIHL)
    if phase["n_samples"] == 0 and phase["b_q16"] == 0:
        phase["n_connected"] = np.count_nonzero(w)
    phase["b_q16"] = min(int(phase["b_q16"]) + rule.growth_q16, rule.most_q16)
    if phase["kind"] == CONTRACTION:
        _contract(p, w, int(phase["b_q16"]) >> 8, learning)
    else:
        apply_error_rule(replace(p, rule=rule.error), w, err, records, learning, step_q8)
    phase["n_samples"] += 1
    if phase["n_samples"] < rule.period:
        return
    phase["n_samples"] = 0
    n_connected, before = np.count_nonzero(w), int(phase["n_connected"])
    ends = n_connected < before if phase["kind"] == CONTRACTION else n_connected > before
    if ends:
        kind = ERROR_DRIVEN if phase["kind"] == CONTRACTION else CONTRACTION
        phase[()] = np.zeros((), EIHL_DTYPE)
        phase["kind"] = kind


def _contract(p: QProjection, w: IntArray, b_q8: int, learning: NDArray[Any]) -> None:
    """w <- sign(w) max(|w| - b, 0), all rows ascending."""
    w_q8 = np.abs(w) if p.weight_bits == 16 else np.abs(w) << 8
    dw_q8 = -np.sign(w) * np.minimum(w_q8, b_q8)
    learning["n_updates"] += int(np.count_nonzero(w))
    learning["n_vanished"] += int(((dw_q8 == 0) & (w != 0)).sum())
    write_rows(p, w, np.arange(p.n_pre), dw_q8, learning)


def apply_stdp(p: QProjection, w: IntArray, pre: NDArray[np.bool_], post: NDArray[np.bool_],
               learning: NDArray[Any]) -> IntArray:
    """Pair STDP over rasters pre (n_steps, n_pre) and post (n_steps, n_post), step by step; changes
    w in place. Returns the traces at the end, those of pre, then those of post."""
    rule = p.rule
    assert isinstance(rule, QSTDP)
    x, y = np.zeros(p.n_pre, np.int64), np.zeros(p.n_post, np.int64)
    for s_pre, s_post in zip(pre, post, strict=True):
        x = (x * rule.keep_pre_q15 >> 15) + rule.pre_one * s_pre
        y = y * rule.keep_post_q15 >> 15
        rows = np.flatnonzero(s_pre | ((x != 0) & s_post.any()))
        gain = round_shift(rule.amplitude_plus * x[rows], rule.plus_rshift)
        loss = round_shift(rule.amplitude_minus * y, rule.minus_rshift)
        dw_q8 = gain[:, None] * s_post - s_pre[rows][:, None] * loss
        tried = s_pre[rows][:, None] | s_post
        learning["n_updates"] += int(tried.sum())
        learning["n_vanished"] += int((tried & (dw_q8 == 0)).sum())
        write_rows(p, w, rows, dw_q8, learning)
        y = y + rule.post_one * s_post
    return np.concatenate([x, y])
