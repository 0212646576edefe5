"""Which QEMU of those on PATH, and which machines it has."""

from __future__ import annotations

import os
import re
import shutil

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, QemuMachine, list_boards, load_board
from edge_dassdp.build.tools import ASKED_S, failed, find_tool, run, version

QEMU = "qemu-system-arm"
QEMU_HELP = "On Debian: apt install qemu-system-arm"
OLDEST = "7.2"
_NEWER_HELP = ("Debian 13 has it; on Debian 12, with bookworm-backports among apt's sources: apt "
               "install -t bookworm-backports qemu-system-arm. It may stand anywhere on PATH, an "
               "older one beside it; `make tools` of the source tree puts it into .tools/qemu.")


def find_qemu(needed: str) -> str:
    """The first program on PATH, or of the version `needed` (such as 9.1, "" for any) or newer.

    Raises EdgeError E301 if there is none.
    """
    first = find_tool(QEMU, QEMU_HELP)
    if not needed:
        return first
    found = {path: version((path,), QEMU_HELP) for path in programs()}
    for path, told in found.items():
        if _number(told) >= _number(f"version {needed}"):
            return path
    raise EdgeError("E301", f"{QEMU} {needed} or newer is not installed",
                    cause=f"on PATH is {', '.join(found.values())}", help=_NEWER_HELP)


def programs() -> list[str]:
    """Every qemu-system-arm on PATH, in its order, each file once."""
    paths = (shutil.which(QEMU, path=folder) for folder in os.get_exec_path())
    return list({os.path.realpath(path): path for path in paths if path}.values())


def _number(told: str) -> tuple[int, int]:
    found = re.search(r"version (\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def boards_by_version() -> dict[str, list[Board]]:
    """The boards that come with the package and have a machine, by the QEMU that they need."""
    found: dict[str, list[Board]] = {}
    for board in map(load_board, list_boards()):
        if board.qemu:
            found.setdefault(board.qemu.version, []).append(board)
    return found


def check_machines(needed: str = "") -> None:
    """Of the boards that need QEMU `needed`. Raises EdgeError E301 without such a one, E302 if it
    fails or has no machine of a board."""
    command = [find_qemu(needed), "-M", "help"]
    known = {line.partition(" ")[0] for line in run(
        command, QEMU_HELP, most_s=ASKED_S).splitlines()}
    absent = sorted({b.qemu.machine for b in boards_by_version()[needed] if b.qemu} - known)
    if absent:
        raise failed(command, f"it has no machine {', '.join(absent)}", QEMU_HELP)


def machine_of(board: Board) -> QemuMachine:
    """The machine that QEMU has of a board. Raises EdgeError E401 without one."""
    if board.qemu is None:
        raise EdgeError("E401", f"board {board.name} has no QEMU machine",
                        help="Pick a board with a [qemu] table.")
    return board.qemu
