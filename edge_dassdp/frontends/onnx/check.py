"""Runs the file itself, step by step, beside the network that was made of it.

onnxruntime runs it as it is, without optimizing it, where it is installed; else onnx's own
reference implementation, with fused operators taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.compare import N_SAMPLES, N_STEPS, Did, compare
from edge_dassdp.frontends.onnx.graph import Array, StepGraph, library
from edge_dassdp.frontends.onnx.neurons import Found
from edge_dassdp.ir import Network
from edge_dassdp.ir.cells import Float32Array

Run = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Inputs of a step by name, (1, *shape), to its outputs and the values shown by name."""


@dataclass(frozen=True, eq=False)
class Wiring:
    """Where values of a network are in its file. inputs: name in the network -> in the file.
    populations: neurons by name. currents: of neurons that were added to read an output, its name.
    feedback: input -> output of the step before."""

    inputs: Mapping[str, str]
    populations: Mapping[str, Found]
    currents: Mapping[str, str]
    feedback: Mapping[str, str]


def check(graph: StepGraph, network: Network, wiring: Wiring) -> None:
    """Raises EdgeError E107 where a network is not what its file computes, E103 where the file
    cannot be run."""
    run = _runner(graph, [f.spikes[0] for f in wiring.populations.values() if f.spikes])

    def source(x: Mapping[str, Float32Array]) -> Mapping[str, Did]:
        samples = [_sample(graph, run, wiring, {name: values[n] for name, values in x.items()})
                   for n in range(N_SAMPLES)]
        return _did(graph, wiring, {name: np.stack([sample[name] for sample in samples])
                                    for name in samples[0]})

    compare(network, source)


def _sample(graph: StepGraph, run: Run, wiring: Wiring, x: Mapping[str, Float32Array]
            ) -> dict[str, Float32Array]:
    """Every output, (N_STEPS, size), of inputs (N_STEPS, size) by their names in the network."""
    outputs = {value: name for name, value in graph.outputs.items()}
    back = dict(wiring.feedback) | {state: outputs[value] for f in wiring.populations.values()
                                    for state, value in f.states.items()}
    given = {name: np.zeros((1, *shape), np.float32) for name, shape in graph.inputs.items()}
    steps = []
    for t_step in range(N_STEPS):
        for name, values in x.items():
            own = wiring.inputs[name]
            given[own] = values[t_step].reshape(given[own].shape)
        made = run(given)
        given |= {name: np.asarray(made[output], np.float32) for name, output in back.items()}
        steps.append({name: np.asarray(v, np.float32).reshape(-1) for name, v in made.items()})
    return {name: np.stack([step[name] for step in steps]) for name in steps[0]}


def _did(graph: StepGraph, wiring: Wiring, made: Mapping[str, Float32Array]) -> dict[str, Did]:
    outputs = {value: name for name, value in graph.outputs.items()}
    found = {}
    for name, f in wiring.populations.items():
        spikes = made[f.spikes[0]] if f.spikes else None
        membrane = next(iter(f.states.values()))
        found[name] = Did(spikes, made[outputs[membrane]], f"the neurons at {f.piece.at}")
    for name, output in wiring.currents.items():
        found[name] = Did(membranes=made[output], at=f"output '{output}'")
    return found


# ---- who runs it ---------------------------------------------------------------------------------


def _runner(graph: StepGraph, shown: Sequence[str]) -> Run:
    """With values shown that may be no outputs."""
    if find_spec("onnxruntime"):
        with suppress(Exception):  # each kind of file that it does not take raises its own
            return _onnxruntime(_showing(graph.model, shown).SerializeToString())
    try:
        run = library().reference.ReferenceEvaluator(_showing(graph.plain, shown))
    except Exception as problem:  # the same
        raise _cannot_run(problem) from None
    return _named(run.output_names, run.run)


def _showing(model: Any, values: Sequence[str]) -> Any:
    """A copy with values as outputs, whose types are inferred."""
    made = type(model)()
    made.CopyFrom(model)
    known = {output.name for output in made.graph.output}
    for value in dict.fromkeys(values):
        if value not in known:
            made.graph.output.add().name = value
    return made


def _onnxruntime(model: bytes) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return _named([output.name for output in session.get_outputs()], session.run)


def _named(names: Sequence[str], run: Callable[[None, dict[str, Array]], Sequence[Array]]) -> Run:
    def step(given: Mapping[str, Array]) -> dict[str, Array]:
        try:
            return dict(zip(names, run(None, dict(given)), strict=True))
        except Exception as problem:  # each operator raises what it likes
            raise _cannot_run(problem) from None

    return step


def _cannot_run(problem: Exception) -> EdgeError:
    return EdgeError("E103", "the file cannot be run to compare with it",
                     cause=str(problem).strip().partition("\n")[0] or type(problem).__name__,
                     help="export it again, or import it without the check: check=False")
