"""How an error at the logits reaches the weights: which way, and how strongly.

Three constants of the factory network set the scale of the error-driven rules (edge_dassdp.rules):
the readout gain kappa, the path gain lambda, and the set of forward projections that carry the
error back. A forward projection joins a population to a later one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from edge_dassdp.ir.network import Network
from edge_dassdp.ir.nodes import Projection


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class _Joining(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def pre(self) -> str: ...
    @property
    def post(self) -> str: ...


class Wired(Protocol):
    """Populations joined by projections, float or quantized."""

    @property
    def populations(self) -> Sequence[_Named]: ...
    @property
    def projections(self) -> Sequence[_Joining]: ...


def forward_projections(network: Network, population: str) -> list[Projection]:
    """Projections from `population` to a later population that has an error."""
    place = {p.name: index for index, p in enumerate(network.populations)}
    return [
        p for p in network.projections
        if p.pre == population and place[p.post] > place[population] and has_error(network, p.post)
    ]


def plastic_part(network: Wired, plastic: Collection[str]) -> tuple[str, ...]:
    """Populations that change with the plastic projections: their targets and all behind them, in
    order. What projects into them from outside is the cut at which samples are stored."""
    part = {p.post for p in network.projections if p.name in plastic}
    while True:
        behind = {p.post for p in network.projections if p.pre in part} - part
        if not behind:
            return tuple(p.name for p in network.populations if p.name in part)
        part |= behind


def has_error(network: Network, population: str) -> bool:
    """True for the readout and for every population with a forward path to it."""
    if population == network.readout.population:
        return True
    return bool(forward_projections(network, population))


def readout_gain(network: Network) -> float:
    """kappa: what one presynaptic spike through a unit weight adds to a logit, mean over steps, as
    the softmax sees it: divided by the readout's temperature.

    membrane_sum: (1/T) sum_{t=0}^{T-1} sum_{k=0}^{T-1-t} beta^k, beta the mean leak.
    spike_count: 1 / mean(threshold), the spikes one unit of charge makes.
    """
    population = network.population(network.readout.population)
    if network.readout.kind == "spike_count":
        gain = 1.0 / float(population.threshold.mean())
    else:
        steps = np.arange(network.n_steps)
        gain = float(np.sum((network.n_steps - steps) * population.beta.mean() ** steps)
                     / network.n_steps)
    return gain / network.readout.temperature


def path_gain(network: Network, population: str) -> float:
    """lambda: the squared gain from the error at the logits to `population`.

    One hop: the mean over post neurons of the sum over pre neurons of W_factory^2. Along a path
    the hops multiply; over several outgoing projections the mean is taken. 1 for the readout.
    """
    if population == network.readout.population:
        return 1.0
    gains = [
        float((p.weight**2).sum(axis=0).mean()) * path_gain(network, p.post)
        for p in forward_projections(network, population)
    ]
    return float(np.mean(gains))
