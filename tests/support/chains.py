"""Small float networks with neurons that stay silent, and samples for them."""

from __future__ import annotations

import numpy as np

from edge_dassdp.ir import Input, Network, Population, Projection, Readout

N_STEPS = 7


def chain(seed: int = 0, beta_out: float = 0.0, kind: str = "membrane_sum", **changes) -> Network:
    """x(6) -> a(9) -> b(8) -> out(4), with neurons that stay silent."""
    rng = np.random.default_rng(seed)
    out = Population("out", 4, beta_out, 1.0, reset="none" if kind == "membrane_sum" else "zero")
    parts = {
        "inputs": (Input("x", 6),),
        "populations": (Population("a", 9, 0.9, 1.0), Population("b", 8, 0.8, 1.2), out),
        "projections": (Projection("xa", "x", "a", rng.normal(size=(6, 9)) / 3),
                        Projection("ab", "a", "b", rng.normal(0.1, 0.4, size=(9, 8))),
                        Projection("bo", "b", "out", rng.normal(0, 0.4, size=(8, 4)))),
        "readout": Readout("out", kind),
        "n_steps": N_STEPS,
    }
    return Network(**{**parts, **changes})


def samples(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)


def graph() -> Network:
    """x -> a -> b -> c -> out with a skip b -> out: credit comes back along two ways."""
    rng = np.random.default_rng(6)
    base = chain(6)
    return Network(
        base.inputs,
        (*base.populations[:2], Population("c", 5, 0.7, 0.8), base.populations[2]),
        (*base.projections, Projection("bc", "b", "c", rng.normal(0.1, 0.5, (8, 5))),
         Projection("co", "c", "out", rng.normal(0, 0.5, (5, 4)))),
        base.readout, N_STEPS)
