"""Counts and modelled cycles of a function short enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from counting import CORES, Case, Outcome, Struct, compile_objects, link, run_qemu, run_unicorn

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
