"""One time step of a neuron on intervals."""

from __future__ import annotations

import numpy as np

from edge_dassdp.base.qformat import IntArray, round_shift, saturate
from edge_dassdp.qir import QPopulation
from edge_dassdp.qir.ranges import Interval

RICH_BITS = 31
"""Of membranes and synaptic currents of neurons with `QDynamics`, which saturate."""


def leak(v: IntArray, leak_q15: IntArray, leak_shift: int) -> IntArray:
    """One leak of int64 membranes; the arithmetic of every target."""
    if leak_shift:
        return np.asarray(v - round_shift(v, leak_shift))
    return np.asarray(round_shift(v * leak_q15, 15))


def synapse_interval(p: QPopulation, i: Interval, current: Interval) -> tuple[Interval, Interval]:
    """The synaptic current after a step, and what of it reaches the membrane."""
    d = p.dynamics
    if d is None:
        return i, current
    v_bias = Interval(d.v_bias, d.v_bias)
    if d.leak_i_q15 is None:
        return i, current + v_bias
    leak_i, bits = d.leak_i_q15, d.i_frac_bits
    i = i.map(lambda v: round_shift(v * leak_i, 15)) + current.map(lambda c: c << bits)
    i = i.map(lambda v: saturate(v, RICH_BITS))
    return i, i.map(lambda v: round_shift(v, bits)) + v_bias


def integrated_interval(p: QPopulation, low: IntArray, high: IntArray,
                        current: Interval) -> tuple[IntArray, IntArray]:
    """Bounds of the membrane before a reset at once."""
    may_fire = high >= p.fire_at
    below = np.minimum(high, p.fire_at - 1)

    def decay(v: IntArray) -> IntArray:
        return leak(v, p.leak_q15, p.leak_shift)

    bottom, top = decay(low), decay(high)
    if p.reset == "zero_delayed":
        top = np.where(may_fire, np.maximum(decay(below), 0), top)
        bottom = np.where(may_fire, np.minimum(bottom, 0), bottom)
    elif p.reset in ("subtract_delayed", "subtract_now"):
        fired = np.maximum(low, p.fire_at)
        top = np.where(may_fire, np.maximum(decay(below), top - p.reset_by), top)
        bottom = np.where(may_fire, np.minimum(bottom, decay(fired) - p.reset_by), bottom)
    bottom, top = bottom + current.low, top + current.high
    if p.reset == "zero_delayed_all":
        top = np.where(may_fire, np.maximum(decay(below) + current.high, 0), top)
        bottom = np.where(may_fire, np.minimum(bottom, 0), bottom)
    if p.dynamics is not None:
        bottom, top = saturate(bottom, RICH_BITS), saturate(top, RICH_BITS)
    return bottom, top


def reset_interval(p: QPopulation, low: IntArray, high: IntArray, v: Interval,
                   current: Interval) -> tuple[IntArray, IntArray]:
    """Bounds behind a reset at once; low, high: before the step."""
    bottom, top = v.low, v.high
    if p.reset == "zero_now":
        return np.minimum(bottom, 0), np.minimum(top, np.maximum(p.fire_at - 1, 0))
    if p.reset == "subtract_once":
        least = top - p.max_spikes * p.reset_by
        return (np.minimum(bottom, p.fire_at - p.reset_by),
                np.where(top >= p.fire_at, np.maximum(p.fire_at - 1, least), top))
    if p.reset == "subtract_now":
        decayed = leak(high, p.leak_q15, p.leak_shift)
        again = np.maximum(p.fire_at - 1 + p.reset_by, decayed - p.reset_by + current.high)
        still = np.where(high >= p.fire_at, again, np.minimum(top, p.fire_at - 1))
        return (np.minimum(bottom, p.fire_at - p.reset_by),
                np.maximum(still, top - p.reset_by))
    return bottom, top
