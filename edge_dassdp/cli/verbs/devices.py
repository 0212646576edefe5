"""save, reset: what a board keeps in flash; forget: a class that was taught; devices: the boards
that are plugged in, by their ports and drives."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.device import EXPECT_HELP, Learned, is_board
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.targets.open import BAUD, BAUD_MOST, open_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_dassdp.build.board import Board
    from edge_dassdp.flashing.drives import BoardDrive
    from edge_dassdp.targets.serial import Port
    from edge_dassdp.wire.info import DeviceInfo

BoardSpec = Annotated[str, typer.Option("--target", "-t", metavar="serial:PORT[@BAUD]",
                                        show_default=False, help="The board.")]
Expect = Annotated[str | None, typer.Option(metavar="STATE", show_default=False, help=EXPECT_HELP)]


def register(app: typer.Typer) -> None:
    for function in (_save, _reset, _forget):
        verb(app, function.__name__.strip("_"))(function)


def _save(
    out: Output,
    model: options.Model,
    target: BoardSpec,
    expect: Expect = None,
    log: options.Log = None,
    lock: options.Lock = None,
) -> Answer:
    """Save to the board's flash what it has learned.

    It counts at the next start, and until the next save. Power may go meanwhile: the save before or
    this one counts then. Flash wears out: it is told how many saves were made.
    """
    from rich.text import Text

    from edge_dassdp import harness
    from edge_dassdp.slots.boards import endurance

    _require_board("save", target)
    network = options.load_model(model)
    with open_target(target, network, log=log, lock=lock) as device:
        device.require_key("save")
        out.warn(*harness.hold(device, network, expect))
        saved = device.store()
        digest = harness.digest_text(device.statistics().learned_digest)
    worn = endurance(device.name, saved)
    return Answer(
        {"target": target, "n_saves": saved.n_saves, "digest": digest, "endurance": worn},
        [Text(f"{target}: save {saved.n_saves:,} is in flash, digest {digest}; the next start has "
              "it"), *([Text(worn)] if worn else [])], network.sha256)


def _reset(
    out: Output,
    model: options.Model,
    target: BoardSpec,
    factory: Annotated[bool, typer.Option("--factory", help=(
        "Erase what was saved to flash, too: else the next start finds it."))] = False,
    expect: Expect = None,
    log: options.Log = None,
    lock: options.Lock = None,
) -> Answer:
    """Return a board to factory weights."""
    from rich.text import Text

    from edge_dassdp import harness

    _require_board("reset", target)
    network = options.load_model(model)
    with open_target(target, network, log=log, lock=lock) as device:
        device.require_key("reset")
        out.warn(*harness.hold(device, network, expect, replaced=True))
        device.reset(factory=factory)
        saved = device.in_flash
        digest = harness.digest_text(device.statistics().learned_digest)
    flash = ", its flash is erased" if factory else \
        f"; flash keeps save {saved.n_saves:,}, which the next start has: --factory erases it" \
        if saved.is_there else ""
    return Answer({"target": target, "factory": factory, "n_saves": saved.n_saves,
                   "digest": digest},
                  [Text(f"{target}: factory weights, digest {digest}{flash}")], network.sha256)


def _forget(
    out: Output,
    model: options.Model,
    name: Annotated[str, typer.Argument(help="The class, as learn --new-class called it.",
                                        metavar="NAME", show_default=False)],
    target: options.TargetSpec = "emulator",
    log: options.Log = None,
    lock: options.Lock = None,
    *,
    learned: Learned,
) -> Answer:
    """Forget a class that was taught on a device.

    Its output is spare again: weights, means and stored samples of it are gone. What hidden neurons
    learned from it stays. Without a board give --restore and --snapshot.
    """
    from rich.text import Text

    from edge_dassdp import harness
    from edge_dassdp.targets.learning import taught_in

    network = options.load_model(model)
    with learned.rescue(network) as rescue, \
            open_target(target, network, log=log, lock=lock) as device:
        device.require_key("forget")
        out.warn(*learned.hold(device, network))
        learned.put_back(device, network)
        device.forget_class(name)
        taught = taught_in(network, device.read_learning())
        digest = harness.digest_text(device.statistics().learned_digest)
        rescue.write(device)
    left = f"; taught are {', '.join(taught)}" if taught else ""
    return Answer({"target": target, "forgotten": name, "taught": taught, "digest": digest,
                   "snapshot": str(rescue.place) if rescue.place else None},
                  [Text(f"{target}: '{name}' is forgotten{left}, digest {digest}")],
                  network.sha256, failed=rescue.problem)


def _require_board(name: str, target: str) -> None:
    if not is_board(target):
        raise EdgeError("E105", f"{name}: '{target}' is no board that keeps anything",
                        cause="the others begin anew with each command",
                        help="give --target serial:PORT; `edge-dassdp devices` lists ports")


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
                f"{info.start.image_crc:08x}, learned {info.learned_digest:08x}, {info.saved}, "
                f"started {info.start}" + ", locked" * info.locked)
    except EdgeError as problem:
        seen = also_used_by(port.path) if problem.code == "E502" else ""
        return None, "; ".join(filter(None, (
            f"{problem.code}: {problem.message}", problem.cause, seen, problem.help)))
