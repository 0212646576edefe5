"""The importer against snnTorch's own run, spike by spike and membrane by membrane.

Weights, biases and inputs lie on a binary grid, so that the matrix product is exact in float32
whatever the BLAS; every other operation is one IEEE operation on both sides.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import pytest
import snntorch
import torch

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.ir import Encoder
from edge_dassdp.twin.model import FloatModel

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
    states: list[Any] = [None] * len(leaky)
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
    network = from_torch(modules, n_steps=N_STEPS, input_frames=n_frames)
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
    trace = FloatModel(from_torch(modules, n_steps=N_STEPS)).run(x)
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
    network = from_torch(modules, n_steps=N_STEPS)
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
    network = from_torch(model, n_steps=4)
    assert [i.name for i in network.inputs] == ["input"]
    assert [p.name for p in network.projections] == ["fc1", "fc2"]
    assert [p.name for p in network.populations] == ["lif1", "out"]
    assert (network.readout.population, network.readout.kind) == ("out", "membrane_sum")
    assert network.projection("fc2").bias is None
    assert from_torch(model, n_steps=4, readout="spike_count").readout.kind == "spike_count"
    spiking = from_torch([linear(9, 3, rng), snntorch.Leaky(0.9)], n_steps=4)
    assert (spiking.readout.population, spiking.readout.kind) == ("lif1", "spike_count")


def refused(code: str, model, **options) -> str:
    with pytest.raises(EdgeError) as caught:
        from_torch(model, **{"n_steps": 4, **options})
    assert caught.value.code == code
    return str(caught.value)


def test_refusals_name_the_module_and_what_to_do():
    rng = np.random.default_rng(1)
    nn, lif = torch.nn, snntorch.Leaky
    assert "module 0 (Conv2d)" in refused("E102", nn.Sequential(nn.Conv2d(1, 2, 3), lif(0.9)))
    assert "module 0 (Leaky) comes first" in refused("E102", [lif(0.9), linear(3, 3, rng)])
    assert "no layers" in refused("E102", [nn.Flatten()])
    message = refused("E102", [linear(3, 3, rng), nn.ReLU(), lif(0.9)])
    assert "module 1 (ReLU)" in message and "nn Linear" in message
    assert "module 1 (SLSTM)" in refused("E102", [linear(3, 3, rng), snntorch.SLSTM(3, 3)])
    refused("E102", linear(3, 3, rng))


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = torch.nn.Linear(3, 2), snntorch.Leaky(0.9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif1(self.fc1(x))[0]


def test_a_module_of_ones_own_is_asked_for_its_layers_in_order():
    message = refused("E102", Net())
    assert "Net is not an nn.Sequential" in message
    assert "from_torch([net.fc1, net.lif1])" in message
    assert "fc1 (Linear), lif1 (Leaky)" in message
    assert "module 1 (Net)" in refused("E102", [linear(4, 3, np.random.default_rng(0)), Net()])
    net = Net()
    assert from_torch([net.fc1, net.lif1], n_steps=4).populations[0].size == 2

    class Squared(torch.nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) ** 2

    class Plain(torch.nn.Sequential):
        pass

    refused("E102", Squared(net.fc1, net.lif1))
    assert from_torch(Plain(net.fc1, net.lif1), n_steps=4).populations[0].name == "lif1"


def test_layers_in_a_row_are_multiplied_and_a_last_one_is_read():
    rng = np.random.default_rng(4)
    first, second, last = linear(3, 5, rng), linear(5, 4, rng), linear(4, 2, rng)
    network = from_torch([first, second, snntorch.Leaky(0.9), last], n_steps=4)
    assert [p.name for p in network.populations] == ["lif1", "out"]
    assert network.readout.kind == "membrane_sum" and not network.population("out").beta.any()
    product = (second.weight @ first.weight).detach().double().numpy().T
    np.testing.assert_allclose(network.projection("fc1_2").weight, product, rtol=1e-6)
    assert network.projection("fc2").weight.shape == (4, 2)


def test_convolutions_pools_and_batch_norm_are_folded_as_stated():
    rng = np.random.default_rng(6)
    nn = torch.nn
    conv, norm = nn.Conv2d(2, 4, 3, padding="same", groups=2), nn.BatchNorm2d(4)
    with torch.no_grad():
        for value in (norm.weight, norm.bias, norm.running_mean):
            value.copy_(torch.tensor(rng.normal(size=4)))
    norm.running_var.copy_(torch.tensor(rng.uniform(0.5, 2.0, 4)))
    model = nn.Sequential(conv, norm, snntorch.Leaky(0.9), nn.MaxPool2d(2), nn.AvgPool2d(2),
                          nn.Flatten(), linear(4, 3, rng), snntorch.Leaky(0.9)).eval()
    network = from_torch(model, n_steps=4, input_shape=(2, 5, 5), spikes=True)
    assert network.inputs[0].shape == (2, 5, 5) and network.inputs[0].spikes
    factor = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().double().numpy()
    weight = conv.weight.detach().double().numpy() * factor[:, None, None, None]
    np.testing.assert_allclose(network.projection("conv1").weight, weight, rtol=1e-6)
    bias = factor * (conv.bias - norm.running_mean).detach().double().numpy() \
        + norm.bias.detach().double().numpy()
    np.testing.assert_allclose(network.projection("conv1").bias, bias, rtol=1e-6, atol=1e-7)
    assert network.projection("conv1").conv.padding == (1, 1)


@pytest.mark.parametrize("make, word", [
    (lambda nn: [nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")], "padding_mode"),
    (lambda nn: [nn.Conv2d(1, 2, 2, padding="same")], "even kernel"),
    (lambda nn: [nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)], "model.eval()"),
    (lambda nn: [nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)], "statistics"),
    (lambda nn: [nn.Conv2d(1, 2, 3), nn.MaxPool2d(2, return_indices=True)], "returns indices"),
    (lambda nn: [nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Conv2d(2, 3, 1)], "behind max pooling"),
    (lambda nn: [nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.MaxPool2d(2)], "behind max pooling"),
    (lambda nn: [nn.Flatten(), nn.Linear(36, 6), nn.MaxPool2d(2)], "(channels, height, width)"),
    (lambda nn: [nn.AdaptiveMaxPool2d(3)], "of a kind that is not supported"),
    (lambda nn: [nn.AvgPool2d(2, padding=1, count_include_pad=False)], "count_include_pad"),
    (lambda nn: [nn.AvgPool2d(4, ceil_mode=True)], "ceil_mode"),
    (lambda nn: [nn.AvgPool2d(2, divisor_override=3)], "divisor_override"),
    (lambda nn: [nn.AdaptiveAvgPool2d(4)], "divide"),
    (lambda nn: [nn.Conv1d(1, 2, 3)], "(channels, length)"),
    (lambda nn: [nn.Flatten(1, 2)], "nn.Flatten()"),
    (lambda nn: [nn.Linear(36, 4)], "nn.Flatten() before"),
])
def test_layers_that_compute_something_else_are_refused(make, word):
    modules = [*make(torch.nn), snntorch.Leaky(0.9)]
    message = refused("E102", modules, input_shape=(1, 6, 6))
    assert word in message and f"module {len(modules) - 2} (" in message


def test_neurons_may_stand_first_and_behind_a_pool():
    """Inputs and spikes then go one to one."""
    rng = np.random.default_rng(6)
    options = {"beta": 0.5, "init_hidden": True}
    modules = [snntorch.Leaky(**options), torch.nn.AvgPool2d(2),
               snntorch.Leaky(threshold=0.25, **options), torch.nn.Flatten(),
               linear(8, 3, rng), snntorch.Leaky(**options)]
    network = from_torch(modules, n_steps=N_STEPS, input_shape=(2, 4, 4))
    assert [p.shape for p in network.populations] == [(2, 4, 4), (2, 2, 2), (3,)]
    x = (rng.integers(-16, 65, (N_SAMPLES, 32)) / 32).astype(np.float32)
    with torch.no_grad():
        model = torch.nn.Sequential(*modules)
        run = [model(torch.tensor(x).reshape(-1, 2, 4, 4)).numpy() for _ in range(N_STEPS)]
    spikes = np.stack(run, axis=1).astype(bool)
    assert spikes.any() and not spikes.all()
    np.testing.assert_array_equal(FloatModel(network).run(x).spikes["lif3"], spikes)


def test_inputs_of_events_and_of_encoders():
    rng = np.random.default_rng(4)
    modules = [linear(6, 3, rng), snntorch.Leaky(0.9)]
    events = from_torch(modules, n_steps=5, n_events=40, counts=True).inputs[0]
    assert (events.n_frames, events.n_events, events.counts) == (5, 40, True)
    latency = from_torch(modules, n_steps=5, encoder=Encoder("latency")).inputs[0]
    assert (latency.n_frames, latency.encoder) == (1, Encoder("latency"))
    delta = from_torch(modules, n_steps=5, encoder=Encoder("delta")).inputs[0]
    assert (delta.n_frames, delta.n_raw) == (5, 3)


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
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install 'edge-dassdp[torch]'" in refused("E303", [])
