"""Factory means of classes, of training samples (docs/arithmetic.md, 21)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.qir import QClassMeans, QNetwork
from edge_dassdp.quantize.activity import CHUNK, counts
from edge_dassdp.reference.classes import directions
from edge_dassdp.rules.classes import hidden_of


def with_counts(network: QNetwork) -> QNetwork:
    """The network with counts of the population whose means are kept. Raises EdgeError E203 where
    it keeps none of its neurons, E202 where their squares leave 30 bits."""
    name = hidden_of(network, [q.name for q in network.plastic])
    p = network.population(name)
    refuse_unless("E203", not p.records_channels and p.natural is None,
                  f"class means of '{name}': it is a volume of channels",
                  help="leave out class means, or put a layer of a vector before the readout")
    peak = network.n_steps * p.recorded_a_step
    if p.size * peak**2 >= 1 << 30:
        raise EdgeError("E202", f"class means of '{name}': {p.size:,} counts up to {peak:,} have a "
                        "sum of squares beyond 30 bits",
                        help="leave out class means, or use fewer steps")
    return replace(network, populations=tuple(
        replace(q, counts=True) if q.name == name else q for q in network.populations))


def with_class_means(network: QNetwork, x: NDArray[np.int8] | None,
                     labels: NDArray[np.int64] | None) -> QNetwork:
    """The network with means of x, int8 (n, x_bytes), and labels (n,). Raises EdgeError E105
    without labelled samples."""
    if x is None or labels is None or not len(x):
        raise EdgeError("E105", "class means are those of labelled samples, and there are none",
                        help="give the training samples with --data (x and y in Python)")
    name = hidden_of(network, [q.name for q in network.plastic])
    found = np.concatenate([directions(counts(network, x[first : first + CHUNK])[name])
                            for first in range(0, len(x), CHUNK)])
    means = np.zeros((network.n_classes, found.shape[1]), np.int64)
    seen = np.zeros(network.n_classes, np.int64)
    for label in range(network.n_classes):
        of_class = found[(labels == label) & found.any(axis=1)]
        if len(of_class):
            means[label] = (2 * of_class.sum(axis=0) + len(of_class)) // (2 * len(of_class))
            seen[label] = QUANTITIES["mean_samples"]
    return replace(network, class_means=QClassMeans(name, means, seen))
