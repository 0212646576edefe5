"""generate, build: what becomes of a quantized network on a board."""

from __future__ import annotations

import dataclasses
from filecmp import cmp
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.library.known import KINDS
from edge_dassdp.storage.files import alone_in, copy

if TYPE_CHECKING:
    from edge_dassdp.build.compile import Firmware
    from edge_dassdp.emit.firmware import Build
    from edge_dassdp.plan.ledger import Ledger

RamBudget = Annotated[int | None, typer.Option(min=0, show_default=False, help=(
    "Fail when static RAM with stack exceeds this, in bytes."))]
FlashBudget = Annotated[int | None, typer.Option(min=0, show_default=False, help=(
    "Fail when flash exceeds this, in bytes."))]
Name = Annotated[str, typer.Option("--name", help=(
    "Begins all names of the model in C, so that several models link into one firmware."))]


def register(app: typer.Typer) -> None:
    for function in (_generate, _build, _key):
        verb(app, function.__name__.strip("_"), runs=function is _build)(function)


def _generate(
    out: Output,
    models: Annotated[list[Path], typer.Argument(
        help="Quantized networks, written by `quantize`; a library takes several.",
        metavar="MODEL.q.npz...", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", show_default=False,
                                         help="Folder of the C project."), Writes.FOLDER],
    board: Annotated[str | None, typer.Option("--board", "-b", show_default=False, help=(
        "Write the firmware of this board, a name from `boards` or a path to a board.toml; with "
        "another --for than make, the README's figures are of its core."))] = None,
    layout: Annotated[str, typer.Option("--for", metavar="|".join(KINDS), help=(
        "What builds it: without --board a library for somebody's own firmware, of all cores and "
        "this computer, laid out for one of these (docs/own-firmware.md)."))] = "make",
    name: Annotated[list[str] | None, typer.Option("--name", show_default=False, help=(
        "Begins all names of the model in C, so that several link into one firmware; repeat it "
        "for several models. By itself dassdp, in a library what the file is called."))] = None,
    lock: options.Lock = None,
    save_every: options.SaveEvery = 0,
) -> Answer:
    """Write the C project of a firmware, or a library for one's own.

    With --board it is a self-contained firmware: its memory is predicted before anything is built,
    and `make` in that folder links the same file as `build`. Without --board, or with --for, it is
    a library of one or several models, with their input contract in C, examples and a README.
    """
    if layout not in KINDS:
        raise EdgeError("E105", f"--for {layout}", help=f"choose {', '.join(KINDS)}")
    if layout == "make" and board is not None:
        return _firmware_project(models, board, output, name or [], lock, save_every)
    refuse_unless("E105", lock is None, "--lock without the firmware of a board",
                  cause="the link of a library is in the hands of its application",
                  help="leave --lock out, or give --board without --for")
    refuse_unless("E105", save_every == 0, "--save-every without the firmware of a board",
                  cause="when a library saves is its application's to say",
                  help="set save_every of its dassdp_slots_t, or give --board without --for")
    return _library(models, layout, board, output, name or [])


def _firmware_project(models: list[Path], board: str, output: Path, names: list[str],
                      lock: Path | None, save_every: int) -> Answer:
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.build.project import write_project
    from edge_dassdp.emit import emit
    from edge_dassdp.emit.firmware import predict_memory, require_slots
    from edge_dassdp.plan import Plan
    from edge_dassdp.report import screens
    from edge_dassdp.wire.lock import lock_of

    if len(models) > 1 or len(names) > 1:
        raise EdgeError("E105", "the firmware of a board runs one model, "
                        f"{max(len(models), len(names))} are given",
                        help="leave out --board: a library takes several models")
    network, chosen, key = options.load_model(models[0]), load_board(board), lock_of(lock)
    require_slots(chosen, save_every)
    predicted = predict_memory(network, chosen, is_locked=key is not None)
    write_project(emit(Plan.of(network), *names, save_every=save_every, lock=key), chosen, output)
    return Answer(
        {"output": str(output), "board": chosen.name, "predicted": predicted_memory(predicted),
         "locked": key is not None},
        [screens.ledger_screen(predicted), Text(screens.LETTERS, "dim")], network.sha256,
        ["make", "-C", output])


def _library(models: list[Path], layout: str, board: str | None, output: Path,
             names: list[str]) -> Answer:
    from edge_dassdp.build.board import load_board
    from edge_dassdp.library.names import library_names
    from edge_dassdp.library.write import write_library
    from edge_dassdp.report.library import library_screen

    chosen = library_names(names, models)
    networks = dict(zip(chosen, map(options.load_model, models), strict=True))
    about = write_library(networks, layout, output, None if board is None else load_board(board))
    first, *others = networks.values()
    return Answer({"output": str(output), **about}, library_screen(about, output),
                  "" if others else first.sha256, ["cat", output / "README.md"])


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
    lock: options.Lock = None,
    save_every: options.SaveEvery = 0,
) -> Answer:
    """Build firmware, compare with prediction.

    Exit status 1 if a budget is broken or one symbol has another size than predicted.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.emit.firmware import build_and_compare
    from edge_dassdp.report import screens
    from edge_dassdp.wire.lock import lock_of

    network, chosen, key = options.load_model(model), load_board(board), lock_of(lock)
    build = build_and_compare(network, chosen, ram_budget=ram_budget, flash_budget=flash_budget,
                              name=name, save_every=save_every, lock=key)
    if output:
        _hand_out(build.firmware, output)
    return Answer(
        memory(build) | {"output": str(output) if output else None},
        [screens.ledger_screen(build.predicted, build), Text(screens.LETTERS, "dim")],
        network.sha256,
        ["edge-dassdp", "measure", model, "--board", board, *options.words(lock=lock)])


def _key(
    out: Output,
    output: Annotated[Path, typer.Argument(metavar="KEYFILE", show_default=False, help=(
        "Where to write it; a file that is there stays as it is.")), Writes.FILE],
) -> Answer:
    """Make the key of a locked build.

    32 random bytes in a file that only you may read. A board that is built with it can be taught,
    written and reset only by who has the file; keep a copy where you keep such things.
    """
    from rich.text import Text

    from edge_dassdp.wire.lock import make_key

    make_key(output)
    return Answer({"output": str(output)}, [Text(
        f"{output}: a new key, which only you may read; build and flash with --lock, then give it "
        "to what teaches, writes or resets that board")])


def _hand_out(firmware: Firmware, output: Path) -> None:
    """Copy all files of a firmware. Raises EdgeError E103 unless the copies are what was built."""
    with alone_in(output, waits=True):
        for path in firmware.files.values():
            copy(path, output / path.name, private=firmware.is_locked)
            refuse_unless("E103", cmp(path, output / path.name, shallow=False),
                          f"{output / path.name} is not what was copied there",
                          help="check that disk, and build again")
    firmware.check()


def predicted_memory(ledger: Ledger) -> dict[str, Any]:
    from edge_dassdp.report import screens

    return {"ram_bytes": ledger.ram_bytes, "by_symbol": ledger.by_symbol(),
            "by_field": ledger.by_field(), "by_owner": screens.ram_by_owner(ledger),
            "stack_reserved": ledger.board.stack_bytes,
            "constant_bytes": ledger.constant_bytes, "flash_bound": ledger.flash_bound,
            "learning_state_bytes": ledger.learning_state_bytes, "save_bytes": ledger.save_bytes}


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
        "flags": list(firmware.flags), "locked": firmware.is_locked}
