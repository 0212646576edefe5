"""Small TOML files that somebody wrote by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.foreign import WANTED, unread, what_is

MOST_BYTES = 1 << 16


def read_toml(path: Path | str, wanted: str, help: str) -> dict[str, Any]:
    """Its tables. wanted: what the file is, a key of `foreign.WANTED`. help: where a line is wrong.

    Raises EdgeError E103 for what is no file, no text, larger than MOST_BYTES or no TOML.
    """
    found = what_is(path)
    if found is None or found.kind not in ("board", "text"):
        raise unread(path, wanted)
    if Path(path).stat().st_size > MOST_BYTES:
        raise EdgeError("E103", f"{path} has more than {MOST_BYTES:,} bytes",
                        help=f"give {WANTED[wanted]}")
    try:
        return tomllib.loads(Path(path).read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        what = "no valid TOML" if found.kind == "board" else found.title
        raise EdgeError("E103", f"{path} is {what}, expected {WANTED[wanted]}", cause=str(problem),
                        help=help) from None
