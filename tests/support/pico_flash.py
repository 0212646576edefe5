"""The flash chip of a Pico in rp2040py, which it serves by SPI command: every erase and program is
counted, power may go at each, and while it is not mapped nothing can be read or run from it."""

from __future__ import annotations

import random
from typing import Any

from rp2040py import RP2040
from rp2040py.peripherals import ssi
from support.chip_flashes import HOW, TORN, WHOLE, CutError

BYTES, PAGE, SECTOR = 2 << 20, 256, 4096
SSI = 0x1800_0000 >> 12
_COMMANDS = {ssi.CMD_SECTOR_ERASE: SECTOR, ssi.CMD_BLOCK_ERASE: 1 << 16, ssi.CMD_PAGE_PROGRAM: PAGE}
_MAPPED = {ssi.SSI_CTRLR0: 0x001F_0300, ssi.SSI_SPI_CTRL_R0: 0x0300_0218, ssi.SSI_SSIENR: 1}
_PROGRAM = range(1 << 18)
_UNDEFINED = b"\x00\xde" * (len(_PROGRAM) // 2)


class FlashChip(ssi.RPSSI):
    """kept: offsets that hold the program; a command there is an AssertionError. commands: what was
    done, by SPI command and offset. baud: SCK's divider whenever flash was mapped. least_sp: the
    stack pointer of those that set it up from RAM."""

    def __init__(self, chip: RP2040, kept: int, seed: int = 0) -> None:
        super().__init__(chip, "SSI")
        self.kept, self.cut_at, self.rng = kept, 0, random.Random(seed)
        self.commands: list[tuple[int, int]] = []
        self.baud: list[int] = []
        self.least_sp = 0xFFFF_FFFF
        self._registers: dict[int, int] = {}
        self._program: bytes | None = None
        self._is_mapped = False

    def write_uint32(self, offset: int, value: int) -> None:
        super().write_uint32(offset, value)
        if self.rp2040.core.pc >> 28 == 2:
            self.least_sp = min(self.least_sp, self.rp2040.core.sp)
        if offset in (*_MAPPED, ssi.SSI_BAUDR):
            self._registers[offset] = value
            self._map(all(self._registers.get(at) == value for at, value in _MAPPED.items()))

    def _map(self, is_mapped: bool) -> None:
        """Where flash is not mapped the core meets no instruction."""
        flash: Any = self.rp2040.flash
        if is_mapped and not self._is_mapped:
            self.baud.append(self._registers[ssi.SSI_BAUDR])
            if self._program is not None:
                flash[_PROGRAM.start:_PROGRAM.stop] = self._program
        elif self._is_mapped and not is_mapped:
            self._program = bytes(flash[_PROGRAM.start:_PROGRAM.stop])
            flash[_PROGRAM.start:_PROGRAM.stop] = _UNDEFINED
        self._is_mapped = is_mapped

    def _apply_command(self) -> None:
        n_bytes = _COMMANDS.get(self._tx_buffer[0], 0) if len(self._tx_buffer) >= 4 else 0
        if n_bytes:
            self._count(n_bytes)
        super()._apply_command()

    def _count(self, n_bytes: int) -> None:
        first = self._address_from_buffer() & ~(n_bytes - 1)
        assert self._write_enabled, "a command that was not enabled"
        assert not self._is_mapped, "a command while flash is mapped"
        assert self.rp2040.core.pm, "an interrupt could run, and lies in flash"
        assert self.kept <= first and first + n_bytes <= BYTES, f"{first:#x} is not the slots'"
        self.commands.append((self._tx_buffer[0], first))
        if len(self.commands) == self.cut_at:
            how = self.rng.choice(HOW)
            if how == TORN:
                self._tear(first, n_bytes)
            elif how == WHOLE:
                super()._apply_command()
            raise CutError

    def _tear(self, first: int, n_bytes: int) -> None:
        """Some bits of all the sector are 1 already, or some of the page's first bytes 0."""
        flash: Any = self.rp2040.flash
        old = bytes(flash[first:first + n_bytes])
        if n_bytes == PAGE:
            data, n_whole = self._tx_buffer[4:], self.rng.randrange(PAGE + 1)
            data = bytes(byte if i < n_whole else byte | self.rng.randrange(256) if i < n_whole + 8
                         else 0xFF for i, byte in enumerate(data))
            new = bytes(a & b for a, b in zip(old, data, strict=True))
        else:
            new = bytes(a | self.rng.choice((0, self.rng.randrange(256), 0xFF)) for a in old)
        flash[first:first + n_bytes] = new
