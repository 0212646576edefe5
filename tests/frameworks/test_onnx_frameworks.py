"""The ONNX importer on files written here by both of PyTorch's exporters, against snnTorch's own
run and against onnxruntime's single steps, one after another.

The dynamo exporter takes seconds a file: it writes one network for each reset it can do, which has
Leaky, Synaptic and a readout, convolutions and pooling of both kinds; the older one writes all.
"""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support import onnx_models

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.onnx import from_onnx
from edge_dassdp.frontends.onnx.graph import read
from edge_dassdp.frontends.onnx.neurons import find
from edge_dassdp.twin.model import FloatModel

N_STEPS = 14
torch.set_num_threads(1)

OLDER = [(kind, reset, delay, False)
         for kind in (onnx_models.Volume, onnx_models.Maxima, onnx_models.Chain)
         for reset, delay in (*onnx_models.RESETS, ("none", False))]
DYNAMO = [*((onnx_models.Volume, reset, True, True) for reset in ("subtract", "zero", "none")),
          (onnx_models.Maxima, "subtract", True, True)]


def export(model: onnx_models.Step, path: Path, dynamo: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx_models.export(model, str(path), dynamo=dynamo)


def run_onnx(path: Path, model: onnx_models.Step, x: np.ndarray) -> list[np.ndarray]:
    """As `onnx_models.run`."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    outputs = []
    for sample in x:
        states = [np.zeros((1, *shape), np.float32) for shape in model.shapes[1:]]
        steps = []
        for frame in sample:
            spikes, *states = session.run(
                None, dict(zip(names, (frame[None], *states), strict=True)))
            steps.append([v[0] for v in (spikes, *states)])
        outputs.append([np.stack(values) for values in zip(*steps, strict=True)])
    return [np.stack(values) for values in zip(*outputs, strict=True)]


@pytest.mark.parametrize(("kind", "reset", "delay", "dynamo"), [*OLDER, *DYNAMO],
                         ids=lambda v: v.__name__ if isinstance(v, type) else str(v))
def test_spikes_are_those_of_snntorch_and_of_onnxruntime(kind, reset, delay, dynamo, tmp_path):
    model, path = kind(reset, delay), tmp_path / "step.onnx"
    export(model, path, dynamo)
    network = from_onnx(path, n_steps=N_STEPS, frames=True)
    for analogue in (False, True):
        x = onnx_models.frames(kind.shapes[0], analogue=analogue, seed=2, n_steps=N_STEPS)
        ours = FloatModel(network).run(x.reshape(len(x), -1))
        theirs, steps = onnx_models.run(model, x), run_onnx(path, model, x)
        last = ours.spikes[network.populations[-1].name]
        assert np.array_equal(last, theirs[0].reshape(last.shape))
        assert np.array_equal(last, steps[0].reshape(last.shape))
        place = -1
        for population, n_states in zip(network.populations, model.neurons, strict=True):
            place += n_states
            membranes = ours.membranes[population.name]
            assert np.array_equal(membranes, theirs[1 + place].reshape(membranes.shape))
            assert np.allclose(membranes, steps[1 + place].reshape(membranes.shape), atol=1e-5)


@pytest.mark.parametrize("dynamo", [False, True])
def test_a_dynamic_batch(dynamo, tmp_path):
    model, path = onnx_models.Chain("subtract", True).eval(), tmp_path / "step.onnx"
    arguments = tuple(torch.zeros(2, *shape) for shape in model.shapes)
    names = [f"in{n}" for n in range(len(arguments))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            batch = torch.export.Dim("batch")
            torch.onnx.export(model, arguments, str(path), dynamo=True,
                              dynamic_shapes=tuple({0: batch} for _ in arguments))
        else:
            torch.onnx.export(model, arguments, str(path), dynamo=False, opset_version=17,
                              input_names=names, dynamic_axes={n: {0: "batch"} for n in names})
    fixed = tmp_path / "fixed.onnx"
    export(model, fixed, False)
    one, other = (from_onnx(p, n_steps=N_STEPS) for p in (path, fixed))
    assert [p.equation for p in one.populations] == [p.equation for p in other.populations]
    for a, b in zip(one.projections, other.projections, strict=True):
        assert np.array_equal(a.weight, b.weight)


KINDS = {"Greater": ("Less", "GreaterOrEqual", "LessOrEqual")}
FILES = Path(__file__).parents[1] / "frontends" / "onnx" / "files"


def changed(model: onnx.ModelProto, rng: random.Random) -> onnx.ModelProto:
    """With one operation turned into another, fed by another value, or a constant scaled."""
    graph = model.graph
    del graph.value_info[:]
    node = rng.choice([n for n in graph.node if n.op_type in ("Sub", "Mul", "Add", "Greater")])
    how = rng.randrange(4)
    if how == 0:
        node.op_type = rng.choice(KINDS.get(node.op_type, ("Sub", "Mul", "Add", "Div")))
    elif how == 1:
        node.input[:] = list(reversed(node.input))
    elif how == 2:
        node.input[rng.randrange(2)] = rng.choice([v for n in graph.node for v in n.input if v])
    else:
        constant = rng.choice([i for i in graph.initializer
                               if i.data_type == onnx.TensorProto.FLOAT])
        scaled = onnx.numpy_helper.to_array(constant) * np.float32(rng.choice([0.5, 1.5, 2, -1]))
        constant.CopyFrom(onnx.numpy_helper.from_array(scaled, constant.name))
    return model


def test_what_is_accepted_of_changed_files_computes_what_they_say(tmp_path):
    """Each is refused, or our membranes are those of onnxruntime, states paired as found."""
    rng, path = random.Random(3), tmp_path / "step.onnx"
    n_steps, accepted, refused = 6, 0, 0
    for _ in range(30):
        file = FILES / f"chain_{rng.choice(['zero', 'subtract', 'none'])}.dynamo.onnx"
        onnx.save(changed(onnx.load(file), rng), path)
        try:
            network = from_onnx(path, n_steps=n_steps, frames=True)
        except EdgeError:
            refused += 1
            continue
        accepted += 1
        graph = read(path)
        found = find(graph)
        names = {value: name for name, value in graph.outputs.items()}
        states = {s: np.zeros((1, 5), np.float32) for f in found for s in f.states}
        entries = [n for n in graph.inputs if n not in states and n in graph.consumers()]
        x = onnx_models.frames((5,), analogue=True, seed=4, n=len(entries), n_steps=n_steps)
        trace = FloatModel(network).run(x.reshape(1, -1))
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for t_step in range(n_steps):
            feed = {**states, **{n: x[place, t_step][None] for place, n in enumerate(entries)}}
            given = {n: feed.get(n, np.zeros((1, 5), np.float32)) for n in graph.inputs}
            out = dict(zip((o.name for o in session.get_outputs()), session.run(None, given),
                           strict=True))
            states = {s: out[names[v]] for f in found for s, v in f.states.items()}
            for f, population in zip(found, network.populations, strict=True):
                membrane = states[next(iter(f.states))]
                assert np.allclose(trace.membranes[population.name][0, t_step], membrane[0],
                                   rtol=1e-4, atol=1e-4)
    assert accepted > 5 and refused > 5
