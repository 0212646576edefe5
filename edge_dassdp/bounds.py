"""Interval analysis: the worst case over every input and every value plastic weights may take.

It chooses int16 or int32 for sums and membranes, or refuses. All intervals are exact integers
per neuron; spikes are 0 or 1 at will, analogue inputs any int8.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_dassdp.errors import EdgeError
from edge_dassdp.qformat import INT16_MAX, INT32_MAX, IntArray, round_shift
from edge_dassdp.qir import QPopulation, QProjection, ResetMode

X_MIN, X_MAX = -128, 127


@dataclass(frozen=True, eq=False)
class Interval:
    """Lower and upper bounds, int64 arrays of one shape."""

    low: IntArray
    high: IntArray

    @property
    def peak(self) -> int:
        """Largest magnitude."""
        return int(max(abs(int(self.low.min())), abs(int(self.high.max()))))

    def map(self, monotone: object) -> Interval:
        return Interval(monotone(self.low), monotone(self.high))  # type: ignore[operator]

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class Bound:
    """One proven quantity: its worst magnitude against what its container holds."""

    what: str
    peak: int
    container_bits: int

    @property
    def limit(self) -> int:
        return (1 << (self.container_bits - 1)) - 1

    def __str__(self) -> str:
        return f"{self.what}: {self.peak:,} of {self.limit:,} (int{self.container_bits})"


def weight_range(bits: int) -> tuple[int, int]:
    """Smallest and largest value a plastic weight of `bits` bits may take."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def require_int32(what: str, peak: int) -> None:
    """EdgeError E202 unless +-peak fits an int32."""
    if peak > INT32_MAX:
        raise EdgeError(
            "E202", f"{what} may reach {peak:,}, more than an int32 holds",
            help="use fewer weight bits, fewer threshold bits, fewer steps or smaller inputs",
        )


def spike_sum(projections: Sequence[QProjection], n_post: int,
              plastic: Collection[str]) -> Interval:
    """The sum of weights of any set of active presynaptic neurons; it contains 0.

    plastic: names of the projections whose weights may take any value of their range.
    """
    low, high = np.zeros(n_post, np.int64), np.zeros(n_post, np.int64)
    for projection in projections:
        if projection.name in plastic:
            smallest, largest = weight_range(projection.weight_bits)
            low += projection.n_pre * smallest
            high += projection.n_pre * largest
        else:
            w = projection.w.astype(np.int64)
            low += np.minimum(w, 0).sum(axis=0)
            high += np.maximum(w, 0).sum(axis=0)
    return Interval(low, high)


def analogue_sum(projections: Sequence[QProjection], bias: IntArray) -> Interval:
    """bias + sum of x w over any int8 inputs."""
    low, high = bias.copy(), bias.copy()
    for projection in projections:
        w = projection.w.astype(np.int64)
        low += np.minimum(w * X_MIN, w * X_MAX).sum(axis=0)
        high += np.maximum(w * X_MIN, w * X_MAX).sum(axis=0)
    return Interval(low, high)


def leak(v: IntArray, leak_q15: IntArray, leak_shift: int) -> IntArray:
    """One leak of int64 membranes; the arithmetic of every target."""
    if leak_shift:
        return np.asarray(v - round_shift(v, leak_shift))
    return np.asarray(round_shift(v * leak_q15, 15))


def membrane(
    current: Interval, leak_q15: IntArray, leak_shift: int, fire_at: IntArray,
    reset_by: IntArray, reset: ResetMode, n_steps: int,
) -> tuple[Interval, int, int]:
    """Membranes over n_steps steps from 0: (stored interval, peak of any value, peak of the sum).

    The first peak covers the value before an immediate reset, too; the sum is over steps.
    """
    low = np.zeros_like(current.low)
    high = np.zeros_like(current.high)
    reached = Interval(low, high)
    peak, total = 0, np.zeros_like(high)

    def decay(v: IntArray) -> IntArray:
        return leak(v, leak_q15, leak_shift)

    for _ in range(n_steps):
        may_fire = high >= fire_at
        below = np.minimum(high, fire_at - 1)
        if reset in ("none", "zero_now"):
            top, bottom = decay(high), decay(low)
        elif reset == "zero_delayed":
            top = np.where(may_fire, np.maximum(decay(below), 0), decay(high))
            bottom = np.where(may_fire, np.minimum(decay(low), 0), decay(low))
        else:
            fired = np.maximum(low, fire_at)
            top = np.where(may_fire, np.maximum(decay(below), decay(high) - reset_by), decay(high))
            bottom = np.where(may_fire, np.minimum(decay(low), decay(fired) - reset_by),
                              decay(low))
        top, bottom = top + current.high, bottom + current.low
        peak = max(peak, Interval(bottom, top).peak)
        if reset == "zero_now":
            top, bottom = np.minimum(top, np.maximum(fire_at - 1, 0)), np.minimum(bottom, 0)
        elif reset == "subtract_now":
            again = np.maximum(fire_at - 1 + reset_by, decay(high) - reset_by + current.high)
            still = np.where(may_fire, again, np.minimum(top, fire_at - 1))
            top, bottom = np.maximum(still, top - reset_by), np.minimum(bottom, fire_at - reset_by)
        peak = max(peak, Interval(bottom, top).peak)
        low, high = bottom, top
        reached = Interval(np.minimum(reached.low, low), np.maximum(reached.high, high))
        total += np.maximum(np.abs(low), np.abs(high))
    return reached, peak, int(total.max())


def fits_int16(*peaks: int) -> bool:
    return all(peak <= INT16_MAX for peak in peaks)


def prove(p: QPopulation, projections: Sequence[QProjection], plastic: Collection[str],
          n_steps: int, membrane_bits: int | None,
          is_readout: bool) -> tuple[QPopulation, list[Bound]]:
    """Widths by interval analysis, or EdgeError E202 with the population and the bound."""
    spiking = [q for q in projections if not q.is_analogue]
    analogue = [q for q in projections if q.is_analogue]
    where = f"population '{p.name}'"
    acc = spike_sum(spiking, p.size, plastic)
    base = Interval(p.bias, p.bias)
    proofs: list[Bound] = []
    if p.analogue_bias is not None:
        sums = analogue_sum(analogue, p.analogue_bias)
        require_int32(f"{where}: the analogue sum", sums.peak + (1 << p.analogue_rshift))
        base = sums.map(lambda s: round_shift(s, p.analogue_rshift))
        proofs.append(Bound(f"{p.name}: analogue sum", sums.peak, 32))
    shifted = acc.map(lambda a: a << p.acc_lshift)
    require_int32(f"{where}: the synaptic sum", shifted.peak + (1 << p.acc_rshift))
    current = shifted.map(lambda a: round_shift(a, p.acc_rshift)) + base
    _, peak, total = membrane(current, p.leak_q15, p.leak_shift, p.fire_at, p.reset_by,
                                     p.reset, n_steps)
    constant = max(base.peak, int(p.fire_at.max()), int(p.reset_by.max()))
    current_fits = fits_int16(shifted.peak, current.peak)
    if membrane_bits == 16 and not fits_int16(constant):
        raise EdgeError("E202", f"{where}: a threshold or constant current of {constant:,} does "
                        "not fit an int16 membrane", help="use fewer threshold bits")
    may_saturate = membrane_bits == 16 or (membrane_bits is None and p.reset != "none"
                                           and current_fits)
    narrow = membrane_bits != 32 and fits_int16(constant if may_saturate else
                                                       max(peak, constant))
    if narrow:
        total = min(total, n_steps * 32768)
    require_int32(f"{where}: the membrane",
                         current.peak + peak + int(p.reset_by.max()) + int(p.fire_at.max())
                         + ((1 << p.leak_shift) >> 1))
    if is_readout:
        require_int32(f"{where}: the summed membrane", total)
        proofs.append(Bound(f"{p.name}: logits", total, 32))
    acc_bits = 16 if fits_int16(acc.peak) and not any(q.weight_bits == 16 for q in spiking) \
        else 32
    if spiking:
        proofs.append(Bound(f"{p.name}: synaptic sum", acc.peak, acc_bits))
    without_bias = analogue_sum(analogue, np.zeros_like(p.bias))
    made = replace(p, acc_bits=acc_bits, membrane_bits=16 if narrow else 32,
                   analogue_bits=16 if fits_int16(without_bias.peak) else 32,
                   current_fits=current_fits, saturates=narrow and peak > INT16_MAX)
    proofs.append(Bound(f"{p.name}: membrane", peak, made.membrane_bits))
    return made, proofs
