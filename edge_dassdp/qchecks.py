"""What the constants of quantized rules must hold to, so that every target can run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_dassdp import wiring
from edge_dassdp.errors import EdgeError
from edge_dassdp.kinds import is_int
from edge_dassdp.order import device_volume
from edge_dassdp.qformat import INT32_MAX, round_shift
from edge_dassdp.qnodes import (
    QEIHL,
    QSTDP,
    QErrorRule,
    QHomeostasis,
    QPopulation,
    QProjection,
    QReplay,
    QSyncRule,
)
from edge_dassdp.quantities import QUANTITIES

if TYPE_CHECKING:
    from edge_dassdp.qir import QNetwork

DW_MAX_Q8 = QUANTITIES["dw_max_q8"]
"""Largest update in Q8: |dw| + 255 still fits an int16 lane."""


def require(holds: bool, message: str) -> None:
    """EdgeError E101 unless it holds."""
    if not holds:
        raise EdgeError("E101", message)


def within(value: Any, low: int, high: int, what: str) -> None:
    """E101 unless it is an integer of the range."""
    require(is_int(value) and low <= value <= high,
            f"{what} is {value!r}, expected an integer from {low:,} to {high:,}")


def entries(array: Any, shapes: tuple[tuple[int, ...], ...], low: int, high: int,
            what: str) -> None:
    """E101 unless it is an array of integers of one of the shapes and of the range."""
    require(isinstance(array, np.ndarray) and array.dtype.kind in "iu" and array.shape in shapes,
            f"{what} is no integer array of shape {' or '.join(map(str, shapes))}")
    require(low <= int(array.min()) and int(array.max()) <= high,
            f"{what} holds {int(array.min()):,} to {int(array.max()):,}, expected {low:,} to "
            f"{high:,}")


def real(array: Any, size: int, what: str) -> None:
    """E101 unless it is an array of positive numbers, one or `size`."""
    require(isinstance(array, np.ndarray) and array.dtype.kind == "f"
            and array.shape in ((1,), (size,)) and bool((np.isfinite(array) & (array > 0)).all()),
            f"{what} holds no positive numbers")


def source_volume(n: QNetwork, source: str) -> wiring.Volume:
    """How the neurons of an input or a population lie on the device."""
    for i in n.inputs:
        if i.name == source:
            return device_volume(i.shape, pads=False)
    return n.population(source).shape


def weight_shape(n: QNetwork, q: QProjection) -> tuple[int, ...]:
    """The shape that q.w must have. Raises EdgeError E101 where the geometry does not fit."""
    where = f"projection '{q.name}': "
    volume = source_volume(n, q.pre)
    require(tuple(q.volume) == tuple(volume), where + "its volume is another than its source's")
    if q.delay is not None:
        entries(q.delay, ((1,), (wiring.size(volume),)), 0, 255, where + "delay")
    shape = q.pool.out(volume) if q.pool else volume
    post = n.population(q.post)
    if q.conv is None:
        return wiring.size(shape), post.size
    w_shape = q.w.shape
    if q.w.ndim == 2:
        require(q.conv == wiring.Conv() and w_shape[0] <= shape[0], where + "its w is no kernel")
        kernel = (w_shape[1], shape[0], 1, 1)
    else:
        require(q.w.ndim == 4, where + "its w is no kernel")
        channels = w_shape[1] * q.conv.groups
        require(channels <= shape[0], where + "its kernel has more channels than its source")
        kernel = (w_shape[0], w_shape[1], w_shape[2], w_shape[3])
        shape = (channels, *shape[1:])
    out = q.conv.out(shape, kernel)
    require(out[0] <= post.shape[0] and out[1:] == tuple(post.shape[1:]),
            where + "its result does not fit its population")
    return w_shape


def check_geometry(n: QNetwork, p: QPopulation) -> None:
    where = f"population '{p.name}': "
    require(len(p.shape) == 3 and wiring.size(p.shape) == p.size, where + "its shape is another")
    if p.natural is not None:
        entries(p.natural, ((p.size,),), -1, p.size - 1, where + "natural")
    within(p.n_history, 0, 257, where + "n_history")
    d = p.dynamics
    if d is None:
        require(p.reset not in ("subtract_once", "zero_delayed_all"), where + "its reset")
        return
    limit, shapes = (1 << (p.membrane_bits - 1)) - 1, ((1,), (p.size,))
    within(d.max_spikes, 1, 255, where + "max_spikes")
    require(d.max_spikes == 1 or p.reset == "subtract_once", where + "several spikes of one reset")
    within(d.i_frac_bits, 0, 15, where + "i_frac_bits")
    if d.leak_i_q15 is not None:
        entries(d.leak_i_q15, shapes, 0, 32768, where + "leak_i_q15")
    entries(d.v_bias, shapes, -limit, limit, where + "v_bias")
    entries(d.v_init, shapes, -limit, limit, where + "v_init")
    if d.v_min is not None:
        entries(d.v_min, shapes, -limit, 0, where + "v_min")


def check_rule(n: QNetwork, q: QProjection) -> None:
    """E101 unless every target can run the rule of q."""
    if isinstance(q.rule, QErrorRule):
        _check_error_rule(n, q, q.rule)
    elif isinstance(q.rule, QHomeostasis):
        _check_homeostasis(n, q, q.rule)
    elif isinstance(q.rule, QEIHL):
        _check_error_rule(n, q, q.rule.error)
        _check_contraction(q, q.rule)
    elif isinstance(q.rule, QSTDP):
        _check_stdp(n, q, q.rule)
    elif isinstance(q.rule, QSyncRule):
        _check_sync_rule(n, q, q.rule)


def _check_error_rule(n: QNetwork, q: QProjection, rule: QErrorRule) -> None:
    where = f"the rule of '{q.name}': "
    pre, post = n.population(q.pre), n.population(q.post)
    require(pre.counts and post.has_error, where + "its neurons keep no counts or no error")
    _check_factors(n, q, rule, 256 if q.post == n.readout else 32767)
    require(is_int(rule.touch_columns) and 0 <= rule.touch_columns <= 65536
            and rule.touch_columns % 8 == 0, where + "touch_columns is no multiple of 8")
    if rule.touch_columns:
        require(rule.g_q7 is None and pre.keeps_raster and post.touch_width is not None
                and q.post != n.readout, where + "its neurons keep no raster or no touch")
    if rule.g_q7 is not None:
        entries(rule.g_q7, ((n.n_steps + 1,),), 0, 128, where + "g_q7")
        require(post.counts and q.post != n.readout and "none" not in (pre.records, post.records),
                where + "its neurons keep no latencies")


def _check_sync_rule(n: QNetwork, q: QProjection, rule: QSyncRule) -> None:
    where = f"the rule of '{q.name}': "
    for p in (n.population(q.pre), n.population(q.post)):
        require(p.counts and p.records != "none", where + "its neurons keep no latencies")
    within(rule.delta_rshift, 0, 16, where + "delta_rshift")
    half = 1 << (11 + rule.delta_rshift)
    most = min(INT32_MAX - half, DW_MAX_Q8 << (12 + rule.delta_rshift)) // (n.n_batch * 8192)
    entries(rule.delta, ((2, n.n_steps + 1),), -most, most, where + "delta")
    within(rule.silent_step, 0, n.n_steps, where + "silent_step")
    within(rule.sync_rshift, max(0, (q.n_pre * q.n_post).bit_length() - 15), 31,
           where + "sync_rshift")
    require(isinstance(rule.is_gated, bool) and isinstance(rule.repeat_loss, bool),
            where + "a flag is unknown")


def _check_factors(n: QNetwork, q: QProjection, rule: QErrorRule, peak: int) -> None:
    """peak: of what stands for the error."""
    where = f"the rule of '{q.name}': "
    within(rule.k_rshift, 0, 24, where + "k_rshift")
    within(rule.amplitude, 1, (1 << 22) - 1, where + "amplitude")
    within(rule.r_max, 1, (INT32_MAX - (1 << rule.k_rshift >> 1)) // peak, where + "r_max")
    within(rule.row_rshift, 12, 19, where + "row_rshift")
    most = ((DW_MAX_Q8 << rule.row_rshift) - (1 << (rule.row_rshift - 1))) // (n.n_steps * 128)
    within(rule.k_max, 1, min(32767, most), where + "k_max")


def _check_homeostasis(n: QNetwork, q: QProjection, rule: QHomeostasis) -> None:
    where = f"the rule of '{q.name}': "
    post = n.population(q.post)
    require(n.population(q.pre).counts and post.counts and not post.records_membrane,
            where + "its neurons keep no counts of spikes")
    require(rule.factors.g_q7 is None and rule.factors.touch_columns == 0,
            where + "homeostasis knows no latencies and no touch")
    _check_factors(n, q, rule.factors, 128 * n.n_steps)
    entries(rule.targets_q7, ((q.n_post,),), 0, 128 * n.n_steps, where + "targets_q7")


def _check_contraction(q: QProjection, rule: QEIHL) -> None:
    where = f"the rule of '{q.name}': "
    require(rule.error.g_q7 is not None, where + "it knows no latencies")
    within(rule.most_q16, 1, DW_MAX_Q8 << 8, where + "most_q16")
    within(rule.growth_q16, 1, rule.most_q16, where + "growth_q16")
    within(rule.period, 1, 4096, where + "period")


def _check_stdp(n: QNetwork, q: QProjection, rule: QSTDP) -> None:
    where = f"the rule of '{q.name}': "
    require(n.population(q.pre).keeps_raster and n.population(q.post).keeps_raster,
            where + "its neurons keep no raster")
    peaks = 0
    for side, sign in (("pre", "plus"), ("post", "minus")):
        within(getattr(rule, f"keep_{side}_q15"), 0, 32768, where + f"keep_{side}_q15")
        within(getattr(rule, f"{side}_one"), 1, 32767, where + f"{side}_one")
        within(getattr(rule, f"amplitude_{sign}"), -32767, 32767, where + f"amplitude_{sign}")
        within(getattr(rule, f"{sign}_rshift"), 0, 24, where + f"{sign}_rshift")
        peak = trace_peak(getattr(rule, f"{side}_one"), getattr(rule, f"keep_{side}_q15"),
                          n.n_steps)
        require(peak <= 32767, where + f"a trace may reach {peak}")
        peaks += update_peak(getattr(rule, f"amplitude_{sign}"), peak,
                             getattr(rule, f"{sign}_rshift"))
    require(peaks <= DW_MAX_Q8, where + f"an update may reach {peaks}")


def trace_peak(one: int, keep_q15: int, n_steps: int) -> int:
    """The largest value of a trace: of a neuron that fires in every step."""
    trace = 0
    for _ in range(n_steps):
        trace = (trace * keep_q15 >> 15) + one
    return trace


def update_peak(amplitude: int, trace: int, rshift: int) -> int:
    """The largest |round(amplitude trace / 2^rshift)|."""
    return int(round_shift(abs(amplitude) * trace, rshift))


def check_replay(n: QNetwork, replay: QReplay) -> None:
    size = sum(p.size for p in n.cut)
    require(replay.labels.ndim == 1, "replay labels are no vector")
    within(replay.labels.size, 0, 65535, "the number of replay samples")
    for name, most in (("ring_per_class", 255), ("n_ring", 16), ("n_flash", 16)):
        within(getattr(replay, name), 0, most, f"replay: {name}")
    require(replay.ring_per_class * n.n_classes < 65536, "the ring is too large")
    require(isinstance(replay.is_reservoir, bool), "replay: is_reservoir is no truth value")
    require(all(p.counts and p.records == "first" for p in n.cut),
            "replay: the cut keeps no counts or first-spike latencies")
    require(not any(q.pre in {i.name for i in n.inputs} for name in n.plastic_part
                    for q in n.into(name)), "replay: an input enters the plastic part")
    shape = (replay.labels.size, size)
    require(replay.counts.shape == shape and replay.first_spike_steps.shape == shape,
            f"replay samples are not of shape {shape}")
    if replay.labels.size:
        entries(replay.labels, (replay.labels.shape,), 0, n.n_classes - 1, "replay labels")
        entries(replay.counts, (shape,), 0, n.n_steps, "replay counts")
        entries(replay.first_spike_steps, (shape,), 0, n.n_steps, "replay latencies")
        room = n.n_steps - replay.first_spike_steps
        require(bool(((replay.counts <= room) & ((replay.counts == 0) == (room == 0))).all()),
                "a replay sample has more spikes than steps behind its first")
