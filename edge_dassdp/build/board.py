"""Boards are data: boards/<name>/board.toml, read once into a frozen Board and checked there."""

from __future__ import annotations

import os
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board_checks import CFLAGS, CPUS, check_board, refused
from edge_dassdp.build.description import (
    Board,
    BootImage,
    Cleared,
    Counter,
    Drive,
    Marker,
    Programming,
    Pyocd,
    QemuMachine,
    Region,
    ResetCause,
    Slots,
    Store,
    Uart,
    Watchdog,
)
from edge_dassdp.storage.foreign import unread
from edge_dassdp.storage.toml import MOST_BYTES, parsed

__all__ = [
    "CFLAGS",
    "CPUS",
    "Board",
    "BootImage",
    "Cleared",
    "Counter",
    "Drive",
    "Marker",
    "Programming",
    "Pyocd",
    "QemuMachine",
    "Region",
    "ResetCause",
    "Slots",
    "Store",
    "Uart",
    "Watchdog",
    "board_files",
    "list_boards",
    "load_board",
]


def load_board(name: str | Path) -> Board:
    """The board `name` of the boards folder, or of a board.toml (or its folder) by path.

    Raises EdgeError E401 naming the field that is wrong, or the boards there are.
    """
    path = Path(name)
    if os.path.isfile(path) and path.suffix != ".toml":
        raise unread(path, "board", code="E401")
    if path.suffix != ".toml":
        path = path if os.path.isfile(path / "board.toml") else assets.folder("boards") / path
        path = path / "board.toml"
    board: Board = _read(Board, _table(path, name), "")
    check_board(board)
    return board


def _table(path: Path, name: str | Path) -> dict[str, Any]:
    """What stands in a board.toml."""
    try:
        with path.open("rb") as file:
            return parsed(file.read(MOST_BYTES + 1))
    except (FileNotFoundError, NotADirectoryError):
        if os.path.isdir(name):
            raise EdgeError("E401", f"the folder {name} has no board.toml",
                            help="give the path of the file, or write one: edge-dassdp board new"
                            ) from None
        raise EdgeError("E401", f"there is no board {name}",
                        help=f"Boards: {', '.join(list_boards())}; or give a path.") from None
    except OSError as problem:
        raise EdgeError("E401", f"{path} cannot be read",
                        cause=problem.strerror or str(problem)) from None
    except ValueError as problem:
        raise unread(path, "board", str(problem), "save it as UTF-8 text; docs of TOML: toml.io",
                     "E401") from None


def list_boards() -> list[str]:
    """Names of the boards that come with the package, sorted."""
    return sorted(p.parent.name for p in assets.folder("boards").glob("*/board.toml"))


def board_files(board: Board) -> dict[str, str]:
    """The generated texts of a board: dassdp_board.h and link.ld."""
    return {"dassdp_board.h": assets.render("dassdp_board.h.j2", board=board),
            "link.ld": assets.render("link.ld.j2", board=board)}


def _read(kind: Any, value: object, where: str) -> Any:
    """`value` from TOML as the annotation `kind`; `where` is the field's dotted name."""
    if is_dataclass(kind):
        return _read_table(kind, value, where)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise refused(where, "a list is expected")
        item = get_args(kind)[0]
        return tuple(_read(item, v, f"{where}[{i}]") for i, v in enumerate(value))
    if kind is float and type(value) is int:
        return float(value)
    if kind not in (str, int, bool, float):  # an optional table
        return _read(get_args(kind)[0], value, where)
    if type(value) is not kind:
        raise refused(where, f"{kind.__name__} is expected, {value!r:.80} was given")
    return value


def _read_table(kind: Any, value: object, where: str) -> Any:
    prefix = f"{where}." if where else ""
    if not isinstance(value, dict):
        raise refused(where, "a table is expected")
    types = get_type_hints(kind)
    for key in value:
        if key not in types:
            raise refused(prefix + key, f"unknown; known here: {', '.join(types)}")
    for field in fields(kind):
        if field.name not in value and field.default is MISSING:
            raise refused(prefix + field.name, "missing")
    return kind(**{key: _read(types[key], v, prefix + key) for key, v in value.items()})
