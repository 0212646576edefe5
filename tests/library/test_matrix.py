"""Every layout compiles without a warning by every compiler that a user may have, for every core,
with -Os and -O2, newlib-nano and picolibc: a sample that has each of these on each change, all
of them together nightly. What is linked has the kernels of its core, no heap, stdio or float."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import mkdtemp

import pytest
from conftest import require
from support import lanes
from support.library import ARDUINO, CLANG_FOR_ARM, CXX, NEEDED, compiled, written
from support.scenarios import SCENARIOS

from edge_dassdp.build.compile import banned_symbols
from edge_dassdp.library.known import KINDS

MODELS = {"first": SCENARIOS["guard_all"].quantized, "second": SCENARIOS["graph_16"].quantized}
CORES = {"cortex-m0": "armv6m", "cortex-m0plus": "armv6m", "cortex-m3": "armv7m",
         "cortex-m4": "dsp", "cortex-m7": "dsp", "cortex-m33": "dsp", "cortex-m55": "mve",
         "": "portable"}
"""Whose kernels of 8-bit weights each core runs; "": this computer."""
COMPILERS = {"gcc": ("arm-none-eabi-gcc",), "clang": CLANG_FOR_ARM}
LIBRARIES = {"nano": ("--specs=nano.specs",), "picolibc": ("--specs=picolibc.specs",)}
PICOLIBC = Path("/usr/lib/picolibc/arm-none-eabi/picolibc.specs")
STRICT = ("-Wall", "-Wextra", "-Werror")
MAIN = """
#include "first.h"
#include "second.h"
int main(void);
static first_state_t first;
static second_state_t second;
int main(void)
{
    dassdp_result_t result;
    dassdp_init(&first_model, &first);
    dassdp_init(&second_model, &second);
    dassdp_infer(&first_model, &first, (const int8_t *)&second, &result);
    dassdp_infer(&second_model, &second, (const int8_t *)&first, &result);
    return dassdp_learn(&first_model, &first, 0, DASSDP_OWN_LOSS, &result)
        + dassdp_learn(&second_model, &second, 0, DASSDP_OWN_LOSS, &result);
}
"""
Case = tuple[str, str, str, str, str]
ALL: list[Case] = [
    *((kind, compiler, core, level, library) for kind, compiler, core, level, library in product(
        KINDS, COMPILERS, [c for c in CORES if c], ("-Os", "-O2"), LIBRARIES)),
    *((kind, compiler, "", level, "") for kind, compiler, level in product(
        KINDS, COMPILERS, ("-Os", "-O2")))]
SAMPLE: list[Case] = [
    ("arduino", "gcc", "cortex-m0plus", "-Os", "nano"),
    ("cmake", "gcc", "cortex-m7", "-O2", "nano"),
    ("make", "gcc", "cortex-m33", "-Os", "picolibc"),
    ("zephyr", "clang", "cortex-m55", "-Os", "nano"),
    ("platformio", "clang", "cortex-m0", "-O2", "picolibc"),
    ("zephyr", "gcc", "cortex-m4", "-O2", "nano"),
    ("arduino", "gcc", "cortex-m3", "-O2", "picolibc"),
    ("cmake", "clang", "", "-Os", ""), ("make", "gcc", "", "-O2", "")]
ZEPHYR = """
cmake_minimum_required(VERSION 3.20)
project(stands_in C ASM)
set(CONFIG_DASSDP y)
macro(zephyr_include_directories)
    include_directories(${ARGN})
endmacro()
macro(zephyr_library_named name)
    add_library(${name} STATIC)
    set(library ${name})
endmacro()
macro(zephyr_library_compile_options)
    target_compile_options(${library} PRIVATE ${ARGN})
endmacro()
macro(zephyr_library_compile_definitions)
    target_compile_definitions(${library} PRIVATE ${ARGN})
endmacro()
macro(zephyr_library_sources)
    target_sources(${library} PRIVATE ${ARGN})
endmacro()
include(MODULE/zephyr/CMakeLists.txt)
"""
"""Of Zephyr's CMake what the module calls: that it was built there it does not prove."""


@cache
def library(kind: str) -> Path:
    return written(kind, Path(mkdtemp()), **MODELS)


def command(compiler: str, core: str) -> tuple[str, ...]:
    return COMPILERS[compiler] if core else (compiler,)


def core_flags(core: str) -> tuple[str, ...]:
    if not core:
        return ()
    abi = "-mfloat-abi=hard" if core in ("cortex-m7", "cortex-m33", "cortex-m55") else ""
    return tuple(filter(None, (f"-mcpu={core}", "-mthumb", abi)))


def libc(compiler: str, name: str) -> tuple[str, ...]:
    """Clang is told of the headers alone."""
    if compiler == "gcc":
        return LIBRARIES.get(name, ())
    return ("-isystem", str(PICOLIBC.parent / "include")) if name == "picolibc" else ()


def by_hand(folder: Path, compiler: str, core: str, objects: Path, *flags: str) -> list[Path]:
    """As Arduino and PlatformIO compile: every unit of src, the former with its own flags alone."""
    about = folder / "library.json"
    own = json.loads(about.read_text("utf-8"))["build"]["flags"] if about.exists() else []
    found = compiled(command(compiler, core), folder / "src", objects, *flags, *own,
                     "-ffunction-sections", "-fdata-sections")
    if core:
        plus = ("arm-none-eabi-g++",) if compiler == "gcc" else command(compiler, core)
        compiled(plus, folder / "src", objects, *flags, *CXX, "-DARDUINO=10819", f"-I{ARDUINO}",
                 kinds=(".cpp",))
    return found


def by_cmake(folder: Path, compiler: str, core: str, objects: Path, *flags: str) -> list[Path]:
    require("cmake")
    source = folder
    if (folder / "zephyr").exists():
        source = objects / "zephyr"
        source.mkdir(parents=True)
        (source / "CMakeLists.txt").write_text(ZEPHYR.replace("MODULE", str(folder)), "utf-8")
    first, *others = command(compiler, core)
    given = " ".join([*others, *flags])
    cross = ["-DCMAKE_SYSTEM_NAME=Generic"] if core else []
    archiver = "arm-none-eabi-ar" if core else "ar"
    quiet("cmake", "-S", source, "-B", objects, *cross, f"-DCMAKE_C_COMPILER={first}",
          f"-DCMAKE_ASM_COMPILER={first}", f"-DCMAKE_C_FLAGS={given}",
          f"-DCMAKE_ASM_FLAGS={given}", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
          f"-DCMAKE_AR={shutil.which(archiver)}", "-DDASSDP_EXAMPLES=OFF")
    quiet("cmake", "--build", objects, "-j2")
    return [*objects.glob("lib*_model.a"), objects / "libdassdp.a"]


def by_make(folder: Path, compiler: str, core: str, objects: Path, *flags: str) -> list[Path]:
    given = [f"CC={' '.join(command(compiler, core))}"]
    if core:
        given.append("AR=arm-none-eabi-ar")
    quiet("make", "-C", folder, "lib", "-j2", f"OUT={objects}", f"CFLAGS={' '.join(flags)}", *given)
    return [objects / "libdassdp.a"]


def quiet(*words: str | Path) -> None:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "warning:" not in done.stderr, done.stderr


BUILT = {"arduino": by_hand, "platformio": by_hand, "cmake": by_cmake, "zephyr": by_cmake,
         "make": by_make}


def linked(objects: Sequence[Path], compiler: str, core: str, level: str, name: str, src: Path,
           folder: Path) -> Path:
    """Both models with a main, by GCC: of what is linked nothing else is asked."""
    main = folder / "main.c"
    main.write_text(MAIN, "utf-8")
    flags = [*core_flags(core), level, *NEEDED, *STRICT, f"-I{src}", "-Wl,--gc-sections",
             f"-Wl,-Map={folder / 'program.map'}"]
    ends = ["-nostartfiles", "-Wl,-e,main", *LIBRARIES[name], "-Wl,-z,noexecstack"] if core else []
    extra = ["-fshort-enums"] if core else []
    quiet("arm-none-eabi-gcc" if core else compiler, *flags, *extra, main, *objects, *ends, "-o",
          folder / "program")
    return folder / "program"


@pytest.mark.usefixtures("arm_toolchain")
@pytest.mark.parametrize("kind,compiler,core,level,name", ALL if lanes.nightly else SAMPLE)
def test_a_layout_compiles(kind: str, compiler: str, core: str, level: str, name: str,
                           tmp_path: Path) -> None:
    require(command(compiler, core)[0])
    if name == "picolibc" and not PICOLIBC.exists():
        require("picolibc-arm-none-eabi")
    flags = (*core_flags(core), *libc(compiler, name), level, *STRICT)
    folder = library(kind)
    objects = BUILT[kind](folder, compiler, core, tmp_path / "obj", *flags)
    program = linked(objects, compiler, core, level, name, folder / "src", tmp_path)
    assert kernels(program) == {CORES[core]}
    if core:
        assert banned_symbols(program) == []


def kernels(program: Path) -> set[str]:
    """Folders of the kernels that were linked, of sums of 8-bit weights, by the linker's map."""
    linked = program.with_suffix(".map").read_text("utf-8")
    return set(re.findall(r"\.text\.dassdp_k_accumulate_s8\s+0x\w+\s+0x\w+\s+"
                          r"\S*dassdp_(\w+?)_accumulate_s8\.", linked))
