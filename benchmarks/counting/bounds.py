"""Bounds of the cycles of executed Thumb code where no table of its core is published.

From below, by LLVM's scheduling model of the core (llvm-mca): each straight piece of code takes at
least its reciprocal throughput as often as it ran. What a branch, a cache or a dependency between
two pieces costs is not in it; LLVM takes LDM and STM for one access, here they are one for each two
registers. From above, for code in flash without a cache or prefetching: each line that is entered
and each constant that is read waits.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError

_TARGETS = {"M7": ("armv7e-m", "thumbv7em-none-eabi", "cortex-m7", 13),
            "M55": ("armv8.1-m.main", "thumbv8.1m.main-none-eabi", "cortex-m55", 16)}
"""For the disassembler, for LLVM, and the LLVM that first had the model."""
_LINE = re.compile(r"^ *([0-9a-f]+):\t(\S+)(?:\t([^@;<\n]*))?", re.MULTILINE)
_LIST = re.compile(r"\{(.*)\}")
_IT = re.compile(r"it[te]{0,3}$")
_AWAY = re.compile(r"(b|bl|bx|blx|cbz|cbnz)(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?$|tb[bh]$|"
                   r"le$|letp$|[wd]ls(tp)?")


def has_model(core: str) -> bool:
    """Whether an LLVM that is here has one of the core."""
    return core in _TARGETS and _mca(core) is not None


def _mca(core: str) -> str | None:
    """The oldest that has the model of a core."""
    first = _TARGETS[core][-1]
    return next(filter(shutil.which, (f"llvm-mca-{n}" for n in range(first, first + 20))), None)


def at_least(elf: Path, core: str, trace: NDArray[np.uint32]) -> int:
    """Cycles that instructions at the addresses (n,) take on a core at least, by LLVM's model.

    Raises EdgeError E301 without llvm-mca, E302 where it cannot read what the disassembler wrote,
    KeyError for a core that LLVM has no model of.
    """
    code = _disassembled(elf, _TARGETS[core][0])
    pieces = _pieces(trace, code)
    throughput = _throughput(list(pieces), core)
    return round(sum(n * each for n, each in zip(pieces.values(), throughput, strict=True)))


def in_flash(trace: NDArray[np.uint32], n_reads: int, line_bytes: int, wait_states: int) -> int:
    """Cycles that flash adds at most to instructions at addresses (n,) and to `n_reads` constants
    read from it, where a line of `line_bytes` takes `wait_states` more and nothing is kept."""
    lines = trace // line_bytes
    n_entered = 1 + int(np.count_nonzero(lines[1:] != lines[:-1]))
    return wait_states * (n_entered + n_reads)


def _disassembled(elf: Path, machine: str) -> dict[int, tuple[str, int]]:
    """Text and the address behind it, by address."""
    said = _said(["arm-none-eabi-objdump", "-m", machine, "-d", "--no-show-raw-insn", str(elf)])
    found = [(int(at, 16), f"{name}\t{(operands or '').strip()}")
             for at, name, operands in _LINE.findall(said)]
    ends = [at for at, _ in found[1:]] + [found[-1][0] + 2]
    return {at: (text, end) for (at, text), end in zip(found, ends, strict=True)}


def _pieces(trace: NDArray[np.uint32], code: dict[int, tuple[str, int]]
            ) -> Counter[tuple[str, ...]]:
    """How often each straight piece ran."""
    ends = np.array([code[at][1] for at in trace.tolist()], np.int64)
    cuts = np.flatnonzero(trace[1:].astype(np.int64) != ends[:-1]) + 1
    runs = Counter((int(run[0]), len(run)) for run in np.split(trace, cuts))
    found: Counter[tuple[str, ...]] = Counter()
    for (at, n_instructions), n in runs.items():
        texts = []
        for _ in range(n_instructions):
            text, at = code[at]
            texts.append(text)
        found[tuple(texts)] += n
    return found


def _throughput(pieces: list[tuple[str, ...]], core: str) -> list[float]:
    """Reciprocal throughput of each piece, in cycles."""
    _, triple, cpu, first = _TARGETS[core]
    lines = [".syntax unified"]
    for number, piece in enumerate(pieces):
        lines += [f"@ LLVM-MCA-BEGIN {number}", *_told(piece), f"@ LLVM-MCA-END {number}"]
    command = [_mca(core) or f"llvm-mca-{first}", f"-mtriple={triple}", f"-mcpu={cpu}",
               "-iterations=1", "-json"]
    said = json.loads(_said(command, "\n".join(lines) + "\n"))
    found = {int(r["Name"]): float(r["SummaryView"]["BlockRThroughput"])
             for r in said["CodeRegions"]}
    return [found[number] for number in range(len(pieces))]


def _told(piece: tuple[str, ...]) -> Iterator[str]:
    """Instructions as LLVM reads and prices them. One that leaves the piece and IT take a slot,
    and what IT governs is executed."""
    n_governed = 0
    for text in piece:
        name, _, operands = text.partition("\t")
        name = name.removesuffix(".w").removesuffix(".n")
        if n_governed:
            name, n_governed = name[:-2], n_governed - 1
        if _IT.match(name):
            n_governed = len(name) - 1
        if _IT.match(name) or _AWAY.match(name):
            yield "nop"
        elif registers := _LIST.search(operands):
            n = sum(_width(part) for part in registers[1].split(","))
            is_load = name.startswith(("ldm", "pop", "vld"))
            yield from [f"{'ldrd' if is_load else 'strd'}\tr0, r1, [sp]"] * -(-n // 2)
        else:
            yield f"{name}\t{operands}"


def _width(part: str) -> int:
    first, _, last = part.strip().partition("-")
    return int(last[1:]) - int(first[1:]) + 1 if last else 1


def _said(command: list[str], text: str = "") -> str:
    if shutil.which(command[0]) is None:
        raise EdgeError("E301", f"{command[0]} is not on PATH",
                        help="apt-get install llvm binutils-arm-none-eabi")
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EdgeError("E302", f"{command[0]} refused its input", cause=done.stderr[-2000:])
    return done.stdout
