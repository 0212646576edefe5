"""A float network in the form that is quantized: currents count in units of the membrane, and
membranes from where a reset puts them.

With v' = (v - v_reset) / gain every equation of `ir.Population` keeps its form, gain becomes 1 and
v_reset 0; thresholds, biases, start and limit move along. A membrane that is read out keeps its
unit: there the gain goes into the weights.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir.fields import FloatArray
from edge_dassdp.ir.network import Network
from edge_dassdp.ir.nodes import Population, Projection


def canonical(network: Network) -> Network:
    """The same network with gain 1, v_reset 0 and form 'sum' everywhere. Raises EdgeError E201
    where that leaves the range of a network's numbers."""
    gains = {p.name: _weight_gain(network, p) for p in network.populations}
    try:
        return replace(
            network, populations=tuple(_shifted(p, gains[p.name]) for p in network.populations),
            projections=tuple(_scaled(network, q, gains[q.post]) for q in network.projections))
    except EdgeError as problem:
        raise EdgeError("E201", f"{problem.message}, once gains and v_reset are folded in",
                        cause=problem.cause, help="bring gain, v_reset and threshold closer "
                        "together") from None


def weight_gain(network: Network, projection: str) -> NDArray[np.float64]:
    """What `canonical` multiplies the columns of a projection's weights by, (n_columns,)."""
    q = network.projection(projection)
    population = network.population(q.post)
    return _columns(_weight_gain(network, population), population.size, q)


def _weight_gain(network: Network, p: Population) -> FloatArray:
    """Gains that go into the weights, (size,)."""
    is_read = p.name == network.readout.population and network.readout.kind == "membrane_sum"
    return p.gain if is_read else np.ones(p.size)


def _columns(gain: FloatArray, size: int, q: Projection) -> FloatArray:
    return gain.reshape(q.n_columns, size // q.n_columns)[:, 0]


def _shifted(p: Population, gain: FloatArray) -> Population:
    unit = p.gain / gain
    bias = (p.bias + (p.beta - 1.0) * p.v_reset) / unit
    return replace(
        p, gain=np.ones(1), form="sum", bias=bias, threshold=(p.threshold - p.v_reset) / unit,
        v_init=(p.v_init - p.v_reset) / unit, v_reset=np.zeros(1),
        v_min=None if p.v_min is None else (p.v_min - p.v_reset) / unit)


def _scaled(network: Network, q: Projection, gain: FloatArray) -> Projection:
    if (gain == 1).all():
        return q
    columns = _columns(gain, network.population(q.post).size, q)
    weight = q.weight * (columns[:, None, None, None] if q.conv else columns)
    return replace(q, weight=weight, bias=None if q.bias is None else q.bias * columns)
