"""Which file of tests/boards/facts describes the chip of each board, and what nobody reads in a
board.toml: how its serial line is wired and how fast it runs, from schematics and data sheets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support.chips import CHIPS, K

from edge_dassdp.chips.chip import Chip
from edge_dassdp.chips.svd import read_svd

FACTS = Path(__file__).parents[1] / "boards" / "facts"


@dataclass(frozen=True)
class Wired:
    """facts: name of the chip's file. tx, rx: pins of the board's serial line, as the chip's manual
    calls them. hz: of the core. flash, ram: origin and bytes that the firmware may have, None where
    that is what `chips` says of the chip."""

    facts: str
    tx: str
    rx: str
    hz: int
    flash: tuple[int, int] | None = None
    ram: tuple[int, int] | None = None


WIRED: dict[str, Wired] = {
    "microbit": Wired("nrf51", "P0.24", "P0.25", 16_000_000),
    "microbit-v2": Wired("nrf52833", "P0.06", "P1.08", 64_000_000),
    "nrf52-dk": Wired("nrf52", "P0.06", "P0.08", 64_000_000),
    "nrf52840-dk": Wired("nrf52840", "P0.06", "P0.08", 64_000_000),
    "bluepill-f103c8": Wired("stm32f1", "PA9", "PA10", 8_000_000),
    "nucleo-f103rb": Wired("stm32f1", "PA2", "PA3", 8_000_000),
    "nucleo-f303re": Wired("stm32f3", "PA2", "PA3", 8_000_000),
    "nucleo-f401re": Wired("stm32f4", "PA2", "PA3", 16_000_000),
    "nucleo-f411re": Wired("stm32f4", "PA2", "PA3", 16_000_000),
    "nucleo-f446re": Wired("stm32f4", "PA2", "PA3", 16_000_000),
    "stm32f405": Wired("stm32f4", "PA9", "PA10", 16_000_000),
    "stm32f407-disco": Wired("stm32f4", "PA2", "PA3", 16_000_000),
    "nucleo-f767zi": Wired("stm32f7", "PD8", "PD9", 16_000_000),
    "b-l475e-iot01a": Wired("stm32l4", "PB6", "PB7", 16_000_000),
    "nucleo-l476rg": Wired("stm32l4", "PA2", "PA3", 16_000_000),
    "nucleo-g071rb": Wired("stm32g0", "PA2", "PA3", 16_000_000),
    "nucleo-g474re": Wired("stm32g4", "PA2", "PA3", 16_000_000),
    "nucleo-h743zi": Wired("stm32h7", "PD8", "PD9", 64_000_000),
    "nucleo-u575zi-q": Wired("stm32u5", "PA9", "PA10", 4_000_000),
    "nucleo-wb55rg": Wired("stm32wb", "PB6", "PB7", 16_000_000, flash=(0x0800_0000, 512 * K)),
    "pico": Wired("rp2040", "GPIO0", "GPIO1", 125_000_000, flash=(0x1000_0100, 2048 * K - 256)),
    "pico2": Wired("rp2350", "GPIO0", "GPIO1", 12_000_000),
    "lm3s6965evb": Wired("lm3s6965", "PA1", "PA0", 8_000_000),
    "mps2-an385": Wired("mps2-an385", "", "", 25_000_000, (0, 4096 * K), (0x2000_0000, 4096 * K)),
    "mps2-an500": Wired("mps2-an385", "", "", 25_000_000, (0, 4096 * K), (0x2000_0000, 4096 * K)),
    "mps2-an505": Wired("mps2-an505", "", "", 20_000_000, (0x1000_0000, 4096 * K),
                        (0x3800_0000, 2048 * K)),
    "mps3-an547": Wired("mps3-an547", "", "", 32_000_000, (0, 512 * K), (0x3000_0000, 512 * K))}


@cache
def chip(board: str) -> Chip:
    """The chip of a board, from its file of facts."""
    return read_svd(FACTS / f"{WIRED[board].facts}.svd")


def memory(board: str) -> dict[str, tuple[int, int]]:
    """Origin and bytes of flash and RAM that the firmware of a board may have."""
    wired = WIRED[board]
    return {"flash": wired.flash or CHIPS[board].flash, "ram": wired.ram or CHIPS[board].ram}
