"""What a verb writes never takes the place of what it reads, and is known to be possible first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from typer.models import ArgumentInfo

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quoting import command
from edge_dassdp.base.text import printable
from edge_dassdp.storage.files import are_one

_QUANTIZED, _SOURCES = ".q.npz", (".npz", ".nir", ".onnx")
"""Endings of a quantized network, and of what it may be quantized from."""


class Writes(Enum):
    """Among the annotations of a parameter: it names what the verb writes, not what it reads."""

    FILE = "file"
    FOLDER = "folder"
    RUN = "run"
    """The folder of this run, which holds what is known of it (docs/report.md)."""


def written(hints: Mapping[str, Any]) -> dict[str, Writes]:
    """The parameters that name what a verb writes."""
    marks = {name: [m for m in get_args(hint) if isinstance(m, Writes)]
             for name, hint in hints.items()}
    return {name: found[0] for name, found in marks.items() if found}


def read(hints: Mapping[str, Any]) -> list[str]:
    """The parameters that name what a verb reads."""
    outputs = written(hints)
    return [name for name, hint in hints.items() if _is_path(hint) and name not in outputs]


def option_of(name: str, hint: Any) -> str:
    """The word that a parameter has on the command line."""
    if any(isinstance(mark, ArgumentInfo) for mark in get_args(hint)):
        return name
    words = [word for mark in get_args(hint) for word in getattr(mark, "param_decls", None) or ()]
    long = [word for word in words if word.startswith("--")]
    return long[-1].partition("/")[0] if long else f"--{name.replace('_', '-')}"


def _is_path(hint: Any) -> bool:
    return hint is Path or any(map(_is_path, get_args(hint)))


def refuse_missing(inputs: Iterable[str], values: Mapping[str, Any]) -> None:
    """Before anything else is asked for. Raises EdgeError E103 for an input that is not there, with
    the nearest name that is."""
    for name in inputs:
        given = values.get(name)
        for path in given if isinstance(given, list | tuple) else [given]:
            if isinstance(path, str | Path) and not os.path.exists(path):
                raise EdgeError("E103", f"{path} does not exist", help=_nearest(Path(path)))


def _nearest(path: Path) -> str:
    """What is there in its place: the network that a model is quantized from, or the nearest name
    of the same kind."""
    kind = _kind(path.name)
    try:
        names = sorted(os.listdir(path.parent))
    except OSError:
        return f"there is no folder {path.parent}"
    stem = path.name.removesuffix(kind)
    if kind == _QUANTIZED:
        for source in (path.with_name(stem + end) for end in _SOURCES if stem + end in names):
            return f"quantize it first: {command('edge-dassdp', 'quantize', source, '-o', path)}"
    near = get_close_matches(stem, [name.removesuffix(kind) for name in names
                                    if not kind or _kind(name) == kind], 1)
    return f"did you mean {printable(str(path.with_name(near[0] + kind)))}?" if near else \
        "check the path"


def _kind(name: str) -> str:
    """Of a file, by how its name ends; empty for one that does not say it."""
    return _QUANTIZED if name.endswith(_QUANTIZED) else Path(name).suffix


def refuse_unwritable(outputs: Mapping[str, Writes], values: Mapping[str, Any]) -> None:
    """Before a verb begins. Raises EdgeError E105 for an output that is one of the inputs, or that
    two options name, E103 for one that cannot be written."""
    inputs = [path for name, value in values.items() if name not in outputs
              for path in (value if isinstance(value, list) else [value])
              if isinstance(path, Path)]
    taken: list[Path] = []
    for name, kind in outputs.items():
        path = values.get(name)
        if path is None:
            continue
        for other in inputs:
            if are_one(path, other):
                raise EdgeError("E105", f"{path} is read by this command and would be overwritten",
                                help="write to another file")
        if any(are_one(path, other) for other in taken):
            raise EdgeError("E105", f"{path} would be written twice", help="name two files")
        taken.append(path)
        _refuse_place(path, kind)


def _refuse_place(path: Path, kind: Writes) -> None:
    if kind is not Writes.FILE:
        if path.exists() and not path.is_dir():
            raise EdgeError("E103", f"{path} is a file, expected a folder")
        return
    folder = Path(os.path.realpath(path)).parent
    if path.is_dir():
        raise EdgeError("E103", f"{path} is a folder", help="name a file in it")
    if not folder.is_dir():
        raise EdgeError("E103", f"{path} cannot be written", cause=f"there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise EdgeError("E103", f"{path} cannot be written",
                        cause=f"files cannot be made in {folder}")
