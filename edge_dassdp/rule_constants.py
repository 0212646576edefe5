"""The rules' constants in fixed point: amplitudes, shifts, clips and tables, with their proofs.

Amplitudes count in 8-bit weight steps; docs/arithmetic.md has the derivation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edge_dassdp.bounds import Bound, require_int32, weight_range
from edge_dassdp.credit import forward_projections, path_gain, readout_gain
from edge_dassdp.errors import EdgeError
from edge_dassdp.ir import Network
from edge_dassdp.qformat import INT16_MAX, INT32_MAX, round_shift, scalar_to_int, to_int
from edge_dassdp.qir import QErrorRule, QNetwork, QPopulation, QProjection, QSyncRule
from edge_dassdp.rules import DASSDP, ErrorSSDP, Learning, ReadoutDelta

DW_MAX_Q8 = 32512
"""Largest update in Q8: |dw| + 255 still fits an int16 lane."""
AMPLITUDE_BITS = 22
GATE_MAX_Q12 = 8192
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
    network: Network, quantized: QNetwork, learning: Learning
) -> tuple[QNetwork, list[Bound]]:
    """The network with rules on its plastic projections and the error's way back through it.

    Raises E201 where an amplitude has no fixed-point form, E202 where a proof fails.
    """
    projections = {p.name: p for p in quantized.projections}
    proofs: list[Bound] = []
    errors = _feedback(network, quantized, projections, proofs)
    for name, rule in learning.rules.items():
        p = projections[name]
        made: QErrorRule | QSyncRule
        if isinstance(rule, DASSDP):
            made = _sync_rule(quantized, p, rule)
        else:
            made = _error_rule(network, p, rule, errors[p.post], quantized.n_steps)
        projections[name] = replace(p, rule=made)
    ordered = tuple(projections[p.name] for p in quantized.projections)
    return replace(quantized, projections=ordered), proofs


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


def _error_rule(network: Network, p: QProjection, rule: ReadoutDelta | ErrorSSDP,
                error: _Error, n_steps: int) -> QErrorRule:
    """dw = real * err * n [g]: `real` is its real factor for one unit of error."""
    step = float(p.scale[0])
    kappa = readout_gain(network)
    if isinstance(rule, ReadoutDelta):
        real, g_q7 = rule.mu / kappa, None
    else:
        threshold = float(network.population(p.post).threshold.mean())
        real = rule.mu * threshold / (path_gain(network, p.post) * kappa)
        dt = np.arange(n_steps + 1)
        g_q7 = to_int(128.0 * np.exp(-(dt**2) / (2 * rule.sigma**2)))
    row_rshift, k_max = _row(n_steps)
    amplitude = real * error.unit / step * 2.0 ** (row_rshift + 1)
    known = 0 < amplitude < 2.0**AMPLITUDE_BITS  # beside a product that left the floats' range
    shift = min(MAX_SHIFT, math.floor(AMPLITUDE_BITS - math.log2(amplitude))) if known else -1
    while shift >= 0 and scalar_to_int(amplitude * 2.0**shift) >= 1 << AMPLITUDE_BITS:
        shift -= 1
    if shift < 0 or scalar_to_int(amplitude * 2.0**shift) < 1:
        raise EdgeError("E201", f"projection '{p.name}': the amplitude of {type(rule).__name__} "
                        f"has no fixed-point form ({amplitude:.3g} in Q{row_rshift + 1} of a "
                        "weight step)",
                        help="a smaller mu, or weights of more bits")
    half = 1 << (shift - 1) if shift else 0
    return QErrorRule(
        amplitude=scalar_to_int(amplitude * 2.0**shift),
        r_max=min((INT32_MAX - half) // error.peak, (1 << AMPLITUDE_BITS) - 1),
        k_max=k_max, k_rshift=shift, row_rshift=row_rshift, g_q7=g_q7,
    )


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
