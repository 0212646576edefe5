"""What an ONNX file may ask for before anything of it is unpacked, copied or computed: a few bytes
can stand for more than a computer holds. Each check raises ValueError.
"""

from __future__ import annotations

import math
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 1 << 30
"""Of a file, and of all that lie beside it."""
MOST_VALUES = 1 << 26
"""Of a constant that is computed."""
MOST_ENTRIES = 1 << 20
"""Of a shape that is computed."""
MOST_NODES = 100_000
"""Once local functions stand in place of their calls."""
_WHOLE = (6, 7)
"""Of TensorProto.DataType: int32 and int64."""
_BY_SHAPE = ("Reshape", "Expand", "ConstantOfShape")
"""Their last input has an entry for each dimension of what they make."""


def check_size(path: Path) -> None:
    """A regular file of a size that networks for microcontrollers have many times over."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is not a regular file")
    if found.st_size > MOST_BYTES:
        raise ValueError(f"it has {found.st_size:,} bytes, more than {MOST_BYTES:,}")


def check_beside(model: Any, folder: Path) -> None:
    """Weights in other files lie in this folder, in regular files that together are bounded."""
    named = {entry.value for tensor in _tensors(model) for entry in tensor.external_data
             if entry.key == "location"}
    total = 0
    for name in named:
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts or path.is_symlink():
            raise ValueError(f"its weights lie outside its folder, at {name[:80]!r}")
        check_size(path)
        total += path.stat().st_size
    if total > MOST_BYTES:
        raise ValueError(f"the files beside it have {total:,} bytes, more than {MOST_BYTES:,}")


def _tensors(model: Any) -> Iterator[Any]:
    """Every tensor of the graph, of its functions and of what lies within nodes."""
    for graph in (model.graph, *model.functions):
        yield from getattr(graph, "initializer", ())
        for node in _nodes(graph.node):
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                for inner in (attribute.g, *attribute.graphs):
                    yield from inner.initializer


def _nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    """These and all within them."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner.node)


def check_calls(model: Any) -> None:
    """Local functions do not call themselves, nor each other until they are too many nodes."""
    bodies = {(f.domain, f.name): f for f in model.functions}
    n_nodes: dict[tuple[str, str], int] = {}

    def count(key: tuple[str, str], trail: tuple[tuple[str, str], ...]) -> int:
        if key in trail:
            raise ValueError(f"its function '{key[1]}' calls itself")
        if key not in n_nodes:
            n_nodes[key] = counted(bodies[key].node, (*trail, key))
        return n_nodes[key]

    def counted(nodes: Any, trail: tuple[tuple[str, str], ...]) -> int:
        total = sum(count((n.domain, n.op_type), trail) if (n.domain, n.op_type) in bodies else 1
                    for n in _nodes(nodes))
        if total > MOST_NODES:
            raise ValueError(f"its functions stand for more than {MOST_NODES:,} nodes")
        return total

    counted(model.graph.node, ())


def check_shapes(model: Any) -> None:
    """What shape inference follows entry by entry, shapes computed from shapes, stays within
    MOST_ENTRIES: each Concat of a value with itself doubles it."""
    rank = {i.name: len(i.type.tensor_type.shape.dim) for i in model.graph.input}
    entries: dict[str, int] = {}
    constants = [(t.name, t) for t in model.graph.initializer]
    constants += [(n.output[0], a.t) for n in model.graph.node if n.op_type == "Constant"
                  for a in n.attribute if a.name == "value"]
    for name, tensor in constants:
        rank[name] = len(tensor.dims)
        is_shape = tensor.data_type in _WHOLE and len(tensor.dims) < 2
        entries[name] = math.prod(tensor.dims) if is_shape else 0
    for node in model.graph.node:
        dims = max((rank.get(v, 0) for v in node.input if v), default=0)
        known = [entries.get(v, 0) for v in node.input if v]
        made = sum(known) if node.op_type == "Concat" else max(known, default=0)
        if node.op_type in _BY_SHAPE:
            dims = known[-1] or dims
        elif node.op_type == "Unsqueeze":
            dims += max(known[-1] if len(known) > 1 else 0, 1)
        n_entries = dims if node.op_type == "Shape" else made * all(known)
        if max(n_entries, dims) > MOST_ENTRIES:
            raise ValueError(f"a shape of more than {MOST_ENTRIES:,} entries")
        for name in node.output:
            entries.setdefault(name, n_entries)
            rank.setdefault(name, dims)


def check_result(arguments: Iterable[NDArray[Any]]) -> None:
    """What an operation makes of constants is not much larger than they are."""
    given = list(arguments)
    try:
        n_values = int(np.prod(np.broadcast_shapes(*(a.shape for a in given)), dtype=object))
    except ValueError:  # no operation by elements
        n_values = 0
    if max(n_values, sum(a.size for a in given)) > MOST_VALUES:
        raise ValueError(f"a constant of more than {MOST_VALUES:,} values")
