"""How active a quantized network is: what decides between event-driven and dense projections, and
what homeostasis aims at.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

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


def mean_counts(network: QNetwork, x: NDArray[np.int8]) -> dict[str, NDArray[np.float64]]:
    """Mean spikes of a sample of every neuron, population -> (size,), over samples x, int8
    (n, x_bytes)."""
    reference = Reference(network)
    counts = {p.name: np.zeros(p.size) for p in network.populations}
    for begin in range(0, len(x), CHUNK):
        reference.begin(x[begin : begin + CHUNK])
        for t_step in range(network.n_steps):
            reference.step(t_step)
            for name, total in counts.items():
                total += reference.spikes[name].sum(axis=0)
    return {name: total / len(x) for name, total in counts.items()}
