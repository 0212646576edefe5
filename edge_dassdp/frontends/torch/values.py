"""Numbers of tensors, and refusals, as all files of live modules need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.framework import titles
from edge_dassdp.frontends.known import listed
from edge_dassdp.ir import FloatArray, geometry


def numbers(value: Any, what: str) -> FloatArray:
    """A tensor or a number as finite float64 of the same shape. Raises EdgeError E101, and E102 as
    `refuse_unreadable`."""
    if hasattr(value, "detach"):
        refuse_unreadable(what, value)
        value = value.detach().cpu().double().numpy()
    array = np.asarray(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise EdgeError("E101", f"{what} holds a NaN or an infinity", help="train again with "
                        "finite numbers (gradients may have exploded)")
    return array


def refuse_unreadable(what: str, tensor: Any) -> None:
    """E102 for a tensor that holds no dense real numbers."""
    import torch

    for is_so, how, help in (
            (tensor.is_meta, "is on the meta device and holds no numbers",
             "load them: model.to_empty(device='cpu'), then load_state_dict"),
            (tensor.is_complex(), f"is complex ({tensor.dtype})", "make it real"),
            (tensor.is_quantized, f"is quantized by torch ({tensor.dtype})",
             "import the float model; edge-dassdp quantizes it"),
            (tensor.layout != torch.strided or tensor.is_nested,
             f"is not dense ({tensor.layout})", "make it dense: tensor.to_dense()")):
        if is_so:
            raise unsupported(what, how, help)


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
                        f"{shape}", help=f"give one number, or one for each neuron: {shape}"
                        ) from None
    return full.reshape(geometry.size(shape))


def registered(module: Any) -> list[tuple[str, Any]]:
    """The modules of a torch.nn.Module by name, as nn.Sequential runs them."""
    return [(name, held) for name, held in module._modules.items() if held is not None]


def supported() -> str:
    """What comes in, for messages."""
    return ("supported are torch.nn Linear, Conv1d, Conv2d, BatchNorm, Flatten, average and max "
            "pooling (Identity and Dropout are ignored) and the neurons of "
            f"{listed(titles(), 'and')}; edge_dassdp.frontends.torch lists them")


def unsupported(at: str, problem: str, help: str) -> EdgeError:
    return EdgeError("E102", f"{at} {problem}", help=help)


def is_step(function: Callable[[Any], Any], at_zero: bool) -> bool:
    """Whether a spike function is the step v > 0, or v >= 0 if `at_zero`."""
    import torch

    with torch.no_grad():
        spikes = function(torch.tensor([-1.0, -1e-6, 0.0, 1e-6, 1.0, 7.5]))
    return bool(spikes.tolist() == [0.0, 0.0, float(at_zero), 1.0, 1.0, 1.0])
