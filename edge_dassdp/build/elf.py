"""What a linked ELF file holds: RAM and flash, byte by byte and symbol by symbol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.tools import ARM_HELP

STACK_SECTION = ".stack"
CRC_SECTION = ".image_crc"


@dataclass(frozen=True)
class Item:
    """A function or an object: its symbol, output section and size in bytes."""

    symbol: str
    section: str
    bytes: int


@dataclass(frozen=True)
class Sizes:
    """Sizes in bytes as linked. Static RAM is `data + bss + stack`, flash is `text + data`.

    text: vectors, functions, constants, the image's CRC. data: initialised variables, in flash and
    RAM.
    bss: variables that start at zero. stack: the reserved section. items: largest first.
    """

    text: int
    data: int
    bss: int
    stack: int
    items: tuple[Item, ...]

    @property
    def ram_bytes(self) -> int:
        return self.data + self.bss + self.stack

    @property
    def flash_bytes(self) -> int:
        return self.text + self.data

    @property
    def ram(self) -> dict[str, int]:
        """Bytes of .data and .bss by symbol, largest first."""
        return {i.symbol: i.bytes for i in self.items if i.section in (".data", ".bss")}

    @property
    def flash(self) -> dict[str, int]:
        """Bytes of .text and .data by symbol, largest first."""
        return {i.symbol: i.bytes for i in self.items if i.section in (".text", ".data")}


@contextmanager
def opened(elf: Path) -> Iterator[ELFFile]:
    """An ELF file as the linker left it. Raises EdgeError E302 where it is none."""
    try:
        with elf.open("rb") as stream:
            yield ELFFile(stream)
    except ELFError as problem:
        raise EdgeError("E302", f"{elf.name} is not what a linker for Arm makes",
                        cause=str(problem), help=ARM_HELP) from None


def symbol_table(file: ELFFile) -> SymbolTableSection:
    """The symbols of an ELF file. Raises EdgeError E302 if it was stripped."""
    table = file.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        raise EdgeError("E302", "the linker left no symbols",
                        cause="the ELF file was stripped", help=ARM_HELP)
    return table


def read_sizes(elf: Path) -> Sizes:
    """The sizes of a firmware. Local symbols of one name in several files are added up."""
    with opened(elf) as file:
        sizes = {s.name: s["sh_size"] for s in file.iter_sections()
                 if s["sh_flags"] & SH_FLAGS.SHF_ALLOC}
        symbols: dict[tuple[str, str], int] = {}
        for symbol in symbol_table(file).iter_symbols():
            if symbol["st_size"] and isinstance(symbol["st_shndx"], int):
                key = symbol.name, file.get_section(symbol["st_shndx"]).name
                symbols[key] = symbols.get(key, 0) + symbol["st_size"]
    items = sorted((Item(name, section, n) for (name, section), n in symbols.items()),
                   key=lambda item: (-item.bytes, item.symbol))
    text = sizes[".text"] + sizes.get(CRC_SECTION, 0)
    return Sizes(text, sizes.get(".data", 0), sizes.get(".bss", 0), sizes[STACK_SECTION],
                 tuple(items))
