"""A quantized network as a file: an .npz whose header names every node."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Input
from edge_dassdp.qir.checks import validate
from edge_dassdp.qir.network import FORMATS, NODES, QNetwork, describe
from edge_dassdp.qir.nodes import QPopulation, QProjection, QRule
from edge_dassdp.storage.foreign import reading
from edge_dassdp.storage.npz import read_npz, write_npz

ENTRY_POINTS = "edge_dassdp.rules"


def save(network: QNetwork, path: Path | str) -> None:
    """Write a quantized network as an .npz."""
    header, arrays = describe(network)
    write_npz(path, {**header, "sha256": network.sha256}, arrays)


def load(path: Path | str) -> QNetwork:
    """Read what `save` wrote. Raises EdgeError E103 for another kind of file or one that was
    changed after it was quantized or names a rule that is not known, E101 for constants that no
    target could run."""
    header, arrays = read_npz(path, *FORMATS)
    with reading(path, "quantized"):
        sha256 = header.pop("sha256")
        network = _network(header, arrays)
        validate(network)
        is_whole = network.sha256 == sha256
    if not is_whole:
        raise EdgeError("E103", f"{path} was changed after it was quantized",
                        cause="its SHA-256 is that of other constants",
                        help="quantize the float network again")
    return network


def require_readable(network: QNetwork) -> None:
    """EdgeError E204 unless `load` reads what `save` writes of it, and takes it for the same; E203
    where a rule from outside is in it, which may be why."""
    header, arrays = describe(network)
    try:
        made = _network(json.loads(json.dumps(header, default=operator.index)), arrays)
        validate(made)
        cause = "" if made.sha256 == network.sha256 else "it comes back as another one"
    except EdgeError as problem:
        cause = problem.message
    except Exception as problem:  # what a check that meets a value of another kind raises
        cause = repr(problem)
    own = [q.rule.title for q in network.plastic if q.rule is not None and q.rule.is_own()]
    if cause and own:
        raise EdgeError("E203", f"a file of this network could not be read, perhaps for the rule "
                        f"{', '.join(own)}", cause=cause,
                        help="let `unfiled` take what `filed` gives, and `check` accept it")
    if cause:
        raise EdgeError("E204", "the quantized network breaks a check of its own file",
                        cause=cause, help="nothing was written; please report this network")


def load_installed() -> None:
    """Import every package with an entry point `edge_dassdp.rules`, ours among them.

    Raises EdgeError E103 for one that cannot be imported.
    """
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        except (ImportError, AttributeError) as problem:
            raise EdgeError("E103", f"the rules of '{entry.value}' cannot be imported",
                            cause=str(problem), help="install that package anew, or remove it"
                            ) from None


def _made(name: str, values: dict[str, Any]) -> Any:
    """The node of that name: a rule may stand in an installed package."""
    if name in NODES:
        return NODES[name](**values)
    if name not in QRule.known:
        load_installed()
    if name not in QRule.known:
        raise EdgeError("E103", f"the file names a rule '{name}', which is not known here",
                        help="give the file that defines it with --rules-from, or install its "
                        "package")
    found = [rule for kind in QRule.known[name] if (rule := kind.unfiled(values)) is not None]
    return found[0]


def _projection(values: dict[str, Any]) -> QProjection:
    """Weights as int16, unless they are none: checks say so."""
    w = values["w"]
    small = w.astype(np.int16)
    return QProjection(**values | {"w": small if np.array_equal(small, w) else w})


def _network(header: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> QNetwork:
    def node(values: dict[str, Any]) -> dict[str, Any]:
        return {name: read(value) for name, value in values.items()}

    def read(value: Any) -> Any:
        if isinstance(value, dict) and "array" in value:
            array = arrays[value["array"]]
            return array.astype(np.int64) if array.dtype.kind in "iu" else array
        if isinstance(value, dict) and "node" in value:
            return _made(value.pop("node"), node(value))
        return tuple(map(read, value)) if isinstance(value, list) else value

    header.pop("format")
    header["inputs"] = tuple(Input(**node(i)) for i in header["inputs"])
    header["populations"] = tuple(QPopulation(**node(p)) for p in header["populations"])
    header["projections"] = tuple(_projection(node(p)) for p in header["projections"])
    header["x_frac_bits"] = tuple(header["x_frac_bits"])
    return QNetwork(**node(header))
