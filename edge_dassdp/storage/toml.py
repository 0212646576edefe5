"""Small TOML files that somebody wrote by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.foreign import WANTED, unread, what_is

MOST_BYTES, _MOST_LINE = 1 << 16, 1000


def parsed(data: bytes) -> dict[str, Any]:
    """The tables of a file, of which MOST_BYTES + 1 bytes suffice; a byte order mark before them is
    left out. Raises ValueError for what is too large, no text or no TOML, in a sentence."""
    if len(data) > MOST_BYTES or max(map(len, data.splitlines()), default=0) > _MOST_LINE:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes, or {_MOST_LINE:,} in a line")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("its lists or tables stand too deep within each other") from None


def read_toml(path: Path | str, wanted: str, help: str) -> dict[str, Any]:
    """Its tables. wanted: what the file is, a key of `foreign.WANTED`. help: where a line is wrong.

    Raises EdgeError E103 for what is no file, no text, too large or no TOML.
    """
    found = what_is(path)
    if found is None or found.kind not in ("board", "text"):
        raise unread(path, wanted)
    try:
        with Path(path).open("rb") as file:
            return parsed(file.read(MOST_BYTES + 1))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        what = "no valid TOML" if found.kind == "board" else found.title
        raise EdgeError("E103", f"{path} is {what}, expected {WANTED[wanted]}", cause=str(problem),
                        help=help) from None
    except ValueError as problem:
        raise EdgeError("E103", f"{path}: {problem}", help=f"give {WANTED[wanted]}") from None
