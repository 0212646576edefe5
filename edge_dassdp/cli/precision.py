"""Options of `quantize.Settings`: how wide integers are, and what kind of model is made."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.words import pairs

if TYPE_CHECKING:
    from edge_dassdp import ir
    from edge_dassdp.quantize.settings import Settings

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


def _temperature(text: str) -> float | str:
    """What `Settings` refuses stays a word."""
    try:
        return float(text)
    except ValueError:
        return text


def _bits_of(values: list[str]) -> dict[str, int]:
    for text in values:
        if text.isdecimal():
            raise EdgeError("E105", f"--bits {text}", cause="it names no projection",
                            help=f"--weight-bits {text} is of all, --bits fc2={text} of one")
    return {name: _number(text, f"--bits {name}=")
            for name, text in pairs(values, "--bits").items()}


def _number(text: str, option: str) -> int:
    if not text.isdecimal():
        raise EdgeError("E105", f"{option}{text}", help=f"for instance {option}8")
    return int(text)
