"""Builds: warning-free and free of heap, stdio and floats, cached by content, reproducible."""

from __future__ import annotations

import subprocess

import pytest
from support.where import built_alike

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build import compile
from edge_dassdp.build.board import Board, list_boards, load_board
from edge_dassdp.build.compile import build_project
from edge_dassdp.build.elf import read_sizes
from edge_dassdp.build.project import Project, firmware_project, with_port, write_makefile

ECHO = """\
#include "port.h"
int main(void) {
    dassdp_port_init();
    for (;;) {
        int byte = dassdp_port_get();
        if (byte < 0) {
            dassdp_port_wait();
        } else {
            dassdp_port_put((uint8_t)byte);
        }
    }
}
"""
BOARDS = list_boards()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of builds."""
    monkeypatch.setenv("EDGE_DASSDP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def program(board: Board, main: str = ECHO) -> Project:
    return with_port({"src/main.c": main}, board)


@pytest.mark.parametrize("name", BOARDS)
def test_the_port_builds_without_warnings_and_holds_the_ram_it_announces(arm_toolchain, name):
    board = load_board(name)
    ledger = read_sizes(build_project(program(board), board).elf)
    assert ledger.ram == board.port_ram
    assert ledger.bss == sum(board.port_ram.values())
    assert ledger.data == 0
    assert ledger.stack == board.stack_bytes
    assert ledger.ram_bytes == ledger.bss + board.stack_bytes
    assert sum(ledger.flash.values()) <= ledger.flash_bytes < sum(ledger.flash.values()) + 64


def test_a_second_build_is_taken_from_the_cache(arm_toolchain, cache):
    board = load_board("microbit")
    first = build_project(program(board), board)
    stamp = first.elf.stat().st_mtime_ns
    second = build_project(program(board), board)
    assert second == first
    assert second.elf.stat().st_mtime_ns == stamp
    changed = build_project(program(board, ECHO + "/* . */\n"), board)
    assert changed.directory != first.directory
    assert changed.build_hash != first.build_hash
    kept = sorted(path.name.partition("-")[0] for path in cache.iterdir())
    assert kept == ["firmware", "firmware", "objects"]
    assert not list(cache.glob("**/unfinished-*"))


def test_the_bytes_do_not_depend_on_where_they_were_built(arm_toolchain, tmp_path, monkeypatch):
    board = load_board("stm32f405")
    first = build_project(program(board), board)
    monkeypatch.setenv("EDGE_DASSDP_CACHE", str(tmp_path / "elsewhere" / "deeper"))
    second = build_project(program(board), board)
    assert second.elf != first.elf
    assert second.elf.read_bytes() == first.elf.read_bytes()
    assert second.hex.read_bytes() == first.hex.read_bytes()


@pytest.mark.parametrize("name", built_alike())
def test_make_builds_the_same_elf(arm_toolchain, tmp_path, name):
    board = load_board(name)
    project = program(board)
    project.write(tmp_path / "project")
    write_makefile(project, board, tmp_path / "project")
    subprocess.run(["make", "-s", "-j2"], cwd=tmp_path / "project", check=True,
                   stdout=subprocess.DEVNULL)
    elf = build_project(project, board).elf
    assert (tmp_path / "project" / "firmware.elf").read_bytes() == elf.read_bytes()


@pytest.mark.parametrize(("statement", "symbol"), [
    ("volatile float x = 1.5f; x = x * x", "__aeabi_fmul"),
    ("volatile int i = 3; volatile double x = i; (void)x", "__aeabi_i2d"),
    ("char *volatile p = malloc(8); free(p)", "malloc"),
])
def test_heap_and_floats_are_refused_by_the_symbol(arm_toolchain, statement, symbol):
    board = load_board("microbit")
    main = ("#include <stdlib.h>\nvoid *_sbrk(int n);\n"
            "void *_sbrk(int n) { (void)n; return 0; }\n"
            f"int main(void) {{ {statement}; return 0; }}\n")
    with pytest.raises(EdgeError) as caught:
        build_project(program(board, main), board)
    assert caught.value.code == "E302"
    assert symbol in caught.value.message


@pytest.mark.parametrize("name", ["__aeabi_uidivmod", "__aeabi_lmul", "__aeabi_uldivmod",
                                  "__clzsi2", "__udivsi3", "memcpy", "dassdp_fprintf_free"])
def test_integer_helpers_are_not_banned(name):
    assert not compile.BANNED.fullmatch(name)


@pytest.mark.parametrize("name", ["__aeabi_fadd", "__aeabi_dcmplt", "__aeabi_ui2f", "__aeabi_l2d",
                                  "__aeabi_cfcmple", "__aeabi_h2f", "__mulsf3", "__fixdfsi",
                                  "__extendsfdf2", "printf", "snprintf", "_malloc_r", "_sbrk"])
def test_heap_stdio_and_float_helpers_are_banned(name):
    assert compile.BANNED.fullmatch(name)


def test_a_warning_fails_the_build_and_shows_the_compilers_words(arm_toolchain, cache):
    board = load_board("microbit")
    with pytest.raises(EdgeError) as caught:
        build_project(program(board, "int main(void) { int unused = 1; return 0; }\n"), board)
    assert caught.value.code == "E304"
    assert "unused" in caught.value.cause
    assert not list(cache.glob("firmware-*")) and not list(cache.glob("**/unfinished-*"))


def test_a_missing_compiler_is_told_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    board = load_board("microbit")
    with pytest.raises(EdgeError) as caught:
        build_project(program(board), board)
    assert caught.value.code == "E301"
    assert "gcc-arm-none-eabi" in caught.value.help


def test_a_missing_host_compiler_is_named(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(EdgeError) as caught:
        compile.build_emulator({})
    assert caught.value.code == "E301"
    assert "no-such-compiler" in caught.value.message


def test_boards_of_one_core_share_what_knows_no_board(arm_toolchain, tmp_path, monkeypatch):
    """And no more: what is built beside another board's is built as it is alone."""
    one, other = map(load_board, ("stm32f405", "nucleo-f401re"))
    build_project(program(one), one)
    beside = build_project(program(other), other)
    monkeypatch.setenv("EDGE_DASSDP_CACHE", str(tmp_path / "alone"))
    alone = build_project(program(other), other)
    assert beside.elf.read_bytes() == alone.elf.read_bytes()
    ones, others = (firmware_project({}, board) for board in (one, other))
    kernels = {unit for unit in ones.units if unit.startswith("kernels/")}
    assert kernels < {unit for unit in set(ones.units) & set(others.units)
                      if ones.reads(unit) == others.reads(unit)}
    for unit in ("port/cortex_m/port.c", "src/link/link.c", "src/link/requests.c"):
        assert ones.reads(unit) != others.reads(unit)


def test_an_object_depends_on_the_definitions_that_its_texts_name():
    board = load_board("stm32f405")
    whole, less = (firmware_project({"a.h": text}, board)
                   for text in ("dassdp_sensor.h dassdp_values_t dassdp_stream.h dassdp_classes.h",
                                "dassdp_values_t dassdp_stream.h dassdp_classes.h"))
    assert less.cflags == (*whole.cflags, "-DDASSDP_SENSORS=0")
    assert whole.reads("src/core/network.c") != less.reads("src/core/network.c")
    assert whole.reads("kernels/portable/neuron.c") == less.reads("kernels/portable/neuron.c")
