"""Other ways to write the same ONNX graph, and what a network is but for how it was written."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from edge_dassdp.frontends.onnx import from_onnx
from edge_dassdp.ir import Network
from edge_dassdp.twin.model import FloatModel

N_STEPS = 14
FILES = Path(__file__).parents[1] / "frontends" / "onnx" / "files"
MADE = sorted(FILES.glob("*.onnx"))
"""By PyTorch's exporters, of all networks of `onnx_models` that are read from files."""


def feedback(path: Path) -> dict[str, str] | None:
    """Of `Recurrent`: its spikes are the second and the fourth of its inputs and outputs."""
    graph = onnx.load(path).graph
    recurs = path.name.startswith("recurrent")
    return {graph.input[n].name: graph.output[n].name for n in (1, 3)} if recurs else None


def imported(path: Path, like: Path) -> Network:
    """Of a file that was made of one of `MADE`, or is one."""
    return from_onnx(path, n_steps=N_STEPS, frames=True, feedback=feedback(like))


def assert_computes_the_same(one: Network, other: Network) -> None:
    """Of the same wiring, with membranes that differ by rounding."""
    assert [p.equation for p in one.populations] == [p.equation for p in other.populations]
    assert [(q.pre, q.post) for q in one.projections] == [
        (q.pre, q.post) for q in other.projections]
    x = np.random.default_rng(0).normal(0, 1.5, (3, one.n_inputs)).astype(np.float32)
    ours, theirs = FloatModel(one).run(x), FloatModel(other).run(x)
    for p, q in zip(one.populations, other.populations, strict=True):
        assert np.allclose(ours.membranes[p.name], theirs.membranes[q.name], atol=1e-4)


def shuffled(model: onnx.ModelProto, rng: random.Random) -> onnx.ModelProto:
    """Its nodes in another order in which each stands behind what it takes; its constants in
    another order."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    left, known = list(model.graph.node), {"", *(i.name for i in model.graph.input),
                                           *(i.name for i in model.graph.initializer)}
    del made.graph.node[:]
    while left:
        node = rng.choice([n for n in left if known >= set(n.input)])
        left.remove(node)
        known |= set(node.output)
        made.graph.node.append(node)
    constants = list(model.graph.initializer)
    del made.graph.initializer[:]
    made.graph.initializer.extend(rng.sample(constants, len(constants)))
    onnx.checker.check_model(made)
    return made


def described(network: Network) -> list[Any]:
    """All that two networks have to share to be the same."""
    return [
        *((i.name, i.shape, i.n_frames) for i in network.inputs),
        *((p.name, p.shape, p.equation, p.beta.tobytes()) for p in network.populations),
        *((q.name, q.pre, q.post, q.weight.tobytes(), q.conv, q.pool,
           None if q.bias is None else q.bias.tobytes(),
           None if q.delay is None else np.asarray(q.delay).tolist())
          for q in network.projections), vars(network.readout)]
