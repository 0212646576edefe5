"""Where this computer keeps what it knows of boards and of streams that are on their way."""

from __future__ import annotations

import os
from pathlib import Path

from edge_dassdp.base.errors import EdgeError

_VARIABLE = "EDGE_DASSDP_STATE"


def state_folder() -> Path:
    """$EDGE_DASSDP_STATE, or edge-dassdp in $XDG_STATE_HOME or ~/.local/state.

    Raises EdgeError E103 without a home folder.
    """
    own = os.environ.get(_VARIABLE)
    if own:
        return Path(own).absolute()
    try:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError:
        raise EdgeError("E103", "there is no home folder",
                        help=remedy()) from None
    return Path(base).absolute() / "edge-dassdp"


def made(folder: Path) -> Path:
    """A folder below `state_folder`, made if it is not there. Raises EdgeError E103."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise EdgeError("E103", f"{folder} cannot be written",
                        cause=problem.strerror or str(problem), help=remedy()) from None
    return folder


def remedy() -> str:
    """What helps where nothing can be kept there."""
    own = os.environ.get(_VARIABLE)
    return f"{_VARIABLE} is {own}: name a folder that can be written" if own else \
        f"name a folder with {_VARIABLE}"
