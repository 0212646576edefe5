"""A tiny network and samples that it can learn, as files: what the command line is tested with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_dassdp import ir

N_INPUTS, N_CLASSES = 12, 4


def write(folder: Path) -> None:
    """model.npz, two hidden populations and currents in; data.npz, 60 samples, test.npz, 60
    others."""
    rng = np.random.default_rng(7)
    sizes = {"h1": 16, "h2": 10, "out": N_CLASSES}
    populations = [ir.Population(n, s, 0.9, 1.0) for n, s in list(sizes.items())[:2]]
    populations.append(ir.Population("out", N_CLASSES, 0.0, 1.0, "none"))
    projections, pre, n_pre = [], "x", N_INPUTS
    for i, (name, size) in enumerate(sizes.items(), 1):
        w = rng.normal(0, 2.0 / np.sqrt(n_pre), (n_pre, size))
        projections.append(ir.Projection(f"fc{i}", pre, name, w))
        pre, n_pre = name, size
    network = ir.Network((ir.Input("x", N_INPUTS),), tuple(populations), tuple(projections),
                         ir.Readout("out", "membrane_sum"), 6)
    ir.save(network, folder / "model.npz")
    y = rng.integers(0, N_CLASSES, 60)
    means = rng.normal(0, 1, (N_CLASSES, N_INPUTS))
    for name in ("data", "test"):
        x = (means[y] + rng.normal(0, 0.4, (60, N_INPUTS))).astype(np.float32)
        np.savez(folder / f"{name}.npz", x=x, y=y)
