"""The importer against snnTorch's own run, spike by spike and membrane by membrane.

Weights, biases and inputs lie on a binary grid, so that the matrix product is exact in float32
whatever the BLAS; every other operation is one IEEE operation on both sides.
"""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
import snntorch
import torch

from edge_dassdp.errors import EdgeError
from edge_dassdp.floatmodel import FloatModel
from edge_dassdp.frontends.torch import from_sequential

N_STEPS, N_SAMPLES, SIZES = 12, 16, (9, 17, 6)
torch.set_num_threads(1)


def linear(n_in: int, n_out: int, rng: np.random.Generator, bias: bool = True):
    layer = torch.nn.Linear(n_in, n_out, bias=bias)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(rng.integers(-32, 33, (n_out, n_in)) / 64))
        if bias:
            layer.bias.copy_(torch.tensor(rng.integers(-16, 17, n_out) / 64))
    return layer


def inputs(rng: np.random.Generator, n_frames: int = 1) -> np.ndarray:
    return (rng.integers(-64, 97, (N_SAMPLES, n_frames * SIZES[0])) / 32).astype(np.float32)


def run_snntorch(modules, x: np.ndarray, n_frames: int = 1):
    """Spikes and membranes of every Leaky: lists of (n_samples, n_steps, size)."""
    frames = torch.tensor(x).reshape(len(x), n_frames, -1)
    leaky = [m for m in modules if isinstance(m, snntorch.Leaky)]
    states = [None] * len(leaky)
    spikes, membranes = ([[] for _ in leaky] for _ in range(2))
    with torch.no_grad():
        for t_step in range(N_STEPS):
            value, place = frames[:, min(t_step, n_frames - 1)], 0
            for module in modules:
                if isinstance(module, snntorch.Leaky):
                    value, states[place] = module(value, states[place])
                    spikes[place].append(value.numpy())
                    membranes[place].append(states[place].numpy())
                    place += 1
                else:
                    value = module(value)
    return [np.stack(s, 1) for s in spikes], [np.stack(m, 1) for m in membranes]


def assert_same_run(modules, x: np.ndarray, n_frames: int = 1) -> np.ndarray:
    network = from_sequential(modules, n_steps=N_STEPS, input_frames=n_frames)
    trace = FloatModel(network).run(x)
    spikes, membranes = run_snntorch(modules, x, n_frames)
    for population, s, v in zip(network.populations, spikes, membranes, strict=True):
        np.testing.assert_array_equal(trace.spikes[population.name], s.astype(bool))
        np.testing.assert_array_equal(trace.membranes[population.name], v)
        assert s.any() and not s.all()
    return spikes[-1]


def leaky(size: int, per_neuron: bool, rng: np.random.Generator, **options):
    beta = torch.tensor(rng.uniform(0.3, 1.0, size), dtype=torch.float32) if per_neuron else 0.9
    threshold = torch.tensor(rng.integers(4, 12, size) / 8) if per_neuron else 1.0
    if per_neuron:
        threshold = threshold.float()
    return snntorch.Leaky(beta=beta, threshold=threshold, **options)


VARIANTS = list(itertools.product(
    ("subtract", "zero", "none"), (True, False), (False, True), (False, True), (False, True)
))


@pytest.mark.parametrize("reset, delay, per_neuron, bias, learned", VARIANTS)
def test_every_variant_spikes_as_snntorch_does(reset, delay, per_neuron, bias, learned):
    rng = np.random.default_rng(7)
    options = {"reset_mechanism": reset, "reset_delay": delay, "learn_beta": learned,
                   "learn_threshold": learned}
    modules = [
        linear(SIZES[0], SIZES[1], rng, bias), leaky(SIZES[1], per_neuron, rng, **options),
        linear(SIZES[1], SIZES[2], rng, bias), leaky(SIZES[2], per_neuron, rng, **options),
    ]
    assert_same_run(modules, inputs(rng))


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("delay", [True, False])
def test_a_membrane_at_the_threshold_does_not_spike(reset, delay):
    """beta = 1/2, theta = 1: membranes meet k * theta exactly, also after a reset."""
    layer = torch.nn.Linear(4, 4, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(4))
    modules = [layer, snntorch.Leaky(0.5, reset_mechanism=reset, reset_delay=delay)]
    x = np.array([[1.0, 0.5, 2.5, 1.5], [0.75, 2.0, 0.25, 3.0]], np.float32)
    trace = FloatModel(from_sequential(modules, n_steps=N_STEPS)).run(x)
    spikes, membranes = run_snntorch(modules, x)
    population = "out" if reset == "none" else "lif1"
    np.testing.assert_array_equal(trace.spikes[population], spikes[0].astype(bool))
    np.testing.assert_array_equal(trace.membranes[population], membranes[0])
    assert membranes[0][0, 0, 0] == 1.0 and not spikes[0][0, 0, 0]


def test_one_frame_per_step():
    rng = np.random.default_rng(11)
    modules = [linear(SIZES[0], SIZES[1], rng), leaky(SIZES[1], True, rng),
               linear(SIZES[1], SIZES[2], rng), leaky(SIZES[2], False, rng)]
    assert_same_run(modules, inputs(rng, N_STEPS), N_STEPS)


def test_a_trained_beta_is_clamped_as_in_the_forward_pass():
    rng = np.random.default_rng(3)
    beta = torch.tensor([-0.25, 1.5, 0.5, 0.9, 1.0, 0.0])
    modules = [linear(SIZES[0], 6, rng), snntorch.Leaky(beta, learn_beta=True)]
    network = from_sequential(modules, n_steps=N_STEPS)
    assert network.population("lif1").beta.tolist()[:2] == [0.0, 1.0]
    assert_same_run(modules, inputs(rng))


def test_names_readout_and_ignored_modules():
    rng = np.random.default_rng(5)
    nn = torch.nn
    model = nn.Sequential(
        nn.Flatten(), nn.Sequential(linear(9, 5, rng), nn.Dropout(0.3), snntorch.Leaky(0.9)),
        nn.Identity(), linear(5, 3, rng, bias=False),
        snntorch.Leaky(0.0, reset_mechanism="none"),
    )
    network = from_sequential(model, n_steps=4)
    assert [i.name for i in network.inputs] == ["input"]
    assert [p.name for p in network.projections] == ["fc1", "fc2"]
    assert [p.name for p in network.populations] == ["lif1", "out"]
    assert (network.readout.population, network.readout.kind) == ("out", "membrane_sum")
    assert network.projection("fc2").bias is None
    assert from_sequential(model, n_steps=4, readout="spike_count").readout.kind == "spike_count"
    spiking = from_sequential([linear(9, 3, rng), snntorch.Leaky(0.9)], n_steps=4)
    assert (spiking.readout.population, spiking.readout.kind) == ("lif1", "spike_count")


def refused(code: str, model, **options) -> str:
    with pytest.raises(EdgeError) as caught:
        from_sequential(model, **{"n_steps": 4, **options})
    assert caught.value.code == code
    return str(caught.value)


def test_refusals_name_the_module_and_what_is_supported():
    rng = np.random.default_rng(1)
    nn, lif = torch.nn, snntorch.Leaky
    message = refused("E102", nn.Sequential(nn.Conv2d(1, 2, 3), lif(0.9)))
    assert "module 0 (Conv2d)" in message and "nn.Linear" in message
    assert "module 1 (Linear)" in refused("E102", [linear(3, 3, rng), linear(3, 3, rng), lif(0.5)])
    assert "module 0 (Leaky)" in refused("E102", [lif(0.9), linear(3, 3, rng)])
    assert "end with a Leaky" in refused("E102", [linear(3, 3, rng), lif(0.9), linear(3, 2, rng)])
    assert "no layers" in refused("E102", [nn.Flatten()])
    assert "nn.Sequential" in refused("E102", linear(3, 3, rng))
    assert "(RLeaky)" in refused(
        "E102", [linear(3, 3, rng), snntorch.RLeaky(0.9, linear_features=3)])


@pytest.mark.filterwarnings("ignore:Inhibition")
@pytest.mark.parametrize("options, word", [
    ({"graded_spikes_factor": 0.5}, "graded_spikes_factor"),
    ({"inhibition": True}, "inhibition"),
    ({"state_quant": lambda v: v}, "state_quant"),
    ({"spike_grad": lambda v: (v >= 0).float()}, "spike_grad"),
])
def test_options_that_change_the_neuron_are_refused(options, word):
    modules = [torch.nn.Linear(3, 2), snntorch.Leaky(0.9, **options)]
    message = refused("E102", modules)
    assert word in message and "module 1 (Leaky)" in message


def test_a_state_dict_of_another_reset_is_refused():
    module = snntorch.Leaky(0.9)
    module.load_state_dict(snntorch.Leaky(0.9, reset_mechanism="zero").state_dict())
    assert "reset_mechanism" in refused("E102", [torch.nn.Linear(3, 2), module])


def test_bad_values_and_sizes_name_the_module():
    rng = np.random.default_rng(2)
    lif = snntorch.Leaky
    broken = linear(3, 2, rng)
    with torch.no_grad():
        broken.weight[1, 1] = float("nan")
    assert "module 0 (Linear): weight" in refused("E101", [broken, lif(0.9)])
    infinite = linear(3, 2, rng)
    with torch.no_grad():
        infinite.bias[0] = float("inf")
    assert "module 0 (Linear): bias" in refused("E101", [infinite, lif(0.9)])
    assert "module 1 (Leaky): beta" in refused(
        "E101", [linear(3, 2, rng), lif(torch.tensor([0.5, 0.5, 0.5]))])
    assert "module 1 (Leaky): beta" in refused("E101", [linear(3, 2, rng), lif(float("nan"))])
    assert "module 1 (Leaky): threshold" in refused(
        "E101", [linear(3, 2, rng), lif(0.5, threshold=0.0)])
    assert "module 2 (Linear) takes 4 inputs" in refused(
        "E101", [linear(3, 2, rng), lif(0.5), linear(4, 2, rng), lif(0.5)])
    good = [linear(3, 2, rng), lif(0.5)]
    refused("E101", good, n_steps=0)
    refused("E101", good, n_steps=4, input_frames=3)
    refused("E101", good, readout="membrane_sum")
    refused("E105", good, readout="loudest")


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "snntorch", None)
    assert "pip install 'edge-dassdp[torch]'" in refused("E303", [])
