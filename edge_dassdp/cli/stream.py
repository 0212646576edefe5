"""run, learn, verify: samples through a target, wherever it is."""

from __future__ import annotations

import dataclasses
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.files import are_one
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.targets.open import SPECS, open_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.text import Text

    from edge_dassdp import harness
    from edge_dassdp.data.datasets import Part
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.targets.target import Target

Snapshot = Annotated[Path | None, typer.Option(show_default=False, help=(
    "Afterwards write learned weights and learning state to this file.")), Writes.FILE]
Restore = Annotated[Path | None, typer.Option(show_default=False, help=(
    "Before, put back what --snapshot wrote."))]
Reset = Annotated[bool, typer.Option("--reset", help=(
    "Before, return to factory weights (a board keeps what it learned)."))]


def register(app: typer.Typer) -> None:
    for function in (_run, _learn, _verify):
        verb(app, function.__name__.strip("_"))(function)


def _run(
    out: Output,
    model: options.Model,
    data: options.Data,
    target: options.TargetSpec = "emulator",
    split: options.Split = "test",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = None,
    snapshot: Snapshot = None,
    restore: Restore = None,
    reset: Reset = False,
    threads: options.Threads = 1,
    log: options.Log = None,
) -> Answer:
    """Classify samples on a target.

    With --json every sample is one line, the summary the last.
    """
    from rich.text import Text

    network = options.load_model(model)
    part = options.load_part(data, split)
    packed = options.device_samples(network, options.shifted(part, shift_seed, limit))
    y = packed.y
    with open_target(target, network, log=log, n_threads=threads) as device:
        _prepare(device, network, restore, reset)
        found = _classify(out, device, packed.x)
        _save(device, network, snapshot)
        link = _link(device)
    for i, (class_idx, label) in enumerate(zip(found, y, strict=True)):
        out.line(sample=i, class_idx=int(class_idx), label=int(label))
    accuracy = float((found == y).mean()) if network.n_classes > 1 else None
    hint = f"edge-dassdp verify {model} --target {target} --data {data}"
    text = f"{target}: {len(y):,} samples, "
    text += "one output and so no classes" if accuracy is None else \
        f"accuracy {100 * accuracy:.1f} % {_letter(target)}"
    return Answer(
        {"target": target, "n_samples": len(y), "accuracy": accuracy, "scaling": part.scaling,
         "link": link, "clipping": packed.clipped},
        [Text(text + _link_text(link)), *_notes(target, part)], network.sha256, hint,
        warnings=packed.warnings)


def _learn(
    out: Output,
    model: options.Model,
    data: options.Data,
    target: options.TargetSpec = "emulator",
    split: options.Split = "stream",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = None,
    warm_up: Annotated[int, typer.Option(min=0, help=(
        "Give the first samples to DA-SSDP's gate before anything is learned."))] = 0,
    evaluate: Annotated[str | None, typer.Option(metavar="SPLIT", show_default=False, help=(
        "Also classify this split of --data, before and after."))] = None,
    test: Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
        "Also classify these samples, the test split of a file with splits, before and after."))]
    = None,
    idle: Annotated[int, typer.Option(min=0, help=(
        "After the samples, learn again from so many stored ones."))] = 0,
    rollback: Annotated[bool, typer.Option("--rollback", help=(
        "Before, put back the weights that the device keeps a copy of."))] = False,
    save: Annotated[bool, typer.Option("--save", help=(
        "Afterwards let the device keep a copy of its weights."))] = False,
    snapshot: Snapshot = None,
    restore: Restore = None,
    reset: Reset = False,
    log: options.Log = None,
) -> Answer:
    """Learn from labelled samples on a target.

    Each sample is learned once, in order. It is classified first, so the accuracy shown is that
    before its label was seen. With --json every sample is one line, the summary the last.
    """
    from rich.text import Text

    from edge_dassdp.report import screens

    network = options.load_model(model)
    _require_plastic(network)
    part = options.load_part(data, split)
    packed = options.device_samples(network, options.shifted(part, shift_seed, limit))
    x, y = packed.x, packed.y
    _check_warm_up(network, warm_up, len(x))
    judged = _judged(network, data, split, evaluate, test, shift_seed)
    warnings = packed.warnings
    if judged is not None:
        warnings += _overlap(x, judged.x) + [f"samples to judge on: {w}" for w in judged.warnings]
    with open_target(target, network, log=log) as device:
        _prepare(device, network, restore, reset)
        if rollback:
            device.rollback()
        before = None if judged is None else _share(out, device, judged.x, judged.y)
        stream = _learn_stream(out, device, x, y, warm_up)
        n_idle = device.idle(idle) if idle else 0
        after = None if judged is None else _share(out, device, judged.x, judged.y)
        if save:
            device.save()
        statistics, link = device.statistics(), _link(device)
        _save(device, network, snapshot)
    for i, (class_idx, label) in enumerate(zip(stream.predicted, y[warm_up:], strict=True)):
        out.line(sample=i, class_idx=int(class_idx), label=int(label),
                 skipped=bool(stream.is_skipped[i]))
    screen: list[Any] = [screens.learn_screen(target, stream, statistics, letter=_letter(target),
                                             link=_link_text(link).lstrip("; "))]
    if before is not None and after is not None:
        screen.append(Text(f"{test or f'split {evaluate}'}: accuracy before {100 * before:.1f} %, "
                           f"after {100 * after:.1f} % {_letter(target)}"))
    data_out = {"target": target, "n_samples": len(stream.labels),
                "accuracy": float(stream.hits.mean()), "before": before, "after": after,
                "idle_steps": n_idle, "scaling": part.scaling,
                "clipping": packed.clipped,
                "judged_clipping": None if judged is None else judged.clipped,
                "statistics": dataclasses.asdict(statistics), "link": link,
                "snapshot": str(snapshot) if snapshot else None}
    return Answer(data_out, [*screen, *_notes(target, part)], network.sha256,
                  f"edge-dassdp verify {model} --target {target} --data {data} --learn",
                  warnings=warnings)


def _judged(network: QNetwork, data: Path, split: str, evaluate: str | None, test: Path | None,
            shift_seed: int | None) -> options.Packed | None:
    """Samples to classify before and after, which are not those to learn from: else E105."""
    if evaluate is None and test is None:
        return None
    if evaluate is not None and test is not None:
        raise EdgeError("E105", "--evaluate and --test exclude each other")
    part = options.load_part(test or data, evaluate or "test")
    is_same_file = test is None or are_one(test, data)
    if is_same_file and (part.is_whole or evaluate == split or (test and split == "test")):
        raise EdgeError("E105", "the samples to judge on are those to learn from",
                        cause="accuracy on what was just learned says nothing about other samples",
                        help="give others with --test FILE, or name rows of train, stream and test "
                        "in the data and another split than the one learned")
    return options.device_samples(network, options.shifted(part, shift_seed))


def _overlap(learned: NDArray[np.int8], judged: NDArray[np.int8]) -> list[str]:
    """A warning where some samples are judged that were learned from, E105 where all are."""
    seen = {row.tobytes() for row in learned}
    n_same = sum(row.tobytes() in seen for row in judged)
    if n_same == len(judged):
        raise EdgeError("E105", "each sample to judge on is one to learn from",
                        help="give other samples with --test FILE")
    return [f"{n_same:,} of {len(judged):,} samples judged were learned from, so accuracy after "
            "learning is flattered"] if n_same else []


def _check_warm_up(network: QNetwork, warm_up: int, n_samples: int) -> None:
    if warm_up and not any(p.rule and "record" in p.rule.hooks for p in network.plastic):
        raise EdgeError("E105", "--warm-up: no projection has a synchrony rule to warm up")
    if warm_up >= n_samples:
        raise EdgeError("E105", f"--warm-up {warm_up} leaves none of {n_samples} samples to learn")


def _learn_stream(out: Output, device: Target, x: NDArray[np.int8], y: NDArray[np.int64],
                  warm_up: int) -> harness.Stream:
    """The first `warm_up` samples fit the gates, the others are learned."""
    from edge_dassdp import harness

    for sample, label in zip(x[:warm_up], y[:warm_up], strict=True):
        device.warm_up(sample, int(label))
    if warm_up:
        device.fit_gate()
    with out.progress("learning", len(x) - warm_up) as progress:
        return harness.learn_stream(device, x[warm_up:], y[warm_up:], progress)


def _verify(
    out: Output,
    model: options.Model,
    target: Annotated[list[str], typer.Option("--target", "-t", show_default=False, help=(
        f"What to compare with the reference; repeat it. {SPECS}. A board on a serial port is "
        "reset to factory weights first."))],
    data: options.OptionalData = None,
    random: Annotated[int | None, typer.Option(min=1, show_default=False, help=(
        "So many random samples instead of --data, the same every time."))] = None,
    learn: Annotated[bool, typer.Option("--learn", help="Learn from every sample, too.")] = False,
    split: options.Split = "stream",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = 100,
) -> Answer:
    """Compare targets with the reference.

    Per sample: spikes and membranes of every step, logits; with --learn also learned weights and
    learning state. Exit status 1 and the first difference if there is one.
    """
    from edge_dassdp import harness
    from edge_dassdp.report import screens
    from edge_dassdp.targets.reference import ReferenceTarget

    network = options.load_model(model)
    if learn:
        _require_plastic(network)
    packed = _to_compare(network, data, random, split, shift_seed, limit)
    x, y = packed.x, packed.y
    with ExitStack() as stack:
        devices = [stack.enter_context(open_target(spec, network)) for spec in target]
        for device in devices:
            device.reset()
        progress = stack.enter_context(out.progress("comparing", len(x)))
        done = harness.verify(ReferenceTarget(network), devices, network, x, y if learn else None,
                              progress)
    failed = None
    if done.divergence:
        end = str(done.divergence.sample + 1)
        samples = ["--random", end] if data is None else [
            "--data", str(data), "--split", split, "--limit", end]
        command = ["edge-dassdp", "verify", str(model), *samples,
                   *(f"--target={spec}" for spec in target), *(["--learn"] if learn else []),
                   *([f"--shift-seed={shift_seed}"] if shift_seed is not None else []),
                   *out.rules_from]
        failed = EdgeError("E404", str(done.divergence), help=f"replay it: {shlex.join(command)}")
    divergence = dataclasses.asdict(done.divergence) if done.divergence else None
    what = "spikes, membranes and logits" + (", weights and learning state" if learn else "")
    return Answer(
        {"targets": list(done.targets), "samples": done.samples,
         "learning_steps": done.learning_steps, "values_compared": done.values_compared,
         "bit_exact": done.divergence is None, "divergence": divergence,
         "clipping": packed.clipped},
        [screens.verify_screen(done, what)], network.sha256, failed=failed,
        warnings=packed.warnings)


def _to_compare(network: QNetwork, data: Path | None, random: int | None, split: str,
                shift_seed: int | None, limit: int | None) -> options.Packed:
    if (data is None) == (random is None):
        raise EdgeError("E105", "no samples to compare on" if data is None else
                        "--data and --random exclude each other",
                        help="give --data, or --random for so many random samples")
    if data is not None:
        samples = options.load_samples(data, split, shift_seed, limit)
        return options.device_samples(network, samples)
    assert random is not None
    import numpy as np

    from edge_dassdp.data.clipping import Clipping
    from edge_dassdp.qir.samples import random_samples

    return options.Packed(random_samples(network, random), np.arange(random) % network.n_classes,
                          Clipping(0, 0, ()))


def _require_plastic(network: QNetwork) -> None:
    if not network.plastic:
        raise EdgeError("E105", "this model is frozen, nothing in it learns",
                        help="quantize it without --frozen")


def _classify(out: Output, device: Target, x: NDArray[np.int8]) -> NDArray[np.int64]:
    """Classes of x, with progress."""
    with out.progress("classifying", len(x)) as progress:
        return device.classify(x, progress)


def _share(out: Output, device: Target, x: NDArray[np.int8], y: NDArray[np.int64]) -> float:
    """Accuracy, 0 to 1."""
    return float((_classify(out, device, x) == y).mean())


def _prepare(device: Target, network: QNetwork, restore: Path | None, reset: bool) -> None:
    if reset:
        device.reset()
    if restore:
        from edge_dassdp import harness

        harness.load_snapshot(device, network, restore)


def _save(device: Target, network: QNetwork, snapshot: Path | None) -> None:
    if snapshot:
        from edge_dassdp import harness

        harness.save_snapshot(device, network, snapshot)


def _link(device: Target) -> dict[str, int] | None:
    frames, repeated = device.link_frames, device.link_retries
    return None if frames is None else {"frames": frames, "repeated": repeated or 0}


def _link_text(link: dict[str, int] | None) -> str:
    return f"; link: {link['frames']:,} frames, {link['repeated']:,} repeated" if link else ""


def _letter(target: str) -> str:
    """Where a figure of this target comes from."""
    return "M" if target.startswith("serial") else "E"


def _notes(target: str, part: Part) -> list[Text]:
    """Without a board the emulator runs, and says so; samples that a file scales are told."""
    from rich.text import Text

    is_board = target.startswith(("serial", "qemu"))
    notes = ["" if is_board else f"on the {target}: the same bits as a board", part.scaling]
    return [Text(note, "dim") for note in notes if note]
