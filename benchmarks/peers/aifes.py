"""AIfES for Arduino (AGPL-3.0), a checkout given by $AIFES: training of dense networks in float."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from counting.build import CORES, Core, compile_objects
from counting.cases import Case
from counting.table import Record

from edge_dassdp.base.errors import EdgeError
from peers import place, record, run, source, with_fpu

NAME = "AIfES"
FLAGS = ("-O3", "-ffunction-sections")
SIZES = (64, 96, 64, 10)
WORK = sum(n_in * n_out for n_in, n_out in pairwise(SIZES))
PARTS = ("basic/base/aialgo", "basic/base/ailayer", "basic/base/ailoss", "basic/base/aimath",
         "basic/base/aiopti", "basic/default/ailayer", "basic/default/ailoss",
         "basic/default/aimath", "basic/default/aiopti")


def counted() -> list[Record]:
    """One step of SGD on one sample of 64-96-64-10, on the M4 without and with its FPU."""
    folder = source("AIFES", "src/aifes.h") / "src"
    return [_lesson(CORES["M4"], "soft float", folder), _lesson(with_fpu(CORES["M4"]), "FPU",
                                                                folder)]


def _lesson(core: Core, floats: str, folder: Path) -> Record:
    sources = [Path(__file__).with_name("aifes_lesson.c"),
               *(path for part in PARTS for path in sorted((folder / part).glob("*.c")))]
    objects = compile_objects(core, sources, place(f"aifes-{floats.replace(' ', '-')}"), FLAGS,
                              [folder])
    rng = np.random.default_rng(0)
    layers = [array for n_in, n_out in pairwise(SIZES) for array in (
        rng.normal(0, 1 / np.sqrt(n_in), n_in * n_out), np.zeros(n_out))]
    weights, memory = np.concatenate(layers).astype(np.float32), np.zeros(256 << 10, np.uint8)
    x, target = rng.random(64, np.float32), np.eye(10, dtype=np.float32)[3]
    cases = [Case("prepare", "peer_prepare", (weights, weights.nbytes, memory, memory.nbytes)),
             *(Case(f"lesson {i}", "peer_lesson", (x, target, weights)) for i in range(2))]
    (prepared, _, lesson), flash = run(core, objects, cases)
    moved = lesson.arrays[-1][-10:]
    if not prepared.result or lesson.result or moved.argmax() != 3 or abs(moved.sum()) > 1e-5:
        raise EdgeError("E404", "AIfES did not train the network")
    ram = prepared.result + weights.nbytes
    return record(NAME, core, f"{'-'.join(map(str, SIZES))}, one training step, float32 "
                  f"({floats}), {ram:,} B of RAM", lesson.instructions, WORK, flash=flash,
                  flags=FLAGS, source="AIfES_for_Arduino")
