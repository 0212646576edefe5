"""Kernels of every core against the portable ones, on that core."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from counting import CORES, Case, Outcome, compile_objects, run_qemu
from device import board_of, new_folder

from edge_dassdp.build.project import firmware_project

pytestmark = [pytest.mark.cross, pytest.mark.usefixtures("arm_toolchain", "qemu"),
              pytest.mark.xdist_group("core kernels")]
MAIN = Path(__file__).with_name("core_kernels.c")
SEEDS = (1, 2024)
CONTAINERS = [f"v{v}_a{a}" for v in (16, 32) for a in (16, 32)]
KINDS = ("pairs", "pairs_shift", *(f"{lean}_{container}" for lean in ("lean", "lean_shift")
                                   for container in CONTAINERS))
RESETS = ("none", "subtract_delayed", "subtract_now", "zero_delayed", "zero_now")
RICH_RESETS = (*RESETS, "subtract_once", "subtract_many", "zero_delayed_all")
CHECKS = [*(f"check_{kind}_{reset}" for kind in KINDS for reset in RESETS),
          *(f"check_dynamics_{kind}_{container}_{reset}" for kind in ("lean", "current")
            for container in CONTAINERS for reset in RICH_RESETS)]


@cache
def outcomes(core: str) -> dict[tuple[str, int], Outcome]:
    """Of every check, with the kernels that a firmware of this core has; QEMU has no M0 with RAM
    for them, and an M3 takes its code."""
    folder, cases = new_folder(), [Case(name, name, (seed,)) for name in CHECKS for seed in SEEDS]
    project = firmware_project({}, board_of(core))
    project.write(folder)
    flags = tuple(f for f in project.cflags
                  if not f.startswith(("-mcpu", "-include", "generated")))
    units = [u for u in project.units if re.match(r"kernels/|src/core/digest", u)]
    objects = compile_objects(CORES[core], [*(folder / u for u in units), MAIN], folder / "obj",
                              flags, [folder / f.removeprefix("-I") for f in project.include_flags])
    found = run_qemu(CORES["M3" if core == "M0" else core], objects, cases)
    return dict(zip([(c.name, seed) for c, seed in zip(cases, SEEDS * len(CHECKS), strict=True)],
                    found, strict=True))


@pytest.mark.parametrize("core", list(CORES))
def test_a_core_s_kernels_give_the_bits_of_the_portable_ones(core: str) -> None:
    differing = {at: outcome.result for at, outcome in outcomes(core).items() if outcome.result}
    assert not differing
