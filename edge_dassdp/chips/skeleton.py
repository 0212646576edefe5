"""A board.toml to begin with: what an SVD file and a pack tell, and what is left to fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.text import printable
from edge_dassdp.build.board_checks import CPUS
from edge_dassdp.chips.chip import Chip, Field, Peripheral, Register
from edge_dassdp.chips.pack import Device
from edge_dassdp.chips.registers import KINDS, kind_of
from edge_dassdp.storage.foreign import listed

_DRIVERS = (("nrf_uart", {"BAUDRATE", "TASKS_STARTRX", "TXD"}),
            ("stm32_usart_v2", {"ISR", "ICR", "RDR", "TDR", "BRR"}),
            ("stm32_usart_v1", {"SR", "DR", "BRR", "CR1"}), ("pl011", {"IBRD", "FBRD", "DR"}),
            ("cmsdk_uart", {"DATA", "STATE", "BAUDDIV"}))
"""Drivers by registers that their UARTs have, whatever stands before these names."""


@dataclass(frozen=True)
class Hint:
    """A store that may belong into `setup`, and its name."""

    address: int
    mask: int
    name: str


@dataclass(frozen=True)
class Cause:
    """A register that tells why the chip was reset: masks by what they tell of, and the bit that
    clears them."""

    name: str
    address: int
    masks: Mapping[str, int]
    clearing: int


@dataclass(frozen=True)
class Serial:
    """A UART of the chip. driver: empty where none of ours fits."""

    name: str
    base: int
    interrupts: tuple[int, ...]
    driver: str


def skeleton(name: str, chip: Chip, device: Device | None, uart: str = "") -> str:
    """The text of a board.toml. uart: the peripheral to use; the first that fits if it is empty.

    Raises EdgeError E105 for a peripheral that is none of the chip's UARTs.
    """
    uarts = serials(chip)
    chosen = _chosen(chip, uarts, uart)
    cpu = _cpu(chip, device)
    return assets.render(
        "board.toml.j2", name=name, title=_plain(device.name if device else chip.name), cpu=cpu,
        kernels=CPUS.get(cpu, ()), chip=_plain(chip.name), uart=chosen,
        uarts=uarts, cause=_cause(chip),
        hints=sorted(hints(chip, chosen), key=lambda hint: hint.name),
        flash=device.largest(is_written=False) if device else None,
        ram=device.largest(is_written=True) if device else None,
        memories=[(_plain(m.name), m) for m in device.memories] if device else [])


def serials(chip: Chip) -> tuple[Serial, ...]:
    """The UARTs of a chip, those first that a driver of ours fits."""
    found = [Serial(_plain(p.name), p.base, tuple(p.interrupts.values()), _driver(p))
             for p in chip.peripherals]
    known = [one for one in found if one.driver or re.search("US?ART", one.name.upper())]
    return tuple(sorted(known, key=lambda one: (not one.driver, one.name)))


def hints(chip: Chip, uart: Serial | None) -> Iterator[Hint]:
    """Bits that turn the clock of a UART or of pins on, as their names go."""
    words = f"{re.escape(uart.name)}|" if uart else ""
    for peripheral, register, one in _bits(chip):
        if re.fullmatch(rf"({words}GPIO[A-Z]|IOP[A-Z])_?(CLK)?EN", one.name.upper()) or (
                uart and one.name.upper() == uart.name and "RESET" in register.name.upper()):
            yield Hint(register.address, one.mask,
                       _plain(f"{peripheral.name}.{register.name}: {one.name}"))


def _bits(chip: Chip) -> Iterator[tuple[Peripheral, Register, Field]]:
    """All fields of one bit that can be written."""
    return ((peripheral, register, one) for peripheral in chip.peripherals
            for register in peripheral.registers for one in register.fields
            if one.width == 1 and register.is_written)


def _driver(peripheral: Peripheral) -> str:
    last = {register.name.upper().rpartition("_")[2] for register in peripheral.registers}
    names = last | {register.name.upper() for register in peripheral.registers}
    names |= {name.removeprefix("UART") for name in names}
    return next((driver for driver, needed in _DRIVERS if needed <= names), "")


def _chosen(chip: Chip, uarts: tuple[Serial, ...], wanted: str) -> Serial | None:
    if not wanted:
        return uarts[0] if uarts else None
    found = next((one for one in uarts if one.name.upper() == wanted.upper()), None)
    if found is None:
        raise EdgeError("E105", f"{chip.name} has no UART '{wanted}'",
                        help=f"it has {listed([one.name for one in uarts])}" if uarts else
                        "leave --uart out, and fill it in")
    return found


def _cpu(chip: Chip, device: Device | None) -> str:
    """The core by the pack, as Cortex-M0+, else by the SVD file, as CM0PLUS or CM0+; empty where
    neither names one of ours."""
    said = (device.core if device else "", re.sub("^CM", "cortex-m", chip.core.upper()))
    names = (name.lower().replace("+", "plus") for name in said)
    return next((name for name in names if name in CPUS), "")


def _cause(chip: Chip) -> Cause | None:
    """The register of the chip that has flags of most causes, and a bit that clears them."""
    for peripheral in chip.peripherals:
        for register in peripheral.registers:
            masks = dict.fromkeys(KINDS, 0)
            for one in register.fields:
                if (kind := kind_of(one.name)) and one.width == 1 and "RST" in one.name.upper():
                    masks[kind] |= one.mask
            clear = next((f.mask for f in register.fields if f.name.upper() == "RMVF"), 0)
            if clear and all(masks[kind] for kind in ("watchdog", "software", "pin")):
                return Cause(_plain(f"{peripheral.name}.{register.name}"), register.address,
                             masks, clear)
    return None


def _plain(text: str) -> str:
    """What may stand in comments and strings of TOML."""
    return re.sub(r'["\\]', "_", printable(text))[:60]
