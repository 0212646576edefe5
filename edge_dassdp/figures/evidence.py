"""What has executed a board's firmware: of each board the runs of boards/evidence.toml."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from edge_dassdp.base import assets

EVIDENCE_FILE = "evidence.toml"
KINDS: Mapping[str, str] = {
    "silicon": "silicon",
    "clocks": "chip model by others, clocks and baud",
    "model": "model by others: UART, interrupt, memory",
    "own": "our own model from vendor facts",
    "static": "checked statically",
}
"""Strongest first."""
ASKED = "edge-dassdp verify MODEL.q.npz --random 50 --learn --target serial:PORT --json"
"""What an owner of a board is asked to run."""


@dataclass(frozen=True)
class Run:
    """kind: of KINDS. by: the program that executes it. test: pytest's name of the test that has it
    learn there. boards: their names."""

    kind: str
    by: str
    test: str
    boards: tuple[str, ...]

    def __str__(self) -> str:
        return f"{KINDS[self.kind]} ({self.by})"


@functools.cache
def runs() -> tuple[Run, ...]:
    """All that there are, the strongest kind first."""
    text = (assets.folder("boards") / EVIDENCE_FILE).read_text("utf-8")
    found = [Run(run["kind"], run["by"], run["test"], tuple(run["boards"]))
             for run in tomllib.loads(text)["run"]]
    return tuple(sorted(found, key=lambda run: list(KINDS).index(run.kind)))


def evidence(board: str) -> tuple[Run, ...]:
    """Of a board, the strongest kind first."""
    return tuple(run for run in runs() if board in run.boards)


def on_silicon() -> list[str]:
    """The boards that have run on the chip itself, sorted."""
    return sorted({name for run in runs() if run.kind == "silicon" for name in run.boards})


def table() -> str:
    """A row for each board, in Markdown."""
    from edge_dassdp.build.board import list_boards, load_board

    rows = [(b.name, b.title, f"{b.flash.bytes // 1024:,} KB", f"{b.ram.bytes // 1024:,} KB",
             str(evidence(b.name)[0])) for b in map(load_board, list_boards())]
    lines = [("board", "what it is", "flash", "RAM", "has executed its firmware"),
             ("---", "---", "--:", "--:", "---"), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
