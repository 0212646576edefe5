"""Counts and modelled cycles of a function short enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from counting import (
    CORES,
    Case,
    Machine,
    Outcome,
    Struct,
    compile_objects,
    link,
    run_qemu,
    run_unicorn,
)
from counting.bare import trace_qemu
from counting.bounds import at_least, has_model, in_flash
from counting.cycles import Model

from edge_dassdp.base.errors import EdgeError

# Sum of n words, three at a time, stored behind them. Cycles of each line beside it.
SUM = """
    .syntax unified
    .thumb
    .text
    .global sum
    .type sum, %function
sum:                        @ M0  M4
    push {r4, r5, lr}       @  4   4
    movs r2, #0             @  1   1
1:  ldr r3, [r0]            @  2   2   each time round
    ldr r4, [r0, #4]        @  2   1   behind a load, another address
    ldr r5, [r0, #8]        @  2   1
    adds r0, #12            @  1   1
    adds r2, r2, r3         @  1   1
    adds r2, r2, r4         @  1   1
    adds r2, r2, r5         @  1   1
    subs r1, #3             @  1   1
    bne 1b                  @  3   3   taken, 1 at the end
    str r2, [r0]            @  2   1
    movs r0, r2             @  1   1
    pop {r4, r5, pc}        @  7   6
"""
# Two paths through an IT block of three: all six lines count, 3 cycles for the return.
IT = """
    .syntax unified
    .thumb
    .text
    .global sign
    .type sign, %function
sign:
    cmp r0, #0
    itee ge
    movge r0, #1
    mvnlt r0, #0
    lsllt r0, r0, #4
    bx lr
"""


def outcomes(name: str, source: str, cases: list[Case], tmp_path: Path) -> list[Outcome]:
    file = tmp_path / "code.S"
    file.write_text(source)
    core = CORES[name]
    objects = compile_objects(core, [file], tmp_path)
    return run_unicorn(link(core, objects, tmp_path / "code.elf"), cases)


@pytest.mark.parametrize(("core", "cycles"), [("M0", 4 + 1 + 2 * 14 - 2 + 2 + 1 + 7),
                                              ("M4", 4 + 1 + 2 * 12 - 2 + 1 + 1 + 6)])
def test_loop_by_hand(core: str, cycles: int, tmp_path: Path, arm_toolchain: None) -> None:
    words = np.array([1, 2, 3, 4, 5, 2**31 - 1, 0], np.int32)
    [found] = outcomes(core, SUM, [Case("sum", "sum", (words, 6))], tmp_path)
    assert found.instructions == 2 + 2 * 9 + 3
    assert found.cycles == cycles
    assert found.result == 2**31 + 14
    assert found.arrays[0].tolist()[:6] == words.tolist()[:6]
    assert found.arrays[0].astype(np.uint32)[6] == found.result


def called(core: str, source: str, case: Case, tmp_path: Path) -> tuple[Path, Machine]:
    file = tmp_path / "code.S"
    file.write_text(source)
    image = link(CORES[core], compile_objects(CORES[core], [file], tmp_path), tmp_path / "code.elf")
    machine = Machine(image.elf, core, watches_constants=True)
    machine.call(case.function, *case.args)
    return image.elf, machine


def test_a_branch_costs_the_m0_plus_a_cycle_less(tmp_path: Path, arm_toolchain: None) -> None:
    _, machine = called("M0", SUM, Case("sum", "sum", (np.ones(7, np.int32), 6)), tmp_path)
    taken, returned = 1, 1
    assert machine.cycles(Model("M0")) - machine.cycles(Model("M0+")) == taken + returned


def test_each_line_of_flash_and_each_constant_waits(tmp_path: Path, arm_toolchain: None) -> None:
    source = """
        .syntax unified
        .thumb
        .global f
        .type f, %function
        .balign 16
        f: ldr r0, =0x12345678
        movs r1, #1
        b 1f
        nop
        1: bx lr
        .ltorg"""
    _, machine = called("M3", source, Case("f", "f"), tmp_path)
    assert machine.n_constants == 1
    assert in_flash(machine.trace(), machine.n_constants, 4, 3) == 3 * (3 + 1)
    assert in_flash(machine.trace(), machine.n_constants, 64, 3) == 3 * (1 + 1)


def test_the_m7_takes_two_instructions_a_cycle_at_most(tmp_path: Path, arm_toolchain: None) -> None:
    elf, machine = called("M7", SUM, Case("sum", "sum", (np.ones(7, np.int32), 6)), tmp_path)
    n = len(machine.trace())
    if not has_model("M7"):
        with pytest.raises(EdgeError, match="llvm-mca"):
            at_least(elf, "M7", machine.trace())
    else:
        assert n / 2 <= at_least(elf, "M7", machine.trace()) < n


def test_qemu_tells_the_instructions_that_unicorn_executed(
        tmp_path: Path, arm_toolchain: None, qemu: None) -> None:
    case = Case("sum", "sum", (np.ones(7, np.int32), 6))
    _, machine = called("M4", SUM, case, tmp_path)
    (tmp_path / "qemu").mkdir()
    objects = compile_objects(CORES["M4"], [tmp_path / "code.S"], tmp_path)
    _, trace = trace_qemu(CORES["M4"], objects, [case], tmp_path / "qemu")
    assert np.diff(trace.astype(np.int64)).tolist() == np.diff(
        machine.trace().astype(np.int64)).tolist()


@pytest.mark.parametrize(("value", "result"), [(5, 1), (-5, 2**32 - 16)])
def test_skipped_instructions_count(value: int, result: int, tmp_path: Path,
                                    arm_toolchain: None) -> None:
    [found] = outcomes("M4", IT, [Case("sign", "sign", (value,))], tmp_path)
    assert (found.instructions, found.cycles, found.result) == (6, 8, result)


def test_qemu_counts_as_unicorn(tmp_path: Path, arm_toolchain: None, qemu: None) -> None:
    source = tmp_path / "stack.c"
    source.write_text("""
        #include <stdint.h>
        struct s { int8_t scale; int32_t *y; };
        int32_t f(const int8_t *w, struct s *s, int n, int a, int b, int c) {
            for (int i = 0; i < n; i++) s->y[i] += s->scale * w[i];
            return a * 100 + b * 10 + c;
        }""")
    weights = np.arange(-100, 100, dtype=np.int8)
    weights.flags.writeable = False
    y = np.zeros(200, np.int32)
    calls = [Case("first", "f", (weights, Struct((np.int8(-3), y)), 200, 1, 2, 3)),
             Case("second", "f", (weights, Struct((np.int8(5), y)), 17, 4, 5, 6))]
    core = CORES["M4"]
    objects = compile_objects(core, [source], tmp_path)
    here = run_unicorn(link(core, objects, tmp_path / "f.elf"), calls)
    there = run_qemu(core, objects, calls)
    assert [o.instructions for o in here] == [o.instructions for o in there]
    assert [o.result for o in here] == [o.result for o in there] == [123, 456]
    expected = -3 * weights.astype(np.int32)
    expected[:17] += 5 * weights[:17].astype(np.int32)
    for found in (here[1], there[1]):
        assert found.arrays[0].tolist() == expected.tolist()
