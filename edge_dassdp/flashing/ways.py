"""Which way a firmware takes to its board, and why: its drive, else pyOCD, else the command of its
board.toml."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.build.compile import Firmware
from edge_dassdp.flashing import commands, drives, probes
from edge_dassdp.flashing.copying import Taken, copy_to
from edge_dassdp.flashing.finding import known_boards, numbered, owners, shown
from edge_dassdp.flashing.volumes import volumes

VIAS = ("drive", "pyocd", "openocd", "command")


@dataclass(frozen=True)
class Way:
    """via: a word of VIAS. does: in words. command: of a program, else ().
    usb_place, serial: of the board's USB device, "" where they are not known. act: program it.
    lacks: the refusal of `act` where the program is not installed."""

    via: str
    why: str
    does: str
    act: Callable[[], Taken]
    command: tuple[str, ...] = ()
    usb_place: str = ""
    serial: str = ""
    lacks: EdgeError | None = None


def choose(firmware: Firmware, via: str | None = None, drive: Path | None = None,
           probe: str | None = None) -> Way:
    """via: a word of VIAS, None for the first way that is there. drive: the folder of one, probe: a
    part of a probe's serial number; each says the way, too.

    Raises EdgeError E105 where words do not go together or several drives or probes could be meant,
    E301, E303 or E508 where a way is not there.
    """
    via, why = _asked(via, drive, probe), "it was asked for"
    if via == "drive":
        return _by_drive(firmware, drive, why)
    if via == "pyocd":
        return _by_probe(firmware, probe, why)
    return _by_command(firmware, via, why) if via else _first(firmware)


def _asked(via: str | None, drive: Path | None, probe: str | None) -> str | None:
    if via is not None and via not in VIAS:
        raise EdgeError("E105", f"there is no way '{via}' to a board",
                        help=f"choose {', '.join(VIAS)}")
    for option, given, of in (("--drive", drive, "drive"), ("--probe", probe, "pyocd")):
        if given is not None and via not in (None, of):
            raise EdgeError("E105", f"{option} does not go together with --via {via}",
                            help=f"leave one of them out, or choose --via {of}")
    if drive is not None and probe is not None:
        raise EdgeError("E105", "--drive does not go together with --probe",
                        help="leave one of them out")
    return via or ("drive" if drive is not None else "pyocd" if probe is not None else None)


def _first(firmware: Firmware) -> Way:
    """The first way that is there. Raises EdgeError E301 where none is."""
    why = ""
    for way in (_by_drive, _by_probe):
        try:
            return way(firmware, None, why)
        except EdgeError as problem:
            if problem.code == "E105":  # one must be named
                raise
            why = f"{why}; {problem.message}".removeprefix("; ")
    return _by_command(firmware, "command", why)


def _by_drive(firmware: Firmware, root: Path | None, why: str) -> Way:
    board, mounted = firmware.board, volumes()
    if root is None:
        root = _one_drive(firmware).root
        why = f"its drive {root.name} is mounted"
    drive = drives.named(root, board, mounted)
    _refuse_others(drive, board)
    file = _file(firmware, drive)

    def again() -> list[Path]:
        return [d.root for d in drives.of_board(board, volumes()) if d.is_of(board)]

    return Way("drive", why, f"copy {file.name} to {drive.root}",
               lambda: copy_to(drive, file.name, file.read_bytes(), again),
               usb_place=drive.volume.usb_place, serial=drive.number)


def _one_drive(firmware: Firmware) -> drives.BoardDrive:
    """Raises EdgeError E508 where no drive of the board is mounted, E105 where several are."""
    board = firmware.board
    if board.program.drive is None:
        raise EdgeError("E508", f"{board.name} has no drive that takes firmware",
                        help="choose --via pyocd or --via command")
    found = drives.of_board(board, volumes())
    own = [d for d in found if d.is_of(board) and not _of_others(d, board)]
    if found and not own:
        drives.refuse_wrong(found[0], board)
        _refuse_others(found[0], board)
    if not own:
        raise EdgeError("E508", f"no drive {' or '.join(board.program.drive.labels)} is mounted",
                        help=_show(firmware))
    if len(own) > 1:
        raise EdgeError("E105", f"several drives could be that of {board.name}",
                        cause=", ".join(f"{d.root} ({d.number[:24] or 'it tells no number'})"
                                        for d in own),
                        help="name one: --drive FOLDER")
    return own[0]


def _show(firmware: Firmware) -> str:
    """How a board comes to show its drive."""
    file = firmware.files.get("uf2")
    if not file:
        return "Plug the board in and mount its drive, or name its folder: --drive"
    return ("Hold BOOTSEL while you plug the board in, and mount its drive, or name its folder: "
            f"--drive; the file to copy is {file} (edge-dassdp build -o FOLDER writes it, too).")


def _of_others(drive: drives.BoardDrive, board: Board) -> list[Board]:
    """The boards of the package whose number the drive has, where it is not this board's; a board
    without a drive has none of these."""
    boards = known_boards(board)
    able = owners(drive, boards)
    if board in able:
        return []
    if drive.is_of(board):
        return able
    return numbered(boards, drive.serial) or numbered(able, drive.number)


def _refuse_others(drive: drives.BoardDrive, board: Board) -> None:
    if others := _of_others(drive, board):
        raise drives.foreign(drive, board, f"by its number {drive.number} it is that of "
                             f"{shown(others)}")


def _file(firmware: Firmware, drive: drives.BoardDrive) -> Path:
    """What a drive takes. Raises EdgeError E508 where that is not made for the board."""
    own = firmware.board.program.drive
    kind = own.file if own else "uf2" if drive.is_boot_rom else "hex"
    if kind not in firmware.files:
        raise EdgeError("E508", f"{drive.root} takes .{kind} files, and none is made for "
                        f"{firmware.board.name}",
                        help="choose another --via, or the right --board")
    return firmware.files[kind]


def _by_probe(firmware: Firmware, wanted: str | None, why: str) -> Way:
    board = firmware.board
    probe = probes.choose(board, wanted)
    target = board.program.pyocd.target if board.program.pyocd else ""
    here = f"the probe {probe.title} {probe.id} is plugged in"
    command = ["pyocd", "flash", "--target", target, "--probe", probe.id, firmware.hex.as_posix()]
    return Way("pyocd", "; ".join(filter(None, (why, here))), f"run {shlex.join(command)}",
               lambda: probes.program(board, probe, firmware.hex), serial=probe.id)


def _by_command(firmware: Firmware, via: str, why: str) -> Way:
    """Raises EdgeError E105 where the board's command runs another program than `via` says."""
    board, program = firmware.board, commands.of(firmware)
    has_openocd = commands.is_openocd(program.command)
    if via == "openocd" and not has_openocd:
        raise EdgeError("E105", f"{board.name} is not programmed by OpenOCD",
                        cause=f"its board.toml runs {program.command[0]}",
                        help="choose --via command")
    lacks = None
    try:
        commands.require(program.command, program.note)
    except EdgeError as problem:
        why = f"{why}; {program.command[0]} is not on PATH"
        problem.cause, lacks = why, problem
        if not probes.is_installed():
            problem.help += f" Or let pyOCD do it: {probes.EXTRA}"

    def act() -> Taken:
        if lacks:
            raise lacks
        return commands.run(board.name, program.command, program.note)

    return Way("openocd" if has_openocd else "command", why, f"run {shlex.join(program.command)}",
               act, program.command, lacks=lacks)
