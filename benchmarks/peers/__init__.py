"""Other projects, counted with the same tools in the same run.

None of them is part of this project: each is given as a folder by an environment variable, or
installed from PyPI into an environment of its own, and what it generates stays in the cache. One
that cannot be run here keeps the figures that the results held, marked as taken over.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from counting.bare import run_qemu
from counting.build import Core, compiler_version, flash_bytes, link
from counting.cases import Case, Outcome
from counting.core import run_unicorn
from counting.cycles import MODELS
from counting.table import Record, read_records

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.cache import cache_folder

EARLIER = "counted earlier with the same recipe"


class MissingError(Exception):
    """Sources of a peer are not here."""


def source(variable: str, *must_hold: str) -> Path:
    """The folder that an environment variable names.

    Raises MissingError where it is not set, EdgeError E103 where it holds something else.
    """
    if not os.environ.get(variable):
        raise MissingError(f"{variable} names no folder")
    folder = Path(os.environ[variable])
    for name in must_hold:
        if not (folder / name).exists():
            raise EdgeError("E103", f"{variable}={folder} holds no {name}",
                            help=f"unset {variable}, or give a checkout of it")
    return folder


def place(name: str) -> Path:
    """Where a peer is generated and compiled."""
    return cache_folder() / "peers" / name


def with_fpu(core: Core) -> Core:
    """The same core compiled for its floating point unit, which on the M55 is what MVE needs, too:
    for a peer that a vendor would build so."""
    fpu = () if core.name == "M55" else ("-mfpu=fpv4-sp-d16",)
    return replace(core, flags=(*core.flags, "-mfloat-abi=hard", *fpu))


def run(core: Core, objects: list[Path], cases: list[Case]) -> tuple[list[Outcome], int]:
    """Outcomes of all cases in order, and bytes of flash. In QEMU where there is a floating point
    unit to be used, and without modelled cycles there."""
    if "-mfloat-abi=hard" in core.flags:
        return run_qemu(core, objects, cases), sum(map(flash_bytes, objects))
    image = link(core, objects, objects[0].parent / "peer.elf")
    return run_unicorn(image, cases), image.flash


def record(name: str, core: Core, what: str, instructions: float, work: float, *, per: str = "MAC",
           cycles: int | None = None, flash: int | None = None, flags: Iterable[str] = (),
           source: str = "") -> Record:
    return Record(name, core.name, what, instructions, per, work, cycles,
                  MODELS.get(core.name) if cycles else None, flash, compiler_version(),
                  " ".join(flags), peer=True, source=source)


def all_of(peers: Iterable[tuple[str, Callable[[], list[Record]]]], earlier: Path) -> list[Record]:
    """Each peer's records, by its name; of one that cannot be run those of the file `earlier`."""
    known = read_records(earlier) if earlier.exists() else []
    found: list[Record] = []
    for name, counted in peers:
        try:
            found += counted()
        except (MissingError, EdgeError, OSError, subprocess.SubprocessError) as problem:
            print(f"{name} not run: {problem}", file=sys.stderr)
            found += [replace(r, measured_here=False, source=r.source or EARLIER)
                      for r in known if r.name == name]
    return found
