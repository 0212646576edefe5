"""nRF51 and nRF52, LM3S and Arm's FPGA images, by their reference manuals and data sheets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_dassdp.build.description import Counter, Store, Uart
from edge_dassdp.chips.clocks.registers import Family, Levels, Registers, Running, Wiring, unlike

# ---- nRF -----------------------------------------------------------------------------------------

_PORT, _NEXT = 0x5000_0500, 0x300
"""Registers of P0; those of P1 stand behind them."""
_OUT, _OUTSET, _OUTCLR, _DIR, _DIRSET, _DIRCLR, _CNF = 0x04, 0x08, 0x0C, 0x14, 0x18, 0x1C, 0x200
_HFCLKSTART, _HFCLKSTARTED, _APPROTECT = 0x4000_0000, 0x4000_0100, 0x4000_0558
_TIMER = 0x4000_8000


@dataclass(frozen=True)
class Nrf(Family):
    """hz: of the core. is_guarded: whether the debug port shuts after a reset if it is not told."""

    hz: float
    is_guarded: bool

    def store(self, now: Registers, store: Store) -> None:
        if store.address >> 12 <= 0x4001F and store.address & 0xFFF < 0x100 and store.value != 1:
            now.wrong.append(f"the task at 0x{store.address:08X} is triggered by 1 alone")
        port = _PORT + _NEXT * (store.address >= _PORT + _NEXT)
        done = {_OUTSET: (_OUT, True), _OUTCLR: (_OUT, False), _DIRSET: (_DIR, True),
                _DIRCLR: (_DIR, False)}.get(store.address - port)
        if done:
            at = port + done[0]
            now[at] = now[at] | store.value if done[1] else now[at] & ~store.value
        else:
            super().store(now, store)

    def settle(self, now: Registers) -> None:
        now[_HFCLKSTARTED] = now[_HFCLKSTART] & 1

    def clocks(self, now: Registers, uart: Uart, found: Running) -> None:
        found.core_hz, found.uart_hz = self.hz, 16e6
        found.baud = uart.baud_register * found.uart_hz / 2**32
        found.object_unless(now[_HFCLKSTART] & 1 and now.were_awaited(_HFCLKSTARTED, 1),
                            "the crystal is not started and waited for: the RC oscillator is not "
                            "exact enough for the UART")
        found.object_unless(uart.base == 0x4000_2000, "the UART of the chip is at 0x40002000")
        found.object_unless(not self.is_guarded or now[_APPROTECT] == 0x5A,
                            "APPROTECT is not written: new chips shut the debug port after a reset")

    def pins(self, now: Registers, uart: Uart, wiring: Wiring, found: Running) -> None:
        for offset, wired, what in ((0x50C, wiring.tx, "TXD"), (0x514, wiring.rx, "RXD")):
            pin = now[uart.base + offset]
            if pin >= 64:
                found.objections.append(f"{what} is given no pin")
                continue
            name = f"P{pin // 32}.{pin % 32:02}"
            found.object_unless(not wired or name == wired, f"{what} is {name}, wired to {wired}")
            port, bit = _PORT + _NEXT * (pin // 32), pin % 32
            cnf = now[port + _CNF + 4 * bit]
            if what == "TXD":
                found.object_unless(now.bits(port + _OUT, bit), f"{name} (TXD) idles low")
                found.object_unless(now.bits(port + _DIR, bit) or cnf & 1,
                                    f"{name} (TXD) is no output")
            else:
                found.object_unless(not cnf & 3 and not now.bits(port + _DIR, bit),
                                    f"{name} (RXD) is no input, or its buffer is disconnected")

    def levels(self, now: Registers) -> Levels:
        found = {f"P{n}.{bit:02}": (now.bits(port + _OUT, bit), now.bits(port + _DIR, bit))
                 for n, port in enumerate((_PORT, _PORT + _NEXT)) for bit in range(32)}
        return {pin: level for pin, level in found.items() if any(level)}

    def counts(self, now: Registers, counter: Counter) -> Iterator[str]:
        channel = (counter.count - _TIMER - 0x540) // 4
        if not 0 <= channel < 4:
            yield from super().counts(now, counter)
            return
        is_right = not now[_TIMER + 0x504] & 3 and now[_TIMER + 0x508] & 3 == 3 and \
            not now[_TIMER + 0x510]
        if not is_right or not now[_TIMER] & 1:
            yield "TIMER0 does not count at 16 MHz with 32 bits"
        if now[_TIMER + 4] & 1 or not now[_TIMER + 0x0C] & 1:
            yield "TIMER0 is not cleared, or is stopped"
        if self.hz != 16e6:
            yield "TIMER0 runs slower than the core"
        yield from unlike(counter, 32, capture=_TIMER + 0x40 + 4 * channel)


# ---- Stellaris -----------------------------------------------------------------------------------

_SYSCTL, _PORT_A = 0x400F_E000, 0x4000_4000
_CRYSTALS = {0x4: 3.579545e6, 0x6: 4e6, 0x9: 5e6, 0xB: 6e6, 0xE: 8e6, 0xF: 8.192e6}


class Lm3s(Family):
    """The LM3S6965 without its PLL."""

    def takes(self, now: Registers, address: int) -> bool:
        return not _PORT_A <= address < _PORT_A + 0x1000 or bool(now.bits(_SYSCTL + 0x108, 0))

    def clocks(self, now: Registers, uart: Uart, found: Running) -> None:
        rcc, rcc2 = now[_SYSCTL + 0x60], now[_SYSCTL + 0x70]
        is_second = rcc2 >> 31
        is_past_pll = (rcc2 if is_second else rcc) >> 11 & 1
        source = rcc2 >> 4 & 7 if is_second else rcc >> 4 & 3
        found.object_unless(is_past_pll, "the core runs on the PLL, which is not set up")
        found.object_unless(source == 0 and not rcc & 1, "the core does not run on the crystal")
        found.object_unless(any(w.address == 0xE000_E010 and w.mask >> 16 & 1 for w in now.waits),
                            "nothing waits until the crystal runs")
        found.object_unless(rcc2 >> 13 & 1 if is_second else rcc >> 13 & 1,
                            "the PLL is powered for nothing")
        divider = (rcc2 >> 23 & 63 if is_second else rcc >> 23 & 15) + 1 if rcc >> 22 & 1 else 1
        found.core_hz = found.uart_hz = _CRYSTALS.get(rcc >> 6 & 15, 0) / divider
        number = (uart.base - 0x4000_C000) // 0x1000
        if not 0 <= number < 3 or uart.base & 0xFFF:
            found.objections.append(f"no UART is at 0x{uart.base:08X}")
            return
        found.object_unless(now.bits(_SYSCTL + 0x104, number), "the clock of the UART is off")
        found.baud = found.uart_hz / 16 / (uart.baud_register / 64)

    def pins(self, now: Registers, uart: Uart, wiring: Wiring, found: Running) -> None:
        found.object_unless(now.bits(_SYSCTL + 0x108, 0), "the clock of GPIOA is off")
        for pin in (0, 1):
            found.object_unless(now.bits(_PORT_A + 0x420, pin) and now.bits(_PORT_A + 0x51C, pin),
                                f"PA{pin} is not given to the UART, or is not digital")


# ---- Arm's FPGA images ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Fpga(Family):
    """hz: of the core; uart_hz: of its peripherals. counter: at the address that is read."""

    hz: float
    uart_hz: float
    counter: int

    def clocks(self, now: Registers, uart: Uart, found: Running) -> None:
        found.core_hz, found.uart_hz = self.hz, self.uart_hz
        found.object_unless(uart.baud_register >= 16, "the divider of the UART is 16 at least")
        found.baud = self.uart_hz / uart.baud_register

    def pins(self, now: Registers, uart: Uart, wiring: Wiring, found: Running) -> None:
        """The image connects them."""

    def counts(self, now: Registers, counter: Counter) -> Iterator[str]:
        if counter.count != self.counter:
            yield from super().counts(now, counter)
        elif self.counter == 0x5800_0000:
            if not now.bits(0x5810_0000, 0):
                yield "the system counter is off"
            yield from unlike(counter, 32)
        else:
            base = counter.count - 4
            if now[base] != 1 or now[base + 4] != 0xFFFF_FFFF or now[base + 8] != 0xFFFF_FFFF:
                yield "the timer does not count every cycle down from 2^32 - 1"
            yield from unlike(counter, 32, down=True)
