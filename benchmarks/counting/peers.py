"""Peers, counted with the same tools: Qualia-CodeGen-Plugin-SNN and CMSIS-NN.

Neither is part of this project. Qualia (AGPL-3.0) is installed from PyPI into an environment of
its own under the cache folder, and what it generates stays there. CMSIS-NN (Apache-2.0) is in no
package of PyPI, npm or Debian: its folder is given by $CMSIS_NN. What cannot be run is reported
with the figure measured before, `measured_here` false.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np

from counting.bare import run_qemu
from counting.build import CORES, Core, compile_objects, compiler_version, link
from counting.cases import Case, Outcome, Struct
from counting.core import run_unicorn
from counting.cycles import MODELS
from counting.table import Record
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.cache import cache_folder

QUALIA = "qualia-codegen-plugin-snn==2.6.0"
QUALIA_PACKAGES = ("torch==2.13.0", QUALIA, "qualia-codegen-core==2.6.0", "spikingjelly==2.0.0",
                   "jinja2", "tabulate", "setuptools<81")
QUALIA_WORK = 256 * 128 + 128 * 64 + 64 * 10
CMSIS_NN_SIZES = ((256, 128), (24, 128))
_SOURCES = ("FullyConnectedFunctions/arm_fully_connected_s8.c",
            "NNSupportFunctions/arm_nn_vec_mat_mult_t_s8.c")
_EARLIER = "counted earlier with the same recipe, gcc 12.2"
# Instructions and flash; instructions and modelled cycles, at 24x128 from figures per MAC.
_QUALIA_EARLIER = (213_757, 42_500)
_CMSIS_NN_EARLIER: dict[tuple[str, int], tuple[int, int | None]] = {
    ("M4", 256): (67_431, None), ("M0", 24): (31_027, 44_237), ("M3", 24): (15_268, 24_883),
    ("M4", 24): (12_411, 15_360), ("M55", 24): (3_686, None)}


def qualia(core: Core = CORES["M4"]) -> list[Record]:
    """One time step of 256-128-64-10 (LIF, soft reset, int8), by Qualia-CodeGen's portable C."""
    name, what = "Qualia-CodeGen-SNN 2.6.0", "256-128-64-10 int8, one time step"
    try:
        source = _generate_qualia()
    except (EdgeError, OSError, subprocess.SubprocessError) as error:
        print(f"{name} not run: {error}", file=sys.stderr)
        if core.name != "M4":
            return []
        return [Record(name, core.name, what, _QUALIA_EARLIER[0], "MAC", QUALIA_WORK,
                       bytes=_QUALIA_EARLIER[1], flags="-O2", peer=True, measured_here=False,
                       source=_EARLIER)]
    flags = ("-O2",)
    objects = compile_objects(core, [source / "model.c"], source / core.name, flags,
                              [source / "include", source])
    rng = np.random.default_rng(1)
    cases = [Case(str(i), "cnn", ((rng.random(256) < 0.2).astype(np.int8), np.zeros(10, np.int8)))
             for i in range(5)]
    return [_record(name, core, what, *_run(core, objects, cases), QUALIA_WORK, flags,
                    source=QUALIA)]


def _generate_qualia() -> Path:
    """Folder of the generated C, made once for each version of the recipe."""
    recipe = Path(__file__).with_name("qualia_recipe.py")
    folder = cache_folder() / "peers" / "qualia-2.6.0"
    python, output = folder / "venv" / "bin" / "python", folder / "generated"
    stamp = output / recipe.name
    if stamp.is_file() and stamp.read_bytes() == recipe.read_bytes():
        return output
    if not (folder / "installed").exists():
        venv.create(folder / "venv", clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        *QUALIA_PACKAGES], check=True, timeout=1800)
        (folder / "installed").touch()
    shutil.rmtree(output, ignore_errors=True)
    subprocess.run([python, recipe, output], check=True, capture_output=True, timeout=600)
    shutil.copy(recipe, stamp)
    return output


def cmsis_nn(core: Core) -> list[Record]:
    """`arm_fully_connected_s8` at -O3, one dense int8 layer of each of CMSIS_NN_SIZES."""
    records = []
    folder = os.environ.get("CMSIS_NN")
    for n_in, n_out in CMSIS_NN_SIZES:
        if folder:
            records.append(_cmsis_nn(core, Path(folder), n_in, n_out))
        elif (core.name, n_in) in _CMSIS_NN_EARLIER:
            instructions, cycles = _CMSIS_NN_EARLIER[core.name, n_in]
            records.append(Record(
                "CMSIS-NN", core.name, f"arm_fully_connected_s8 {n_in}x{n_out}", instructions,
                "MAC", n_in * n_out, cycles, MODELS[core.name] if cycles else None, flags="-O3",
                peer=True, measured_here=False, source=_EARLIER))
    return records


def _cmsis_nn(core: Core, folder: Path, n_in: int, n_out: int) -> Record:
    sources = [folder / "Source" / name for name in _SOURCES]
    if not all(path.is_file() for path in sources):
        raise EdgeError("E103", f"{folder} is not a folder of CMSIS-NN", help="unset CMSIS_NN")
    flags = ("-O3",)
    objects = compile_objects(core, sources, cache_folder() / "peers" / f"cmsis-nn-{core.name}",
                              flags, [folder / "Include"])
    rng = np.random.default_rng(0)
    inputs = rng.integers(-128, 128, n_in).astype(np.int8)
    kernel = rng.integers(-127, 128, (n_out, n_in)).astype(np.int8)
    bias = rng.integers(-1000, 1000, n_out).astype(np.int32)
    output = np.zeros(n_out, np.int8)
    # Row sums of the kernel times the input offset (0), as the M55 path takes them in its context.
    sums = bias.copy()
    dims = {key: Struct(shape) for key, shape in
            {"in": (1, 1, 1, n_in), "filter": (n_in, 1, 1, n_out), "bias": (1, 1, 1, n_out),
             "out": (1, 1, 1, n_out)}.items()}
    case = Case("fc", "arm_fully_connected_s8", (
        Struct((sums, n_out * 4)), Struct((0, 0, 0, -128, 127)), Struct((1 << 30, -8)),
        dims["in"], inputs, dims["filter"], kernel, dims["bias"], bias, dims["out"], output))
    outcomes, flash = _run(core, objects, [case])
    _check_dense(outcomes[0].arrays[-1], inputs, kernel, bias)
    return _record("CMSIS-NN", core, f"arm_fully_connected_s8 {n_in}x{n_out}", outcomes, flash,
                   n_in * n_out, flags, source=str(folder.name))


def _check_dense(found: np.ndarray, inputs: np.ndarray, kernel: np.ndarray, bias: np.ndarray
                 ) -> None:
    exact = (kernel.astype(np.int64) @ inputs + bias) / 2 ** 9
    if np.abs(found - np.clip(exact, -128, 127)).max() > 1:
        raise EdgeError("E404", "arm_fully_connected_s8 did not compute the layer")


def _run(core: Core, objects: list[Path], cases: list[Case]) -> tuple[list[Outcome], int]:
    image = link(core, objects, objects[0].parent / "peer.elf")
    outcomes = (run_qemu(core, objects, cases) if core.name == "M55"
                else run_unicorn(image, cases))
    return outcomes, image.flash


def _record(name: str, core: Core, what: str, outcomes: list[Outcome], flash: int, work: int,
            flags: tuple[str, ...], source: str) -> Record:
    middle = sorted(outcomes, key=lambda o: o.instructions)[len(outcomes) // 2]
    return Record(name, core.name, what, middle.instructions, "MAC", work, middle.cycles,
                  MODELS.get(core.name), flash, compiler_version(), " ".join(flags), peer=True,
                  source=source)


if __name__ == "__main__":
    from counting.table import print_table
    print_table([*qualia(), *(r for core in CORES.values() for r in cmsis_nn(core))], "Peers")
