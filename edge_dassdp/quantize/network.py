"""From the float graph to the quantized one: scales, thresholds, leaks, rule constants, widths.

A binary spike makes a synaptic sum a sum of weights, so a population lives in units of its own
weight step: nothing is rescaled at run time, only thresholds and biases are rounded, once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.values import Targets, checked_targets
from edge_dassdp.data.labels import ClassNames, class_labels, require_classes
from edge_dassdp.ir import Network
from edge_dassdp.ir.canonical import canonical
from edge_dassdp.ir.pools import with_pools_apart
from edge_dassdp.ir.values import Scale, require_values, scaled
from edge_dassdp.qir import QGuard, QNetwork, QPopulation, QProjection
from edge_dassdp.qir.file import require_readable
from edge_dassdp.qir.order import history_depths
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.samples import input_x, obstacle
from edge_dassdp.quantize.activity import mean_counts, with_activity
from edge_dassdp.quantize.constants import samples_blamed
from edge_dassdp.quantize.inputs import InputScales, in_codes, input_scales, sensor_of
from edge_dassdp.quantize.learning import attach, with_softmax, with_temperature, with_values
from edge_dassdp.quantize.populate import Made, populate
from edge_dassdp.quantize.replay import with_class_means, with_counts, with_replay
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference.confidence import Confidence
from edge_dassdp.rules import ErrorScaled, Learning, Rule
from edge_dassdp.rules.needs import batch_of, heard, require_no_classes

__all__ = ["Quantized", "Settings", "quantize"]
N_ACTIVITY = 64
"""Calibration samples that activity is measured on."""


@dataclass(frozen=True, eq=False)
class Quantized:
    """The quantized network and what was proven of it, by population or projection. confidence: on
    labelled samples, and the temperature they gave, None without any or where nothing learns."""

    network: QNetwork
    confidence: Confidence | None = None

    @property
    def proofs(self) -> tuple[Bound, ...]:
        return self.network.proofs


def quantize(
    network: Network,
    learning: Learning | None = None,
    settings: Settings | None = None,
    calibration: NDArray[np.float32] | None = None,
    labels: NDArray[Any] | None = None,
    class_names: ClassNames | None = None,
) -> Quantized:
    """Quantize a network; plastic projections are those with a rule in `learning`.

    calibration: finite float32 (n_samples, n_inputs) for the input scale, the activity of
    projections and homeostatic targets; without them inputs are taken to be standardized (within
    +-4) and no projection is dense. labels: int64 (n_samples,) from 0 to n_known - 1, which the
    temperature of the softmax is fitted to, and which replay from flash needs. class_names: one for
    each class, kept in the model. With `values` of settings labels are targets, finite numbers
    (n_samples, n_outputs), and names those of the outputs. Raises E104 for samples and labels of
    another shape or range, E105 for a bad setting or missing samples, E201 where a constant has no
    representation, E202 where a proof fails, E203 where a rule cannot stand. What it gives can be
    written, read back and run: E204, a defect of ours, where it could not.
    """
    settings = settings or Settings()
    refuse_unless("E203", learning is not None or not network.readout.spare_classes,
                  "spare classes in a network that learns nothing",
                  help="leave out --spare-classes, or --frozen")
    rules: Mapping[str, Rule] = learning.rules if learning else {}
    if learning:
        learning.validate(network)
        network = with_pools_apart(network, rules)
    for name in settings.bits_of:
        network.projection(name)
    network = canonical(network)
    targets, scale = None, None
    if settings.values:
        targets = _targets(network, learning, calibration, labels)
        scale = Scale.of(targets, class_names.names if class_names else ())
        network, labels, class_names = scaled(network, scale), None, None
    inputs = input_scales(network, settings, calibration)
    if calibration is not None and labels is not None:
        require_classes(class_labels(np.asarray(labels), len(calibration)), network.n_known)
    with samples_blamed(network, settings, calibration):
        network = in_codes(network, inputs.scales)
        made = _populated(network, settings, rules, inputs.frac_bits)
    proofs = [proof for m in made for proof in m.proofs]
    quantized, confidence = replace(_joined(network, made, inputs, learning), sensor=sensor_of(
        network.inputs[0], inputs.scales[0], network.n_classes, calibration, labels,
        settings.drift)), None
    if scale is not None:
        quantized = with_values(quantized, scale, network.readout.temperature)
    if learning is None:
        quantized = with_softmax(quantized, network.readout.temperature)
    else:
        network, quantized, confidence = with_temperature(network, quantized, settings,
                                                          calibration, labels)
        quantized, rule_proofs = _with_rules(network, quantized, learning, calibration)
        proofs += rule_proofs
        quantized = with_counts(quantized) if learning.class_means else quantized
    if calibration is not None:
        quantized = with_activity(quantized, input_x(quantized, calibration[:N_ACTIVITY]))
    if learning and (learning.replay or learning.class_means):
        x = None if calibration is None else input_x(quantized, calibration)
        quantized = with_class_means(quantized, x, labels) if learning.class_means else quantized
        quantized = with_replay(quantized, learning.replay, x, labels, targets) \
            if learning.replay else quantized
    quantized = _with_hop(replace(quantized, class_names=class_names), settings.hop)
    require_readable(quantized)
    return Quantized(replace(quantized, proofs=tuple(proofs)), confidence)


def with_spare_classes(network: Network, n: int, settings: Settings) -> Network:
    """A float network with n more outputs for classes that are taught, itself for 0. Raises
    EdgeError E105, E203 as `Network.with_spare_classes`, E203 where outputs are values."""
    if not n:
        return network
    refuse_unless("E203", not settings.values, "values take no spare classes", cause="a device can "
                  "be taught classes more, and the outputs are values",
                  help="leave out --spare-classes, or --values")
    return network.with_spare_classes(n)


def _targets(network: Network, learning: Learning | None,
             calibration: NDArray[np.float32] | None, y: NDArray[Any] | None) -> Targets:
    """Of the training samples, (n, n_outputs). Raises EdgeError E104 for targets that are none,
    E105 without any and for a network of classes, E203 for what learns from classes."""
    require_values(network)
    if learning:
        guard = learning.guard
        require_no_classes(learning.rules, falls_back=guard is not None and guard.margin > 0,
                           is_gated=learning.gate is not None,
                           follows_errors=isinstance(learning.schedule, ErrorScaled),
                           keeps_classes=learning.class_means
                           or bool(network.readout.spare_classes))
    if y is None or calibration is None:
        raise EdgeError("E105", "values count in the scale of the training's targets, and there "
                        "are none", help="give training samples with targets (--data; x= and y= in "
                        "Python)")
    return checked_targets(y, len(calibration), network.n_classes)


def _populated(network: Network, settings: Settings, rules: Mapping[str, Rule],
               x_frac_bits: tuple[int, ...]) -> list[Made]:
    """Populations of a canonical network in order, each with the projections into it, proven for
    as many spikes a step as those before it can fire."""
    most = {i.name: 255 if i.counts else 1 for i in network.inputs}
    most |= {p.name: p.max_spikes or 255 for p in network.populations}
    made = []
    for population in network.populations:
        made.append(populate(network, population, settings, rules, x_frac_bits, most))
        most[population.name] = made[-1].population.max_spikes
    _refuse_delayed_numbers([q for m in made for q in m.projections], most)
    return made


def _joined(network: Network, made: list[Made], inputs: InputScales,
            learning: Learning | None) -> QNetwork:
    """The whole without its rules and its softmax."""
    projections = [q for m in made for q in m.projections]
    populations = _with_histories([m.population for m in made], projections)
    return QNetwork(
        inputs=network.inputs, populations=tuple(populations), projections=tuple(projections),
        readout=network.readout.population, readout_kind=network.readout.kind,
        n_steps=network.n_steps, x_frac_bits=inputs.frac_bits,
        softmax_scale=1, softmax_shift=0, softmax_limit=1,
        skip_below_q8=math.ceil(256 * learning.skip_below) if learning else 0,
        seed=learning.seed if learning else 2463534242,
        n_batch=batch_of(learning.rules if learning else {}), x_features=inputs.features,
        spare_classes=network.readout.spare_classes,
    )


def _with_rules(network: Network, quantized: QNetwork, learning: Learning,
                calibration: NDArray[np.float32] | None) -> tuple[QNetwork, list[Bound]]:
    counts = None
    if calibration is not None and any(r.needs.mean_counts for r in learning.rules.values()):
        counts = mean_counts(quantized, input_x(quantized, calibration))
    made, proofs = attach(network, quantized, learning, counts)
    made = _with_reruns(made, learning, heard(network, learning.rules))
    for q in made.plastic:
        if q.rule is not None:
            q.rule.check(made.site(q))
    return made, proofs


def _with_reruns(network: QNetwork, learning: Learning, heard: set[str]) -> QNetwork:
    """What rules, replay and fall-back remember of the spikes of a sample. heard: populations whose
    rasters rules read."""
    guard = learning.guard
    falls_back = guard is not None and guard.margin > 0
    cut = {p.name for p in network.cut}
    populations = []
    for p in network.populations:
        if p.name in cut and learning.replay:
            p = replace(p, records="first", counts=True)
        rasters = p.name in heard or (p.name in cut and falls_back)
        populations.append(replace(p, keeps_raster=rasters))
    made = None if guard is None else QGuard(guard.keeps_copy, guard.margin, guard.window)
    return replace(network, populations=tuple(populations), guard=made)


def _with_hop(network: QNetwork, hop: int) -> QNetwork:
    """With streams, where a hop is given. Raises EdgeError E105 for one that cannot be."""
    if not hop:
        return network
    why = obstacle(network)
    if why:
        raise EdgeError("E105", "a device of this network can take no frames while it runs",
                        cause=why, help="leave hop (--hop) out")
    if hop > network.n_steps:
        raise EdgeError("E105", f"a hop of {hop:,} frames, and a window has {network.n_steps:,}",
                        cause="frames in between would be in no decision",
                        help=f"give 1 to {network.n_steps}")
    return replace(network, hop=hop)


def _refuse_delayed_numbers(projections: list[QProjection], most: Mapping[str, int]) -> None:
    """E201 where spikes come later of what fires several times a step: histories hold bits. most:
    spikes of a neuron in one step, by source."""
    for q in projections:
        if q.delay is not None and most.get(q.pre, 1) > 1:
            raise EdgeError("E201", f"projection '{q.name}' delays '{q.pre}', which fires several "
                            "times a step", help="delay what fires once a step")


def _with_histories(populations: list[QPopulation],
                    projections: list[QProjection]) -> list[QPopulation]:
    """With rows of past spikes for delays."""
    depth = history_depths([p.name for p in populations], projections)
    return [replace(p, n_history=depth.get(p.name, 0)) for p in populations]
