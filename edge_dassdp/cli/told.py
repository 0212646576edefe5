"""What came of a stream that a device learned: a line a sample, how far it came, tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.device import is_board, letter, link, named
from edge_dassdp.cli.output import Answer, Interrupted, Output
from edge_dassdp.runs.folder import LEARNED
from edge_dassdp.wire.saved import Slots

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_dassdp import harness
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.targets.target import Progress, Statistics, Target

_WINDOW = 100
"""Samples that the figures of a stream are over while it runs."""
_GONE = ("E502", "E505")
"""No answer any more, or a restart; after other answers, which may be lies, no snapshot is made."""
_QUIET_S = 2.0
"""Without a terminal nothing is told of what takes no longer."""


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


def curves(out: Output, target: str, course: harness.Course, network: QNetwork) -> None:
    """In a run folder: hits of the stream, and what factory weights would have come to."""
    if out.run is None or network.values is not None:
        return
    stream = course.stream
    out.run.curves({f"learning on {target}": stream.hits,
                    "frozen": _frozen(course, network).first(len(stream.labels)).hits},
                   f"learning on {target}")


def _frozen(course: harness.Course, network: QNetwork) -> harness.Frozen:
    """What factory weights make of the stream, from where it was begun or taken up."""
    from edge_dassdp import harness

    first = course.n_warm + course.first
    return harness.Frozen(network, course.x[first:], course.labels[first:])


@contextmanager
def watched(out: Output, course: harness.Course, network: QNetwork, taught: dict[str, int],
            targets: NDArray[np.float64] | None) -> Iterator[Progress | None]:
    """Shows a stream on stderr, to be called with the samples done: a panel on a terminal, else
    lines of what takes long; None under --json. targets: of a model of values, (n, n_outputs)."""
    if out.as_json:
        yield None
        return
    from edge_dassdp.harness.classes import named_classes
    from edge_dassdp.report.console import Screen
    from edge_dassdp.report.monitor import Accuracy, Counters, Error, Measure, Monitor

    measure: Measure = Accuracy(_WINDOW)
    names: Sequence[str] = ()
    if network.values is not None and targets is not None:
        measure = Error(_WINDOW, network.values, targets[course.n_warm + course.first:])
    elif network.n_classes > 1:
        names = named_classes(network, taught) or [f"class {c}" for c in range(network.n_classes)]
    monitor = Monitor(
        Screen(stderr=True), lambda: course.stream, course.progress.n_samples, measure,
        frozen=_frozen(course, network), counters=Counters(course.device, network), names=names,
        after_s=_QUIET_S)
    with out.alone(), monitor:
        yield monitor


def tell(out: Output, network: QNetwork, taught: dict[str, int], first: int,
         piece: harness.Stream, progress: Progress | None,
         made: harness.ValueStream | None) -> None:
    """A line for every sample, as soon as it is learned. made: the piece with its values."""
    from edge_dassdp.harness import UNKNOWN

    for k, (class_idx, label) in enumerate(zip(piece.predicted, piece.labels, strict=True)):
        is_skipped = bool(piece.is_skipped[k])
        if made is not None:
            out.line(sample=first + k, values=made.predicted[k].tolist(),
                     targets=made.targets[k].tolist(), skipped=is_skipped)
            continue
        out.line(sample=first + k, class_idx=None if class_idx == UNKNOWN else int(class_idx),
                 label=int(label), skipped=is_skipped, held=bool(piece.is_held[k]),
                 **named(network, class_idx, label, taught))
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


def lost(target: str, course: harness.Course, problem: EdgeError, network: QNetwork,
         rescue: harness.Rescue) -> Answer:
    """What is certain when a device or its link fails, in the snapshot, too: this computer learned
    it again."""
    kept, is_gone = "", problem.code in _GONE and course.progress.n_learned > 0
    if is_gone and course.progress.n_replayed is None:
        try:
            rescue.follow(course.stream, course.x[course.n_warm + course.first:][
                :len(course.stream.labels)], looks=course.looks)
        except EdgeError as unwritten:
            kept = f"; {unwritten.message}"
    if not is_board(target) and rescue.place is None:
        course.give_up()
    if rescue.place and is_board(target):
        kept = f"; {rescue.place} holds them, too, for --restore where its power was cut"
    elif rescue.place:
        kept = _with(rescue)
    failed = EdgeError(problem.code, f"{problem.message}: {_told(course)}{kept}",
                       cause=problem.cause, help=problem.help)
    return Answer({**how_far(target, course), **snapshot(rescue)}, (), network.sha256,
                  failed=failed)


def interrupted(problem: KeyboardInterrupt, target: str, course: harness.Course,
                network: QNetwork, rescue: harness.Rescue) -> Interrupted:
    """What was learned until then goes where --snapshot wants it, unless it is torn."""
    text = _told(course)
    if rescue.path and not course.progress.in_doubt:
        try:
            rescue.write(course.device)
            text += _with(rescue)
        except EdgeError as unwritten:
            course.give_up()
            text = f"{_told(course)}; {unwritten.message}"
    return Interrupted(problem, text, {**how_far(target, course), **snapshot(rescue)},
                       network.sha256)


def _with(rescue: harness.Rescue) -> str:
    """What the same command needs where a target forgets; a run folder is cleared as it begins."""
    other = "--run to another folder" if rescue.path and rescue.path.name == LEARNED else \
        "--snapshot to another file"
    return f", with --restore {rescue.place} and {other}" + (
        f"; {rescue.problem.message}" if rescue.problem else "")


def snapshot(rescue: harness.Rescue) -> dict[str, str | None]:
    """Where it is, as JSON values."""
    return {"snapshot": str(rescue.place) if rescue.place else None}


def screen(target: str, course: harness.Course, network: QNetwork, statistics: Statistics,
           sent: str, judged: str, after: float | None, values: harness.ValueStream | None
           ) -> list[Any]:
    """Tables for people."""
    from rich.text import Text

    from edge_dassdp.report import lines, screens

    come, sent = letter(target), sent.lstrip("; ")
    parts: list[Any] = [
        screens.learn_screen(target, course.stream, statistics, letter=come, link=sent)
        if values is None else
        screens.learn_values_screen(target, values, statistics, letter=come, link=sent)]
    if by_mean := int(sum(map(network.is_by_mean, course.stream.labels.tolist()))):
        parts.append(Text(f"{by_mean:,} of them made or moved the mean of a class that was taught: "
                          "no weight is written for it, so that they count as skipped above"))
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
