"""devices: the boards that are plugged in, by their ports and drives."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli.output import Answer, Output
from edge_dassdp.targets.open import BAUD, BAUD_MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_dassdp.build.board import Board
    from edge_dassdp.flashing.drives import BoardDrive
    from edge_dassdp.targets.serial import Port
    from edge_dassdp.wire.info import DeviceInfo


def devices(
    out: Output,
    ask: Annotated[bool, typer.Option("--ask", help=(
        "Open every port and ask what runs there."))] = False,
    baud: Annotated[int, typer.Option(min=1, max=BAUD_MOST, help="Bits per second.")] = BAUD,
) -> Answer:
    """List boards: serial ports, drives, what runs.

    A port's board is told by the VID:PID and the number of its debugger, and by its drive; with
    --ask by the board itself. --target serial:PORT takes a port or a unique id; ids stay when a
    board is plugged in anew.
    """
    from edge_dassdp.flashing.finding import drives_of, known_boards
    from edge_dassdp.flashing.volumes import volumes
    from edge_dassdp.targets.serial import ports

    boards = known_boards()
    drives = drives_of(boards, volumes())
    found = [_port(port, boards, drives, baud if ask else None) for port in ports()]
    shown = [_drive(drive, boards) for drive in drives]
    return Answer({"devices": [entry for entry, _ in found], "drives": [e for e, _ in shown]},
                  _screen([row for _, row in (*found, *shown)]))


def _screen(rows: Sequence[Sequence[str]]) -> list[Any]:
    from rich.text import Text

    from edge_dassdp.report import screens

    if not rows:
        return [Text("no serial port, no drive of a board; run on --target emulator, it gives the "
                     "same bits")]
    return [screens.listing(("board", "unique id", "port or drive", "description", "state"), rows)]


def _port(port: Port, boards: Sequence[Board], drives: Sequence[BoardDrive],
          baud: int | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A port as JSON values, and as a row."""
    from edge_dassdp.flashing.finding import candidates, shown

    able = candidates(port, boards, drives)
    info, state = _ask(port, baud) if baud else (None, "not asked")
    name = info.board if info else able[0].name if len(able) == 1 else ""
    entry = {**dataclasses.asdict(port), "state": state, "board": name,
             "candidates": [b.name for b in able]}
    return entry, (name or shown(able) or "–", port.unique_id or "–", port.path, port.description,
                   state)


def _drive(drive: BoardDrive, boards: Sequence[Board]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A drive as JSON values, and as a row."""
    from edge_dassdp.flashing.drives import failure
    from edge_dassdp.flashing.finding import owners, shown

    able = owners(drive, boards)
    failed = failure(drive.root)
    state = ("programs the debugger itself: plug it in again without its reset button"
             if drive.is_updater else f"FAIL.TXT: {failed}" if failed else
             "read-only" if drive.volume.is_read_only else "takes firmware: flash")
    entry = {"path": str(drive.root), "label": drive.volume.label, "unique_id": drive.number,
             "usb_place": drive.volume.usb_place, "state": state,
             "board": able[0].name if len(able) == 1 else "", "candidates": [b.name for b in able]}
    return entry, (shown(able) or "–", drive.number or "–", str(drive.root),
                   f"drive {drive.volume.label}", state)


def _ask(port: Port, baud: int) -> tuple[DeviceInfo | None, str]:
    """What runs behind a port, and that in a few words."""
    from edge_dassdp.targets.link import LinkTarget
    from edge_dassdp.targets.serial import also_used_by, open_port

    try:
        with LinkTarget(open_port(port.path, baud), timeout_s=0.5, retries=2) as device:
            info = device.info
            return info, (
                f"{info.board}, model {info.model_hash[:12]}, build {info.build_hash}, flash "
                f"{info.start.image_crc:08x}, learned {info.learned_digest:08x}, started "
                f"{info.start}" + ", locked" * info.locked)
    except EdgeError as problem:
        seen = also_used_by(port.path) if problem.code == "E502" else ""
        return None, "; ".join(filter(None, (
            f"{problem.code}: {problem.message}", problem.cause, seen, problem.help)))
