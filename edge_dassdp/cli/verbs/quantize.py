"""quantize: from a float network to integers, with proofs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.cli import options
from edge_dassdp.cli.learning import is_auto
from edge_dassdp.cli.lessons import Lessons, filling
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.cli.precision import Form

if TYPE_CHECKING:
    from edge_dassdp import ir
    from edge_dassdp.base.qformat import QInputScale
    from edge_dassdp.data.datasets import Part, Samples
    from edge_dassdp.data.labels import ClassNames
    from edge_dassdp.figures.fidelity import Fidelity
    from edge_dassdp.figures.proposal import Proposal
    from edge_dassdp.figures.widths import Width
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.quantize import Quantized
    from edge_dassdp.quantize.settings import Settings
    from edge_dassdp.rules import Learning


def register(app: typer.Typer) -> None:
    verb(app, "quantize", runs=True)(_quantize)


def _quantize(
    out: Output,
    file: options.ModelFile,
    output: Annotated[Path, typer.Option("--output", "-o", show_default=False,
                                         help="Where to write the quantized network."),
                      Writes.FILE],
    within: Annotated[float, typer.Option(min=0, help=(
        "Accuracy that --weight-bits auto may lose, in percentage points."))] = 0.5,
    data: options.OptionalData = None,
    classes: options.Classes = None,
    limit: options.Limit = None,
    sensor: Annotated[Path | None, typer.Option(show_default=False, help=(
        "A TOML file that describes the sensor before the network: the device takes its raw counts "
        "and can learn how it is worn (docs/sensor.md)."))] = None,
    spare_classes: Annotated[int, typer.Option(min=0, metavar="N", help=(
        "Outputs for classes that are taught on the device, learn --new-class NAME: up to 16."))
    ] = 0,
    compare_bits: Annotated[bool, typer.Option(help=(
        "With --data: what 8, 7 and 6 bits would cost and save."))] = True,
    *,
    lessons: Lessons,
    form: Form,
    origin: options.Source,
) -> Answer:
    """Quantize a network and prove its ranges.

    With --data the input scale and the activity that picks kernels come from the train split,
    fidelity and the price of narrower weights from the test split. A plain .npz is both.
    """
    from edge_dassdp import qir
    from edge_dassdp.figures.fidelity import measure_fidelity
    from edge_dassdp.figures.losses import attempt, losses
    from edge_dassdp.figures.proposal import COMMON
    from edge_dassdp.figures.widths import WIDTHS, compare_widths
    from edge_dassdp.quantize import quantize
    from edge_dassdp.quantize.network import with_spare_classes
    from edge_dassdp.reference.outcome import behind

    source = _source(origin, file, sensor)
    settings = form.of(source, data)
    source = with_spare_classes(source, spare_classes, settings)
    given = _Given.of(source, data, options.names_of(classes, source.n_known), limit,
                      settings.values)
    train, judged = given.train, given.judged
    proposal = lessons.of(source, settings, train)
    source, learning = proposal.network, proposal.learning
    tried: tuple[Width, ...] = ()
    if form.is_auto and settings.values:
        raise EdgeError("E105", "--weight-bits auto counts right classes, and the outputs are "
                        "values", help="give 4 to 8, or 16")
    if form.is_auto:
        settings, tried = _choose(out, source, _without_replay(learning), settings, train, limit,
                                  within)
    if learning and learning.replay and is_auto(lessons.replay):
        learning = filling(source, learning, settings, train, lessons.board)
        proposal = dataclasses.replace(proposal, notes=(
            *proposal.notes, f"--replay auto: as many samples as {lessons.board} has room for"))

    def made(chosen: Settings) -> Quantized:
        x, y = (train.x, train.y) if train else (None, None)
        return quantize(source, learning, chosen, x, y, given.names)

    of = {*WIDTHS, settings.weight_bits} if compare_bits and not settings.values else set()
    n, n_judged = len(train or ()), len(judged or ())
    n_compared = len(of) * (n + n_judged)
    with out.progress("calibrated and compared", n + n_compared + n_judged) as told:
        quantized = attempt(settings, made)
        behind(told)(n)
        if given.test:
            options.device_samples(quantized.network, given.test)
        widths = compare_widths(source, _without_replay(learning), settings, train, judged, of,
                                behind(told, n)) if train and judged and of else ()
        x, y = (judged.x, judged.y) if judged else (None, None)
        fidelity = measure_fidelity(source, quantized, x, y, behind(told, n + n_compared))
    qir.save(quantized.network, output)
    if out.run is not None:
        out.run.keep_model(output)
    lost = losses(source, quantized.network, fidelity, settings, made,
                  train.x if train else None, quantized.confidence, train.y if train else None)
    return _answer(output, quantized, dataclasses.replace(proposal, learning=learning),
                   settings.weight_bits, fidelity, widths, tried, given.part, lost,
                   lessons.board or COMMON)


def _source(origin: options.Source, file: Path, sensor: Path | None) -> ir.Network:
    """The float network, behind its sensor."""
    source = origin.load(file)
    if sensor is None:
        return source
    from edge_dassdp.ir import Sensor

    return source.with_sensor(Sensor.load(sensor))


@dataclasses.dataclass(frozen=True, eq=False)
class _Given:
    """Samples with the same classes: part, train: to calibrate on, of their file and as the network
    takes them; test, judged: likewise to judge by. names: of the classes, as far as they are known.
    All None without data."""

    part: Part | None = None
    train: Samples | None = None
    test: Samples | None = None
    judged: Samples | None = None
    names: ClassNames | None = None

    @classmethod
    def of(cls, source: ir.Network, data: Path | None, stated: ClassNames | None,
           limit: int | None, are_values: bool) -> _Given:
        """stated: names given. limit: of the samples to judge by. are_values: whether the outputs
        are, and samples have targets."""
        if data is None:
            return cls(names=stated)
        from edge_dassdp.data.datasets import agreed, agreed_values
        from edge_dassdp.data.labels import ClassNames

        parts = options.load_part(data, "train"), options.load_part(data, "test")
        part, tested = agreed_values(stated.names if stated else (), source.n_classes, *parts) \
            if are_values else agreed(stated, source.n_known, *parts)
        test, known = options.shifted(tested, limit=limit), part.samples.classes
        names = ClassNames(known) if known and (source.n_known > 1 or are_values) else None
        return cls(part, options.taken(source, part.samples), test, options.taken(source, test),
                   stated or names)


def _without_replay(learning: Learning | None) -> Learning | None:
    """Stored samples change no class before something is learned."""
    return dataclasses.replace(learning, replay=None) if learning else None


def _choose(out: Output, source: ir.Network, learning: Learning | None, settings: Settings,
            train: Samples | None, limit: int | None,
            within: float) -> tuple[Settings, tuple[Width, ...]]:
    """Settings with the narrowest weights that will do, and what was tried."""
    if train is None:
        raise EdgeError("E105", "--weight-bits auto measures accuracy",
                        help="give samples with --data")
    from edge_dassdp.data.datasets import Samples
    from edge_dassdp.figures.widths import WIDTHS, compare_widths, narrowest

    some = Samples(train.x[:limit], train.y[:limit])
    with out.progress("tried", len(WIDTHS) * (len(train) + len(some))) as told:
        tried = compare_widths(source, learning, settings, train, some, told=told)
    return dataclasses.replace(settings, weight_bits=narrowest(tried, within)), tried


def _answer(output: Path, quantized: Quantized, proposal: Proposal, weight_bits: int,
            fidelity: Fidelity, widths: tuple[Width, ...], tried: tuple[Width, ...],
            part: Part | None, lost: Sequence[str], board: str) -> Answer:
    """board: that the next command is for."""
    from rich.text import Text

    from edge_dassdp.report import lines, screens

    model, sure = quantized.network, quantized.confidence
    learns = lines.learning_text(proposal.learning, are_values=model.values is not None)
    head = Text(f"{output}  sha256 {model.sha256[:12]}…  {model.n_steps} steps  "
                f"{learns}\n"
                + "  ".join(map(lines.input_text, model.inputs, model.x_scales))
                + (f"\n{lines.sensor_text(model.sensor)}" if model.sensor else "")
                + (f"\n{lines.confidence_text(sure)}" if sure else "")
                + (f"\n{of_classes}" if (of_classes := lines.classes_text(model)) else ""))
    chosen = [Text(f"auto took {weight_bits}-bit weights; on the train split E: "
                   + ", ".join(map(screens.width_text, tried)))] if tried else []
    compared = [screens.widths_screen(widths, weight_bits)] if widths else []
    scaling, is_whole = (part.scaling, part.is_whole) if part else ("", False)
    notes = [*(part.notes if part else _named(model)), part.samples.guess if part else "",
             *proposal.notes,
             "without splits, ranges and fidelity come from the same samples" * is_whole]
    return Answer(
        {"output": str(output), "n_steps": model.n_steps,
         "plastic": [p.name for p in model.plastic], "weight_bits": weight_bits,
         "learning": proposal.values,
         "temperature": None if sure is None else dataclasses.asdict(sure),
         "inputs": [dataclasses.asdict(i) | _steps(i, scale)
                    for i, scale in zip(model.inputs, model.x_scales, strict=True)],
         "scaling": scaling, "classes": list(model.classes),
         "spare_classes": model.spare_classes, "class_means": model.class_means is not None,
         "judged_on_training_samples": is_whole,
         **_data(fidelity), "widths": [dataclasses.asdict(w) for w in widths],
         "auto": [dataclasses.asdict(w) for w in tried]},
        [head, *chosen, screens.quantize_screen(fidelity), *compared,
         *(Text(note, "dim") for note in notes if note), Text(screens.LETTERS, "dim")],
        model.sha256,
        ["edge-dassdp", "build", output, "--board", board], warnings=lost)


def _named(model: QNetwork) -> list[str]:
    """The names of classes that a model keeps."""
    return [] if model.class_names is None else [f"classes: {model.class_names}"]


def _steps(source: ir.Input, scale: QInputScale) -> dict[str, Any]:
    """x_frac_bits: of all values, or a list of each one's; x_zero beside such a list."""
    if source.spikes or scale.is_uniform:
        return {"x_frac_bits": None if source.spikes else int(scale.frac_bits[0])}
    return {"x_frac_bits": scale.frac_bits.tolist(), "x_zero": scale.zero.tolist()}


def _data(fidelity: Fidelity) -> dict[str, Any]:
    """Fidelity as JSON values."""
    values = dataclasses.asdict(fidelity)
    for name in ("float_errors", "integer_errors"):
        made_of = getattr(fidelity, name)
        values[name] = None if made_of is None else made_of.values
    if fidelity.clipping is not None:
        values["clipping"]["share"] = fidelity.clipping.share
    if fidelity.values is not None:
        values["values"]["relative"] = fidelity.values.relative
    for made, population in zip(values["populations"], fidelity.populations, strict=True):
        made["proofs"] = [{"what": b.what, "peak": b.peak, "limit": b.limit,
                           "container_bits": b.container_bits} for b in population.proofs]
    return values
