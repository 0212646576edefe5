"""Operations of an ONNX graph that stand between neurons, as nodes of `frontends.nodes`.

BatchNormalization is y = factor x + shift with factor = scale / sqrt(variance + epsilon) and
shift = bias - mean factor, in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from edge_dassdp.frontends.nodes import (
    Convolution,
    Flatten,
    Linear,
    Node,
    Pooling,
    Scale,
)
from edge_dassdp.frontends.onnx.graph import Array, Operation, StepGraph, refuse
from edge_dassdp.ir import FloatArray, geometry
from edge_dassdp.ir.geometry import Conv, Pair

SUPPORTED = ("supported beside neurons are Gemm and MatMul with constant weights, Conv, "
             "BatchNormalization, AveragePool, MaxPool, Flatten and Reshape, sums, and products "
             "with and sums with constants")


def node(graph: StepGraph, operation: Operation) -> tuple[str, Node]:
    """A stem for its name, and the node. Raises EdgeError E102 for what is not supported."""
    if operation.kind not in _KINDS:
        raise refuse(f"{operation.at} is of a kind that is not supported", help=SUPPORTED)
    stem, make = _KINDS[operation.kind]
    dynamic = [v for v in operation.inputs if v and v not in graph.constants]
    if len(dynamic) != 1:
        raise refuse(f"{operation.at} takes several values that are no constants", help="take "
                     f"one value, and constants beside it; {SUPPORTED}")
    graph.shape(dynamic[0], operation)
    graph.shape(operation.output, operation)
    return stem, make(graph, operation)


def _constant(graph: StepGraph, operation: Operation, place: int) -> FloatArray:
    value = graph.constants.get(operation.inputs[place])
    if value is None:
        raise refuse(f"{operation.at} takes a value where a constant is expected", help="let "
                     "the value stand first and constants behind it: x @ w, as nn.Linear has them")
    return value.astype(np.float64)


def _optional(graph: StepGraph, operation: Operation, place: int) -> FloatArray | None:
    if len(operation.inputs) <= place or not operation.inputs[place]:
        return None
    return _constant(graph, operation, place)


def _check(operation: Operation, **expected: Any) -> None:
    for name, value in expected.items():
        found = operation.attributes.get(name, value)
        found = found.decode() if isinstance(found, bytes) else found
        if found != value:
            raise refuse(f"{operation.at} has {name} = {found}", help=f"export it with {value}")


def _gemm(graph: StepGraph, operation: Operation) -> Node:
    _check(operation, transA=0)
    weight = _constant(graph, operation, 1) * operation.attributes.get("alpha", 1.0)
    weight = weight if operation.attributes.get("transB", 0) else weight.T
    bias = _optional(graph, operation, 2)
    if bias is not None:
        bias = np.broadcast_to(bias * operation.attributes.get("beta", 1.0),
                               (1, len(weight))).reshape(-1)
    return Linear(weight, bias)


def _matmul(graph: StepGraph, operation: Operation) -> Node:
    weight = _constant(graph, operation, 1)
    if weight.ndim != 2 or len(graph.shapes[operation.output]) != 1:
        raise refuse(f"{operation.at} multiplies more than vectors and a matrix",
                     help="flatten the values before it")
    return Linear(weight.T)


def _pair(operation: Operation, name: str, n: int, default: int) -> Pair:
    """An attribute of n = 1 or 2 numbers as (height, width); a height alone is a width."""
    values = tuple(int(v) for v in operation.attributes.get(name, [default] * n))
    if len(values) != n or n not in (1, 2):
        raise refuse(f"{operation.at} is not of one or two dimensions", help="use Conv1d, Conv2d "
                     "and pooling of these")
    fill = 0 if name == "pads" else 1
    return (values[0], values[1]) if n == 2 else (fill, values[0])


def _padding(operation: Operation, n: int) -> Pair:
    if operation.attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise refuse(f"{operation.at} pads by auto_pad", help="export it with padding in numbers")
    pads = [int(v) for v in operation.attributes.get("pads", [0] * 2 * n)]
    if pads[:n] != pads[n:]:
        raise refuse(f"{operation.at} pads its sides by different numbers ({pads})",
                     help="pad both sides alike")
    return (pads[0], pads[1]) if n == 2 else (0, pads[0])


def _convolution(graph: StepGraph, operation: Operation) -> Node:
    weight = _constant(graph, operation, 1)
    n = weight.ndim - 2
    conv = Conv(_pair(operation, "strides", n, 1), _padding(operation, n),
                _pair(operation, "dilations", n, 1), int(operation.attributes.get("group", 1)))
    weight = weight if n == 2 else weight[:, :, None, :]
    return Convolution(weight, _optional(graph, operation, 2), conv)


def _pooling(graph: StepGraph, operation: Operation) -> Node:
    n = len(operation.attributes["kernel_shape"])
    is_max = operation.kind == "MaxPool"
    _check(operation, storage_order=0, **{} if is_max else {"dilations": [1] * n})
    pool = Pooling("max" if is_max else "avg", _pair(operation, "kernel_shape", n, 1),
                   _pair(operation, "strides", n, 1), _padding(operation, n),
                   _pair(operation, "dilations", n, 1))
    if not is_max and any(pool.padding):
        _check(operation, count_include_pad=1)
        if "count_include_pad" not in operation.attributes:
            raise refuse(f"{operation.at} leaves padding out of its mean",
                         help="use count_include_pad=True")
    before, after = (graph.shapes[v] for v in (operation.inputs[0], operation.output))
    if pool.out(geometry.volume(before)) == geometry.volume(after):
        return pool
    past_end = replace(pool, ceil_mode=True)
    if is_max and past_end.out(geometry.volume(before)) == geometry.volume(after):
        return past_end
    raise refuse(f"{operation.at} has windows past the end (ceil_mode)", help="use ceil_mode=False")


def _global_pooling(graph: StepGraph, operation: Operation) -> Node:
    _, height, width = geometry.volume(graph.shapes[operation.inputs[0]])
    return Pooling("avg", (height, width), (height, width))


def _normalization(graph: StepGraph, operation: Operation) -> Node:
    _check(operation, training_mode=0)
    scale, bias, mean, variance = (_constant(graph, operation, n) for n in range(1, 5))
    factor = scale / np.sqrt(variance + operation.attributes.get("epsilon", 1e-5))
    return Scale(factor, bias - mean * factor)


def _reshape(graph: StepGraph, operation: Operation) -> Node:
    return Flatten()


def _scaling(graph: StepGraph, operation: Operation) -> Node:
    """A sum, difference, product or quotient of a value and a constant, or a change of sign."""
    one, none = np.ones(1), np.zeros(1)
    if operation.kind == "Neg":
        return Scale(-one)
    place = int(operation.inputs[1] in graph.constants)
    value = _spread(graph, operation, _constant(graph, operation, place))
    if operation.kind == "Mul":
        return Scale(value, none)
    if operation.kind == "Div" and place == 1 and value.all():
        return Scale(1.0 / value, none)
    if operation.kind == "Add":
        return Scale(one, value)
    if operation.kind == "Sub":
        return Scale(one, -value) if place == 1 else Scale(-one, value)
    raise refuse(f"{operation.at} divides by values or by zero", help="multiply by a constant "
                 "instead")


def _spread(graph: StepGraph, operation: Operation, value: Array) -> FloatArray:
    """A constant as one number or one for every value."""
    shape = graph.shapes[operation.output]
    dynamic = next(v for v in operation.inputs if v not in graph.constants)
    if graph.shapes[dynamic] != shape:
        raise refuse(f"{operation.at} makes values of shape {shape} of {graph.shapes[dynamic]}",
                     help="give the constant one number, or one for each value")
    return value.reshape(1) if value.size == 1 else \
        np.broadcast_to(value, (1, *shape)).reshape(-1)


_KINDS: dict[str, tuple[str, Callable[[StepGraph, Operation], Node]]] = {
    "Gemm": ("fc", _gemm),
    "MatMul": ("fc", _matmul),
    "Conv": ("conv", _convolution),
    "BatchNormalization": ("norm", _normalization),
    "AveragePool": ("pool", _pooling),
    "MaxPool": ("pool", _pooling),
    "GlobalAveragePool": ("pool", _global_pooling),
    "Flatten": ("flatten", _reshape),
    "Reshape": ("flatten", _reshape),
    "Squeeze": ("flatten", _reshape),
    "Unsqueeze": ("flatten", _reshape),
    "Add": ("scale", _scaling),
    "Sub": ("scale", _scaling),
    "Mul": ("scale", _scaling),
    "Div": ("scale", _scaling),
    "Neg": ("scale", _scaling),
}
