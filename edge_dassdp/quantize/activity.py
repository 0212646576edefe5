"""How active a quantized network is: what decides between event-driven and dense projections, and
what homeostasis aims at.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference import Reference

CHUNK = 256


def with_activity(network: QNetwork, x: NDArray[np.int8]) -> QNetwork:
    """The network with `activity` of every projection of spikes: the mean share of presynaptic
    neurons that are active in a step, over samples x, int8 (n, x_bytes); None where they may fire
    several times."""
    reference = Reference(network)
    reference.begin(x)
    active = {q.name: 0.0 for q in network.projections
              if not q.is_analogue and network.max_spikes(q.pre) == 1}
    for t_step in range(network.n_steps):
        reference.step(t_step)
        for name in active:
            source = network.projection(name).pre
            active[name] += float(reference.spikes_from(source, t_step).mean())
    measured = {name: round(total / network.n_steps, 4) for name, total in active.items()}
    return replace(network, projections=tuple(
        replace(q, activity=measured.get(q.name)) for q in network.projections))


def counts(network: QNetwork, x: NDArray[np.int8]) -> dict[str, IntArray]:
    """Spikes of every neuron in samples x, int8 (n, x_bytes), as its record counts them:
    population -> (n, size)."""
    reference = Reference(network)
    reference.begin(x)
    found = {p.name: np.zeros((len(x), p.size), np.int64) for p in network.populations}
    for t_step in range(network.n_steps):
        reference.step(t_step)
        for p in network.populations:
            found[p.name] += np.minimum(reference.spikes[p.name], p.recorded_a_step)
    return found


def mean_counts(network: QNetwork, x: NDArray[np.int8]) -> dict[str, NDArray[np.float64]]:
    """The mean of `counts` over samples x, population -> (size,)."""
    total = {p.name: np.zeros(p.size) for p in network.populations}
    for begin in range(0, len(x), CHUNK):
        for name, found in counts(network, x[begin : begin + CHUNK]).items():
            total[name] += found.sum(axis=0)
    return {name: found / len(x) for name, found in total.items()}
