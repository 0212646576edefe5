"""Count every kernel and network on every core, beside the peers; write benchmarks/results, a chart
and the tables of the README."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import chart
import convolutions
import networks
import origin
import suite
from counting import Record, print_table, read_records, write_records
from counting.build import compiler_version
from peers import aifes, all_of, cmsis_nn, qualia, snn2mcu
from rich.console import Console
from tables import tables

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- benchmarks: written by make bench -->", "<!-- end of benchmarks -->"
CHART = Path(__file__).parent.parent / "docs" / "activity.png"
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
    if not options.without_peers:
        peers = all_of(((m.NAME, m.counted) for m in PEERS), suite.RESULTS / "peers.json")
        print_table(peers, "Peers", console)
        write_records(peers, suite.RESULTS / "peers.json")
    if list(found) == list(suite.CORES):
        chart.draw(*_known("slopes", "curves", "peers"), CHART)
        README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
        console.print(f"written: {suite.RESULTS.name}/*.json and the tables of README.md")


def with_tables(readme: str) -> str:
    """The README with the tables of the results that are written; peers as last counted."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    found = {core: read_records(suite.RESULTS / f"{core}.json") for core in suite.CORES}
    body = "\n".join(tables(found, *_known("peers", "slopes", "curves")))
    return f"{before}{BEGIN}\n{body}\n{END}{after}"


def _known(*names: str) -> list[list[Record]]:
    return [read_records(suite.RESULTS / f"{name}.json") for name in names]


if __name__ == "__main__":
    main()
