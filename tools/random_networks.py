"""Random networks of the whole space (tests/support/space.py), each compared bit by bit with the
reference: on this computer under AddressSanitizer and UBSan, or on a board in QEMU.

    tools/random_networks.py --n 10000 --seed 1 --jobs 2 [--target emulator|microbit|stm32f405|...]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from support.random_networks import Tally, drawn, run, yards  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=500, help="networks (default 500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="index of the first one")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--target", default="emulator", help="emulator, or a board")
    parser.add_argument("--keep-going", action="store_true", help="behind the first failure, too")
    chosen = parser.parse_args()
    with yards(chosen.target) as places:
        n_failures = _told(run(drawn(chosen.n, chosen.seed, chosen.first), places, chosen.jobs),
                           chosen.keep_going)
    print(f"{n_failures} failures")
    return int(bool(n_failures))


def _told(tallies: Iterator[Tally], keep_going: bool) -> int:
    """Prints failures as they come and counts now and then; how many failures there are."""
    begin, told, known, tally = time.monotonic(), 0.0, 0, Tally()
    for tally in tallies:
        seconds = time.monotonic() - begin
        if seconds - told > 10:
            told = seconds
            print(f"{seconds:.0f} s: {dict(tally.counts)}, {len(tally.failures)} failures",
                  flush=True)
        if len(tally.failures) > known:
            print("\n\n".join(tally.failures[known:]), flush=True)
            known = len(tally.failures)
        if known and not keep_going:
            break
    print(f"{time.monotonic() - begin:.0f} s: {dict(tally.counts)}")
    return known


if __name__ == "__main__":
    raise SystemExit(main())
