"""The nodes of NIR between neurons, as `frontends.nodes`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.folding import refuse
from edge_dassdp.frontends.nodes import (
    Convolution,
    Delay,
    Entry,
    Exit,
    Flatten,
    Linear,
    Node,
    Pooling,
    Scale,
)
from edge_dassdp.ir import FloatArray
from edge_dassdp.ir.geometry import Conv, Pair


def _entry(name: str, node: Any) -> Entry:
    shape = _array(name, "shape", node.input_type.get("input"))
    if shape.ndim > 1 or not 1 <= shape.size <= 3 or (shape < 1).any() or (shape % 1).any():
        raise refuse(f"node '{name}' has shape {shape.tolist()}, expected one to three fixed sizes",
                     "write the shape without batch and time")
    return Entry(tuple(int(n) for n in shape.reshape(-1)))


def _linear(name: str, node: Any) -> Linear:
    weight = _array(name, "weight", node.weight)
    if weight.ndim != 2:
        raise refuse(f"node '{name}' has a weight of shape {weight.shape}, expected (n_out, n_in)",
                     "use one Linear per matrix")
    return Linear(weight, _bias(name, node))


def _conv1d(name: str, node: Any) -> Convolution:
    weight = _kernel(name, node, 3)
    stride, dilation = (_numbers(name, node, key, 1)[0] for key in ("stride", "dilation"))
    padding = _padding(name, node, (weight.shape[-1],), (dilation,), (stride,))[0]
    conv = Conv((1, stride), (0, padding), (1, dilation), _groups(name, node))
    return Convolution(weight[:, :, None], _bias(name, node), conv)


def _conv2d(name: str, node: Any) -> Convolution:
    weight = _kernel(name, node, 4)
    stride, dilation = _pair(name, node, "stride"), _pair(name, node, "dilation")
    high, wide = _padding(name, node, weight.shape[-2:], dilation, stride)
    return Convolution(weight, _bias(name, node),
                       Conv(stride, (high, wide), dilation, _groups(name, node)))


def _groups(name: str, node: Any) -> int:
    return _numbers(name, node, "groups", 1)[0]


def _padding(name: str, node: Any, kernel: tuple[int, ...], dilation: tuple[int, ...],
             stride: tuple[int, ...]) -> tuple[int, ...]:
    """As numbers; 'same' keeps the size."""
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    if not isinstance(padding, str):
        return _numbers(name, node, "padding", len(kernel))
    if padding == "valid":
        return (0,) * len(kernel)
    around = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(s != 1 for s in stride) or any(n % 2 for n in around):
        raise refuse(f"node '{name}' has padding 'same' with stride {stride} and a kernel of "
                     f"{kernel}", "'same' needs stride 1 and an odd kernel; give numbers instead")
    return tuple(n // 2 for n in around)


def _sum_pool(name: str, node: Any) -> Pooling:
    return Pooling("sum", _pair(name, node, "kernel_size"), _pair(name, node, "stride"),
                   _pair(name, node, "padding"))


def _avg_pool(name: str, node: Any) -> Pooling:
    return replace(_sum_pool(name, node), kind="avg")


def _scale(name: str, node: Any) -> Scale:
    return Scale(_array(name, "scale", node.scale))


def delay(name: str, node: Any, dt: float | None) -> Delay:
    """In steps of dt, in the unit of the delay. Raises EdgeError E106 without a dt."""
    delays = _array(name, "delay", node.delay)
    if dt is None and delays.any():
        raise EdgeError("E106", f"node '{name}': the file does not say how many steps its delay "
                        f"of {delays.min():g} to {delays.max():g} is",
                        help="give dt, a step in the unit of the delay: dt=1 if it counts steps")
    steps = delays / (dt or 1.0)
    if (np.abs(steps - np.round(steps)) > 1e-3).any() or (steps < 0).any():
        raise refuse(f"node '{name}' delays by {steps.min():g} to {steps.max():g} steps of "
                     f"{dt or 1:g}", "give a dt that divides the delays, none below 0, or round "
                     "them in the file")
    return Delay(np.round(steps).astype(np.int64))


def stored(value: Any) -> NDArray[Any]:
    """In its own type; live graphs may hold tensors."""
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)


def _array(name: str, what: str, value: Any) -> FloatArray:
    """As finite float64. Raises EdgeError E101; E102 where it is open."""
    if value is None:
        raise refuse(f"node '{name}' has no {what}", "write a graph with fixed shapes")
    with np.errstate(invalid="ignore"):  # a NaN that signals
        array = numbers(name, what, value).astype(np.float64)
    if not np.isfinite(array).all():
        raise EdgeError("E101", f"node '{name}': {what} holds a NaN or an infinity",
                        help="train again with finite numbers (gradients may have exploded), and "
                        "export that")
    return array


def numbers(name: str, what: str, value: Any) -> NDArray[Any]:
    """As stored. Raises EdgeError E101 for anything but real numbers."""
    array = stored(value)
    if array.dtype.kind not in "iufb":
        raise EdgeError("E101", f"node '{name}': {what} holds no real numbers",
                        help="export it again, with real numbers")
    return array


def _kernel(name: str, node: Any, n_dims: int) -> FloatArray:
    weight = _array(name, "weight", node.weight)
    if weight.ndim != n_dims or not weight.size:
        raise EdgeError("E101", f"node '{name}': weight has shape {weight.shape}",
                        help=f"give it {n_dims} dimensions: outputs, inputs, and the sides of the "
                        "kernel")
    return weight


def _bias(name: str, node: Any) -> FloatArray | None:
    """None where all are zero: writers put zeros where there is no bias."""
    if getattr(node, "bias", None) is None:
        return None
    bias = _array(name, "bias", node.bias)
    if bias.shape != (np.shape(node.weight)[0],):
        raise EdgeError("E101", f"node '{name}': bias has shape {bias.shape}, expected "
                        f"({np.shape(node.weight)[0]},)", help="give one number for each output")
    return bias if bias.any() else None


def _numbers(name: str, node: Any, key: str, n: int) -> tuple[int, ...]:
    values = np.ravel(_array(name, key, getattr(node, key)))
    values = np.repeat(values, n) if values.size == 1 else values
    if values.size != n or (values % 1).any():
        raise EdgeError("E101", f"node '{name}': {key} is {values.tolist()}, expected {n} integers",
                        help="write it as one integer, or as one for each dimension")
    return tuple(int(v) for v in values)


def _pair(name: str, node: Any, key: str) -> Pair:
    first, second = _numbers(name, node, key, 2)
    return first, second


READERS: dict[str, Callable[[str, Any], Node]] = {
    "Input": _entry, "Output": lambda name, node: Exit(), "Linear": _linear, "Affine": _linear,
    "Conv1d": _conv1d, "Conv2d": _conv2d, "Flatten": lambda name, node: Flatten(),
    "SumPool2d": _sum_pool, "AvgPool2d": _avg_pool, "Scale": _scale,
}
"""By the name of a NIR type: of all but neurons and Delay."""
