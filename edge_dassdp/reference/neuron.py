"""One time step of neurons in integers, and below each part the same on intervals.

docs/arithmetic.md 2 and 16 have it in words, firmware/kernels/portable has it in C. Each part grows
with the membrane, the synaptic current and the input, as long as the neuron fires or as long as it
does not; so the interval of a part comes from what the part makes of its ends in either case, and a
part that is changed moves its interval along. Arrays are int64, (size,) or (n, size) for n samples;
constants (1,) or (size,); membranes, thresholds and inputs count in membrane units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray, round_shift, saturate
from edge_dassdp.qir import QPopulation
from edge_dassdp.qir.ranges import RICH_BITS, Interval


@dataclass(frozen=True, eq=False)
class Stepped:
    """Neurons behind a step: membranes v, synaptic currents i, spikes (0 or 1, or how many), and
    where membranes left their container and saturated."""

    v: IntArray
    i: IntArray
    spikes: NDArray[Any]
    clipped: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SteppedInterval:
    """Where membranes v and synaptic currents i may be behind a step, and v before a reset at
    once."""

    v: Interval
    i: Interval
    before_reset: Interval


def start(p: QPopulation) -> IntArray:
    """Membranes before the first step, (1,) or (size,)."""
    return np.zeros(1, np.int64) if p.dynamics is None else p.dynamics.v_init


def step(p: QPopulation, v: IntArray, i: IntArray, x: IntArray) -> Stepped:
    """One time step of membranes v, synaptic currents i (0 without a synapse) and an input x.

    Raises EdgeError E506 where a membrane leaves the range that was proven for it.
    """
    i, x = synapse(p, i, x)
    r = v >= p.fire_at
    summed = integrate(p, v, r, x)
    fitted = fit(p, summed)
    left, s = fire(p, fitted, r)
    stored = fit(p, left) if p.reset == "subtract_now" else left
    clipped = (fitted != summed) | (stored != left)
    if not saturates(p) and clipped.any():
        raise EdgeError("E506", f"population '{p.name}': a membrane left its proven range")
    return Stepped(floor(p, stored), i, s, clipped)


def step_interval(p: QPopulation, v: Interval, i: Interval, x: Interval) -> SteppedInterval:
    """Holds whatever `step` makes of v, i and x of the intervals, ends (size,)."""
    i, x = synapse_interval(p, i, x)
    fitted = fit_interval(p, integrate_interval(p, v, x))
    left = fire_interval(p, fitted, v, x)
    return SteppedInterval(floor_interval(p, left), i, fitted)


def arriving(p: QPopulation, acc: IntArray, base: IntArray) -> IntArray:
    """The input of a step: sums of weights acc in membrane units, and the constant current base."""
    return np.asarray(round_shift(acc << p.acc_lshift, p.acc_rshift) + base)


def arriving_interval(p: QPopulation, acc: Interval, base: Interval) -> Interval:
    return Interval(arriving(p, acc.low, base.low), arriving(p, acc.high, base.high))


def synapse(p: QPopulation, i: IntArray, x: IntArray) -> tuple[IntArray, IntArray]:
    """The synaptic current i of i_frac_bits more bits, and what of it reaches the membrane."""
    d = p.dynamics
    if d is None:
        return i, x
    if d.leak_i_q15 is not None:
        i = round_shift(i * d.leak_i_q15, 15) + (x << d.i_frac_bits)
        i = np.asarray(saturate(i, RICH_BITS))
        x = round_shift(i, d.i_frac_bits)
    return i, x + d.v_bias


def synapse_interval(p: QPopulation, i: Interval, x: Interval) -> tuple[Interval, Interval]:
    (i_low, low), (i_high, high) = synapse(p, i.low, x.low), synapse(p, i.high, x.high)
    return Interval(i_low, i_high), Interval(low, high)


def leak(v: IntArray, leak_q15: IntArray, leak_shift: int) -> IntArray:
    """What a step leaves of membranes."""
    if leak_shift:
        return np.asarray(v - round_shift(v, leak_shift))
    return np.asarray(round_shift(v * leak_q15, 15))


def integrate(p: QPopulation, v: IntArray, r: NDArray[np.bool_] | bool, x: IntArray) -> IntArray:
    """Leak, input and delayed reset; r: v was at its threshold before the step."""
    if p.reset == "zero_delayed":
        v = np.where(r, 0, v)
    v = leak(v, p.leak_q15, p.leak_shift) + x
    if p.reset == "zero_delayed_all":
        v = np.where(r, 0, v)
    if p.reset in ("subtract_delayed", "subtract_now"):
        v = v - np.where(r, p.reset_by, 0)
    return v


def integrate_interval(p: QPopulation, v: Interval, x: Interval) -> Interval:
    below, above = np.minimum(v.high, p.fire_at - 1), np.maximum(v.low, p.fire_at)
    silent = Interval(integrate(p, v.low, False, x.low), integrate(p, below, False, x.high))
    fired = Interval(integrate(p, above, True, x.low), integrate(p, v.high, True, x.high))
    return silent.hull(fired, where=v.high >= p.fire_at)


def saturates(p: QPopulation) -> bool:
    """Its membranes clip; those of others are proven not to leave their container."""
    return p.dynamics is not None or (p.membrane_bits == 16 and p.saturates)


def fit(p: QPopulation, v: IntArray) -> IntArray:
    """Membranes clipped to their container."""
    rich = p.dynamics is not None
    return np.asarray(saturate(v, min(p.membrane_bits, RICH_BITS) if rich else p.membrane_bits))


def fit_interval(p: QPopulation, v: Interval) -> Interval:
    return v.map(lambda end: fit(p, end)) if saturates(p) else v


def fire(p: QPopulation, v: IntArray,
         r: NDArray[np.bool_] | bool) -> tuple[IntArray, NDArray[Any]]:
    """Membranes behind a reset at once, and spikes; r as `integrate` had it."""
    s: NDArray[Any] = v >= p.fire_at
    if p.reset == "subtract_now":
        v = v - (s.astype(np.int64) - r) * p.reset_by
    if p.reset == "zero_now":
        v = np.where(s, 0, v)
    if p.reset == "subtract_once":
        if p.max_spikes > 1:
            s = np.where(s, np.minimum((v - p.fire_at) // p.reset_by + 1, p.max_spikes), 0)
        v = v - s.astype(np.int64) * p.reset_by
    return v, s


def fire_interval(p: QPopulation, v: Interval, before: Interval, x: Interval) -> Interval:
    """v: what `integrate_interval` made of `before` and x."""
    below, least = p.fire_at - 1, np.minimum(v.low, p.fire_at - p.reset_by)
    if p.reset == "zero_now":
        return Interval(np.minimum(v.low, 0), np.minimum(v.high, below))
    if p.reset == "subtract_once":
        most = np.maximum(below, v.high - p.max_spikes * p.reset_by)
        return Interval(least, np.where(v.high > below, most, v.high))
    if p.reset == "subtract_now":  # after r it comes back by reset_by, or fires and stays
        again = np.maximum(below + p.reset_by, integrate(p, before.high, True, x.high))
        most = np.where(before.high > below, again, np.minimum(v.high, below))
        return Interval(least, np.maximum(most, v.high - p.reset_by))
    return v


def floor(p: QPopulation, v: IntArray) -> IntArray:
    """Membranes as they are stored, none below v_min."""
    if p.dynamics is None or p.dynamics.v_min is None:
        return v
    return np.maximum(v, p.dynamics.v_min)


def floor_interval(p: QPopulation, v: Interval) -> Interval:
    return v.map(lambda end: floor(p, end))


def integer_equation(p: QPopulation) -> str:
    """The step of a population as every target computes it, in membrane units; x is the summed
    current in these."""
    leak = f"round({_text(p.leak_q15)}*{{}}/2^15)" if not p.leak_shift else \
        f"{{0}} - round({{0}}/2^{p.leak_shift})"
    d, x, first = p.dynamics, "x", ""
    if d is not None and d.leak_i_q15 is not None:
        bits = d.i_frac_bits
        first = f"i = round({_text(d.leak_i_q15)}*i/2^15) + x*2^{bits}; "
        x = f"round(i/2^{bits})" + (f" + {_text(d.v_bias)}" if d.v_bias.any() else "")
    decayed = leak.format("(1-r)*v" if p.reset == "zero_delayed" else "v")
    total = f"(1-r)*({decayed} + {x})" if p.reset == "zero_delayed_all" else f"{decayed} + {x}"
    by, at = _text(p.reset_by), _text(p.fire_at)
    if p.reset in ("subtract_delayed", "subtract_now"):
        total += f" - {by}*r"
    spikes = f"s = [v >= {at}]"
    if p.max_spikes > 1:
        spikes = f"s = spikes of {by} while v >= {at}, at most {p.max_spikes}"
    after = {"subtract_now": f"; v -= (s-r)*{by}", "subtract_once": f"; v -= s*{by}",
             "zero_now": "; v = 0 where s"}.get(p.reset, "")
    if d is not None and d.v_min is not None:
        after += f"; v = max(v, {_text(d.v_min)})"
    if d is not None and d.v_init.any():
        after += f"; v starts at {_text(d.v_init)}"
    return f"{first}v = {total}; {spikes}{after}"


def _text(values: IntArray) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"[{low}..{high}]"
