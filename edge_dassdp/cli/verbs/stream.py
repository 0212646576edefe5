"""run, profile, verify: samples through a target, wherever it is."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quoting import command
from edge_dassdp.cli import options, valued
from edge_dassdp.cli.device import (
    Learned,
    classify,
    drift,
    from_factory,
    is_board,
    letter,
    link,
    link_text,
    named,
    notes,
    require_plastic,
    taught_on,
)
from edge_dassdp.cli.device import allow_profile as allow
from edge_dassdp.cli.frames import decide
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.targets.open import SPECS, has_link, open_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from edge_dassdp.data.datasets import Part
    from edge_dassdp.qir import QNetwork


_N_RASTER = 4
"""Samples of a comparison whose spikes a run folder keeps."""


def register(app: typer.Typer) -> None:
    for function in (_run, _profile, _verify):
        verb(app, function.__name__.strip("_"), runs=True)(function)


def _run(
    out: Output,
    model: options.Model,
    data: options.Data,
    target: options.TargetSpec = "emulator",
    split: options.Split = "test",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = None,
    threads: options.Threads = 1,
    log: options.Log = None,
    lock: options.Lock = None,
    *,
    allow_profile: options.AllowProfile = False,
    hop: Annotated[int | None, typer.Option("--hop", show_default=False, help=(
        "Push the samples frame by frame, as one stream without end, and decide every so many "
        "frames over the last of them, as many as a sample has. For models quantized with --hop."))]
    = None,
    learned: Learned,
) -> Answer:
    """Classify samples on a target, or read its values.

    With --json every sample is one line, or with --hop every decision, the summary the last.
    """
    from rich.text import Text

    from edge_dassdp import harness
    from edge_dassdp.figures.numbering import misnumbered
    from edge_dassdp.harness.classes import agreed

    network = options.load_model(model)
    taught = taught_on(network, target, learned, lock)
    part, = agreed(network, options.load_part(data, split), taught=taught)
    packed = options.device_samples(network, options.shifted(part, shift_seed, limit))
    y = packed.y
    with learned.rescue(network) as rescue, \
            open_target(target, network, log=out.link_log(target, log), n_threads=threads,
                        lock=lock) as device:
        warnings = [*packed.warnings, *learned.hold(device, network)]
        learned.put_back(device, network)
        out.warn(*warnings)
        allow(device, network, allow_profile)
        found: Any = y[:0]
        decided = None if hop is None else decide(out, device, network, packed, hop)
        if network.values is not None and not decided:
            found = valued.predict(out, device, network, packed, valued.tell(out, packed))
        elif not decided:
            found = classify(out, device, packed.x,
                             lambda i, classes: _tell(out, network, taught, i, classes, y),
                             looks=network.watches and not device.is_read_only)
        report = harness.drift_of(device, network)
        digest = harness.digest_text(device.statistics().learned_digest)
        rescue.write(device)
        sent = link(device)
    has_classes = network.n_classes > 1 and network.values is None
    errors = None if network.values is None else valued.of(network, found, packed.targets)
    out.warn(*harness.drift_warning(report), *(misnumbered(
        found, y, network.n_known, network.class_names, data)
        if has_classes and not decided and not taught else []))
    if decided:
        return Answer(
            {"target": target, "hop": hop, "n_samples": len(y), **decided.report,
             "digest": digest, "link": sent, "clipping": packed.clipped},
            [Text(f"{target}: {decided}" + link_text(sent)), *notes(target, part)],
            network.sha256, failed=rescue.problem)
    accuracy = float((found == y).mean()) if has_classes else None
    hint: options.Words = [] if taught else [  # it begins with the classes of the training
        "edge-dassdp", "verify", model, "--target", target,
        *options.same_samples(data, split, shift_seed, limit), *options.words(lock=lock)]
    text = f"{target}: {len(y):,} samples, "
    if errors is not None:
        text += f"{errors} {letter(target)}"
    else:
        text += "one output and so no classes" if accuracy is None else \
            f"accuracy {100 * accuracy:.1f} % {letter(target)}"
    return Answer(
        {"target": target, "n_samples": len(y), "accuracy": accuracy, "scaling": part.scaling,
         "classes": list(part.samples.classes), "digest": digest, "link": sent,
         "clipping": packed.clipped, "drift": drift(report),
         "errors": None if errors is None else errors.values,
         "snapshot": str(rescue.place) if rescue.place else None},
        [Text(text + link_text(sent)), *([Text(harness.drift_text(report))] if report else []),
         *notes(target, part)], network.sha256, hint, failed=rescue.problem)


def _profile(
    out: Output,
    model: options.Model,
    data: options.OptionalData = None,
    target: options.TargetSpec = "emulator",
    split: options.Split = "stream",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = None,
    select: Annotated[str | None, typer.Option(metavar="NAME", show_default=False, help=(
        "Use the factory profile, or the stored one: factory, orientation, channels or both."))]
    = None,
    log: options.Log = None,
    lock: options.Lock = None,
    *,
    learned: Learned,
) -> Answer:
    """Find out how a sensor is worn.

    With --data the device fits a profile of its sensor from these labelled samples, 2 of each class
    will do, and uses it where more of them are classified rightly than with the factory's. No
    weight changes. Without --data and --select it is shown which profile is in use.
    """
    from rich.text import Text

    from edge_dassdp import harness
    from edge_dassdp.harness.classes import agreed
    from edge_dassdp.harness.worn import report

    network = options.load_model(model)
    if data is not None and select is not None:
        raise EdgeError("E105", "--data and --select exclude each other")
    part = None if data is None else agreed(
        network, options.load_part(data, split),
        taught=taught_on(network, target, learned, lock))[0]
    packed = None if part is None else options.device_samples(
        network, options.shifted(part, shift_seed, limit))
    with learned.rescue(network) as rescue, \
            open_target(target, network, log=out.link_log(target, log), lock=lock) as device:
        if packed is not None or select is not None:
            device.require_key("profile")
        out.warn(*learned.hold(device, network))
        learned.put_back(device, network)
        if select is not None:
            harness.Device(network, device).select_profile(select)
        fitted = None if packed is None else harness.fit_profile(device, network, packed.x,
                                                                 packed.y)
        found = harness.profiles_of(device, network)
        digest = harness.digest_text(device.statistics().learned_digest)
        rescue.write(device)
    out.warn(*[harness.FOREIGN] * found.is_foreign)
    is_lost = fitted is not None and fitted.chosen.name != "factory" \
        and not is_board(target) and rescue.place is None
    return Answer(
        {"target": target, **report(found), "fitted": fitted and fitted.report, "digest": digest,
         "snapshot": str(rescue.place) if rescue.place else None},
        [Text(str(fitted or found)),
         *[Text(f"the {target.partition(':')[0]} forgets it as this command ends: --snapshot FILE "
                "keeps it, --restore FILE puts it back, on a board, too", "dim")] * is_lost,
          *(Text(n, "dim") for n in (part.notes if part else ()))],
        network.sha256,
        [] if data is None else _next_of_profile(
            [model, "--target", target, "--data", data, *options.words(lock=lock)],
            options.words(split=split, limit=limit), options.words(shift_seed=shift_seed),
            None if is_board(target) else rescue.place, learned, is_lost),
        failed=rescue.problem)


def _next_of_profile(place: options.Words, samples: options.Words, shift: options.Words,
                     kept: Path | None, learned: Learned, is_lost: bool) -> options.Words:
    """What runs under the profile in use; where nothing keeps it the same again, and kept. place:
    model, target and data."""
    if is_lost:
        restored = options.words(restore=learned.restore)
        file = Path(f"{Path(place[0]).name.partition('.')[0]}.worn.state")
        return ["edge-dassdp", "profile", *place, *samples, *shift, *restored, "--snapshot", file]
    return ["edge-dassdp", "run", *place, *shift, *options.words(restore=kept)]


def _tell(out: Output, network: QNetwork, taught: Mapping[str, int], first: int,
          classes: NDArray[np.int64], y: NDArray[np.int64]) -> None:
    """A line for every sample."""
    for i, class_idx in enumerate(classes, first):
        out.line(sample=i, class_idx=int(class_idx), label=int(y[i]),
                 **named(network, class_idx, y[i], taught))


def _verify(
    out: Output,
    model: options.Model,
    target: Annotated[list[str], typer.Option("--target", "-t", show_default=False, help=(
        f"What to compare with the reference; repeat it. {SPECS}. All begin with factory weights; "
        "a board on a serial port then gets back what it had learned."))],
    data: options.OptionalData = None,
    random: Annotated[int | None, typer.Option(min=1, show_default=False, help=(
        "So many random samples instead of --data, the same every time."))] = None,
    learn: Annotated[bool, typer.Option("--learn", help="Learn from every sample, too.")] = False,
    split: options.Split = "stream",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = 100,
    reset: Annotated[bool, typer.Option("--reset", help=(
        "Leave a board as the comparison leaves it: what it had learned is gone."))] = False,
    lock: options.Lock = None,
) -> Answer:
    """Compare targets with the reference.

    Per sample: spikes and membranes of every step, logits; with --learn also learned weights and
    learning state. Exit status 1 and the first difference if there is one.
    """
    from rich.text import Text

    from edge_dassdp import harness
    from edge_dassdp.harness.classes import agreed
    from edge_dassdp.report import screens
    from edge_dassdp.runs.raster import rasters
    from edge_dassdp.targets.reference import ReferenceTarget

    network = options.load_model(model)
    if learn:
        require_plastic(network)
    part = agreed(network, options.load_part(data, split))[0] if data else None
    packed = _to_compare(network, part, random, shift_seed, limit)
    x, y = packed.x, packed.y
    with ExitStack() as stack:
        can_lock = has_link if any(map(has_link, target)) else (lambda _: True)  # or it refuses
        devices = [stack.enter_context(open_target(
            spec, network, log=out.link_log(spec), lock=lock if can_lock(spec) else None))
            for spec in target]
        out.warn(*packed.warnings, *(text for device in devices
                                     for text in from_factory(stack, device, network, reset)))
        progress = stack.enter_context(out.progress("comparing", len(x)))
        reference = ReferenceTarget(network)
        done = harness.verify(reference, devices, network, x, y if learn else None,
                              progress)
        if out.run is not None:
            out.run.raster(rasters([reference, *devices], network, x[:_N_RASTER]))
    failed = None
    if done.divergence:
        end = done.divergence.sample + 1
        samples = options.words(random=end) if data is None else \
            options.same_samples(data, split, shift_seed, end)
        replay = command("edge-dassdp", "verify", model, *samples,
                         *(f"--target={spec}" for spec in target), *options.words(lock=lock),
                         *["--learn"] * learn, *out.rules_from)
        failed = EdgeError("E404", str(done.divergence), help=f"replay it: {replay}")
    divergence = dataclasses.asdict(done.divergence) if done.divergence else None
    what = "spikes, membranes and logits" + (", weights and learning state" if learn else "")
    return Answer(
        {"targets": list(done.targets), "samples": done.samples,
         "learning_steps": done.learning_steps, "values_compared": done.values_compared,
         "bit_exact": done.divergence is None, "divergence": divergence,
         "scaling": part.scaling if part else "",
         "classes": list(part.samples.classes) if part else [], "clipping": packed.clipped},
        [screens.verify_screen(done, what),
         *(Text(note, "dim") for note in (part.notes if part else ()))],
        network.sha256, failed=failed)


def _to_compare(network: QNetwork, part: Part | None, random: int | None,
                shift_seed: int | None, limit: int | None) -> options.Packed:
    if (part is None) == (random is None):
        raise EdgeError("E105", "no samples to compare on" if part is None else
                        "--data and --random exclude each other",
                        help="give --data, or --random for so many random samples")
    if part is not None:
        return options.device_samples(network, options.shifted(part, shift_seed, limit))
    assert random is not None
    import numpy as np

    from edge_dassdp.data.clipping import Clipping
    from edge_dassdp.qir.samples import random_samples

    return options.Packed(random_samples(network, random), np.arange(random) % network.n_known,
                          Clipping(0, 0, ()))
