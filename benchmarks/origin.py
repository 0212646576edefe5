"""What the figures of a core are made of: the same origin, the same counts."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import capstone
import convolutions
import kernels
import numpy as np
import shipped
import suite
import unicorn
from counting import CORES
from counting.build import GCC
from counting.cases import Array, unique_arrays
from device import board_of
from workload import quantized

from edge_dassdp.build.project import firmware_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize

ORIGINS = suite.RESULTS / "origins.json"
_SHOWN_BY = ("run.py", "tables.py", "chart.py", "timing.py", "bounds.py", "sinabs_speed.py")
_TOOLS = (GCC, "arm-none-eabi-ld", "qemu-system-arm")
_LIBRARIES = ("libc.a", "libgcc.a")


def is_counted(core: str) -> bool:
    """The committed figures are of what would be counted now."""
    return known().get(core) == origin(core)


def known() -> dict[str, str]:
    """The origin of the committed figures by core."""
    found: dict[str, str] = json.loads(ORIGINS.read_text("utf-8")) if ORIGINS.exists() else {}
    return found


def write(cores: list[str]) -> None:
    """Say of the figures of these cores, just written, what they were counted of."""
    ORIGINS.write_text(json.dumps(known() | {c: origin(c) for c in cores}, indent=0) + "\n",
                       encoding="utf-8")


def origin(core: str) -> str:
    """SHA-256 over the committed figures and all that decides them: the texts and flags that are
    compiled, the programs that count and their inputs, libraries and versions of the tools."""
    total = hashlib.sha256()
    for part in (*_compiled(core), *_inputs(), *_programs(), *_tools(core),
                 (suite.RESULTS / f"{core}.json").read_bytes()):
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def _compiled(core: str) -> Iterator[bytes]:
    """Of every network: runtime, kernels, port and generated texts, with the board's flags."""
    board = board_of(core)
    for network, _ in _networks():
        yield firmware_project(emit(Plan.of(network)), board).build_hash.to_bytes(8, "big")


@cache
def _networks() -> tuple[tuple[QNetwork, Array], ...]:
    """All that are counted, and their samples."""
    layers = [quantize(layer.network(), None).network for layer in convolutions.LAYERS]
    spikes = convolutions.spikes()[None]
    return (*(quantized(activity, bits) for activity, bits in suite.STEPS),
            quantized(0.2, 8, learns=True), *((n, input_x(n, spikes)) for n in layers),
            *((network, x) for network, x, _ in (given() for given in shipped.ALL)))


@cache
def _inputs() -> tuple[bytes, ...]:
    """Samples of the networks, and what the kernels are called with."""
    arrays = unique_arrays(tuple(value for job in kernels.jobs() for case in job.cases
                                 for value in case.args))
    return tuple(np.ascontiguousarray(a).tobytes() for a in (*(x for _, x in _networks()), *arrays))


def _programs() -> Iterator[bytes]:
    """The texts of the benchmarks, without those that only show what was counted."""
    here = Path(__file__).parent
    for path in sorted((*here.glob("*.py"), *(here / "counting").glob("*.[pcS]*"))):
        if path.name not in _SHOWN_BY:
            yield path.read_bytes()


@cache
def _tools(core: str) -> tuple[bytes, ...]:
    """Versions of what compiles, links and runs, and the libraries that are linked."""
    versions = [subprocess.run([tool, "--version"], capture_output=True, check=True).stdout
                for tool in _TOOLS]
    ask = [GCC, *CORES[core].flags, "-mthumb"]
    libraries = [subprocess.run([*ask, f"-print-file-name={name}"], capture_output=True, text=True,
                                check=True).stdout.strip() for name in _LIBRARIES]
    return (*versions, unicorn.__version__.encode(), capstone.__version__.encode(),
            *(Path(path).read_bytes() for path in libraries))
