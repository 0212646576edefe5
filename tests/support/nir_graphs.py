"""Small NIR graphs for tests."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import nir
import numpy as np

from edge_dassdp.frontends.nir import SourceProfile

FILES = Path(__file__).parents[2] / "examples" / "nir"
BRAILLE, CNN = FILES / "braille_noDelay_bias_zero.nir", FILES / "cnn_sinabs.nir"
SNNTORCH = "snntorch,reset=zero,reset_delay=false"
NIR = SourceProfile("nir", dt=1e-3)
RANDOM = np.random.default_rng(0)


def values(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def lif(*shape: int, **changed: object) -> nir.LIF:
    ones = np.ones(shape)
    fields = {"tau": 0.01 * ones, "r": 2 * ones, "v_leak": 0 * ones, "v_threshold": 0.5 * ones,
              "v_reset": 0 * ones}
    return nir.LIF(**fields | {k: np.full(shape, v) for k, v in changed.items()})


def graph(nodes: dict[str, nir.NIRNode], edges: str) -> nir.NIRGraph:
    """edges: "a b, b c"."""
    return nir.NIRGraph(nodes, [tuple(edge.split()) for edge in edges.split(", ")],
                        type_check=False)


def chain(shape: tuple[int, ...], *between: nir.NIRNode) -> nir.NIRGraph:
    nodes = {"in": nir.Input(np.array(shape))} \
        | {f"n{i}": node for i, node in enumerate(between)} | {"out": nir.Output(np.array(shape))}
    names = list(nodes)
    return graph(nodes, ", ".join(f"{a} {b}" for a, b in pairwise(names)))
