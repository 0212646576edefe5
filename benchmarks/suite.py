"""What `make bench` counts, and what CI compares with the figures that are committed."""

from __future__ import annotations

from pathlib import Path

import convolutions
import kernels
import networks
import shipped
from counting import Record, read_records

RESULTS = Path(__file__).parent / "results"
CORES = ("M0", "M3", "M4", "M7", "M33", "M55")
TOLERANCE = 1.02
STEPS = ((0.2, 8), (0.2, 6), (0.2, 4), (0.2, 16), (1.0, 8))
"""Activity and weight bits of the networks of which a step is counted."""


def count(core: str) -> list[Record]:
    """Kernels, steps, learning, convolutions, networks that people have, and sizes of one core."""
    return [*kernels.measure(core),
            *(networks.step(core, activity, bits) for activity, bits in STEPS),
            *networks.learning(core), *networks.layer(core),
            *convolutions.measure(core), *shipped.measure(core), *networks.sizes(core)]


def committed(core: str) -> list[Record]:
    return read_records(RESULTS / f"{core}.json")


def regressions(core: str, found: list[Record]) -> list[str]:
    """Figures more than 2 % above the committed ones, or missing."""
    now = {(r.name, r.what): r for r in found}
    worse = []
    for old in committed(core):
        new = now.get((old.name, old.what))
        if new is None:
            worse.append(f"{core}: {old.name} ({old.what}) is no longer counted")
            continue
        for unit, before, after in (("instructions", old.instructions, new.instructions),
                                    ("bytes", old.bytes or 0, new.bytes or 0)):
            if after > before * TOLERANCE:
                worse.append(f"{core}: {old.name} ({old.what}): {after:,.0f} {unit}, "
                             f"{before:,.0f} committed")
    return worse
