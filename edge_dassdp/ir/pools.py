"""Pools in front of plastic matrices: each becomes a population of its own, which has records."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from edge_dassdp.base.errors import refuse_unless
from edge_dassdp.ir import geometry
from edge_dassdp.ir.network import Network
from edge_dassdp.ir.nodes import Population, Projection

NUMBERS_MAX = 255
"""Spikes of a neuron in a step."""


def pool_name(projection: str) -> str:
    """Of the population that pools for it."""
    return f"{projection}_pool"


def with_pools_apart(network: Network, names: Collection[str]) -> Network:
    """The same network, in which the pooled spikes that matrices of these names hear are those of a
    population: the same numbers in the same steps.

    Projection p from a population becomes p_pooling, which pools, and p, a plain matrix behind the
    population p_pool. A maximum is a spike or none; a sum is as many spikes. Raises EdgeError E203
    for the sum of more spikes than a step holds, E101 if a name is taken.
    """
    sources = {p.name: p for p in network.populations}
    pooled = {q.name: q for q in network.projections if q.name in names and q.pre in sources
              and q.pool is not None and q.conv is None and q.delay is None}
    if not pooled:
        return network
    populations: list[Population] = []
    for p in network.populations:
        populations += [p, *(_pools(q, p) for q in pooled.values() if q.pre == p.name)]
    projections: list[Projection] = []
    for q in network.projections:
        projections += _apart(q, sources[q.pre]) if q.name in pooled else [q]
    return replace(network, populations=tuple(populations), projections=tuple(projections))


def _pools(q: Projection, source: Population) -> Population:
    """Neurons without memory that fire as often as a pool says."""
    assert q.pool is not None
    shape = q.pool.out(geometry.volume(source.shape))
    size, name = geometry.size(shape), pool_name(q.name)
    most = q.pool.kernel[0] * q.pool.kernel[1] if q.pool.kind == "sum" else 1
    refuse_unless("E203", not source.is_multi_spike and most <= NUMBERS_MAX,
                  f"'{q.name}' learns behind a pool of up to {most:,} neurons of '{source.name}'"
                  + (", which fire several times a step" if source.is_multi_spike else ""),
                  help=f"sums of up to {NUMBERS_MAX} spikes of neurons that fire once a step learn")
    if most == 1:
        return Population(name, size, np.zeros(1), np.full(1, 0.5), "none", shape=shape)
    return Population(name, size, np.zeros(1), np.full(1, 0.999), "subtract", reset_delay=False,
                      strict=False, looks_back=False, max_spikes=most, shape=shape)


def _apart(q: Projection, source: Population) -> list[Projection]:
    channels = geometry.volume(source.shape)[0]
    conv, weight = geometry.identity(channels)
    pool = pool_name(q.name)
    return [Projection(f"{q.name}_pooling", q.pre, pool, weight, conv=conv, pool=q.pool),
            replace(q, pre=pool, pool=None)]
