"""An interrupt in the middle of any call: on a core in QEMU a timer's interrupt classifies and
learns with one model while the main loop does with another. Either gives its reference's bits."""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support import lanes
from support.scenarios import SCENARIOS
from support.standalone import APPLICATION_IRQ, SYSTICK_HZ

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware, build_project
from edge_dassdp.build.elf import opened, symbol_table
from edge_dassdp.build.project import firmware_project
from edge_dassdp.build.stack import stack_depth
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference import Reference
from edge_dassdp.targets.qemu import QemuProcess

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
CORES = ("microbit", "stm32f405", "mps3-an547", "mps2-an385", "mps2-an500", "mps2-an505")
N_SAMPLES, N_INTERRUPTS, LEAST_INSTRUCTIONS = 8, 200, 1200
STACK_BYTES = 2048
"""A board reserves what its own program takes: here two stacks add up."""
MODELS = {"outer": SCENARIOS["guard_all"], "inner": SCENARIOS["graph_16"]}
LEARN_EVERY = {"outer": 1, "inner": 4}
"""Calls of which one is a lesson."""
ASPEN, LSPEN = 1 << 31, 1 << 30
"""Of FPCCR: the core keeps the registers of its FPU and MVE, and does so as late as it can."""


@dataclass(frozen=True)
class Told:
    """What preempted.c says: calls of either model and the chain over their answers, interrupts in
    the middle of `dassdp_infer` and `dassdp_learn` of the outer one and on top of vector
    registers, the stack, and the functions that were interrupted."""

    outer: tuple[int, int]
    inner: tuple[int, int]
    n_in_infer: int
    n_in_learn: int
    n_with_vectors: int
    stack_used: int
    functions: Counter[str]


@cache
def samples(model: str) -> NDArray[np.int8]:
    case, rng = MODELS[model], np.random.default_rng(11)
    return np.concatenate([input_x(case.quantized, case.sample(rng)[None, :])
                           for _ in range(N_SAMPLES)])


@cache
def program(name: str, fpccr_cleared: int) -> Firmware:
    board = replace(load_board(name), stack_bytes=STACK_BYTES)
    assert board.qemu is not None
    project = firmware_project({file: text for model, case in MODELS.items() for file, text
                                in emit(Plan.of(case.quantized), model).items()}, board)
    files = dict(project.files)
    del files["port/cortex_m/main.c"]
    files["application/preempted.c"] = (Path(__file__).parent / "preempted.c").read_text("utf-8")
    files["application/samples.h"] = "#include <stdint.h>\n" + "".join(
        f"static const int8_t {model}_samples[][{case.quantized.x_bytes}] = {{"
        + ", ".join(f"{{{', '.join(map(str, x))}}}" for x in samples(model).tolist()) + "};\n"
        for model, case in MODELS.items())
    hz = SYSTICK_HZ.get(name, 1_000_000)
    ticks = LEAST_INSTRUCTIONS * (1 << board.qemu.icount_shift) * hz / 1e9
    flags = [f"-DDASSDP_APPLICATION_IRQ={APPLICATION_IRQ.get(name, -1)}",
             f"-DN_SAMPLES={N_SAMPLES}U", f"-DN_INTERRUPTS={N_INTERRUPTS}U",
             f"-DLEAST_TICKS={round(ticks)}U",
             *(f"-D{model.upper()}_LEARN_EVERY={n}U" for model, n in LEARN_EVERY.items())]
    if fpccr_cleared:
        flags.append(f"-DFPCCR_CLEARED={fpccr_cleared}UL")
    return build_project(replace(project, files=files, cflags=(*project.cflags, *flags)), board)


def told(name: str, fpccr_cleared: int = 0) -> Told:
    built = program(name, fpccr_cleared)
    with QemuProcess(built.elf, built.board, count=True) as process:
        process.uart.timeout = 60.0
        said = process.uart.read(4 * (8 + N_INTERRUPTS))
    assert len(said) == 4 * (8 + N_INTERRUPTS), "it does not come to an end"
    words = struct.unpack(f"<{8 + N_INTERRUPTS}I", said)
    in_infer, in_learn, with_vectors, stack = words[4:8]
    return Told(words[0:2], words[2:4], in_infer, in_learn, with_vectors, stack,
                functions_at(built.elf, words[8:]))


def functions_at(elf: Path, addresses: tuple[int, ...]) -> Counter[str]:
    with opened(elf) as file:
        known = sorted({(s["st_value"] & ~1, s.name) for s in symbol_table(file).iter_symbols()
                        if s["st_info"]["type"] == "STT_FUNC"})
    return Counter(known[bisect_right(known, (address, "~")) - 1][1] for address in addresses)


@cache
def expected(model: str, n_calls: int) -> int:
    """The chain over n calls of the NumPy reference, which nothing interrupts."""
    network, crc = MODELS[model].quantized, 0
    reference = Reference(network)
    for i in range(n_calls):
        x = samples(model)[i % N_SAMPLES]
        is_learned = i % LEARN_EVERY[model] == 0
        done = (reference.learn(x, i % network.n_classes, digest=True) if is_learned
                else reference.infer(x))
        crc = zlib.crc32(np.asarray(done.logits, "<i4").tobytes(), crc)
        crc = zlib.crc32(struct.pack("<H", done.class_idx), crc)
        if is_learned:
            crc = zlib.crc32(struct.pack("<III", 0, done.loss_q8, done.learned_digest), crc)
    return crc


def bits_are_right(found: Told) -> bool:
    return (found.outer[1] == expected("outer", found.outer[0])
            and found.inner[1] == expected("inner", found.inner[0]))


@pytest.mark.parametrize("name", CORES if lanes.nightly else CORES[:3])
def test_an_interrupt_that_runs_a_model_in_the_middle_of_another_changes_no_bit(
        name: str, record_property: Callable[[str, object], None]) -> None:
    found, built = told(name), program(name, 0)
    assert found.inner[0] == N_INTERRUPTS
    assert found.n_in_infer > 30 and found.n_in_learn > 30
    assert sum(n for f, n in found.functions.items() if f.startswith("dassdp_k_")) > 30
    assert bits_are_right(found)
    frames = 2 * built.board.exception_frame
    assert found.stack_used <= frames + sum(stack_depth(built, f) for f in (
        "dassdp_reset_handler", "dassdp_application_isr", "dassdp_uart_isr"))
    record_property(f"{name}: {found.outer[0]} calls of the main loop interrupted",
                    f"{found.n_in_infer} times in inferences, {found.n_in_learn} in lessons, "
                    f"{found.n_with_vectors} with vector registers, in {len(found.functions)} "
                    f"functions; stack {found.stack_used} bytes")


@pytest.mark.parametrize("fpccr_cleared,is_kept", [(LSPEN, True), (ASPEN, False)])
def test_vector_registers_are_kept_by_aspen_alone(fpccr_cleared: int, is_kept: bool) -> None:
    """Without it kernels of the interrupt leave theirs to those that they came between: wrong bits,
    and no fault. When they are stacked, at once or late, changes none."""
    found = told("mps3-an547", fpccr_cleared)
    assert found.outer[0] > 0 and found.inner[0] == N_INTERRUPTS
    assert bits_are_right(found) is is_kept
    assert (found.n_with_vectors > 0) is is_kept
