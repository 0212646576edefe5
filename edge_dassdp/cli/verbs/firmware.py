"""generate, build, flash: what becomes of a quantized network on a board."""

from __future__ import annotations

import dataclasses
import shlex
from filecmp import cmp
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.storage.files import alone_in, copy

if TYPE_CHECKING:
    from edge_dassdp.build.compile import Firmware
    from edge_dassdp.emit.firmware import Build
    from edge_dassdp.plan.ledger import Ledger
    from edge_dassdp.qir import QNetwork

RamBudget = Annotated[int | None, typer.Option(min=0, show_default=False, help=(
    "Fail when static RAM with stack exceeds this, in bytes."))]
FlashBudget = Annotated[int | None, typer.Option(min=0, show_default=False, help=(
    "Fail when flash exceeds this, in bytes."))]
Name = Annotated[str, typer.Option("--name", help=(
    "Begins all names of the model in C, so that several models link into one firmware."))]
_READS_BACK = ("verify", "compare-sections")
_MISMATCH = "MIS-MATCHED"
_NOT_READ_BACK = ("The command in board.toml does not say that it reads back what it wrote: "
                  "whether flash holds the firmware is left to {tool}.")


def register(app: typer.Typer) -> None:
    for function in (_generate, _build, _flash):
        verb(app, function.__name__.strip("_"))(function)


def _generate(
    out: Output,
    model: options.Model,
    board: options.BoardName,
    output: Annotated[Path, typer.Option("--output", "-o", show_default=False,
                                         help="Folder of the C project."), Writes.FOLDER],
    name: Name = "dassdp",
) -> Answer:
    """Write the C project of a firmware.

    It is self-contained, and its memory is predicted before anything is built.
    `make` in that folder links the same firmware as `build`.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.build.project import write_project
    from edge_dassdp.emit import emit
    from edge_dassdp.emit.firmware import predict_memory
    from edge_dassdp.plan import Plan
    from edge_dassdp.report import screens

    network, chosen = options.load_model(model), load_board(board)
    predicted = predict_memory(network, chosen)
    write_project(emit(Plan.of(network), name), chosen, output)
    return Answer(
        {"output": str(output), "board": chosen.name, "predicted": predicted_memory(predicted)},
        [screens.ledger_screen(predicted), Text(screens.LETTERS, "dim")], network.sha256,
        ["make", "-C", output])


def _build(
    out: Output,
    model: options.Model,
    board: options.BoardName,
    ram_budget: RamBudget = None,
    flash_budget: FlashBudget = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", show_default=False, help=(
        "Folder for firmware.elf, .hex, .bin, and .uf2 for boards whose drive takes it.")),
        Writes.FOLDER] = None,
    name: Name = "dassdp",
) -> Answer:
    """Build firmware, compare with prediction.

    Exit status 1 if a budget is broken or one symbol has another size than predicted.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.emit.firmware import build_and_compare
    from edge_dassdp.report import screens

    network, chosen = options.load_model(model), load_board(board)
    build = build_and_compare(network, chosen, ram_budget=ram_budget, flash_budget=flash_budget,
                              name=name)
    if output:
        _hand_out(build.firmware, output)
    return Answer(
        memory(build) | {"output": str(output) if output else None},
        [screens.ledger_screen(build.predicted, build), Text(screens.LETTERS, "dim")],
        network.sha256, ["edge-dassdp", "measure", model, "--board", board])


def _hand_out(firmware: Firmware, output: Path) -> None:
    """Copy all files of a firmware. Raises EdgeError E103 unless the copies are what was built."""
    with alone_in(output, waits=True):
        for path in firmware.files.values():
            copy(path, output / path.name)
            refuse_unless("E103", cmp(path, output / path.name, shallow=False),
                          f"{output / path.name} is not what was copied there",
                          help="check that disk, and build again")
    firmware.check()


def _flash(
    out: Output,
    model: options.Model,
    board: options.BoardName,
    port: Annotated[str | None, typer.Option(metavar="PORT[@BAUD]", show_default=False, help=(
        "Afterwards ask the board at this serial port whether its flash holds what was written. "
        "Without it the one board of this kind on USB is asked."))] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=(
        "Build, and print the command alone."))] = False,
) -> Answer:
    """Build the firmware and program a board.

    The command is that of the board's board.toml; those of the package read back what they wrote.
    Then the board is asked: it reads its flash at each start, and tells the CRC of it.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.build.image import check_image
    from edge_dassdp.build.tools import attempt, find_tool, words
    from edge_dassdp.emit.firmware import build_and_compare

    network, chosen = options.load_model(model), load_board(board)
    firmware = build_and_compare(network, chosen).firmware
    image = check_image(firmware.elf)
    confirmed = None
    files = {"elf": firmware.elf.as_posix(), "hex": firmware.hex.as_posix()}
    program = chosen.program.of(**files)
    command, note = list(program.command), program.note
    if not dry_run:
        help = f"Install {command[0]} (Debian: apt install {command[0]}). {note}"
        find_tool(command[0], help)
        done = attempt(command, help)
        if done.returncode != 0 or _MISMATCH in done.stdout + done.stderr:
            said = (_mismatches(done.stdout + done.stderr) or words(done)).splitlines()[-3:]
            raise EdgeError("E502", f"{command[0]} could not program {chosen.name}",
                            cause="; ".join(said),
                            help=f"check cable and power; the command was {shlex.join(command)}")
        confirmed = _confirm(network, firmware, image.crc, port)
    reads_back = confirmed or any(w in part for part in command for w in _READS_BACK)
    what = "would run" if dry_run else "programmed with"
    return Answer(
        {"board": chosen.name, "command": command, "dry_run": dry_run, "note": note,
         "elf": files["elf"], "hex": files["hex"], "image_crc": f"{image.crc:08x}",
         "confirmed": confirmed},
        [Text(f"{what}: {shlex.join(command)}"), *([Text(note)] if note else []),
         *([] if dry_run else [Text(_said(image.crc, confirmed))])],
        network.sha256, ["edge-dassdp", "devices", "--ask"],
        warnings=[] if reads_back else [_NOT_READ_BACK.format(tool=command[0])])


def _mismatches(said: str) -> str:
    """Lines of gdb's compare-sections on flash that holds something else."""
    return "\n".join(line for line in said.splitlines() if _MISMATCH in line)


def _confirm(network: QNetwork, firmware: Firmware, crc: int, port: str | None) -> bool | None:
    """Ask the board what its flash holds; None where it is not known which one it is. Raises
    EdgeError E504 where it holds something else, E501 or E502 where it does not answer."""
    from edge_dassdp.targets.open import open_serial
    from edge_dassdp.targets.serial import ports

    if port is None:
        found = [p.path for p in ports() if p.usb_id in firmware.board.program.usb]
        if len(found) != 1:
            return None
        port = found[0]
    with open_serial(port, network, build_hash=firmware.build_hash) as device:
        if device.info.start.image_crc != crc:
            raise EdgeError("E504", f"the flash of {device.name} does not hold what was written",
                            cause=f"its CRC is {device.info.start.image_crc:08x}, that of the "
                                  f"firmware {crc:08x}", help="flash it again")
        if device.memory:
            device.memory.forget()
    return True


def _said(crc: int, confirmed: bool | None) -> str:
    if confirmed:
        return f"the board read its flash back: CRC {crc:08x}, as it was linked"
    return (f"not read back over the link; the board tells CRC {crc:08x} with devices --ask if it "
            "holds what was written")


def predicted_memory(ledger: Ledger) -> dict[str, Any]:
    from edge_dassdp.report import screens

    return {"ram_bytes": ledger.ram_bytes, "by_symbol": ledger.by_symbol(),
            "by_owner": screens.ram_by_owner(ledger), "stack_reserved": ledger.board.stack_bytes,
            "constant_bytes": ledger.constant_bytes, "flash_bound": ledger.flash_bound,
            "learning_state_bytes": ledger.learning_state_bytes}


def memory(build: Build) -> dict[str, Any]:
    """A build as JSON values."""
    linked, firmware = build.linked, build.firmware
    return {
        "board": firmware.board.name, "predicted": predicted_memory(build.predicted),
        "linked": {"ram_bytes": linked.ram_bytes, "flash_bytes": linked.flash_bytes,
                   "text": linked.text, "data": linked.data, "bss": linked.bss,
                   "stack_reserved": linked.stack, "by_symbol": linked.ram},
        "stack": dataclasses.asdict(build.stack),
        "build_hash": f"{firmware.build_hash:016x}", "compiler": firmware.compiler,
        "flags": list(firmware.flags)}
