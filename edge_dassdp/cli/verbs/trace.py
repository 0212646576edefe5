"""trace: the spikes of samples, step by step, for a viewer of traces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_dassdp.cli import options
from edge_dassdp.cli.device import notes
from edge_dassdp.cli.output import Answer, Output, verb
from edge_dassdp.cli.paths import Writes
from edge_dassdp.targets.open import open_target


def register(app: typer.Typer) -> None:
    verb(app, "trace", runs=True)(_trace)


def _trace(
    out: Output,
    model: options.Model,
    data: options.Data,
    perfetto: Annotated[Path, typer.Option(metavar="FILE", show_default=False, help=(
        "Where to write it, JSON that ui.perfetto.dev and chrome://tracing open.")), Writes.FILE],
    target: options.TargetSpec = "emulator",
    split: options.Split = "test",
    shift_seed: options.ShiftSeed = None,
    limit: options.Limit = 10,
    step_us: Annotated[int, typer.Option(min=1, max=10**9, metavar="MICROSECONDS", help=(
        "How long a step is shown, say the time between two frames."))] = 1000,
    log: options.Log = None,
    lock: options.Lock = None,
) -> Answer:
    """Write down the spikes of samples, step by step, for Perfetto.

    A track for every population, in it one for each neuron that fires. Time is that of the network:
    all steps are as long as --step-us says, whatever a processor takes. Nothing is learned.
    """
    from rich.text import Text

    from edge_dassdp.harness.classes import agreed
    from edge_dassdp.report import screens
    from edge_dassdp.runs.perfetto import trace
    from edge_dassdp.runs.raster import rasters
    from edge_dassdp.storage.files import write_text

    network = options.load_model(model)
    part, = agreed(network, options.load_part(data, split))
    packed = options.device_samples(network, options.shifted(part, shift_seed, limit))
    out.warn(*packed.warnings)
    with open_target(target, network, log=out.link_log(target, log), lock=lock) as device, \
            out.progress("tracing", len(packed.x)) as progress:
        raster = rasters([device], network, packed.x, progress)
        spikes = raster["spikes"][device.name]
        made = trace(raster, device.name, _labels(packed, part.samples.classes), step_us)
    write_text(perfetto, json.dumps(made, separators=(",", ":")) + "\n")
    if out.run is not None:
        out.run.raster(raster)
    n_samples, n_steps = raster["n_samples"], raster["n_steps"]
    populations = _counted(raster, spikes)
    rows = [(p["name"], f"{p['n_neurons']:,}", f"{p['n_firing']:,}", f"{p['n_spikes']:,}",
             f"{p['n_spikes'] / (p['n_neurons'] * n_samples * n_steps):.3f}")
            for p in populations]
    fewer = f", the first of {len(packed.x):,} given: a trace holds no more" \
        if n_samples < len(packed.x) else ""
    return Answer(
        {"target": target, "perfetto": str(perfetto), "n_samples": n_samples, "n_steps": n_steps,
         "step_us": step_us, "n_spikes": len(spikes), "populations": populations},
        [screens.listing(("population", "neurons", "that fire", "spikes", "a neuron and step"),
                         rows),
         Text(f"{perfetto}: {len(spikes):,} spikes of {n_samples:,} samples{fewer}; open it in "
              "ui.perfetto.dev"), *notes(target, part)], network.sha256)


def _labels(packed: options.Packed, classes: tuple[str, ...]) -> list[str]:
    """What samples are said to be."""
    if packed.targets is not None:
        return [", ".join(f"{v:.4g}" for v in row) for row in packed.targets]
    return [classes[y] if y < len(classes) else f"class {y}" for y in packed.y]


def _counted(raster: dict[str, Any], spikes: list[list[int]]) -> list[dict[str, Any]]:
    """Neurons and spikes of each population."""
    made, first = [], 0
    for population in raster["populations"]:
        neurons = range(first, first + population["size"])
        fired = [neuron for _, neuron in spikes if neuron in neurons]
        made.append({"name": population["name"], "n_neurons": len(neurons),
                     "n_firing": len(set(fired)), "n_spikes": len(fired)})
        first += len(neurons)
    return made
