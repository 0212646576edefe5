"""What came of a stream that a device learned: a line a sample, how far it came, tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options, valued
from edge_dassdp.cli.device import is_board, letter, link, named
from edge_dassdp.cli.output import Answer, Interrupted, Output
from edge_dassdp.wire.saved import Slots

if TYPE_CHECKING:
    from edge_dassdp import harness
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.targets.target import Progress, Statistics, Target


def gate(network: QNetwork, stream: harness.Stream,
          statistics: Statistics) -> dict[str, Any] | None:
    """What the device's CUSUM gate held back, as JSON values; None where it has none."""
    if network.cusum is None:
        return None
    return {"is_open": statistics.is_open, "n_held": int(stream.is_held.sum()),
            "error_share": stream.held_errors}


def unsaved(stream: harness.Stream) -> list[str]:
    """A warning, where flash did not take what was to be saved."""
    n = int(stream.is_unsaved.sum())
    return [f"{n:,} saves were due, and its flash did not take them: flash wears out; what counts "
            "there is the save before"] * (n > 0)


def in_flash(device: Target, target: str, model: Path, lock: Path | None) -> list[Any]:
    """What became of it in flash, of a board that has such; else how it gets there."""
    from rich.text import Text

    from edge_dassdp.base.quoting import command

    saved = device.in_flash
    if not is_board(target) or saved.slots == Slots.ABSENT:
        return []
    before = f" flash holds save {saved.n_saves:,}." if saved.is_there else ""
    words = command("edge-dassdp", "save", model, "--target", target, *options.words(lock=lock))
    return [Text(f"What was learned since a save is lost with the power;{before} {words} keeps it",
                 "dim")]


def value_stream(network: QNetwork, course: harness.Course,
            learned: options.Packed) -> harness.ValueStream | None:
    """The stream of a model of values, from where it was begun or taken up."""
    if network.values is None or learned.targets is None or not len(course.stream.labels):
        return None
    first = course.n_warm + course.first
    return valued.stream_of(network, course.stream,
                            learned.targets[first:first + len(course.stream.labels)])


def curves(out: Output, target: str, course: harness.Course, network: QNetwork) -> None:
    """In a run folder: hits of the stream, and what factory weights would have come to."""
    if out.run is None or network.values is not None:
        return
    from edge_dassdp.targets.emulator import Emulator

    stream, first = course.stream, course.n_warm + course.first
    frozen = Emulator(network).classify(course.x[first:first + len(stream.labels)])
    out.run.curves({f"learning on {target}": stream.predicted == stream.labels,
                    "frozen": frozen == stream.labels}, f"learning on {target}")


def tell(out: Output, network: QNetwork, taught: dict[str, int], first: int,
          piece: harness.Stream, progress: Progress | None, learned: options.Packed) -> None:
    """A line for every sample, as soon as it is learned."""
    from edge_dassdp.harness import UNKNOWN

    if network.values is not None and learned.targets is not None:
        made = valued.stream_of(network, piece, learned.targets[first:first + len(piece.labels)])
        for i, values in enumerate(made.predicted):
            out.line(sample=first + i, values=values.tolist(), targets=made.targets[i].tolist(),
                     skipped=bool(piece.is_skipped[i]))
        if progress:
            progress(first + len(piece.labels))
        return
    for i, (class_idx, label) in enumerate(zip(piece.predicted, piece.labels, strict=True), first):
        out.line(sample=i, class_idx=None if class_idx == UNKNOWN else int(class_idx),
                 label=int(label), skipped=bool(piece.is_skipped[i - first]),
                 held=bool(piece.is_held[i - first]), **named(network, class_idx, label, taught))
    if progress:
        progress(first + len(piece.labels))


def how_far(target: str, course: harness.Course) -> dict[str, Any]:
    stream, progress = course.stream, course.progress
    return {"target": target, "n_samples": len(stream.labels), "accuracy": stream.accuracy,
            "unanswered": stream.n_unanswered, "resumed_at": course.first,
            "n_learned": progress.n_learned, "n_stream": progress.n_samples,
            "in_doubt": progress.in_doubt, "can_resume": course.file is not None,
            "link": link(course.device)}


def _told(course: harness.Course) -> str:
    """How far it got, and what takes it up."""
    progress = course.progress
    doubt = " for certain, the next one perhaps" if progress.in_doubt else ""
    text = f"{progress.n_learned:,} of {progress.n_samples:,} samples were learned{doubt}"
    return text if course.file is None else f"{text}; the same command with --resume goes on there"


def lost(target: str, course: harness.Course, problem: EdgeError, network: QNetwork) -> Answer:
    """What is certain when a device or its link fails."""
    if not is_board(target):
        course.give_up()
    failed = EdgeError(problem.code, f"{problem.message}: {_told(course)}", cause=problem.cause,
                       help=problem.help)
    return Answer(how_far(target, course), (), network.sha256, failed=failed)


def interrupted(problem: KeyboardInterrupt, target: str, course: harness.Course,
                 network: QNetwork, rescue: harness.Rescue) -> Interrupted:
    """What was learned until then goes where --snapshot wants it, unless it is torn."""
    text = _told(course)
    if rescue.path and not course.progress.in_doubt:
        try:
            rescue.write(course.device)
            text += f", with --restore {rescue.place} and --snapshot to another file"
            text += f"; {rescue.problem.message}" if rescue.problem else ""
        except EdgeError as unwritten:
            course.give_up()
            text = f"{_told(course)}; {unwritten.message}"
    return Interrupted(problem, text, how_far(target, course), network.sha256)


def screen(target: str, course: harness.Course, statistics: Statistics, sent: str, judged: str,
            after: float | None, values: harness.ValueStream | None) -> list[Any]:
    from rich.text import Text

    from edge_dassdp.report import lines, screens

    come, sent = letter(target), sent.lstrip("; ")
    parts: list[Any] = [
        screens.learn_screen(target, course.stream, statistics, letter=come, link=sent)
        if values is None else
        screens.learn_values_screen(target, values, statistics, letter=come, link=sent)]
    if course.profile:
        parts.append(Text(str(course.profile)))
    if course.first:
        parts.append(Text(f"taken up after {course.first:,} of {course.progress.n_samples:,} "
                          "samples"))
    if not statistics.is_open or course.stream.is_held.any():
        parts.append(Text(lines.gate_text(course.stream, statistics.is_open)))
    before = course.progress.before
    if before is not None and after is not None and values is not None:
        parts.append(Text(f"{judged}: NRMSE before {before:.3f}, after {after:.3f} "
                          f"{letter(target)}"))
    elif before is not None and after is not None:
        parts.append(Text(f"{judged}: accuracy before {100 * before:.1f} %, after "
                          f"{100 * after:.1f} % {letter(target)}"))
    return parts
