"""Modules share a call of the model: those that would take other steps than the rest are refused,
and what is imported counts the spikes of the whole model's forward pass."""

from __future__ import annotations

from collections.abc import Callable

import norse.torch as norse
import numpy as np
import pytest
import sinabs.layers as sinabs
import snntorch
import torch
from rockpool.nn.modules import LIFTorch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.twin.model import FloatModel

torch.set_num_threads(1)
N_IN, N_HIDDEN, N_OUT, N_STEPS, N = 6, 8, 4, 8, 5


def lif(mode: str) -> nn.Module:
    return neuron.LIFNode(v_threshold=0.5, step_mode=mode)


def linear(n_in: int, n_out: int, mode: str) -> nn.Module:
    return layer.Linear(n_in, n_out, step_mode=mode)


def squeezed(**size: int) -> nn.Module:
    return sinabs.IAFSqueeze(spike_threshold=torch.tensor(0.5), **size)


def two(first: nn.Module, second: nn.Module, linear: Callable[..., nn.Module] = nn.Linear,
        wrap: Callable[[nn.Module], nn.Module] = lambda m: m) -> list[nn.Module]:
    return [wrap(linear(N_IN, N_HIDDEN)), first, wrap(linear(N_HIDDEN, N_OUT)), second]


# How the whole model runs samples (N, N_STEPS, N_IN): its spikes, (N, N_STEPS, N_OUT).
def stepwise(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return torch.stack([model(x[:, t]) for t in range(N_STEPS)], 1)


def time_first(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    made = model(x.transpose(0, 1))
    return (made[0] if isinstance(made, tuple) else made).transpose(0, 1)


def flat(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model(x.flatten(0, 1)).reshape(N, N_STEPS, N_OUT)


def samples_first(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model(x)


def contained(mode: str) -> list[nn.Module]:
    return [layer.StepModeContainer(True, mode, nn.Linear(N_IN, N_HIDDEN), lif("s")),
            layer.StepModeContainer(False, mode, nn.Linear(N_HIDDEN, N_OUT)), lif(mode)]


ALIKE = {
    "single steps": (lambda: two(lif("s"), lif("s"), layer.Linear), stepwise),
    "several steps": (lambda: two(lif("m"), lif("m"), lambda a, b: linear(a, b, "m")), time_first),
    "a linear of single steps among several": (
        lambda: two(lif("m"), lif("m"), layer.Linear), time_first),
    "containers of several steps": (
        lambda: [layer.MultiStepContainer(nn.Linear(N_IN, N_HIDDEN), lif("s")),
                 layer.SeqToANNContainer(nn.Linear(N_HIDDEN, N_OUT)), lif("m")], time_first),
    "containers of either mode, several": (lambda: contained("m"), time_first),
    "containers of either mode, single": (lambda: contained("s"), stepwise),
    "norse over sequences": (lambda: [norse.SequentialState(
        norse.Lift(nn.Linear(N_IN, N_HIDDEN)), norse.LIF(), nn.Linear(N_HIDDEN, N_OUT),
        norse.LIF())], time_first),
    "samples first": (lambda: two(sinabs.IAF(), sinabs.IAF(), wrap=sinabs.Repeat), samples_first),
    "squeezed by steps and by samples": (
        lambda: two(squeezed(num_timesteps=N_STEPS), squeezed(batch_size=N)), flat),
    "two frameworks of single steps": (
        lambda: two(snntorch.Leaky(0.9, threshold=0.5, init_hidden=True), lif("s")), stepwise),
}


@pytest.mark.parametrize("name", ALIKE)
def test_the_network_counts_what_the_whole_model_fires(name: str) -> None:
    torch.manual_seed(3)
    make, run = ALIKE[name]
    modules = make()
    model = (modules[0] if len(modules) == 1 else nn.Sequential(*modules)).eval()
    with torch.no_grad():
        for p in (m.weight for m in model.modules() if isinstance(m, nn.Linear)):
            p.mul_(6)
    network = from_torch(model, n_steps=N_STEPS, input_frames=N_STEPS)
    x = torch.randn(N, N_STEPS, N_IN)
    functional.reset_net(model)
    with torch.no_grad():
        fired = run(model, x).sum(1).numpy()
    assert fired.any()
    np.testing.assert_array_equal(FloatModel(network).run(x.numpy().reshape(N, -1)).logits, fired)


MIXED: dict[str, tuple[str, str, Callable[[], list[nn.Module]]]] = {
    "neurons, the last single": ("module 3 (LIFNode)", "step_mode='m'", lambda: two(
        lif("m"), lif("s"))),
    "neurons, the first single": ("module 3 (LIFNode)", "step_mode='s'", lambda: two(
        lif("s"), lif("m"))),
    "a layer of several": ("module 1 (LIFNode)", "module 0 (Linear)", lambda: two(
        lif("s"), lif("s"), lambda a, b: linear(a, b, "m"))),
    "a layer of single steps": ("module 1 (LIFNode)", "module 0 (Flatten)", lambda: [
        layer.Flatten(), lif("m")]),
    "a neuron beside containers": ("module 1 (LIFNode)", "module 0 (MultiStepContainer)", lambda: [
        layer.MultiStepContainer(nn.Linear(N_IN, N_OUT)), lif("s")]),
    "a neuron in a container of layers": (
        "module 0.1 (LIFNode)", "module 0 (SeqToANNContainer)", lambda: [
            layer.SeqToANNContainer(nn.Linear(N_IN, N_OUT), lif("s"))]),
    "the same by its setting": ("module 0.1 (LIFNode)", "module 0 (StepModeContainer)", lambda: [
        layer.StepModeContainer(False, "m", nn.Linear(N_IN, N_OUT), lif("s"))]),
    "a cell in a sequence": ("module 3 (LIFCell)", "module 1 (LIF)", lambda: two(
        norse.LIF(), norse.LIFCell())),
    "a sequence in a lift": ("module 0.0 (LIF)", "module 0 (Lift)", lambda: [
        norse.Lift(norse.LIF())]),
    "squeezed and not": ("module 3 (IAFSqueeze)", "module 1 (IAF)", lambda: two(
        sinabs.IAF(), squeezed(batch_size=N))),
    "not squeezed where samples and steps are one": ("module 0.0 (IAF)", "module 0 (Repeat)",
                                                     lambda: [sinabs.Repeat(sinabs.IAF())]),
    "other batches": ("module 3 (IAFSqueeze)", "batch_size=5", lambda: two(
        squeezed(batch_size=N), squeezed(batch_size=2))),
    "two frameworks": ("module 3 (LIFTorch)", "module 1 (Leaky)", lambda: two(
        snntorch.Leaky(0.9), LIFTorch(N_OUT))),
}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", MIXED)
def test_modules_that_take_other_steps_are_refused_by_name(name: str, check: bool) -> None:
    at, other, make = MIXED[name]
    with pytest.raises(EdgeError) as caught:
        from_torch(nn.Sequential(*make()), n_steps=N_STEPS, input_shape=(N_IN,), check=check)
    assert caught.value.code == "E102" and caught.value.message.startswith(at)
    assert other in caught.value.message and "let all take the same" in caught.value.help
    assert ("one framework" in caught.value.help) == (name == "two frameworks")


@pytest.mark.parametrize("n_steps", [4, 16])
def test_squeezed_neurons_of_other_steps_are_refused(n_steps: int) -> None:
    modules = two(squeezed(num_timesteps=N_STEPS), squeezed(batch_size=N))
    assert from_torch(modules, n_steps=N_STEPS).n_steps == N_STEPS
    with pytest.raises(EdgeError) as caught:
        from_torch(modules, n_steps=n_steps)
    assert caught.value.code == "E101" and "module 1 (IAFSqueeze)" in caught.value.message
    assert "num_timesteps=8" in caught.value.message and str(n_steps) in caught.value.message
