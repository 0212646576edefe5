"""Outputs that are values in place of classes: a float network whose outputs count in the scale of
their targets, and the integers of that scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.qformat import scalar_to_int, to_int
from edge_dassdp.ir import FloatArray, Network
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.values import FRAC_BITS, MOST_OUTPUTS, QValues, Targets, checked_targets
from edge_dassdp.rules import Learning

_LEAST = 1e-9
"""Of a target's spread beside its size, below which it is taken for constant."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Of the training's targets: centre and spread, both (n_outputs,). names: of the outputs."""

    centre: FloatArray
    spread: FloatArray
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, targets: Targets, names: tuple[str, ...] = ()) -> Scale:
        """Mean and standard deviation. Raises EdgeError E104 for targets that do not differ."""
        centre, spread = targets.mean(axis=0), targets.std(axis=0)
        flat = np.flatnonzero(spread <= _LEAST * np.maximum(1e-30, np.abs(targets).max(axis=0)))
        if flat.size:
            c = int(flat[0])
            what = names[c] if names else f"output {c}"
            raise EdgeError("E104", f"the targets of {what} are all {centre[c]:.6g}",
                            cause="their spread is the scale that values count in", help="give "
                            "training samples whose targets differ, or leave that "
                            "output out of the network")
        return cls(centre, spread, names)


def of_targets(network: Network, learning: Learning | None, has_samples: bool, y: ArrayLike | None,
               n: int, names: tuple[str, ...]) -> tuple[Targets, Scale]:
    """Targets (n, n_outputs) of training samples, and their scale. Raises EdgeError E104 for
    targets that are none, E105 without any, E203 for what learns from classes."""
    require_values(network, learning)
    if y is None or not has_samples:
        raise EdgeError("E105", "values count in the scale of the training's targets, and there "
                        "are none", help="give training samples with targets (--data; x= and y= in "
                        "Python)")
    targets = checked_targets(y, n, network.n_classes)
    return targets, Scale.of(targets, names)


def require_values(network: Network, learning: Learning | None) -> None:
    """EdgeError E105 unless the outputs can be read as values, E203 where something learns from
    classes alone."""
    readout = network.readout
    population = network.population(readout.population)
    refuse_unless("E105", readout.kind == "membrane_sum" and population.reset == "none",
                  "values are read from membranes, and the outputs of this network are classes by "
                  "the count of their spikes" if readout.kind != "membrane_sum" else
                  "values are read from membranes that do not reset",
                  help="train and import it with neurons of the last layer that neither reset nor "
                  "spike (reset_mechanism='none'), and --readout membrane_sum")
    refuse_unless("E105", network.n_classes <= MOST_OUTPUTS,
                  f"{network.n_classes:,} outputs, values have at most {MOST_OUTPUTS}")
    plain = [q for q in network.projections if q.post == readout.population]
    refuse_unless("E105", all(q.conv is None for q in plain),
                  "values are read behind a convolution", help="let a linear layer be the last")
    refuse_unless("E105", all(i.sensor is None for i in network.inputs), "the outputs are values, "
                  "and a sensor is described by classes", help="leave out --sensor, or --values")
    if learning is None:
        return
    for name, rule in learning.rules.items():
        refuse_unless("E203", rule.needs.batch is None, f"{type(rule).__name__} on '{name}' learns "
                      "from batches, whose losses are of classes, and the outputs are values",
                      help="choose ErrorTouch, ErrorSSDP or ReadoutDelta")
    guard = learning.guard
    refuse_unless("E203", guard is None or not guard.margin, "the guard counts right classes, and "
                  "the outputs are values", help="give --guard 0 for the copy alone, or leave it "
                  "out")
    refuse_unless("E203", learning.gate is None, "the CUSUM gate counts wrong classes, and the "
                  "outputs are values", help="leave out --gate")
    steps = learning.schedule
    refuse_unless("E203", steps is None or type(steps).__name__ == "Schedule", "steps by errors "
                  "count wrong classes, and the outputs are values",
                  help="give --schedule SAMPLES,FLOOR, or none")


def scaled(network: Network, scale: Scale) -> Network:
    """A canonical network whose outputs are its values over their spread: each column of the
    weights into the readout, and what moves its membranes, by itself."""
    name = network.readout.population
    by = 1.0 / scale.spread

    def moved(values: FloatArray) -> FloatArray:
        return values if not values.any() else np.asarray(values * by)

    def population() -> tuple:  # type: ignore[type-arg]
        made = []
        for p in network.populations:
            if p.name == name:
                p = replace(p, bias=moved(p.bias), v_init=moved(p.v_init),
                            threshold=np.asarray(p.threshold * by),
                            v_min=None if p.v_min is None else moved(p.v_min))
            made.append(p)
        return tuple(made)

    projections = tuple(
        replace(q, weight=q.weight * by, bias=None if q.bias is None else q.bias * by)
        if q.post == name else q for q in network.projections)
    return replace(network, populations=population(), projections=projections)


def with_values(network: QNetwork, scale: Scale, temperature: float) -> QNetwork:
    """A network, quantized of a `scaled` one, that tells values. temperature: what its logits are
    divided by. Raises EdgeError E201 where a logit is too coarse, or nothing, beside the scale."""
    real = network.logit_unit / temperature * 2.0**FRAC_BITS
    shift = 14 - math.floor(math.log2(real)) if real > 0 else 99
    if not 0 <= shift <= 46:
        raise EdgeError("E201", f"a logit of 1 is {real / 2**FRAC_BITS:.3g} standard deviations of "
                        "the targets", help="train the network on these targets, and say what its "
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
