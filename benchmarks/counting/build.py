"""Cores, and compiling for them: a flat image without start-up code, .data where it is used."""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage import cache

GCC = "arm-none-eabi-gcc"


@dataclass(frozen=True)
class Core:
    """A Cortex-M: compiler flags, QEMU machine (None: none large enough) and its memory map.

    code, ram: where an image is linked, in Unicorn too. clock_hz: of the QEMU machine's SysTick.
    """

    name: str
    flags: tuple[str, ...]
    machine: str | None
    clock_hz: int
    code: int = 0
    ram: int = 0x20000000
    ram_bytes: int = 4 << 20


CORES = {core.name: core for core in (
    Core("M0", ("-mcpu=cortex-m0",), None, 0),
    Core("M3", ("-mcpu=cortex-m3",), "mps2-an385", 25_000_000),
    Core("M4", ("-mcpu=cortex-m4",), "mps2-an386", 25_000_000),
    Core("M7", ("-mcpu=cortex-m7",), "mps2-an500", 25_000_000),
    Core("M33", ("-mcpu=cortex-m33",), "mps2-an505", 20_000_000, 0x10000000, 0x38000000),
    Core("M55", ("-mcpu=cortex-m55",), "mps3-an547", 32_000_000, 0, 0x30000000,
         512 << 10),
)}


@dataclass(frozen=True)
class Image:
    """A linked ELF. flash: bytes of text, rodata and data of the objects given, without libgcc."""

    elf: Path
    core: Core
    objects: tuple[Path, ...]
    flash: int


def compile_objects(core: Core, sources: list[Path], folder: Path,
                    flags: tuple[str, ...] = ("-O2",), include: list[Path] | None = None
                    ) -> list[Path]:
    """Compile C and assembly files for `core` into `folder`; what was compiled before of the same
    text and flags, whatever its path, is taken from the cache of builds.

    Raises EdgeError E301 without the compiler, E302 where it refuses a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [f"-I{path}" for path in include or []]
    objects = []
    for number, source in enumerate(sources):
        output = folder / f"{number}-{source.stem}.o"
        _compile([*core.flags, "-mthumb", *flags], [*paths, str(source)], output)
        objects.append(output)
    return objects


def _compile(flags: list[str], of: list[str], output: Path) -> None:
    """of: folders of headers, and the source. One that takes in bytes of a file is not kept."""
    text = _run([*flags, "-E", "-P", *of])
    if ".incbin" in text:
        _run([*flags, *of, "-c", "-o", str(output)])
        return
    read = "\0".join((compiler_version(), *flags, Path(of[-1]).suffix, text))

    def make(store: Path) -> None:
        _run([*flags, *of, "-c", "-o", str(store / "unit.o")])

    key = hashlib.sha256(read.encode()).hexdigest()[:24]
    for made in cache.kept(f"counted-{key}", make).glob("unit.*"):
        shutil.copyfile(made, output.with_suffix(made.suffix))


def link(core: Core, objects: list[Path], elf: Path) -> Image:
    """Link objects (with libgcc and libc) into a flat image; the first object's .vectors leads."""
    script = elf.with_suffix(".ld")
    script.write_text(
        "SECTIONS {\n"
        f"  . = {core.code:#x};\n"
        "  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }\n"
        "  .ARM.exidx : { *(.ARM.exidx*) }\n"
        f"  . = {core.ram:#x};\n"
        "  .data : { *(.data*) }\n"
        "  .bss : { *(.bss*) *(COMMON) }\n"
        "  end = .;\n"
        f"  __stack_top = {core.ram + core.ram_bytes:#x};\n"
        "  /DISCARD/ : { *(.comment) *(.ARM.attributes) *(.ARM.extab*) }\n"
        "}\n")
    _run([*core.flags, "-mthumb", "-nostartfiles", "--specs=nosys.specs", "-Wl,-e,0",
          "-Wl,--no-warn-rwx-segments", f"-T{script}", *map(str, objects), "-lm", "-o", str(elf)])
    return Image(elf, core, tuple(objects), sum(map(flash_bytes, objects)))


def link_used(core: Core, objects: list[Path], elf: Path) -> None:
    """Link a program whose `_start` keeps what it uses; everything else is left out."""
    _run([*core.flags, "-mthumb", "-nostartfiles", "-Wl,--gc-sections",
          "-Wl,--no-warn-rwx-segments", *map(str, objects), "-o", str(elf)])


def flash_bytes(path: Path, of_code: bool = True) -> int:
    """Bytes of an object file or ELF that take up flash: allocated sections with contents.
    of_code: those that are executed, too."""
    left_out = 0 if of_code else SH_FLAGS.SHF_EXECINSTR
    with path.open("rb") as stream:
        return sum(s["sh_size"] for s in ELFFile(stream).iter_sections()
                   if s["sh_flags"] & SH_FLAGS.SHF_ALLOC and s["sh_type"] == "SHT_PROGBITS"
                   and not s["sh_flags"] & left_out)


@functools.cache
def compiler_version() -> str:
    """First line of the compiler's --version."""
    return _run(["--version"]).partition("\n")[0]


def _run(arguments: list[str]) -> str:
    if shutil.which(GCC) is None:
        raise EdgeError("E301", f"{GCC} is not on PATH", help="apt-get install gcc-arm-none-eabi")
    done = subprocess.run([GCC, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EdgeError("E302", f"{GCC} refused {' '.join(arguments[-3:])}", cause=done.stderr)
    return done.stdout
