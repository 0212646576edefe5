"""Where this computer keeps what it knows of boards and of streams that are on their way."""

from __future__ import annotations

import os
from pathlib import Path

from edge_dassdp.base.errors import EdgeError


def state_folder() -> Path:
    """$EDGE_DASSDP_STATE, or edge-dassdp in $XDG_STATE_HOME or ~/.local/state.

    Raises EdgeError E103 without a home folder.
    """
    own = os.environ.get("EDGE_DASSDP_STATE")
    if own:
        return Path(own).absolute()
    try:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError:
        raise EdgeError("E103", "there is no home folder",
                        help="name a folder with EDGE_DASSDP_STATE") from None
    return Path(base).absolute() / "edge-dassdp"
