"""Compile a project, once: builds are kept by content under the cache folder.

The folder is $EDGE_DASSDP_CACHE, or edge-dassdp in $XDG_CACHE_HOME or ~/.cache. A finished build
is renamed into place, so two processes may build the same thing at once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.build.elf import CRC_SECTION, symbol_table
from edge_dassdp.build.image import CRC_FILE, read_image
from edge_dassdp.build.project import Project, emulator_project, firmware_project

ARM_PREFIX = "arm-none-eabi-"
ARM_HELP = "On Debian: apt install gcc-arm-none-eabi libnewlib-arm-none-eabi"
# Heap, stdio and floating point: single (f), double (d), and conversions to and from them.
BANNED = re.compile(r"_*(malloc|calloc|realloc|free|sbrk|v?f?s?n?i?printf|puts|putchar)(_r)?"
                    r"|__aeabi_(f|d|cf|cd|h2|u?i2[fd]|u?l2[fd]).*"
                    r"|__\w+[sd]f(2|3|[sd]i|[sd]f2?)")
_N_THREADS = 2


@dataclass(frozen=True)
class Firmware:
    """A linked firmware. `directory` holds sources, objects and .ci files; do not write there."""

    board: Board
    elf: Path
    hex: Path
    directory: Path
    build_hash: int
    compiler: str
    flags: tuple[str, ...]


def build_emulator(sources: Mapping[str, str], *, checked: bool = False) -> Path:
    """The shared object of generated `sources` with the runtime, for this computer.

    `checked` compiles with DASSDP_CHECKED and the undefined-behaviour sanitizer.
    Raises EdgeError E301 without a C compiler, E302 if it refuses.
    """
    project = emulator_project(sources, checked=checked)
    compiler = host_compiler()

    def finish(directory: Path, objects: list[str]) -> None:
        _link(compiler, project, directory, objects, "emulator.so")

    return _cached("emulator", project, compiler, finish) / "emulator.so"


def host_compiler() -> list[str]:
    """The command that compiles for this computer: CC, or cc, or gcc. Raises EdgeError E301."""
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc" if shutil.which("cc") else "gcc"]
    find_tool(compiler[0], "Install a C compiler (Debian: apt install gcc) or set CC.")
    return compiler


def build_firmware(sources: Mapping[str, str], board: Board) -> Firmware:
    """The ELF and HEX files of generated `sources` for `board`.

    Raises EdgeError E301 without arm-none-eabi-gcc, E302 if it refuses or the result holds heap,
    stdio or floating point.
    """
    return build_project(firmware_project(sources, board), board)


def build_project(project: Project, board: Board) -> Firmware:
    """Build any project that `project.with_port` made for `board`."""
    compiler = [find_tool(ARM_PREFIX + "gcc", ARM_HELP)]
    objcopy = find_tool(ARM_PREFIX + "objcopy", ARM_HELP)

    def finish(directory: Path, objects: list[str]) -> None:
        _link(compiler, project, directory, objects, "firmware.elf")
        elf = directory / "firmware.elf"
        (directory / CRC_FILE).write_bytes(read_image(elf).crc.to_bytes(4, "little"))
        _run([objcopy, "--update-section", f"{CRC_SECTION}={CRC_FILE}", elf.name], directory)
        _refuse_banned(directory / "firmware.elf")
        _run([objcopy, "-O", "ihex", "firmware.elf", "firmware.hex"], directory)

    directory = _cached(f"firmware-{board.name}", project, compiler, finish)
    return Firmware(board, directory / "firmware.elf", directory / "firmware.hex", directory,
                    project.build_hash, compiler_version(tuple(compiler)), project.compile_flags)


def find_tool(name: str, help: str) -> str:
    """The path of an executable. Raises EdgeError E301 with `help`."""
    path = shutil.which(name)
    if path is None:
        raise EdgeError("E301", f"{name} is not installed", cause="it is not on PATH", help=help)
    return path


@functools.cache
def compiler_version(compiler: tuple[str, ...]) -> str:
    """The first line that the compiler says of itself."""
    done = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0].strip()


@functools.cache
def native_target(compiler: tuple[str, ...]) -> str:
    """What -march=native stands for on this computer: a cache may travel to another one."""
    done = subprocess.run([*compiler, "-march=native", "-E", "-v", "-x", "c", "/dev/null"],
                          capture_output=True, text=True, check=False)
    return "\n".join(line for line in done.stderr.splitlines() if "-march" in line or "cpu" in line)


def cache_folder() -> Path:
    """Where builds are kept."""
    own = os.environ.get("EDGE_DASSDP_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-dassdp"


def _cached(kind: str, project: Project, compiler: list[str],
            finish: Callable[[Path, list[str]], None]) -> Path:
    """The folder of a finished build, made if it is not there yet."""
    key = _key(_identity(compiler, project), f"{project.build_hash:016x}")
    final = cache_folder() / f"{kind}-{key}"
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final.parent, prefix="unfinished-") as temporary:
        directory = Path(temporary) / "build"
        project.write(directory)
        finish(directory, _compile(compiler, project, directory))
        try:
            directory.rename(final)
        except OSError:  # another process was first
            if not final.is_dir():
                raise
    return final


def _identity(compiler: list[str], project: Project) -> str:
    native = native_target(tuple(compiler)) if "-march=native" in project.cflags else ""
    return f"{compiler} {compiler_version(tuple(compiler))} {native}"


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _compile(compiler: list[str], project: Project, directory: Path) -> list[str]:
    """Objects of all units, in link order; .su and .ci files lie beside them.

    An object is kept by what its unit reads, so another model compiles its own tables only.
    """
    kept = cache_folder() / "objects"
    kept.mkdir(parents=True, exist_ok=True)
    identity = _identity(compiler, project)

    def compile_unit(unit: str) -> str:
        output = directory / f"obj/{unit}.o"
        output.parent.mkdir(parents=True, exist_ok=True)
        store = kept / _key(identity, unit, *project.reads(unit))
        if not store.is_dir():
            _run([*compiler, *project.compile_flags, "-c", unit, "-o", str(output)], directory)
            _keep([p for p in output.parent.glob(f"{Path(unit).name}.*") if p.is_file()], store)
        for path in store.iterdir():
            shutil.copyfile(path, output.parent / path.name)
        return f"obj/{unit}.o"

    with ThreadPoolExecutor(_N_THREADS) as pool:
        return list(pool.map(compile_unit, project.units))


def _keep(files: Sequence[Path], store: Path) -> None:
    """Put copies of `files` into the folder `store`, all at once."""
    with tempfile.TemporaryDirectory(dir=store.parent, prefix="unfinished-") as temporary:
        ready = Path(temporary) / "files"
        ready.mkdir()
        for path in files:
            shutil.copyfile(path, ready / path.name)
        with contextlib.suppress(OSError):  # another process was first
            ready.rename(store)


def _link(compiler: list[str], project: Project, directory: Path, objects: list[str],
          output: str) -> None:
    _run([*compiler, *project.compile_flags, *project.ldflags, *objects, "-o", output], directory)


def _run(command: Sequence[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tool = Path(command[0]).name
        raise EdgeError("E302", f"{tool} failed", cause=done.stderr.strip() or "no output",
                        help=f"The command was: {shlex.join([tool, *command[1:]])}")


def banned_symbols(elf: Path) -> list[str]:
    """Symbols of heap, stdio and floating point that were linked in, sorted."""
    with elf.open("rb") as stream:
        symbols = symbol_table(ELFFile(stream)).iter_symbols()
        return sorted({s.name for s in symbols if BANNED.fullmatch(s.name)})


def _refuse_banned(elf: Path) -> None:
    found = banned_symbols(elf)
    if found:
        raise EdgeError("E302", f"the firmware holds {', '.join(found)}",
                        cause="heap, stdio and floating point are banned on the device")
