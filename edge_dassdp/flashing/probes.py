"""Debug probes by pyOCD, which is the extra `flash`."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.text import printable
from edge_dassdp.build.board import Board
from edge_dassdp.build.tools import attempt, words
from edge_dassdp.flashing.copying import Taken

EXTRA = "pip install 'edge-dassdp[flash]'"
_ASKED_S = 60.0
_PLUG = ("Plug the board in by its debugger's USB socket; on Linux edge-dassdp doctor --fix gives "
         "the permission to use it.")


@dataclass(frozen=True)
class Probe:
    """id: its serial number. board: four digits that name a board, "" where it tells none."""

    id: str
    title: str
    board: str

    def denies(self, board: Board) -> bool:
        """Whether it says that it sits on another board."""
        serials = board.program.serials
        return bool(self.board and self.board != "0000" and serials
                    and not self.board.upper().startswith(tuple(s[:4] for s in serials)))


def is_installed() -> bool:
    return importlib.util.find_spec("pyocd") is not None


def choose(board: Board, wanted: str | None = None) -> Probe:
    """The probe of a board. wanted: a part of its serial number, where there are several.

    Raises EdgeError E303 without pyOCD, E508 without a probe or where pyOCD does not know the chip,
    E105 where several could be meant.
    """
    if not is_installed():
        raise EdgeError("E303", "pyOCD is not installed", help=EXTRA)
    target = _target(board)
    told = _ask(board, "probes", target)
    found = [Probe(*(printable(str(p[key])) for key in ("id", "title", "board")))
             for p in told["probes"]]
    if not found:
        raise EdgeError("E508", "no debug probe is plugged in", cause="pyOCD found none",
                        help=_PLUG)
    if not told["knows_target"]:
        raise EdgeError("E508", f"pyOCD does not know the chip {target}",
                        cause="it is not built in, and no pack that is installed has it",
                        help=f"pyocd pack install {target}")
    return _one(board, found, wanted)


def _target(board: Board) -> str:
    if board.program.pyocd is None:
        raise EdgeError("E508", f"{board.name} has no name for pyOCD",
                        cause="its board.toml has no program.pyocd",
                        help="Give it there, as pyocd list --targets tells it.")
    return board.program.pyocd.target


def _one(board: Board, found: Sequence[Probe], wanted: str | None) -> Probe:
    meant = [p for p in found if (wanted or "").lower() in p.id.lower()]
    if not meant:
        raise EdgeError("E508", f"no debug probe has {wanted} in its serial number",
                        help=f"Plugged in: {_listed(found)}")
    able = [p for p in meant if not p.denies(board)]
    if not able:
        raise EdgeError("E508", f"the debug probe is that of another board than {board.name}",
                        cause=f"plugged in: {_listed(meant)}",
                        help="Name that board with --board, or plug in the right one.")
    if len(able) > 1:
        raise EdgeError("E105", f"several debug probes could be that of {board.name}",
                        cause=f"plugged in: {_listed(able)}",
                        help="Name one by its serial number: --probe ID")
    return able[0]


def _listed(probes: Sequence[Probe]) -> str:
    return ", ".join(f"{p.id} ({p.title}{', board ' + p.board if p.board else ''})" for p in probes)


def program(board: Board, probe: Probe, hex: Path) -> Taken:
    """Program an Intel HEX file and read it back. Raises EdgeError E508 where that fails."""
    told = _ask(board, "program", _target(board), probe.id, str(hex.absolute()))
    if told["differs_at"] is not None:
        raise EdgeError("E508", f"{board.name} does not hold what pyOCD wrote",
                        cause=f"it reads otherwise from 0x{int(told['differs_at']):08X} on",
                        help="Flash it again; if it stays so, its flash is protected or another "
                             "chip's.")
    return Taken("pyOCD read back what it wrote", True)


def _ask(board: Board, *arguments: str) -> dict[str, Any]:
    """What pyOCD answers. Raises EdgeError E508 where it fails, E302 if it cannot be started."""
    script = Path(__file__).with_name("pyocd_process.py")
    with tempfile.TemporaryDirectory() as folder:
        limit = {"most_s": _ASKED_S} if arguments[0] == "probes" else {}
        done = attempt([sys.executable, "-P", str(script), *arguments], EXTRA, Path(folder),
                       **limit)
    try:
        told = dict(json.loads(done.stdout.strip().rpartition("\n")[2]))
    except (ValueError, TypeError):
        told = {"error": f"it ended with status {done.returncode}: {words(done)}"}
    if "error" in told:
        raise EdgeError("E508", f"pyOCD could not program {board.name}"
                        if arguments[0] == "program" else "pyOCD could not look for probes",
                        cause=str(told["error"]),
                        help=f"Check cable and power, and close other debuggers. {_PLUG}")
    return told
