"""quantize: from a float network to integers, with proofs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from edge_dassdp import ir, qir, report
from edge_dassdp.cli import options
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.errors import EdgeError
from edge_dassdp.fidelity import Fidelity, measure_fidelity
from edge_dassdp.quantize import Settings, quantize

Names = Annotated[list[str] | None, typer.Option(
    "--plastic", help="A projection that learns, by the delta rule into the readout and by "
    "error-modulated SSDP elsewhere; repeat it. Without it: the readout and what leads into the "
    "last hidden population.", show_default=False)]
Rules = Annotated[list[str] | None, typer.Option(
    "--rule", help="PROJECTION=error|delta|ssdp|dassdp, with settings after a colon: "
    "fc2=dassdp:a_plus=0.001,batch=4. Repeat it.", show_default=False)]
Bits = Annotated[list[str] | None, typer.Option(
    "--bits", help="Other bits for one projection: fc2=16. Repeat it.", show_default=False)]


def register(app: typer.Typer) -> None:
    verb(app, "quantize")(_quantize)


def _quantize(
    out: Output,
    network: Annotated[Path, typer.Argument(help="Float network, written by edge_dassdp.ir.save.",
                                            metavar="MODEL.npz", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", show_default=False,
                                         help="Where to write the quantized network.")],
    plastic: Names = None,
    frozen: Annotated[bool, typer.Option("--frozen", help="Nothing learns.")] = False,
    rule: Rules = None,
    weight_bits: Annotated[int, typer.Option(help="Bits of a weight: 4 to 8, or 16.")] = 8,
    bits: Bits = None,
    per_neuron: Annotated[bool, typer.Option("--per-neuron", help=(
        "One scale per neuron where nothing learns."))] = False,
    headroom: Annotated[float, typer.Option(help=(
        "How far plastic weights may grow, times the largest."))] = 2.0,
    threshold_bits: Annotated[int | None, typer.Option(show_default=False, help=(
        "Bits of the smallest threshold; by itself 10, or 7 to 10 for int16 membranes."))] = None,
    leak: Annotated[str, typer.Option(help="auto: a shift where exact; q15; shift.")] = "auto",
    membrane_bits: Annotated[int | None, typer.Option(show_default=False, help=(
        "16 forces int16 membranes, 32 wide ones; without it the proof chooses."))] = None,
    data: options.OptionalData = None,
    limit: options.Limit = None,
) -> Answer:
    """Quantize a network and prove its ranges.

    With --data the input scale comes from the train split and fidelity from the test split.
    """
    source = ir.load(network)
    settings = Settings(weight_bits, _bits_of(bits or []), per_neuron, headroom, threshold_bits,
                        leak, membrane_bits)
    learning = options.learning_of(source, plastic or [], options.pairs(rule or [], "--rule"),
                                   frozen)
    calibration = options.load_samples(data, "train").x if data else None
    quantized = quantize(source, learning, settings, calibration)
    if data:
        samples = options.load_samples(data, "test", limit=limit)
        options.device_samples(quantized.network, samples)
        fidelity = measure_fidelity(source, quantized, samples.x, samples.y)
    else:
        fidelity = measure_fidelity(source, quantized)
    qir.save(quantized.network, output)
    model = quantized.network
    learns = ", ".join(f"{name} by {type(r).__name__}" for name, r in learning.rules.items()) \
        if learning else "nothing"
    head = Text(f"{output}  sha256 {model.sha256[:12]}…  {model.n_steps} steps  learns: {learns}")
    return Answer(
        {"output": str(output), "n_steps": model.n_steps,
         "plastic": [p.name for p in model.plastic], **_data(fidelity)},
        [head, report.quantize_screen(fidelity), Text(report.LETTERS, "dim")], model.sha256,
        f"edge-dassdp build {output} --board stm32f405")


def _bits_of(values: list[str]) -> dict[str, int]:
    found = options.pairs(values, "--bits")
    for name, text in found.items():
        if not text.isdecimal():
            raise EdgeError("E105", f"--bits {name}={text}", help=f"for instance --bits {name}=8")
    return {name: int(text) for name, text in found.items()}


def _data(fidelity: Fidelity) -> dict[str, Any]:
    """Fidelity as JSON values."""
    values = dataclasses.asdict(fidelity)
    for made, population in zip(values["populations"], fidelity.populations, strict=True):
        made["proofs"] = [{"what": b.what, "peak": b.peak, "limit": b.limit,
                           "container_bits": b.container_bits} for b in population.proofs]
    return values
