"""Interval analysis: the worst case over every input and every value plastic weights may take.

It chooses int16 or int32 for sums and membranes, or refuses. All intervals are exact integers
per neuron; spikes are 0 or 1 at will, analogue inputs any int8.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import INT16_MAX, IntArray, round_shift
from edge_dassdp.ir import ReadoutKind
from edge_dassdp.ir.geometry import Volume, size
from edge_dassdp.qir import QPopulation, QProjection
from edge_dassdp.qir.order import result_volume
from edge_dassdp.qir.ranges import (
    RICH_BITS,
    RICH_MAX,
    Bound,
    Interval,
    require_int32,
    weight_range,
)
from edge_dassdp.qir.sums import convolved, sums
from edge_dassdp.reference.neuron import arriving_interval, start, step_interval

X_MIN, X_MAX = -128, 127
LOGITS = "use membranes that saturate (--membrane-bits 16), fewer weight bits or fewer steps"
"""Help where they do not fit: their unit knows no threshold."""


def spike_sum(projections: Sequence[QProjection], post: Volume, plastic: Collection[str],
              most: Mapping[str, int]) -> Interval:
    """The sum of weights of any set of active presynaptic neurons, (neurons of post,), 0 inside.

    plastic: names of the projections whose weights may take any value of their range. most: spikes
    of a neuron in one step, by source, where they are not 1.
    """
    low = np.zeros(size(post), np.int64)
    high = low.copy()
    for q in projections:
        spikes = np.full((1, size(q.volume)), most.get(q.pre, 1))
        smallest, largest = (np.minimum(q.w, 0), np.maximum(q.w, 0))
        if q.name in plastic:
            smallest, largest = (np.full(q.w.shape, w) for w in weight_range(q.weight_bits))
        low += sums(q, spikes, smallest.astype(np.int64), post)[0]
        high += sums(q, spikes, largest.astype(np.int64), post)[0]
    return Interval(low, high)


def analogue_sum(projections: Sequence[QProjection], post: Volume, bias: IntArray) -> Interval:
    """bias + sum of x w over any int8 inputs, (neurons of post,)."""
    low, high = bias.copy(), bias.copy()
    for q in projections:
        w, one = q.w.astype(np.int64), np.ones((1, size(q.volume)), np.int64)
        low += sums(q, one, np.minimum(w * X_MIN, w * X_MAX), post)[0]
        high += sums(q, one, np.maximum(w * X_MIN, w * X_MAX), post)[0]
    return Interval(low, high)


def unpooled_peak(projections: Sequence[QProjection], most: Mapping[str, int]) -> int:
    """The largest magnitude of a sum before the largest of them are pooled, 0 without such."""
    peak = 0
    for q in projections:
        if q.result_pool is None:
            continue
        w = q.w.astype(np.int64)
        ends = (w * X_MIN, w * X_MAX) if q.is_analogue else (w, np.zeros_like(w))
        often = np.full((1, size(q.volume)), 1 if q.is_analogue else most.get(q.pre, 1))
        for extreme in (np.minimum(*ends), np.maximum(*ends)):
            peak = max(peak, int(np.abs(convolved(q, often, extreme, result_volume(q))).max()))
    return peak


@dataclass(frozen=True, eq=False)
class Reach:
    """Where membranes may get: the stored interval, the peak of any value (before an immediate
    reset, too), the peak of the sum over steps, the highest that fires or not, (size,), and the
    peak of the synaptic current."""

    stored: Interval
    peak: int
    total: int
    firing: IntArray
    current_peak: int


def membrane(p: QPopulation, current: Interval, n_steps: int) -> Reach:
    """Membranes of p over n_steps steps of a current of the interval, before its synapse if it has
    one. Where a step changes nothing, neither do those behind it."""
    begin, none = np.broadcast_to(start(p), current.low.shape), np.zeros_like(current.low)
    v = reached = Interval(begin, begin)
    i = Interval(none, none)
    peak, firing, current_peak = v.peak, begin, 0
    total = none
    for t_step in range(n_steps):
        after = step_interval(p, v, i, current)
        is_settled = after.v.equals(v) and after.i.equals(i)
        v, i, before = after.v, after.i, after.before_reset
        reached = reached.hull(v)
        peak = max(peak, before.peak, v.peak)
        firing = np.maximum(firing, before.high)
        current_peak = max(current_peak, i.peak)
        times = n_steps - t_step if is_settled else 1
        total = total + times * np.maximum(np.abs(v.low), np.abs(v.high))
        if is_settled:
            break
    return Reach(reached, peak, int(total.max()), firing, current_peak)


def fits_int16(*peaks: int) -> bool:
    return all(peak <= INT16_MAX for peak in peaks)


def _limited(p: QPopulation, reach: Reach) -> QPopulation:
    """With as many spikes a step as its membrane can reach."""
    if p.dynamics is None or p.dynamics.max_spikes == 1:
        return p
    beyond = int(reach.firing.max()) - int(p.fire_at.min())
    reachable = max(1, beyond // int(p.reset_by.min()) + 1)
    limit = min(p.dynamics.max_spikes, reachable)
    return replace(p, dynamics=replace(p.dynamics, max_spikes=limit),
                   counts_numbers=p.counts_numbers and limit > 1)


def _constant(p: QPopulation) -> int:
    """The largest constant of its dynamics that a membrane's container must hold."""
    return max((int(np.abs(term.values).max()) for term in p.terms
                if term.values is not None and not term.is_q15), default=0)


def _arriving_peak(p: QPopulation, current: Interval, reach: Reach) -> int:
    """Of what a step adds to a membrane, and of its parts."""
    d = p.dynamics
    if d is None:
        return current.peak
    synapse = reach.current_peak >> d.i_frac_bits if d.leak_i_q15 is not None else 0
    return max(current.peak, synapse + 1) + int(np.abs(d.v_bias).max())


@dataclass(frozen=True, eq=False)
class _Drive:
    """What a step brings to membranes: the sum of analogue inputs, if there are such; the sum of
    weights, 0 where it hears no spikes; the same times 2^acc_lshift; the current without spikes,
    and all together. unpooled: peak of sums of weights of which the largest alone arrive."""

    analogue: Interval | None
    acc: Interval
    hears_spikes: bool
    shifted: Interval
    base: Interval
    current: Interval
    unpooled: int

    @property
    def acc_peak(self) -> int:
        """Of any sum of weights."""
        return max(self.acc.peak, self.unpooled)

    @property
    def fits_int16(self) -> bool:
        return fits_int16(self.shifted.peak, self.current.peak)


def _drive(p: QPopulation, projections: Sequence[QProjection], plastic: Collection[str],
           most: Mapping[str, int]) -> _Drive:
    where = f"population '{p.name}'"
    spiking = [q for q in projections if not q.is_analogue]
    acc = spike_sum(spiking, p.shape, plastic, most)
    analogue, base = None, Interval(p.bias, p.bias)
    if p.analogue_bias is not None:
        analogue = analogue_sum([q for q in projections if q.is_analogue], p.shape, p.analogue_bias)
        require_int32(f"{where}: the analogue sum", analogue.peak + (1 << p.analogue_rshift))
        base = analogue.map(lambda x: np.asarray(round_shift(x, p.analogue_rshift)))
    shifted = acc.map(lambda a: a << p.acc_lshift)
    require_int32(f"{where}: the synaptic sum", shifted.peak + (1 << p.acc_rshift))
    unpooled = unpooled_peak(spiking, most)
    require_int32(f"{where}: the synaptic sum before its pool", unpooled)
    return _Drive(analogue, acc, bool(spiking), shifted, base, arriving_interval(p, acc, base),
                  unpooled)


def prove(p: QPopulation, projections: Sequence[QProjection], plastic: Collection[str],
          most: Mapping[str, int], n_steps: int, membrane_bits: int | None,
          readout: ReadoutKind | None) -> tuple[QPopulation, list[Bound]]:
    """Widths by interval analysis, or EdgeError E202 with the population and the bound. most: as in
    `spike_sum`. readout: how its logits add up, None where it is not read."""
    drive = _drive(p, projections, plastic, most)
    reach = membrane(p, drive.current, n_steps)
    p = _limited(p, reach)
    is_narrow = _is_narrow(p, drive, reach, membrane_bits)
    _require_room(p, drive, reach)
    _require_silence(p, reach)
    wide_weights = any(q.weight_bits == 16 and not q.is_analogue for q in projections)
    currents = [q for q in projections if q.is_analogue]
    without_bias = analogue_sum(currents, p.shape, np.zeros_like(p.bias))
    unpooled = unpooled_peak(currents, most)
    require_int32(f"population '{p.name}': the analogue sum before its pool", unpooled)
    limit = INT16_MAX if is_narrow else RICH_MAX
    made = replace(p, acc_bits=16 if fits_int16(drive.acc_peak) and not wide_weights else 32,
                   membrane_bits=16 if is_narrow else 32,
                   analogue_bits=16 if fits_int16(without_bias.peak, unpooled) else 32,
                   current_fits=drive.fits_int16, saturates=reach.peak > limit)
    return made, _proofs(made, drive, reach, _logit_peak(made, reach, n_steps, readout))


def _is_narrow(p: QPopulation, drive: _Drive, reach: Reach, membrane_bits: int | None) -> bool:
    """Membranes are int16: proven to fit, or let saturate. membrane_bits: None for a choice."""
    constant = max(drive.base.peak, int(p.fire_at.max()), int(p.reset_by.max()), _constant(p))
    if membrane_bits == 16 and not fits_int16(constant):
        raise EdgeError("E202", f"population '{p.name}': a threshold or constant current of "
                        f"{constant:,} does not fit an int16 membrane",
                        help="use fewer threshold bits")
    may_saturate = membrane_bits == 16 or (p.reset != "none" and drive.fits_int16)
    return membrane_bits != 32 and fits_int16(constant if may_saturate else
                                              max(reach.peak, constant))


def _require_room(p: QPopulation, drive: _Drive, reach: Reach) -> None:
    """E202 unless an int32 holds synaptic currents and membranes before they saturate."""
    if p.dynamics is not None and p.dynamics.leak_i_q15 is not None:
        require_int32(f"population '{p.name}': the synaptic current",
                      (1 << (RICH_BITS - 1)) + (drive.current.peak << p.dynamics.i_frac_bits))
    largest = int(p.reset_by.max()) + int(p.fire_at.max()) + ((1 << p.leak_shift) >> 1)
    require_int32(f"population '{p.name}': the membrane",
                  _arriving_peak(p, drive.current, reach) + reach.peak + largest)


def _require_silence(p: QPopulation, reach: Reach) -> None:
    """E202 where a neuron that pads may fire: there are no weights behind it."""
    if p.natural is not None and ((reach.firing >= p.fire_at) & (p.natural < 0)).any():
        raise EdgeError("E202", f"population '{p.name}': a neuron that pads its channels may fire",
                        help="give what pads no bias, no weights and no start")


def _logit_peak(p: QPopulation, reach: Reach, n_steps: int,
                readout: ReadoutKind | None) -> int | None:
    if readout is None:
        return None
    peak = min(reach.total, n_steps * 32768) if p.membrane_bits == 16 else reach.total
    peak = n_steps * p.max_spikes if readout == "spike_count" else peak
    require_int32(f"population '{p.name}': a logit", peak, LOGITS)
    return peak


def _proofs(p: QPopulation, drive: _Drive, reach: Reach, logit_peak: int | None) -> list[Bound]:
    has_synapse = p.dynamics is not None and p.dynamics.leak_i_q15 is not None
    peaks = (("analogue sum", None if drive.analogue is None else drive.analogue.peak, 32),
             ("synaptic current", reach.current_peak if has_synapse else None, 32),
             ("logits", logit_peak, 32),
             ("synaptic sum", drive.acc_peak if drive.hears_spikes else None, p.acc_bits),
             ("membrane", reach.peak, p.membrane_bits))
    return [Bound(f"{p.name}: {what}", peak, bits) for what, peak, bits in peaks
            if peak is not None]
