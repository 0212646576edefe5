"""The families of STM32: addresses and places, by RM0008, RM0316, RM0090, RM0410, RM0351, RM0434,
RM0440, RM0444, RM0433 and RM0456."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from edge_dassdp.chips.clocks.stm32 import HSE, PLL, Oscillator, Place, Stm32, Stm32F1

_HSI8, _HSI16, _MSI = Oscillator(8e6, 0, 1), Oscillator(16e6, 0, 1), Oscillator(4e6, 0, 1)
_HSI16_8 = Oscillator(16e6, 8, 10)
_USARTS = (0x4001_3800, 0x4000_4400, 0x4000_4800)
"""USART1, 2 and 3 of most families."""


def _three(*places: Place) -> dict[int, Place]:
    return dict(zip(_USARTS, places, strict=False))


_F3 = Stm32(
    0x4002_1000, 0x4800_0000, {0: _HSI8, 1: HSE, 2: PLL},
    _three((0x18, 14), (0x1C, 17), (0x1C, 18)), (0x14, 17), (0x1C, 0), sw=0x04, ahb=(0x04, 4),
    apb1=(0x04, 8), apb2=(0x04, 11), muxes=_three((0x30, 0), (0x30, 16), (0x30, 18)), mux_hsi=3,
    no_wait_hz=24e6)
_F1 = replace(_F3, gpio=0x4001_0800, ports=(0x18, 2), muxes={}, tim2_bits=16, bsrr=0x10)
_F4 = Stm32(
    0x4002_3800, 0x4002_0000, {0: _HSI16, 1: HSE, 2: PLL},
    {0x4001_1000: (0x44, 4), 0x4001_1400: (0x44, 5), 0x4000_4400: (0x40, 17),
     0x4000_4800: (0x40, 18)}, (0x30, 0), (0x40, 0), apb1=(0x08, 10), apb2=(0x08, 13),
    acr=0x4002_3C00, no_wait_hz=30e6)
_F7 = replace(_F4, muxes={0x4001_1000: (0x90, 0), 0x4000_4400: (0x90, 2), 0x4000_4800: (0x90, 4)})
_L4 = Stm32(
    0x4002_1000, 0x4800_0000, {0: _MSI, 1: _HSI16_8, 2: HSE, 3: PLL},
    _three((0x60, 14), (0x58, 17), (0x58, 18)), (0x4C, 0), (0x58, 0),
    muxes=_three((0x88, 0), (0x88, 2), (0x88, 4)))
_WB = replace(_L4, rcc=0x5800_0000, gates=_three((0x60, 14)), muxes=_three((0x88, 0)),
              acr=0x5800_4000)
_G4 = replace(_L4, sources={1: _HSI16_8, 2: HSE, 3: PLL}, no_wait_hz=20e6)
_G0 = Stm32(
    0x4002_1000, 0x5000_0000, {0: _HSI16_8, 1: HSE, 2: PLL},
    _three((0x40, 14), (0x3C, 17), (0x3C, 18)), (0x34, 0), (0x3C, 0), sw_bits=3, ahb=(0x08, 8),
    apb1=(0x08, 12), apb2=(0x08, 12), hsi_divider=(0x00, 11, 3),
    muxes=_three((0x54, 0), (0x54, 2)), function=1, no_wait_hz=24e6)
_H7 = Stm32(
    0x5802_4400, 0x5802_0000, {0: Oscillator(64e6, 0, 2), 1: "CSI", 2: HSE, 3: PLL},
    {0x4001_1000: (0xF0, 4), 0x4000_4400: (0xE8, 17), 0x4000_4800: (0xE8, 18)}, (0xE0, 0),
    (0xE8, 0), sw=0x10, sw_bits=3, ahb=(0x18, 0), apb1=(0x1C, 4), apb2=(0x1C, 8), cpu=(0x18, 8),
    hsi_divider=(0x00, 3, 2), muxes={0x4001_1000: (0x54, 3), 0x4000_4400: (0x54, 0),
                                  0x4000_4800: (0x54, 0)}, mux_bits=3, mux_hsi=3,
    acr=0x5200_2000, no_wait_hz=0)
_U5 = Stm32(
    0x4602_0C00, 0x4202_0000, {0: Oscillator(4e6, 0, 2), 1: _HSI16_8, 2: HSE, 3: PLL},
    _three((0xA4, 14), (0x9C, 17), (0x9C, 18)), (0x8C, 0), (0x9C, 0), sw=0x1C, ahb=(0x20, 0),
    apb1=(0x20, 4), apb2=(0x20, 8), muxes=_three((0xE0, 0), (0xE0, 2), (0xE0, 4)),
    no_wait_hz=8e6)
STM32: Mapping[str, Stm32] = {
    "STM32F1": Stm32F1(**{f.name: getattr(_F1, f.name) for f in fields(_F1)}), "STM32F3": _F3,
    "STM32F4": _F4, "STM32F7": _F7, "STM32L4": _L4, "STM32WB": _WB, "STM32G4": _G4,
    "STM32G0": _G0, "STM32H7": _H7, "STM32U5": _U5}
"""By what the name of a chip begins with."""
