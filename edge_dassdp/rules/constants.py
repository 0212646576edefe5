"""The rules' constants in fixed point: amplitudes, shifts, clips and tables, with their proofs.

Amplitudes count in 8-bit weight steps; docs/arithmetic.md has the derivation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import (
    INT16_MAX,
    INT32_MAX,
    IntArray,
    round_shift,
    scalar_to_int,
    to_int,
)
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.ir import Network
from edge_dassdp.ir.credit import forward_projections, path_gain, readout_gain
from edge_dassdp.qir import (
    QEIHL,
    QSTDP,
    SCHEDULE_SHIFT,
    QErrorRule,
    QHomeostasis,
    QNetwork,
    QPopulation,
    QProjection,
    QRule,
    QSyncRule,
)
from edge_dassdp.qir.checks import DW_MAX_Q8, trace_peak, update_peak
from edge_dassdp.qir.packing import COLUMN_ALIGN, columns
from edge_dassdp.qir.ranges import Bound, require_int32, weight_range
from edge_dassdp.reference.rules import TOUCH
from edge_dassdp.rules.local import DASSDP, Homeostasis, PairSTDP
from edge_dassdp.rules.specification import (
    EIHL,
    ErrorRule,
    ErrorSSDP,
    ErrorTouch,
    Learning,
    ReadoutDelta,
    Rule,
    Schedule,
)

AMPLITUDE_BITS = 22
GATE_MAX_Q12 = 2 * QUANTITIES["gate_one_q12"]
MAX_SHIFT = 24


def softmax(unit: float) -> tuple[int, int]:
    """(scale, shift) with z_q8 = difference * scale >> shift = 256 log2(e) unit difference.

    Raises E201 if a logit unit is too small to matter.
    """
    for shift in range(18, -1, -1):
        real = unit * math.log2(math.e) * 256 * 2.0**shift
        if real < 2**15 - 0.5:
            scale = scalar_to_int(real)
            if scale < 1:
                raise EdgeError("E201", f"a logit unit of {unit:.3g} is too small for the softmax")
            return scale, shift
    raise EdgeError("E201", f"a logit unit of {unit:.3g} is too large for the softmax")


@dataclass(frozen=True)
class _Error:
    """The error at a population: real value of one unit, largest magnitude, sum over neurons."""

    unit: float
    peak: int
    total: int


def attach(
    network: Network, quantized: QNetwork, learning: Learning,
    mean_counts: Mapping[str, NDArray[np.float64]] | None,
) -> tuple[QNetwork, list[Bound]]:
    """The network with rules on its plastic projections and the error's way back through it.

    mean_counts: spikes of a sample by population, each (size,), on calibration samples, or None.
    Raises E105 where a rule needs them and there are none, E201 where an amplitude has no
    fixed-point form, E202 where a proof fails.
    """
    projections = {p.name: p for p in quantized.projections}
    proofs: list[Bound] = []
    errors = _feedback(network, quantized, projections, proofs)
    for name, rule in learning.rules.items():
        p = projections[name]
        projections[name] = replace(p, rule=_rule(network, p, rule, errors, quantized,
                                                  mean_counts))
    ordered = tuple(projections[p.name] for p in quantized.projections)
    schedule_q8 = _schedule(learning.schedule) if learning.schedule else None
    return replace(quantized, projections=ordered, schedule_q8=schedule_q8), proofs


def _rule(network: Network, p: QProjection, rule: Rule, errors: Mapping[str, _Error],
          quantized: QNetwork, mean_counts: Mapping[str, NDArray[np.float64]] | None) -> QRule:
    if isinstance(rule, DASSDP):
        return _sync_rule(quantized, p, rule)
    if isinstance(rule, PairSTDP):
        return _stdp(network, p, rule)
    if isinstance(rule, Homeostasis):
        return _homeostasis(network, p, rule, mean_counts)
    made = _error_rule(network, p, rule, errors[p.post], quantized)
    return _eihl(network, p, rule, made) if isinstance(rule, EIHL) else made


def _schedule(schedule: Schedule) -> IntArray:
    """Its factors in Q8, (n,), entry n_labelled >> SCHEDULE_SHIFT, down to the floor."""
    factors: list[float] = []
    while not factors or factors[-1] > schedule.floor:
        factors.append(schedule.factor(len(factors) << SCHEDULE_SHIFT))
    return to_int(256.0 * np.array(factors))


def _feedback(network: Network, quantized: QNetwork, projections: dict[str, QProjection],
              proofs: list[Bound]) -> dict[str, _Error]:
    """Shifts and gains that bring every fed-back error into an int16 of one unit."""
    errors: dict[str, _Error] = {}
    for population in reversed(quantized.populations):
        if not population.has_error:
            continue
        if population.name == network.readout.population:
            errors[population.name] = _Error(2.0**-8, 256, 512 + population.size)
            continue
        ways = [projections[p.name] for p in forward_projections(network, population.name)]
        shifts, units = {}, {}
        peak = _error_peak(network, quantized, population)
        for p in ways:
            _, w_max = weight_range(p.weight_bits)
            dot = errors[p.post].total * (w_max + 1)
            require_int32(f"projection '{p.name}': the error fed back", 2 * dot)
            proofs.append(Bound(f"{p.name}: error fed back", dot, 32))
            shift = max(0, (dot * len(ways)).bit_length() - peak.bit_length())
            shifts[p.name] = shift + (len(ways) * round_shift(dot, shift) > peak)
            step = float(p.scale[0]) / (256 if p.weight_bits == 16 else 1)
            units[p.name] = errors[p.post].unit * step * 2.0 ** shifts[p.name]
        unit = max(units.values())
        for p in ways:
            gain = scalar_to_int(units[p.name] / unit * 2**14)
            projections[p.name] = replace(p, feedback_rshift=shifts[p.name],
                                          feedback_gain_q14=gain)
        errors[population.name] = _Error(unit, peak, peak * population.size)
    return errors


def _error_peak(network: Network, quantized: QNetwork, population: QPopulation) -> int:
    """The largest error of a population: an int16, and fewer bits where it is wide and passes its
    error on, so that the next dot product fits an int32 twice."""
    behind = [p for q in quantized.populations if q.has_error
              for p in forward_projections(network, q.name) if p.post == population.name]
    bits = [quantized.projection(p.name).weight_bits for p in behind]
    widest = population.size << (max(bits) - 1) if bits else 1
    room = max(INT32_MAX // 2 // widest, 2)
    return min(INT16_MAX, (1 << (room.bit_length() - 1)) - 1)


def _error_rule(network: Network, p: QProjection, rule: ErrorRule, error: _Error,
                quantized: QNetwork) -> QErrorRule:
    """dw = real * err * n [g]: `real` is its real factor for one unit of error."""
    kappa, n_steps = readout_gain(network), quantized.n_steps
    g_q7, touch_columns = None, 0
    if isinstance(rule, ReadoutDelta):
        real = rule.mu / kappa
    else:
        threshold = float(network.population(p.post).threshold.mean())
        real = rule.mu * threshold / (path_gain(network, p.post) * kappa)
    if isinstance(rule, ErrorSSDP | EIHL):
        dt = np.arange(n_steps + 1)
        g_q7 = to_int(128.0 * np.exp(-(dt**2) / (2 * rule.sigma**2)))
    if isinstance(rule, ErrorTouch):
        real *= 128.0 / TOUCH
        touch_columns = _touch_columns(p.n_post, quantized, rule.columns)
    made = _factors(p, type(rule).__name__, real * error.unit, error.peak, n_steps)
    return replace(made, g_q7=g_q7, touch_columns=touch_columns)


def _factors(p: QProjection, name: str, real: float, peak: int, n_steps: int) -> QErrorRule:
    """Constants of dw = real * err * n, |err| <= peak. name: of the rule, for messages."""
    row_rshift, k_max = _row(n_steps)
    amplitude = real / float(p.scale[0]) * 2.0 ** (row_rshift + 1)
    known = 0 < amplitude < 2.0**AMPLITUDE_BITS  # beside a product that left the floats' range
    shift = min(MAX_SHIFT, math.floor(AMPLITUDE_BITS - math.log2(amplitude))) if known else -1
    while shift >= 0 and scalar_to_int(amplitude * 2.0**shift) >= 1 << AMPLITUDE_BITS:
        shift -= 1
    if shift < 0 or scalar_to_int(amplitude * 2.0**shift) < 1:
        raise EdgeError("E201", f"projection '{p.name}': the amplitude of {name} "
                        f"has no fixed-point form ({amplitude:.3g} in Q{row_rshift + 1} of a "
                        "weight step)",
                        help=f"a smaller {'eta' if name == 'Homeostasis' else 'mu'}, or weights "
                        "of more bits")
    half = 1 << (shift - 1) if shift else 0
    return QErrorRule(
        amplitude=scalar_to_int(amplitude * 2.0**shift),
        r_max=min((INT32_MAX - half) // peak, (1 << AMPLITUDE_BITS) - 1),
        k_max=k_max, k_rshift=shift, row_rshift=row_rshift, g_q7=None,
    )


def _homeostasis(network: Network, p: QProjection, rule: Homeostasis,
                 mean_counts: Mapping[str, NDArray[np.float64]] | None) -> QHomeostasis:
    n_steps = network.n_steps
    if rule.target is not None:
        target = np.full(p.n_post, float(rule.target))
    elif mean_counts is not None:
        target = mean_counts[p.post]
    else:
        raise EdgeError("E105", f"Homeostasis on '{p.name}' needs calibration samples for its "
                        "targets", help="give samples (--data), or a target")
    real = rule.eta * float(network.population(p.post).threshold.mean()) / n_steps
    factors = _factors(p, "Homeostasis", real / 128, 128 * n_steps, n_steps)
    return QHomeostasis(factors, np.minimum(to_int(128 * target), 128 * n_steps))


def _eihl(network: Network, p: QProjection, rule: EIHL, error: QErrorRule) -> QEIHL:
    largest = float(np.abs(network.projection(p.name).weight).max()) / float(p.scale[0]) * 65536
    growth, most = scalar_to_int(rule.growth * largest), scalar_to_int(rule.most * largest)
    if growth < 1:
        raise EdgeError("E201", f"projection '{p.name}': EIHL's growth of {rule.growth:.3g} is "
                        "below 2^-17 of a weight step", help="choose a larger growth")
    most = min(max(most, growth), DW_MAX_Q8 << 8)
    return QEIHL(error, min(growth, most), most, rule.period)


def _stdp(network: Network, p: QProjection, rule: PairSTDP) -> QSTDP:
    scale = float(np.abs(network.projection(p.name).weight).max()) / float(p.scale[0]) * 256
    one, keep = zip(*(_trace(tau, network.n_steps) for tau in (rule.tau_plus, rule.tau_minus)),
                    strict=True)
    sides = [_stdp_amplitude(a * scale / o) for a, o in
             zip((rule.a_plus, rule.a_minus), one, strict=True)]
    made = QSTDP(one[0], one[1], keep[0], keep[1], sides[0][0], sides[1][0], sides[0][1],
                 sides[1][1])
    peak = sum(update_peak(a, trace_peak(o, k, network.n_steps), s)
               for (a, s), o, k in zip(sides, one, keep, strict=True))
    single = max(update_peak(a, o, s) for (a, s), o in zip(sides, one, strict=True))
    if not 0 < single <= peak <= DW_MAX_Q8:
        raise EdgeError("E201", f"projection '{p.name}': updates of PairSTDP have no fixed-point "
                        f"form, one pair of spikes is {scale * max(rule.a_plus, rule.a_minus):.3g}"
                        " in Q8 of a weight step",
                        help="choose larger amplitudes" if single == 0 else
                        "choose smaller amplitudes or time constants")
    return made


def _trace(tau: float, n_steps: int) -> tuple[int, int]:
    """(one, keep_q15): the largest power of two that a spike may add to an int16 trace."""
    keep_q15 = scalar_to_int(32768 * math.exp(-1 / tau))
    one = 1 << 14
    while trace_peak(one, keep_q15, n_steps) > INT16_MAX:
        one >>= 1
    return one, keep_q15


def _stdp_amplitude(real: float) -> tuple[int, int]:
    """(amplitude, rshift): |amplitude| below 2^15 with the largest shift of at most MAX_SHIFT."""
    shift = MAX_SHIFT
    while shift > 0 and abs(real) * 2.0**shift >= 2**15 - 0.5:
        shift -= 1
    return scalar_to_int(max(-32767.0, min(32767.0, real * 2.0**shift))), shift


def _touch_columns(n_post: int, quantized: QNetwork, wanted: int | None) -> int:
    """Columns of traces that a touch rule works on at a time: those wanted, or as many as find room
    where the sample was, or in 512 bytes."""
    room = max(quantized.x_bytes, 512) // quantized.n_steps // COLUMN_ALIGN * COLUMN_ALIGN
    return min(columns(n_post), max(COLUMN_ALIGN, room if wanted is None else columns(wanted)))


def _row(n_steps: int) -> tuple[int, int]:
    """(row_rshift, k_max) with |k n g| rounded >> row_rshift at most DW_MAX_Q8.

    k counts in Q(row_rshift + 1) of a weight step: 13 fraction bits, and more in long samples,
    whose many spikes make k small.
    """
    for row_rshift in range(12, 20):
        k_max = ((DW_MAX_Q8 << row_rshift) - (1 << (row_rshift - 1))) // (n_steps * 128)
        if 2 * k_max > INT16_MAX:
            return row_rshift, min(INT16_MAX, k_max)
    raise AssertionError("n_steps is at most 255")


def _sync_rule(network: QNetwork, p: QProjection, rule: DASSDP) -> QSyncRule:
    step = float(p.scale[0])
    dt = np.arange(network.n_steps + 1)
    g = np.exp(-(dt**2) / (2 * rule.sigma**2))
    delta = np.stack([-rule.a_base * g, rule.a_plus * g])
    largest = float(np.abs(delta).max())
    most = min(1.0, (DW_MAX_Q8 - rule.batch) / 256 * step)  # the table's rounding adds up
    if largest == 0 or 2 * largest > most:
        raise EdgeError("E201", f"projection '{p.name}': an update of {largest:.3g} lies outside "
                        f"(0, {most / 2:.3g}]",
                        help="choose a_plus and a_base so that the largest is inside")
    steps_q8 = delta / (step * rule.batch) * 256
    shift = 16
    while shift > 0 and (
        rule.batch * GATE_MAX_Q12 * scalar_to_int(float(np.abs(steps_q8).max()) * 2.0**shift)
        + (1 << (11 + shift)) > INT32_MAX
    ):
        shift -= 1
    is_published = rule.variant == "published"
    into_readout = p.post == network.readout
    table = to_int(steps_q8 * 2.0**shift)
    if not table.any():
        raise EdgeError("E201", f"projection '{p.name}': an update of {largest:.3g} is below the "
                        f"resolution of the table ({step * rule.batch / 2**25:.3g})",
                        help="choose a larger a_plus or a_base")
    return QSyncRule(
        delta=table, delta_rshift=shift, is_gated=rule.gated,
        silent_step=0 if is_published and not into_readout else network.n_steps,
        repeat_loss=is_published,
        sync_rshift=max(0, (p.n_pre * p.n_post).bit_length() - 15),
    )
