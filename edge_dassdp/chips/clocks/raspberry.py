"""RP2040 and RP2350: resets, crystal, PLL, clocks and pads, by their data sheets."""

from __future__ import annotations

from dataclasses import dataclass

from edge_dassdp.build.description import Store, Uart
from edge_dassdp.chips.clocks.registers import Family, Levels, Registers, Running, Wiring
from edge_dassdp.chips.names import ALIASED

_SIO, _IN_SIO, _N_PINS = 0xD000_0000, 5, 30
_CRYSTAL_HZ, _VCO_HZ = 12e6, (750e6, 1600e6)


@dataclass(frozen=True)
class Rp(Family):
    """Bases of its blocks. held: bits of RESETS that stand for IO, pads and UART0; used: those and
    the PLL; all: those there are. rosc_hz: nominal. isolates: pads are cut off until they are told.
    """

    clocks_base: int
    xosc: int
    resets: int
    pll: int
    io: int
    pads: int
    held: int
    all: int
    used: int
    rosc_hz: float
    isolates: bool = False

    def store(self, now: Registers, store: Store) -> None:
        step = 8 if self.isolates else 4  # RP2350 has the upper pins' registers between
        out, is_set = divmod(store.address - _SIO - 0x10, 4 * step)
        if out in (0, 1) and is_set in (step, 2 * step):
            at = _SIO + 0x10 + 4 * step * out
            now[at] = now[at] | store.value if is_set == step else now[at] & ~store.value
            return
        kind = store.address >> 12 & 3 if store.address in ALIASED else 0
        if not kind:
            super().store(now, store)
            return
        at = store.address & ~0x3000
        now[at] = (now[at] ^ store.value, now[at] | store.value, now[at] & ~store.value)[kind - 1]

    def settle(self, now: Registers) -> None:
        is_on = now.bits(self.xosc, 12, 12) == 0xFAB and now.bits(self.xosc, 0, 12) == 0xAA0
        now.put(self.xosc + 4, 31, 1, is_on)
        now[self.resets + 8] = ~now[self.resets] & self.all
        is_locked = not now[self.pll + 4] & 0x21 and 16 <= now[self.pll + 8] <= 320
        now.put(self.pll, 31, 1, is_locked and is_on)
        now[self.clocks_base + 0x38] = 1 << now.bits(self.clocks_base + 0x30, 0, 2)
        now[self.clocks_base + 0x44] = 1 << now.bits(self.clocks_base + 0x3C, 0, 1)

    def clocks(self, now: Registers, uart: Uart, found: Running) -> None:
        at = self.clocks_base
        crystal = _CRYSTAL_HZ if now.bits(self.xosc + 4, 31) else 0
        ref = {0: self.rosc_hz, 2: crystal}.get(now.bits(at + 0x30, 0, 2), 0)
        pll = self._pll(now, found)
        is_aux = now.bits(at + 0x3C, 0)
        aux = {0: pll, 2: self.rosc_hz, 3: crystal}.get(now.bits(at + 0x3C, 5, 3), 0)
        found.core_hz = aux if is_aux else ref
        found.object_unless(found.core_hz, "the core is given a clock that is not turned on")
        found.uart_hz = {0: found.core_hz, 1: pll, 4: crystal}.get(now.bits(at + 0x48, 5, 3), 0) \
            if now.bits(at + 0x48, 11) else 0
        found.object_unless(found.uart_hz, "the clock of the UART (CLK_PERI) is off")
        found.object_unless(not now[self.resets] & self.held,
                            f"0x{now[self.resets] & self.held:X} of RESETS is held in reset")
        found.baud = found.uart_hz / 16 / (uart.baud_register / 64)
        self._waits(now, found)

    def _pll(self, now: Registers, found: Running) -> float:
        if not now.bits(self.pll, 31) or now[self.pll + 4] & 0x8:
            return 0
        vco = _CRYSTAL_HZ / max(1, now.bits(self.pll, 0, 6)) * now[self.pll + 8]
        found.object_unless(_VCO_HZ[0] <= vco <= _VCO_HZ[1],
                            f"the PLL's oscillator does not run at {vco:,.0f} Hz")
        first, second = now.bits(self.pll + 0xC, 16, 3), now.bits(self.pll + 0xC, 12, 3)
        return vco / max(1, first) / max(1, second)

    def _waits(self, now: Registers, found: Running) -> None:
        """For the crystal, for blocks that leave reset, for clocks that change."""
        left = self.held | now.reset.get(self.resets, 0) & ~now[self.resets]
        for address, mask, why in (
                (self.xosc + 4, 1 << 31, "the crystal runs"),
                (self.resets + 8, left, "blocks have left reset"),
                (self.clocks_base + 0x38, 1 << 2, "CLK_REF runs on the crystal"),
                (self.clocks_base + 0x44, 1 << now.bits(self.clocks_base + 0x3C, 0),
                 "CLK_SYS runs on what is chosen")):
            found.object_unless(now.were_awaited(address, mask), f"nothing waits until {why}")
        found.object_unless(now.bits(self.xosc + 0xC, 0, 14) >= 47,
                            "the crystal is given less than a millisecond to start")
        if left & ~self.used:
            found.notes.append(f"0x{left & ~self.used:X} of RESETS leaves reset and is not used")
        if now[self.pll + 8]:
            found.object_unless(now.were_awaited(self.pll, 1 << 31),
                                "nothing waits until the PLL has locked")

    def levels(self, now: Registers) -> Levels:
        oe = _SIO + (0x30 if self.isolates else 0x20)
        found = {f"GPIO{pin}": (now.bits(_SIO + 0x10, pin), self._drives(now, oe, pin))
                 for pin in range(_N_PINS)}
        return {pin: level for pin, level in found.items() if any(level)}

    def _drives(self, now: Registers, oe: int, pin: int) -> int:
        """1 for a pin that SIO has, whose pad is neither off nor isolated."""
        pad = now[self.pads + 4 + 4 * pin]
        is_on = not pad & 0x80 and not (self.isolates and pad & 0x100)
        return int(now.bits(oe, pin) and now[self.io + 4 + 8 * pin] == _IN_SIO and is_on)

    def pins(self, now: Registers, uart: Uart, wiring: Wiring, found: Running) -> None:
        for pin in (0, 1):
            function = now.bits(self.io + 4 + 8 * pin, 0, 5)
            found.object_unless(function == 2, f"GPIO{pin} has function {function}, UART0 is 2")
            found.object_unless(not now[self.io + 4 + 8 * pin] >> 8, f"GPIO{pin} is overridden")
            pad = now[self.pads + 4 + 4 * pin]
            found.object_unless(pad & 0x40 and not pad & 0x80, f"the pad of GPIO{pin} is off")
            found.object_unless(not self.isolates or not pad & 0x100,
                                f"the pad of GPIO{pin} is isolated")
