"""tune: constants of learning, chosen on training or validation samples."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.learning import is_auto
from edge_dassdp.cli.lessons import Lessons, filling
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes, refuse_unwritable
from edge_dassdp.cli.precision import Precision
from edge_dassdp.storage.files import are_one

if TYPE_CHECKING:
    from edge_dassdp.data.datasets import Part, Samples
    from edge_dassdp.data.labels import ClassNames
    from edge_dassdp.ir import Network
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.quantize.settings import Settings
    from edge_dassdp.rules import Learning
    from edge_dassdp.tuning.search import Found, Trial
    from edge_dassdp.tuning.tasks import Tasks

MOST_SHIFTS = 20


def register(app: typer.Typer) -> None:
    verb(app, "tune", runs=True)(_tune)


@dataclasses.dataclass(frozen=True)
class Trying:
    """On what constants are tried, and how often."""

    validation: Annotated[Path | None, typer.Option(metavar="FILE", show_default=False, help=(
        "Samples under the shift that the device will meet: split validation or stream of a file "
        "with splits, or all of one without. Without it split validation of --data is taken, or "
        "else samples held out of those to train on."))] = None
    shift: Annotated[str | None, typer.Option(metavar="worn|none", show_default=False, help=(
        "worn: the samples reach the network through worn sensors; none: as they stand. By itself "
        "none with --validation, else worn."))] = None
    shifts: Annotated[int, typer.Option(min=1, max=MOST_SHIFTS, help=(
        "How many worn sensors each trial learns."))] = 3
    trials: Annotated[int, typer.Option(min=1, max=1000, help=(
        "Sets of constants to try at most."))] = 40

    @property
    def is_worn(self) -> bool:
        if self.shift not in (None, "worn", "none"):
            raise EdgeError("E105", f"--shift {self.shift}", help="choose worn or none")
        return self.validation is None if self.shift is None else self.shift == "worn"

    def tasks(self, network: Network, data: Path, names: ClassNames | None
              ) -> tuple[Tasks, Part, list[str]]:
        """What to try on, the part that was trained on, and warnings. names: of the classes, where
        they are given."""
        from edge_dassdp.data.datasets import agreed
        from edge_dassdp.harness import sample_rows
        from edge_dassdp.tuning.tasks import tasks

        train, *others = agreed(names, network.n_classes, *filter(None, self._parts(data)))
        validation = others[0] if others else None
        for part in (train, *others):
            options.require_width(network, part.samples)
            sample_rows(network.inputs, part.samples.x)
        given = None if validation is None else validation.samples
        if given is None and self.shift == "none":
            raise EdgeError("E105", "--shift none leaves nothing to adapt to", cause="there are no "
                            "validation samples, and the network knows those it was trained on",
                            help="give samples under a shift with --validation")
        warnings = [] if validation is None else [*train.apart(validation),
                                                  *_seen(train.samples, validation.samples)]
        return (tasks(network, train.samples, given, n_shifts=self.shifts, is_worn=self.is_worn),
                train, warnings)

    def _parts(self, data: Path) -> tuple[Part, Part | None]:
        from edge_dassdp.data.datasets import WHOLE, load_parts
        from edge_dassdp.data.names import VALIDATION

        train = options.load_part(data, "train")
        if self.validation is None:
            return train, None if train.is_whole else load_parts(data).get(VALIDATION)
        if are_one(self.validation, data) and train.is_whole:
            raise EdgeError("E105", "the validation samples are those that were trained on",
                            help="give others with --validation, or leave it out: some are held "
                            "out then")
        parts = load_parts(self.validation)
        for name in (WHOLE, VALIDATION, "stream"):
            if name in parts:
                return train, parts[name]
        raise EdgeError("E105", f"{self.validation} has neither split '{VALIDATION}' nor 'stream'",
                        cause=f"it has {', '.join(parts)}; constants are not chosen on test "
                        "samples", help="name rows of one of them")


def _seen(train: Samples, validation: Samples) -> list[str]:
    """A warning where validation samples are among those trained on; E105 where all are."""
    from edge_dassdp.base.numbers import n_among

    n_same = n_among(validation.x, train.x)
    if n_same == len(validation):
        raise EdgeError("E105", "each validation sample is one that was trained on",
                        help="give others, or leave --validation out: some are held out then")
    return [f"{n_same:,} of {len(validation):,} validation samples were trained on"] \
        if n_same else []


def _tune(
    out: Output,
    file: options.ModelFile,
    data: options.Data,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE.toml",
                                                show_default=False, help=(
        "Where to write the constants; by itself MODEL.toml, here.")), Writes.FILE] = None,
    classes: options.Classes = None,
    *,
    trying: Trying,
    lessons: Lessons,
    precision: Precision,
    origin: options.Source,
) -> Answer:
    """Choose constants of learning, and write them for `quantize --rules`.

    Each trial is quantized, learns a stream in the emulator, and is judged on other samples, two
    parts under the shift and one without. It begins with what `quantize` would take, or with what
    --rules and its like say, and changes one constant after another. The test split is never read.
    """
    from edge_dassdp.tuning.search import search

    written = output or Path(f"{file.stem}.toml")
    _refuse_place(written, output is None, [file, data, trying.validation, lessons.rules])
    network = origin.load(file)
    settings = precision.of(network, data)
    stated = options.names_of(classes, network.n_classes)
    given, train, warnings = trying.tasks(network, data, stated)
    doubts, lost = _of_training(network, settings, train)
    start = _start(lessons, network, settings, given)
    out.warn(*doubts, *lost)
    with out.progress("trying", trying.trials) as progress:
        found = search(network, start, settings, given, most=trying.trials,
                       told=progress, holds=_holds(lessons.board))
    chosen = found.chosen
    comments = _comments(file, data, trying, chosen)
    chosen.learning.save(written, comments)
    answer = _answer(written, found, given, train, lessons.is_default)
    answer.data["learning"] = chosen.learning.toml(comments)
    answer.warnings = [*warnings, *([] if doubts else _no_shift(chosen))]
    answer.next = ["edge-dassdp", "quantize", file, *origin.words, *options.words_of(precision),
                   *options.words(rules=written, data=data, classes=classes, board=lessons.board),
                   "-o", Path(f"{file.stem}.q.npz")]
    return answer


def _of_training(network: Network, settings: Settings, train: Part
                 ) -> tuple[list[str], list[str]]:
    """Warnings of training samples that the network does not know, and of those whose labels leave
    classes out, or whose values are in other units."""
    from edge_dassdp.data.clipping import clipping
    from edge_dassdp.data.labels import ClassNames
    from edge_dassdp.figures.numbering import unknown, untrained
    from edge_dassdp.quantize import quantize

    x, y, names = train.samples.x, train.samples.y, train.samples.classes
    model = quantize(network, None, settings, x, y, ClassNames(names) if names else None).network
    lost = clipping(model.inputs, model.x_scales, x).warning
    return unknown(network, model, x, y), [
        *untrained(y, model.n_classes, model.class_names), *([lost] if lost else [])]


def _start(lessons: Lessons, network: Network, settings: Settings, given: Tasks) -> Learning:
    """What the search begins with."""
    if lessons.plastic_biases:
        raise EdgeError("E105", "--plastic-biases is not tuned: biases learn as their weights do",
                        help="give it to quantize, beside --rules")
    start = lessons.of(network, settings, given.whole).learning
    if start is None:
        raise EdgeError("E105", "--frozen leaves nothing to tune", help="leave it out")
    if start.replay and is_auto(lessons.replay):
        return filling(network, start, settings, given.whole, lessons.board)
    return start


def _refuse_place(path: Path, is_default: bool, read: list[Path | None]) -> None:
    """Before anything is tried. A default name takes the place of constants alone."""
    refuse_unwritable({"output": Writes.FILE},
                      {"output": path, "read": [p for p in read if p is not None]})
    if is_default and path.exists():
        from edge_dassdp.rules import Learning

        with suppress(EdgeError):
            Learning.load(path)
            return
        raise EdgeError("E105", f"{path} is there, and holds something else",
                        help="name a file with --output")


def _holds(board: str | None) -> Any:
    """None without a board; else a function that refuses what the board does not hold."""
    if board is None:
        return None
    from edge_dassdp.build.board import load_board
    from edge_dassdp.plan import Plan
    from edge_dassdp.plan.ledger import ram_ledger

    chosen = load_board(board)

    def check(model: QNetwork) -> None:
        ram_ledger(Plan.of(model), chosen)

    return check


def _comments(file: Path, data: Path, trying: Trying, chosen: Trial) -> list[str]:
    names = [file.name, data.name, *([trying.validation.name] if trying.validation else [])]
    return [f"edge-dassdp tune: {', '.join(names)}",
            f"under the shift {100 * chosen.frozen:.1f} % frozen, {100 * chosen.after:.1f} % "
            f"learned; without it {100 * chosen.original_frozen:.1f} %, "
            f"{100 * chosen.original:.1f} %"]


def _no_shift(chosen: Trial) -> list[str]:
    """A warning where there was hardly anything to adapt to."""
    if chosen.frozen < chosen.original_frozen - 0.02:
        return []
    return [f"the frozen network is right in {100 * chosen.frozen:.1f} % of the samples to judge "
            "by, as without a shift: constants were chosen on hardly any shift; give samples "
            "under one with --validation, or --shift worn"]


def _answer(written: Path, found: Found, given: Tasks, train: Part, is_default: bool) -> Answer:
    from rich.text import Text

    from edge_dassdp.report import lines, screens
    from edge_dassdp.report.trials import trials_screen

    chosen, n_judged = found.chosen, len(given.shifted[0].judged)
    start = lines.learning_text(found.trials[0].learning)
    head = "\n".join([*given.told, *train.notes,
                      f"row 1, {'the default of quantize' if is_default else 'as given'}: {start}"])
    foot = (f"{written}: trial {found.best + 1}, "
            f"{100 * chosen.frozen:.1f} → {100 * chosen.after:.1f} % under the shift; one sample "
            f"is {100 / (n_judged * len(given.shifted)):.2g} points there, smaller differences are "
            "chance")
    return Answer(
        {"output": str(written), "chosen": found.best, "scaling": train.scaling,
         "classes": list(train.samples.classes), "told": list(given.told),
         "n_shifts": len(given.shifted), "n_stream": len(given.shifted[0].stream),
         "n_judged": n_judged, "n_original": len(given.original),
         "trials": [_trial(t) for t in found.trials]},
        [Text(head, "dim"), trials_screen(found), Text(foot), Text(screens.LETTERS, "dim")])


def _trial(trial: Trial) -> dict[str, Any]:
    """As JSON values."""
    values = {f.name: getattr(trial, f.name) for f in dataclasses.fields(trial)}
    del values["learning"]
    return values | {"score": trial.score}
