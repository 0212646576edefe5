"""The device's own code in the counter: runtime, kernels of a core, generated model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
from counting import (
    CORES,
    Case,
    Image,
    Outcome,
    compile_objects,
    link,
    run_qemu,
    run_unicorn,
)
from counting.build import flash_bytes, link_used
from counting.cases import Array

from edge_dassdp.build.board import Board, load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.build.project import firmware_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork

BOARD_OF = {"M0": "microbit", "M3": "mps2-an385", "M4": "stm32f405", "M7": "mps2-an500",
            "M33": "mps2-an505", "M55": "mps3-an547"}
_RUNTIME = ("src/", "kernels/", "generated/dassdp_model")
_LINK = ("src/link", "src/store", "src/requests", "src/transfer", "src/cobs")


_ROOT = TemporaryDirectory(prefix="counting-")  # goes when the process ends


def new_folder() -> Path:
    """For one build."""
    return Path(mkdtemp(dir=_ROOT.name))


def board_of(core: str) -> Board:
    """The board whose flags and kernel folders stand for a core."""
    return load_board(BOARD_OF[core])


def build(network: QNetwork, core: str, folder: Path | None = None,
          shim: str = "") -> tuple[Image, list[Path]]:
    """Runtime, kernels and model of `network` for `core`, with the firmware's own flags but
    without link, drivers and main. shim: more C, compiled with them."""
    folder = folder or new_folder()
    project = firmware_project(emit(Plan.of(network)), board_of(core))
    project = replace(project, files={**project.files, "shim.c": shim} if shim else project.files)
    project.write(folder)
    units = [u for u in project.units
             if u == "shim.c" or (u.startswith(_RUNTIME) and not u.startswith(_LINK))]
    flags = tuple(f for f in project.cflags if not f.startswith("-mcpu"))
    include = [folder / path.removeprefix("-I") for path in project.include_flags]
    objects = compile_objects(CORES[core], [folder / u for u in units], folder / "obj", flags,
                              include)
    return link(CORES[core], objects, folder / "model.elf"), objects


_SHIM = """#include "dassdp_model.h"
#include "dassdp_tables.h"
#include "state.h"
void bench_init(void *state);
int bench_read(void *state, const int16_t *counts);
void bench_note(void *state, const int8_t *x);
void bench_begin(void *state, const int8_t *x);
void bench_step(void *state);
void bench_deliver(void *state);
void bench_infer(void *state, const int8_t *x, dassdp_result_t *result);
void bench_learn(void *state, int32_t label, dassdp_result_t *result);
int bench_learn_begin(void *state, int32_t label);
int bench_learn_step(void *state, uint32_t budget, dassdp_result_t *result);
int bench_idle(void *state);
void bench_init(void *state) { dassdp_init(&dassdp_model, state); }
int bench_read(void *state, const int16_t *counts)
{
    return dassdp_read(&dassdp_model, state, counts);
}
void bench_note(void *state, const int8_t *x)
{
    dassdp_note(&dassdp_model, state, x != 0 ? x : dassdp_sample(&dassdp_model, state));
}
void bench_begin(void *state, const int8_t *x) { dassdp_begin(&dassdp_model, state, x); }
void bench_step(void *state) { dassdp_step(&dassdp_model, state); }
void bench_deliver(void *state)
{
    const dassdp_projection_t *projection = dassdp_model.projections;
    if (projection->path != 0) {
        (void)projection->path->deliver(&dassdp_model, state, projection,
                                        (uint8_t *)state + dassdp_model.sums_off, 0, 0);
    }
}
void bench_infer(void *state, const int8_t *x, dassdp_result_t *result)
{
    dassdp_infer(&dassdp_model, state, x, result);
}
void bench_learn(void *state, int32_t label, dassdp_result_t *result)
{
    (void)dassdp_learn(&dassdp_model, state, label, DASSDP_OWN_LOSS, result);
}
int bench_learn_begin(void *state, int32_t label)
{
    return dassdp_learn_begin(&dassdp_model, state, label, DASSDP_OWN_LOSS);
}
int bench_learn_step(void *state, uint32_t budget, dassdp_result_t *result)
{
    return dassdp_learn_step(&dassdp_model, state, budget, result);
}
int bench_idle(void *state) { return dassdp_idle(&dassdp_model, state, 1); }
"""


class Device:
    """A model on a core: a list of calls, run at once; instructions of each, a handful of them
    for the call itself, and the state they leave behind."""

    def __init__(self, network: QNetwork, core: str) -> None:
        self.network, self.layout, self.core = network, Plan.of(network).layout, core
        self.image, self.objects = build(network, core, shim=_SHIM)
        self._state = np.zeros(self.layout.state_bytes // 8, np.uint64)
        self._result = np.zeros(8, np.uint16)
        self.cases = [Case("init", "bench_init", (self._state,))]

    def begin(self, x: Array) -> None:
        self._add("begin", constant(x))

    def step(self) -> None:
        self._add("step")

    def deliver(self) -> None:
        """Spikes of step 0 into the sums of the first projection, which has a path."""
        self._add("deliver")

    def read(self, x: Array) -> int:
        """Counts of a sensor, one reading after another; how many there are."""
        assert self.network.sensor is not None
        readings = x.view(np.int16).reshape(-1, self.network.sensor.n_channels)
        for counts in readings:
            self._add("read", constant(counts))
        return len(readings)

    def note(self, x: Array | None) -> None:
        """The sample is to be learned from; None: the one that was read."""
        self._add("note", 0 if x is None else constant(x))

    def infer(self, x: Array | None) -> None:
        """None: the sample that was read."""
        self._add("infer", 0 if x is None else constant(x), self._result)

    def learn(self, label: int) -> None:
        self._add("learn", label, self._result)

    def learn_in_slices(self, label: int, budget: int, n_slices: int) -> None:
        """A lesson begun, and slices of it; what is called behind its end does nothing."""
        self._add("learn_begin", label)
        for _ in range(n_slices):
            self._add("learn_step", budget, self._result)

    def idle(self) -> None:
        """One stored sample learned again."""
        self._add("idle")

    def _add(self, name: str, *args: int | Array) -> None:
        self.cases.append(Case(name, f"bench_{name}", (self._state, *args)))

    def run(self) -> list[Outcome]:
        """Outcomes of the calls, without that of init."""
        if self.core == "M55":
            return run_qemu(CORES[self.core], self.objects, self.cases)[1:]
        return run_unicorn(self.image, self.cases)[1:]

    def state(self, outcome: Outcome) -> dict[str, Array]:
        """The state by name after a call."""
        return self.layout.decode(outcome.arrays[0].tobytes())


def constant(values: Array) -> Array:
    """A copy that is not read back from the core."""
    copy = np.ascontiguousarray(values).copy()
    copy.flags.writeable = False
    return copy


PROGRAMS = {
    "inference": "dassdp_infer(&dassdp_model, &state, x, &result);",
    "learning": "dassdp_infer(&dassdp_model, &state, x, &result);\n"
                "    dassdp_learn(&dassdp_model, &state, 0, DASSDP_OWN_LOSS, &result);",
}


def runtime_flash(network: QNetwork, core: str, program: str) -> int:
    """Bytes of flash of a program that calls the runtime, unused functions removed, without the
    data of the generated model (weights, constants, descriptors), with its step. program: of
    PROGRAMS, or "firmware" for the board's own with link and drivers."""
    if program == "firmware":
        made = build_firmware(emit(Plan.of(network)), board_of(core))
        model = made.directory / "obj" / "generated" / "dassdp_model.c.o"
        return flash_bytes(made.elf) - flash_bytes(model, of_code=False)
    shim = ('#include "dassdp_model.h"\nvoid _start(void);\n'
            "static dassdp_state_t state;\nstatic int8_t x[sizeof state];\n"
            "void _start(void)\n{\n    dassdp_result_t result;\n"
            f"    dassdp_init(&dassdp_model, &state);\n    {PROGRAMS[program]}\n}}\n")
    folder = new_folder()
    _, objects = build(network, core, folder, shim)
    elf = folder / "program.elf"
    link_used(CORES[core], objects, elf)
    model = next(o for o in objects if "dassdp_model" in o.name)
    return flash_bytes(elf) - flash_bytes(model, of_code=False)
