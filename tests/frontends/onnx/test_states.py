"""Which input is a state, which a current of samples, and which comes back from an output."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from support import onnx_models

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.assemble import EntrySettings
from edge_dassdp.frontends.onnx import from_onnx
from edge_dassdp.ir import Encoder
from edge_dassdp.twin.model import FloatModel

N_STEPS = 14
FRAMES = EntrySettings(frames=True)
torch.set_num_threads(1)

RECURRENT = [(kind, all_to_all, reset, delay)
             for kind, all_to_all in itertools.product(("RLeaky", "RSynaptic"), (True, False))
             for reset, delay in onnx_models.RESETS if delay or kind == "RLeaky"]


@pytest.mark.parametrize(("kind", "all_to_all", "reset", "delay"), RECURRENT)
def test_snntorchs_recurrent_neurons(kind: str, all_to_all: bool, reset: str, delay: bool,
                                     tmp_path: Path) -> None:
    """Without a word about their spikes they are refused by name; with it they recur."""
    model = onnx_models.Feedback(kind, all_to_all, reset, delay)
    path, names = tmp_path / "step.onnx", ["x", "spk1", *(
        f"in{n}" for n in range(2, len(model.shapes)))]
    onnx_models.export(model, str(path), dynamo=False, names=names)
    with pytest.raises(EdgeError) as refused:
        from_onnx(path, n_steps=N_STEPS)
    assert refused.value.code in ("E102", "E106")
    assert "spk1" in str(refused.value) or "in2" in str(refused.value)
    network = from_onnx(path, n_steps=N_STEPS, frames=True, feedback={"spk1": "spk1_new"})
    assert [i.name for i in network.inputs] == ["input"]
    assert {(q.pre, q.post) for q in network.projections} == {
        ("input", "lif1"), ("lif1", "lif1"), ("lif1", "lif2")}
    x = onnx_models.frames((5,), analogue=True, seed=3, n_steps=N_STEPS)
    spikes, inner, *_ = onnx_models.run(model, x)
    ours = FloatModel(network).run(x.reshape(len(x), -1)).spikes
    assert inner.any()
    assert np.array_equal(ours["lif1"], inner) and np.array_equal(ours["lif2"], spikes)


# ---- graphs as text ------------------------------------------------------------------------------


def leaky(n: str, current: str, state: str) -> str:
    """Neurons n with values s<n> (spikes) and v<n> (the new state)."""
    return f"""
        q{n} = Greater({state}, theta)  r{n} = Cast<to=1>(q{n})  d{n} = Mul(beta, {state})
        a{n} = Add(d{n}, {current})  l{n} = Mul(r{n}, theta)  v{n} = Sub(a{n}, l{n})
        p{n} = Greater(v{n}, theta)  s{n} = Cast<to=1>(p{n})
        """


def text(tmp_path: Path, nodes: str, inputs: str, outputs: str) -> Path:
    """inputs and outputs: names, of 2 values each but x, which has 3."""
    typed = [", ".join(f"float[1,{3 if n == 'x' else 2}] {n}" for n in names.split())
             for names in (inputs, outputs)]
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 17]>
        step ({typed[0]}) => ({typed[1]})
        <float[3,2] w = {{1, -2, 3, 1, -1, 2}}, float[2,2] u = {{1, -1, 2, 1}},
         float beta = {{0.5}}, float theta = {{0.75}}> {{ {nodes} }}""")
    path = tmp_path / "step.onnx"
    path.write_bytes(model.SerializeToString())
    return path


TWO = "c1 = MatMul(x, w)" + leaky("1", "c1", "m1") + "c2 = MatMul(s1, u)" + leaky("2", "c2", "m2")
RECUR = "f = MatMul(x, w)  g = MatMul(back, u)  c1 = Add(f, g)" + leaky("1", "c1", "m1")


def test_states_that_come_out_in_another_order(tmp_path: Path) -> None:
    network = from_onnx(text(tmp_path, TWO, "x m1 m2", "v2 s2 v1"), n_steps=4)
    assert [(q.pre, q.post) for q in network.projections] == [("input", "lif1"), ("lif1", "lif2")]


def test_currents_and_spikes_that_are_returned_beside_what_is_read(tmp_path: Path) -> None:
    nodes = TWO + "again = Identity(s2)"
    network = from_onnx(text(tmp_path, nodes, "x m1 m2", "s2 v2 v1 c2 again s1 c1"), n_steps=4)
    assert [(q.pre, q.post) for q in network.projections] == [("input", "lif1"), ("lif1", "lif2")]


@pytest.mark.parametrize(("outputs", "feedback", "fed"), [
    ("s1 v1", {"back": "s1"}, {("input", "lif1"), ("lif1", "lif1")}),
    ("s1 back_new v1", {"back": "back_new"}, {("input", "lif1"), ("lif1", "lif1")}),
])
def test_spikes_that_are_read_and_come_back(tmp_path: Path, outputs: str,
                                            feedback: dict[str, str],
                                            fed: set[tuple[str, str]]) -> None:
    nodes = RECUR + "back_new = Identity(s1)"
    path = text(tmp_path, nodes, "x back m1", outputs)
    network = from_onnx(path, n_steps=4, feedback=feedback)
    assert {(q.pre, q.post) for q in network.projections} == fed


def test_two_inputs_of_samples_are_named_by_who_has_them(tmp_path: Path) -> None:
    path = text(tmp_path, RECUR, "x back m1", "s1 v1")
    network = from_onnx(path, n_steps=4, entries={"x": FRAMES, "back": FRAMES})
    assert [i.name for i in network.inputs] == ["x", "back"]


def test_which_of_two_equal_inputs_holds_samples(tmp_path: Path) -> None:
    """v = u + m: either could be the state."""
    nodes = "v = Add(m, y)  p = Greater(v, theta)  s = Cast<to=1>(p)"
    path = text(tmp_path, nodes, "y m", "s v")
    with pytest.raises(EdgeError, match="'m' or 'y'") as refused:
        from_onnx(path, n_steps=4)
    assert refused.value.code == "E106"
    assert from_onnx(path, n_steps=4, entries={"y": FRAMES}).inputs[0].size == 2


def test_the_head_that_is_named_is_read(tmp_path: Path) -> None:
    nodes = TWO + "one = MatMul(s2, u)  other = MatMul(s1, w2)".replace("w2", "u")
    path = text(tmp_path, nodes, "x m1 m2", "one other v1 v2")
    with pytest.raises(EdgeError, match="2 values could be what the network is read"):
        from_onnx(path, n_steps=4)
    for output, pre in (("one", "lif2"), ("other", "lif1")):
        network = from_onnx(path, n_steps=4, output=output)
        assert [q.pre for q in network.projections if q.post == network.readout.population] == [pre]


REFUSED = {
    "an input that nothing is said of": (RECUR, "x back m1", "s1 v1", "E106", "'back'"),
    "a state that two neurons share": (
        "c1 = MatMul(x, w)" + leaky("1", "c1", "m1") + "c2 = MatMul(s1, u)"
        + leaky("2", "c2", "m1"), "x m1", "s2 v1 v2", "E102", "m1"),
    "a state beside weights": (
        "f = MatMul(x, w)  g = MatMul(m1, u)  c1 = Add(f, g)" + leaky("1", "c1", "m1"),
        "x m1", "s1 v1", "E102", "x, m1 none comes back"),
    "a state that does not come out": (TWO, "x m1 m2", "s2 v2", "E106", "'m1'"),
    "a value that is no state": (TWO, "x m1 m2", "s2 v2 v1 a1", "E102", "output 'a1' is neither"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_left_over_is_named(case: str, tmp_path: Path) -> None:
    nodes, inputs, outputs, code, words = REFUSED[case]
    with pytest.raises(EdgeError) as refused:
        from_onnx(text(tmp_path, nodes, inputs, outputs), n_steps=4)
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)
    assert refused.value.help


def test_settings_that_entries_hold_are_not_given_twice(tmp_path: Path) -> None:
    path = text(tmp_path, TWO, "x m1 m2", "s2 v2 v1")
    with pytest.raises(EdgeError, match="entries are given") as refused:
        from_onnx(path, n_steps=4, spikes=True, entries={"x": FRAMES})
    assert refused.value.code == "E105"
    for how in ({"entries": {"z": FRAMES}}, {"feedback": {"z": "s1"}}):
        with pytest.raises(EdgeError, match="no input 'z'"):
            from_onnx(path, n_steps=4, **how)


def test_an_input_that_reaches_nothing_is_given_nothing(tmp_path: Path) -> None:
    path = text(tmp_path, TWO, "x m1 m2 spk1", "s2 v2 v1 s1")
    for how in ({"entries": {"x": FRAMES, "spk1": FRAMES}}, {"feedback": {"spk1": "s1"}}):
        with pytest.raises(EdgeError, match=r"E105.*nothing takes input 'spk1'"):
            from_onnx(path, n_steps=4, **how)


def test_spikes_that_come_back_without_a_matrix_may_be_a_state(tmp_path: Path) -> None:
    """v = (m / 2 + x) + 3 / 4 back, of neurons that do not reset: m could be a synaptic current."""
    nodes = """c = MatMul(x, w)  b = Mul(back, theta)  d = Mul(beta, m)  e = Add(d, c)
        v = Add(e, b)  p = Greater(v, theta)  s = Cast<to=1>(p)"""
    path = text(tmp_path, nodes, "x m back", "s v")
    with pytest.raises(EdgeError, match="if 'back' and 'm' are states of one neuron") as refused:
        from_onnx(path, n_steps=4)
    assert refused.value.code == "E102"
    assert "--feedback" in refused.value.help and "--entry" in refused.value.help
    network = from_onnx(path, n_steps=4, feedback={"back": "s"})
    assert {(q.pre, q.post) for q in network.projections} == {("input", "out"), ("out", "out")}


def test_frames_that_an_encoder_does_not_take(tmp_path: Path) -> None:
    path = text(tmp_path, TWO, "x m1 m2", "s2 v2 v1")
    for how, frames in (({"encoder": Encoder("latency")}, True), ({"n_events": 5}, False)):
        with pytest.raises(EdgeError, match="leave the setting of frames out") as refused:
            from_onnx(path, n_steps=4, spikes=True, frames=frames, **how)
        assert refused.value.code == "E105"
        assert from_onnx(path, n_steps=4, spikes=True, **how).inputs[0].is_coded
