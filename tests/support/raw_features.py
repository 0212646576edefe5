"""Networks over raw features of unequal scale: trained once on standardized ones, then told of the
units by their first layer, as a BatchNorm does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import ir
from edge_dassdp.twin.model import FloatModel


def clusters(n: int, n_features: int, n_classes: int, seed: int = 0
             ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Standardized features of overlapping classes."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (n_classes, n_features))
    y = rng.integers(0, n_classes, n)
    x = centres[y] + rng.normal(0, 0.7, (n, n_features))
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32), y


def network(x: NDArray[np.float32], y: NDArray[np.int64], n_hidden: int = 32,
            n_steps: int = 8) -> ir.Network:
    """Random features, and a readout by least squares on their counts of spikes."""
    rng = np.random.default_rng(1)
    n, n_classes = x.shape[1], int(y.max()) + 1
    hidden = ir.Population("h", n_hidden, 0.9, 1.0)
    first = ir.Projection("fc1", "x", "h", rng.normal(0, 1 / n**0.5, (n, n_hidden)),
                          rng.normal(0.2, 0.2, n_hidden))
    made = ir.Network(
        (ir.Input("x", n),), (hidden, ir.Population("out", n_classes, 0.0, 1.0, "none")),
        (first, ir.Projection("fc2", "h", "out", np.zeros((n_hidden, n_classes)))),
        ir.Readout("out", "membrane_sum"), n_steps)
    counts = FloatModel(made).run(x).spikes["h"].sum(axis=1).astype(np.float64)
    rows = np.c_[counts, np.full(len(x), n_steps)]
    w, *_ = np.linalg.lstsq(rows, np.eye(n_classes)[y], rcond=None)
    return replace(made, projections=(first, ir.Projection("fc2", "h", "out", w[:-1], w[-1])))


def in_units(made: ir.Network, unit: NDArray[np.float64], mean: NDArray[np.float64]) -> ir.Network:
    """The same network over x * unit + mean."""
    first, second = made.projections
    assert first.bias is not None
    weight = first.weight / unit[:, None]
    return replace(made, projections=(
        replace(first, weight=weight, bias=first.bias - mean @ weight), second))
