"""PyTorch importer: nn.Linear and snntorch.Leaky in a row become a `Network`.

The neuron equations are those of snntorch 1.0.0 (_neurons/leaky.py, _neurons/neurons.py) and
stand in `ir.Population`. Trained leaks are clamped to [0, 1], as Leaky.forward does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_dassdp.errors import EdgeError
from edge_dassdp.ir import (
    FloatArray,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    ReadoutKind,
    Reset,
)

SUPPORTED = (
    "supported are nn.Linear followed by snntorch.Leaky, repeated; nn.Flatten, nn.Identity and "
    "nn.Dropout are ignored"
)
_RESETS: tuple[Reset, ...] = ("subtract", "zero", "none")
_STATE_FUNCTIONS = ("_base_sub", "_base_zero", "_base_int")


@dataclass(frozen=True)
class _Layer:
    """An nn.Linear and the snntorch.Leaky behind it, each with its name for messages."""

    linear: Any
    linear_at: str
    leaky: Any
    leaky_at: str


def from_sequential(
    model: Any,
    *,
    n_steps: int,
    readout: ReadoutKind | None = None,
    input_frames: int = 1,
) -> Network:
    """The network of an nn.Sequential, or of a list or tuple of modules.

    n_steps: time steps per sample, 1 to 255. input_frames: 1 for a constant input current, or
    n_steps. readout: 'spike_count', 'membrane_sum', or None for the membrane sum if the last
    Leaky does not reset and the spike count otherwise. Names: input `input`, projections `fc1`,
    `fc2`, ..., populations `lif1`, `lif2`, ...; a last one that does not reset is `out`.

    Raises EdgeError E102 for a module or an option that is not supported, E101 for bad sizes or
    values (both name the module), E105 for an unknown readout, E303 without torch or snntorch.
    """
    torch, snntorch = _libraries()
    if readout not in (None, "spike_count", "membrane_sum"):
        raise EdgeError("E105", f"readout '{readout}' is not known",
                        help="choose spike_count or membrane_sum")
    layers = _layers(list(_modules(model, torch)), torch, snntorch)
    populations: list[Population] = []
    projections: list[Projection] = []
    pre = "input"
    for number, layer in enumerate(layers, start=1):
        reset = _RESETS[int(layer.leaky.reset_mechanism_val)]
        is_output = number == len(layers) and reset == "none"
        name = "out" if is_output else f"lif{number}"
        expected = projections[-1].weight.shape[1] if projections else layer.linear.in_features
        projections.append(_projection(layer, f"fc{number}", pre, name, expected))
        populations.append(_population(layer, name, reset, torch))
        pre = name
    chosen = readout or ("membrane_sum" if populations[-1].reset == "none" else "spike_count")
    return Network(
        inputs=(Input("input", projections[0].weight.shape[0], input_frames),),
        populations=tuple(populations),
        projections=tuple(projections),
        readout=Readout(populations[-1].name, chosen),
        n_steps=n_steps,
    )


def _libraries() -> tuple[Any, Any]:
    try:
        import snntorch
        import torch
    except ImportError as problem:
        raise EdgeError(
            "E303", "the PyTorch importer needs torch and snntorch", cause=str(problem),
            help="pip install 'edge-dassdp[torch]'",
        ) from None
    return torch, snntorch


def _modules(model: Any, torch: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(place, module) pairs in order; nested nn.Sequential are opened, ignored modules left out."""
    nn = torch.nn
    if isinstance(model, nn.Sequential):
        named = list(model.named_children())
    elif isinstance(model, Sequence) and not isinstance(model, str):
        named = [(str(index), module) for index, module in enumerate(model)]
    else:
        raise EdgeError("E102", f"{type(model).__name__} is not an nn.Sequential or a list",
                        help=SUPPORTED)
    for name, module in named:
        if isinstance(module, nn.Sequential):
            yield from _modules(module, torch, f"{prefix}{name}.")
        elif type(module) not in (nn.Flatten, nn.Identity, nn.Dropout):
            yield f"module {prefix}{name} ({type(module).__name__})", module


def _layers(modules: list[tuple[str, Any]], torch: Any, snntorch: Any) -> list[_Layer]:
    """Pairs of Linear and Leaky. Exact types only: a subclass may compute something else."""
    for at, module in modules:
        if type(module) not in (torch.nn.Linear, snntorch.Leaky):
            raise _unsupported(at, "is of a kind that is not supported")
    if not modules:
        raise EdgeError("E102", "the model holds no layers", help=SUPPORTED)
    kinds = [torch.nn.Linear, snntorch.Leaky]
    for place, (at, module) in enumerate(modules):
        if type(module) is not kinds[place % 2]:
            raise _unsupported(at, f"stands where a {kinds[place % 2].__name__} is expected")
    if len(modules) % 2:
        raise _unsupported(modules[-1][0], "is the last one; the model must end with a Leaky")
    return [
        _Layer(linear, linear_at, leaky, leaky_at)
        for (linear_at, linear), (leaky_at, leaky) in zip(
            modules[::2], modules[1::2], strict=True
        )
    ]


def _projection(layer: _Layer, name: str, pre: str, post: str, n_pre: int) -> Projection:
    weight = _numbers(layer.linear.weight, f"{layer.linear_at}: weight").T
    if weight.shape[0] != n_pre:
        raise EdgeError("E101", f"{layer.linear_at} takes {weight.shape[0]} inputs, but the layer "
                        f"before it has {n_pre} neurons")
    bias = None
    if layer.linear.bias is not None:
        bias = _numbers(layer.linear.bias, f"{layer.linear_at}: bias")
    return Projection(name, pre, post, weight, bias)


def _population(layer: _Layer, name: str, reset: Reset, torch: Any) -> Population:
    leaky, at, size = layer.leaky, layer.leaky_at, layer.linear.out_features
    _check_options(leaky, at, torch)
    beta = _per_neuron(leaky.beta, size, f"{at}: beta")
    threshold = _per_neuron(leaky.threshold, size, f"{at}: threshold")
    if (threshold <= 0).any():
        raise EdgeError("E101", f"{at}: threshold must be positive, the lowest is "
                        f"{threshold.min():g}")
    return Population(name, size, np.clip(beta, 0.0, 1.0), threshold, reset,
                      reset_delay=bool(leaky.reset_delay))


def _check_options(leaky: Any, at: str, torch: Any) -> None:
    """Refuses every option of Leaky whose forward pass is not one of ir.Population's equations."""
    if not bool((torch.as_tensor(leaky.graded_spikes_factor) == 1).all()):
        raise _unsupported(at, "has a graded_spikes_factor other than 1")
    if leaky.state_quant:
        raise _unsupported(at, "quantizes its state (state_quant)")
    if leaky.inhibition:
        raise _unsupported(at, "uses inhibition")
    if leaky.state_function.__name__ != _STATE_FUNCTIONS[int(leaky.reset_mechanism_val)]:
        raise _unsupported(at, "was built with another reset_mechanism than its loaded state has")
    with torch.no_grad():
        spikes = leaky.spike_grad(torch.tensor([-1.0, -1e-6, 0.0, 1e-6, 1.0]))
    if spikes.tolist() != [0.0, 0.0, 0.0, 1.0, 1.0]:
        raise _unsupported(at, "has a spike_grad that is not the step function v > threshold")


def _per_neuron(value: Any, size: int, what: str) -> FloatArray:
    numbers = _numbers(value, what)
    if numbers.shape not in ((), (1,), (size,)):
        raise EdgeError("E101", f"{what} has shape {numbers.shape}, expected a scalar or ({size},)")
    return np.broadcast_to(numbers, (size,))


def _numbers(tensor: Any, what: str) -> FloatArray:
    numbers = np.asarray(tensor.detach().cpu().double().numpy())
    if not np.isfinite(numbers).all():
        raise EdgeError("E101", f"{what} holds a NaN or an infinity")
    return numbers


def _unsupported(at: str, problem: str) -> EdgeError:
    return EdgeError("E102", f"{at} {problem}", help=SUPPORTED)
