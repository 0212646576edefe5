"""Count every kernel and network on every core, beside the peers; write benchmarks/results and the
tables of docs/speed.md, of which the README has that of peers."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import convolutions
import networks
import numpy as np
import origin
import suite
from counting import CORES, Record, print_table, read_records, write_records
from counting.build import compiler_version
from counting.peers import cmsis_nn, qualia
from rich.console import Console

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "docs" / "speed.md", ROOT / "README.md")
ALL = "<!-- benchmarks: written by make bench -->", "<!-- end of benchmarks -->"
PEERS = "<!-- peers: written by make bench -->", "<!-- end of peers -->"
KERNELS = (
    ("accumulate, 8-bit weights, 64 post, 32 active", "synaptic operation", "accumulate_s8",
     "32 active"),
    ("the same, 7-bit weights", "synaptic operation", "accumulate_s7", "32 active"),
    ("the same, 6-bit weights", "synaptic operation", "accumulate_s6", "32 active"),
    ("LIF with soft reset", "neuron and step", "neuron_pairs", ""),
    ("analogue 24 to 128, int16 sums", "MAC", "analogue_a16", ""),
    ("analogue 24 to 128, int32 sums", "MAC", "analogue_a32", ""),
    ("convolution 3x3, 16 to 16 channels of 16x16 places, 5 % active", "synaptic operation",
     "conv_3x3", ""),
    ("convolution 5x5, stride 2, 16 to 8 channels, 5 % active", "synaptic operation",
     "conv_5x5_2", ""),
    ("depthwise 3x3, 16 channels, 5 % active", "synaptic operation", "depthwise_3x3", ""),
    ("plastic rows, stochastic rounding, 8 bits", "weight", "learn_rows_s8", ""),
    ("update row of a class", "weight", "update_row", ""),
)
NETWORKS = (("one step, 20 % active, 8-bit weights", "step_8_20"),
            ("one step, 20 % active, 6-bit weights", "step_6_20"),
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
           slopes: list[Record]) -> list[str]:
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
    return [*lines, "", *_beside(found["M4"], peers), "", *_sparse(found), "",
            slope_line(slopes)]


def _beside(ours: list[Record], peers: list[Record]) -> list[str]:
    """Peers on the M4 and what stands against each."""
    against = (("qualia", "", ("step_8_20", "step_6_20", "step_8_100")),
               ("cmsis-nn", "256", ("layer_8", "layer_6")),
               ("cmsis-nn", "24", ("analogue_a16", "analogue_a32")))
    lines = ["| Cortex-M4, instructions | peer | here | peer / here |", "|---|---|---|---|"]
    for name, what, mine in against:
        peer = next((p for p in peers if p.core == "M4" and name in p.name.lower()
                     and f"{what}" in p.what), None)
        for own in (pick(ours, m) for m in mine) if peer else ():
            star = "" if peer.measured_here else "*"
            lines.append(f"| {own.what} | {peer.name}{star}: {peer.instructions:,.0f} | "
                         f"{own.instructions:,.0f} | {peer.instructions / own.instructions:.1f} |")
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", nargs="+", default=list(suite.CORES), choices=suite.CORES)
    parser.add_argument("--without-peers", action="store_true",
                        help="leave the peers' figures as they are (their packages take "
                             "1.4 GB, two minutes the first time)")
    options = parser.parse_args()
    console, compiler = Console(width=140), compiler_version()
    found: dict[str, list[Record]] = {}
    for core in options.cores:
        found[core] = [replace(r, compiler=compiler) for r in suite.count(core)]
        print_table(found[core], f"Cortex-{core}", console)
        write_records(found[core], suite.RESULTS / f"{core}.json")
    origin.write(options.cores)
    slopes = list(networks.slopes("M4"))
    write_records(slopes, suite.RESULTS / "slopes.json")
    if not options.without_peers:
        peers = [*qualia(CORES["M4"]), *cmsis_nn(CORES["M4"])]
        print_table(peers, "Peers", console)
        write_records(peers, suite.RESULTS / "peers.json")
    if list(found) == list(suite.CORES):
        for page in PAGES:
            page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
        console.print(f"written: {suite.RESULTS.name}/*.json and the tables of docs/speed.md")


def with_tables(page: str) -> str:
    """A page with the tables of the results that are written, in its places; peers as last
    counted."""
    found = {core: read_records(suite.RESULTS / f"{core}.json") for core in suite.CORES}
    peers, slopes = (read_records(suite.RESULTS / f"{name}.json") for name in ("peers", "slopes"))
    for (begin, end), lines in ((ALL, tables(found, peers, slopes)),
                                (PEERS, _beside(found["M4"], peers))):
        before, has, rest = page.partition(begin)
        if has:
            page = "\n".join([before + begin, *lines, end + rest.partition(end)[2]])
    return page


if __name__ == "__main__":
    main()
