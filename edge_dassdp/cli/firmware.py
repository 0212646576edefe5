"""generate, build, measure, flash: what becomes of a quantized network on a board."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.storage.files import alone_in, copy

if TYPE_CHECKING:
    from edge_dassdp.data.datasets import Samples
    from edge_dassdp.figures.device import Build
    from edge_dassdp.plan.ledger import Ledger
    from edge_dassdp.qir import QNetwork

RamBudget = Annotated[int | None, typer.Option(min=0, show_default=False, help=(
    "Fail when static RAM with stack exceeds this, in bytes."))]
FlashBudget = Annotated[int | None, typer.Option(min=0, show_default=False, help=(
    "Fail when flash exceeds this, in bytes."))]
Name = Annotated[str, typer.Option("--name", help=(
    "Begins all names of the model in C, so that several models link into one firmware."))]
_N_RANDOM = 16


def register(app: typer.Typer) -> None:
    for function in (_generate, _build, _measure, _flash):
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
    from edge_dassdp.plan import Plan
    from edge_dassdp.plan.ledger import ram_ledger
    from edge_dassdp.report import screens

    network, chosen = options.load_model(model), load_board(board)
    predicted = ram_ledger(Plan.of(network), chosen)
    write_project(emit(Plan.of(network), name), chosen, output)
    return Answer(
        {"output": str(output), "board": chosen.name, "predicted": _predicted(predicted)},
        [screens.ledger_screen(predicted), Text(screens.LETTERS, "dim")], network.sha256,
        ["make", "-C", output])


def _build(
    out: Output,
    model: options.Model,
    board: options.BoardName,
    ram_budget: RamBudget = None,
    flash_budget: FlashBudget = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", show_default=False, help=(
        "Folder for firmware.elf and firmware.hex.")), Writes.FOLDER] = None,
    name: Name = "dassdp",
) -> Answer:
    """Build firmware, compare with prediction.

    Exit status 1 if a budget is broken or one symbol has another size than predicted.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.figures.device import build_and_compare
    from edge_dassdp.report import screens

    network, chosen = options.load_model(model), load_board(board)
    build = build_and_compare(network, chosen, ram_budget=ram_budget, flash_budget=flash_budget,
                              name=name)
    if output:
        with alone_in(output, waits=True):
            for path in (build.firmware.elf, build.firmware.hex):
                copy(path, output / path.name)
    return Answer(
        _memory(build) | {"output": str(output) if output else None},
        [screens.ledger_screen(build.predicted, build), Text(screens.LETTERS, "dim")],
        network.sha256, ["edge-dassdp", "measure", model, "--board", board])


def _measure(
    out: Output,
    model: options.Model,
    board: options.BoardName,
    data: options.OptionalData = None,
    split: options.Split = "stream",
    shift_seed: options.ShiftSeed = None,
    limit: Annotated[int, typer.Option(min=1, help="Take the first samples only.")] = 20,
) -> Answer:
    """Measure RAM, flash, stack, instructions.

    Predicted, linked, and executed in QEMU. Each sample is classified, then learned.
    Instruction counts depend on how many neurons fire and on whether a sample is learned: give
    real samples, and --shift-seed so that there is something to learn. Without --data, 16
    samples of random noise are used.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.figures.device import measure_on_device
    from edge_dassdp.report import screens

    network, chosen = options.load_model(model), load_board(board)
    samples = options.load_samples(data, split, shift_seed, limit) if data else _noise(network)
    packed = options.device_samples(network, samples)
    figures = measure_on_device(network, chosen, packed.x, packed.y)
    counted = {name: dataclasses.asdict(value) if value else None for name, value in (
        ("inference", figures.inference), ("learning", figures.learning),
        ("written", figures.written))}
    notes = [] if data else ["Samples: random noise of unit variance, seed 0."]
    if network.plastic and not figures.written and figures.inference:
        notes.append("No sample wrote weights: all were classified right with confidence. Add "
                     "--shift-seed 0.")
    return Answer(
        _memory(figures.build) | {"samples": "data" if data else "noise",
                                  "n_samples": len(packed.y), "clipping": packed.clipped,
                                  "stack_painted_bytes": figures.stack_painted,
                                  "instructions": counted,
                                  "instructions_predicted": dataclasses.asdict(figures.predicted)},
        [screens.measure_screen(figures), *map(Text, notes), Text(screens.LETTERS, "dim")],
        network.sha256, ["edge-dassdp", "flash", model, "--board", board],
        warnings=packed.warnings if data else ())


def _flash(
    out: Output,
    model: options.Model,
    board: options.BoardName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=(
        "Build, and print the command alone."))] = False,
) -> Answer:
    """Build the firmware and program a board.

    The command is that of the board's board.toml.
    """
    from rich.text import Text

    from edge_dassdp.build.board import load_board
    from edge_dassdp.build.compile import find_tool
    from edge_dassdp.figures.device import build_and_compare

    network, chosen = options.load_model(model), load_board(board)
    firmware = build_and_compare(network, chosen).firmware
    files = {"elf": firmware.elf.as_posix(), "hex": firmware.hex.as_posix()}
    program = chosen.program.of(**files)
    command, note = list(program.command), program.note
    if not dry_run:
        find_tool(command[0], f"Install {command[0]} (Debian: apt install {command[0]}). {note}")
        done = subprocess.run(command, capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise EdgeError("E502", f"{command[0]} could not program {chosen.name}",
                            cause="; ".join(done.stderr.strip().splitlines()[-3:]),
                            help=f"check cable and power; the command was {shlex.join(command)}")
    what = "would run" if dry_run else "programmed with"
    return Answer(
        {"board": chosen.name, "command": command, "dry_run": dry_run, "note": note,
         "elf": files["elf"], "hex": files["hex"]},
        [Text(f"{what}: {shlex.join(command)}"), *([Text(note)] if note else [])],
        network.sha256, ["edge-dassdp", "devices", "--ask"])


def _noise(network: QNetwork) -> Samples:
    import numpy as np

    from edge_dassdp.data.datasets import Samples

    rng = np.random.default_rng(0)
    parts = [rng.normal(0, 1, (_N_RANDOM, i.n_values)) for i in network.inputs]
    x = np.concatenate([part > 0.5 if i.spikes else part  # spikes: three in ten
                        for i, part in zip(network.inputs, parts, strict=True)], axis=1)
    return Samples(x.astype(np.float32), rng.integers(network.n_classes, size=_N_RANDOM))


def _predicted(ledger: Ledger) -> dict[str, Any]:
    from edge_dassdp.report import screens

    return {"ram_bytes": ledger.ram_bytes, "by_symbol": ledger.by_symbol(),
            "by_owner": screens.ram_by_owner(ledger), "stack_reserved": ledger.board.stack_bytes,
            "constant_bytes": ledger.constant_bytes, "flash_bound": ledger.flash_bound,
            "learning_state_bytes": ledger.learning_state_bytes}


def _memory(build: Build) -> dict[str, Any]:
    """A build as JSON values."""
    linked, firmware = build.linked, build.firmware
    return {
        "board": firmware.board.name, "predicted": _predicted(build.predicted),
        "linked": {"ram_bytes": linked.ram_bytes, "flash_bytes": linked.flash_bytes,
                   "text": linked.text, "data": linked.data, "bss": linked.bss,
                   "stack_reserved": linked.stack, "by_symbol": linked.ram},
        "stack": dataclasses.asdict(build.stack),
        "build_hash": f"{firmware.build_hash:016x}", "compiler": firmware.compiler,
        "flags": list(firmware.flags)}
