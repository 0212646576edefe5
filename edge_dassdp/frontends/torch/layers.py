"""Layers of torch.nn as nodes, and what the frameworks' own layers are made of.

BatchNorm in eval mode is y = factor x + shift with factor = weight / sqrt(running_var + eps) and
shift = bias - factor running_mean, and goes into the weights beside it: behind a layer W x + b it
leaves W' = factor W and b' = factor b + shift, in float64. So do the divisors of average pooling.
The source rounds these in float32, so membranes may differ in the last bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.framework import Layer, Modules, Shape
from edge_dassdp.frontends.nodes import Convolution, Flatten, Linear, Node, Pooling, Scale
from edge_dassdp.frontends.torch.values import numbers, unsupported
from edge_dassdp.ir import geometry
from edge_dassdp.ir.geometry import Conv, Pair


def behind(node: Node, shape: Shape) -> Shape:
    """The shape that a layer makes of `shape`. Raises EdgeError E101 where they do not fit."""
    if isinstance(node, Linear):
        return (node.weight.shape[0],)
    if isinstance(node, Flatten):
        return (geometry.size(shape),)
    volume = geometry.volume(shape)
    if isinstance(node, Convolution):
        volume = node.conv.out(volume, node.weight.shape)
    elif isinstance(node, Pooling):
        volume = node.out(volume)
    else:
        return shape
    return volume[::2] if len(shape) == 2 else volume


def _linear(module: Any, at: str, shape: Shape) -> Node:
    return matrix(module.weight, module.bias, at, shape)


def matrix(weight: Any, bias: Any, at: str, shape: Shape) -> Node:
    """weight (n_out, n_in) and bias (n_out,), a scalar or None, behind values of a shape, which the
    weight tells where it is not known."""
    w = numbers(weight, f"{at}: weight")
    shape = shape or w.shape[1:]
    if w.shape[1] != shape[-1] and w.shape[1] == geometry.size(shape):
        raise unsupported(at, f"takes {w.shape[1]} inputs, but values of shape {shape} lead there",
                          "put an nn.Flatten() before it")
    if w.shape[1] != geometry.size(shape):
        raise EdgeError("E101", f"{at} takes {w.shape[1]} inputs, but the layer before it has "
                        f"{geometry.size(shape)} neurons", cause=f"their shape is {shape}",
                        help=f"build it for {geometry.size(shape)} inputs, or the layer before it "
                        f"for {w.shape[1]} outputs")
    if bias is None:
        return Linear(w)
    return Linear(w, np.broadcast_to(numbers(bias, f"{at}: bias"), w.shape[:1]))


def _conv(module: Any, at: str, shape: Shape) -> Node:
    _needs(at, shape, module.weight.ndim - 1)
    weight = numbers(module.weight, f"{at}: weight")
    if module.padding_mode != "zeros":
        raise unsupported(at, f"has the padding_mode '{module.padding_mode}'", "use zeros")
    flat = weight.ndim == 3
    bias = None if module.bias is None else numbers(module.bias, f"{at}: bias")
    padding = [_padding(module, at, d) for d in range(weight.ndim - 2)]
    return Convolution(weight[:, :, None] if flat else weight, bias, Conv(
        _pair(module.stride, 1, flat), _pair(padding, 0, flat), _pair(module.dilation, 1, flat),
        module.groups))


def _padding(module: Any, at: str, dimension: int) -> int:
    if module.padding == "valid":
        return 0
    if module.padding == "same":
        total = module.dilation[dimension] * (module.kernel_size[dimension] - 1)
        if total % 2:
            raise unsupported(at, "has padding='same' with an even kernel, which pads one side "
                              "more than the other", "use an odd kernel or a number as padding")
        return int(total // 2)
    return int(module.padding[dimension])


def _batch_norm(module: Any, at: str, shape: Shape) -> Node:
    _needs(at, shape, *((3,) if type(module).__name__.endswith("2d") else (1, 2)))
    if module.running_mean is None:
        raise unsupported(at, "normalizes by the statistics of each batch",
                          "use track_running_stats=True")
    if module.training:
        raise unsupported(at, "is in training mode, where it normalizes by each batch",
                          "call model.eval() first")
    if module.running_mean.shape[0] != shape[0]:
        raise EdgeError("E101", f"{at} takes {module.running_mean.shape[0]} channels, but values "
                        f"of shape {shape} lead there", help=f"build it for {shape[0]}")
    mean, var = (numbers(getattr(module, name), f"{at}: {name}")
                 for name in ("running_mean", "running_var"))
    factor, shift = 1.0 / np.sqrt(var + module.eps), np.zeros(shape[0])
    if module.affine:
        factor = numbers(module.weight, f"{at}: weight") * factor
        shift = numbers(module.bias, f"{at}: bias")
    return Scale(factor, shift - factor * mean)


def _flatten(module: Any, at: str, shape: Shape) -> Node:
    if module.start_dim not in (0, 1, 2) or module.end_dim != -1:
        raise unsupported(at, "flattens a part of the dimensions",
                          "use nn.Flatten() without arguments")
    return Flatten()


def _avg_pool(module: Any, at: str, shape: Shape) -> Node:
    pool = _pool(module, at, shape, "avg")
    if not module.count_include_pad and pool.padding != (0, 0):
        raise unsupported(at, "leaves the padding out of its means (count_include_pad=False)",
                          "use count_include_pad=True, or no padding")
    divisor = getattr(module, "divisor_override", None)
    if divisor not in (None, geometry.size(pool.kernel)):
        if divisor != 1:
            raise unsupported(at, f"divides by {divisor} (divisor_override)",
                              "use divisor_override=1 for sums, or none for means")
        return Pooling("sum", pool.kernel, pool.stride, pool.padding)
    return pool


def _max_pool(module: Any, at: str, shape: Shape) -> Node:
    if module.return_indices:
        raise unsupported(at, "returns indices", "build it with return_indices=False")
    dilation = _pair(module.dilation, 1, len(shape) == 2)
    pool = replace(_windows(module, at, shape, "max"), dilation=dilation)
    passes = replace(pool, ceil_mode=bool(module.ceil_mode))
    return passes if behind(passes, shape) != behind(pool, shape) else pool


def sum_pool(module: Any, at: str, shape: Shape) -> Node:
    return _pool(module, at, shape, "sum")


def _pool(module: Any, at: str, shape: Shape, kind: Any) -> Pooling:
    pool = _windows(module, at, shape, kind)
    rests = [(n + 2 * p - k) % s for n, p, k, s in
             zip(geometry.volume(shape)[1:], pool.padding, pool.kernel, pool.stride, strict=True)]
    if module.ceil_mode and any(rests):
        raise unsupported(at, "has ceil_mode and windows past the end",
                          "use ceil_mode=False, or sizes that the windows divide")
    return pool


def _windows(module: Any, at: str, shape: Shape, kind: Any) -> Pooling:
    _needs(at, shape, 2 if type(module).__name__.endswith("1d") else 3)
    flat = len(shape) == 2
    kernel = _pair(module.kernel_size, 1, flat)
    stride = kernel if module.stride is None else _pair(module.stride, 1, flat)
    return Pooling(kind, kernel, stride, _pair(getattr(module, "padding", 0), 0, flat))


def _adaptive(module: Any, at: str, shape: Shape) -> Node:
    _needs(at, shape, 2 if type(module).__name__.endswith("1d") else 3)
    sizes, wanted = shape[1:], module.output_size
    out = wanted if isinstance(wanted, tuple | list) else (wanted,) * len(sizes)
    out = tuple(n if o is None else o for o, n in zip(out, sizes, strict=True))
    if any(n % o for n, o in zip(sizes, out, strict=True)):
        raise unsupported(at, f"pools {sizes} places to {out}, which does not divide them",
                          "use an average pooling with a kernel that fits")
    kernel = _pair([n // o for n, o in zip(sizes, out, strict=True)], 1, len(shape) == 2)
    return Pooling("avg", kernel, kernel)


def _pair(value: Any, first: int, flat: bool) -> Pair:
    """(vertical, horizontal) of a number or of one per dimension; `first` where there is one."""
    if flat:
        return first, int(value[0] if isinstance(value, tuple | list) else value)
    both = value if isinstance(value, tuple | list) else (value, value)
    return int(both[0]), int(both[1])


def _needs(at: str, shape: Shape, *n_dimensions: int) -> None:
    named = " or ".join(_SHAPES[n] for n in n_dimensions)
    if not shape:
        raise unsupported(at, "needs the shape of the input", f"give input_shape={named}")
    if len(shape) not in n_dimensions:
        raise unsupported(at, f"needs values of shape {named}, not {shape}", f"give input_shape="
                          f"{named} where it stands first, or the layer for values of {shape}")


_SHAPES = {1: "(n,)", 2: "(channels, length)", 3: "(channels, height, width)"}


LAYERS: dict[str, Layer] = {
    "linear.Linear": _linear, "conv.Conv1d": _conv, "conv.Conv2d": _conv,
    "batchnorm.BatchNorm1d": _batch_norm, "batchnorm.BatchNorm2d": _batch_norm,
    "flatten.Flatten": _flatten,
    "pooling.AvgPool1d": _avg_pool, "pooling.AvgPool2d": _avg_pool,
    "pooling.MaxPool1d": _max_pool, "pooling.MaxPool2d": _max_pool,
    "pooling.AdaptiveAvgPool1d": _adaptive, "pooling.AdaptiveAvgPool2d": _adaptive,
}
"""By the name of a class below torch.nn.modules."""
def apply(module: Any, rows: Any) -> Any:
    """A layer of values (n, *shape)."""
    from torch import nn

    return module(rows[None] if isinstance(module, nn.Flatten) else rows)


_IGNORED = ("linear.Identity", "dropout.Dropout", "dropout.Dropout1d", "dropout.Dropout2d")

NN = Modules(layers={f"torch.nn.modules.{name}": read for name, read in LAYERS.items()},
             ignored=[f"torch.nn.modules.{name}" for name in _IGNORED],
             wrappers={"torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
                       "torch.nn.parallel.data_parallel.DataParallel": "module",
                       "torch.nn.parallel.distributed.DistributedDataParallel": "module"},
             apply=apply)
