"""What a board's firmware meets, as the makers of chip and board describe it: memory, UART,
interrupt, pins, clock gates. Nothing here is read from a board.toml, or the two would share their
mistakes.

Sources: ST's CMSIS headers stm32xxxx.h (addresses, interrupt numbers, gates), data sheets (memory,
alternate functions) and the manuals of its boards (which UART the ST-LINK is wired to); Nordic's
nrfx MDK, the schematics of the micro:bit and of the kits; pico-sdk's hardware_regs of RP2040 and
RP2350; TI's data sheet of the LM3S6965.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from support.chip_flashes import Controller

K = 1024
Registers = dict[int, int]


@dataclass(frozen=True)
class Bits:
    """`n` bits of a register from bit `low` on, and the values that will do."""

    address: int
    low: int
    n: int
    values: tuple[int, ...]

    def holds(self, registers: Mapping[int, int]) -> bool:
        return (registers.get(self.address, 0) >> self.low) & ((1 << self.n) - 1) in self.values


@dataclass(frozen=True)
class Chip:
    """flash, ram: first address and bytes. uart: which model. connected: what must stand in
    registers before a byte passes between UART and pins. resets: registers that do not begin at 0.
    answers: registers that tell what hardware does about others. counter: what counts the core's
    cycles. boot: the boot ROM that starts it; its peripherals take xor, set and clear at 0x1000,
    0x2000 and 0x3000 behind each register. marks: words that it looks for in the first 4 KB.
    controller: of the flash, None where the boot ROM writes it or nobody does.
    """

    core: str
    flash: tuple[int, int]
    ram: tuple[int, int]
    uart: str
    base: int
    irq: int
    connected: tuple[Bits, ...]
    resets: Mapping[int, int] = field(default_factory=dict)
    answers: Mapping[int, Callable[[Registers], int]] = field(default_factory=dict)
    counter: str = "dwt"
    boot: str = ""
    marks: tuple[int, ...] = ()
    controller: Controller | None = None


def _on(address: int, *bits: int) -> tuple[Bits, ...]:
    return tuple(Bits(address, bit, 1, (1,)) for bit in bits)


def _stm32(core: str, flash_kb: int, ram_kb: int, uart: str, base: int, irq: int, *,
           connected: tuple[Bits, ...], **more: Any) -> Chip:
    return Chip(core, (0x0800_0000, flash_kb * K), (RAM, ram_kb * K), f"stm32_{uart}", base, irq,
                connected, **more)


def _pins(gpio: int, tx: int, rx: int, function: int) -> tuple[Bits, ...]:
    """Of all but the F1: both alternate (MODER 2) with the UART's function (AFRL, AFRH)."""
    return tuple(bits for pin in (tx, rx) for bits in (
        Bits(gpio, 2 * pin, 2, (2,)),
        Bits(gpio + 0x20 + 4 * (pin // 8), 4 * (pin % 8), 4, (function,))))


def _pins_f1(tx: int, rx: int) -> tuple[Bits, ...]:
    """Of port A: TX alternate push-pull of any speed, RX an input (CRL, CRH)."""
    return (Bits(F1_GPIOA + 4 * (tx // 8), 4 * (tx % 8), 4, (9, 10, 11)),
            Bits(F1_GPIOA + 4 * (rx // 8), 4 * (rx % 8), 4, (4, 8)))


def _oscillator(rcc: int, switch: int) -> dict[int, Callable[[Registers], int]]:
    """HSIRDY follows HSION, and what runs the core (SWS) what was asked for (SW)."""
    def cr(r: Registers) -> int:
        return r.get(rcc, 0) & ~0x400 | (r.get(rcc, 0) & 0x100) << 2

    def cfgr(r: Registers) -> int:
        return r.get(switch, 0) & ~0xC | (r.get(switch, 0) & 3) << 2

    return {rcc: cr, switch: cfgr}


RAM = 0x2000_0000
F1, F4, G0, L4, WB, H7, U5 = (0x4002_1000, 0x4002_3800, 0x4002_1000, 0x4002_1000, 0x5800_0000,
                              0x5802_4400, 0x4602_0C00)
"""RCC of a family; F3 has that of F1, F7 that of F4, G4 that of L4."""
F1_GPIOA, F3_GPIOA, F4_GPIOA, F7_GPIOD, G0_GPIOA, H7_GPIOD, U5_GPIOA = (
    0x4001_0800, 0x4800_0000, 0x4002_0000, 0x4002_0C00, 0x5000_0000, 0x5802_0C00, 0x4202_0000)
ANALOG, ANALOG_A, ANALOG_B = 0xFFFF_FFFF, 0xABFF_FFFF, 0xFFFF_FEBF
FLOATING = {F1_GPIOA: 0x4444_4444, F1_GPIOA + 4: 0x4444_4444}


def _sectors_f4(flash_kb: int) -> Controller:
    """Of 16, 64 and 128 KB."""
    return Controller("sectors", 0x4002_3C00, ((4, 16 * K), (1, 64 * K), (flash_kb // 128 - 1,
                                                                          128 * K)),
                      4, erase_ms=2000, write_us=16)


def _pages(kind: str, flash_kb: int, page_kb: int, write: int, ms: float, us: float, *,
           bank_kb: int = 0, base: int = 0x4002_2000, endurance: int = 10_000) -> Controller:
    return Controller(kind, base, ((flash_kb // page_kb, page_kb * K),), write, bank_kb * K, 0,
                      ms, us, endurance)


def _f4(flash_kb: int, ram_kb: int) -> Chip:
    """F401 to F446: USART2 on PA2, PA3."""
    return _stm32("M4", flash_kb, ram_kb, "v1", 0x4000_4400, 38, resets={F4_GPIOA: 0xA800_0000},
                  controller=_sectors_f4(flash_kb),
                  connected=(*_on(F4 + 0x30, 0), *_on(F4 + 0x40, 17), *_pins(F4_GPIOA, 2, 3, 7)))


def _l4(flash_kb: int, ram_kb: int, base: int, irq: int, *, gate: tuple[int, int], port: str,
        pins: tuple[int, int], controller: Controller, rcc: int = L4) -> Chip:
    """L4, G4 and WB: GPIO at 0x4800_0000 behind AHB2ENR, function 7, HSI by RCC_CR and CFGR."""
    number = ord(port) - ord("A")
    gpio = 0x4800_0000 + 0x400 * number
    return _stm32(
        "M4", flash_kb, ram_kb, "v2", base, irq, answers=_oscillator(rcc, rcc + 8),
        controller=controller,
        resets={gpio: ANALOG_B if port == "B" else ANALOG_A},
        connected=(*_on(rcc + 0x4C, number), *_on(rcc + gate[0], gate[1]), *_pins(gpio, *pins, 7)))


_USART1: dict[str, Any] = {"gate": (0x60, 14), "port": "B", "pins": (6, 7)}
_USART2: dict[str, Any] = {"gate": (0x58, 17), "port": "A", "pins": (2, 3)}


def _nrf(core: str, flash: int, ram: int, tx: int, rx: int, times: tuple[float, float],
         counter: str = "dwt") -> Chip:
    """The UART's registers choose the pins; the input buffer of RX has to be connected."""
    def cnf(pin: int) -> int:
        return 0x5000_0700 + 0x300 * (pin // 32) + 4 * (pin % 32)

    return Chip(core, (0, flash * K), (RAM, ram * K), "nrf", 0x4000_2000, 2,
                (Bits(0x4000_250C, 0, 32, (tx,)), Bits(0x4000_2514, 0, 32, (rx,)),
                 Bits(cnf(rx), 0, 2, (0,))),
                {0x4000_250C: 0xFFFF_FFFF, 0x4000_2514: 0xFFFF_FFFF, cnf(rx): 2, cnf(tx): 2},
                {0x4000_0100: lambda r: r.get(0x4000_0000, 0) & 1}, counter,
                controller=_pages("nvmc", flash, 1 if core == "M0" else 4, 4, *times,
                                  base=0x4001_E000,
                                  endurance=20_000 if core == "M0" else 10_000))


def _rp(core: str, flash_kb: int, ram_kb: int, base: int, irq: int, *, clocks: int, crystal: int,
        pll: int, resets: int, all_held: int, held: tuple[int, ...], gpio: int, pads: int | None,
        counter: str, boot: str, marks: tuple[int, ...] = ()) -> Chip:
    """UART0 on GPIO0 and GPIO1, function 2; what is held in reset does nothing. pads: where they
    begin isolated."""
    begin = {resets: all_held, gpio + 4: 31, gpio + 12: 31, pll + 4: 0x2D}
    connected = (*(Bits(resets, bit, 1, (0,)) for bit in held), *_on(clocks + 0x48, 11),
                 Bits(gpio + 4, 0, 5, (2,)), Bits(gpio + 12, 0, 5, (2,)))
    if pads is not None:
        begin |= {pads + 4: 0x116, pads + 8: 0x116, clocks + 0x3C: 0x41}
        connected += (Bits(pads + 4, 7, 2, (0,)), Bits(pads + 8, 8, 1, (0,)), *_on(pads + 8, 6))
    return Chip(
        core, (0x1000_0000, flash_kb * K), (RAM, ram_kb * K), "pl011", base, irq, connected, begin,
        {resets + 8: lambda r: ~r.get(resets, 0) & all_held,
         crystal + 4: lambda r: 0x8000_0000 if r.get(crystal, 0) >> 12 & 0xFFF == 0xFAB else 0,
         clocks + 0x38: lambda r: 1 << (r.get(clocks + 0x30, 0) & 3),
         clocks + 0x44: lambda r: 1 << (r.get(clocks + 0x3C, 0) & 1),
         pll: lambda r: r.get(pll, 0) & 0x7FFF_FFFF | (0 if r.get(pll + 4, 0) & 0x21 else 1 << 31)},
        counter, boot, marks)


CHIPS = {
    "microbit": _nrf("M0", 256, 16, 24, 25, (22.3, 46.3), "timer0"),
    "microbit-v2": _nrf("M4", 512, 128, 6, 40, (87.5, 42.5)),
    "nrf52-dk": _nrf("M4", 512, 64, 6, 8, (89.7, 41)),
    "nrf52840-dk": _nrf("M4", 1024, 256, 6, 8, (85, 41)),
    "nucleo-f103rb": _stm32(
        "M3", 128, 20, "v1", 0x4000_4400, 38, resets=FLOATING,
        controller=_pages("pages", 128, 1, 2, 40, 52.5),
        connected=(*_on(F1 + 0x18, 2), *_on(F1 + 0x1C, 17), *_pins_f1(2, 3))),
    "bluepill-f103c8": _stm32(
        "M3", 64, 20, "v1", 0x4001_3800, 37, resets=FLOATING,
        controller=_pages("pages", 64, 1, 2, 40, 52.5),
        connected=(*_on(F1 + 0x18, 2, 14), *_pins_f1(9, 10))),
    "nucleo-f303re": _stm32(
        "M4", 512, 64, "v2", 0x4000_4400, 38, resets={F3_GPIOA: 0xA800_0000},
        controller=_pages("pages", 512, 2, 2, 40, 53.5),
        connected=(*_on(F1 + 0x14, 17), *_on(F1 + 0x1C, 17), *_pins(F3_GPIOA, 2, 3, 7))),
    "nucleo-f401re": _f4(512, 96),
    "nucleo-f411re": _f4(512, 128),
    "nucleo-f446re": _f4(512, 128),
    "stm32f405": _stm32(
        "M4", 1024, 128, "v1", 0x4001_1000, 37, resets={F4_GPIOA: 0xA800_0000},
        controller=_sectors_f4(1024),
        connected=(*_on(F4 + 0x30, 0), *_on(F4 + 0x44, 4), *_pins(F4_GPIOA, 9, 10, 7))),
    "stm32f407-disco": _f4(1024, 128),
    "nucleo-f767zi": _stm32(
        "M7", 2048, 128, "v2", 0x4000_4800, 39,
        controller=Controller("f7", 0x4002_3C00, ((4, 32 * K), (1, 128 * K), (7, 256 * K)),
                              4, erase_ms=4000, write_us=16),
        connected=(*_on(F4 + 0x30, 3), *_on(F4 + 0x40, 18), *_pins(F7_GPIOD, 8, 9, 7))),
    "nucleo-g071rb": _stm32(
        "M0", 128, 36, "v2", 0x4000_4400, 28, resets={G0_GPIOA: 0xEBFF_FFFF, G0: 0x500},
        counter="systick", controller=_pages("g0", 128, 2, 8, 40, 125),
        connected=(*_on(G0 + 0x34, 0), *_on(G0 + 0x3C, 17), *_pins(G0_GPIOA, 2, 3, 1))),
    "nucleo-g474re": _l4(512, 96, 0x4000_4400, 38, **_USART2,
                         controller=_pages("g4", 512, 2, 8, 24.5, 91, bank_kb=256)),
    "nucleo-l476rg": _l4(1024, 96, 0x4000_4400, 38, **_USART2,
                         controller=_pages("l4", 1024, 2, 8, 24.5, 91, bank_kb=512)),
    "b-l475e-iot01a": _l4(1024, 96, 0x4001_3800, 37, **_USART1,
                          controller=_pages("l4", 1024, 2, 8, 24.5, 91, bank_kb=512)),
    "nucleo-wb55rg": _l4(1024, 192, 0x4001_3800, 36, **_USART1, rcc=WB,
                         controller=_pages("wb", 1024, 4, 8, 24.5, 91, base=0x5800_4000)),
    "nucleo-h743zi": _stm32(
        "M7", 2048, 128, "v2", 0x4000_4800, 39, resets={H7_GPIOD: ANALOG},
        controller=_pages("h7", 2048, 128, 32, 4000, 200, bank_kb=1024, base=0x5200_2000),
        connected=(*_on(H7 + 0xE0, 3), *_on(H7 + 0xE8, 18), *_pins(H7_GPIOD, 8, 9, 7))),
    "nucleo-u575zi-q": _stm32(
        "M33", 2048, 768, "v2", 0x4001_3800, 61, resets={U5_GPIOA: ANALOG_A},
        answers=_oscillator(U5, U5 + 0x1C),
        controller=_pages("u5", 2048, 8, 16, 3.4, 118, bank_kb=1024),
        connected=(*_on(U5 + 0x8C, 0), *_on(U5 + 0xA4, 14), *_pins(U5_GPIOA, 9, 10, 7))),
    "lm3s6965evb": Chip(
        "M3", (0, 256 * K), (RAM, 64 * K), "pl011", 0x4000_C000, 5,
        (*_on(0x400F_E104, 0), *_on(0x400F_E108, 0), *_on(0x4000_4420, 0, 1),
         *_on(0x4000_451C, 0, 1))),
    "pico": _rp(
        "M0", 2048, 264, 0x4003_4000, 20, clocks=0x4000_8000, crystal=0x4002_4000, pll=0x4002_8000,
        resets=0x4000_C000, all_held=0x01FF_FFFF, held=(5, 8, 22), gpio=0x4001_4000, pads=None,
        counter="systick", boot="rp2040"),
    "pico2": _rp(
        "M33", 4096, 520, 0x4007_0000, 33, clocks=0x4001_0000, crystal=0x4004_8000, pll=0x4005_0000,
        resets=0x4002_0000, all_held=0x1FFF_FFFF, held=(6, 9, 26), gpio=0x4002_8000,
        pads=0x4003_8000, counter="dwt", boot="rp2350",
        marks=(0xFFFF_DED3, 0x1021_0142, 0x0000_01FF, 0x0000_0000, 0xAB12_3579)),
}

CONTROLLERS = {name: chip.controller for name, chip in CHIPS.items() if chip.controller}
