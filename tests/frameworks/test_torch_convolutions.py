"""Small networks of convolutions, pools and batch norm in each framework, spike by spike."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import norse.torch as norse
import numpy as np
import pytest
import sinabs.layers as sinabs
import snntorch
import torch
from sinabs.from_torch import from_model
from spikingjelly.activation_based import functional, layer, neuron
from support.torch_runs import (
    CASES,
    KINDS,
    N_OUT,
    N_SAMPLES,
    at_once,
    compare,
    fill,
    inputs,
    leak,
    met_its_threshold,
    step_by_step,
)

nn = torch.nn

SHAPE = (2, 9, 8)


def conv_layers(kind: str, rng: np.random.Generator, spiking: Callable[[], nn.Module],
                wraps=nn) -> list[nn.Module]:
    """Every kind of convolution and pooling; wraps: where the layers come from."""
    normed = wraps.BatchNorm2d(6, eps=1e-5 if kind == "gaussian" else 0.0)
    with torch.no_grad():
        power = rng.integers(-1, 2, 6)
        normed.weight.copy_(torch.tensor(
            rng.uniform(0.5, 1.5, 6) if kind == "gaussian" else 2.0**power))
        normed.running_var.copy_(torch.tensor(
            rng.uniform(0.5, 1.5, 6) if kind == "gaussian" else 4.0**rng.integers(-1, 1, 6)))
        normed.running_mean.copy_(torch.tensor(rng.integers(-4, 5, 6) / 8))
        normed.bias.copy_(torch.tensor(rng.integers(-2, 5, 6) / 8))
    convs = [wraps.Conv2d(2, 6, (3, 2), padding=(1, 0), stride=(1, 1), dilation=(1, 2)),
             wraps.Conv2d(6, 8, 3, padding="same", groups=2), wraps.Conv2d(8, 4, 2, stride=2)]
    last = wraps.Linear(4, N_OUT)
    fill([*convs, last], kind, rng, lowest=-2)
    return [convs[0], normed, spiking(), wraps.AvgPool2d(2), convs[1], spiking(),
            wraps.MaxPool2d(2, stride=1), convs[2], nn.Dropout(0.2), spiking(),
            wraps.AdaptiveAvgPool2d(1), wraps.Flatten(), last, spiking()]


@pytest.mark.parametrize("kind, spikes", CASES)
def test_a_convolutional_network_of_snntorch(kind, spikes):
    rng = np.random.default_rng(1)
    model = nn.Sequential(*conv_layers(kind, rng, lambda: snntorch.Leaky(
        leak(kind), threshold=0.5, init_hidden=True))).eval()
    x = inputs(kind, spikes, rng, SHAPE)
    network, _, membranes = compare(model, x, spikes, step_by_step(model, x), input_shape=SHAPE)
    assert [p.shape for p in network.populations] == [(6, 9, 6), (8, 4, 3), (4, 1, 1), (6,)]
    assert [p.name for p in network.projections] == ["conv1", "conv2", "conv3", "fc4"]
    assert kind != "ties" or met_its_threshold(network, membranes)


@pytest.mark.parametrize("kind, spikes", CASES)
@pytest.mark.parametrize("reset", [None, 0.0])
def test_a_convolutional_network_of_spikingjelly(reset, kind, spikes):
    rng = np.random.default_rng(1)
    layers = conv_layers(kind, rng, lambda: neuron.LIFNode(
        2.0 if kind == "ties" else 3.7, v_threshold=0.125, v_reset=reset), layer)
    model = nn.Sequential(*layers).eval()
    x = inputs(kind, spikes, rng, SHAPE)
    stepwise = step_by_step(model, x)
    compare(model, x, spikes, stepwise, input_shape=SHAPE)
    functional.reset_net(model)
    functional.set_step_mode(model, "m")
    time_first = torch.tensor(x).transpose(0, 1)
    compare(model, x, spikes, at_once(model, time_first, True), input_shape=SHAPE)

    functional.reset_net(model)
    functional.set_step_mode(model, "s")
    neurons = [m for m in layers if isinstance(m, neuron.LIFNode)]
    for module in neurons:
        module.step_mode = "m"
    parts = [layer.SeqToANNContainer(*layers[a:b]) for a, b in ((0, 2), (3, 5), (6, 9), (10, 13))]
    contained = nn.Sequential(*itertools.chain(*zip(parts, neurons, strict=True)))
    run = at_once(contained, time_first, True)
    for ours, theirs in zip(run, stepwise, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    compare(contained, x, spikes, run, input_shape=SHAPE)


@pytest.mark.parametrize("kind, spikes", CASES)
def test_a_convolutional_network_of_sinabs(kind, spikes):
    rng = np.random.default_rng(1)
    layers = conv_layers(kind, rng, lambda: sinabs.IAFSqueeze(
        batch_size=N_SAMPLES, min_v_mem=-1.0, spike_threshold=torch.tensor(2.0)))
    layers[3] = sinabs.SumPool2d(2)
    model = nn.Sequential(*layers).eval()
    x = inputs(kind, spikes, rng, SHAPE)
    run = at_once(model, torch.tensor(x.reshape(-1, *SHAPE)), False)
    network, _, membranes = compare(model, x, spikes, run, input_shape=SHAPE)
    assert kind != "ties" or met_its_threshold(network, membranes)


def max_pooled_layers(kind: str, rng: np.random.Generator, spiking: Callable[[], nn.Module],
                      wraps=nn) -> list[nn.Module]:
    """Max pooling of currents behind convolutions: halved, and of windows that overlap, are padded
    and pass the end, before and behind a norm."""
    normed = [wraps.BatchNorm2d(n, eps=0.0) for n in (6, 4)]
    with torch.no_grad():
        for norm, signs in zip(normed, ((-1, 1), (1, 1)), strict=True):
            norm.weight.copy_(torch.tensor(rng.choice(signs, len(norm.weight)) * 2.0))
            norm.bias.copy_(torch.tensor(rng.integers(-2, 5, len(norm.weight)) / 8))
    convs = [wraps.Conv2d(2, 6, 3, padding=1), wraps.Conv2d(6, 4, 2, groups=2)]
    last = wraps.Linear(16, N_OUT)
    fill([*convs, last], kind, rng, lowest=-2)
    return [convs[0], normed[0], wraps.MaxPool2d(2), spiking(), convs[1],
            wraps.MaxPool2d(3, 2, 1, ceil_mode=True), normed[1], wraps.Flatten(), spiking(), last,
            spiking()]


FRAMEWORKS: dict[str, Callable[[str], nn.Module]] = {
    "snnTorch": lambda kind: snntorch.Leaky(leak(kind), threshold=0.5, init_hidden=True),
    "SpikingJelly": lambda kind: neuron.LIFNode(2.0 if kind == "ties" else 3.7, v_threshold=0.125),
    "Sinabs": lambda kind: sinabs.IAFSqueeze(batch_size=N_SAMPLES, min_v_mem=-1.0,
                                             spike_threshold=torch.tensor(2.0)),
}


@pytest.mark.parametrize("kind, spikes", CASES)
@pytest.mark.parametrize("made_by", FRAMEWORKS)
def test_max_pooling_of_currents_before_the_neurons(made_by, kind, spikes):
    """The order of snnTorch's convolutional tutorial."""
    rng = np.random.default_rng(2)
    wraps = layer if made_by == "SpikingJelly" else nn
    model = nn.Sequential(*max_pooled_layers(
        kind, rng, lambda: FRAMEWORKS[made_by](kind), wraps)).eval()
    x = inputs(kind, spikes, rng, SHAPE)
    if made_by == "Sinabs":
        run = at_once(model, torch.tensor(x.reshape(-1, *SHAPE)), False)
    else:
        run = step_by_step(model, x)
    network, _, _ = compare(model, x, spikes, run, input_shape=SHAPE)
    assert [q.result_pool is not None for q in network.projections] == [True, True, False]
    if made_by == "SpikingJelly":
        functional.reset_net(model)
        functional.set_step_mode(model, "m")
        time_first = torch.tensor(x).transpose(0, 1)
        compare(model, x, spikes, at_once(model, time_first, True), input_shape=SHAPE)


@pytest.mark.parametrize("kind, spikes", CASES)
def test_max_pooling_of_currents_before_norse_s_neurons(kind, spikes):
    rng = np.random.default_rng(2)
    cell = norse.LIFBoxParameters(tau_mem_inv=torch.tensor(500.0 if kind == "ties" else 100.0),
                                  v_th=torch.tensor(0.5))
    model = norse.SequentialState(*max_pooled_layers(
        kind, rng, lambda: norse.LIFBoxCell(cell))).eval()
    x, state = inputs(kind, spikes, rng, SHAPE), None
    cells = [m for m in model.children() if isinstance(m, norse.LIFBoxCell)]
    values: dict[int, list[np.ndarray]] = {id(m): [] for m in cells}
    hooks = [m.register_forward_hook(lambda m, _, out: values[id(m)].append(
        out[0].numpy().reshape(len(x), -1).astype(int))) for m in cells]
    with torch.no_grad():
        for t_step in range(x.shape[1]):
            _, state = model(torch.tensor(x[:, t_step]), state)
    for hook in hooks:
        hook.remove()
    network, _, _ = compare(model, x, spikes, [np.stack(v, axis=1) for v in values.values()],
                            input_shape=SHAPE)
    assert [q.result_pool is not None for q in network.projections] == [True, True, False]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recurrent", ["conv", "channels", "neurons"])
def test_recurrent_volumes_of_snntorch(recurrent, kind):
    rng = np.random.default_rng(2)
    shape = (3, 5, 4)
    options = {"conv": {"conv2d_channels": 3, "kernel_size": 3},
               "channels": {"all_to_all": False, "V": -torch.arange(3).reshape(3, 1, 1) / 4},
               "neurons": {"all_to_all": False, "V": -torch.arange(60).reshape(shape) / 64}}
    modules = [nn.Conv2d(2, 3, 3), snntorch.RLeaky(leak(kind), init_hidden=True,
                                                   **options[recurrent])]
    fill(modules, kind, rng)
    x = inputs(kind, False, rng, (2, 7, 6))
    network, _, _ = compare(modules, x, False, step_by_step(modules, x), input_shape=(2, 7, 6))
    assert [p.name for p in network.projections] == ["conv1", "rec1"]


@pytest.mark.parametrize("kind", KINDS)
def test_one_dimension(kind):
    rng = np.random.default_rng(3)
    convs = [nn.Conv1d(3, 6, 5, stride=2, padding=2, groups=3), nn.Conv1d(6, 4, 3, padding="same")]
    last = nn.Linear(8, N_OUT)
    fill([*convs, last], kind, rng)

    def lif():
        return snntorch.Leaky(leak(kind), init_hidden=True, reset_mechanism="zero")

    modules = [convs[0], nn.BatchNorm1d(6, eps=0.0).eval(), lif(), nn.MaxPool1d(2), convs[1], lif(),
               nn.AvgPool1d(2), nn.AdaptiveAvgPool1d(2), nn.Flatten(), last, lif()]
    x = inputs(kind, False, rng, (3, 16))
    network, _, _ = compare(modules, x, False, step_by_step(modules, x), input_shape=(3, 16))
    assert [p.shape for p in network.populations] == [(6, 8), (4, 4), (6,)]


def test_sinabs_models_made_of_analogue_ones_and_wrapped_layers():
    rng = np.random.default_rng(7)
    analogue = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
                             nn.Linear(16, 6), nn.ReLU())
    fill(analogue, "grid", rng)
    network = from_model(analogue, batch_size=N_SAMPLES)
    x = inputs("grid", False, rng, (1, 6, 6))
    run = at_once(network.spiking_model, torch.tensor(x.reshape(-1, 1, 6, 6)), False)
    compare(network, x, False, run, input_shape=(1, 6, 6))
    repeated = [sinabs.Repeat(analogue[0]), sinabs.IAF(), sinabs.Repeat(nn.Sequential(
        nn.Flatten(), nn.Linear(64, 3))), sinabs.IAF()]
    fill([repeated[2].module[1]], "grid", rng, lowest=-2)
    run = at_once(nn.Sequential(*repeated), torch.tensor(x), False)
    compare(repeated, x, False, run, input_shape=(1, 6, 6))
