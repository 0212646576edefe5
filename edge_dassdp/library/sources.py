"""The sources of a library: the runtime once, and of every model its tables and its contract."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.emit import emit
from edge_dassdp.library.contract import contract_files
from edge_dassdp.library.flat import flat_runtime, with_names
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork

_BOARD = "dassdp_board.h"
_PORTS = ("dassdp_program.h",)
"""Of boards alone."""


@dataclass(frozen=True, eq=False)
class Sources:
    """Files of one flat folder. runtime: shared by all models; models: those of each, by name.
    build_hash: the first 8 bytes of the SHA-256 over all of them, which the link tells."""

    networks: Mapping[str, QNetwork]
    runtime: Mapping[str, str]
    models: Mapping[str, Mapping[str, str]]
    build_hash: int

    @classmethod
    def of(cls, networks: Mapping[str, QNetwork], board: str) -> Sources:
        """board: what the library calls itself over the link, up to 16 letters.

        Raises EdgeError E203 where files of rules have the name of others, and as `emit`.
        """
        runtime = flat_runtime(sensors=any(n.sensor is not None for n in networks.values()),
                               values=any(n.values is not None for n in networks.values()),
                               streams=any(n.hop for n in networks.values()),
                               classes=any(n.keeps_classes for n in networks.values()))
        models: dict[str, dict[str, str]] = {}
        for name, network in networks.items():
            texts = emit(Plan.of(network), name)
            runtime["dassdp_messages.h"] = texts.pop("dassdp_messages.h")
            own = {file: with_names(text, runtime) for file, text in texts.items()
                   if file not in _PORTS}
            models[name] = own | contract_files(network, name)
        _refuse_clashes(runtime, models)
        build_hash = _hash(runtime, models)
        runtime[_BOARD] = _board_header(board, build_hash)
        return cls(networks, runtime, models, build_hash)

    @cached_property
    def files(self) -> dict[str, str]:
        """All of them."""
        return {**self.runtime, **{file: text for own in self.models.values()
                                   for file, text in own.items()}}

    def units(self, files: Mapping[str, str]) -> list[str]:
        """Those that are compiled."""
        return sorted(file for file in files if file.endswith((".c", ".S", ".cpp")))


def _refuse_clashes(runtime: Mapping[str, str], models: Mapping[str, Mapping[str, str]]) -> None:
    """Models may share the files of a rule, and nothing else."""
    taken = {file.lower(): text for file, text in runtime.items()}
    for own in models.values():
        for file, text in own.items():
            if taken.setdefault(file.lower(), text) != text:
                raise EdgeError("E203", f"two files of the library would be called {file}",
                                help="give a model, or the file of a rule, another name")


def _hash(*texts: Mapping[str, object]) -> int:
    content = repr([sorted(group.items()) for group in texts])
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "big")


def _board_header(board: str, build_hash: int) -> str:
    """What the link says of itself."""
    return (f"/* Generated: what the library says of itself over the link. */\n"
            f"#ifndef DASSDP_BOARD_H\n#define DASSDP_BOARD_H\n\n"
            f'#define DASSDP_BOARD_NAME "{board}"\n'
            f"#define DASSDP_BUILD_HASH 0x{build_hash:016X}ULL\n"
            "#define DASSDP_STORES 1 /* where dassdp_link_load gives slots, hosts save to them */\n"
            "\n#endif\n")
