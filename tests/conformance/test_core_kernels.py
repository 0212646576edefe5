"""Kernels of every core against the portable ones, on that core."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from counting import CORES, Case, Outcome, compile_objects, run_qemu
from device import board_of, new_folder

from edge_dassdp.base import assets
from edge_dassdp.build.project import firmware_project

pytestmark = [pytest.mark.cross, pytest.mark.usefixtures("arm_toolchain", "qemu"),
              pytest.mark.xdist_group("core kernels")]
PROGRAMS = [Path(__file__).with_name(name) for name in ("core_kernels.c", "core_rows.c")]
PORTABLE = assets.folder("firmware") / "kernels" / "portable"
CONTAINERS = [f"v{v}_a{a}" for v in (16, 32) for a in (16, 32)]
KINDS = ("pairs", "pairs_shift", *(f"{lean}_{container}" for lean in ("lean", "lean_shift")
                                   for container in CONTAINERS))
RESETS = ("none", "subtract_delayed", "subtract_now", "zero_delayed", "zero_now")
RICH_RESETS = (*RESETS, "subtract_once", "subtract_many", "zero_delayed_all")
NEURONS = [*(f"{kind}_{reset}" for kind in KINDS for reset in RESETS),
           *(f"dynamics_{kind}_{container}_{reset}" for kind in ("lean", "current")
             for container in CONTAINERS for reset in RICH_RESETS)]
ROWS = ("accumulate_s16", "accumulate_s8", "accumulate_s7", "accumulate_s6", "accumulate_p4",
        "analogue_a16", "analogue_a32", "scatter_a16", "scatter_a32", "scatter_plain_a16",
        "scatter_plain_a32", "scatter_run_a16", "scatter_run_a32", "scatter_run_plain_a16",
        "scatter_run_plain_a32", "fill", "learn_rows_s16", "learn_rows_s8", "learn_rows_s4",
        "learn_rows_p4", "feedback", "update_row", "update_row_sums", "update_row_placed",
        "touch_v16")
FILES = {"touch_v16": "neuron_touch_v16"}
CALLS = [*((f"check_{name}", seed) for name in NEURONS for seed in (1, 2024)),
         *((f"check_{name}", seed) for name in ROWS for seed in range(1, 9))]


@cache
def outcomes(core: str) -> dict[tuple[str, int], Outcome]:
    """Of every check, with the kernels that a firmware of this core has, and the portable ones as
    portable_<kernel>; QEMU has no M0 with RAM for them, and an M3 takes its code."""
    folder = new_folder()
    project = firmware_project({}, board_of(core))
    project.write(folder)
    flags = tuple(f for f in project.cflags if not f.startswith("-mcpu"))
    include = [folder / f.removeprefix("-I") for f in project.include_flags]
    units = [u for u in project.units if re.match(r"kernels/|src/core/digest", u)]
    portable = [PORTABLE / f"{FILES.get(name, name)}.c" for name in ROWS]
    renamed = tuple(f"-Ddassdp_k_{name}=portable_{name}" for name in (*ROWS, "scatter_a16_zero"))
    objects = [*compile_objects(CORES[core], [*(folder / u for u in units), *PROGRAMS],
                                folder / "obj", flags, include),
               *compile_objects(CORES[core], portable, folder / "portable", (*flags, *renamed),
                                [*include, PORTABLE])]
    cases = [Case(name, name, (seed,)) for name, seed in CALLS]
    return dict(zip(CALLS, run_qemu(CORES["M3" if core == "M0" else core], objects, cases),
                    strict=True))


@pytest.mark.parametrize("core", list(CORES))
def test_a_core_s_kernels_give_the_bits_of_the_portable_ones(core: str) -> None:
    differing = {at: outcome.result for at, outcome in outcomes(core).items() if outcome.result}
    assert not differing
