"""Which rules a chip follows, and what they say of a board."""

from __future__ import annotations

from collections.abc import Mapping

from edge_dassdp.build.description import Board
from edge_dassdp.chips.chip import Chip
from edge_dassdp.chips.clocks.others import Fpga, Lm3s, Nrf
from edge_dassdp.chips.clocks.raspberry import Rp
from edge_dassdp.chips.clocks.registers import Family, Running, Wiring, run
from edge_dassdp.chips.clocks.stm32_families import STM32

_RP2040 = Rp(0x4000_8000, 0x4002_4000, 0x4000_C000, 0x4002_8000, 0x4001_4000, 0x4001_C000,
             0x0040_0120, 0x01FF_FFFF, 0x0040_1120, 6.5e6)
_RP2350 = Rp(0x4001_0000, 0x4004_8000, 0x4002_0000, 0x4005_0000, 0x4002_8000, 0x4003_8000,
             0x0400_0240, 0x1FFF_FFFF, 0x0400_4240, 11e6, isolates=True)
FAMILIES: Mapping[str, Family] = {
    **STM32, "NRF51": Nrf(16e6, False), "NRF52": Nrf(64e6, True), "RP2040": _RP2040,
    "RP2350": _RP2350, "LM3S6965": Lm3s(), "MPS2-AN385": Fpga(25e6, 25e6, 0x4000_0004),
    "MPS2-AN505": Fpga(20e6, 20e6, 0x5000_0004), "MPS3-AN547": Fpga(32e6, 25e6, 0x5800_0000)}
"""Rules by what the name of a chip begins with."""


def running(board: Board, chip: Chip, wiring: Wiring | None = None) -> Running | None:
    """What a board does after its set-up; None for a chip whose family has no rules here."""
    found = [rules for name, rules in FAMILIES.items() if chip.name.upper().startswith(name)]
    return run(found[0], board, chip.reset, wiring or Wiring()) if found else None
