"""Screens of the command line: rich tables in which every number says where it comes from.

P predicted before the build, L linked ELF file, E executed (the reference or the emulator, bit
for bit the device's; instructions from QEMU), M measured on a board. No I/O here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build import elf
from edge_dassdp.data.labels import numbered
from edge_dassdp.emit.firmware import Build
from edge_dassdp.figures.fidelity import Fidelity
from edge_dassdp.figures.inspection import Inspection
from edge_dassdp.figures.widths import Width
from edge_dassdp.harness import Stream, ValueStream, Verification, rolling_accuracy
from edge_dassdp.neurobench import Metrics
from edge_dassdp.plan.ledger import Ledger
from edge_dassdp.report import lines
from edge_dassdp.report.lines import NONE as _NONE
from edge_dassdp.report.lines import percent as _percent
from edge_dassdp.report.tables import apart as _apart
from edge_dassdp.report.tables import table as _table
from edge_dassdp.targets.target import Statistics

LETTERS = "P predicted · L linked · E executed, same bits as the device · M measured on a board"
OWNERS = {"weights": "plastic weights", "inference": "inference state",
          "learning": "learning state", "padding": "inference state", "link": "link",
          "port": "port", "store": "port", "stack": "stack"}


def ram_by_owner(predicted: Ledger) -> dict[str, int]:
    """Bytes of static RAM by owner, in `OWNERS` order; padding goes to the inference state."""
    owners = dict.fromkeys(OWNERS.values(), 0)
    for line in predicted.lines:
        owners[OWNERS[line.group]] += line.bytes
    return owners


def linked_by_owner(predicted: Ledger, linked: elf.Sizes) -> dict[str, int]:
    """`ram_by_owner` with the sizes of the ELF file.

    A symbol is linked whole: the parts inside the state keep the offsets that the compiler
    asserted, everything else has its linked size.
    """
    owners = dict.fromkeys(OWNERS.values(), 0)
    for line in predicted.lines:
        symbol, dot, _ = line.what.partition(".")
        size = linked.stack if symbol == "stack" else linked.ram.get(symbol, 0)
        owners[OWNERS[line.group]] += line.bytes if dot else size
    return owners


def inspect_head(found: Inspection, name: str, kind: str, sha256: str,
                 profile: str | None) -> Text:
    """What was read, in lines: file, shape, source, inputs, readout."""
    chain = "→".join("x".join(map(str, shape)) for shape in found.shapes)
    origin = f"source profile {profile.partition(',')[0]} ({found.resets})" if profile \
        else f"resets: {found.resets}"
    steps = f"{found.n_steps:,} steps" if found.n_steps else "steps not given"
    head = [f"{name}  {kind}  sha {sha256[:12]}…  {chain}  {steps}  {origin}",
             *map(lines.input_text, found.inputs)]
    what = "spikes counted" if found.readout_kind == "spike_count" else "membranes summed"
    head.append(f"class: {what} over the steps, the largest of {found.readout}"
                if found.has_classes else f"values: {what} over the steps of {found.readout}")
    head += [f"classes: {numbered(found.classes)}"] if found.classes else []
    return Text("\n".join(head), overflow="fold")


def inspect_screen(found: Inspection) -> RenderableType:
    """Equations, wiring with its cost, and the boards."""
    learning = {q.post for q in found.projections if q.rule}
    neurons = _table("population", "shape", "neurons", "constants", "equation (resolved)",
                     "plastic in", left=("shape", "equation (resolved)", "plastic in"))
    for p in found.populations:
        neurons.add_row(p.name, "x".join(map(str, p.shape)), f"{p.size:,}", f"{p.n_constants:,}",
                        p.equation, "yes" if p.name in learning else "no")
    notes = ["v membrane, i or x the current that arrives in a step, s spikes, r 1 where the "
             "membrane of the step before stood above the threshold, else 0"]
    if found.frozen_because:
        notes.append(f"nothing learns by default: {found.frozen_because}")
    notes += lines.beside_texts(found.beside, are_values=not found.has_classes)
    boards = [_boards(found)] if found.boards else []
    return _apart(neurons, Text("\n".join(notes), "dim"), _wiring(found), *boards)


def _wiring(found: Inspection) -> RenderableType:
    table = _table("projection", "from → to", "kind", "weights", "bits P", "biases", "all fire P",
                   "a spike P", "learns", left=("from → to", "kind", "learns"))
    for q in found.projections:
        table.add_row(
            q.name, f"{q.pre} → {q.post}", q.kind, f"{q.n_weights:,}", str(q.weight_bits),
            f"{q.n_biases:,}" if q.n_biases else _NONE,
            f"{q.operations:,}{' MAC' * q.is_analogue}",
            _NONE if q.is_analogue else f"{q.operations_per_event:,.1f}", q.rule or "no")
    table.add_section()
    table.add_row("in all", "", "", f"{sum(q.n_weights for q in found.projections):,}", "",
                  f"{sum(q.n_biases for q in found.projections):,}", f"{found.operations:,}", "",
                  "", style="bold")
    text = (f"{found.n_parameters:,} parameters, weights {-(-found.weight_bits // 8):,} B P. "
            "All fire: synaptic operations of a step in which every neuron spikes once. A spike: "
            "those of one, mean over presynaptic neurons.")
    macs = {q.once for q in found.projections if q.is_analogue}
    if macs:
        when = " or ".join("once a sample" if once else "in every step" for once in sorted(macs))
        text += f" MAC: multiply-accumulates of currents, {when}."
    return Group(table, Text(text, "dim"))


def _boards(found: Inspection) -> Table:
    is_choice = any(b.ram_frozen is not None for b in found.boards)
    table = _table("board", "RAM B P", *["frozen P"] * is_choice, "of", "flash B P, at most", "of",
                   "verdict P", left=("verdict P",))
    for b in found.boards:
        frozen = _NONE if b.ram_frozen is None else f"{b.ram_frozen:,}"
        verdict = b.problem or "fits"
        if b.problem and b.fits_frozen:
            verdict += "; frozen it fits"
        elif not b.problem and not b.is_flash_certain:
            verdict = "fits if the code is small enough: build tells"
        table.add_row(b.name, f"{b.ram_needed:,}", *[frozen] * is_choice,
                      f"{b.ram_bytes:,}", f"{b.flash_bound:,}", f"{b.flash_bytes:,}", verdict,
                      style="red" if b.problem else "")
    return table


def metrics_screen(found: Metrics) -> RenderableType:
    """NeuroBench's metrics."""
    table = _table("NeuroBench", "E", "", left=("",))
    for name, value, unit in (
            ("footprint", f"{found.footprint:,} B", "weights, biases, constants of neurons"),
            ("connection sparsity", _percent(found.connection_sparsity, 2), "weights that are 0"),
            ("activation sparsity", _percent(found.activation_sparsity, 2),
             "neuron-steps without a spike"),
            ("synaptic operations, dense", f"{found.dense:,.1f}", "a sample, if nothing were 0"),
            ("effective MACs", f"{found.effective_macs:,.1f}", "a sample, of numbers"),
            ("effective ACs", f"{found.effective_acs:,.1f}", "a sample, of spikes"),
            ("membrane updates", f"{found.membrane_updates:,.1f}", "a sample")):
        table.add_row(name, value, unit)
    text = f"mean over {found.n_samples:,} samples, defined as by neurobench 2.3"
    if found.flash_bytes is not None:
        text += (f"; on a device {found.flash_bytes:,} B of constants in flash and "
                 f"{found.ram_bytes:,} B of state in RAM P")
    return Group(table, Text(text, "dim"))


def quantize_screen(fidelity: Fidelity) -> RenderableType:
    """Weights, kernels, proven ranges and what the rounding changed."""
    weights = _table("weights", "bits", "one step", "clipped", "became 0", "learns",
                     left=("learns",))
    runs = _table("projection", "rows added in bytes", "runs", left=("runs",))
    ranges = _table("worst case", "peak P", "limit", "used", "container", left=("container",))
    for population in fidelity.populations:
        for q in population.projections:
            step = f"{q.scale_min:.4g}"
            if q.scale_max > q.scale_min:
                step += f"..{q.scale_max:.4g}"
            weights.add_row(q.name, str(q.weight_bits), step, _percent(q.clipped, 2),
                            _percent(q.vanished, 2), "plastic" if q.is_plastic else "frozen")
            runs.add_row(q.name, _NONE if q.byte_rows is None else str(q.byte_rows), q.reason)
        for proof in population.proofs:
            clips = population.saturates and proof.what.endswith("membrane")
            ranges.add_row(proof.what, f"{proof.peak:,}", f"{proof.limit:,}",
                           _percent(proof.peak / proof.limit, 1),
                           f"int{proof.container_bits}{', saturates' if clips else ''}")
    parts = (weights, runs, ranges, _membranes(fidelity))
    return _apart(*parts, *([_accuracies(fidelity)] if fidelity.n_samples else []))


def _membranes(fidelity: Fidelity) -> Table:
    table = _table("population", "neurons", "membranes", "saturated E", "spikes flipped E",
                   "first at step E", left=("membranes",))
    for p in fidelity.populations:
        saturated = _NONE if p.saturated is None else _percent(p.saturated, 3)
        table.add_row(p.name, str(p.size), p.membrane,
                      saturated if p.saturates else "cannot",
                      _NONE if p.flipped is None else _percent(p.flipped, 2),
                      _NONE if p.diverges_at is None else str(p.diverges_at))
    return table


def width_text(width: Width) -> str:
    """One line on a width: its accuracy, or that it is refused."""
    return f"{width.weight_bits} bits {_score(width)}{' refused' * bool(width.refused)}"


def _score(width: Width) -> str:
    return _share(width.accuracy) if width.off is None else f"off {_percent(width.off, 1)}"


def widths_screen(widths: Sequence[Width], chosen: int) -> RenderableType:
    """Accuracy and instructions by bits of a weight; chosen: those of the network written."""
    cpus = list(dict.fromkeys(cpu for w in widths for cpu in w.sums))
    cores = [cpu.removeprefix("cortex-").upper() for cpu in cpus]
    table = _table("weight bits", "accuracy E", "rows added in bytes", *(f"{c} P" for c in cores))
    for w in widths:
        table.add_row(f"{w.weight_bits}{' (chosen)' * (w.weight_bits == chosen)}",
                      "refused" if w.refused else _score(w), str(w.byte_rows),
                      *(f"{w.sums[cpu]:.2f}" if cpu in w.sums else _NONE for cpu in cpus))
    notes = [f"{w.weight_bits} bits refused: {w.refused}" for w in widths if w.refused]
    if cores:
        notes.insert(0, f"{cores[0]} to {cores[-1]}: instructions of a synaptic operation, the "
                     "activity being that of these samples.")
    return _apart(table, *map(Text, notes))


def _accuracies(fidelity: Fidelity) -> Text:
    text = f"{fidelity.n_samples:,} samples: "
    if fidelity.agreement is not None:
        text += f"same class as in float {_share(fidelity.agreement)} E"
    elif fidelity.float_errors is None:
        text += "one output, so there are no classes to compare"
    if fidelity.float_accuracy is not None:
        text += (f"; accuracy float {_share(fidelity.float_accuracy)}, integer "
                 f"{_share(fidelity.integer_accuracy)} E")
    if fidelity.float_errors is not None:
        text += f"float {fidelity.float_errors}\ninteger {fidelity.integer_errors} E"
    if fidelity.values is not None:
        text += f"\n{lines.values_text(fidelity.values)}"
    if fidelity.clipping is not None and fidelity.clipping.n_values:
        text += f"\n{lines.clipping_text(fidelity.clipping)} E"
    clipped = [p.name for p in fidelity.populations if p.saturated]
    if clipped:
        text += f"\nmembranes of {', '.join(clipped)} saturated; with --membrane-bits 32 none does"
    return Text(text)


def ledger_screen(predicted: Ledger, build: Build | None = None) -> RenderableType:
    """RAM and flash in bytes: predicted, and beside it what was linked."""
    table = _table("RAM, bytes", "P", "L")
    linked = build.linked if build else None
    state = ("weights", "inference", "learning", "padding")
    for symbol, size in predicted.by_symbol().items():
        table.add_row(symbol, f"{size:,}", f"{linked.ram.get(symbol, 0):,}" if linked else _NONE)
        if symbol == "dassdp_state":
            for group in state:
                inside = sum(line.bytes for line in predicted.lines if line.group == group)
                table.add_row(f"  of it {group}", f"{inside:,}", "", style="dim")
    board = predicted.board
    table.add_row("stack, reserved", f"{board.stack_bytes:,}",
                  f"{linked.stack:,}" if linked else _NONE)
    table.add_section()
    table.add_row("RAM in all", f"{predicted.ram_bytes:,}",
                  f"{linked.ram_bytes:,}" if linked else _NONE, style="bold")
    table.add_row(f"  of {board.ram.bytes:,} on {board.name}",
                  _percent(predicted.ram_bytes / board.ram.bytes, 1),
                  _percent(linked.ram_bytes / board.ram.bytes, 1) if linked else _NONE)
    table.add_row("learning beyond weights", f"{predicted.learning_state_bytes:,}", "")
    parts: list[RenderableType] = [_flash(predicted, linked)]
    if build and linked:
        sections = (f"by section: .text {linked.text:,}, .data {linked.data:,}, .bss "
                    f"{linked.bss:,}, .stack {linked.stack:,} B L")
        parts += [Text(sections), _call_path(build)]
    return _apart(table, *parts)


def _flash(predicted: Ledger, linked: elf.Sizes | None) -> Table:
    table = _table("flash, bytes", "P", "L")
    board = predicted.board
    table.add_row("model constants", f"{predicted.constant_bytes:,}", "")
    table.add_section()
    table.add_row("flash in all", f"at most {predicted.flash_bound:,}",
                  f"{linked.flash_bytes:,}" if linked else _NONE, style="bold")
    table.add_row(f"  of {board.flash.bytes:,} on {board.name}",
                  _percent(predicted.flash_bound / board.flash.bytes, 1),
                  _percent(linked.flash_bytes / board.flash.bytes, 1) if linked else _NONE)
    if board.store:
        table.add_section()
        table.add_row("a save", f"{predicted.save_bytes:,}", "")
        table.add_row(f"  of {board.store.slot_bytes:,}, beside it, in each of two slots",
                      _percent(predicted.save_bytes / board.store.slot_bytes, 1), "")
    return table


def _call_path(build: Build) -> Text:
    stack, reserved = build.stack, build.firmware.board.stack_bytes
    text = (f"deepest call path {stack.path_bytes:,} B L: {' → '.join(stack.path)}\n"
            f"with an interrupt on top {stack.bytes:,} B of {reserved:,} B reserved")
    if stack.isr_path:
        text += f": {' → '.join(stack.isr_path)}"
    return Text(f"{text}\nmade by {build.firmware.compiler}", overflow="fold")


def verify_screen(done: Verification, what: str) -> RenderableType:
    """PASS with what was compared, or the first divergence."""
    table = _table("target", "samples", "learning steps", "differences")
    for name in done.targets:
        is_first = name == done.targets[0]
        table.add_row(name, f"{done.samples:,}", f"{done.learning_steps:,}",
                      "is the reference" if is_first else
                      str(int(done.divergence is not None and done.divergence.target == name)))
    if done.divergence:
        return _apart(table, Text("\n".join(
            (f"DIFFERENT: {done.divergence}", *done.divergence.operands)), "bold red"))
    return _apart(table, Text(f"PASS bit-exact: {done.values_compared:,} values of {what}",
                              "bold green"))


def learn_screen(target: str, stream: Stream, statistics: Statistics, *, window: int = 100,
                 letter: str = "E", link: str = "", rows: int = 10) -> RenderableType:
    """The course of a stream and the counters of the target after it; letter: its origin."""
    table = _table("samples", f"accuracy({window}) {letter}", "skipped", left=())
    rolling, n = rolling_accuracy(stream.hits, window), len(stream.labels)
    for end in checkpoints(n, rows):
        table.add_row(f"{end:,}", _percent(float(rolling[end - 1]), 1),
                      _percent(float(stream.is_skipped[:end].mean()), 1))
    lost = f"; the link lost {stream.n_unanswered:,} answers, whose classes count as wrong"
    told = "accuracy over the stream " + (
        _NONE if stream.accuracy is None else _percent(stream.accuracy, 1))
    told += lost * bool(stream.n_unanswered)
    return _apart(table, learned_text(target, n, told, statistics, link))


def learned_text(target: str, n: int, told: str, statistics: Statistics, link: str) -> Text:
    """What a stream of n samples came to, and the counters of the target after it."""
    text = f"{target}: {n:,} samples learned, {told}; "
    if statistics.n_updates:
        vanished = statistics.n_vanished / statistics.n_updates
        text += f"of {statistics.n_updates:,} weight updates {_percent(vanished, 1)} vanished"
    else:
        text += "no weight was written"
    text += f"; {statistics.n_saturated:,} weights stand at an end of their range"
    if statistics.n_x_saturated:
        text += f"; {statistics.n_x_saturated:,} input values stood at an end of int8"
    if statistics.n_replayed:
        text += (f"; {statistics.n_replayed:,} stored samples learned again, of them "
                 f"{statistics.n_replay_skipped:,} skipped")
    if statistics.n_fallbacks:
        text += f"; fell back to factory weights {statistics.n_fallbacks:,} times"
    return Text(text + (f"; {link}" if link else ""))


def learn_values_screen(target: str, stream: ValueStream, statistics: Statistics, *,
                        window: int = 100, letter: str = "E", link: str = "",
                        rows: int = 10) -> RenderableType:
    """The same of a stream of targets: errors in the spread of the targets, and in their unit."""
    table = _table("samples", f"NRMSE({window}) {letter}", f"MAE({window}) {letter}", "skipped",
                   left=())
    for end in checkpoints(len(stream), rows):
        try:
            last = stream.last(window, end)
        except EdgeError:
            continue  # all of these answers were lost
        nrmse = last.mean_nrmse
        table.add_row(f"{end:,}", _NONE if nrmse is None else f"{nrmse:.3f}",
                      " ".join(f"{mae:.4g}" for mae in last.mae[:4]),
                      _percent(float(stream.is_skipped[:end].mean()), 1))
    told = f"over the stream {stream.errors}" if len(stream) > stream.n_unanswered else _NONE
    if stream.n_unanswered:
        told += f"; the link lost {stream.n_unanswered:,} answers, which are in no error"
    return _apart(table, learned_text(target, len(stream), told, statistics, link))


def checkpoints(n: int, rows: int) -> list[int]:
    """Up to `rows` sample counts, evenly spread, the last one n."""
    if n == 0:
        return []
    ends: NDArray[np.int64] = np.unique(np.linspace(0, n, min(rows, n) + 1)[1:].round()).astype(int)
    return [int(end) for end in ends]


def listing(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    """A plain left-aligned table."""
    table = _table(*columns, left=tuple(columns))
    for row in rows:
        table.add_row(*row)
    return table


def _share(share: float | None) -> str:
    return _NONE if share is None else _percent(share, 1)
