"""measure: what a network costs, predicted, linked, in QEMU, on a board, in joules."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.quoting import command
from edge_dassdp.cli import options
from edge_dassdp.cli.device import from_factory
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.verbs.firmware import memory, predicted_memory

if TYPE_CHECKING:
    from edge_dassdp.build.board import Board
    from edge_dassdp.data.datasets import Samples
    from edge_dassdp.figures.device import DeviceFigures
    from edge_dassdp.measured.board import OnBoard
    from edge_dassdp.measured.energy import Energy
    from edge_dassdp.measured.known import Known
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.wire.lock import Lock

_N_RANDOM = 16
_TARGETS = "serial:PORT[@BAUD] or qemu:BOARD"


def register(app: typer.Typer) -> None:
    verb(app, "measure", runs=True)(_measure)


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A log of the current that a board took, and how to read it."""

    current: Annotated[Path | None, typer.Option(metavar="FILE.csv", show_default=False, help=(
        "A log of the current of such a measurement on the board, with a channel for its marker "
        "pin: energy comes from it (docs/measuring.md)."))] = None
    format: Annotated[str | None, typer.Option(metavar="ppk2|otii|joulescope", show_default=False,
                                               help="Who wrote the log, where it names no units.")
                      ] = None
    volts: Annotated[float | None, typer.Option(show_default=False, help=(
        "What the board was supplied with, where the log does not say it."))] = None
    channel: Annotated[str | None, typer.Option(metavar="NAME", show_default=False, help=(
        "The log's digital channel at the marker pin; by itself the first."))] = None

    def check(self, serial: str | None) -> None:
        """Raises EdgeError E105 for options that do not go together."""
        if self.current is None:
            given = [name for name in ("format", "volts", "channel")
                     if getattr(self, name) is not None]
            refuse_unless("E105", not given, f"--{''.join(given[:1])} is about a log of current",
                          help="give the log with --current FILE.csv")
        elif serial is not None:
            raise EdgeError("E105", "a log of current is of a measurement that has been made",
                            help="measure with --target while the instrument records, export its "
                                 "log, then give it with --current and --board instead of --target")

    def energy(self, network: QNetwork, board: Board, packed: options.Packed) -> Energy | None:
        """Energy from the log, of these samples."""
        if self.current is None:
            return None
        from edge_dassdp.figures.lesson import learning_work
        from edge_dassdp.measured.energy import energy_of

        wrote = [work.updates > 0 for work in learning_work(network, packed.x, packed.y)] \
            if network.plastic else []
        return energy_of(self.current, board, len(packed.x), wrote, format=self.format,
                         volts=self.volts, channel=self.channel)


@dataclasses.dataclass(frozen=True)
class _Found:
    """All figures of a measurement, by their letters."""

    known: Known
    emulated: DeviceFigures | None
    on_board: OnBoard | None
    energy: Energy | None
    build: str

    @property
    def untold(self) -> tuple[str, ...]:
        from edge_dassdp.report.measured import not_measured

        return not_measured(self.known, self.emulated, self.on_board, self.energy,
                            self.build)

    @property
    def data(self) -> dict[str, Any]:
        """As JSON values."""
        known, emulated = self.known, self.emulated
        build = known.build
        memories = memory(build) if build else {
            "predicted": predicted_memory(known.predicted) if known.predicted else None,
            "linked": None, "stack": None}
        counted = {name: _fields(getattr(emulated, of, None)) for name, of in (
            ("inference", "inference"), ("lesson", "learning"), ("written", "written"))}
        return memories | {
            "stack_painted_bytes": emulated.stack_painted if emulated else None,
            "instructions": counted, "instructions_predicted": _fields(known.work),
            "measured": _fields(self.on_board), "energy": _fields(self.energy),
            "not_measured": list(self.untold)}

    @property
    def wrote(self) -> bool:
        """Whether a sample wrote weights, or nothing says so."""
        if self.emulated is None and self.on_board is None:
            return True
        return bool((self.emulated and (self.emulated.written or not self.emulated.inference))
                    or (self.on_board and self.on_board.n_written))


def _measure(
    out: Output,
    model: options.Model,
    board: Annotated[str | None, typer.Option("--board", "-b", show_default=False, help=(
        "A name from `boards`, or a path to a board.toml: it is run in QEMU, if that has a "
        "machine of it, where --target does not say otherwise."))] = None,
    target: Annotated[list[str] | None, typer.Option("--target", "-t", show_default=False, help=(
        f"Where to measure: {_TARGETS}; repeat it for both. All begin with factory weights; a "
        "board on a serial port then gets back what it had learned."))] = None,
    data: options.OptionalData = None,
    split: options.Split = "stream",
    shift_seed: options.ShiftSeed = None,
    limit: Annotated[int, typer.Option(min=1, help="Take the first samples only.")] = 20,
    reset: Annotated[bool, typer.Option("--reset", help=(
        "Leave a board as the measurement leaves it: what it had learned is gone."))] = False,
    lock: options.Lock = None,
    *,
    recorded: Recorded,
) -> Answer:
    """Measure RAM, flash, stack, instructions, cycles, energy.

    Predicted, linked, executed in QEMU, and measured on a board. Each sample is classified, then
    all are learned. Costs depend on how many neurons fire and on whether a sample is learned: give
    real samples, and --shift-seed so that there is something to learn. Without --data, 16 samples
    of random noise are used.
    """
    from rich.text import Text

    from edge_dassdp.harness.classes import agreed
    from edge_dassdp.report import screens
    from edge_dassdp.report.measured import measure_screen

    network = options.load_model(model)
    serial, emulated = _places(board, target or [])
    if target and emulated:
        _require_machine(emulated)
    recorded.check(serial)
    part = agreed(network, options.load_part(data, split))[0] if data else None
    samples = options.shifted(part, shift_seed, limit) if part else _noise(network)
    packed = options.device_samples(network, samples)
    known, figures, on_board, energy = _figures(out, network, packed, board, serial, emulated,
                                                recorded, reset, lock)
    name = on_board.name if on_board else emulated or ""
    found = _Found(known, figures, on_board, energy,
                   command("edge-dassdp", "build", model, "--board", board or name))
    notes = list(part.notes) if part else ["Samples: random noise of unit variance, seed 0."]
    if network.plastic and not found.wrote:
        notes.append("No sample wrote weights: all were classified right with confidence. Add "
                     "--shift-seed 0.")
    screen = measure_screen(found.known, found.emulated, found.on_board, found.energy,
                            found.untold)
    doubts = found.energy.warnings if found.energy else ()
    return Answer(
        {"board": name} | found.data | {
            "samples": "data" if data else "noise", "scaling": part.scaling if part else "",
            "classes": list(part.samples.classes) if part else [], "n_samples": len(packed.y),
            "clipping": packed.clipped},
        [screen, *map(Text, notes), Text(screens.LETTERS, "dim")], network.sha256,
        ["edge-dassdp", "flash", model, "--board", emulated, *options.words(lock=lock)]
        if emulated and not serial else [],
        warnings=[*(packed.warnings if data else ()), *doubts])


def _places(board: str | None, targets: list[str]) -> tuple[str | None, str | None]:
    """PORT of the board to measure and the board to run in QEMU. Raises EdgeError E105."""
    found: dict[str, str] = {}
    for spec in targets:
        kind, _, rest = spec.partition(":")
        if kind not in ("serial", "qemu") or not rest:
            raise EdgeError("E105", f"nothing can be measured on target '{spec}'",
                            help=f"choose {_TARGETS}")
        if kind in found:
            raise EdgeError("E105", f"two targets of one kind: {kind}:{found[kind]} and {spec}",
                            help="measure them one after the other")
        found[kind] = rest
    if not targets and board is None:
        raise EdgeError("E105", "neither a board nor a target is given",
                        help=f"give --board, or --target {_TARGETS}")
    if board is not None and found.get("qemu", board) != board:
        raise EdgeError("E105", f"--board {board} and --target qemu:{found['qemu']} are two boards",
                        help="give one of them")
    return found.get("serial"), found.get("qemu", None if targets else board)


def _require_machine(name: str) -> None:
    """Raises EdgeError E401 for a board that QEMU has no machine of."""
    from edge_dassdp.build.board import load_board
    from edge_dassdp.targets.qemu import machine_of

    machine_of(load_board(name))


def _figures(out: Output, network: QNetwork, packed: options.Packed, board: str | None,
             serial: str | None, emulated: str | None, recorded: Recorded, reset: bool,
             lock: Path | None
             ) -> tuple[Known, DeviceFigures | None, OnBoard | None, Energy | None]:
    from edge_dassdp.build.board import load_board
    from edge_dassdp.figures.device import measure_on_device
    from edge_dassdp.measured.known import Known
    from edge_dassdp.wire.lock import lock_of

    key = lock_of(lock)
    in_qemu = load_board(emulated) if emulated else None
    energy = recorded.energy(network, in_qemu, packed) if in_qemu else None
    known, on_board = None, None
    if serial is not None:
        named = load_board(board) if board else in_qemu
        known, on_board = _on_board(out, network, packed, serial, named, reset, key)
    figures = measure_on_device(network, in_qemu, packed.x, packed.y, key) if in_qemu else None
    if known is None:
        assert figures is not None
        known = Known.of(figures)
    return known, figures, on_board, energy


def _on_board(out: Output, network: QNetwork, packed: options.Packed, port: str,
              named: Board | None, reset: bool, lock: Lock | None) -> tuple[Known, OnBoard]:
    """What is known of the board at a port, and then measured on it. Raises EdgeError E105 where
    another than `named` is there."""
    from edge_dassdp.measured.board import measure
    from edge_dassdp.measured.known import Known
    from edge_dassdp.targets.open import open_serial

    with ExitStack() as stack:
        device = stack.enter_context(open_serial(
            port, network, log=out.link_log(f"serial:{port}"), lock=lock))
        found = device.info.board
        if named is not None and named.name != found:
            raise EdgeError("E105", f"board {found} answers at {port}, {named.name} is named",
                            help=f"leave --board out, or give qemu:{found}")
        board, info = named or _known(found), device.info
        known = Known.found(network, board, info.build_hash, info.start.image_crc, packed.x,
                            packed.y, bool(info.locked))
        out.warn(*from_factory(stack, device, network, reset))
        n_lessons = len(packed.x) if network.plastic else 0
        progress = stack.enter_context(out.progress("measuring", len(packed.x) + n_lessons))
        return known, measure(device, network, board, packed.x, packed.y, progress)


def _known(name: str) -> Board | None:
    """A board of the package, None for any other."""
    from edge_dassdp.build.board import list_boards, load_board

    return load_board(name) if name in list_boards() else None


def _fields(value: Any) -> dict[str, Any] | None:
    return None if value is None else dataclasses.asdict(value)


def _noise(network: QNetwork) -> Samples:
    import numpy as np

    from edge_dassdp.data.datasets import Samples

    rng = np.random.default_rng(0)
    parts = [rng.normal(0, 1, (_N_RANDOM, i.n_values)) for i in network.inputs]
    x = np.concatenate([part > 0.5 if i.spikes else part  # spikes: three in ten
                        for i, part in zip(network.inputs, parts, strict=True)], axis=1)
    return Samples(x.astype(np.float32), rng.integers(network.n_known, size=_N_RANDOM))
