"""NIR graphs in, networks out, and learned weights back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from support.nir_graphs import BRAILLE, CNN, NIR, RANDOM, SNNTORCH, chain, graph, lif, values
from torch.nn import functional as F  # noqa: N812

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.nir import SourceProfile, from_nir, node_of, to_nir
from edge_dassdp.ir import Encoder, Network
from edge_dassdp.twin.model import FloatModel


def equations(network: Network) -> list[str]:
    return [p.equation for p in network.populations]


def same(a: Network, b: Network) -> bool:
    """Of names, equations and weights."""
    return [p.name for p in a.populations] == [p.name for p in b.populations] \
        and equations(a) == equations(b) and [p.name for p in a.projections] == [
            p.name for p in b.projections] and all(
            np.array_equal(p.weight, q.weight) for p, q in zip(a.projections, b.projections,
                                                               strict=True))


# ---- the published files -------------------------------------------------------------------------


def test_the_convolutional_file() -> None:
    network = from_nir(CNN, n_steps=300, profile="sinabs", n_events=4000, counts=True)
    assert [(p.name, p.shape) for p in network.populations] == [
        ("pop1", (16, 16, 16)), ("pop3", (16, 16, 16)), ("pop6", (8, 8, 8)), ("pop10", (256,)),
        ("pop12", (10,))]
    assert set(equations(network)) == {
        "v = 1*v + i; s = floor(v/1) where v >= 1; v -= s*1; v = max(v, -1)"}
    assert [p.name for p in network.projections] == ["conv0", "conv2", "conv5", "fc9", "fc11"]
    assert all(p.bias is None for p in network.projections)
    assert network.inputs[0].shape == (2, 34, 34) and network.inputs[0].counts
    assert network.readout.kind == "spike_count" and network.readout.population == "pop12"


def test_the_recurrent_file() -> None:
    network = from_nir(BRAILLE, n_steps=256, profile=SNNTORCH)
    assert equations(network) == [
        "i = 0.55*i + x; v = 0.9*v + i; s = [v > 1]; v = 0 where s",
        "i = 0.5*i + x; v = 0.55*v + i; s = [v > 1]; v = 0 where s"]
    assert (network.populations[0].beta.astype(np.float32) == np.float32(0.9)).all()
    assert [(p.name, p.pre, p.post) for p in network.projections] == [
        ("fc1", "input", "lif1_lif"), ("lif1_w_rec", "lif1_lif", "lif1_lif"),
        ("fc2", "lif1_lif", "lif2")]


def test_a_file_without_a_profile_lists_what_each_would_make_of_it() -> None:
    with pytest.raises(EdgeError, match=r"'lif1\.lif' \(CubaLIF\)") as refused:
        from_nir(BRAILLE, n_steps=1)
    assert refused.value.code == "E106"
    for line in ("snntorch,reset=subtract,reset_delay=true: i = 0.55*i + x; v = 0.9*v + i - 1*r; "
                 "s = [v > 1]",
                 f"{SNNTORCH}: i = 0.55*i + x; v = 0.9*v + i; s = [v > 1]; v = 0 where s",
                 "spikingjelly: i = 0.55*i + x; v = 0.9*v + i; s = [v >= 1]; v = 0 where s"):
        assert line in refused.value.help


@pytest.mark.parametrize(("profile", "missing", "choices"), [
    ("snntorch", "how its neurons reset", ["subtract", "zero", "none"]),
    ("snntorch,reset=subtract", "at once", ["reset_delay=true", "reset_delay=false"]),
    ("norse", "its dt", ["dt=0.001"]), ("sinabs", "norm_input", ["norm_input=true", "false"]),
    ("nir", "its dt", ["dt=0.001", "dt=0.0001"])])
def test_half_a_profile_says_what_is_missing(profile: str, missing: str,
                                             choices: list[str]) -> None:
    with pytest.raises(EdgeError, match=missing) as refused:
        from_nir(chain((3,), lif(3, tau=2.0 if profile == "sinabs" else 0.01, r=1.0)), n_steps=1,
                 profile=profile)
    assert refused.value.code == "E106"
    assert all(choice in refused.value.help for choice in choices)


def test_profiles_are_written_as_they_are_read() -> None:
    for text in ("sinabs", "norse,dt=1e-06", SNNTORCH, "sinabs,norm_input=true,max_spikes=1"):
        assert str(SourceProfile.parse(text)) == text
    for wrong in ("brian", "norse,dt=0", "norse,dt=x", "norse,tau=1", "snntorch,reset=soft",
                  "norse,max_spikes=1"):
        with pytest.raises(EdgeError) as refused:
            SourceProfile.parse(wrong)
        assert refused.value.code == "E105"


# ---- neurons -------------------------------------------------------------------------------------


def test_every_kind_by_the_definition_of_nir() -> None:
    """Exact for inputs that stay for a step; against the closed form, step by step."""
    n, dt, ones = 4, 1e-3, np.ones(4)
    a, b = np.exp(-dt / 0.01), np.exp(-dt / 0.005)
    kinds = {
        "LIF": (lif(n, v_leak=0.1, v_reset=-0.2), a, 2 * (1 - a), 0.1 * (1 - a), None),
        "IF": (nir.IF(300 * ones, 0.5 * ones, -0.2 * ones), 1.0, 0.3, 0.0, None),
        "CubaLIF": (nir.CubaLIF(0.005 * ones, 0.01 * ones, 2 * ones, 0.1 * ones, 0.5 * ones,
                                -0.2 * ones, 3 * ones), a, 2 * (1 - a) * 3 * (1 - b),
                    0.1 * (1 - a), b),
        "LI": (nir.LI(0.01 * ones, 2 * ones, 0.1 * ones), a, 2 * (1 - a), 0.1 * (1 - a), None),
        "CubaLI": (nir.CubaLI(0.005 * ones, 0.01 * ones, 2 * ones, 0.1 * ones, 3 * ones), a,
                   2 * (1 - a) * 3 * (1 - b), 0.1 * (1 - a), b),
        "I": (nir.I(300 * ones), 1.0, 0.3, 0.0, None),
        "Threshold": (nir.Threshold(0.5 * ones), 0.0, 1.0, 0.0, None),
    }
    x = RANDOM.uniform(-1, 3, (3, 20, n))
    for kind, (node, beta, gain, bias, alpha) in kinds.items():
        network = from_nir(chain((n,), node), n_steps=20, spikes=False,
                           profile=None if kind == "Threshold" else NIR)
        trace = FloatModel(network).run(x.reshape(3, -1))
        fires = kind in ("LIF", "IF", "CubaLIF", "Threshold")
        assert network.readout.kind == ("spike_count" if fires else "membrane_sum")
        v, i = np.zeros((3, n)), np.zeros((3, n))
        for t in range(20):
            i = gain * x[:, t] + (alpha * i if alpha else 0)
            v = beta * v + i + bias
            s = v > 0.5
            if fires and kind != "Threshold":
                v = np.where(s, -0.2, v)
            np.testing.assert_allclose(trace.membranes["n0"][:, t], v, atol=1e-5, err_msg=kind)
            if fires:
                np.testing.assert_array_equal(trace.spikes["n0"][:, t], s)


@pytest.mark.parametrize(("profile", "node", "equation"), [
    ("snntorch,reset=subtract,reset_delay=true", lif(3, tau=1e-3, r=10),
     "v = 0.9*v + i - 0.5*r; s = [v > 0.5]"),
    ("snntorch,reset=none", lif(3, tau=1e-3, r=10), "v = 0.9*v + i; s = [v > 0.5]"),
    ("snntorch,reset=none", lif(3, tau=1e-3, r=5), "v = 0.9*v + 0.5*i; s = [v > 0.5]"),
    ("norse,dt=0.001", lif(3, r=1, v_leak=0.2),
     "v = 0.9*v + 0.1*i + 0.02; s = [v > 0.5]; v = 0 where s; v starts at 0.2"),
    ("norse,dt=0.001,reset=subtract", lif(3, r=1),
     "v = 0.9*v + 0.1*i; s = [v > 0.5]; v -= s*0.5"),
    ("sinabs,norm_input=true", lif(3, tau=10, r=1),
     "v = 0.9048*v + 0.09516*i; s = floor(v/0.5) where v >= 0.5; v -= s*0.5"),
    ("sinabs,norm_input=false,max_spikes=1", lif(3, tau=10, r=1),
     "v = 0.9048*v + i; s = [v >= 0.5]; v -= s*0.5"),
    ("spikingjelly", lif(3, tau=2e-4, r=1, v_leak=0.1, v_reset=0.1),
     "v = 0.5*v + 0.5*i + 0.05; s = [v >= 0.5]; v = 0.1 where s; v starts at 0.1"),
    ("spikingjelly", lif(3, tau=2e-4, r=2), "v = 0.5*v + i; s = [v >= 0.5]; v = 0 where s"),
    ("rockpool", lif(3, tau=0.01, r=10 * np.exp(-0.1)),
     "v = 0.9048*v + i; s = floor(v/0.5) where v >= 0.5; v -= s*0.5"),
])
def test_what_every_framework_means(profile: str, node: nir.LIF, equation: str) -> None:
    network = from_nir(chain((3,), nir.Linear(values(3, 3)), node), n_steps=1, profile=profile)
    assert equations(network) == [equation]


def test_what_a_framework_does_not_write_is_refused() -> None:
    for profile, node in (("snntorch,reset=none", lif(3, v_leak=0.1)),
                          ("norse,dt=0.001", lif(3, r=2)), ("sinabs,norm_input=true", lif(3, r=2)),
                          ("spikingjelly", lif(3, r=0.5)), ("rockpool", lif(3, v_leak=0.1)),
                          ("spikingjelly", nir.IF(np.ones(3), np.ones(3))),
                          ("snntorch,reset=none", nir.IF(np.ones(3), np.ones(3)))):
        with pytest.raises(EdgeError, match="'n0' does not come from") as refused:
            from_nir(chain((3,), node), n_steps=1, profile=profile)
        assert refused.value.code == "E102"


def test_one_profile_per_node() -> None:
    model = chain((3,), nir.Linear(values(3, 3)), lif(3, tau=1e-3, r=10), nir.Linear(values(2, 3)),
                  lif(2, tau=1e-3, r=10))
    network = from_nir(model, n_steps=1, profile={"*": SNNTORCH, "n3": "snntorch,reset=none"})
    assert [p.reset for p in network.populations] == ["zero", "none"]
    assert network.readout.kind == "membrane_sum"


@pytest.mark.parametrize("shape", [(), (1,), (4,), (4, 1, 1), (4, 5, 5)])
def test_parameters_are_one_number_or_one_per_channel_or_neuron(shape: tuple[int, ...]) -> None:
    thresholds = np.full(shape, 0.5) * (1 + np.arange(4).reshape(-1, 1, 1) if len(shape) == 3
                                        else 1)
    if shape == (4,):
        thresholds = 0.5 * (1 + np.arange(4))
    node = lif(*shape)
    node.v_threshold = thresholds
    model = chain((2, 5, 5), nir.Conv2d(None, values(4, 2, 3, 3), 1, 1, 1, 1, values(4)), node)
    (population,) = from_nir(model, n_steps=1, profile=NIR).populations
    expected = np.full(100, 0.5) if np.size(thresholds) == 1 else 0.5 * np.repeat([1, 2, 3, 4], 25)
    np.testing.assert_allclose(population.threshold, expected)


# ---- everything else -----------------------------------------------------------------------------

CONVOLUTIONS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "numbers": ({"stride": 2, "padding": 1, "dilation": 1, "groups": 1}, (4, 2, 3, 3)),
    "pairs": ({"stride": (2, 1), "padding": (0, 2), "dilation": (1, 2), "groups": 1}, (4, 2, 3, 2)),
    "arrays": ({"stride": np.array([1, 2]), "padding": np.array([1, 1]),
                "dilation": np.array([1, 1]), "groups": np.int64(2)}, (4, 1, 3, 3)),
    "depthwise": ({"stride": 1, "padding": 0, "dilation": 1, "groups": 2}, (2, 1, 3, 3)),
    "same": ({"stride": 1, "padding": "same", "dilation": 2, "groups": 1}, (3, 2, 3, 5)),
    "valid": ({"stride": 1, "padding": "valid", "dilation": 1, "groups": 1}, (3, 2, 3, 4)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str, tmp_path: Path) -> None:
    options, shape = CONVOLUTIONS[name]
    weight, bias = values(*shape), values(shape[0])
    node = nir.Conv2d((9, 8), weight, bias=bias, **options)
    nir.write(tmp_path / "conv.nir", chain((2, 9, 8), node))
    network = from_nir(tmp_path / "conv.nir", n_steps=1, spikes=False)
    x = values(3, 2, 9, 8)
    plain = {k: v.tolist() if isinstance(v, np.generic | np.ndarray) else v
             for k, v in options.items()}
    expected = F.conv2d(torch.tensor(x), torch.tensor(weight), torch.tensor(bias), **plain)
    np.testing.assert_allclose(FloatModel(network).run(x.reshape(3, -1)).logits,
                               expected.flatten(1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", [2, "same", "valid"])
def test_convolutions_of_one_dimension(padding: int | str) -> None:
    weight, bias = values(4, 3, 5), values(4)
    model = chain((6, 20), nir.Conv1d(None, weight, 1, padding, 1, 2, bias))
    x = values(3, 6, 20)
    expected = F.conv1d(torch.tensor(x), torch.tensor(weight), torch.tensor(bias), padding=padding,
                        groups=2)
    network = from_nir(model, n_steps=1, spikes=False)
    np.testing.assert_allclose(FloatModel(network).run(x.reshape(3, -1)).logits,
                               expected.flatten(1), rtol=1e-4, atol=1e-5)


def test_pools_scales_and_flatten() -> None:
    two, none = np.array([2, 2]), np.array([0, 0])
    scale, weight, bias = values(3, 8, 8), values(5, 12), values(5)
    model = chain((3, 8, 8), nir.Scale(scale), nir.SumPool2d(two, two, none),
                  nir.AvgPool2d(two, two, none), nir.Flatten(None, 0, -1), nir.Affine(weight, bias))
    x = values(4, 3, 8, 8)
    pooled = F.avg_pool2d(4 * F.avg_pool2d(torch.tensor(x * scale), 2), 2).flatten(1)
    expected = F.linear(pooled, torch.tensor(weight), torch.tensor(bias))
    network = from_nir(model, n_steps=1, spikes=False)
    np.testing.assert_allclose(FloatModel(network).run(x.reshape(4, -1)).logits, expected,
                               rtol=1e-4, atol=1e-5)


def _recurrent() -> dict[str, nir.NIRNode]:
    return {"in": nir.Input(np.array([3])), "fc": nir.Affine(values(4, 3), values(4)),
            "l10": lif(4), "rec": nir.Linear(values(4, 4)), "skip": nir.Linear(values(2, 3)),
            "fc2": nir.Linear(values(2, 4)), "l2": lif(2), "out": nir.Output(np.array([2]))}


RECURRENT = "in fc, fc l10, l10 rec, rec l10, l10 fc2, fc2 l2, in skip, skip l2, l2 out"


def test_the_order_of_nodes_and_edges_does_not_matter() -> None:
    nodes = _recurrent()
    network = from_nir(graph(nodes, RECURRENT), n_steps=5, profile=NIR)
    assert [p.name for p in network.populations] == ["l10", "l2"]
    turned = ", ".join(reversed(RECURRENT.split(", "))) + ", in fc"
    other = from_nir(graph(dict(reversed(nodes.items())), turned), n_steps=5, profile=NIR)
    assert same(network, other)


def test_subgraphs_are_opened(tmp_path: Path) -> None:
    """As snnTorch writes recurrent layers, one in another."""
    nodes = _recurrent()
    inner = graph({"input": nir.Input(np.array([4])), "lif": nodes["l10"], "w_rec": nodes["rec"],
                   "output": nir.Output(np.array([4]))},
                  "input lif, lif w_rec, w_rec lif, lif output")
    outer = graph({"input": nir.Input(np.array([4])), "cell": inner,
                   "output": nir.Output(np.array([4]))}, "input cell, cell output")
    model = graph({k: n for k, n in nodes.items() if k not in ("l10", "rec")} | {"layer": outer},
                  "in fc, fc layer, layer fc2, fc2 l2, in skip, skip l2, l2 out")
    nir.write(tmp_path / "nested.nir", model)
    network = from_nir(tmp_path / "nested.nir", n_steps=5, profile=NIR)
    plain = from_nir(graph(nodes, RECURRENT), n_steps=5, profile=NIR)
    assert [p.name for p in network.populations] == ["layer_cell_lif", "l2"]
    assert node_of(model)["layer_cell_w_rec"] == "layer.cell.w_rec"
    x = (RANDOM.random((4, 15)) < 0.5).astype(np.float32)
    np.testing.assert_array_equal(FloatModel(network).run(x).logits,
                                  FloatModel(plain).run(x).logits)
    changed = to_nir(model, {"layer_cell_w_rec": np.zeros((4, 4))})
    assert not changed.nodes["layer"].nodes["cell"].nodes["w_rec"].weight.any()
    assert nodes["rec"].weight.any()


def test_delays_are_whole_steps_of_dt() -> None:
    model = chain((3,), nir.Delay(np.array([0.0, 1e-3, 3e-3])), nir.Linear(values(2, 3)), lif(2))
    (projection,) = from_nir(model, n_steps=5, profile=NIR).projections
    assert projection.delay is not None and projection.delay.tolist() == [0, 1, 3]
    with pytest.raises(EdgeError, match=r"0 to 1\.5 steps") as refused:
        from_nir(model, n_steps=5, profile=NIR, dt=2e-3)
    assert refused.value.code == "E102"
    with pytest.raises(EdgeError, match=r"'n0'.*how many steps") as refused:
        from_nir(chain((3,), nir.Delay(np.ones(3)), nir.Linear(values(2, 3))), n_steps=5)
    assert refused.value.code == "E106"


def test_how_inputs_come() -> None:
    model = chain((2, 4, 4), nir.Flatten(None, 0), nir.Linear(values(2, 32)), lif(2))
    network = from_nir(model, n_steps=5, profile=NIR, encoder=Encoder("rate"))
    assert network.inputs[0].encoder == Encoder("rate") and network.inputs[0].n_frames == 1
    network = from_nir(model, n_steps=5, profile=NIR, spikes=False, frames=False)
    assert not network.inputs[0].spikes and network.inputs[0].n_frames == 1


# ---- the way back --------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "profile"), [(CNN, "sinabs"), (BRAILLE, SNNTORCH)])
def test_learned_weights_go_back_and_come_again(path: Path, profile: str, tmp_path: Path) -> None:
    network = from_nir(path, n_steps=3, profile=profile)
    learned = {p.name: p.weight.astype(np.float32) + np.float32(0.25) for p in network.projections}
    assert set(node_of(path)) == set(learned)
    nir.write(tmp_path / "learned.nir", to_nir(path, learned))
    again = from_nir(tmp_path / "learned.nir", n_steps=3, profile=profile)
    assert equations(again) == equations(network)
    for name, weight in learned.items():
        np.testing.assert_array_equal(again.projection(name).weight, weight)
    before, after = nir.read(path), nir.read(tmp_path / "learned.nir")
    assert {k: type(n) for k, n in before.nodes.items()} == {
        k: type(n) for k, n in after.nodes.items()}
    assert set(before.edges) == set(after.edges)


def test_factors_are_taken_out_of_weights_that_go_back() -> None:
    two, none = np.array([2, 2]), np.array([0, 0])
    conv = nir.Conv2d(None, values(4, 2, 3, 3), 1, 0, 1, 1, values(4))
    model = chain((2, 6, 6), nir.AvgPool2d(two, two, none), conv,
                  nir.Scale(np.full((4, 1, 1), 3.0)), lif(4, 1, 1))
    (projection,) = from_nir(model, n_steps=1, profile=NIR).projections
    np.testing.assert_allclose(projection.weight, conv.weight * 0.75, rtol=1e-6)
    back = to_nir(model, {"n1": 2 * projection.weight})
    np.testing.assert_allclose(back.nodes["n1"].weight, 2 * conv.weight, rtol=1e-6)


def test_what_cannot_go_back_is_refused() -> None:
    two, none = np.array([2, 2]), np.array([0, 0])
    pooled = chain((2, 6, 6), nir.Conv2d(None, values(4, 2, 3, 3), 1, 0, 1, 1, values(4)),
                   nir.AvgPool2d(two, two, none), lif(4, 2, 2))
    weight = from_nir(pooled, n_steps=1, profile=NIR).projections[0].weight
    shared = graph({"in": nir.Input(np.array([2])), "fc": nir.Linear(values(2, 2)), "a": lif(2),
                    "b": lif(2), "w": nir.Linear(values(2, 2)), "out": nir.Output(None)},
                   "in fc, fc a, fc b, a w, w b, b out")
    for model, weights, code, text in (
            (pooled, {"n0": weight}, "E102", "'n0' with pooling"),
            (pooled, {"n0": weight[:1]}, "E104", "shape"),
            (pooled, {"n7": weight}, "E105", "'n7'"),
            (BRAILLE, {"fc2": np.full((38, 7), np.nan)}, "E104", "'fc2'"),
            (shared, {"fc_to_a": np.ones((2, 2)), "fc_to_b": np.zeros((2, 2))}, "E102", "'fc'")):
        with pytest.raises(EdgeError, match=text) as refused:
            to_nir(model, weights)
        assert refused.value.code == code
