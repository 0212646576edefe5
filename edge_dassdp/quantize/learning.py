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
from edge_dassdp.base.numbers import spread_rows
from edge_dassdp.base.qformat import (
    IntArray,
    round_shift,
    scalar_to_int,
    to_int,
)
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.base.values import FRAC_BITS, QValues
from edge_dassdp.ir import Network
from edge_dassdp.ir.credit import forward_projections
from edge_dassdp.ir.values import Scale
from edge_dassdp.qir import (
    SCHEDULE_SHIFT,
    QCusum,
    QErrorStep,
    QNetwork,
    QProjection,
    QRule,
)
from edge_dassdp.qir.ranges import Bound, require_int32, weight_range
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference.confidence import Confidence, logits, of_labelled
from edge_dassdp.rules import CUSUM, ErrorScaled, Learning, Rule, Schedule
from edge_dassdp.rules.base import Place
from edge_dassdp.rules.plugins import check_integers, check_rule

N_FIT = 256
"""Samples that the temperature is fitted to, at most."""


def softmax(unit: float) -> tuple[int, int]:
    """(scale, shift) with z_q8 = difference * scale >> shift = 256 log2(e) unit difference. Beyond
    2^15 the scale stays there: a difference of 1 is more than the softmax tells from 0.

    unit: of a logit over the temperature. Raises E201 if it is too small to matter.
    """
    for shift in range(18, -1, -1):
        real = unit * math.log2(math.e) * 256 * 2.0**shift
        if real < 2**15 - 0.5:
            scale = scalar_to_int(real)
            if scale < 1:
                raise EdgeError("E201", f"a logit unit of {unit:.3g} is too small for the softmax",
                                help="scale weights and biases of the readout up, or choose a "
                                "smaller temperature")
            return scale, shift
    return 2**15 - 1, 0


def with_softmax(network: QNetwork, temperature: float) -> QNetwork:
    """The network with the constants of softmax(logits / temperature). Raises E201 as `softmax`."""
    scale, shift = softmax(network.logit_unit / temperature)
    return replace(network, softmax_scale=scale, softmax_shift=shift,
                   softmax_limit=max(1, (QUANTITIES["softmax_max_q8"] << shift) // scale))


def with_temperature(
    network: Network, quantized: QNetwork, settings: Settings,
    x: NDArray[np.float32] | None, labels: NDArray[np.int64] | None,
) -> tuple[Network, QNetwork, Confidence | None]:
    """Both with the temperature that settings say, and what labels (n,) of float samples x make of
    it. Raises E201 as `softmax`."""
    stated, keep = network.readout.temperature, ""
    if settings.temperature == "stated":
        keep = "it shall be the stated one"
    elif settings.temperature != "fit":
        stated, keep = float(settings.temperature), "it was given"
    found, temperature = None, stated
    if x is not None and labels is not None and network.n_classes > 1:
        some = spread_rows(len(x), N_FIT)
        values = logits(quantized, input_x(quantized, x[some]))
        found = of_labelled(values, labels[some], stated, keep)
        temperature = found.temperature
    readout = replace(network.readout, temperature=temperature)
    return replace(network, readout=readout), with_softmax(quantized, temperature), found


def with_values(network: QNetwork, scale: Scale, temperature: float) -> QNetwork:
    """A network, quantized of a `scaled` one, that tells values. temperature: what its logits are
    divided by. Raises EdgeError E201 where a logit is too coarse, or nothing, beside the scale."""
    real = network.logit_unit / temperature * 2.0**FRAC_BITS
    shift = 14 - math.floor(math.log2(real)) if real > 0 else 99
    if not 0 <= shift <= 46:
        raise EdgeError("E201", "the targets are not what the network tells: a logit of 1 is "
                        f"{real / 2**FRAC_BITS:.3g} of their standard deviations",
                        help="train the network on these targets, and say what its "
                        "loss saw of the steps (--logits)")
    mul = scalar_to_int(real * 2.0**shift)
    if mul > 2**15 - 1:
        mul, shift = 2**14, shift - 1
    centre = scale.centre / scale.spread * 2.0**FRAC_BITS
    if np.abs(centre).max() > 2.0**30:
        c = int(np.abs(centre).argmax())
        raise EdgeError("E201", f"targets of output {c} are {scale.centre[c]:.6g} and differ by "
                        f"{scale.spread[c]:.3g}", help="take a constant off these targets")
    return replace(network, values=QValues(mul, shift, to_int(centre), scale.spread, scale.names))


@dataclass(frozen=True)
class _Error:
    """The error at a population: real value of one unit, largest sum over neurons."""

    unit: float
    total: int


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
        unit = errors[p.post].unit if rule.needs.error else 0.0
        place = Place(network, network.projection(name), quantized.site(p), float(p.scale[0]),
                      unit, mean_counts[p.post] if mean_counts else None, quantized.x_bytes)
        made, bounds = rule.quantized(place)
        _check_made(rule, name, made, bounds)
        projections[name], proofs = replace(p, rule=made), [*proofs, *bounds]
    ordered = tuple(projections[p.name] for p in quantized.projections)
    steps = learning.schedule
    return replace(
        quantized, projections=ordered,
        schedule_q8=_schedule(steps) if isinstance(steps, Schedule) else None,
        error_step=_error_step(steps) if isinstance(steps, ErrorScaled) else None,
        cusum=_cusum(learning.gate) if learning.gate else None), proofs


def _check_made(rule: Rule, name: str, made: QRule, bounds: tuple[Bound, ...]) -> None:
    """E203 unless the rule keeps its contract, E202 unless it proves that what it computes fits."""
    where = f"{type(rule).__name__} on '{name}'"
    if not isinstance(made, QRule) or made.word != rule.word:
        raise EdgeError("E203", f"{where}: `quantized` returns a {type(made).__name__}, expected "
                        f"a QRule with the word '{rule.word}'")
    check_rule(type(rule))
    check_integers(type(made))
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


def _error_step(steps: ErrorScaled) -> QErrorStep:
    return QErrorStep(scalar_to_int(16 * steps.gain), scalar_to_int(256 * steps.floor),
                      scalar_to_int(256 * steps.start))


def _cusum(gate: CUSUM) -> QCusum:
    return QCusum(scalar_to_int(1024 * gate.opens_at), scalar_to_int(1024 * gate.allowed),
                  gate.closes)


def _feedback(network: Network, quantized: QNetwork, projections: dict[str, QProjection],
              proofs: list[Bound]) -> dict[str, _Error]:
    """Shifts and gains that bring every fed-back error into an int16 of one unit."""
    errors: dict[str, _Error] = {}
    for population in reversed(quantized.populations):
        if not population.has_error:
            continue
        if population.name == network.readout.population:
            errors[population.name] = _Error(2.0**-8, quantized.error_total)
            continue
        ways = [projections[p.name] for p in forward_projections(network, population.name)]
        shifts, units = {}, {}
        peak = quantized.error_peak(population.name)
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
        if not 0 < unit < math.inf:
            raise EdgeError("E201", f"population '{population.name}': the error that comes back to "
                            f"it counts in units of {unit:.3g}",
                            help="bring the weights behind it closer to 1")
        for p in ways:
            gain = scalar_to_int(units[p.name] / unit * 2**14)
            projections[p.name] = replace(p, feedback_rshift=shifts[p.name],
                                          feedback_gain_q14=gain)
        errors[population.name] = _Error(unit, peak * population.size)
    return errors
