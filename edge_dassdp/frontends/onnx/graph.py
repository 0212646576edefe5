"""Reads an ONNX file of one time step into what depends on its inputs and what does not.

Everything that is computed of constants alone (exporters leave chains of Identity, Clip, Cast and
Unsqueeze there) is evaluated by onnx's own reference implementation; the batch is one, and all
other dimensions are numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.onnx import bounds
from edge_dassdp.frontends.onnx.plain import make_plain, name_of
from edge_dassdp.storage.foreign import reading, unread

Array = NDArray[Any]

FOLDABLE = frozenset((
    "Abs", "Add", "Cast", "Clip", "Concat", "Constant", "Div", "Identity", "Max", "Min", "Mul",
    "Neg", "Pow", "Reciprocal", "Reshape", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze"))
"""What may be computed of constants."""

HELP = ("export one time step: forward(x, state, ...) returns spikes and every new state, with a "
        "batch of one; see edge_dassdp.frontends.onnx")


@dataclass(frozen=True, eq=False)
class Operation:
    """A node that depends on inputs; `inputs` and `output` name values, "" is an absent input."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]
    node: Any

    @property
    def at(self) -> str:
        return f"node '{self.name}' ({self.kind})"


@dataclass(frozen=True, eq=False)
class StepGraph:
    """inputs and shapes: shapes of values without the batch. outputs: name in the file -> value.
    operations in an order that the file's does not change, each behind what it takes; Identity,
    Dropout and what no output depends on are left out. model: the file's own, as protobuf; plain:
    the same in ONNX's own operators."""

    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, str]
    operations: tuple[Operation, ...]
    constants: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]
    opset: int
    model: Any
    plain: Any

    def consumers(self) -> dict[str, list[Operation]]:
        """Operations by the values that they take."""
        found: dict[str, list[Operation]] = {}
        for operation in self.operations:
            for value in dict.fromkeys(operation.inputs):
                found.setdefault(value, []).append(operation)
        return found

    def shape(self, value: str, operation: Operation) -> tuple[int, ...]:
        """Without the batch. Raises EdgeError E102 where it is not known."""
        if value not in self.shapes:
            raise refuse(f"{operation.at} has a dynamic shape, or a batch other than one",
                         help="export with fixed shapes and a batch of one; only the batch may be "
                         "dynamic, and it stays the first dimension")
        return self.shapes[value]

    def evaluate(self, operations: Iterable[Operation],
                 feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All values that the operations make of `feeds` and constants, in float32."""
        values: dict[str, Array] = {**self.constants, **feeds}
        made: dict[str, Array] = {}
        for operation in operations:
            arguments = {v: values[v] for v in operation.inputs if v}
            values[operation.output] = made[operation.output] = _result(
                operation.node, arguments, self.opset, operation.at)
        return made


def library() -> Any:
    """The package onnx. Raises EdgeError E303 without it."""
    try:
        import onnx
        import onnx.inliner
        import onnx.reference
        import onnx.shape_inference
    except ImportError as problem:
        raise EdgeError("E303", "the ONNX importer needs onnx", cause=str(problem),
                        help="pip install 'edge-dassdp[onnx]'") from None
    return onnx


def refuse(message: str, cause: str = "", help: str = HELP) -> EdgeError:
    return EdgeError("E102", message, cause=cause, help=help)


def read(path: Path | str) -> StepGraph:
    """The graph of a file. Raises EdgeError E103 where it is no ONNX file, E102 for what cannot be
    taken (control flow, dynamic shapes, other types than float32), E101 for weights that are not
    finite, E303 without onnx."""
    onnx = library()
    model = _checked(onnx, path)
    opset = {o.domain: o.version for o in model.opset_import}.get("", 0)
    if opset < 13:
        raise refuse(f"{path} is of opset {opset}", help="export with opset 13 or later; 17 and 20 "
                     "are tested")
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    make_plain(onnx, plain)
    inputs = _inputs(onnx, plain)
    constants = {i.name: _array(onnx, i) for i in plain.graph.initializer}
    operations, names = _split(onnx, plain.graph.node, constants, opset)
    shapes = _shapes(onnx, plain)
    outputs = {o.name: names.get(o.name, o.name) for o in plain.graph.output}
    for name, value in outputs.items():
        if value in constants:
            raise refuse(f"output '{name}' is a constant", help="leave it out of what forward "
                         "returns")
    return StepGraph(inputs, outputs, operations, constants, shapes, opset, model, plain)


def _checked(onnx: Any, path: Path | str) -> Any:
    """The model, well formed, without local functions."""
    with reading(path, "onnx"):
        bounds.check_size(Path(path))
        model = onnx.load(str(path), format="protobuf", load_external_data=False)
    if not model.graph.node:
        raise unread(path, "onnx", "its graph holds no nodes")
    try:
        bounds.check_beside(model, Path(path).parent)
        bounds.check_calls(model)
        onnx.load_external_data_for_model(model, str(Path(path).parent))
        onnx.checker.check_model(model)
        model = onnx.inliner.inline_local_functions(model) if model.functions else model
        bounds.check_shapes(model)
        return model
    except EdgeError:
        raise
    except Exception as problem:  # the checker and what reads files beside it each have their own
        raise EdgeError("E103", f"{path} is no valid ONNX model", cause=_first_line(problem),
                        help="export it again; weights in a file beside it (.data) belong to it, "
                        "and each node stands behind what it takes") from None


def _inputs(onnx: Any, model: Any) -> dict[str, tuple[int, ...]]:
    """Inputs with their shapes but for the batch, which is set to one in `model`."""
    known = {i.name for i in model.graph.initializer}
    found = {}
    for value in model.graph.input:
        if value.name in known:
            continue
        tensor = value.type.tensor_type
        if tensor.elem_type != onnx.TensorProto.FLOAT:
            raise refuse(f"input '{value.name}' is not of float32", help="export a float32 model")
        batch, *rest = tensor.shape.dim or [None]
        if batch is None or any(not d.HasField("dim_value") or d.dim_value < 1 for d in rest):
            raise refuse(f"input '{value.name}' has a dynamic shape", cause=_shape_text(tensor),
                         help="only the batch, the first dimension, may be dynamic")
        if (batch.HasField("dim_value") and batch.dim_value != 1) or not rest:
            raise refuse(f"input '{value.name}' has shape {_shape_text(tensor)}, expected a batch "
                         "of one and the shape of one sample", help="export with x of shape (1, n)")
        batch.dim_value = 1
        found[value.name] = tuple(int(d.dim_value) for d in rest)
    return found


def _shape_text(tensor: Any) -> str:
    return "(" + ", ".join(str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?"
                           for d in tensor.shape.dim) + ")"


def _shapes(onnx: Any, model: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of values without the batch, as far as they can be inferred and the batch is one."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for value in bare.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        bare = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    except Exception as problem:  # a C++ exception whose type is not exported everywhere
        raise EdgeError("E101", "the shapes in the graph do not fit", cause=_first_line(problem),
                        help="export it again, with x and states of the sizes that forward takes"
                        ) from None
    found = {}
    for value in (*bare.graph.input, *bare.graph.value_info, *bare.graph.output):
        dims = value.type.tensor_type.shape.dim
        sizes = tuple(int(d.dim_value) if d.HasField("dim_value") else 0 for d in dims)
        if sizes and sizes[0] == 1 and min(sizes) > 0:
            found[value.name] = sizes[1:]
    return found


def _array(onnx: Any, tensor: Any) -> Array:
    try:
        array = np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception as problem:  # damaged data
        raise EdgeError("E103", f"constant '{tensor.name}' is damaged", cause=_first_line(problem),
                        help="export the file again") from None
    return _finite(array, f"constant '{tensor.name}'")


def _finite(array: Array, what: str) -> Array:
    if array.dtype.kind not in "fiub":
        raise refuse(f"{what} is of type {array.dtype}", help="export a float32 model")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise EdgeError("E101", f"{what} holds a NaN or an infinity", help="train again with "
                        "finite numbers (gradients may have exploded), and export that")
    return array


def _split(onnx: Any, nodes: Iterable[Any], constants: dict[str, Array],
           opset: int) -> tuple[tuple[Operation, ...], dict[str, str]]:
    """Operations on inputs, and other names of values; what is constant goes to `constants`."""
    operations: list[Operation] = []
    names: dict[str, str] = {}
    for node in nodes:
        at = name_of(node)
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if any(a.HasField("g") or a.graphs for a in node.attribute):
            raise refuse(f"{at} makes what is computed depend on data", help="write the step "
                         "without if and for over tensors, and export one step")
        if sum(v != "" for v in node.output) > 1 and node.op_type != "Dropout":
            raise refuse(f"{at} makes several values", help="write the step without it: slices "
                         "and splits belong before the network or behind it")
        inputs = tuple(names.get(v, v) for v in node.input)
        known = {v: constants[v] for v in inputs if v in constants}
        bare = onnx.NodeProto()
        bare.CopyFrom(node)
        bare.input[:] = inputs
        if all(v in known for v in inputs if v != ""):
            if node.op_type not in FOLDABLE:
                raise refuse(f"{at} makes a constant in a way that is not supported",
                             help="compute it before the export: a buffer or parameter of the "
                             "module holds it")
            constants[node.output[0]] = _finite(_result(bare, known, opset, at), f"{at}")
        elif (same := _passed_on(node.op_type, inputs, constants)) is not None:
            names[node.output[0]] = same
        else:
            operations.append(Operation(node.op_type, node.name or node.output[0], inputs,
                                        node.output[0], attributes, bare))
    return tuple(operations), names


def _passed_on(kind: str, inputs: tuple[str, ...], constants: Mapping[str, Array]) -> str | None:
    """The input that a node gives on as it is: times one, plus zero, without effect."""
    training = constants.get(inputs[2]) if kind == "Dropout" and len(inputs) > 2 else None
    if kind == "Identity" or (kind == "Dropout" and (training is None or not training.any())):
        return inputs[0]
    neutral = {"Mul": 1, "Div": 1, "Add": 0, "Sub": 0}.get(kind)
    for place, value in enumerate(inputs if neutral is not None else ()):
        known = constants.get(value)
        if known is not None and known.size == 1 and known.ndim <= 1 and known == neutral:
            return None if place == 0 and kind in ("Div", "Sub") else inputs[1 - place]
    return None


def _result(node: Any, arguments: Mapping[str, Array], opset: int, at: str) -> Array:
    onnx = library()
    try:
        bounds.check_result(arguments[v] for v in node.input if v != "")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = onnx.reference.ReferenceEvaluator(node, opsets={"": opset})
            return np.asarray(run.run(None, dict(arguments))[0])
    except Exception as problem:  # each operator raises what it likes
        raise refuse(f"{at} cannot be computed", cause=_first_line(problem), help="compute its "
                     "constants before the export: buffers or parameters of the module hold them"
                     ) from None


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
