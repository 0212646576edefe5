"""Another valid order of nodes, or what an optimizer makes of a file, is the same network."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from support import onnx_models
from support.onnx_graphs import (
    FILES,
    MADE,
    N_STEPS,
    assert_computes_the_same,
    described,
    imported,
    shuffled,
)

from edge_dassdp.frontends.onnx.graph import StepGraph, read
from edge_dassdp.twin.model import FloatModel

N_ORDERS = 20
OPTIMIZED = sorted((FILES / "optimized").glob("*.onnx"))
torch.set_num_threads(1)


def steps(graph: StepGraph) -> list[tuple[object, ...]]:
    return [(o.kind, o.name, o.inputs, o.output) for o in graph.operations]


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_the_order_of_nodes_plays_no_part(path: Path, tmp_path: Path) -> None:
    rng, model, other = random.Random(path.stem), onnx.load(path), tmp_path / "other.onnx"
    plain = steps(read(path))
    for _ in range(N_ORDERS):
        onnx.save(shuffled(model, rng), other)
        assert steps(read(other)) == plain
    assert described(imported(other, path)) == described(imported(path, path))


@pytest.mark.parametrize(("reset", "delay"), onnx_models.RESETS)
def test_neurons_that_nothing_orders(reset: str, delay: bool, tmp_path: Path) -> None:
    model, path = onnx_models.Branches(reset, delay), tmp_path / "step.onnx"
    onnx_models.export(model, str(path), dynamo=False)
    x = onnx_models.frames(model.shapes[0], analogue=False, seed=1, n_steps=N_STEPS)
    [spikes, *_] = onnx_models.run(model, x)
    plain, rng, other = imported(path, path), random.Random(reset), tmp_path / "other.onnx"
    names = [p.name for p in plain.populations]
    ours = FloatModel(plain).run(x.reshape(len(x), -1)).spikes[names[-1]]
    assert np.array_equal(ours, spikes)
    assert all(names.index(q.pre) < names.index(q.post) for q in plain.projections
               if q.pre in names)
    for _ in range(N_ORDERS):
        onnx.save(shuffled(onnx.load(path), rng), other)
        assert described(imported(other, path)) == described(plain)


@pytest.mark.parametrize("path", OPTIMIZED, ids=lambda path: path.stem)
def test_what_onnxsim_and_onnxslim_write_is_the_same_network(path: Path, tmp_path: Path) -> None:
    before = FILES / f"{path.stem.rpartition('.')[0]}.onnx"
    assert_computes_the_same(imported(path, path), imported(before, before))


def test_all_files_have_been_optimized() -> None:
    assert {p.stem for p in OPTIMIZED} == {f"{p.stem}.{by}" for p in MADE for by in ("sim", "slim")}


def test_what_no_output_depends_on_plays_no_part(tmp_path: Path) -> None:
    path = FILES / "chain_subtract.older.onnx"
    model = onnx.load(path)
    first = model.graph.input[0].name
    model.graph.node.insert(0, onnx.helper.make_node("Tanh", [first], ["unused"]))
    model.graph.node.append(onnx.helper.make_node("NonZero", ["unused"], ["neither"]))
    model.graph.input.append(onnx.helper.make_tensor_value_info("idle", 1, [1, 7]))
    onnx.save(model, tmp_path / "more.onnx")
    assert described(imported(tmp_path / "more.onnx", path)) == described(imported(path, path))
