"""A library in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge_dassdp.library.layouts import laid_out
from edge_dassdp.library.sources import Sources
from edge_dassdp.qir import QNetwork
from edge_dassdp.storage.files import alone_in, write_text


def library_files(networks: Mapping[str, QNetwork], kind: str) -> dict[str, str]:
    """Texts by path of a library of models, by their names in C, for a build system of KINDS."""
    return laid_out(kind, Sources.of(networks, kind))


def write_library(networks: Mapping[str, QNetwork], kind: str, directory: Path) -> None:
    """Write a library. Of two at once in one folder the later one is there whole."""
    files = library_files(networks, kind)
    with alone_in(directory, waits=True):
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            write_text(directory / path, text, sync=False)
