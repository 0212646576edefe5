"""Flash controllers of chips whose flash carries check bits (ST's RM0351, RM0444, RM0440, RM0434,
RM0456, RM0433): a unit is written whole and once. One that power left torn cannot be read: the NMI
or a bus fault comes, and what is read is worth nothing.
"""

from __future__ import annotations

from support.chip_flashes import ERASED, Flash, Nvmc, Stm32, Stm32F7, Stm32Pages, Stm32Sectors


class BusFaultError(Exception):
    """Of the load that the core is about."""


class Torn(Stm32):
    """Torn units are erased, whole or unreadable."""

    def _write_unit(self, address: int) -> int:
        return address - address % self.controller.write

    def _tear_erase(self, first: int, n_bytes: int) -> None:
        for unit in range(first, first + n_bytes, self.controller.write):
            kind = self.rng.randrange(3)
            if kind == 0:
                self.unreadable.add(unit)
            elif kind == 1:
                self._put(unit, bytes([ERASED]) * self.controller.write)
                self.unreadable.discard(unit)

    def _tear_write(self, first: int, old: bytes, data: bytes) -> None:
        self.unreadable.add(first)
        super()._tear_write(first, old, data)

    def _garbage(self, n_bytes: int) -> int:
        return self.rng.randrange(1 << 8 * n_bytes)


class Stm32Double(Torn):
    """L4, G0, G4, WB, and U5: a page by number and bank, PER and STRT; units of two words, of the
    U5 of four, word by word in order, by PG. A unit that is not erased sets PROGERR and stays. An
    error that was not cleared blocks. The data cache is on from reset; see Stm32Sectors. CFGBSY:
    with BSY."""

    KEYR, SR, CR, ECCR = 0x08, 0x10, 0x14, 0x18
    PG, PER, START = 1 << 0, 1 << 1, 1 << 16
    OPERR, PROGERR, WRPERR, PGAERR, SIZERR, PGSERR = 1 << 1, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
    ERRORS, EOP = 0xC3FA, 1 << 0
    ECCD, ECCC = 1 << 31, 1 << 30
    DCEN, DCRST = 1 << 10, 1 << 12
    OPTION = 0x20
    RESETS = ((0x14, 0xC000_0000), (0x00, 0x600), (0x20, 0xFFEF_F8AA))
    PAGE_BITS, HAS_DATA_CACHE = 8, True

    def reset(self) -> None:
        super().reset()
        self.part: list[int] = []
        self.first = 0
        self.cached: dict[int, bytes] = {}
        self.excused = -1

    @property
    def nmi(self) -> bool:
        return bool(self.reg(self.ECCR) & self.ECCD)

    def write(self, offset: int, value: int) -> None:
        if offset == self.ECCR:
            self.registers[offset] = self.reg(offset) & ~(value & (self.ECCD | self.ECCC))
            return
        if offset == self.ACR and value & self.DCRST:
            assert self.HAS_DATA_CACHE, "DCRST is reserved here"
            assert not self.reg(self.ACR) & self.DCEN, "the data cache is reset while it is on"
            self.cached.clear()
        super().write(offset, value)

    def load(self, address: int, n_bytes: int) -> int:
        """Of a unit that cannot be read garbage, and the NMI."""
        unit = self._write_unit(address)
        if unit in self.unreadable:
            self.registers[self.ECCR] = self.ECCD | (address - self.origin) >> 3 & 0x7FFFF
            return self._garbage(n_bytes)
        if not (self.HAS_DATA_CACHE and self.reg(self.ACR) & self.DCEN):
            return super().load(address, n_bytes)
        line = self.cached.setdefault(address & ~15, self.bytes_at(address & ~15, 16))
        return int.from_bytes(line[address % 16:address % 16 + n_bytes], "little")

    def _is_blocked(self) -> bool:
        return self._fails(self.PGSERR, bool(self.status & self.ERRORS))

    def _start(self, control: int) -> None:
        assert not self.part, "STRT amid a unit"
        if self._is_blocked() or self._fails(self.PGSERR, control & 7 != self.PER):
            return
        first, n_bytes = self._page(control)
        if not self._fails(self.WRPERR, first in self.guarded):
            self._erase(first, n_bytes)
            self.status |= self.EOP

    def _page(self, control: int) -> tuple[int, int]:
        """First address and bytes, by PNB and BKER."""
        [(n_pages, n_bytes)] = self.controller.units
        number, bank = control >> 3 & (1 << self.PAGE_BITS) - 1, control >> 11 & 1
        reserved = 0xFF << 3 & ~((1 << self.PAGE_BITS) - 1 << 3) | (not self.controller.bank) << 11
        assert not control & reserved, f"reserved bits of CR: {control:#x}"
        number += bank * (self.controller.bank // n_bytes)
        assert number < n_pages, f"there is no page {number}"
        return self.origin + number * n_bytes, n_bytes

    def store(self, address: int, n_bytes: int, value: int) -> None:
        assert not self.n_busy, f"a store at {address:#x} while a command is under way"
        if (self._is_blocked() or self._fails(self.PGSERR, self.reg(self.CR) & 7 != self.PG)
                or self._fails(self.SIZERR, n_bytes != 4)
                or self._fails(self.WRPERR, address in self.guarded)):
            self.part.clear()
            return
        if not self.part:
            self.first = address
        due = self.first + 4 * len(self.part)
        if self._fails(self.PGAERR, address != due or self.first % self.controller.write != 0):
            self.part.clear()
            return
        self.part.append(value)
        if 4 * len(self.part) == self.controller.write:
            self._write_whole()

    def _write_whole(self) -> None:
        """PROGERR of what holds anything, but for a unit of zeros."""
        data = b"".join(word.to_bytes(4, "little") for word in self.part)
        self.part = []
        old = self.bytes_at(self.first, len(data))
        is_used = self.first in self.unreadable or old != bytes([ERASED]) * len(old)
        if self._fails(self.PROGERR, is_used and any(data)):
            return
        self._program(self.first, data)
        self.status |= self.EOP


class Stm32G0(Stm32Double):
    """One bank of 128 KB, page numbers of 7 bits, no data cache."""

    OPTION = 0
    RESETS = ((0x14, 0xC000_0000), (0x00, 0x4_0600))
    PAGE_BITS, HAS_DATA_CACHE = 7, False
    BSY = 1 << 16 | 1 << 18


class Stm32G4(Stm32Double):
    """Two banks with pages of 2 KB from the factory; with DBANK 0 one, pages of 4 KB."""

    RESETS = ((0x14, 0xC000_0000), (0x00, 0x4_0600), (0x20, 0xFFEF_F8AA))
    PAGE_BITS, DBANK = 7, 1 << 22

    def _page(self, control: int) -> tuple[int, int]:
        first, n_bytes = super()._page(control)
        if self.reg(self.OPTION) & self.DBANK:
            return first, n_bytes
        return self.origin + (control >> 3 & 0x7F) * 2 * n_bytes, 2 * n_bytes


class Stm32Wb(Stm32Double):
    """One bank, pages of 4 KB; the second core sleeps."""

    BSY = 1 << 16 | 1 << 18


class Stm32U5(Stm32Double):
    """Registers of the non-secure side; OEM locks, which are no work, read 1."""

    KEYR, SR, CR, ECCR = 0x08, 0x20, 0x28, 0x30
    OPTION = 0x40
    RESETS = ((0x28, 0xC000_0000), (0x00, 1), (0x40, 0x1FEF_F8AA))
    PAGE_BITS, HAS_DATA_CACHE = 7, False
    BSY, ERRORS, OEM_LOCKS = 1 << 16 | 1 << 17, 0x20FA, 3 << 18

    def read(self, offset: int) -> int:
        return super().read(offset) | (self.OEM_LOCKS if offset == self.SR else 0)


class Stm32H7(Torn):
    """Two banks with registers each, the second's 0x100 behind; sectors of 128 KB by SNB, SER and
    START; flash words of 32 bytes, word by word in order, by PG. One that is not erased is written
    nevertheless, and cannot be read from then on. CCR clears what SR tells."""

    BANK, KEYR, CR, SR, CCR = 0x100, 0x04, 0x0C, 0x10, 0x14
    LOCK, PG, SER, BER, START = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 7
    QW, WBNE, EOP = 1 << 2, 1 << 1, 1 << 16
    BSY = 1 << 0 | QW
    WRPERR, PGSERR, INCERR, DBECCERR = 1 << 17, 1 << 18, 1 << 21, 1 << 26
    ERRORS = 0x07EE_0000
    OPTION = 0x1C
    RESETS = ((0x0C, 0x31), (0x10C, 0x31), (0x1C, 0x1BC6_AAF0))

    def reset(self) -> None:
        super().reset()
        self.keys, self.statuses = [0, 0], [0, 0]
        self.parts: list[list[int]] = [[], []]
        self.firsts = [0, 0]

    def _bank(self, address: int) -> int:
        return (address - self.origin) // self.controller.bank

    def read(self, offset: int) -> int:
        bank, at = divmod(offset, self.BANK)
        assert at != self.KEYR, "KEYR is not read"
        if at != self.SR:
            return self.reg(offset)
        return (self.statuses[bank] | (self.BSY if self._tick() else 0)
                | (self.WBNE if self.parts[bank] else 0))

    def write(self, offset: int, value: int) -> None:
        bank, at = divmod(offset, self.BANK)
        if at == self.KEYR:
            self._unlock_bank(bank, value)
        elif at == self.CCR:
            self.statuses[bank] &= ~value
        elif at == self.CR:
            self._control_bank(bank, value)
        else:
            assert at != self.SR, "SR is written"
            self.registers[offset] = value

    def _unlock_bank(self, bank: int, key: int) -> None:
        cr = self.BANK * bank + self.CR
        done = self.keys[bank]
        fits = 0 <= done < 2 and self.reg(cr) & self.LOCK and key == self.KEYS[done]
        self.keys[bank] = done + 1 if fits else -1
        if self.keys[bank] == 2:
            self.registers[cr] &= ~self.LOCK

    def _control_bank(self, bank: int, value: int) -> None:
        cr = self.BANK * bank + self.CR
        if self.reg(cr) & self.LOCK:
            return
        assert not self.n_busy, "CR is written while a command is under way"
        self.registers[cr] = value & ~self.START
        if value & self.LOCK:
            self.keys[bank] = 0
        elif value & self.START:
            self._erase_sector(bank, value)

    def _start(self, control: int) -> None:
        raise AssertionError("a bank has its own")

    def _bank_fails(self, bank: int, flag: int, is_so: bool) -> bool:
        self.statuses[bank] |= flag if is_so else 0
        return is_so

    def _is_bank_blocked(self, bank: int) -> bool:
        return self._bank_fails(bank, self.PGSERR, bool(self.statuses[bank] & self.ERRORS))

    def _erase_sector(self, bank: int, control: int) -> None:
        if self._is_bank_blocked(bank) or self._bank_fails(
                bank, self.PGSERR, control & 0xE != self.SER):
            return
        [(_, n_bytes)] = self.controller.units
        first = self.origin + bank * self.controller.bank + (control >> 8 & 7) * n_bytes
        if not self._bank_fails(bank, self.WRPERR, first in self.guarded):
            self._erase(first, n_bytes)
            self.statuses[bank] |= self.EOP

    def load(self, address: int, n_bytes: int) -> int:
        if self._write_unit(address) in self.unreadable:
            self.statuses[self._bank(address)] |= self.DBECCERR
            raise BusFaultError
        return super().load(address, n_bytes)

    def store(self, address: int, n_bytes: int, value: int) -> None:
        bank = self._bank(address)
        part = self.parts[bank]
        assert not self.n_busy, f"a store at {address:#x} while a command is under way"
        if self._is_bank_blocked(bank) or self._bank_fails(
                bank, self.PGSERR,
                self.reg(self.BANK * bank + self.CR) & 0xF != self.PG) or self._bank_fails(
                    bank, self.WRPERR, address in self.guarded):
            return
        if not part:
            self.firsts[bank] = address
        first = self.firsts[bank]
        due = first + 4 * len(part)
        if self._bank_fails(bank, self.INCERR, n_bytes != 4 or address != due or first % 32 != 0):
            return
        part.append(value)
        if len(part) == 8:
            self._write_word(bank, first)

    def _write_word(self, bank: int, first: int) -> None:
        data = b"".join(word.to_bytes(4, "little") for word in self.parts[bank])
        self.parts[bank] = []
        is_used = first in self.unreadable or self.bytes_at(first, 32) != bytes([ERASED]) * 32
        self._program(first, data)
        if is_used:
            self.unreadable.add(first)
        self.statuses[bank] |= self.EOP


FLASHES: dict[str, type[Flash]] = {
    "pages": Stm32Pages, "sectors": Stm32Sectors, "f7": Stm32F7, "nvmc": Nvmc, "l4": Stm32Double,
    "g0": Stm32G0, "g4": Stm32G4, "wb": Stm32Wb, "u5": Stm32U5, "h7": Stm32H7}
