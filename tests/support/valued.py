"""A network whose outputs are values, and a task that a shift moves: what tests of values share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import edge_dassdp as ed
from edge_dassdp.ir import Input, Network, Population, Projection, Readout

N_STEPS = 16
SCALE, CENTRE = np.array([30.0, 0.02]), np.array([100.0, -1.0])
"""Of the two outputs, in units of their own."""
SETTINGS = ed.Settings(values=True, bits_of={"fc3": 16})


def samples(n: int, seed: int, shift: float = 0.0) -> tuple[NDArray[np.float32],
                                                            NDArray[np.float64]]:
    """x (n, 6) and targets (n, 2), smooth functions of them. shift: of the second's phase."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, 6)).astype(np.float32)
    y = np.stack([np.tanh(x[:, 0] - x[:, 1]), np.sin(x[:, 2] + shift)], axis=1)
    return x, y * SCALE + CENTRE


def network(kind: str = "membrane_sum", reset: str = "none") -> Network:
    """6-40-40-2, hidden weights at random, the readout fitted to counts by least squares."""
    rng = np.random.default_rng(4)
    hidden = [Population(f"h{k}", 40, np.array(0.8), np.array(1.0)) for k in (1, 2)]
    out = Population("out", 2, np.array(0.0), np.array(1.0), reset)  # type: ignore[arg-type]
    fc1 = Projection("fc1", "x", "h1", rng.normal(0, 0.5, (6, 40)), rng.uniform(0, 0.6, 40))
    fc2 = Projection("fc2", "h1", "h2", rng.normal(0, 0.25, (40, 40)), rng.uniform(0, 0.4, 40))
    fc3 = Projection("fc3", "h2", "out", np.zeros((40, 2)) + 1e-6, np.zeros(2))
    return Network((Input("x", 6),), (*hidden, out), (fc1, fc2, fc3),
                   Readout("out", kind, float(N_STEPS)), N_STEPS)  # type: ignore[arg-type]


def fitted() -> Network:
    """`network` with a readout that tells the targets."""
    from dataclasses import replace

    from edge_dassdp.twin.model import FloatModel

    bare = network()
    x, y = samples(400, 1)
    counts = FloatModel(bare).run(x).spikes["h2"].sum(axis=1).astype(np.float64) / N_STEPS
    counts = np.concatenate([counts, np.ones((len(x), 1))], axis=1)
    w = np.linalg.solve(counts.T @ counts + 0.05 * np.eye(41), counts.T @ y)
    fc3 = replace(bare.projection("fc3"), weight=w[:40], bias=w[40])
    return replace(bare, projections=(*bare.projections[:2], fc3))


def learning(**options: object) -> ed.Learning:
    """The readout by the delta rule, touch below it."""
    return ed.Learning({"fc2": ed.ErrorTouch(2.0), "fc3": ed.ReadoutDelta(0.4)},
                       skip_below=0.0, **options)  # type: ignore[arg-type]
