"""A library in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_dassdp.build.board import Board
from edge_dassdp.library.described import described
from edge_dassdp.library.layouts import laid_out
from edge_dassdp.library.readme import readme
from edge_dassdp.library.sources import Sources
from edge_dassdp.qir import QNetwork
from edge_dassdp.storage.files import alone_in, write_text


def library_files(networks: Mapping[str, QNetwork], kind: str) -> dict[str, str]:
    """Texts by path of a library of models, by their names in C, for a build system of KINDS;
    without what tells its figures."""
    return laid_out(kind, Sources.of(networks, kind))


def write_library(networks: Mapping[str, QNetwork], kind: str, directory: Path,
                  board: Board | None = None) -> dict[str, Any]:
    """Write a library with README.md and model.json; gives what the latter holds. board: whose core
    the README tells the stack of. Of two at once in one folder the later one is there whole."""
    sources = Sources.of(networks, kind)
    about = described(sources, kind, board)
    files = laid_out(kind, sources) | {
        "README.md": readme(about, "dassdp_store.h" in sources.runtime),
        "model.json": json.dumps(about, indent=2) + "\n"}
    with alone_in(directory, waits=True):
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            write_text(directory / path, text, sync=False)
    return about
