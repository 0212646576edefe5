"""Runs the live models of the framework tests, in their framework and as imported networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from tempfile import TemporaryDirectory

import numpy as np
import sinabs.layers as sinabs
import snntorch
import torch
from spikingjelly.activation_based import neuron
from support.agreement import assert_agrees

from edge_dassdp import ir
from edge_dassdp.frontends.torch import from_torch

torch.set_num_threads(1)
N_STEPS, N_SAMPLES = 40, 8
N_IN, N_HIDDEN, N_OUT = 9, 17, 6
nn = torch.nn
KINDS = ("ties", "grid", "gaussian")
CASES = list(itertools.product(KINDS, (True, False)))


def fill(modules, kind: str, rng: np.random.Generator, lowest: int = -1) -> None:
    """Weights of every layer, and of recurrences within neurons (which inhibit). On a grid: from
    lowest halves to one."""
    with torch.no_grad():
        for module in modules:
            for name, value in module.named_parameters():
                is_layer = hasattr(module, "weight")
                if not (is_layer or "recurrent" in name or name == "w_rec") or "V" in name:
                    continue
                shape, is_back = tuple(value.shape), not is_layer
                if kind == "gaussian":
                    drawn = rng.normal(size=shape) * 0.45 if not is_back else \
                        -0.2 * rng.random(size=shape)
                else:
                    step = 4 if kind == "ties" else 32
                    low, high = (-step // 2, 1) if is_back else (lowest * step // 2, step + 1)
                    drawn = rng.integers(low, high, shape) / step
                value.copy_(torch.tensor(drawn, dtype=torch.float32))


def inputs(kind: str, spikes: bool, rng: np.random.Generator, shape=(N_IN,)) -> np.ndarray:
    size = (N_SAMPLES, N_STEPS, *shape)
    if spikes:
        return (rng.random(size) < 0.3).astype(np.float32)
    if kind == "gaussian":
        return rng.normal(0.1, 0.6, size=size).astype(np.float32)
    return (rng.integers(-4, 7, size) / 8).astype(np.float32)


def step_by_step(modules, x: np.ndarray) -> list[np.ndarray]:
    """Spikes of the neurons, (n_samples, n_steps, size) each, of modules that hold their state."""
    model = modules if isinstance(modules, nn.Module) else nn.Sequential(*modules)
    spikes: dict[int, list[np.ndarray]] = {}

    def keep(module, _, out):
        spikes.setdefault(id(module), []).append(out.numpy().reshape(len(x), -1).copy())

    hooks = [m.register_forward_hook(keep) for m in model.modules() if fires(m)]
    with torch.no_grad():
        for t_step in range(N_STEPS):
            model(torch.tensor(x[:, t_step]))
    for hook in hooks:
        hook.remove()
    return [np.stack(s, axis=1).astype(int) for s in spikes.values()]


def at_once(model: nn.Module, x: torch.Tensor, time_first: bool) -> list[np.ndarray]:
    """The same of modules that take all steps together."""
    spikes: dict[int, np.ndarray] = {}

    def keep(module, _, out):
        steps = out.numpy().astype(int).reshape(
            *((N_STEPS, N_SAMPLES) if time_first else (N_SAMPLES, N_STEPS)), -1)
        spikes[id(module)] = steps.transpose(1, 0, 2) if time_first else steps

    hooks = [m.register_forward_hook(keep) for m in model.modules() if fires(m)]
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return list(spikes.values())


def fires(module) -> bool:
    return isinstance(module, snntorch.SpikingNeuron | neuron.BaseNode | sinabs.LIF)


def imported(modules, x: np.ndarray, spikes: bool, **options):
    """The network, saved and read again, and its samples."""
    network = from_torch(modules, n_steps=N_STEPS, input_frames=N_STEPS, spikes=spikes, **options)
    with TemporaryDirectory() as folder:
        ir.save(network, f"{folder}/network.npz")
        return ir.load(f"{folder}/network.npz"), x.reshape(len(x), -1)


def compare(modules, x, spikes, run, most=0, **options):
    network, samples = imported(modules, x, spikes, **options)
    source = dict(zip([p.name for p in network.populations], run, strict=True))
    return network, *assert_agrees(network, samples, source, most)


def met_its_threshold(network, membranes) -> bool:
    return any((membranes[p.name] == p.threshold.astype(np.float32)).any()
               for p in network.populations)


def two_layers(make: Callable[[int], nn.Module], kind: str, seed: int = 5):
    rng = np.random.default_rng(seed)
    modules = [nn.Linear(N_IN, N_HIDDEN), make(N_HIDDEN), nn.Linear(N_HIDDEN, N_OUT), make(N_OUT)]
    fill(modules, kind, rng)
    return modules, rng


def leak(kind: str) -> float:
    return 0.5 if kind == "ties" else 0.9
