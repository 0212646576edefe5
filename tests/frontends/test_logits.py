"""What a loss saw of the readout is stated, kept in the file, and read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge_dassdp as ed
from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.notices import told_by
from edge_dassdp.frontends import files
from edge_dassdp.frontends.assemble import assemble
from edge_dassdp.frontends.files import SourceOptions
from edge_dassdp.frontends.logits import with_logits
from edge_dassdp.frontends.nodes import Entry, Exit, Linear, Neurons
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.twin.model import FloatModel


def network(kind: Any = "membrane_sum", beta: float = 0.9, n_steps: int = 20) -> Network:
    reset = "none" if kind == "membrane_sum" else "subtract"
    return Network((Input("x", 4),), (Population("out", 3, beta, 1.0, reset=reset),),
                   (Projection("fc", "x", "out", np.random.default_rng(0).normal(size=(4, 3))),),
                   Readout("out", kind), n_steps)


@pytest.mark.parametrize("kind, logits, temperature", [
    ("membrane_sum", None, 20), ("spike_count", None, 1), ("membrane_sum", "sum", 1),
    ("membrane_sum", "mean", 20), ("spike_count", "mean", 20), ("spike_count", "last", 20),
    ("membrane_sum", 7.5, 7.5), ("membrane_sum", 3, 3)])
def test_each_word_is_a_temperature(kind: str, logits: Any, temperature: float) -> None:
    assert with_logits(network(kind), logits).readout.temperature == temperature


@pytest.mark.parametrize("beta", [0.0, 0.8, 1.0])
@pytest.mark.parametrize("seen", ["last", "max"])
def test_last_and_largest_are_those_of_a_steady_current(beta: float, seen: Any) -> None:
    """A loss on the last membrane, or the largest, sees what the sum over this temperature is."""
    net = with_logits(network(beta=beta), seen)
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    trace = FloatModel(net).run(x)
    v = trace.membranes["out"]
    saw = v[:, -1] if seen == "last" else np.where(v[:, -1] > 0, v.max(axis=1), v.min(axis=1))
    np.testing.assert_allclose(trace.logits / net.readout.temperature, saw, rtol=1e-4)


def test_a_file_keeps_it_and_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    for logits, temperature in ((None, 20), ("sum", 1.0), (4.0, 4.0)):
        ir.save(with_logits(network(), logits), path)
        assert ed.load(path).readout.temperature == temperature
        assert files.load_model(path).readout.temperature == temperature
    told = files.load_model(path, SourceOptions(logits="mean"))
    assert told.readout.temperature == ed.load(path, logits="mean").readout.temperature == 20


@pytest.mark.parametrize("seen", ["mean", "last", "max", "sum", 3.0, None])
@pytest.mark.parametrize("readout", [None, "spike_count"])
@pytest.mark.parametrize("reset", ["none", "subtract"])
def test_a_loss_on_membranes_of_neurons_that_spike_is_doubted(seen: Any, readout: Any,
                                                              reset: str) -> None:
    """Where nobody says how the readout is read, and what the loss saw speaks of membranes."""
    nodes = {"in": Entry((4,)), "fc": Linear(np.ones((3, 4)), None),
             "out": Neurons({"beta": 0.9, "threshold": 1.0, "reset": reset}, "out", 3),
             "output": Exit()}
    edges = [("in", "fc"), ("fc", "out"), ("out", "output")]
    told: list[str] = []
    with told_by(told.append):
        made = assemble(nodes, edges, n_steps=8, readout=readout if reset != "none" else None,
                        logits=seen)
    doubted = reset != "none" and readout is None and seen in ("mean", "last", "max")
    assert len(told) == doubted
    if doubted:
        assert made.readout.kind == "spike_count" and "the count of its spikes" in told[0]
        assert "import them without a reset" in told[0] and "readout='spike_count'" in told[0]


def test_no_class_depends_on_it() -> None:
    x = np.random.default_rng(2).normal(size=(30, 4)).astype(np.float32)
    classes = [FloatModel(with_logits(network(), seen)).run(x).classes for seen in ("sum", 1e-3)]
    np.testing.assert_array_equal(*classes)


@pytest.mark.parametrize("wrong", ["maen", 0.0, -1.0, float("nan"), True, 1e9])
def test_what_no_loss_takes_is_refused(wrong: Any) -> None:
    with pytest.raises(EdgeError, match="logits is") as caught:
        with_logits(network(), wrong)
    assert caught.value.code == "E105" and "sum, mean, last or max" in caught.value.help


@pytest.mark.parametrize("wrong", [0.0, -2.0, float("inf"), "1", None])
def test_a_readout_has_a_temperature_above_0(wrong: Any) -> None:
    with pytest.raises(EdgeError, match="temperature") as caught:
        Readout("out", "membrane_sum", wrong)
    assert caught.value.code == "E101"
