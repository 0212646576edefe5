"""What was counted, as Markdown: the nearest peer first, then kernels and networks by core."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import chart
import convolutions
import numpy as np
import shipped
import timing
from counting import Record

KERNELS = (
    ("accumulate, 8-bit weights, 64 post, 32 active", "synaptic operation", "accumulate_s8",
     "32 active"),
    ("the same, 7-bit weights", "synaptic operation", "accumulate_s7", "32 active"),
    ("the same, 6-bit weights", "synaptic operation", "accumulate_s6", "32 active"),
    ("the same, 4-bit weights, two to a byte", "synaptic operation", "accumulate_p4", "32 active"),
    ("the same, 16-bit weights", "synaptic operation", "accumulate_s16", "32 active"),
    ("LIF with soft reset", "neuron and step", "neuron_pairs", ""),
    ("the same, leak by a shift", "neuron and step", "neuron_shift", ""),
    ("the same, a leak each", "neuron and step", "neuron_each", ""),
    ("the same, int32", "neuron and step", "neuron_wide", ""),
    ("several spikes a step, a floor", "neuron and step", "neuron_several", ""),
    ("no leak, a sixth with input", "neuron and step", "neuron_silent", ""),
    ("synaptic current", "neuron and step", "neuron_current", ""),
    ("analogue 24 to 128, int16 sums", "MAC", "analogue_a16", ""),
    ("analogue 24 to 128, int32 sums", "MAC", "analogue_a32", ""),
    ("convolution 3x3, 16 to 16 channels of 16x16 places, 5 % active", "synaptic operation",
     "conv_3x3", ""),
    ("convolution 5x5, stride 2, 16 to 8 channels, 5 % active", "synaptic operation",
     "conv_5x5_2", ""),
    ("depthwise 3x3, 16 channels, 5 % active", "synaptic operation", "depthwise_3x3", ""),
    ("plastic rows, stochastic rounding, 8 bits", "weight", "learn_rows_s8", ""),
    ("update row of a class", "weight", "update_row", ""),
    ("touch, sums of traces", "column", "update_row_sums", ""),
    ("the same of half the columns, placed", "column", "update_row_placed", ""),
)
NETWORKS = (("one step, 20 % active, 16-bit weights", "step_16_20"),
            ("one step, 20 % active, 8-bit weights", "step_8_20"),
            ("one step, 20 % active, 6-bit weights", "step_6_20"),
            ("one step, 20 % active, 4-bit weights", "step_4_20"),
            ("one step, all active, 8-bit weights", "step_8_100"),
            ("inference of 25 steps, 20 % active", "inference"),
            ("error and update of two projections", "learning"))
SIZES = (("flash: inference", "flash_inference"), ("flash: with learning", "flash_learning"),
         ("flash: with link and drivers", "flash_firmware"),
         ("RAM beyond weights, two projections plastic", "ram"))


def pick(records: Iterable[Record], name: str, what: str = "") -> Record:
    return next(r for r in records if r.name == name and what in r.what)


def cell(record: Record) -> str:
    each = f"{record.each():.2f}"
    cycles = record.cycles_each()
    return each if cycles is None else f"{each} ; {cycles:.2f}"


def tables(found: dict[str, list[Record]], peers: list[Record],
           slopes: list[Record], curves: list[Record], timed: list[Record]) -> list[str]:
    """Markdown lines."""
    cores = list(found)
    lines = [f"| instructions ; modelled cycles, per | {' | '.join(cores)} |",
             f"|---|{'---|' * len(cores)}"]
    for title, per, name, what in KERNELS:
        cells = [cell(pick(found[c], name, what)) for c in cores]
        lines.append(f"| {title}: {per} | {' | '.join(cells)} |")
    lists = [[pick(found[c], name).instructions for name in ("rows_4_0", "rows_4_32", "rows_12_0")]
             for c in cores]
    cells = [f"{(full - empty) / 32:.1f} + {(longer - empty) / 8:.1f}"
             for empty, full, longer in lists]
    lines += [f"| list of active rows: per row + per word of 32 | {' | '.join(cells)} |", "",
              f"| 256-128-64-10, instructions | {' | '.join(cores)} |",
              f"|---|{'---|' * len(cores)}"]
    for title, name in NETWORKS:
        cells = [f"{pick(found[c], name).instructions:,.0f}" for c in cores]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    for title, name in SIZES:
        cells = [f"{pick(found[c], name).bytes:,} B" for c in cores]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return [*beside(found["M4"], peers), "", *lines, "", *_people(found), "", *_sparse(found), "",
            *_crossovers(curves, peers), "", *timing.table(timed), "", slope_line(slopes)]


BESIDE = (
    ("snn2mcu", "q15", ("step_16_20", "step_8_20")),
    ("Qualia-CodeGen-SNN 2.6.0", "int8", ("step_8_20", "step_6_20", "step_8_100")),
    ("AIfES", "FPU", ("digits",)),
    ("AIfES", "soft float", ("digits",)),
    ("CMSIS-NN", "256x128", ("layer_8", "layer_6")),
    ("CMSIS-NN", "24x128", ("analogue_a16", "analogue_a32")),
)
"""A peer, what it did, and what stands against each: the nearest first."""


def beside(ours: list[Record], peers: list[Record]) -> list[str]:
    """Peers on the M4 and what stands against each."""
    lines = ["| Cortex-M4, instructions | peer | here | peer / here |", "|---|---|---|---|"]
    for name, what, mine in BESIDE:
        peer = next((p for p in peers if (p.core, p.name) == ("M4", name) and what in p.what), None)
        for own in (_own(ours, m) for m in mine) if peer else ():
            star = "" if peer.measured_here else "*"
            lines.append(f"| {own.what} | {peer.name}{star}, {peer.what}: "
                         f"{peer.instructions:,.0f} | {own.instructions:,.0f} | "
                         f"{peer.instructions / own.instructions:.1f} |")
    return lines


def _own(ours: list[Record], name: str) -> Record:
    """A record by name; "digits": what one training step is there."""
    if name != "digits":
        return pick(ours, name)
    steps = [pick(ours, f"digits_{part}") for part in ("inference", "lesson")]
    return replace(steps[0], what="digits 64-96-64-10: an inference and a lesson that writes both "
                   "deeper layers", instructions=sum(s.instructions for s in steps))


def _people(found: dict[str, list[Record]]) -> list[str]:
    """Networks that people have, on the cores that they are counted on."""
    cores = [c for c in shipped.CORES if c in found]
    names = [r.name for r in found[cores[0]] if r.name.startswith(
        ("digits", "watch", "nmnist", "braille"))] if cores else []
    return [f"| instructions | {' | '.join(cores)} |", f"|---|{'---|' * len(cores)}",
            *(f"| {pick(found[cores[0]], name).what} | "
              + " | ".join(f"{pick(found[c], name).instructions:,.0f}" for c in cores) + " |"
              for name in names)] if cores else []


def _crossovers(curves: list[Record], peers: list[Record]) -> list[str]:
    """Dense convolutions of CMSIS-NN against ours by the share of the source that is active."""
    shares = [f"{100 * share:g} %" for share in convolutions.CURVE]
    lines = [f"| CMSIS-NN / here, active | {' | '.join(shares)} | even at |",
             f"|---|{'---|' * len(shares)}---|"]
    for peer in peers:
        layer = next((y for y in convolutions.LAYERS if y.what == peer.what), None)
        mine = [r for r in curves if layer and r.core == peer.core
                and r.name.startswith(f"{layer.name}_")]
        if mine:
            ratios = [peer.instructions / r.instructions for r in mine]
            lines.append(f"| Cortex-{peer.core}, {peer.what} | "
                         + " | ".join(f"{ratio:.1f}" for ratio in ratios)
                         + f" | {chart.even(mine, peer.instructions)} |")
    return lines


def _sparse(found: dict[str, list[Record]]) -> list[str]:
    """Event-driven convolutions over the MACs that a dense layer takes; zeroed sums counted."""
    cores = list(found)
    lines = ["| event-driven, 5 % active | MACs, dense | synaptic operations | instructions a "
             f"dense MAC: {' | '.join(cores)} |", f"|---|---|---|{'---|' * len(cores)}"]
    for layer in convolutions.LAYERS:
        records = [pick(found[c], layer.name) for c in cores]
        cells = [f"{r.instructions / layer.macs:.2f}" for r in records]
        lines.append(f"| {layer.what} | {layer.macs:,} | {records[0].work:,.0f} | "
                     f"{' | '.join(cells)} |")
    return lines


def slope_line(records: list[Record]) -> str:
    """Instructions of a step as a line over synaptic operations, neurons and active rows."""
    work = np.array([r.work for r in records])
    spent = np.array([r.instructions for r in records])
    width = np.array([int(r.name.split("_")[1]) for r in records])
    terms = np.stack([work, width, np.ones(len(records))], axis=1)
    weights = 1 / spent
    (slope, per_neuron, fixed), *_ = np.linalg.lstsq(terms * weights[:, None], spent * weights,
                                                    rcond=None)
    off = np.abs(terms @ [slope, per_neuron, fixed] / spent - 1).max()
    return ("Cost grows with active synapses: a layer of 256 inputs and 32 to 1024 neurons at 1 to "
            f"100 % activity takes {slope:.2f} instructions a synaptic operation, "
            f"{per_neuron:.1f} a neuron and {fixed:.0f} a step (Cortex-M4; fitted to "
            f"{len(records)} counts, all within {100 * off:.0f} %).")
