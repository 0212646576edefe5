"""Libraries of models, compiled for this computer and loaded."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from support.scenarios import SCENARIOS

from edge_dassdp.build.board import load_board
from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import firmware_project, with_port
from edge_dassdp.library.sources import Sources
from edge_dassdp.library.write import library_files
from edge_dassdp.qir import QNetwork
from edge_dassdp.wire.frames import messages_header

NEEDED = ("-std=c11", "-fno-strict-aliasing", "-ffunction-sections", "-fdata-sections")


def put(files: Mapping[str, str], folder: Path) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


def written(kind: str, folder: Path, **networks: QNetwork) -> Path:
    """A library of models by their names."""
    return put(library_files(networks, kind), folder)


def compiled(compiler: Sequence[str], src: Path, objects: Path, *flags: str,
             kinds: Sequence[str] = (".c", ".S")) -> list[Path]:
    """Objects of all units of a flat folder, one process for all."""
    objects.mkdir(parents=True, exist_ok=True)
    units = sorted(p for p in src.iterdir() if p.suffix in kinds)
    done = subprocess.run([*compiler, *flags, f"-I{src}", "-c", *units], cwd=objects, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return [objects / f"{unit.stem}.o" for unit in units]


@cache
def runtime_archive() -> Path:
    """The runtime with sensors, for shared objects of this computer."""
    folder = Path(mkdtemp())
    network = next(s for s in SCENARIOS.values() if s.quantized.sensor is not None).quantized
    put(Sources.of({"some": network}, "test").runtime, folder / "src")
    objects = compiled(host_compiler(), folder / "src", folder / "obj", *NEEDED, "-O1", "-fPIC")
    subprocess.run(["ar", "rcs", folder / "libdassdp.a", *objects], check=True)
    return folder / "libdassdp.a"


def loaded(network: QNetwork, name: str, folder: Path, wrapper: str) -> ctypes.CDLL:
    """A model and its contract as an application on this computer has them; wrapper: C text that
    makes functions of what is inline."""
    src = put(Sources.of({name: network}, "test").files, folder / "src")
    (folder / "wrapper.c").write_text(wrapper, "utf-8")
    own = [src / f"{name}.c", src / f"{name}_model.c", folder / "wrapper.c"]
    library = folder / "library.so"
    subprocess.run([*host_compiler(), *NEEDED, "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1",
                    "-fPIC", "-shared", f"-I{src}", *own, runtime_archive(), "-o", library],
                   check=True)
    return ctypes.CDLL(str(library))


CLANG_FOR_ARM = ("clang", "--target=arm-none-eabi", "-fshort-enums", "-isystem",
                 "/usr/include/newlib")
"""Headers of Debian's newlib; GCC links what it compiles."""
ARDUINO = Path(__file__).parent / "arduino"
CXX = ("-std=gnu++11", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
_OURS = ("init", "get", "put", "wait", "ticks", "tick_bits", "counter", "stack_size",
         "stack_used", "rx_lost")


@cache
def port_objects(name: str, renamed: bool, own_flash: bool) -> tuple[Path, ...]:
    """The port of a board without a main, beside its linker script; renamed: its functions are
    called board_port_*, as where a library brings its own. own_flash: without a flash driver."""
    board = load_board(name)
    board = replace(board, store=None) if own_flash else board
    project = firmware_project({"dassdp_messages.h": messages_header()}, board)
    folder = Path(mkdtemp())
    project.write(folder)
    names = [f"-Ddassdp_port_{word}=board_port_{word}" for word in _OURS if renamed]
    flags = [flag for flag in project.compile_flags if not flag.startswith("-fcallgraph")]
    for unit in project.units:
        if not unit.startswith("port/") or unit.endswith("/main.c"):
            continue
        subprocess.run(["arm-none-eabi-gcc", *flags, *names, "-c", unit, "-o",
                        folder / f"{Path(unit).stem}.o"], check=True, cwd=folder)
    return tuple(sorted(folder.glob("*.o")))


def linked(name: str, objects: Sequence[Path], elf: Path, cflags: Sequence[str],
           *, renamed: bool = True, own_flash: bool = False) -> Path:
    """A program for a board in QEMU, with the board's port; own_flash: it has a driver of its
    own."""
    port = port_objects(name, renamed, own_flash)
    ldflags = [flag for flag in with_port({}, load_board(name)).ldflags
               if flag != "-Wl,--emit-relocs"]
    subprocess.run(["arm-none-eabi-gcc", *cflags, *ldflags, "-Wl,-z,noexecstack", *port, *objects,
                    "-o", elf], check=True, cwd=port[0].parent)
    return elf


def core_flags(name: str) -> tuple[str, ...]:
    """Of a board's core; with MVE where it has it."""
    board = load_board(name)
    abi = "softfp" if board.cpu == "cortex-m55" else "soft"
    return "-mthumb", f"-mcpu={board.cpu}", f"-mfloat-abi={abi}"
