"""flash: a firmware onto a board by the way that is there; the board is asked what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb

if TYPE_CHECKING:
    from edge_dassdp.build.compile import Firmware
    from edge_dassdp.flashing.copying import Taken
    from edge_dassdp.flashing.ways import Way
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.wire.lock import Lock

_NOT_READ_BACK = ("Nobody read back what was written: {said}. Asked with --port, or by devices "
                  "--ask, the board tells whether its flash holds CRC {crc:08x}.")


def register(app: typer.Typer) -> None:
    verb(app, "flash")(_flash)


def _flash(
    out: Output,
    model: options.Model,
    board: options.BoardName,
    via: Annotated[str | None, typer.Option(metavar="WAY", show_default=False, help=(
        "The way to the board: drive, pyocd, openocd, or command for that of its board.toml. "
        "Without it the first that is there."))] = None,
    drive: Annotated[str | None, typer.Option(metavar="FOLDER", show_default=False, help=(
        "Copy to the board's drive that is mounted there."))] = None,
    probe: Annotated[str | None, typer.Option(metavar="ID", show_default=False, help=(
        "Use the debug probe that has this in its serial number, by pyOCD."))] = None,
    port: Annotated[str | None, typer.Option(metavar="PORT[@BAUD]", show_default=False, help=(
        "Afterwards ask the board at this serial port whether its flash holds what was written. "
        "Without it the one port that belongs to the board is asked."))] = None,
    save_every: options.SaveEvery = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=(
        "Build, and say what would be done, and why; it fails where a tool is missing."))] = False,
    lock: options.Lock = None,
) -> Answer:
    """Build the firmware and program a board.

    By the board's drive where it is mounted, else by pyOCD where it is installed and a probe is
    plugged in, else by the command of the board's board.toml.
    Then the board is asked: it reads its flash at each start, and tells the CRC of it.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.build.image import check_image
    from edge_dassdp.emit.firmware import build_and_compare
    from edge_dassdp.flashing import commands
    from edge_dassdp.flashing.ways import choose
    from edge_dassdp.targets.open import require_port
    from edge_dassdp.wire.lock import lock_of

    network, chosen, key = options.load_model(model), load_board(board), lock_of(lock)
    if port:
        require_port(port)
    firmware = build_and_compare(network, chosen, save_every=save_every, lock=key).firmware
    firmware.check()
    image = check_image(firmware.elf)
    way = choose(firmware, via, Path(drive) if drive else None, probe)
    lines = [f"by {way.via}: {way.why}",
             f"{'would ' if dry_run else ''}{way.does}"]
    warnings, confirmed = [], None
    if not dry_run:
        taken, confirmed = _program(network, firmware, image.crc, way, port, key)
        lines.append(f"{taken.said}; the board read its flash back: CRC {image.crc:08x}, as it was "
                     "linked" if confirmed else f"{taken.said}; not read back over the link")
        if not taken.is_sure and not confirmed:
            warnings = [_NOT_READ_BACK.format(said=taken.said, crc=image.crc)]
    note = commands.of(firmware).note
    return Answer(
        {"board": chosen.name, "via": way.via, "why": way.why, "does": way.does,
         "command": list(way.command), "dry_run": dry_run, "note": note,
         "elf": firmware.elf.as_posix(), "hex": firmware.hex.as_posix(),
         "image_crc": f"{image.crc:08x}", "confirmed": confirmed, "locked": key is not None},
        [Text("\n".join(lines)), *([Text(note)] if note and way.via != "drive" else [])],
        network.sha256, ["edge-dassdp", "devices", "--ask"], warnings=warnings, failed=way.lacks)


def _program(network: QNetwork, firmware: Firmware, crc: int, way: Way,
             port: str | None, lock: Lock | None) -> tuple[Taken, bool | None]:
    """What became of it, and whether the board confirmed it; None where it is not known which port
    is the board's. Raises EdgeError E504 where the board runs or holds something else."""
    from edge_dassdp.flashing.confirm import confirm, own_port, wait_for

    before = None if port else own_port(firmware, way)
    taken = way.act()
    if before:
        wait_for(before.path)
    after = before or (None if port else own_port(firmware, way))
    place = port or (after.path if after else None)
    if place is None:
        return taken, None
    confirm(network, firmware, crc, place, lock)
    return taken, True
