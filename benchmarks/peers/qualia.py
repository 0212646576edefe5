"""Qualia-CodeGen-Plugin-SNN (AGPL-3.0), from PyPI: portable C of a spiking network."""

from __future__ import annotations

import shutil
import subprocess
import venv
from pathlib import Path

import numpy as np
from counting.build import CORES, compile_objects
from counting.cases import Case
from counting.table import Record

from peers import place, record, run

NAME = "Qualia-CodeGen-SNN 2.6.0"
QUALIA = "qualia-codegen-plugin-snn==2.6.0"
PACKAGES = ("torch==2.13.0", QUALIA, "qualia-codegen-core==2.6.0", "spikingjelly==2.0.0",
            "jinja2", "tabulate", "setuptools<81")
WORK = 256 * 128 + 128 * 64 + 64 * 10
FLAGS = ("-O2",)


def counted() -> list[Record]:
    """One time step of 256-128-64-10 (LIF, soft reset, int8) on the M4."""
    core, source = CORES["M4"], _generated()
    objects = compile_objects(core, [source / "model.c"], source / core.name, FLAGS,
                              [source / "include", source])
    rng = np.random.default_rng(1)
    cases = [Case(str(i), "cnn", ((rng.random(256) < 0.2).astype(np.int8), np.zeros(10, np.int8)))
             for i in range(5)]
    outcomes, flash = run(core, objects, cases)
    middle = sorted(outcomes, key=lambda o: o.instructions)[len(outcomes) // 2]
    return [record(NAME, core, "256-128-64-10 int8, one time step", middle.instructions, WORK,
                   cycles=middle.cycles, flash=flash, flags=FLAGS, source=QUALIA)]


def _generated() -> Path:
    """Folder of the generated C, made once for each version of the recipe."""
    recipe = Path(__file__).with_name("qualia_recipe.py")
    folder = place("qualia-2.6.0")
    python, output = folder / "venv" / "bin" / "python", folder / "generated"
    stamp = output / recipe.name
    if stamp.is_file() and stamp.read_bytes() == recipe.read_bytes():
        return output
    if not (folder / "installed").exists():
        venv.create(folder / "venv", clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        *PACKAGES], check=True, timeout=1800)
        (folder / "installed").touch()
    shutil.rmtree(output, ignore_errors=True)
    subprocess.run([python, recipe, output], check=True, capture_output=True, timeout=600)
    shutil.copy(recipe, stamp)
    return output
