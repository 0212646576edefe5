"""Model files: whatever holds a float network, by its kind, as an `edge_dassdp.ir.Network`."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.assemble import EntrySettings
from edge_dassdp.frontends.logits import Logits, with_logits
from edge_dassdp.ir import Encoder, Network, ReadoutKind
from edge_dassdp.storage.foreign import unread
from edge_dassdp.storage.npz import Arrays

Kind = Literal["nir", "onnx", "float", "quantized"]
TITLES: dict[Kind, str] = {"nir": "NIR", "onnx": "ONNX", "float": "float network",
                           "quantized": "quantized network"}
_QUANTIZED = "edge_dassdp/quantized/"


@dataclass(frozen=True)
class SourceOptions:
    """What a file of another library does not say; None where its importer decides.

    n_steps: steps of a sample. spikes: inputs are spikes and not currents; by themselves spikes of
    NIR and currents of ONNX files. frames: one per step; by itself of spikes alone. n_events,
    counts, encoder, readout: as in `ir.Input` and `ir.Readout`; events and encoders make spikes.
    logits: what the training loss saw of the readout, of networks of our own, too, which else say
    it themselves.

    - of NIR files alone: source, the text of a `framework.SourceProfile`; dt, a step in the unit of
      the file's times
    - of ONNX files alone: entries, inputs that samples hold; feedback, input -> output that comes
      back to it in the next step; output, the one that is read; check, whether the network is
      compared with the file
    """

    source: str | None = None
    dt: float | None = None
    n_steps: int | None = None
    spikes: bool | None = None
    frames: bool | None = None
    n_events: int = 0
    counts: bool = False
    encoder: Encoder | None = None
    readout: ReadoutKind | None = None
    entries: tuple[str, ...] = ()
    feedback: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    check: bool = True
    logits: Logits | None = None

    @property
    def given(self) -> list[str]:
        """Fields that say something."""
        none = SourceOptions()
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(none, f.name)]


_OF_NIR = ("source", "dt")
_OF_ONNX = ("entries", "feedback", "output", "check")


def kind_of(path: Path | str) -> Kind:
    """NIR and ONNX files by their suffix; all else is an .npz, float unless its header names
    another format. The file need not exist."""
    suffix = Path(path).suffix.lower()
    if suffix in (".nir", ".onnx"):
        return "nir" if suffix == ".nir" else "onnx"
    try:
        found = str(Arrays(path, "network").header["format"])
    except (EdgeError, KeyError):  # whatever it is, its reader says what is wrong
        return "float"
    return "quantized" if found.startswith(_QUANTIZED) else "float"


def load_model(path: Path | str, options: SourceOptions | None = None) -> Network:
    """The float network in a .nir or .onnx file, or in an .npz that `ir.save` wrote.

    Raises EdgeError E103 for a file that is missing, damaged or already quantized, E105 for options
    that do not belong to its kind, E106 where they are needed and missing; others as `from_nir` and
    `from_onnx`.
    """
    given = options or SourceOptions()
    if not os.path.exists(path):
        raise unread(path, "network")
    kind = kind_of(path)
    if kind == "quantized":
        raise unread(path, "network")
    return _READERS[kind](Path(path), given)


def _read_nir(path: Path, options: SourceOptions) -> Network:
    from edge_dassdp.frontends.nir import from_nir

    _refuse(path, options, _OF_ONNX, "is a NIR file, whose edges say what leads where")
    return from_nir(path, profile=options.source, dt=options.dt, n_steps=_n_steps(path, options),
                    readout=options.readout, logits=options.logits,
                    **_how(_entry(options, spikes=True)))


def _read_onnx(path: Path, options: SourceOptions) -> Network:
    from edge_dassdp.frontends.onnx import from_onnx

    _refuse(path, options, _OF_NIR, "is an ONNX file, whose operations say how its neurons run")
    entry = _entry(options, spikes=False)
    how = {"entries": dict.fromkeys(options.entries, entry)} if options.entries else _how(entry)
    return from_onnx(path, n_steps=_n_steps(path, options), readout=options.readout,
                     logits=options.logits, feedback=options.feedback, output=options.output,
                     check=options.check, **how)


def _read_own(path: Path, options: SourceOptions) -> Network:
    network = ir.load(path)
    _refuse(path, options, [name for name in options.given if name != "logits"],
            "says itself how it runs")
    return network if options.logits is None else with_logits(network, options.logits)


def _refuse(path: Path, options: SourceOptions, names: Collection[str], why: str) -> None:
    """Options of other kinds of files."""
    told = [name for name in options.given if name in names]
    if told:
        raise EdgeError("E105", f"{path} {why}", cause=f"{', '.join(told)} belong to files of "
                        "other libraries", help="leave them out")


_READERS: dict[Kind, Callable[[Path, SourceOptions], Network]] = {
    "nir": _read_nir, "onnx": _read_onnx, "float": _read_own}


def _n_steps(path: Path, options: SourceOptions) -> int:
    if options.n_steps is None:
        raise EdgeError("E106", f"{path} does not say how many steps a sample has",
                        help="give n_steps; on the command line --n-steps")
    return options.n_steps


def _entry(options: SourceOptions, *, spikes: bool) -> EntrySettings:
    """How inputs come. spikes: of the kind of file, where nothing says it."""
    makes_spikes = options.n_events > 0 or options.encoder is not None
    if makes_spikes and options.spikes is False:
        raise EdgeError("E105", "events and encoders make spikes, the input cannot be currents",
                        help="leave out that inputs are currents (spikes=False, --input currents), "
                        "or the events or encoder")
    if makes_spikes or options.spikes is not None:
        spikes = makes_spikes or bool(options.spikes)
    frames = spikes if options.frames is None and not makes_spikes else options.frames
    return EntrySettings(spikes, frames, options.n_events, options.counts, options.encoder)


def _how(entry: EntrySettings) -> dict[str, Any]:
    """As arguments of the importers, whose files say the shapes."""
    return {name: value for name, value in vars(entry).items() if name != "shape"}
