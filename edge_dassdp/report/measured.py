"""The screen of `measure`: a column for each letter, and what no letter has."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edge_dassdp.figures.device import DeviceFigures, Instructions
from edge_dassdp.measured.board import OnBoard
from edge_dassdp.measured.energy import Energy
from edge_dassdp.measured.known import Known
from edge_dassdp.measured.spread import Spread
from edge_dassdp.report.lines import NONE
from edge_dassdp.report.screens import ledger_screen
from edge_dassdp.report.tables import apart, table


def measure_screen(known: Known, emulated: DeviceFigures | None = None,
                   on_board: OnBoard | None = None, energy: Energy | None = None,
                   untold: tuple[str, ...] = ()) -> RenderableType:
    """Everything known of a network on a board, and what is not. untold: see `not_measured`."""
    rows = table("quantity", "P", "L", "E", "M")
    _memory(rows, known, emulated, on_board)
    _instructions(rows, known, emulated)
    notes = ["P of instructions: the same samples on the reference, operations priced by "
             "boards/costs.toml."] if known.work and known.work.inference is not None else []
    if emulated and emulated.inference:
        wrote = emulated.written.n_samples if emulated.written else 0
        notes.append(f"E: QEMU, {emulated.inference.n_samples} samples, {wrote} of them wrote "
                     "weights; it executes instructions, and has no cycles.")
    if on_board:
        _ticks(rows, on_board)
        notes.append(_of_board(on_board))
    if energy:
        _energy(rows, energy)
        notes.append(_of_energy(energy))
    notes += ["Not measured:", *(f"- {what}" for what in untold)]
    head = [ledger_screen(known.predicted, known.build)] if known.predicted else []
    return apart(*head, rows, Text("\n".join(notes)))


def not_measured(known: Known, emulated: DeviceFigures | None = None,
                 on_board: OnBoard | None = None, energy: Energy | None = None,
                 build: str = "edge-dassdp build") -> tuple[str, ...]:
    """What has no figure, a sentence each, and what would give one. build: the command that makes
    the firmware."""
    found = list(on_board.untold) if on_board else [
        "cycles and time on a board (QEMU counts instructions, not cycles): "
        "--target serial:PORT measures them"]
    if known.build is None and known.predicted:
        found.append("static RAM and flash as linked: no build that is kept here is the one that "
                     f"the board runs; `{build}` makes it, if its sources and compiler are these")
    if known.predicted is None:
        found.append("anything before the build, and what was linked: its board.toml is not known; "
                     "give it with --board")
    board = known.board
    if board and known.work and known.work.inference is None:
        found.append("instructions before the build (P): boards/costs.toml has no prices for it on "
                     f"{board.cpu}")
    if board and board.qemu is None:
        found.append("instructions and the painted stack in QEMU (E): board "
                     f"{board.name} has no QEMU machine")
    elif on_board and not emulated:
        found.append("instructions in QEMU: measure it with --target qemu:BOARD, too")
    if energy is None:
        found.append("energy: record the current of a measurement on the board, and give the log "
                     "with --current (docs/measuring.md)")
    return tuple(found)


def _memory(rows: Table, known: Known, emulated: DeviceFigures | None,
            on_board: OnBoard | None) -> None:
    build = known.build
    rows.add_row("static RAM with stack, B",
                 f"{known.predicted.ram_bytes:,}" if known.predicted else NONE,
                 f"{build.linked.ram_bytes:,}" if build else NONE, NONE, NONE)
    rows.add_row("flash, B", NONE, f"{build.linked.flash_bytes:,}" if build else NONE, NONE, NONE)
    stack = on_board.stack if on_board else None
    painted = emulated.stack_painted if emulated else None
    rows.add_row("stack, worst case | painted, B", NONE,
                 f"{build.stack.bytes:,}" if build else NONE, _whole(painted),
                 f"{stack.learned:,}" if stack else NONE)
    if stack:
        rows.add_row("  painted before | by inferences", NONE, NONE, NONE,
                     f"{stack.before:,} | {stack.inferred:,}")


def _instructions(rows: Table, known: Known, emulated: DeviceFigures | None) -> None:
    before = known.work
    rows.add_row("synaptic operations, inference: mean",
                 _whole(before.synaptic_ops if before else None), NONE, NONE, NONE)
    for what, field in (("inference", "inference"), ("learning, every sample", "learning"),
                        ("learning, samples that wrote", "written")):
        counted: Instructions | None = getattr(emulated, field, None)
        rows.add_row(f"instructions, {what}: mean", _whole(getattr(before, field, None)), NONE,
                     _whole(counted.mean if counted else None), NONE)
        rows.add_row("  largest", NONE, NONE, f"{counted.max:,}" if counted else NONE, NONE)


def _ticks(rows: Table, told: OnBoard) -> None:
    unit = "cycles" if told.ticks.is_cycles else f"ticks of {told.ticks.name or 'a counter'}"
    parts = (("inference", told.inference), ("learning, every sample", told.learning),
             ("learning, samples that wrote", told.written))
    for what, ticks in parts:
        _spread(rows, f"{unit}, {what}", ticks, ",.0f")
    if told.ticks.hz:
        for what, ticks in parts:
            _spread(rows, f"time, {what}, ms", told.ms(ticks), ".4g")
    for what, seconds in (("inference", told.inference_s), ("lesson", told.lesson_s)):
        _spread(rows, f"time with the link, {what}, ms",
                seconds.times(1e3) if seconds else None, ".4g")


def _energy(rows: Table, energy: Energy) -> None:
    for what, joules in (("inference", energy.inference), ("lesson", energy.lesson),
                         ("lessons that wrote", energy.written),
                         ("inference, above idle", energy.inference_above),
                         ("lesson, above idle", energy.lesson_above)):
        _spread(rows, f"energy, {what}, µJ", joules.times(1e6) if joules else None, ".4g")
    for what, amperes in (("inference", energy.inference_a), ("lesson", energy.lesson_a),
                          ("idle", energy.idle_a)):
        rows.add_row(f"mean current, {what}, mA", NONE, NONE, NONE,
                     NONE if amperes is None else f"{1e3 * amperes:.4g}")


def _spread(rows: Table, what: str, values: Spread | None, form: str) -> None:
    if values is not None:
        rows.add_row(f"{what}: median", NONE, NONE, NONE, f"{values.median:{form}}")
        rows.add_row("  quartiles", NONE, NONE, NONE,
                     f"{values.lower:{form}} to {values.upper:{form}}")


def _whole(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def _of_board(told: OnBoard) -> str:
    ticks, n = told.ticks, told.inference_s.n
    lessons = told.lesson_s.n if told.lesson_s else 0
    text = (f"M: board {told.name}, build {told.build_hash}, flash {told.image_crc:08x}: {n} "
            f"inferences, then {lessons} lessons from factory weights on")
    if lessons:
        text += f", {told.n_written} of which wrote weights"
    if ticks.name:
        text += f"; ticks of {ticks.name}, {ticks.bits} bits"
    if ticks.hz:
        text += f", {ticks.hz:,} Hz by board.toml"
    if told.reading_per_inference is not None:
        text += (f"; readings take {ticks.reading} each, {told.reading_per_inference:,} of an "
                 "inference, not taken off")
    return text + (". Painted: since the board started." if told.stack else ".")


def _of_energy(energy: Energy) -> str:
    lessons = f", {energy.lesson.n} lessons, each with its inference" if energy.lesson else ""
    volts = "the log's own voltage" if energy.volts is None else f"{energy.volts:g} V"
    return (f"M of energy: {energy.inference.n} inferences{lessons}, while {energy.channel} is "
            f"high; {volts}, a row each {1e6 * energy.period_s:.4g} µs. All that was supplied, "
            "nothing taken off; above idle: less the mean power between samples, while the board "
            "waits and talks to its host.")
