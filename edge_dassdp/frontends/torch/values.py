"""What the importers of live modules share: neurons as settings, numbers of tensors, refusals.

Modules are known by the full name of their exact class, so that no framework is imported that the
model does not come from; a subclass may compute something else and is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.nodes import Node
from edge_dassdp.ir import FloatArray, geometry

SUPPORTED = (
    "supported are torch.nn Linear, Conv1d, Conv2d, BatchNorm, Flatten, average and max pooling "
    "(Identity and Dropout are ignored) and the neurons of Norse, Rockpool, Sinabs, snnTorch "
    "and SpikingJelly; edge_dassdp.frontends.torch lists them"
)
NEVER = 1.0
"""Threshold of neurons that only integrate: nothing reads their spikes."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Neurons of a module. settings: as in `nodes.Neurons`. fires: its output are spikes, not
    membranes. recurrent: modules or nodes between its output and its own input, in order. keeps:
    the module itself holds the state, so that it cannot stand twice in a model."""

    settings: dict[str, Any]
    fires: bool = True
    recurrent: tuple[Any | Node, ...] = ()
    keeps: bool = True


Reader = Callable[[Any, str, tuple[int, ...]], Cells]
"""(module, what messages call it, shape without batch and time) -> its neurons."""


def class_name(module: Any) -> str:
    """The full name of a module's exact class; Rockpool's patch of another class counts as that."""
    kind = type(module)
    if kind.__qualname__.endswith(".TorchModulePatch") and kind.__module__.startswith("rockpool."):
        kind = kind.__bases__[0]
    return f"{kind.__module__}.{kind.__qualname__}"


def numbers(value: Any, what: str) -> FloatArray:
    """A tensor or a number as finite float64 of the same shape. Raises EdgeError E101."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().double().numpy()
    array = np.asarray(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise EdgeError("E101", f"{what} holds a NaN or an infinity")
    return array


def per_neuron(value: Any, shape: tuple[int, ...], what: str) -> FloatArray:
    """Numbers as torch broadcasts them over (batch, *shape), flat: (size,). Raises EdgeError
    E101 for another shape."""
    array = numbers(value, what)
    own = array.shape
    while len(own) > 0 and own[0] == 1:
        own = own[1:]
    try:
        full = np.broadcast_to(array.reshape(own), shape)
    except ValueError:
        raise EdgeError("E101", f"{what} has shape {array.shape}, expected a scalar or "
                        f"{shape}") from None
    return full.reshape(geometry.size(shape))


def unsupported(at: str, problem: str, help: str = SUPPORTED) -> EdgeError:
    return EdgeError("E102", f"{at} {problem}", help=help)


def is_step(function: Callable[[Any], Any], at_zero: bool) -> bool:
    """Whether a spike function is the step v > 0, or v >= 0 if `at_zero`."""
    import torch

    with torch.no_grad():
        spikes = function(torch.tensor([-1.0, -1e-6, 0.0, 1e-6, 1.0, 7.5]))
    return bool(spikes.tolist() == [0.0, 0.0, float(at_zero), 1.0, 1.0, 1.0])
