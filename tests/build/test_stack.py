"""The stack bound, on programs whose depth is known."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from elftools.elf.elffile import ELFFile
from support.scenarios import SCENARIOS
from support.where import built_alike, with_own_kernels

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, list_boards, load_board
from edge_dassdp.build.callees import callees
from edge_dassdp.build.compile import Firmware, build_firmware, build_project
from edge_dassdp.build.elf import symbol_table
from edge_dassdp.build.project import Project, firmware_project, with_port
from edge_dassdp.build.stack import StackBound, stack_bound, stack_depth
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan

# Reached only through a pointer; 400 bytes that no compiler can drop, and a library call below.
DEEP = """\
#include <stdint.h>
#include <string.h>
typedef uint32_t step_fn(uint32_t);
extern step_fn *const steps[2];
step_fn shallow, deep, leaf;
int main(void);
__attribute__((noinline)) uint32_t leaf(uint32_t n) {
    volatile uint8_t bytes[200];
    bytes[n % 200U] = 1;
    return bytes[0];
}
uint32_t shallow(uint32_t n) {
    return n;
}
uint32_t deep(uint32_t n) {
    uint8_t from[100], to[100];
    memset(from, (int)n, sizeof from);
    memcpy(to, from, (n & 63U) + 1U);
    return leaf(n) + to[n % 100U];
}
step_fn *const steps[2] = {shallow, deep};
int main(void) {
    volatile uint32_t which = 1;
    return (int)steps[which & 1U](which);
}
"""

RECURSIVE = """\
int main(void);
int even(int), odd(int);
__attribute__((noinline)) int even(int n) { return n == 0 ? 1 : 1 + odd(n - 1); }
__attribute__((noinline)) int odd(int n) { return n == 0 ? 0 : 2 + even(n - 1); }
int main(void) { volatile int n = 3; return even(n); }
"""

UNBOUNDED = """\
#include <stdint.h>
int main(void);
void fill(uint8_t *, uint32_t);
__attribute__((noinline)) void fill(uint8_t *bytes, uint32_t n) { bytes[n - 1U] = 1; }
int main(void) {
    volatile uint32_t n = 40;
    uint8_t *bytes = __builtin_alloca(n);
    fill(bytes, n);
    return bytes[0];
}
"""


def built(board: Board, main: str) -> Firmware:
    return build_project(with_port({"src/main.c": main}, board), board)


def bound(name: str, main: str) -> StackBound:
    return stack_bound(built(load_board(name), main))


@pytest.mark.parametrize("name", built_alike())
def test_the_deepest_path_goes_through_pointer_frame_and_leaf(arm_toolchain, name):
    board = load_board(name)
    firmware = built(board, DEEP)
    result = stack_bound(firmware)
    assert result.path[:4] == ("dassdp_reset_handler", "main", "deep", "leaf")
    # 200 + 200 bytes of arrays, and at most 20 words of saved registers on the way
    assert 400 < result.path_bytes <= 400 + 80
    assert result.isr_path[0] == "dassdp_uart_isr"
    returning = {"dassdp_nmi_handler": board.nmi, "dassdp_bus_fault_handler": board.bus_fault}
    on_top = [result.isr_bytes, *(stack_depth(firmware, handler)
                                  for handler, is_own in returning.items() if is_own)]
    assert result.bytes == result.path_bytes + sum(board.exception_frame + n for n in on_top)


@pytest.mark.parametrize("name", built_alike())
def test_a_library_function_counts_with_the_frame_of_its_instructions(arm_toolchain, name):
    without_leaf = DEEP.replace("leaf(n) + ", "")
    result = bound(name, without_leaf)
    assert result.path[:3] == ("dassdp_reset_handler", "main", "deep")
    assert result.path[3] in ("memcpy", "memset", "__aeabi_uidivmod", "__udivsi3")
    assert result.path_bytes > 200


def test_recursion_is_refused_and_shown(arm_toolchain):
    with pytest.raises(EdgeError) as caught:
        bound("stm32f405", RECURSIVE)
    assert caught.value.code == "E302"
    assert "even -> odd -> even" in caught.value.cause


def test_a_frame_without_fixed_size_is_refused(arm_toolchain):
    with pytest.raises(EdgeError) as caught:
        bound("stm32f405", UNBOUNDED)
    assert caught.value.code == "E302"
    assert "main" in caught.value.message


ASSEMBLY = """\
    .syntax unified
    .thumb
    .global outer
    .type outer, %function
outer:
    push {r4-r7, lr}
    sub sp, #16
    bl inner
    add sp, #16
    pop {r4-r7, pc}
    .type inner, %function
inner:
    push {r4, lr}
    MOVE
    pop {r4, pc}
"""
CALLS_ASSEMBLY = "void outer(void);\nint main(void) { outer(); return 0; }\n"


def assembled(name: str, instruction: str):
    board = load_board(name)
    files = {"src/main.c": CALLS_ASSEMBLY, "src/asm.S": ASSEMBLY.replace("MOVE", instruction)}
    return build_project(with_port(files, board), board)


@pytest.mark.parametrize("name", built_alike())
def test_assembly_counts_with_what_it_pushes(arm_toolchain, name):
    firmware = assembled(name, "nop")
    assert stack_bound(firmware).path[-2:] == ("outer", "inner")
    assert stack_depth(firmware, "inner") == 8
    assert stack_depth(firmware, "outer") == 20 + 16 + 8


def test_assembly_without_fixed_frame_is_refused(arm_toolchain):
    with pytest.raises(EdgeError) as caught:
        stack_bound(assembled("stm32f405", "sub sp, sp, r0"))
    assert caught.value.code == "E302"
    assert "inner" in caught.value.message


@pytest.mark.parametrize("name", with_own_kernels(list_boards()))
def test_kernels_say_how_much_stack_they_take(arm_toolchain, name):
    """`@ stack: N`, callees included, stands above every assembly function; the bound covers it.
    All kernels at once are more than a small chip holds, and nothing of it runs."""
    board = load_board(name)
    board = replace(board, flash=replace(board.flash, bytes=1 << 20))
    project = firmware_project({}, board)
    files = {path: text for path, text in project.files.items()
             if path.startswith("kernels/") or path.endswith(".h")}
    project = with_port(files | {"src/main.c": "int main(void) { return 0; }\n"}, board)
    firmware = build_project(Project(project.files, project.cflags,
                                     (*project.ldflags, "-Wl,--no-gc-sections")), board)
    for unit in (path for path in project.units if path.startswith("kernels/")):
        if unit.endswith(".S"):
            with (firmware.directory / f"obj/{unit}.o").open("rb") as stream:
                functions = [s.name for s in symbol_table(ELFFile(stream)).iter_symbols()
                             if s["st_info"]["type"] == "STT_FUNC"]
            said = [int(n) for n in re.findall(r"@ stack: (\d+)", files[unit])]
            found = sorted(stack_depth(firmware, f) for f in functions)
            assert len(found) == len(said), unit
            # the bound adds up pushes of paths that exclude each other
            assert all(0 <= f - s <= 16 for f, s in zip(found, sorted(said), strict=True)), unit


@pytest.mark.parametrize("name", built_alike())
def test_the_bound_covers_learning_again_and_fits_the_stack(arm_toolchain, name):
    """Touch, replay and guard reach their functions through pointers only, none recurses."""
    board = load_board(name)
    result = stack_bound(build_firmware(emit(Plan.of(SCENARIOS["guard_all"].quantized)), board))
    assert "dassdp_replay_after" in result.path and "dassdp_touch_learn" in result.path
    assert result.bytes <= board.stack_bytes


def test_a_function_with_an_attribute_reaches_its_own_hooks_alone(tmp_path):
    """It was not read, reached all hooks there are, and firmware seemed to recurse."""
    (tmp_path / "a.c").write_text(
        "__attribute__((noinline)) static int apart(const table_t *t)\n{\n"
        "    return t->take(1);\n}\n"
        "static table_t filled = {.take = taken, .other = another};\n")
    assert callees(tmp_path) == {"apart": {"taken"}}
