"""What the tests of the way back share: learned weights, and models compared whole."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference import Reference


def random_weights(made: QNetwork, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Anything in range, its ends included."""
    bounds = {q.name: 1 << (q.weight_bits - 1) for q in made.plastic}
    learned = {q.name: rng.integers(-bounds[q.name], bounds[q.name], q.w.shape)
               for q in made.plastic}
    for name, w in learned.items():
        w.flat[0], w.flat[-1] = -bounds[name], bounds[name] - 1
    return learned


def learn(made: QNetwork, seed: int = 0, n: int = 40) -> dict[str, np.ndarray]:
    """What the reference has learned from noise."""
    rng = np.random.default_rng(seed)
    size = sum(i.n_values for i in made.inputs)
    values = rng.normal(0, 2, (n, size)) > 0.5 if made.inputs[0].spikes \
        else rng.normal(0, 1.5, (n, size))
    target = Reference(made)
    for sample in input_x(made, values.astype(np.float32)):
        target.learn(sample, int(rng.integers(made.n_classes)))
    learned = {q.name: target.read_weights(q.name) for q in made.plastic}
    assert all((learned[q.name] != q.w).any() for q in made.plastic)
    return learned


def assert_same(found: QNetwork, wanted: QNetwork) -> None:
    """Every field, and so every integer."""
    assert found.sha256 == wanted.sha256
    for name in (f.name for f in fields(wanted) if f.name != "projections"):
        assert getattr(found, name) is getattr(wanted, name)
    for p, q in zip(found.projections, wanted.projections, strict=True):
        np.testing.assert_array_equal(p.w, q.w)
        assert p.w.dtype == q.w.dtype
        assert all(getattr(p, f.name) is getattr(q, f.name) for f in fields(q) if f.name != "w")
