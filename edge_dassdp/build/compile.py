"""Compile a project, once: builds are kept by content in the cache (edge_dassdp.storage.cache)."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.notices import begins
from edge_dassdp.build import host, tools
from edge_dassdp.build.board import Board, BootImage, Region
from edge_dassdp.build.description import BOOT_ROMS, FLASH_BEGIN
from edge_dassdp.build.elf import CRC_SECTION, opened, read_symbols
from edge_dassdp.build.image import CRC_FILE, check_boot2, read_image, uf2
from edge_dassdp.build.project import SANITIZERS, SPEED, Project, emulator_project, firmware_project
from edge_dassdp.build.tools import ARM_HELP, ARM_PREFIX
from edge_dassdp.storage import cache
from edge_dassdp.storage.files import make_private

# Heap, stdio and floating point: single (f), double (d), and conversions to and from them.
BANNED = re.compile(r"_*(malloc|calloc|realloc|free|sbrk|v?f?s?n?i?printf|puts|putchar)(_r)?"
                    r"|__aeabi_(f|d|cf|cd|h2|u?i2[fd]|u?l2[fd]).*"
                    r"|__\w+[sd]f(2|3|[sd]i|[sd]f2?)")
_OVERFLOWED = re.compile(r"region `(FLASH|RAM)' overflowed by (\d+) bytes")
_TRIAL = """\
#include <stdint.h>
#include <string.h>
int main(int n, char **given) { return memcmp(given[0], given[1], (size_t)n); }
"""
_TRIAL_FLAGS = ("-mthumb", "-mcpu=cortex-m0", "-nostartfiles", "-Wl,-e,main")
_N_THREADS = 2
_KINDS = ("elf", "hex", "bin", "uf2")
"""Files of a firmware, uf2 where the board has an [image] table; a cache that others filled with
fewer is not asked."""


@dataclass(frozen=True)
class Firmware:
    """A linked firmware. `directory` holds sources, objects and .ci files; do not write there.
    is_locked: a key stands in it."""

    board: Board
    elf: Path
    hex: Path
    directory: Path
    build_hash: int
    compiler: str
    flags: tuple[str, ...]
    is_locked: bool = False

    @property
    def files(self) -> dict[str, Path]:
        """All files that programmers and drives take, by kind: elf, hex, bin, and uf2 of chips that
        have an [image] table."""
        return {kind: self.directory / f"firmware.{kind}" for kind in _KINDS
                if kind != "uf2" or self.board.image}

    def check(self) -> None:
        """Raises EdgeError E103 if any of its files is no longer what was built."""
        if not cache.is_whole(self.directory):
            raise EdgeError("E103", f"the firmware in {self.directory} was damaged after its build",
                            cause="a file there is not what was built", help="build it again")


@dataclass(frozen=True)
class _Compiler:
    """command: of the compiler. identity: what objects depend on besides their texts and flags.
    help: what to do where it fails."""

    command: tuple[str, ...]
    identity: str
    help: str

    def run(self, project: Project, directory: Path, *arguments: str, makes: str) -> None:
        """Raises EdgeError E302 if it fails, E304 if that is our doing."""
        command = [*self.command, *project.compile_flags, *arguments, "-o", makes]
        (directory / makes).parent.mkdir(parents=True, exist_ok=True)
        try:
            tools.run(command, self.help, directory, makes=makes)
        except EdgeError as problem:
            if not tools.proves_defect(self.command, problem.cause, project.files):
                raise
            raise EdgeError("E304", "the compiler refused generated code", cause=problem.cause,
                            help="This is our defect: please report it with the model. "
                                 + problem.help.removeprefix(self.help).strip()) from None


def build_emulator(sources: Mapping[str, str], *, checked: bool = False) -> Path:
    """The shared object of generated `sources` with the runtime, for this computer.

    `checked` compiles with DASSDP_CHECKED and, where the compiler brings its library, the
    undefined-behaviour sanitizer. Raises EdgeError E301 without a C compiler, E302 if it fails or
    what it makes cannot be loaded, E304 if it refuses generated code.
    """
    command = host.host_compiler()
    wanted = SANITIZERS if checked else SPEED
    taken = host.flags_taken(command, wanted)
    project = emulator_project(sources, checked=checked, without=set(wanted) - taken)
    compiler = _Compiler(tuple(command), host.host_identity(command), host.host_help())

    def finish(directory: Path, objects: list[str]) -> None:
        compiler.run(project, directory, *project.ldflags, *objects, makes="emulator.so")
        host.load_here(directory / "emulator.so", "dassdp_emulator_model", command)

    return _cached("emulator", project, compiler, finish) / "emulator.so"


def build_firmware(sources: Mapping[str, str], board: Board) -> Firmware:
    """The ELF file of generated `sources` for `board`, and what else programmers take.

    Raises EdgeError E301 without arm-none-eabi-gcc, E302 if it fails or the result holds heap,
    stdio or floating point, E304 if it refuses generated code, E402 if memory does not suffice.
    """
    return build_project(firmware_project(sources, board), board)


def build_project(project: Project, board: Board) -> Firmware:
    """Build any project that `project.with_port` made for `board`."""
    compiler, version = _arm_compiler()
    objcopy = tools.find_tool(ARM_PREFIX + "objcopy", ARM_HELP)

    def finish(directory: Path, objects: list[str]) -> None:
        elf = directory / "firmware.elf"
        try:
            compiler.run(project, directory, *project.ldflags, *objects, makes=elf.name)
        except EdgeError as problem:
            raise _overflow(problem, board) from None
        (directory / CRC_FILE).write_bytes(read_image(elf).crc.to_bytes(4, "little"))
        tools.run([objcopy, "--update-section", f"{CRC_SECTION}={CRC_FILE}", elf.name], ARM_HELP,
                  directory, makes=elf.name)
        _refuse_banned(directory / "firmware.elf")
        for format, kind in (("ihex", "hex"), ("binary", "bin")):
            tools.run([objcopy, "-O", format, elf.name, f"firmware.{kind}"], ARM_HELP, directory,
                      makes=f"firmware.{kind}")
        if board.image:
            _finish_boot_image(board.image, directory)

    directory = _cached(f"firmware-{board.name}", project, compiler, finish)
    return Firmware(board, directory / "firmware.elf", directory / "firmware.hex", directory,
                    project.build_hash, version, project.compile_flags, project.is_locked)


def kept_firmware(board: Board, build_hash: int) -> Firmware | None:
    """The firmware that a build hash names as the compiler of this computer made it, of whatever
    sources, without its flags; None where it is not kept, or no cross compiler answers."""
    try:
        compiler, version = _arm_compiler()
    except EdgeError:
        return None
    entry = cache.found(_kept_as(f"firmware-{board.name}", compiler, build_hash))
    return None if entry is None else Firmware(
        board, entry / "firmware.elf", entry / "firmware.hex", entry, build_hash, version, ())


def _arm_compiler() -> tuple[_Compiler, str]:
    """The cross compiler, and what it calls itself. Raises EdgeError E301 without one."""
    command = (tools.find_tool(ARM_PREFIX + "gcc", ARM_HELP),)
    version = tools.version(command, ARM_HELP)
    return _Compiler(command, f"{list(command)} {version}", ARM_HELP), version


def _finish_boot_image(image: BootImage, directory: Path) -> None:
    """Check what the boot ROM will check, and write the UF2 file that its drive takes."""
    if image.kind == "rp2040":
        check_boot2(directory / "firmware.elf")
    _, family = BOOT_ROMS[image.kind]
    data = (directory / "firmware.bin").read_bytes()
    (directory / "firmware.uf2").write_bytes(uf2(data, FLASH_BEGIN, family))


def try_newlib() -> None:
    """Raises EdgeError E301 or E302 unless a program that needs the C library can be linked."""
    gcc = tools.find_tool(ARM_PREFIX + "gcc", ARM_HELP)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "trial.c").write_text(_TRIAL, "utf-8")
        tools.run([gcc, *_TRIAL_FLAGS, "trial.c", "-o", "trial.elf"], ARM_HELP, directory,
                  makes="trial.elf")


def _overflow(problem: EdgeError, board: Board) -> EdgeError:
    """What a linker that found no room says, in bytes of the board; any other problem as it is."""
    for name, n_bytes in _OVERFLOWED.findall(problem.cause):
        region: Region = board.flash if name == "FLASH" else board.ram
        what = "flash" if name == "FLASH" else name
        return EdgeError(
            "E402", f"{what} overflows by {int(n_bytes):,} B",
            cause=f"budget {region.bytes:,} B ({board.name}), needed "
                  f"{region.bytes + int(n_bytes):,} B as linked",
            help="use fewer weight bits, a smaller network or a larger board")
    return problem


def _cached(kind: str, project: Project, compiler: _Compiler,
            finish: Callable[[Path, list[str]], None]) -> Path:
    """The folder of a finished build, made if it is not there yet."""
    def make(directory: Path) -> None:
        begins(f"compiling the {kind.replace('-', ' for ', 1)}; it is kept for the next time")
        project.write(directory)
        finish(directory, _compile(compiler, project, directory))
        if project.is_locked:
            make_private(directory)

    return cache.kept(_kept_as(kind, compiler, project.build_hash), make)


def _kept_as(kind: str, compiler: _Compiler, build_hash: int) -> str:
    """What a build is called in the cache, which keeps all kinds of files of it."""
    return f"{kind}-{_key(compiler.identity, f'{build_hash:016x}', *_KINDS)}"


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _compile(compiler: _Compiler, project: Project, directory: Path) -> list[str]:
    """Objects of all units, in link order; .su and .ci files lie beside them.

    An object is kept by what its unit reads, so another model compiles its own tables only.
    """
    def compile_unit(unit: str) -> str:
        name = f"obj/{unit}.o"
        folder = (directory / name).parent

        def make(store: Path) -> None:
            compiler.run(project, directory, "-c", unit, makes=name)
            for path in folder.glob(f"{Path(unit).name}.*"):
                shutil.copyfile(path, store / path.name)
            if project.is_locked:
                make_private(store)

        store = cache.kept(f"objects/{_key(compiler.identity, unit, *project.reads(unit))}", make)
        folder.mkdir(parents=True, exist_ok=True)
        for path in store.iterdir():
            if path.name != cache.SUMS:
                shutil.copyfile(path, folder / path.name)
        return name

    with ThreadPoolExecutor(_N_THREADS) as pool:
        try:
            return list(pool.map(compile_unit, project.units))
        except KeyboardInterrupt:
            tools.end_all()  # threads wait for them, and the pool for the threads
            raise


def banned_symbols(elf: Path) -> list[str]:
    """Symbols of heap, stdio and floating point that were linked in, sorted."""
    with opened(elf) as file:
        return sorted({s.name for s in read_symbols(file) if BANNED.fullmatch(s.name)})


def _refuse_banned(elf: Path) -> None:
    found = banned_symbols(elf)
    if found:
        raise EdgeError("E302", f"the firmware holds {', '.join(found)}",
                        cause="heap, stdio and floating point are banned on the device",
                        help="a rule of your own must do without; otherwise please report it")
