"""What a linked ELF file holds: RAM and flash, byte by byte and symbol by symbol."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.tools import ARM_HELP

STACK_SECTION = ".stack"
CRC_SECTION = ".image_crc"
_SYMBOL = struct.Struct("<IIIBBH")  # st_name, st_value, st_size, st_info, st_other, st_shndx
_FUNCTION, _NO_SECTIONS = 2, 0xFF00


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


class Symbol(NamedTuple):
    """Of an ELF file; section: the number of the one that it is defined in, None if in none."""

    name: str
    value: int
    bytes: int
    section: int | None
    is_function: bool


def symbol_table(file: ELFFile) -> SymbolTableSection:
    """The symbols of an ELF file. Raises EdgeError E302 if it was stripped."""
    table = file.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        raise EdgeError("E302", "the linker left no symbols",
                        cause="the ELF file was stripped", help=ARM_HELP)
    return table


def read_symbols(file: ELFFile) -> list[Symbol]:
    """All of them, of an ELF file for Arm: 32 bits, low byte first. Raises EdgeError E302 if it was
    stripped."""
    table = symbol_table(file)
    names = table.stringtable.data()
    return [Symbol(names[at:names.index(b"\0", at)].decode(), value, n_bytes,
                   section if 0 < section < _NO_SECTIONS else None, info & 15 == _FUNCTION)
            for at, value, n_bytes, info, _, section in _SYMBOL.iter_unpack(table.data())]


def read_sizes(elf: Path) -> Sizes:
    """The sizes of a firmware. Local symbols of one name in several files are added up."""
    with opened(elf) as file:
        sections = list(file.iter_sections())
        sizes = {s.name: s["sh_size"] for s in sections if s["sh_flags"] & SH_FLAGS.SHF_ALLOC}
        symbols: dict[tuple[str, str], int] = {}
        for symbol in read_symbols(file):
            if symbol.bytes and symbol.section is not None:
                key = symbol.name, sections[symbol.section].name
                symbols[key] = symbols.get(key, 0) + symbol.bytes
    items = sorted((Item(name, section, n) for (name, section), n in symbols.items()),
                   key=lambda item: (-item.bytes, item.symbol))
    text = sizes[".text"] + sizes.get(CRC_SECTION, 0)
    return Sizes(text, sizes.get(".data", 0), sizes.get(".bss", 0), sizes[STACK_SECTION],
                 tuple(items))
