"""Small networks of plain neurons: chains, and a graph with skips and loops."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import Input, Network, Population, Projection, Readout, ReadoutKind

RESETS: dict[str, tuple[Any, bool]] = {
    "none": ("none", True),
    "subtract_delayed": ("subtract", True), "subtract_now": ("subtract", False),
    "zero_delayed": ("zero", True), "zero_now": ("zero", False),
}


def layers(
    sizes: tuple[int, ...] = (20, 40, 24, 6), *, n_steps: int = 8, beta: Any = 0.9,
    hidden: tuple[str, ...] = ("subtract_delayed",), readout: str = "none",
    readout_beta: float = 0.0, kind: ReadoutKind = "membrane_sum", gain: float = 3.0,
    strict: bool = True, seed: int = 0, spikes: bool = False, frames: bool = False,
) -> Network:
    """A chain x -> h1 -> ... -> out, projections fc1, fc2, ...; `hidden` resets taken in turn."""
    rng = np.random.default_rng(seed)
    populations, projections, pre = [], [], "x"
    for k, (n_pre, n_post) in enumerate(pairwise(sizes), 1):
        last = k == len(sizes) - 1
        name = "out" if last else f"h{k}"
        reset, delay = RESETS[readout if last else hidden[(k - 1) % len(hidden)]]
        populations.append(Population(name, n_post, readout_beta if last else beta, 1.0, reset,
                                      delay, strict))
        spread = (1.5 if k == 1 else gain) / np.sqrt(n_pre)
        projections.append(Projection(f"fc{k}", pre, name, rng.normal(0, spread, (n_pre, n_post)),
                                      rng.normal(0, 0.1, n_post)))
        pre = name
    source = Input("x", sizes[0], n_steps if frames else 1, spikes)
    return Network((source,), tuple(populations), tuple(projections), Readout("out", kind), n_steps)


def graph(*, frames: bool, kind: ReadoutKind) -> Network:
    """Two inputs (one joins spikes), a skip, recurrence from behind and onto itself, 6 steps."""
    rng = np.random.default_rng(3)

    def w(n_pre: int, n_post: int, gain: float) -> NDArray[np.float64]:
        return rng.normal(0, gain / np.sqrt(n_pre), (n_pre, n_post))

    is_sum = kind == "membrane_sum"
    populations = (
        Population("a", 37, rng.uniform(0.5, 0.95, 37), rng.uniform(0.8, 1.2, 37), "subtract",
                   False),
        Population("b", 21, 0.85, 1.0, "zero", True),
        Population("c", 18, 0.75, 0.9, "subtract", True, False),
        Population("out", 5, 0.5 if is_sum else 0.9, 1.0, "none" if is_sum else "subtract"),
    )
    projections = (
        Projection("xa", "x", "a", w(13, 37, 2.0), rng.normal(0, 0.1, 37)),
        Projection("zb", "z", "b", w(7, 21, 0.8)),
        Projection("ab", "a", "b", w(37, 21, 3.0)),
        Projection("ac", "a", "c", w(37, 18, 3.0)),
        Projection("bc", "b", "c", w(21, 18, 3.0), rng.normal(0, 0.1, 18)),
        Projection("co", "c", "out", w(18, 5, 3.0)),
        Projection("bo", "b", "out", w(21, 5, 3.0), rng.normal(0, 0.1, 5)),
        Projection("cb", "c", "b", w(18, 21, 1.0)),
        Projection("bb", "b", "b", w(21, 21, 1.0)),
    )
    return Network((Input("x", 13, 6 if frames else 1), Input("z", 7)), populations, projections,
                   Readout("out", kind), 6)
