"""STM32 from its internal oscillators: RCC, GPIO, USART and TIM2, by ST's reference manuals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edge_dassdp.build.description import Counter, Store, Uart
from edge_dassdp.chips.clocks.registers import Family, Levels, Registers, Running, Wiring, unlike

TIM2 = 0x4000_0000
_N_PORTS, _PORT_BYTES = 11, 0x400
HSE, PLL = "external oscillator", "PLL"
_AHB = (1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 16, 64, 128, 256, 512)
_APB = (1, 1, 1, 1, 2, 4, 8, 16)
_READY = {HSE: 17, PLL: 25}
_USUAL = {0x4001_3800: (("PA9", "PA10"), ("PB6", "PB7")),
          0x4001_1000: (("PA9", "PA10"), ("PB6", "PB7")),
          0x4000_4400: (("PA2", "PA3"), ("PD5", "PD6")),
          0x4000_4800: (("PB10", "PB11"), ("PD8", "PD9"))}
"""Pins that USART1, 2 and 3 may have on every family, by their base: TX and RX."""
Place = tuple[int, int]
"""Offset of a register in the RCC, and the lowest bit there."""


@dataclass(frozen=True)
class Oscillator:
    """An internal one. on, ready: bits of RCC_CR."""

    hz: float
    on: int
    ready: int


@dataclass(frozen=True)
class Stm32(Family):
    """A family. sources: of the system clock by the value of SW, `sw_bits` at offset `sw` with its
    status behind it. gates, muxes: of the USARTs, by their base; mux_hsi: its value for the
    internal oscillator. ports: clock of GPIOA. function: number of the USARTs' alternate one.
    bsrr: offset of that register of a port, behind its ODR."""

    rcc: int
    gpio: int
    sources: Mapping[int, Oscillator | str]
    gates: Mapping[int, Place]
    ports: Place
    tim2: Place
    sw: int = 0x08
    sw_bits: int = 2
    ahb: Place = (0x08, 4)
    apb1: Place = (0x08, 8)
    apb2: Place = (0x08, 11)
    cpu: Place | None = None
    hsi_divider: tuple[int, int, int] | None = None
    muxes: Mapping[int, Place] = field(default_factory=dict)
    mux_bits: int = 2
    mux_hsi: int = 2
    function: int = 7
    acr: int = 0x4002_2000
    no_wait_hz: float = 16e6
    bsrr: int = 0x18
    tim2_bits: int = 32

    def _field(self, now: Registers, place: Place, width: int = 1) -> int:
        return now.bits(self.rcc + place[0], place[1], width)

    def _oscillators(self) -> list[Oscillator]:
        return [source for source in self.sources.values() if isinstance(source, Oscillator)]

    # ---- what the chip does --------------------------------------------------------------------

    def takes(self, now: Registers, address: int) -> bool:
        port = (address - self.gpio) // _PORT_BYTES
        if 0 <= port < _N_PORTS:
            return bool(self._field(now, (self.ports[0], self.ports[1] + port)))
        if TIM2 <= address < TIM2 + 0x400:
            return bool(self._field(now, self.tim2))
        return True

    def store(self, now: Registers, store: Store) -> None:
        port = store.address - self.bsrr
        if port % _PORT_BYTES == self.gpio % _PORT_BYTES and \
                0 <= port - self.gpio < _N_PORTS * _PORT_BYTES:
            odr = store.address - 4
            now[odr] = now[odr] & ~(store.value >> 16) | store.value & 0xFFFF
        else:
            super().store(now, store)

    def settle(self, now: Registers) -> None:
        bits = [(16, 17), (24, 25), *((one.on, one.ready) for one in self._oscillators())]
        for on, ready in bits:
            now.put(self.rcc, ready, 1, now.bits(self.rcc, on))
        chosen = now.bits(self.rcc + self.sw, 0, self.sw_bits)
        source = self.sources.get(chosen)
        ready = source.ready if isinstance(source, Oscillator) else _READY.get(source or "", 31)
        if now.bits(self.rcc, ready):
            now.put(self.rcc + self.sw, self.sw_bits, self.sw_bits, chosen)

    # ---- clocks --------------------------------------------------------------------------------

    def clocks(self, now: Registers, uart: Uart, found: Running) -> None:
        self._waits(now, found)
        at, width = self.rcc + self.sw, self.sw_bits
        found.object_unless(now.bits(at, 0, width) == now.bits(at, width, width),
                            "the clock that the core is to run on is not turned on")
        source = self.sources.get(now.bits(at, width, width), "unknown clock")
        if not isinstance(source, Oscillator):
            found.notes.append(f"the core runs on its {source}, which these rules do not follow")
            return
        found.object_unless(now.bits(self.rcc, source.ready), "the core's oscillator is turned off")
        divider = 1
        if self.hsi_divider:
            at, *bits = self.hsi_divider
            divider = 1 << now.bits(self.rcc + at, *bits)
        before = divider * (_AHB[self._field(now, self.cpu, 4)] if self.cpu else 1)
        bus_hz = source.hz / before / _AHB[self._field(now, self.ahb, 4)]
        found.core_hz = source.hz / before if self.cpu else bus_hz
        found.object_unless(found.core_hz <= self.no_wait_hz or now.bits(self.acr, 0, 3),
                            f"at {found.core_hz:,.0f} Hz the flash needs wait states (ACR)")
        self._uart(now, uart, bus_hz, source.hz / divider, found)

    def _waits(self, now: Registers, found: Running) -> None:
        """What is turned on is waited for, and so is the change of the core's clock."""
        for one in self._oscillators():
            found.object_unless(
                not now.bits(self.rcc, one.on) or now.was(self.rcc, one.on)
                or now.were_awaited(self.rcc, 1 << one.ready),
                "nothing waits until the oscillator that is turned on runs")
        at, width = self.rcc + self.sw, self.sw_bits
        found.object_unless(
            now.bits(at, 0, width) == now.was(at, 0, width)
            or now.were_awaited(at, ((1 << width) - 1) << width),
            "nothing waits until the core runs on the clock that is chosen")

    def _uart(self, now: Registers, uart: Uart, bus_hz: float, system_hz: float, found: Running
              ) -> None:
        gate = self.gates.get(uart.base)
        if gate is None:
            found.notes.append(f"the UART at 0x{uart.base:08X} is not followed by these rules")
            return
        found.object_unless(self._field(now, gate), "the clock of the UART is off")
        apb = self.apb2 if uart.base >= 0x4001_0000 else self.apb1
        found.uart_hz = bus_hz / _APB[self._field(now, apb, 3)]
        mux = self.muxes.get(uart.base)
        chosen = self._field(now, mux, self.mux_bits) if mux else 0
        if chosen == self.mux_hsi:
            hsi = max(self._oscillators(), key=lambda one: one.hz)
            found.object_unless(now.bits(self.rcc, hsi.ready), "the oscillator of the UART is off")
            found.uart_hz = hsi.hz
        elif chosen == 1 and self.mux_bits == 2:
            found.uart_hz = system_hz
        elif chosen:
            found.objections.append("the UART is given a clock that is not turned on")
        found.object_unless(16 <= uart.baud_register <= 0xFFFF,
                            "uart.baud_register: a divider of 16 to 65535 is expected")
        found.baud = found.uart_hz / uart.baud_register

    # ---- pins ----------------------------------------------------------------------------------

    def pins(self, now: Registers, uart: Uart, wiring: Wiring, found: Running) -> None:
        pairs = ((wiring.tx, wiring.rx),) if wiring.tx else _USUAL.get(uart.base, ())
        wrong = [list(self._pair(now, pair)) for pair in pairs]
        least = min(wrong, key=len, default=[])
        found.objections += least

    def _pair(self, now: Registers, pair: tuple[str, str]) -> Iterator[str]:
        for pin, is_tx in zip(pair, (True, False), strict=True):
            port = ord(pin[1]) - ord("A")
            if not self._field(now, (self.ports[0], self.ports[1] + port)):
                yield f"the clock of GPIO{pin[1]} is off"
            yield from self.pin(now, self.gpio + 0x400 * port, pin, is_tx)

    def pin(self, now: Registers, port: int, name: str, is_tx: bool) -> Iterator[str]:
        """Why a pin is not the UART's. port: address of its registers."""
        number = int(name[2:])
        if now.bits(port, 2 * number, 2) != 2:
            yield f"{name} is not in its alternate function"
        function = now.bits(port + 0x20 + 4 * (number // 8), 4 * (number % 8), 4)
        if function != self.function:
            yield f"{name} has function {function}, that of the UART is {self.function}"

    def levels(self, now: Registers) -> Levels:
        found: Levels = {}
        for n in range(_N_PORTS):
            port = self.gpio + _PORT_BYTES * n
            for number in range(16):
                level = now.bits(port + self.bsrr - 4, number), self.drives(now, port, number)
                if any(level):
                    found[f"P{chr(ord('A') + n)}{number}"] = level
        return found

    def drives(self, now: Registers, port: int, number: int) -> int:
        """1 for a pin that is a push-pull output of the program's."""
        return int(now.bits(port, 2 * number, 2) == 1 and not now.bits(port + 4, number))

    # ---- counters ------------------------------------------------------------------------------

    def counts(self, now: Registers, counter: Counter) -> Iterator[str]:
        if counter.count != TIM2 + 0x24:
            yield from super().counts(now, counter)
            return
        if not self._field(now, self.tim2):
            yield "the clock of TIM2 is off"
        if now[TIM2] != 1 or now[TIM2 + 0x28] or now[TIM2 + 0x2C] != (1 << self.tim2_bits) - 1:
            yield "TIM2 does not count every cycle up to the end of its bits"
        if not now.bits(TIM2 + 0x14, 0):
            yield "TIM2 is not told to take what it is given (EGR.UG)"
        if any(now[TIM2 + at] for at in (0x04, 0x08, 0x0C, 0x10, 0x18, 0x1C, 0x20)):
            yield "TIM2 is told more than to count"
        if self._field(now, self.apb1, 3) >= 4:
            yield "TIM2 runs slower than the core"
        yield from unlike(counter, self.tim2_bits)


class Stm32F1(Stm32):
    """Pins without numbered functions: mode and configuration are four bits of each."""

    def pin(self, now: Registers, port: int, name: str, is_tx: bool) -> Iterator[str]:
        number = int(name[2:])
        mode = now.bits(port + 4 * (number // 8), 4 * (number % 8), 4)
        if is_tx and mode not in (0x9, 0xA, 0xB):
            yield f"{name} is no alternate push-pull output"
        if not is_tx and mode not in (0x4, 0x8):
            yield f"{name} is no input"

    def drives(self, now: Registers, port: int, number: int) -> int:
        return int(now.bits(port + 4 * (number // 8), 4 * (number % 8), 4) in (1, 2, 3))
