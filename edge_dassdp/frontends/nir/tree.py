"""A NIR file as the nested values that `nir` makes its nodes of.

HDF5 runs in a process of its own, with limits of time and memory: on some damaged files it hangs.
"""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.files import write_bytes
from edge_dassdp.storage.foreign import listed, reading, told, unread

MOST_SECONDS = 180.0
"""Of a clock, for computers that do much besides; `contents` ends itself after fewer of its own."""


def read_graph(path: Path | str) -> Any:
    """The nir.NIRGraph of a file. Raises EdgeError E103 for one that is missing, damaged or no NIR
    file, E303 without `nir`."""
    if not os.path.isfile(path):
        raise unread(path, "nir")
    command = [sys.executable, "-P", str(Path(__file__).with_name("contents.py")),
               str(Path(path).absolute())]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        try:
            nir = library()  # while the child starts
            made, complaint = child.communicate(timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired:
            raise unread(path, "nir", f"HDF5 did not come to an end in {MOST_SECONDS:.0f} s"
                         ) from None
        finally:
            child.kill()
    if child.returncode:
        said = complaint.decode(errors="replace").rstrip().rpartition("\n")[2]
        raise unread(path, "nir", told(said or f"HDF5 ended with {child.returncode}"))
    with reading(path, "nir"):
        return _graph(nir, *_tree(made), path)


def write_graph(graph: Any, path: Path | str) -> None:
    """Write a nir.NIRGraph, whole or not at all: HDF5 writes into memory, for it says in many ways
    that a disk is full. Raises EdgeError E103."""
    whole = io.BytesIO()
    library().write(whole, graph)
    write_bytes(path, whole.getvalue())


def library() -> Any:
    """`nir`. Raises EdgeError E303 without it."""
    try:
        import nir
    except ImportError as problem:
        raise EdgeError("E303", "the NIR importer needs nir", cause=str(problem),
                        help="pip install 'edge-dassdp[nir]'") from None
    return nir


def _tree(told: bytes) -> tuple[dict[str, Any], memoryview]:
    line, _, _ = told.partition(b"\n")
    return json.loads(line), memoryview(told)[len(line) + 1 :]


def _graph(nir: Any, tree: dict[str, Any], data: memoryview, path: Path | str) -> Any:
    if "node" not in tree:
        raise unread(path, "nir", f"it lacks 'node'; it holds {listed(sorted(tree)) or 'nothing'}")
    node = tree["node"]
    kind = node.get("type", "NIRGraph")
    if kind != "NIRGraph":
        raise EdgeError("E103", f"{path} holds a {told(str(kind))} instead of a graph",
                        help="write the graph that the node belongs to: nir.write(path, graph)")
    if missing := {"type", "nodes", "edges"} - set(node):
        raise unread(path, "nir", f"its graph lacks {', '.join(sorted(missing))}")
    return nir.dict2NIRNode({**_values(node, data), "type_check": False})


def _values(told: Any, data: memoryview) -> Any:
    """What `nir.read` would have read. ValueError and the like for anything else."""
    if isinstance(told, str):
        return told
    if isinstance(told, dict):
        return {name: _values(value, data) for name, value in told.items()}
    if told[0] == "texts":
        return told[1]
    _, kind, shape, at = told
    dtype = np.dtype(kind)
    n = math.prod(shape)
    array = np.frombuffer(data, dtype, n, at) if n else np.zeros(0, dtype)
    made = array.reshape(shape).astype(dtype.newbyteorder("="))
    return made if made.ndim else made[()]
