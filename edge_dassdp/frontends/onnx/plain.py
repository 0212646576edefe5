"""A graph in ONNX's own operators, and in an order that does not change with that of its nodes.

Optimizers write the nodes in any order in which each stands behind what it takes, leave some that
nothing takes, and fuse pairs: a MatMul and the sum behind it (Gemm with a C that is no constant), a
product with a number or a transposition (FusedMatMul), a convolution and a sum (FusedConv).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError

OWN = ("", "ai.onnx")
"""Domains of ONNX's own operators."""


def make_plain(onnx: Any, model: Any) -> None:
    """In place. Raises EdgeError E102, which names it, for a fused operator that cannot be taken
    apart, and for operators of others."""
    graph = model.graph
    known = {i.name for i in graph.initializer}
    dynamic = {i.name for i in graph.input} - known
    nodes = []
    for node in _ordered(graph):
        for part in _apart(onnx, node, dynamic):
            nodes.append(part)
            if dynamic & set(part.input):
                dynamic |= set(part.output)
    del graph.node[:]
    graph.node.extend(nodes)


def name_of(node: Any) -> str:
    """For messages: its own, or that of its value."""
    return f"node '{node.name or node.output[0]}' ({node.op_type})"


def _ordered(graph: Any) -> Iterator[Any]:
    """Nodes that outputs depend on, each behind what it takes: depth first from the first output,
    inputs of a node in their order."""
    makers = {value: node for node in graph.node for value in node.output if value}
    done: set[str] = set()
    for output in graph.output:
        ahead = [(output.name, False)]
        while ahead:
            value, is_ready = ahead.pop()
            node = makers.get(value)
            if node is None or node.output[0] in done:
                continue
            if is_ready:
                done.add(node.output[0])
                yield node
            else:
                ahead.append((value, True))
                ahead += [(v, False) for v in reversed(node.input)]


# ---- fused operators -----------------------------------------------------------------------------


def _apart(onnx: Any, node: Any, dynamic: set[str]) -> Sequence[Any]:
    """The nodes that compute what a node does."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    is_gemm = node.domain in OWN and node.op_type == "Gemm"
    if is_gemm and (len(node.input) < 3 or node.input[2] not in dynamic):
        return [node]
    if node.domain in OWN and not is_gemm:
        return [node]
    take = _gemm if is_gemm else _FUSED.get((node.domain, node.op_type))
    if take is None:
        raise EdgeError("E102", f"{name_of(node)} belongs to the operators '{node.domain}', which "
                        "are not ONNX's own", help="give the file as it was exported, or optimized "
                        "at most by ORT_ENABLE_EXTENDED")
    if attributes.get("activation"):
        raise EdgeError("E102", f"{name_of(node)} holds a {attributes['activation'].decode()}, "
                        "which is not supported", help="write the network without it")
    return list(take(_Parts(onnx, node), attributes))


class _Parts:
    """Makes the nodes; `name` is that of a value between them."""

    def __init__(self, onnx: Any, node: Any) -> None:
        self._onnx, self.node = onnx, node
        self.inputs = (*node.input, *[""] * (4 - len(node.input)))
        self.output = node.output[0]

    def value(self, what: str) -> str:
        return f"{self.output}/{what}"

    def make(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> Any:
        return self._onnx.helper.make_node(kind, list(inputs), [output], self.node.name,
                                           **attributes)

    def number(self, number: float, output: str) -> Any:
        tensor = self._onnx.numpy_helper.from_array(np.array(number, np.float32))
        return self.make("Constant", (), output, value=tensor)

    def scaled(self, value: str, factor: float, output: str) -> Iterator[Any]:
        yield self.number(factor, f"{output}/factor")
        yield self.make("Mul", (value, f"{output}/factor"), output)


Attributes = Mapping[str, Any]


def _gemm(parts: _Parts, attributes: Attributes) -> Iterator[Any]:
    """Y = alpha A B + beta C."""
    a, b, c, _ = parts.inputs
    kept = {k: v for k, v in attributes.items() if k in ("alpha", "transA", "transB")}
    product = parts.value("product") if c else parts.output
    yield parts.make("Gemm", (a, b), product, **kept)
    if c and attributes.get("beta", 1.0) != 1.0:
        yield from parts.scaled(c, attributes["beta"], parts.value("c"))
        c = parts.value("c")
    if c:
        yield parts.make("Add", (product, c), parts.output)


def _matmul(parts: _Parts, attributes: Attributes) -> Iterator[Any]:
    """Y = alpha A B, with B transposed where transB is set."""
    a, b, _, _ = parts.inputs
    for name in ("transA", "transBatchA", "transBatchB"):
        if attributes.get(name, 0):
            raise EdgeError("E102", f"{name_of(parts.node)} has {name} = 1",
                            help="give the file as it was exported, before it was optimized")
    if attributes.get("transB", 0):
        yield parts.make("Transpose", (b,), parts.value("transposed"))
        b = parts.value("transposed")
    if attributes.get("alpha", 1.0) != 1.0:
        yield from parts.scaled(b, attributes["alpha"], parts.value("scaled"))
        b = parts.value("scaled")
    yield parts.make("MatMul", (a, b), parts.output)


def _conv(parts: _Parts, attributes: Attributes) -> Iterator[Any]:
    """Y = X * W + B + Z."""
    *inputs, z = parts.inputs
    product = parts.value("product") if z else parts.output
    inputs = inputs if inputs[2] else inputs[:2]
    yield parts.make("Conv", inputs, product, **attributes)
    if z:
        yield parts.make("Add", (product, z), parts.output)


_FUSED: dict[tuple[str, str], Callable[[_Parts, Attributes], Iterator[Any]]] = {
    ("com.microsoft", "FusedGemm"): _gemm,
    ("com.microsoft", "FusedMatMul"): _matmul,
    ("com.microsoft", "FusedConv"): _conv,
}
