"""A chip as its vendor describes it: peripherals, registers, fields, what their values mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Field:
    """Bits lsb to lsb + width - 1. meanings: names of the values that may be written, by value;
    empty: any may. access: as CMSIS-SVD says it."""

    name: str
    lsb: int
    width: int
    access: str = "read-write"
    meanings: Mapping[int, str] = field(default_factory=dict)

    @property
    def mask(self) -> int:
        return ((1 << self.width) - 1) << self.lsb

    def of(self, word: int) -> int:
        """Its value in a register's word."""
        return (word & self.mask) >> self.lsb

    @property
    def is_written(self) -> bool:
        return "write" in self.access.lower()

    @property
    def is_read(self) -> bool:
        return "read" in self.access


@dataclass(frozen=True)
class Register:
    """name: with those of its clusters. address: of its word in memory. reset: its value then."""

    name: str
    address: int
    access: str
    reset: int
    fields: tuple[Field, ...]

    @property
    def is_written(self) -> bool:
        return "write" in self.access.lower() or any(f.is_written for f in self.fields)

    @property
    def is_read(self) -> bool:
        return "read" in self.access or any(f.is_read for f in self.fields)

    @property
    def covered(self) -> int:
        """Bits that belong to a field; all, where no field is named."""
        mask = 0
        for one in self.fields:
            mask |= one.mask
        return mask if self.fields else 0xFFFF_FFFF


@dataclass(frozen=True)
class Peripheral:
    """interrupts: numbers by name, as the NVIC counts them."""

    name: str
    base: int
    registers: tuple[Register, ...]
    interrupts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Chip:
    """core: of the CMSIS headers, as CM4. origin: where its description comes from, in words."""

    name: str
    version: str
    origin: str
    core: str
    peripherals: tuple[Peripheral, ...]

    @cached_property
    def by_address(self) -> Mapping[int, tuple[tuple[Peripheral, Register], ...]]:
        """Registers by address, in the order of the file: some share one."""
        found: dict[int, tuple[tuple[Peripheral, Register], ...]] = {}
        for peripheral in self.peripherals:
            for register in peripheral.registers:
                found[register.address] = (*found.get(register.address, ()),
                                           (peripheral, register))
        return found

    @cached_property
    def reset(self) -> Mapping[int, int]:
        """Values of the registers after a reset, by address: those of the first that is there."""
        return {address: found[0][1].reset for address, found in self.by_address.items()}

    def based_at(self, base: int) -> tuple[Peripheral, ...]:
        return tuple(p for p in self.peripherals if p.base == base)
