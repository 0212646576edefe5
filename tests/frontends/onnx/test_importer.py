"""The ONNX importer against snnTorch's own run, on files that both of PyTorch's exporters wrote.

tests/data/onnx/make.py made the files of the networks in tests/onnx_models.py, whose sums of
currents are exact: spikes and membranes are compared to the last bit. Other graphs are written as
ONNX text here.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from support import onnx_models

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.onnx import from_onnx
from edge_dassdp.ir import Network
from edge_dassdp.twin.model import FloatModel

FILES = Path(__file__).parent / "files"
N_STEPS = 14
torch.set_num_threads(1)


def file_of(kind: type[onnx_models.Step], reset: str, delay: bool, exporter: str) -> Path:
    return FILES / f"{kind.__name__.lower()}_{reset}{'' if delay else '_at_once'}.{exporter}.onnx"


VARIANTS = [pytest.param(*how, exporter, id=f"{how[0]}-{'later' if how[1] else 'once'}-{exporter}")
            for how, exporter in itertools.product(onnx_models.RESETS, ("older", "dynamo"))
            if exporter == "older" or how[1]]


def feedback(path: Path) -> dict[str, str]:
    """Of `Recurrent`: its spikes are the second and the fourth of its inputs and outputs."""
    graph = onnx.load(path).graph
    return {graph.input[n].name: graph.output[n].name for n in (1, 3)}


def compare(model: onnx_models.Step, network: Network, analogue: bool) -> tuple[int, float]:
    """Asserts equal spikes and membranes; how often a membrane met its threshold, and the largest
    difference of membranes."""
    x = onnx_models.frames(model.shapes[0], analogue=analogue, seed=1, n_steps=N_STEPS)
    outputs = onnx_models.run(model.eval(), x)
    trace = FloatModel(network).run(x.reshape(len(x), -1))
    spikes, *states = (v.reshape(len(x), N_STEPS, -1) for v in outputs)
    assert np.array_equal(trace.spikes[network.populations[-1].name], spikes)
    place, ties, difference = -1, 0, 0.0
    for population, n_states in zip(network.populations, model.neurons, strict=True):
        place += n_states
        assert trace.spikes[population.name].any() or population.name == "out"
        ties += int((states[place] == population.threshold.astype(np.float32)).sum())
        apart = np.abs(trace.membranes[population.name] - states[place])
        difference = max(difference, float(apart.max()))
    return ties, difference


@pytest.mark.parametrize(("reset", "delay", "exporter"), VARIANTS)
@pytest.mark.parametrize("kind", [onnx_models.Volume, onnx_models.Chain])
def test_spikes_and_membranes_are_those_of_snntorch(kind, reset, delay, exporter):
    path = file_of(kind, reset, delay, exporter)
    network = from_onnx(path, n_steps=N_STEPS, frames=True)
    for analogue in (False, True):
        ties, difference = compare(kind(reset, delay), network, analogue)
        assert difference == 0
        assert ties > 0 or (kind is onnx_models.Chain and analogue)
    assert {p.reset for p in network.populations} <= {reset, "none"}
    if reset != "none":
        assert network.populations[0].reset_delay is delay


@pytest.mark.parametrize(("reset", "delay", "exporter"), VARIANTS)
def test_fed_back_spikes_are_recurrent_projections(reset, delay, exporter):
    path = file_of(onnx_models.Recurrent, reset, delay, exporter)
    network = from_onnx(path, n_steps=N_STEPS, spikes=True, frames=True, feedback=feedback(path))
    last = network.populations[-1].name
    assert {(p.pre, p.post) for p in network.projections} == {
        ("input", "lif1"), ("lif1", "lif1"), ("lif1", last), (last, last)}
    _, difference = compare(onnx_models.Recurrent(reset, delay), network, analogue=False)
    assert difference < 1e-6


def test_what_comes_out_of_a_file():
    network = from_onnx(FILES / "volume_subtract.dynamo.onnx", n_steps=5, spikes=True, frames=True)
    assert network.inputs[0].shape == (2, 6, 6) and network.inputs[0].n_frames == 5
    assert [p.name for p in network.populations] == ["lif1", "lif2", "lif3", "out"]
    assert network.readout.kind == "membrane_sum"
    conv1, conv2, fc1, _ = network.projections
    assert conv1.conv is not None and conv1.weight.shape == (3, 2, 3, 3)
    assert conv2.conv is not None and conv2.pool is not None and conv2.pool.kind == "sum"
    assert fc1.pool is not None and fc1.pool.kind == "max"
    lif1, _, lif3, out = network.populations
    assert np.array_equal(lif1.beta, np.repeat([0.5, 0.75, 1.0], 36))
    assert lif3.alpha is not None and (lif3.alpha == 0.5).all() and (lif3.beta == 0.75).all()
    assert out.reset == "none" and not out.beta.any()


# ---- structure, not names ------------------------------------------------------------------------


def same_network(a: Network, b: Network) -> bool:
    """But for names."""
    return all(
        p.equation == q.equation and p.shape == q.shape
        for p, q in zip(a.populations, b.populations, strict=True)
    ) and all(
        np.array_equal(p.weight, q.weight) and p.conv == q.conv and p.pool == q.pool
        for p, q in zip(a.projections, b.projections, strict=True))


@pytest.mark.parametrize("name", ["chain_zero.dynamo", "chain_subtract_at_once.older"])
def test_names_and_the_order_of_inputs_and_outputs_play_no_part(name, tmp_path):
    model = onnx.load(FILES / f"{name}.onnx")
    graph = model.graph
    values = {v for node in graph.node for v in (*node.input, *node.output) if v}
    called = {v: f"v{number}" for number, v in enumerate(sorted(values, key=hash))}
    for node in graph.node:
        node.name = ""
        node.input[:] = [called.get(v, v) for v in node.input]
        node.output[:] = [called.get(v, v) for v in node.output]
    for value in (*graph.initializer, *graph.input, *graph.output):
        value.name = called.get(value.name, value.name)
    del graph.value_info[:]
    for ends in (graph.input, graph.output):
        backward = [type(v).FromString(v.SerializeToString()) for v in reversed(ends)]
        del ends[:]
        ends.extend(backward)
    onnx.save(model, tmp_path / "renamed.onnx")
    assert same_network(from_onnx(tmp_path / "renamed.onnx", n_steps=9),
                        from_onnx(FILES / f"{name}.onnx", n_steps=9))


CURRENT = "c = MatMul(x, w)"
LEAKY = """
    r0 = Sub(m, theta)  r1 = Greater(r0, zero)  r = Cast<to=1>(r1)
    decayed = Mul(beta, m)  sum = Add(decayed, c)  late = Mul(r, theta)  n = Sub(sum, late)
    s0 = Sub(n, theta)  s1 = Greater(s0, zero)  s = Cast<to=1>(s1)
"""


def text(tmp_path: Path, nodes: str, *, x: str = "float[1,3] x", m: str = "float[1,2] m",
         outputs: str = "float[1,2] s, float[1,2] n", theta: str = "0.5", more: str = "",
         opset: int = 17) -> Path:
    """A file of nodes with a weight w (3, 2), a bias b (2,) and the constants of neurons."""
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : {opset}, "other" : 1]>
        step ({x}, {m}) => ({outputs})
        <float[3,2] w = {{1, 2, 3, 4, 5, 6}}, float[2] b = {{0.5, -1}}, float beta = {{0.25}},
         float theta = {{{theta}}}, float zero = {{0}}, float one = {{1}} {more}>
        {{ {nodes} }}""")
    path = tmp_path / "step.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_other_ways_to_write_the_same_neuron(tmp_path):
    plain = from_onnx(text(tmp_path, "c = MatMul(x, w)" + LEAKY), n_steps=4)
    other = from_onnx(text(tmp_path, """
        t = Identity(theta)  g = Unsqueeze(beta, axis)  c = Gemm(x, w)
        r = Less(t, m)  shown = Where(r, t, zero)  a = Mul(m, g)  d = Sub(c, shown)
        e = Add(a, c)  n = Sub(e, shown)  s1 = Greater(n, t)  s = Cast<to=1>(s1)
        """, more=", int64[1] axis = {0}"), n_steps=4)
    assert same_network(plain, other)
    assert plain.populations[0].equation == "v = 0.25*v + i - 0.5*r; s = [v > 0.5]"


def test_the_comparison_is_read(tmp_path):
    at = LEAKY.replace("Greater", "GreaterOrEqual")
    network = from_onnx(text(tmp_path, "c = MatMul(x, w)" + at), n_steps=4)
    assert not network.populations[0].strict


def test_leaks_are_clamped_and_biases_found(tmp_path):
    nodes = ("high = Add(beta, one)  clamped = Clip(high, zero, one)  "
             "f = MatMul(x, w)  c = Add(f, b)")
    network = from_onnx(text(tmp_path, nodes + LEAKY.replace("beta", "clamped")), n_steps=4)
    assert (network.populations[0].beta == 1).all()
    assert np.array_equal(network.projections[0].bias, [0.5, -1])


def test_a_dynamic_batch_and_a_skip(tmp_path):
    nodes = "f = MatMul(x, w)  g = Mul(f, half)  c = Add(f, g)" + LEAKY
    path = text(tmp_path, nodes, x="float[batch,3] x", m="float[batch,2] m",
                outputs="float[batch,2] s, float[batch,2] n", more=", float half = {0.5}")
    network = from_onnx(path, n_steps=4)
    assert np.allclose(sum(p.weight for p in network.projections),
                       1.5 * np.arange(1, 7).reshape(3, 2))


def test_an_input_without_weights_is_told_from_a_state(tmp_path):
    network = from_onnx(text(tmp_path, LEAKY.replace("c)", "x)"), x="float[1,2] x"), n_steps=4)
    assert network.populations[0].equation == "v = 0.25*v + i - 0.5*r; s = [v > 0.5]"
    assert network.inputs[0].size == 2


def test_an_input_that_is_made_a_volume(tmp_path):
    nodes = "k = Reshape(x, volume)  f = Conv(k, kernel)  g = Flatten(f)  c = MatMul(g, w)"
    path = text(tmp_path, nodes + LEAKY, x="float[1,8] x",
                more=", int64[4] volume = {1, 2, 2, 2}, float[3,2,2,2] kernel = "
                     f"{{{', '.join(str(n) for n in range(24))}}}")
    network = from_onnx(path, n_steps=4)
    assert network.inputs[0].shape == (2, 2, 2)
    kernel = np.arange(24).reshape(3, 8)
    assert np.array_equal(network.projections[0].weight,
                          kernel.T @ np.arange(1, 7).reshape(3, 2))


def test_one_dimension_and_a_global_mean(tmp_path):
    nodes = "f = Conv<pads=[1, 1]>(x, kernel)  k = GlobalAveragePool(f)  c = Flatten(k)"
    path = text(tmp_path, nodes + LEAKY, x="float[1,1,4] x",
                more=", float[2,1,3] kernel = {1, 2, 3, 4, 5, 6}")
    network = from_onnx(path, n_steps=4)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (5, 4)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (1, 1)))
    kernel = np.arange(1, 7).reshape(2, 3)
    sums = np.stack([padded[:, k : k + 4].sum(1) for k in range(3)], 1) @ kernel.T / 4
    assert np.allclose(FloatModel(network).run(x).membranes["lif1"][:, 0], sums)


def test_a_network_that_ends_in_weights_is_read_by_them(tmp_path):
    nodes = "c = MatMul(x, w)" + LEAKY + "y = MatMul(s, u)"
    path = text(tmp_path, nodes, outputs="float[1,1] y, float[1,2] n",
                more=", float[2,1] u = {1, 2}")
    network = from_onnx(path, n_steps=4)
    assert [p.name for p in network.populations] == ["lif1", "out"]
    assert network.readout.kind == "membrane_sum"


def test_spikes_of_another_height_are_weights(tmp_path):
    nodes = CURRENT + LEAKY + "high = Mul(s, theta)  y = MatMul(high, u)"
    path = text(tmp_path, nodes, outputs="float[1,1] y, float[1,2] n",
                more=", float[2,1] u = {1, 2}")
    assert np.array_equal(from_onnx(path, n_steps=4).projections[1].weight, [[0.5], [1.0]])


# ---- refusals ------------------------------------------------------------------------------------

CASES = {
    "an operation that is not known": (
        "f = MatMul(x, w)  c = Tanh(f)" + LEAKY, {}, "E102", "(Tanh) is of a kind"),
    "an operation behind the neurons": (
        CURRENT + LEAKY + "y = Softmax(s)", {"outputs": "float[1,2] y, float[1,2] n"}, "E102",
        "(Softmax) is of a kind"),
    "a membrane that does not come out": (
        CURRENT + LEAKY, {"outputs": "float[1,2] s"}, "E102",
        "'m' has no output to pair with"),
    "a state beside another that does not come out": (
        CURRENT + "decay = Mul(i, beta)  cur = Add(decay, c)" + LEAKY.replace("c)", "cur)"),
        {"m": "float[1,2] m, float[1,2] i"}, "E102", "'i' has no output to pair with"),
    "something from inside": (
        CURRENT + LEAKY, {"outputs": "float[1,2] s, float[1,2] n, float[1,2] sum"}, "E102",
        "output 'sum' is neither spikes nor a new state"),
    "another neuron": (
        CURRENT + LEAKY.replace("late = Mul(r, theta)", "late = Mul(r, one)"), {}, "E102",
        "no equation gives the same"),
    "two ends": (
        CURRENT + LEAKY + "y = MatMul(s, u)  z = Neg(y)  o = MatMul(s, u)",
        {"outputs": "float[1,1] z, float[1,1] o, float[1,2] n",
         "more": ", float[2,1] u = {1, 2}"}, "E102", "2 values could be what the network is read"),
    "a threshold that is not positive": (
        CURRENT + LEAKY, {"theta": "-0.5"}, "E102", "no equation gives the same"),
    "a leak of more than one": (
        CURRENT + LEAKY.replace("beta", "b"), {}, "E102", "no equation gives the same"),
    "a membrane that leads on": (
        CURRENT + LEAKY + "y = MatMul(n, u)",
        {"outputs": "float[1,1] y, float[1,2] s, float[1,2] n", "more": ", float[2,1] u = {1, 2}"},
        "E102", "no equation gives the same"),
    "a largest of currents without neurons behind": (
        "y = MaxPool<kernel_shape=[2]>(x)  flat = Flatten(y)  c = MatMul(flat, w)" + LEAKY,
        {"x": "float[1,3,2] x"}, "E102", "stands behind max pooling of currents"),
    "a dynamic shape": (
        CURRENT + LEAKY, {"x": "float[1,n] x"}, "E102", "input 'x' has a dynamic shape"),
    "a batch": (
        CURRENT + LEAKY, {"x": "float[4,3] x"}, "E102", "expected a batch of one"),
    "no batch": (
        CURRENT + LEAKY, {"x": "float[3] x"}, "E102", "expected a batch of one"),
    "a shape that depends on data": (
        "where = NonZero(x)  f = Cast<to=1>(where)  h = Transpose(f)  g = MatMul(h, b)  "
        "k = MatMul(x, w)  c = Add(k, g)" + LEAKY, {}, "E102", "(NonZero)"),
    "numbers of another type": (
        CURRENT + LEAKY, {"m": "double[1,2] m"}, "E102", "input 'm' is not of float32"),
    "weights that are no numbers": (
        "f = MatMul(x, w)  c = Mul(f, bad)" + LEAKY, {"more": ", float bad = {nan}"}, "E101",
        "constant 'bad' holds a NaN"),
    "a quotient by zero": (
        "f = MatMul(x, w)  bad = Div(one, zero)  c = Mul(f, bad)" + LEAKY, {}, "E101",
        "holds a NaN or an infinity"),
    "a random number": (
        "f = MatMul(x, w)  bad = RandomNormal<shape=[1]>()  c = Mul(f, bad)" + LEAKY, {}, "E102",
        "(RandomNormal) makes a constant in a way"),
    "control flow": (
        "c = If (yes) <then_branch = a () => (float[1,2] p) { p = MatMul(x, w) }, "
        "else_branch = e () => (float[1,2] q) { q = MatMul(x, w) }>" + LEAKY,
        {"more": ", bool yes = {1}"}, "E102", "(If) makes what is computed depend on data"),
    "foreign operators": (
        "c = other.Current(x, w)" + LEAKY, {}, "E102", "the operators 'other'"),
    "an old opset": (CURRENT + LEAKY, {"opset": 12}, "E102", "is of opset 12"),
    "uneven padding": (
        "k = Conv<pads=[1, 0]>(x, kernel)  flat = Flatten(k)  c = MatMul(flat, w)" + LEAKY,
        {"x": "float[1,1,3] x", "more": ", float[1,1,2] kernel = {1, 2}"}, "E102",
        "pads its sides by different numbers"),
    "windows past the end": (
        "p = AveragePool<kernel_shape=[2], strides=[2], ceil_mode=1>(x)  flat = Flatten(p)  "
        "c = MatMul(flat, w)" + LEAKY, {"x": "float[1,1,5] x"}, "E102", "(ceil_mode)"),
    "sizes that do not fit": (
        CURRENT + LEAKY, {"x": "float[1,4] x"}, "E101", "do not fit"),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_by_name_with_what_to_do(case, tmp_path):
    nodes, how, code, message = CASES[case]
    path = text(tmp_path, nodes, **how)
    with pytest.raises(EdgeError) as caught:
        from_onnx(path, n_steps=4)
    assert caught.value.code == code
    assert message in str(caught.value)
    assert caught.value.help or code == "E101"


def test_names_that_do_not_exist(tmp_path):
    path = text(tmp_path, CURRENT + LEAKY)
    for how in ({"output": "z"}, {"feedback": {"z": "s"}}, {"feedback": {"x": "n"}}):
        with pytest.raises(EdgeError) as caught:
            from_onnx(path, n_steps=4, **how)
        assert caught.value.code == "E105"
        assert "choose one of" in caught.value.help


def test_spikes_that_are_not_returned_cannot_be_counted(tmp_path):
    nodes = CURRENT + "a = Mul(beta, m)  n = Add(a, c)"
    path = text(tmp_path, nodes, outputs="float[1,2] n")
    assert from_onnx(path, n_steps=4).readout.kind == "membrane_sum"
    with pytest.raises(EdgeError, match="not returned"):
        from_onnx(path, n_steps=4, readout="spike_count")


def test_without_onnx(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(EdgeError) as caught:
        from_onnx(tmp_path / "step.onnx", n_steps=4)
    assert caught.value.code == "E303"
    assert "edge-dassdp[onnx]" in caught.value.help
