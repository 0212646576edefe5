"""What a linked ELF file holds: RAM and flash, byte by byte and symbol by symbol."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

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


def symbol_table(file: ELFFile) -> SymbolTableSection:
    """The symbols of an ELF file that was not stripped."""
    table = file.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection), "stripped"
    return table


def read_sizes(elf: Path) -> Sizes:
    """The sizes of a firmware. Local symbols of one name in several files are added up."""
    with elf.open("rb") as stream:
        file = ELFFile(stream)
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
