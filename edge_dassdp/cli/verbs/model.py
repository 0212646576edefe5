"""inspect: what a network is. quantize: from a float network to integers, with proofs."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.words import pairs
from edge_dassdp.cli import inspecting, options
from edge_dassdp.cli.learning import is_auto
from edge_dassdp.cli.lessons import Lessons, filling
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes

if TYPE_CHECKING:
    from edge_dassdp import ir
    from edge_dassdp.base.qformat import QInputScale
    from edge_dassdp.data.datasets import Part, Samples
    from edge_dassdp.data.labels import ClassNames
    from edge_dassdp.figures.fidelity import Fidelity
    from edge_dassdp.figures.inspection import Inspection
    from edge_dassdp.figures.proposal import Proposal
    from edge_dassdp.figures.widths import Width
    from edge_dassdp.qir import QNetwork
    from edge_dassdp.quantize import Quantized
    from edge_dassdp.quantize.settings import Settings
    from edge_dassdp.rules import Learning

Bits = Annotated[list[str] | None, typer.Option(
    "--bits", help="Other bits for one projection: fc2=16. Repeat it.", show_default=False)]
WeightBits = Annotated[str, typer.Option("--weight-bits", metavar="BITS", help=(
    "Bits of a weight: 4 to 8, or 16."))]
AutoBits = Annotated[str, typer.Option("--weight-bits", metavar="BITS|auto", help=(
    "Bits of a weight: 4 to 8, or 16. auto: the narrowest of 8, 7 and 6 that keeps --within of "
    "8 bits on the train split."))]
_AUTO = "auto"


@dataclasses.dataclass(frozen=True)
class Precision:
    """Options of `Settings` that methods of learning can be compared and tuned under."""

    weight_bits: WeightBits = "8"
    bits: Bits = None
    per_neuron: Annotated[bool, typer.Option("--per-neuron", help=(
        "One scale per neuron where nothing learns."))] = False
    headroom: Annotated[float, typer.Option(help=(
        "How far plastic weights may grow, times the largest: 1 to 64."))] = 2.0
    threshold_bits: Annotated[int | None, typer.Option(show_default=False, help=(
        "Bits of the smallest threshold, 4 to 14; by itself 10, or 7 to 10 for int16 membranes."))
    ] = None
    leak: Annotated[str, typer.Option(help="auto: a shift where exact; q15; shift.")] = "auto"
    membrane_bits: Annotated[int | None, typer.Option(show_default=False, help=(
        "16 forces int16 membranes, 32 wide ones; without it the proof chooses."))] = None
    input_scale: Annotated[str, typer.Option(metavar="auto|uniform|feature", help=(
        "Steps of int8 currents: one for all, or one for each feature; auto: by feature where one "
        "for all would lose them."))] = "auto"
    drift: Annotated[str | None, typer.Option(
        metavar="alarm|profile|off", show_default=False, help=(
        "With --sensor and --data: alarm, which is the default there, the device tells without "
        "labels when its sensor has drifted; profile: it keeps windows as well, and finds out how "
        "it is worn where --allow-profile lets it."))] = None
    input_range: Annotated[str, typer.Option(metavar="robust|all", help=(
        "What of --data the steps hold: all but glitches, or all."))] = "robust"
    temperature: Annotated[str, typer.Option(metavar="fit|stated|NUMBER", help=(
        "What the softmax of learning divides logits by: fitted to --data where it refutes what "
        "the network states (--logits), that, or a number."))] = "fit"

    @property
    def settings(self) -> Settings:
        """Raises EdgeError E105."""
        from edge_dassdp.quantize.settings import Settings

        return Settings(_number(self.weight_bits, "--weight-bits "), _bits_of(self.bits or []),
                        self.per_neuron, self.headroom, self.threshold_bits, self.leak,
                        self.membrane_bits, input_scale=self.input_scale,
                        input_range=self.input_range, drift=self.drift or Settings.drift,
                        temperature=_temperature(self.temperature))

    def of(self, source: ir.Network, data: Path | None) -> Settings:
        """`settings`. Raises EdgeError E105, also where drift is asked for of what no device
        compares."""
        settings = self.settings
        has_sensor = any(i.sensor is not None for i in source.inputs)
        if self.drift not in (None, "off") and not (has_sensor and data):
            raise EdgeError("E105", f"--drift {self.drift} compares what a sensor gives with what "
                            "it gave the training: there is no "
                            f"{'labelled sample' if has_sensor else 'sensor'}",
                            help="give --data" if has_sensor else
                            "give --sensor and --data, or leave out --drift")
        return settings


@dataclasses.dataclass(frozen=True)
class Form(Precision):
    """The same, and what makes another kind of model of a network."""

    weight_bits: AutoBits = "8"
    hop: Annotated[int | None, typer.Option("--hop", show_default=False, help=(
        "Streams: frames arrive while it runs, so the device holds one of a sample, and it decides "
        "every so many of them (docs/streams.md)."))] = None
    values: Annotated[bool, typer.Option("--values", help=(
        "Outputs are values in place of classes, read from membranes, in the unit of the targets "
        "of --data: columns target:NAME, or targets of an .npz (docs/regression.md)."))] = False

    @property
    def is_auto(self) -> bool:
        return self.weight_bits == _AUTO

    @property
    def settings(self) -> Settings:
        """With 8 bits for `auto`. Raises EdgeError E105."""
        if self.hop is not None and self.hop < 1:
            raise EdgeError("E105", f"a hop of {self.hop} frames cannot be",
                            help="give 1 to the number of steps, or leave --hop out")
        alone = dataclasses.replace(self, weight_bits="8") if self.is_auto else self
        return dataclasses.replace(super(Form, alone).settings, hop=self.hop or 0,
                                   values=self.values)


def register(app: typer.Typer) -> None:
    verb(app, "inspect", runs=True)(_inspect)
    verb(app, "quantize", runs=True)(_quantize)


def _inspect(
    out: Output,
    file: options.ModelFile,
    board: Annotated[str | None, typer.Option("--board", "-b", show_default=False, help=(
        "Compare with this board alone, by name or path; exit status 1 if it is too small."))]
    = None,
    data: options.OptionalData = None,
    split: options.Split = "test",
    limit: options.Limit = None,
    *,
    origin: options.Source,
) -> Answer:
    """Show a network, build nothing.

    Its graph, the equation of each population, parameters, synaptic operations, what learns by
    default, and which boards hold it. It is quantized with default settings to predict memory;
    a quantized network is shown as it is. With --data NeuroBench's metrics, counted on samples
    (docs/neurobench.md).
    """
    from rich.text import Text

    from edge_dassdp.build.board import list_boards, load_board
    from edge_dassdp.figures.inspection import inspect_network, inspect_quantized
    from edge_dassdp.figures.proposal import COMMON
    from edge_dassdp.frontends import files
    from edge_dassdp.report import screens

    boards = [load_board(name) for name in ([board] if board else list_boards())]
    kind, lacking = files.kind_of(file), None
    model: ir.Network | QNetwork
    if kind == "quantized":
        if origin.words:
            raise EdgeError("E105", f"{file} says itself how it runs, {origin.words[0]} does not "
                            "belong to it", help="leave it out")
        model = options.load_model(file)
        found, sha256 = inspect_quantized(model, boards), model.sha256
        after: options.Words = ["build", file, "--board", board or COMMON]
    else:
        model, lacking = inspecting.without_steps(origin, file)
        found = inspect_network(model, boards)
        if lacking:
            lacking = inspecting.waiting(lacking, model, data, split) if data else lacking
            found = dataclasses.replace(found, n_steps=0, boards=(), refused=lacking)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        after = ["quantize", file, *origin.words, *options.words(data=data, board=board), "-o",
                 Path(f"{file.stem}.q.npz"), *["--frozen"] * bool(found.frozen_because)]
    failed = found.refused
    counted = inspecting.counted(model, data, split, limit) if data and not lacking else None
    if board and not failed and found.boards[0].problem:
        b = found.boards[0]
        failed = EdgeError("E402", f"{b.name}: {b.problem}",
                           cause=f"RAM {b.ram_needed:,} B of {b.ram_bytes:,}, constants in flash "
                                 f"{b.flash_constants:,} B of {b.flash_bytes:,}",
                           help="quantize it with --frozen, or use a larger board"
                           if b.fits_frozen else "use a larger board")
    return Answer(
        {"kind": kind, "source": origin.source, **_inspected(found),
         "metrics": counted.row() if counted else None},
        [screens.inspect_head(found, file.name, files.TITLES[kind], sha256, origin.source),
         screens.inspect_screen(found), *([screens.metrics_screen(counted)] if counted else []),
         Text(screens.LETTERS, "dim")],
        sha256, [] if lacking else ["edge-dassdp", *after], failed)


def _inspected(found: Inspection) -> dict[str, Any]:
    """As JSON values."""
    values = dataclasses.asdict(dataclasses.replace(found, refused=None))
    del values["refused"]
    for made, population in zip(values["populations"], found.populations, strict=True):
        made["size"] = population.size
    for made, b in zip(values["boards"], found.boards, strict=True):
        made |= {"fits": not b.problem, "problem": b.problem, "fits_frozen": b.fits_frozen}
    values["n_steps"] = found.n_steps or None
    return values | {"n_parameters": found.n_parameters, "weight_bits": found.weight_bits,
                     "operations": found.operations}


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

    source = _source(origin, file, sensor)
    source = source.with_spare_classes(spare_classes) if spare_classes else source
    settings = form.of(source, data)
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
        settings, tried = _choose(source, _without_replay(learning), settings, train, limit, within)
    if learning and learning.replay and is_auto(lessons.replay):
        learning = filling(source, learning, settings, train, lessons.board)
        proposal = dataclasses.replace(proposal, notes=(
            *proposal.notes, f"--replay auto: as many samples as {lessons.board} has room for"))

    def made(chosen: Settings) -> Quantized:
        x, y = (train.x, train.y) if train else (None, None)
        return quantize(source, learning, chosen, x, y, given.names)

    quantized = attempt(settings, made)
    if given.test:
        options.device_samples(quantized.network, given.test)
    widths = compare_widths(source, _without_replay(learning), settings, train, judged,
                            {*WIDTHS, settings.weight_bits}) \
        if train and judged and compare_bits and not settings.values else ()
    fidelity = measure_fidelity(source, quantized, *((judged.x, judged.y) if judged else ()))
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


def _choose(source: ir.Network, learning: Learning | None, settings: Settings,
            train: Samples | None, limit: int | None,
            within: float) -> tuple[Settings, tuple[Width, ...]]:
    """Settings with the narrowest weights that will do, and what was tried."""
    if train is None:
        raise EdgeError("E105", "--weight-bits auto measures accuracy",
                        help="give samples with --data")
    from edge_dassdp.data.datasets import Samples
    from edge_dassdp.figures.widths import compare_widths, narrowest

    tried = compare_widths(source, learning, settings, train,
                           Samples(train.x[:limit], train.y[:limit]))
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


def _temperature(text: str) -> float | str:
    """What `Settings` refuses stays a word."""
    try:
        return float(text)
    except ValueError:
        return text


def _bits_of(values: list[str]) -> dict[str, int]:
    return {name: _number(text, f"--bits {name}=")
            for name, text in pairs(values, "--bits").items()}


def _number(text: str, option: str) -> int:
    if not text.isdecimal():
        raise EdgeError("E105", f"{option}{text}", help=f"for instance {option}8")
    return int(text)


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
