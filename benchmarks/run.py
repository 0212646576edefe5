"""Count every kernel and network on every core, beside the peers; write benchmarks/results, a chart
and the tables of docs/speed.md, of which the README has that of peers."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import chart
import convolutions
import networks
import origin
import suite
import timing
from counting import Record, print_table, read_records, write_records
from counting.build import compiler_version
from peers import aifes, all_of, cmsis_nn, qualia, snn2mcu
from rich.console import Console
from tables import beside, tables

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "docs" / "speed.md", ROOT / "README.md")
ALL = "<!-- benchmarks: written by make bench -->", "<!-- end of benchmarks -->"
NEAREST = "<!-- peers: written by make bench -->", "<!-- end of peers -->"
CHART = ROOT / "docs" / "activity.png"
PEERS = (snn2mcu, qualia, cmsis_nn, aifes)


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
    write_records(list(networks.slopes("M4")), suite.RESULTS / "slopes.json")
    write_records([r for core in ("M4", "M55") for r in convolutions.curves(core)],
                  suite.RESULTS / "curves.json")
    write_records(list(timing.measure()), suite.RESULTS / "timing.json")
    if not options.without_peers:
        peers = all_of(((m.NAME, m.counted) for m in PEERS), suite.RESULTS / "peers.json")
        print_table(peers, "Peers", console)
        write_records(peers, suite.RESULTS / "peers.json")
    if list(found) == list(suite.CORES):
        slopes, curves, peers = _known("slopes", "curves", "peers")
        chart.draw(slopes, curves, peers, CHART)
        for page in PAGES:
            page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
        console.print(f"written: {suite.RESULTS.name}/*.json and the tables of docs/speed.md")


def with_tables(page: str) -> str:
    """A page with the tables of the results that are written, in its places; peers as last
    counted."""
    found = {core: read_records(suite.RESULTS / f"{core}.json") for core in suite.CORES}
    peers, *further = _known("peers", "slopes", "curves", "timing")
    for (begin, end), lines in ((ALL, tables(found, peers, *further)),
                                (NEAREST, beside(found["M4"], peers))):
        before, has, rest = page.partition(begin)
        if has:
            page = "\n".join([before + begin, *lines, end + rest.partition(end)[2]])
    return page


def _known(*names: str) -> list[list[Record]]:
    return [read_records(suite.RESULTS / f"{name}.json") for name in names]


if __name__ == "__main__":
    main()
