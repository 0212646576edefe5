"""What stands between neurons becomes projections that compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.assemble import EntrySettings, assemble, assembly
from edge_dassdp.frontends.nodes import (
    Convolution,
    Delay,
    Entry,
    Exit,
    Flatten,
    Linear,
    Neurons,
    Node,
    Pooling,
    Scale,
)
from edge_dassdp.ir.geometry import Conv, Pool
from edge_dassdp.twin.model import FloatModel

RANDOM = np.random.default_rng(0)
LIF = {"beta": 0.5, "threshold": 1.0, "reset_delay": False, "looks_back": False}
SHAPE = (4, 9, 8)


def values(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape)


def conv(c_out: int, c_in: int, k: int = 3, bias: bool = True, **geometry: object) -> Convolution:
    weight = values(c_out, c_in // int(geometry.get("groups", 1)), k, k)  # type: ignore[call-overload]
    return Convolution(weight, values(c_out) if bias else None, Conv(**geometry))  # type: ignore[arg-type]


def pool(kind: str, k: int, stride: int, padding: int = 0) -> Pooling:
    return Pooling(kind, (k, k), (stride, stride), (padding, padding))  # type: ignore[arg-type]


def linear(n_out: int, n_in: int, bias: bool = True) -> Linear:
    return Linear(values(n_out, n_in), values(n_out) if bias else None)


def by_torch(node: Node, x: torch.Tensor) -> torch.Tensor:
    if isinstance(node, Linear):
        return F.linear(x.flatten(1), _tensor(node.weight), _tensor(node.bias))
    if isinstance(node, Convolution):
        return F.conv2d(x, _tensor(node.weight), _tensor(node.bias), node.conv.stride,
                        node.conv.padding, node.conv.dilation, node.conv.groups)
    if isinstance(node, Pooling):
        if node.kind == "max":
            return F.max_pool2d(x, node.kernel, node.stride, node.padding, node.dilation,
                                node.ceil_mode)
        factor = node.kernel[0] * node.kernel[1] if node.kind == "sum" else 1
        return factor * F.avg_pool2d(x, node.kernel, node.stride, node.padding)
    if isinstance(node, Scale):
        full = (-1, *(1,) * (x.ndim - 2)) if node.factor.ndim == 1 else node.factor.shape
        return x * _tensor(node.factor).reshape(full) + _tensor(node.shift).reshape(
            full if node.shift.size > 1 else (1,))
    assert isinstance(node, Flatten)
    return x.flatten(1)


def _tensor(array: np.ndarray | None) -> torch.Tensor | None:
    return None if array is None else torch.tensor(array)


def chained(*between: Node) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    nodes = {"in": Entry(SHAPE)} | {f"n{i}": node for i, node in enumerate(between)} \
        | {"exit": Exit()}
    names = list(nodes)
    return nodes, list(pairwise(names))


CHAINS: dict[str, Sequence[Node]] = {
    "conv": [conv(5, 4, stride=(2, 1), padding=(1, 2))],
    "grouped": [conv(8, 4, groups=2, dilation=(2, 1))],
    "depthwise": [conv(4, 4, groups=4)],
    "conv, average": [conv(5, 4, padding=(1, 1)), pool("avg", 2, 2)],
    "conv, overlapping sums": [conv(5, 4, stride=(2, 2), dilation=(2, 1)), pool("sum", 3, 1)],
    "conv, padded average": [conv(3, 4), pool("avg", 3, 2, 1)],
    "average, conv": [pool("avg", 2, 2), conv(5, 4)],
    "padded average, conv": [pool("avg", 3, 2, 1), conv(5, 4, padding=(1, 1))],
    "average, average": [pool("avg", 2, 1), pool("avg", 2, 2), linear(7, 4 * 4 * 3)],
    "average alone": [pool("avg", 3, 3)],
    "norm": [conv(5, 4), Scale(values(5), values(5)), Flatten(), linear(3, 5 * 7 * 6)],
    "norm before padded conv": [Scale(values(4), values(4)), conv(3, 4, padding=(1, 1))],
    "norm before grouped conv": [Scale(values(4)), conv(6, 4, groups=2)],
    "conv, conv": [conv(5, 4, stride=(2, 1)), conv(3, 5)],
    "conv, padded conv": [conv(5, 4), conv(3, 5, padding=(1, 1))],
    "grouped conv, conv": [conv(4, 4, groups=2), conv(3, 4)],
    "linear, linear": [Flatten(), linear(6, 4 * 9 * 8), linear(3, 6)],
    "per neuron": [Scale(values(*SHAPE)), linear(5, 4 * 9 * 8), Scale(values(5), values(5))],
    "per neuron, conv": [Scale(values(*SHAPE)), conv(3, 4)],
    "per neuron after conv": [conv(3, 4), Scale(values(3, 7, 6))],
    "max": [pool("max", 3, 2, 1), conv(3, 4)],
    "conv, max": [conv(5, 4), pool("max", 2, 2)],
    "conv, norm, overlapping max": [conv(5, 4, padding=(1, 1)), Scale(values(5), values(5)),
                                    pool("max", 3, 2, 1), Flatten()],
    "max, norm that turns nothing": [conv(5, 4), pool("max", 3, 1), Scale(
        np.abs(values(5)), values(5))],
    "dilated max past the end": [conv(6, 4, groups=2), Pooling(
        "max", (2, 3), (2, 3), (0, 1), (2, 1), ceil_mode=True)],
    "conv, average, max": [conv(5, 4), pool("avg", 2, 1), pool("max", 2, 2)],
    "average, conv, max": [pool("avg", 2, 1), conv(5, 4), pool("max", 2, 2)],
    "max of currents": [Scale(values(4), values(4)), pool("max", 2, 2)],
    "nothing but a scale": [Scale(np.full(1, 0.5))],
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_brings_the_same_current(name: str) -> None:
    """In one projection, of spikes and, but for maxima, of analogue values."""
    nodes, edges = chained(*CHAINS[name])
    spikes = RANDOM.random((6, *SHAPE)) < 0.3
    for x in (spikes.astype(float), values(6, *SHAPE)):
        is_spikes = bool((x == spikes).all())
        if name == "max" and not is_spikes:
            continue
        network = assemble(nodes, edges, n_steps=1,
                           entries={"in": EntrySettings(spikes=is_spikes)})
        assert len(network.projections) == 1
        assert network.readout.population == "out" and network.readout.kind == "membrane_sum"
        expected = torch.tensor(x)
        for node in CHAINS[name]:
            expected = by_torch(node, expected)
        trace = FloatModel(network).run(x.reshape(6, -1))
        np.testing.assert_allclose(trace.logits, expected.flatten(1).numpy(), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", ["conv, average", "conv, conv", "conv, overlapping sums"])
def test_convolutions_stay_convolutions(name: str) -> None:
    nodes, edges = chained(*CHAINS[name])
    (projection,) = assemble(nodes, edges, n_steps=1).projections
    assert projection.conv is not None and projection.pool is None


def test_sum_pooling_of_spikes_stays_a_pool() -> None:
    nodes, edges = chained(pool("avg", 2, 2), conv(3, 4))
    (projection,) = assemble(nodes, edges, n_steps=1).projections
    assert projection.pool == Pool("sum", (2, 2), (2, 2))
    assert isinstance(nodes["n1"], Convolution)
    np.testing.assert_array_equal(projection.weight, nodes["n1"].weight / 4)


def test_one_dimension() -> None:
    weight, bias = values(3, 2, 1, 5), values(3)
    nodes: dict[str, Node] = {"in": Entry((2, 11)), "out": Exit(), "lif": Neurons(LIF),
                              "conv": Convolution(weight, bias, Conv((1, 2), (0, 1)))}
    network = assemble(nodes, [("in", "conv"), ("conv", "lif"), ("lif", "out")], n_steps=1)
    assert network.populations[0].shape == (3, 5)
    x = values(4, 2, 11)
    expected = F.conv1d(torch.tensor(x), torch.tensor(weight[:, :, 0]), torch.tensor(bias), 2, 1)
    spikes = FloatModel(network).run(x.reshape(4, -1)).spikes["lif"][:, 0]
    np.testing.assert_array_equal(spikes, expected.flatten(1).numpy() > 1)


def test_sums_add_a_shared_bias_once() -> None:
    """Two ways into one Linear, a third past it."""
    a, b, last, past = linear(6, 5), linear(6, 5), linear(3, 6), linear(3, 5)
    nodes: dict[str, Node] = {"in": Entry(), "a": a, "b": b, "last": last, "past": past,
                              "lif": Neurons({"beta": 0.0, "threshold": 1.0, "reset": "none"}),
                              "out": Exit()}
    edges = [("in", "a"), ("in", "b"), ("a", "last"), ("b", "last"), ("in", "past"),
             ("last", "lif"), ("past", "lif"), ("lif", "out")]
    network = assemble(nodes, edges, n_steps=1)
    assert sorted(p.name for p in network.projections) == ["last", "last_2", "past"]
    x = torch.tensor(values(4, 5))
    expected = by_torch(last, by_torch(a, x) + by_torch(b, x)) + by_torch(past, x)
    np.testing.assert_allclose(FloatModel(network).run(x).logits, expected, rtol=1e-5, atol=1e-5)


def test_a_shared_linear_brings_its_bias_to_every_population() -> None:
    shared = linear(3, 5)
    none = {"beta": 0.0, "threshold": 1.0, "reset": "none"}
    nodes: dict[str, Node] = {"in": Entry(), "fc": shared, "a": Neurons(none), "b": Neurons(none),
                              "out": Exit()}
    network = assemble(nodes, [("in", "fc"), ("fc", "a"), ("fc", "b"), ("b", "out")], n_steps=1)
    assert [p.name for p in network.projections] == ["fc_to_a", "fc_to_b"]
    x = values(2, 5)
    trace = FloatModel(network).run(x)
    for name in ("a", "b"):
        np.testing.assert_allclose(trace.membranes[name][:, 0],
                                   by_torch(shared, torch.tensor(x)), rtol=1e-5, atol=1e-6)


def test_a_loop_hears_the_step_before_and_a_skip_the_same_step() -> None:
    fc, rec, skip = linear(4, 3, False), linear(4, 4, False), Linear(1 + values(2, 4) ** 2)
    nodes: dict[str, Node] = {"lif2": Neurons(LIF), "rec": rec, "in": Entry(), "fc": fc,
                              "lif1": Neurons(LIF), "skip": skip, "out": Exit()}
    edges = [("lif1", "rec"), ("rec", "lif1"), ("lif1", "skip"), ("skip", "lif2"),
             ("in", "fc"), ("fc", "lif1"), ("lif2", "out")]
    network = assemble(nodes, edges, n_steps=12,
                       entries={"in": EntrySettings(spikes=True, frames=True)})
    assert [p.name for p in network.populations] == ["lif1", "lif2"]
    x = (RANDOM.random((5, 12, 3)) < 0.5).astype(np.float32)
    trace = FloatModel(network).run(x.reshape(5, -1))
    s1, v1, v2 = np.zeros((5, 4)), np.zeros((5, 4)), np.zeros((5, 2))
    for t in range(12):
        v1 = 0.5 * v1 + x[:, t] @ fc.weight.T + s1 @ rec.weight.T
        s1 = (v1 > 1).astype(float)
        v1 -= s1
        v2 = 0.5 * v2 + s1 @ skip.weight.T
        s2 = (v2 > 1).astype(float)
        v2 -= s2
        np.testing.assert_array_equal(trace.spikes["lif1"][:, t], s1)
        np.testing.assert_array_equal(trace.spikes["lif2"][:, t], s2)
    assert trace.spikes["lif1"].any() and trace.spikes["lif2"].any()


def test_delays_add_up_and_stand_on_the_source() -> None:
    nodes: dict[str, Node] = {"in": Entry((3,)), "d": Delay(np.array([0, 1, 2])),
                              "e": Delay(np.array([2])), "fc": linear(2, 3), "out": Exit()}
    network = assemble(nodes, [("in", "d"), ("d", "e"), ("e", "fc"), ("fc", "out")], n_steps=8,
                       entries={"in": EntrySettings(spikes=True, frames=True)})
    assert network.projections[0].delay is not None
    assert network.projections[0].delay.tolist() == [2, 3, 4]


def test_neurons_wired_to_neurons_one_to_one() -> None:
    nodes: dict[str, Node] = {"in": Entry(SHAPE), "a": Neurons(LIF), "b": Neurons(LIF),
                              "f": Flatten(), "c": Neurons(LIF), "out": Exit()}
    network = assemble(nodes, [("in", "a"), ("a", "b"), ("b", "f"), ("f", "c"), ("c", "out")],
                       n_steps=1)
    assert [p.name for p in network.projections] == ["input_to_a", "a_to_b", "b_to_c"]
    assert all(p.weight.shape == (4, 1, 1, 1) for p in network.projections)
    x = np.full((1, 288), 1.5)
    assert FloatModel(network).run(x).spikes["a"].all()


def test_names_are_identifiers_and_the_readout_is_by_its_reset() -> None:
    nodes: dict[str, Node] = {"x.0": Entry(), "0": linear(3, 2), "lif-1": Neurons(LIF),
                              "lif.1": linear(4, 3), "input": Neurons(LIF), "out": Exit()}
    edges = [("x.0", "0"), ("0", "lif-1"), ("lif-1", "lif.1"), ("lif.1", "input"), ("input", "out")]
    network = assemble(nodes, edges, n_steps=1)
    assert [p.name for p in network.populations] == ["lif_1", "input_2"]
    assert [p.name for p in network.projections] == ["fc0", "lif_1_2"]
    assert network.inputs[0].name == "input" and network.readout.kind == "spike_count"


def test_the_order_of_edges_does_not_matter_but_a_given_order_of_neurons_does() -> None:
    """Two populations that excite each other: nearer to the input comes first."""
    nodes: dict[str, Node] = {"b": Neurons(LIF), "a": Neurons(LIF), "in": Entry((2,)),
                              "w": linear(2, 2), "u": linear(2, 2), "out": Exit()}
    edges = [("in", "a"), ("a", "w"), ("w", "b"), ("b", "u"), ("u", "a"), ("b", "out")]
    for turned in (edges, edges[::-1]):
        assert [p.name for p in assemble(nodes, turned, n_steps=1).populations] == ["a", "b"]
    network = assemble(nodes, edges, n_steps=1, order=["b", "a"])
    assert [p.name for p in network.populations] == ["b", "a"]


def test_weights_lead_back_to_their_nodes() -> None:
    first, second = conv(6, 4, groups=2), linear(3, 6 * 3 * 3)
    nodes, edges = chained(Scale(values(4)), first, Scale(values(6), values(6)), Neurons(LIF),
                           pool("avg", 2, 2), Flatten(), second)
    made = assembly(nodes, edges, n_steps=1)
    for name, node in (("n1", first), ("n6", second)):
        origin, weight = made.weight_of(name, made.network.projection(name).weight)
        assert origin == name
        np.testing.assert_allclose(weight, node.weight, rtol=1e-12)
    nodes, edges = chained(conv(3, 4), pool("avg", 2, 2))
    made = assembly(nodes, edges, n_steps=1)
    with pytest.raises(EdgeError, match="'n0'") as refused:
        made.weight_of("n0", made.network.projection("n0").weight)
    assert refused.value.code == "E102"


def _loop() -> tuple[dict[str, Node], list[tuple[str, str]]]:
    nodes, edges = chained(linear(3, 288), linear(3, 3), Neurons(LIF))
    return nodes, [*edges, ("n1", "n0")]


def _two_exits() -> tuple[dict[str, Node], list[tuple[str, str]]]:
    nodes, edges = chained(Neurons(LIF))
    return nodes | {"other": Exit()}, [*edges, ("n0", "other")]


def _two_last() -> tuple[dict[str, Node], list[tuple[str, str]]]:
    nodes, edges = chained(Neurons(LIF), Neurons(LIF))
    return nodes, [*edges, ("n0", "exit")]


def _unreached() -> tuple[dict[str, Node], list[tuple[str, str]]]:
    nodes, edges = chained(Neurons(LIF))
    return nodes | {"lost": Neurons(LIF), "w": linear(2, 2)}, \
        [*edges, ("lost", "w"), ("w", "lost")]


def _dangling() -> tuple[dict[str, Node], list[tuple[str, str]]]:
    nodes, edges = chained(Neurons(LIF))
    return nodes | {"w": linear(2, 288)}, [*edges, ("n0", "w")]


def _max_of_sum() -> tuple[dict[str, Node], list[tuple[str, str]]]:
    """Of two convolutions' results together."""
    nodes: dict[str, Node] = {"in": Entry(SHAPE), "a": conv(3, 4), "b": conv(3, 4),
                              "max": pool("max", 2, 2), "out": Exit()}
    return nodes, [("in", "a"), ("in", "b"), ("a", "max"), ("b", "max"), ("max", "out")]


REFUSED = {
    "loop": (_loop(), "E102", "the loop n0 -> n1 -> n0"),
    "two exits": (_two_exits(), "E102", "'exit', 'other'"),
    "two last": (_two_last(), "E102", "'n1' and 'n0'"),
    "unreached": (_unreached(), "E101", "'lost'"),
    "dangling": (_dangling(), "E101", "'w' leads nowhere"),
    "size": (chained(linear(3, 7)), "E101", "'n0': it takes 7 inputs, but 288"),
    "conv": (chained(conv(3, 5)), "E101", "'n0': .* 4 channels"),
    "flat": (chained(Flatten(), conv(3, 4)), "E101", "'n1': .*flattened"),
    "max, conv": (chained(conv(3, 4), pool("max", 2, 2), conv(2, 3, 2)), "E102",
                  "'n2': it stands behind max pooling of currents"),
    "max, matrix": (chained(conv(3, 4), pool("max", 2, 2), linear(5, 27)), "E102",
                    "'n2': it stands behind max pooling of currents"),
    "max, max": (chained(conv(3, 4), pool("max", 2, 2), pool("max", 2, 1)), "E102",
                 "'n2': it stands behind max pooling of currents"),
    "max of a matrix": (chained(conv(5, 4), conv(3, 5, padding=(1, 1)), pool("max", 2, 2)), "E102",
                        "'n2': .* no single convolution"),
    "max turned around": (chained(conv(3, 4), pool("max", 2, 2), Scale(np.array([1.0, -0.1, 2]))),
                          "E102", "'n2': .* factors below 0"),
    "max by places": (chained(conv(3, 4), pool("max", 2, 2), Scale(1 + values(3, 3, 3) ** 2)),
                      "E102", "'n2': .* differ from place to place"),
    "max of a border": (chained(Scale(values(4), values(4)), conv(3, 4, padding=(1, 1)),
                                pool("max", 2, 2)), "E102", "'n2': .* constants differ"),
    "max and constants": (chained(conv(3, 4), pool("max", 2, 2), Scale(
        np.ones(1), values(3, 3, 3))), "E102", "differs from place to place"),
    "max of a sum": (_max_of_sum(), "E102", "'max': it takes the largest of a sum"),
    "max of nothing": (chained(conv(3, 4), Pooling("max", (1, 2), (1, 1), (0, 5), (1, 11))), "E101",
                       "nothing but padding"),
    "delay of currents": (chained(Delay(np.array([1]))), "E102", "'n0': it delays analogue"),
    "neurons": (chained(Neurons(LIF, "lif", 5)), "E101", "'lif' has 5 neurons, but 288"),
    "threshold": (chained(Neurons(LIF | {"threshold": -1.0}, "lif")), "E101", "'lif': .*threshold"),
    "scale": (chained(Scale(np.ones(5))), "E101", "'n0': its factor has shape"),
    "twice": ((chained(Neurons(LIF))[0], chained(Neurons(LIF))[1] * 2), "E102", "twice"),
    "unknown": ((chained(Neurons(LIF))[0], [("in", "q")]), "E101", "'q', which is no node"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_node(name: str) -> None:
    (nodes, edges), code, text = REFUSED[name]
    with pytest.raises(EdgeError, match=text) as refused:
        assemble(nodes, edges, n_steps=4)
    assert refused.value.code == code


def test_a_matrix_of_no_end_is_refused() -> None:
    nodes: dict[str, Node] = {"in": Entry((2, 64, 64)), "a": conv(8, 2, padding=(1, 1)),
                              "b": conv(8, 8, padding=(1, 1)), "out": Exit()}
    with pytest.raises(EdgeError, match="8192 x 32768") as refused:
        assemble(nodes, [("in", "a"), ("a", "b"), ("b", "out")], n_steps=1)
    assert refused.value.code == "E102" and "neurons between" in refused.value.help
