"""Options that several verbs share, and what their values stand for."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.words import pairs, settings_of
from edge_dassdp.cli.paths import Writes
from edge_dassdp.data.names import SPLITS
from edge_dassdp.frontends.known import listed, sources
from edge_dassdp.targets.open import SPECS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_dassdp.data.clipping import Clipping
    from edge_dassdp.data.datasets import Part, Samples
    from edge_dassdp.data.labels import ClassNames
    from edge_dassdp.ir import Encoder, Network, ReadoutKind
    from edge_dassdp.qir import QNetwork

ModelFile = Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help=(
    "Float network: .npz of edge_dassdp.ir.save, NIR file (.nir), or one time step as .onnx."))]
Model = Annotated[Path, typer.Argument(help="Quantized network, written by `quantize`.",
                                       metavar="MODEL.q.npz", show_default=False)]
BoardName = Annotated[str, typer.Option("--board", "-b", show_default=False,
                                        help="A name from `boards`, or a path to a board.toml.")]
_SAMPLES = (
    "Samples: a .csv, a row each, the class in column 'label' or the last; an .npz with x "
    "(n, n_inputs), y (n,) and, if you like, rows of train, stream and test; a .npy; or a data "
    "set with splits (docs/data.md).")
Data = Annotated[Path, typer.Option("--data", "-d", show_default=False, help=_SAMPLES)]
OptionalData = Annotated[Path | None, typer.Option("--data", "-d", show_default=False,
                                                   help=_SAMPLES)]
Classes = Annotated[str | None, typer.Option(metavar="NAME,NAME,...", show_default=False, help=(
    "Names of the classes in the order of the network's outputs, kept in the model. Without it "
    "names in --data count by the alphabet."))]
Split = Annotated[str, typer.Option(help=(
    f"Part of the data: {', '.join(SPLITS)}. A file without splits is taken whole."))]
ShiftSeed = Annotated[int | None, typer.Option(help=(
    "Pass the samples through a worn sensor drawn from this seed."), show_default=False)]
Limit = Annotated[int | None, typer.Option(min=1, help="Take the first samples only.",
                                           show_default=False)]
TargetSpec = Annotated[str, typer.Option("--target", "-t", help=f"Where to run: {SPECS}.")]
Threads = Annotated[int, typer.Option(min=0, help=(
    "Threads that share the samples on the emulator; 0 takes all cores. No bit depends on it."))]
AllowProfile = Annotated[bool, typer.Option("--allow-profile", help=(
    "The device may find out by itself, without labels, how its sensor is worn; of a model "
    "quantized with --drift profile."))]
SaveEvery = Annotated[int, typer.Option(min=0, metavar="N", help=(
    "Save to flash by itself behind every N labelled samples; 0: when it is asked to. Flash wears "
    "out: docs/store.md."))]
Log = Annotated[Path | None, typer.Option(help=(
    "Write every byte on the link to this file, JSON lines."), show_default=False), Writes.FILE]

Lock = Annotated[Path | None, typer.Option("--lock", metavar="KEYFILE", show_default=False, help=(
    "Key of a locked build, which only who has it can teach, write or reset; `key` makes one. "
    "Without it the file that EDGE_DASSDP_LOCK names, if any."))]


Words = list[str | Path]
"""Of a command."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Options that say what a .nir or .onnx file leaves open."""

    source: Annotated[str | None, typer.Option(metavar="PROFILE", show_default=False, help=(
        f".nir: where it comes from, {listed(sources(), 'or')}, and what else is open: "
        "snntorch,reset=zero,reset_delay=false. An error lists the choices."))
    ] = None
    dt: Annotated[float | None, typer.Option(show_default=False, help=(
        ".nir: a step in the unit of its times."))] = None
    n_steps: Annotated[int | None, typer.Option(min=1, show_default=False, help=(
        ".nir, .onnx: time steps of a sample."))] = None
    input: Annotated[str | None, typer.Option(metavar="spikes|currents", show_default=False, help=(
        ".nir, .onnx: what a sample holds; by itself spikes of .nir, currents of .onnx."))] = None
    frames: Annotated[bool | None, typer.Option(show_default=False, help=(
        ".nir, .onnx: one for every step, or the same in all; by itself frames of spikes alone."))
    ] = None
    events: Annotated[int, typer.Option(min=0, show_default=False, help=(
        ".nir, .onnx: samples are lists of at most so many spikes."))] = 0
    counts: Annotated[bool, typer.Option("--counts", help=(
        "With --events: an input may fire several times a step."))] = False
    encoder: Annotated[str | None, typer.Option(
        metavar="latency|rate|delta", show_default=False, help=(
            ".nir, .onnx: the device makes spikes of raw values, with settings after a colon: "
            "delta:step=8,frac_bits=5."))] = None
    readout: Annotated[str | None, typer.Option(
        metavar="spike_count|membrane_sum", show_default=False, help=(
            ".nir, .onnx: how classes are read; by itself as the last neurons allow."))] = None
    logits: Annotated[str | None, typer.Option(
        metavar="sum|mean|last|max|NUMBER", show_default=False, help=(
            "What the training loss saw of the steps of the readout, or what it divided their sum "
            "by; by itself the mean of membranes and the sum of spikes, or as a .npz says."))
    ] = None
    entry: Annotated[list[str] | None, typer.Option(metavar="INPUT", show_default=False, help=(
        ".onnx: an input that samples hold, where there are several; repeat it."))] = None
    feedback: Annotated[list[str] | None, typer.Option(
        metavar="INPUT=OUTPUT", show_default=False, help=(
            ".onnx: an input that is fed an output of the step before, as of recurrent neurons: "
            "spk1=spk1_new; repeat it. States need no mention."))] = None
    read: Annotated[str | None, typer.Option(metavar="OUTPUT", show_default=False, help=(
        ".onnx: the output that is read, where several could be."))] = None
    check: Annotated[bool, typer.Option(help=(
        ".onnx: compare the network with the file, run on random samples."))] = True

    @property
    def words(self) -> Words:
        """The options given, as on a command line."""
        return words_of(self)

    def load(self, path: Path) -> Network:
        """The float network in a file. Raises EdgeError as `files.load_model`."""
        if self.input not in (None, "spikes", "currents"):
            raise EdgeError("E105", f"--input {self.input}", help="choose spikes or currents")
        from edge_dassdp.frontends import files, logits

        spikes = None if self.input is None else self.input == "spikes"
        try:
            return files.load_model(path, files.SourceOptions(
                self.source, self.dt, self.n_steps, spikes, self.frames, self.events, self.counts,
                _encoder(self.encoder), cast("ReadoutKind | None", self.readout),
                tuple(self.entry or ()), pairs(self.feedback or [], "--feedback"), self.read,
                self.check, logits.parse(self.logits)))
        except EdgeError as problem:
            if problem.code == "E106" and self.n_steps is not None \
                    and files.kind_of(path) == "nir":
                problem.help = f"with --source, {problem.help}"
            raise


def words_of(group: Any) -> Words:
    """The options given of those that the fields of a dataclass stand for."""
    return [word for f in dataclasses.fields(group)
            for word in _given(f.name, getattr(group, f.name), f.default)]


def words(**values: Any) -> Words:
    """Options by name, as they were given, for the next command: one that is None was not."""
    return [word for name, value in values.items() for word in _given(name, value, None)]


def same_samples(data: Path, split: str, shift_seed: int | None, limit: int | None) -> Words:
    """The options by which `verify` takes these samples."""
    return words(data=data, split=None if split == "stream" else split, shift_seed=shift_seed,
                 limit=limit)


def _given(name: str, value: Any, default: Any) -> Words:
    option = f"--{name.replace('_', '-')}"
    if value == default or value is None:
        return []
    if value is False:
        return [f"--no-{option[2:]}"]
    if isinstance(value, list):
        return [word for one in value for word in (option, one)]
    return [option] if value is True else [option, value if isinstance(value, Path) else str(value)]


def _encoder(text: str | None) -> Encoder | None:
    """KIND or KIND:setting=value,... as an encoder."""
    if text is None:
        return None
    from edge_dassdp.ir import Encoder

    kind, _, settings = text.partition(":")
    kinds: dict[str, type] = {f.name: int for f in dataclasses.fields(Encoder) if f.name != "kind"}
    return Encoder(kind, **settings_of(settings, kinds, f"--encoder {kind}:",  # type: ignore[arg-type]
                                       f"encoder '{kind}'"))


def load_model(path: Path) -> QNetwork:
    """The quantized network at `path`, proven."""
    from edge_dassdp.emit import proven

    return proven.load(path)


def load_part(path: Path, split: str) -> Part:
    """As `datasets.load_part`, which the command line imports no sooner."""
    from edge_dassdp.data import datasets

    return datasets.load_part(path, split)


def names_of(classes: str | None, n_classes: int) -> ClassNames | None:
    """--classes. Raises EdgeError E105."""
    from edge_dassdp.data import labels

    return None if classes is None else labels.parsed(classes, n_classes)


def shifted(part: Part, shift_seed: int | None = None, limit: int | None = None) -> Samples:
    """A part's first samples as a worn sensor gives them."""
    from edge_dassdp.data.shifts import WornSensor

    samples = part.samples
    if shift_seed is not None:
        sensor = WornSensor.draw(samples.x.shape[1], shift_seed, dark=part.dark)
        samples = dataclasses.replace(samples, x=sensor.apply(samples.x))
    return samples.at(slice(limit))


@dataclasses.dataclass(frozen=True, eq=False)
class Packed:
    """Samples as the device takes them: x int8 (n, x_bytes), labels, what int8 clips, and how their
    file was read that does not say it. targets: (n, n_outputs) of a model of values, which x has,
    too; labels are 0 then."""

    x: NDArray[np.int8]
    y: NDArray[np.int64]
    clipping: Clipping
    guess: str = ""
    targets: NDArray[np.float64] | None = None

    @property
    def clipped(self) -> dict[str, Any]:
        """As JSON values."""
        return dataclasses.asdict(self.clipping) | {"share": self.clipping.share}

    @property
    def warnings(self) -> list[str]:
        """Of a guess, and of samples in other units than those that the network was quantized
        for."""
        return [*filter(None, (self.guess, self.clipping.warning))]


def taken(network: Network | QNetwork, samples: Samples) -> Samples:
    """What a network takes for samples of a file: of a sensor they may be raw counts. Raises
    EdgeError E104 for another number of values."""
    require_width(network, samples)
    first, *others = network.inputs
    return samples if others else dataclasses.replace(samples, x=first.from_file(samples.x))


def require_width(network: Network | QNetwork, samples: Samples) -> None:
    """E104, with the file and how its columns were taken, where a sample has another number of
    values than the inputs of a network."""
    n, origin = sum(i.n_values for i in network.inputs), samples.origin
    if samples.x.shape[1] == n:
        return
    where = f"{origin.path}: " if origin and origin.path else ""
    raise EdgeError("E104", f"{where}samples have shape {samples.x.shape}, expected (n, {n})",
                    cause=(origin.how if origin else "") or samples.guess,
                    help=f"give each sample the {n} values that the network takes, and its class "
                    "in a column 'label' or as y; leave out numbers of rows, times and the like")


def device_samples(network: QNetwork, samples: Samples) -> Packed:
    """Samples, with the labels of `agreed`, for a target, or EdgeError E104 where they do not fit
    the network."""
    from edge_dassdp.data.clipping import clipping
    from edge_dassdp.qir.samples import input_x, with_lesson

    samples = taken(network, samples)
    x, y, targets = input_x(network, samples.x), samples.y, None
    if network.values is not None and samples.are_values:
        targets = samples.y
        x, y = with_lesson(network, x, targets, samples.origin)
    return Packed(x, y, clipping(network.inputs, network.x_scales, samples.x), samples.guess,
                  targets)
