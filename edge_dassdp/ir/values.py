"""A float network whose outputs are values in place of classes, and the scale of their targets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.values import MOST_OUTPUTS, Targets
from edge_dassdp.ir.fields import FloatArray
from edge_dassdp.ir.network import Network
from edge_dassdp.ir.nodes import Population

_LEAST = 1e-9
"""Of a target's spread beside its size, below which it is taken for constant."""
_LARGEST = 1e15
"""Of a target: no network that float32 trains tells more in its weights."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Of the training's targets: centre and spread, both (n_outputs,). names: of the outputs."""

    centre: FloatArray
    spread: FloatArray
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, targets: Targets, names: tuple[str, ...] = ()) -> Scale:
        """Mean and standard deviation. Raises EdgeError E104 for targets that do not differ, or are
        too large for any network."""
        large = np.argwhere(np.abs(targets) > _LARGEST)
        if len(large):
            i, c = (int(k) for k in large[0])
            raise EdgeError("E104", f"the target {targets[i, c]:.6g} of sample {i}, "
                            f"{names[c] if names else f'output {c}'}, is too large",
                            cause=f"{len(large):,} of {targets.size:,} targets are beyond "
                            f"{_LARGEST:g}", help="leave such samples out, or train the network on "
                            "targets in a larger unit")
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


def require_values(network: Network) -> None:
    """EdgeError E105 unless the outputs of a network can be read as values."""
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


def scaled(network: Network, scale: Scale) -> Network:
    """A canonical network whose outputs are its values over their spread: each column of the
    weights into the readout, and what moves its membranes, by itself."""
    name = network.readout.population
    by = 1.0 / scale.spread

    def moved(values: FloatArray) -> FloatArray:
        return values if not values.any() else np.asarray(values * by)

    def population(p: Population) -> Population:
        return replace(p, bias=moved(p.bias), v_init=moved(p.v_init),
                       threshold=np.asarray(p.threshold * by),
                       v_min=None if p.v_min is None else moved(p.v_min))

    projections = tuple(
        replace(q, weight=q.weight * by, bias=None if q.bias is None else q.bias * by)
        if q.post == name else q for q in network.projections)
    populations = tuple(population(p) if p.name == name else p for p in network.populations)
    return replace(network, populations=populations, projections=projections)
