"""learn: labelled samples through a target that learns from each, and what came of it."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options, told, valued
from edge_dassdp.cli.device import (
    Learned,
    allow_profile,
    classify,
    drift,
    is_board,
    link,
    link_text,
    notes,
    require_plastic,
    taught_on,
)
from edge_dassdp.cli.judging import Given, Judging
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.runs.folder import LEARNED
from edge_dassdp.targets.open import open_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_dassdp import harness
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.targets.target import Target


def register(app: typer.Typer) -> None:
    verb(app, "learn", runs=True)(_learn)


@dataclasses.dataclass(frozen=True)
class Order:
    """What is done around the stream."""

    warm_up: Annotated[int, typer.Option(min=0, help=(
        "Give the first samples to DA-SSDP's dopamine gate before anything is learned."))] = 0
    fit_profile: Annotated[int, typer.Option(min=0, help=(
        "Before, let the device find out from the first samples, labels and all, how its sensor is "
        "worn; of a model quantized with --sensor."))] = 0
    allow_profile: options.AllowProfile = False
    new_class: Annotated[str | None, typer.Option(metavar="NAME", show_default=False, help=(
        "Teach a class that the network was not trained on: samples that --data calls so. It "
        "takes a spare class, of a model quantized with --spare-classes. Samples that come later "
        "need it no more: --data names the class; without a board give --restore."))] = None
    idle: Annotated[int, typer.Option(min=0, help=(
        "After the samples, learn again from so many stored ones."))] = 0
    rollback: Annotated[bool, typer.Option("--rollback", help=(
        "Before, put back the weights that the device keeps a copy of."))] = False
    save: Annotated[bool, typer.Option("--save", help=(
        "Afterwards let the device keep a copy of its weights."))] = False
    lessons: Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
        "Write down every lesson as it is given, JSON lines, by which `prove` shows what was "
        "learned from what.")), Writes.FILE] = None
    save_every: options.SaveEvery = 0
    resume: Annotated[bool, typer.Option("--resume", help=(
        "Take up the stream where it was lost or interrupted: the same command once more. What "
        "comes before the stream is not repeated, but --restore where the device needs it."))
    ] = False

    def check(self, network: QNetwork, n_samples: int) -> None:
        """Before anything runs. Raises EdgeError E105 and E503 for what cannot be done."""
        from edge_dassdp.reference.asked import require_copy, require_replay

        _check_warm_up(network, self.warm_up, n_samples)
        _check_profile(network, self.fit_profile, n_samples)
        if self.rollback or self.save:
            require_copy(network)
        if self.idle:
            require_replay(network)

    def taught(self, network: QNetwork, before: dict[str, int]) -> dict[str, int]:
        """Classes that were taught once the stream begins, index by name. before: those there are.
        Raises EdgeError E105, E503 where the new one cannot be."""
        from edge_dassdp.reference.classes import class_idx_of, require_spares

        if self.new_class is None:
            return before
        if self.rollback:
            raise EdgeError("E105", "--new-class and --rollback exclude each other", cause="with "
                            "the weights the classes go back to those of the copy, and what was "
                            f"taught of '{self.new_class}' since would be lost",
                            help="learn with --rollback first, then again with --new-class")
        require_spares(network)
        if self.new_class in before:
            return before
        return before | {self.new_class: class_idx_of(network, before, self.new_class)}

    def check_new(self, network: QNetwork, taught: dict[str, int], given: Given) -> list[str]:
        """A warning where old classes are forgotten. Raises EdgeError E104 for the number of a
        class that was taught and is not named, E105 without a sample of the new class."""
        from edge_dassdp.harness.classes import FORGETS, forgets, require_named

        if given.has_numbers:
            require_named({name: k for name, k in taught.items() if name != self.new_class},
                          given.learned.y, given.part.samples.origin)
        if self.new_class is None:
            return []
        if not (given.learned.y == taught[self.new_class]).any():
            has_numbers = network.class_names is None or network.class_names.is_stated
            raise EdgeError("E105", f"no sample to learn from is of class '{self.new_class}'",
                            help=f"write '{self.new_class}' in the column of classes of the samples"
                            " that are of it"
                            + f", or its number, {taught[self.new_class]}" * has_numbers)
        return [FORGETS] * forgets(network)

    def forgotten(self, target: str) -> list[str]:
        """A warning where what is asked for is kept by boards alone."""
        if is_board(target):
            return []
        where = target.partition(":")[0]
        return [f"--rollback: the {where} was just begun and keeps no copy yet, so factory weights "
                "are put back; a board keeps its copy until it restarts"] * self.rollback + [
                f"--save: the {where} forgets its copy as this command ends; --snapshot FILE keeps "
                "what was learned"] * self.save

    def begin(self, out: Output, course: harness.Course, judged: options.Packed | None,
              judged_in: Path, learned: Learned, network: QNetwork, log: ExitStack) -> list[str]:
        """What comes before the stream; warnings. log: that of lessons is closed with it."""
        from edge_dassdp.learned.watched import watch
        from edge_dassdp.targets.learning import taught_in

        device = course.device
        warnings = learned.hold(device, network)
        if self.resume:
            course.take_up((lambda: learned.put_back(device, network)) if learned.restore else None)
            self._log_on(log, course, network)
            return warnings
        learned.put_back(device, network)
        if self.lessons:
            log.enter_context(watch(device, network, self.lessons))
        if self.new_class and self.new_class not in taught_in(network, device.read_learning()):
            device.new_class(self.new_class)
        if self.rollback:
            device.rollback()
        before, other_order = _before(out, device, judged, judged_in, network)
        self.fit(course, network)
        allow_profile(device, network, self.allow_profile)
        with course.kept():
            course.begin(before)
        return warnings + other_order + _foreign(device, network)

    def _log_on(self, log: ExitStack, course: harness.Course, network: QNetwork) -> None:
        """The log of a stream that is taken up."""
        from edge_dassdp.learned.log import Event
        from edge_dassdp.learned.watched import watch_on

        if self.lessons is None:
            return
        i, lost = course.n_warm + course.first - 1, None
        if course.first:
            lost = Event("learn", course.x[i].tobytes(), int(course.labels[i]))
        log.enter_context(watch_on(course.device, network, self.lessons, lost))

    def fit(self, course: harness.Course, network: QNetwork) -> None:
        """How the sensor is worn."""
        from edge_dassdp import harness

        if self.fit_profile:
            course.profile = harness.fit_profile(
                course.device, network, course.x[: self.fit_profile],
                course.labels[: self.fit_profile])

    def teach(self, out: Output, course: harness.Course, given: Given, network: QNetwork,
              taught: dict[str, int]) -> dict[str, Any]:
        """The stream and what comes after it, as JSON values."""
        with told.watched(out, course, network, taught, given.learned.targets) as progress:
            course.learn(lambda i, piece: told.tell(
                out, network, taught, i, piece, progress,
                valued.stream_of(network, piece, given.learned, course.n_warm + i)))
        n_idle = course.idle(self.idle) if self.idle else 0
        after = _judged(out, "after", course.device, given.judged, network)[0]
        if self.save:
            course.device.save()
        figures = course.progress.before, after
        shares, errors = ((None, None), figures) if network.values else (figures, (None, None))
        return {"before": shares[0], "after": shares[1], "before_nrmse": errors[0],
                "after_nrmse": errors[1], "idle_steps": n_idle}


def _learn(
    out: Output,
    model: options.Model,
    data: options.Data,
    target: options.TargetSpec = "emulator",
    split: options.Split = "stream",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = None,
    log: options.Log = None,
    lock: options.Lock = None,
    *,
    order: Order,
    judging: Judging,
    learned: Learned,
) -> Answer:
    """Learn from labelled samples on a target.

    Each sample is learned once, in order. It is classified first, so the accuracy shown is that
    before its label was seen; of values the errors shown are those before targets were seen.
    With --json every sample is one line, the summary the last.
    """
    from edge_dassdp import harness

    network = options.load_model(model)
    require_plastic(network)
    if learned.snapshot is None:
        learned = dataclasses.replace(learned, snapshot=out.place(LEARNED))
    taught = order.taught(network, taught_on(network, target, learned, lock))
    given = Given.of(network, judging, data, split, shift_seed, limit, taught)
    order.check(network, len(given.learned.x))
    warnings = [*given.warnings(network), *order.forgotten(target),
                *order.check_new(network, taught, given)]
    if given.judged is None and not order.resume and network.values is None and not taught:
        warnings += _of_stream(given.learned, network, data)
    with learned.rescue(network) as rescue, \
            open_target(target, network, log=out.link_log(target, log),
                        save_every=order.save_every, lock=lock) as device, \
            ExitStack() as lessons:
        device.require_key("learn")
        course = _course(device, network, target, given.learned, order, learned)
        warnings += order.begin(out, course, given.judged, judging.test or data, learned, network,
                                lessons)
        warnings += (unkept := _unkept(course))
        out.warn(*warnings)
        try:
            with course.kept():
                rescue.begins(device)
                found = order.teach(out, course, given, network, taught)
                statistics, sent = device.statistics(), link(device)
                report = harness.drift_of(device, network)
                rescue.write(device)
        except EdgeError as problem:
            return told.lost(target, course, problem, network, rescue)
        except KeyboardInterrupt as problem:
            raise told.interrupted(problem, target, course, network, rescue) from None
        course.done()
    told.curves(out, target, course, network)
    if not unkept:
        out.warn(*_unkept(course))
    out.warn(*told.unsaved(course.stream))
    out.warn(*harness.drift_warning(report))
    stream = valued.stream_of(network, course.stream, given.learned, course.n_warm + course.first)
    data_out = {**told.how_far(target, course), **found, **given.values,
                **({"accuracy": None, "errors": stream.errors.values} if stream else {}),
                "digest": harness.digest_text(statistics.learned_digest),
                "profile": course.profile and course.profile.report,
                "statistics": dataclasses.asdict(statistics),
                "drift": drift(report), "gate": told.gate(network, course.stream, statistics),
                **told.snapshot(rescue),
                "lessons": str(order.lessons) if order.lessons else None, "taught": taught,
                "n_saves": device.in_flash.n_saves}
    screen = told.screen(target, course, network, statistics, link_text(sent), judging.title,
                         found["after"] if stream is None else found["after_nrmse"], stream)
    screen += [harness.drift_text(report)] if report else []
    screen += told.in_flash(device, target, model, lock)
    return Answer(data_out, [*screen, *notes(target, given.part)], network.sha256,
                  ["edge-dassdp", "verify", model, "--target", target,
                   *options.same_samples(data, split, shift_seed, limit), "--learn",
                   *options.words(lock=lock)] if given.is_alone and not taught else [],
                  failed=rescue.problem)


def _judged(out: Output, when: str, device: Target, judged: options.Packed | None,
            network: QNetwork) -> tuple[float | None, NDArray[np.int64] | None]:
    """Accuracy, 0 to 1, and classes, which a run folder keeps; of values NRMSE, None where their
    targets do not differ, and no classes."""
    if judged is None:
        return None, None
    if network.values is not None:
        return valued.errors(out, device, network, judged).mean_nrmse, None
    found = classify(out, device, judged.x)
    if out.run is not None:
        out.run.judged(when, found, judged.y)
    return float((found == judged.y).mean()), found


def _before(out: Output, device: Target, judged: options.Packed | None, file: Path,
            network: QNetwork) -> tuple[float | None, list[str]]:
    """Accuracy, 0 to 1, and a warning where labels of a file count otherwise than the outputs."""
    figure, found = _judged(out, "before", device, judged, network)
    if judged is None or found is None:
        return figure, []
    from edge_dassdp.figures.numbering import misnumbered

    return figure, list(
        () if network.spare_classes else
        misnumbered(found, judged.y, network.n_classes, network.class_names, file))


def _of_stream(packed: options.Packed, network: QNetwork, file: Path) -> list[str]:
    """The same warning of a stream that nothing is judged beside, by factory weights on this host:
    the device's own soon learn another order."""
    from edge_dassdp.figures.numbering import misnumbered_by

    return misnumbered_by(network, packed.x, packed.y, file)


def _course(device: Target, network: QNetwork, target: str, packed: options.Packed, order: Order,
            learned: Learned) -> harness.Course:
    """Progress is kept where what was learned outlives this process."""
    from edge_dassdp import harness

    outlives = is_board(target) or learned.snapshot is not None or order.resume
    memory = getattr(device, "memory", None)
    place = target if memory is None else memory.name
    key = (network.sha256.encode(), place.encode(), b"%d" % order.warm_up,
           packed.x.tobytes(), packed.y.tobytes())
    course = harness.Course(device, packed.x, packed.y, order.warm_up,
                            looks=network.watches)
    if outlives:
        try:
            course.file = harness.progress_path(key)
        except EdgeError as problem:
            if order.resume:
                raise
            course.unkept = problem
    return course


def _unkept(course: harness.Course) -> list[str]:
    """A warning, where progress is not kept."""
    if course.unkept is None:
        return []
    return ["progress is not kept, so --resume cannot take this stream up: "
            f"{course.unkept.message}; {course.unkept.help}"]


def _check_warm_up(network: QNetwork, warm_up: int, n_samples: int) -> None:
    if warm_up and not any(p.rule and "record" in p.rule.hooks for p in network.plastic):
        raise EdgeError("E105", "--warm-up: no projection has a synchrony rule to warm up")
    if warm_up >= n_samples:
        raise EdgeError("E105", f"--warm-up {warm_up} leaves none of {n_samples} samples to learn")


def _check_profile(network: QNetwork, n_fitted: int, n_samples: int) -> None:
    if not n_fitted:
        return
    from edge_dassdp.reference.asked import require_fits

    require_fits(network)
    if n_fitted > n_samples:
        raise EdgeError("E105", f"--fit-profile {n_fitted}, but there are {n_samples} samples")


def _foreign(device: Target, network: QNetwork) -> list[str]:
    """A warning where weights were learned under another profile of the sensor."""
    if network.sensor is None:
        return []
    from edge_dassdp import harness

    return [harness.FOREIGN] * harness.profiles_of(device, network).is_foreign
