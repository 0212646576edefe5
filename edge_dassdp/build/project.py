"""Which files make an emulator or a firmware, and with which flags: one list for every build.

A `Project` holds everything that a build depends on except the compiler, so its hash names it.
Paths are relative throughout; the bytes that come out do not depend on where it is built.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

from edge_dassdp.base import assets
from edge_dassdp.base.quantities import quantities_header
from edge_dassdp.base.quoting import make
from edge_dassdp.build.board import Board, board_files
from edge_dassdp.storage.files import alone_in, write_text

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Wvla",
            "-Wdouble-promotion", "-Werror")
_SCRATCH = "-fno-strict-aliasing"  # the state's scratch holds sums, then update rows
_X86 = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
SPEED = ("-ftree-vectorize", "-fvect-cost-model=dynamic", "-funswitch-loops", "-march=native",
         *_X86)
"""Flags of the emulator that change no bit: a compiler that does not take one does without."""
SANITIZERS = ("-fsanitize=undefined",)
_EMULATOR = ("-O2", *SPEED)
_CHECKED = ("-O1", "-DDASSDP_CHECKED=1", *SANITIZERS)
_FIRMWARE = ("-mthumb", "-O2", "-ffunction-sections", "-fdata-sections", "-fno-common",
             "-fstack-usage", "-fcallgraph-info=su")
_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
_FIRMWARE_LINK = ("-nostartfiles", "-Wl,--nmagic", "-Wl,--gc-sections", "-Wl,--fatal-warnings",
                  "-Wl,--emit-relocs", "-Tgenerated/link.ld")
"""--nmagic: else the ELF header becomes part of a segment that begins before the flash does, where
the flash does not begin at a page."""


LOCK_FILE = "dassdp_lock_key.c"
"""Among generated sources the one that makes a build a locked one. It holds the key."""
_LOCKED = ("-DDASSDP_LOCKED=1",)
_PARTS = {"DASSDP_SENSORS": "dassdp_sensor.h", "DASSDP_VALUES": "dassdp_values_t",
          "DASSDP_STREAMS": "dassdp_stream.h", "DASSDP_CLASSES": "dassdp_classes.h"}
"""Left out of a firmware, by its switch: the sign in generated sources that a model has it."""


@dataclass(frozen=True)
class Project:
    """Texts by relative path, compiler flags and linker flags (the latter follow the former)."""

    files: Mapping[str, str]
    cflags: tuple[str, ...]
    ldflags: tuple[str, ...]

    @property
    def units(self) -> list[str]:
        """The files that are compiled, in link order."""
        return sorted(path for path in self.files if path.endswith((".c", ".S")))

    @property
    def is_locked(self) -> bool:
        """Whether a key stands in it: no other user may read it, or what is made of it."""
        return f"generated/{LOCK_FILE}" in self.files

    @property
    def include_flags(self) -> tuple[str, ...]:
        folders = {str(Path(path).parent) for path in self.files if path.endswith(".h")}
        return tuple(f"-I{folder}" for folder in sorted(folders))

    @property
    def build_hash(self) -> int:
        """The first 8 bytes of the SHA-256 over texts and flags; the device reports it."""
        content = json.dumps([dict(sorted(self.files.items())), self.cflags, self.ldflags])
        return int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "big")

    @property
    def compile_flags(self) -> tuple[str, ...]:
        """All flags to compile one unit with, build hash and include folders among them."""
        return (*self.cflags, f"-DDASSDP_BUILD_HASH=0x{self.build_hash:016X}ULL",
                *self.include_flags)

    @cached_property
    def _headers(self) -> dict[str, str]:
        """Paths of headers by their names."""
        return {Path(path).name: path for path in self.files if path.endswith(".h")}

    def reads(self, unit: str) -> list[str]:
        """All that the object of `unit` depends on: the texts it includes, at any depth, and flags,
        of definitions those that a text names. So boards of one core share what knows no board.
        """
        forced = [flag for before, flag in pairwise(self.cflags) if before == "-include"]
        waiting, texts = [unit, *forced], {}
        while waiting:
            path = waiting.pop()
            if path not in texts:
                texts[path] = self.files[path]
                waiting += [self._headers[name] for name in _included(texts[path])
                            if name in self._headers]

        def is_named(name: str) -> bool:
            return any(name in text for text in texts.values())

        flags = [flag for flag in self.cflags if not flag.startswith("-D")
                 or is_named(flag.removeprefix("-D").partition("=")[0])]
        return [*flags, str(self.build_hash) if is_named("DASSDP_BUILD_HASH") else "",
                *(f"{path}\n{texts[path]}" for path in sorted(texts))]

    def write(self, directory: Path) -> None:
        """Write every text below `directory`."""
        for path, text in self.files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_text(target, text, sync=False, private=target.name == LOCK_FILE)


@lru_cache(maxsize=1024)
def _included(text: str) -> tuple[str, ...]:
    return tuple(_INCLUDE.findall(text))


def emulator_project(sources: Mapping[str, str], *, checked: bool = False,
                     without: Collection[str] = ()) -> Project:
    """Generated `sources` with the runtime and the host port, as a shared object.

    The checked build takes the portable kernels, which are the specification; the fast one those
    of the host. without: flags of SPEED and SANITIZERS that the compiler does not take.
    """
    files = (_runtime(() if checked else ("host",)) | _firmware_files("port/host")
             | _generated(sources))
    kind = tuple(flag for flag in (_CHECKED if checked else _EMULATOR) if flag not in without)
    return _locked(Project(files, ("-std=c11", _SCRATCH, *kind, "-fPIC", *WARNINGS), ("-shared",)))


def firmware_project(sources: Mapping[str, str], board: Board) -> Project:
    """Generated `sources` with the runtime and the port of `board`, as an ELF file."""
    project = _locked(with_port(_runtime(board.kernels) | _generated(sources)
                                | _firmware_files("port/cortex_m", only=("main.c",)), board))
    absent = [f"-D{switch}=0" for switch, sign in _PARTS.items()
              if sources and not any(sign in text for text in sources.values())]
    return replace(project, cflags=(*project.cflags, *absent))


def _locked(project: Project) -> Project:
    """With the flag of a locked build where a key is among its sources."""
    return replace(project, cflags=(*project.cflags, *_LOCKED)) if project.is_locked else project


def with_port(files: Mapping[str, str], board: Board) -> Project:
    """Any program that has a main and uses port.h, made a firmware for `board`."""
    port = (_firmware_files("port") | _firmware_files("port/cortex_m", besides=("main.c",))
            | _firmware_files("port/uart", only=("uart.h", f"{board.uart.driver}.c"))
            | (_firmware_files("port/flash", only=("flash.h", "stm32.h", f"{board.store.driver}.c"))
               if board.store else {})
            | _firmware_files("port/image", only=(f"{board.image and board.image.kind}.S",))
            | _generated(board_files(board) | {"dassdp_quantities.h": quantities_header()}))
    flags = ("-std=c11", _SCRATCH, f"-mcpu={board.cpu}", *board.cflags, *_FIRMWARE, *WARNINGS)
    return Project(dict(files) | port, flags, _FIRMWARE_LINK)


def write_project(sources: Mapping[str, str], board: Board, directory: Path) -> None:
    """Write a self-contained C project: texts and a Makefile that builds the same ELF file.

    Of two at once in one folder the later one is there whole.
    """
    project = firmware_project(sources, board)
    with alone_in(directory, waits=True):
        project.write(directory)
        write_makefile(project, board, directory)


def write_makefile(project: Project, board: Board, directory: Path) -> None:
    """Write the Makefile of a project that lies in `directory`."""
    program = board.program.of("firmware.elf", "firmware.hex")
    words = shlex.join(program.command)
    text = assets.render("Makefile.j2", project=project, board=board, program=words,
                         recipe=make(words), note=program.note, lock_file=LOCK_FILE)
    write_text(directory / "Makefile", text)


def _generated(sources: Mapping[str, str]) -> dict[str, str]:
    return {f"generated/{name}": text for name, text in sources.items()}


def _runtime(kernels: tuple[str, ...]) -> dict[str, str]:
    """Public header, runtime, and of each kernel the file of the first folder that has it."""
    chosen: dict[tuple[str, bool], str] = {}
    root = assets.folder("firmware") / "kernels"
    for folder in reversed((*kernels, "portable")):
        for path in sorted((root / folder).glob("*.[chS]")):
            chosen[path.stem, path.suffix == ".h"] = f"kernels/{folder}/{path.name}"
    picked = {path: (root.parent / path).read_text("utf-8") for path in chosen.values()}
    return (_firmware_files("include") | _firmware_files("src/*") | _firmware_files("port")
            | _firmware_files("port/flash", only=("flash.h",)) | picked
            | _generated({"dassdp_quantities.h": quantities_header()}))


def _firmware_files(folder: str, *, only: tuple[str, ...] = (),
                    besides: tuple[str, ...] = ()) -> dict[str, str]:
    """Texts of firmware/<folder>, a pattern, not of folders below it, by path relative to it."""
    root = assets.folder("firmware")
    return {path.relative_to(root).as_posix(): path.read_text("utf-8")
            for path in sorted(root.glob(f"{folder}/*.[chS]"))
            if (not only or path.name in only) and path.name not in besides}
