"""Rules onto the projections of a quantized network, and the way back of the error through it.

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
from edge_dassdp.ir import Network
from edge_dassdp.ir.credit import forward_projections
from edge_dassdp.qir import SCHEDULE_SHIFT, QNetwork, QPopulation, QProjection
from edge_dassdp.qir.ranges import Bound, require_int32, weight_range
from edge_dassdp.rules import Learning, Place, Rule, Schedule


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


_NO_ERROR = _Error(0.0, 0, 0)


def attach(
    network: Network, quantized: QNetwork, learning: Learning,
    mean_counts: Mapping[str, NDArray[np.float64]] | None,
) -> tuple[QNetwork, list[Bound]]:
    """The network with rules on its plastic projections and the error's way back through it.

    mean_counts: spikes of a sample by population, each (size,), on calibration samples, or None.
    Raises E105 where a rule needs them and there are none, E201 where an amplitude has no
    fixed-point form, E202 where a proof fails or is missing.
    """
    projections = {p.name: p for p in quantized.projections}
    proofs: list[Bound] = []
    errors = _feedback(network, quantized, projections, proofs)
    for name, rule in learning.rules.items():
        p = projections[name]
        error = errors[p.post] if rule.needs.error else _NO_ERROR
        place = Place(network, network.projection(name), quantized.site(p), float(p.scale[0]),
                      error.unit, error.peak, mean_counts[p.post] if mean_counts else None,
                      quantized.x_bytes)
        made, bounds = rule.quantized(place)
        _check_proofs(rule, name, bounds)
        projections[name], proofs = replace(p, rule=made), [*proofs, *bounds]
    ordered = tuple(projections[p.name] for p in quantized.projections)
    schedule_q8 = _schedule(learning.schedule) if learning.schedule else None
    return replace(quantized, projections=ordered, schedule_q8=schedule_q8), proofs


def _check_proofs(rule: Rule, name: str, bounds: tuple[Bound, ...]) -> None:
    """E202 unless the rule proves that what it computes fits."""
    where = f"{type(rule).__name__} on '{name}'"
    if not bounds:
        raise EdgeError("E202", f"{where} proves nothing of its constants",
                        help="let `quantized` return a Bound of its update, `place.update(peak)`")
    for bound in bounds:
        if bound.peak > bound.limit:
            raise EdgeError("E202", f"{where}: {bound}", help="choose smaller constants")


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
