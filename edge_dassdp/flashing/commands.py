"""The command of a board.toml: OpenOCD, GDB, or whatever else programs the board."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Programming
from edge_dassdp.build.compile import Firmware
from edge_dassdp.build.tools import attempt, find_tool, words
from edge_dassdp.flashing.copying import Taken

_READS_BACK = ("verify", "compare-sections")
_MISMATCH = "MIS-MATCHED"


def of(firmware: Firmware) -> Programming:
    """The board's command and note, about this firmware's files."""
    return firmware.board.program.of(elf=firmware.elf.as_posix(), hex=firmware.hex.as_posix())


def is_openocd(command: Sequence[str]) -> bool:
    return Path(command[0]).stem == "openocd"


def reads_back(command: Sequence[str]) -> bool:
    """Whether a command says that it compares what it wrote."""
    return any(word in part for part in command for word in _READS_BACK)


def require(command: Sequence[str], note: str) -> None:
    """Raises EdgeError E301 without the program."""
    find_tool(command[0], _help(command, note))


def run(board: str, command: Sequence[str], note: str) -> Taken:
    """Program a board. Raises EdgeError E301 or E302 where the program cannot run, E508 where it
    fails or read back something else."""
    require(command, note)
    done = attempt(command, _help(command, note))
    said = done.stdout + done.stderr
    if done.returncode != 0 or _MISMATCH in said:
        told = ([line for line in said.splitlines() if _MISMATCH in line]
                or words(done).splitlines())
        raise EdgeError("E508", f"{command[0]} could not program {board}",
                        cause="; ".join(told[-3:]),
                        help=f"check cable and power; the command was {shlex.join(command)}")
    if reads_back(command):
        return Taken(f"{command[0]} read back what it wrote", True)
    return Taken(f"{command[0]} ended well, and whether flash holds the firmware is left to "
                 f"{command[0]}", False)


def _help(command: Sequence[str], note: str) -> str:
    return f"Install {command[0]} (Debian: apt install {command[0]}). {note}".strip()
