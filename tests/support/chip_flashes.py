"""Flash controllers of chips with the memory behind them, register by register, as ST's reference
manuals (RM0008, RM0316, RM0090, RM0410) and Nordic's product specifications describe them, each
kind stricter than a chip may be: what a manual forbids is an AssertionError here.

Power may be cut at any command: `cut_at` counts them. A unit that was under way is left torn, or
the command was not yet begun, or just done.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass

ERASED = 0xFF
UNTOUCHED, TORN, WHOLE = range(3)
HOW = (UNTOUCHED, TORN, TORN, WHOLE)
"""What a command has done when the power goes at it."""
N_BUSY = 3
"""Readings of a status register for which a command is under way."""


class CutError(Exception):
    """The power went."""


@dataclass(frozen=True)
class Controller:
    """kind: which model. base: of its registers. units: how many erase units of how many bytes,
    from the first address on. write: bytes that are written at once. bank: bytes of a bank, 0 where
    there is one alone. option: bits of the option register that are otherwise than from the
    factory. erase_ms, write_us: of an erase unit at most, of a write unit typically. endurance: how
    often a unit may be erased."""

    kind: str
    base: int
    units: tuple[tuple[int, int], ...]
    write: int
    bank: int = 0
    option: int = 0
    erase_ms: float = 0
    write_us: float = 0
    endurance: int = 10_000

    def erase_units(self, origin: int) -> dict[int, int]:
        """Bytes of each erase unit by its first address."""
        found, address = {}, origin
        for n, n_bytes in self.units:
            for _ in range(n):
                found[address] = n_bytes
                address += n_bytes
        return found


class Flash(ABC):
    """Memory of `n_bytes` from `origin` on, of which the first `kept` are the program's: to erase
    or write there is an AssertionError.

    commands: what was begun, "erase" or "write" and the address. stuck: bits that read 0 for ever,
    by address of a byte. guarded: addresses of which the controller refuses any command.
    """

    RESETS: tuple[tuple[int, int], ...] = ()
    OPTION = 0
    """The register of the option bytes."""

    def __init__(self, origin: int, n_bytes: int, controller: Controller) -> None:
        self.origin, self.controller = origin, controller
        self.memory = bytearray([ERASED]) * n_bytes
        self.kept = 0
        self.commands: list[tuple[str, int]] = []
        self.cut_at = 0
        self.stuck: dict[int, int] = {}
        self.guarded = range(0)
        self.unreadable: set[int] = set()
        self.rng = random.Random(15)
        self.reset()

    def reset(self) -> None:
        """Of the chip: registers begin anew, the memory stays."""
        self.registers = dict(self.RESETS)
        if self.OPTION:
            self.registers[self.OPTION] ^= self.controller.option
        self.n_busy = 0

    def reg(self, offset: int) -> int:
        return self.registers.get(offset, 0)

    @property
    def nmi(self) -> bool:
        """Whether it asks for the NMI."""
        return False

    @abstractmethod
    def read(self, offset: int) -> int:
        """A register, as the core reads it."""

    @abstractmethod
    def write(self, offset: int, value: int) -> None:
        """A register, as the core writes it."""

    @abstractmethod
    def store(self, address: int, n_bytes: int, value: int) -> None:
        """What a store of the core into the memory does."""

    def load(self, address: int, n_bytes: int) -> int:
        """What the core reads from the memory."""
        return int.from_bytes(self.bytes_at(address, n_bytes), "little")

    def bytes_at(self, address: int, n_bytes: int) -> bytes:
        at = address - self.origin
        return bytes(self.memory[at:at + n_bytes])

    def units(self) -> list[tuple[int, int]]:
        """First address and bytes of each erase unit."""
        return list(self.controller.erase_units(self.origin).items())

    def unit_of(self, address: int) -> tuple[int, int]:
        """That which holds an address."""
        return next((first, n) for first, n in self.units() if first <= address < first + n)

    def _tick(self) -> bool:
        """Whether it is busy, as asked for: time goes by."""
        self.n_busy = max(0, self.n_busy - 1)
        return self.n_busy > 0

    def _begin(self, what: str, first: int, n_bytes: int) -> bool:
        """Whether the power goes at this command. Raises AssertionError in the program."""
        assert not self.n_busy, f"{what} at {first:#x} while another command is under way"
        inside = self.origin + self.kept <= first and first + n_bytes <= self._end
        assert inside, f"{what} at {first:#x}: the program, or nothing, lies there"
        self.commands.append((what, first))
        self.n_busy = N_BUSY + 1
        return len(self.commands) == self.cut_at

    @property
    def _end(self) -> int:
        return self.origin + len(self.memory)

    def _erase(self, first: int, n_bytes: int) -> None:
        is_cut = self._begin("erase", first, n_bytes)
        how = self.rng.choice(HOW) if is_cut else WHOLE
        if how == TORN:
            self._tear_erase(first, n_bytes)
        if how != WHOLE:
            raise CutError
        self.unreadable -= set(range(first, first + n_bytes, self.controller.write))
        self._put(first, bytes([ERASED]) * n_bytes)
        if is_cut:
            raise CutError

    def _program(self, first: int, data: bytes) -> None:
        """Bits go to 0 alone."""
        old = self.bytes_at(first, len(data))
        is_cut = self._begin("write", first, len(data))
        how = self.rng.choice(HOW) if is_cut else WHOLE
        if how == TORN:
            self._tear_write(first, old, data)
        elif how == WHOLE:
            self._put(first, bytes(a & b for a, b in zip(old, data, strict=True)))
        if is_cut:
            raise CutError

    def _put(self, first: int, data: bytes) -> None:
        at = first - self.origin
        self.memory[at:at + len(data)] = data
        for address, bits in self.stuck.items():
            if first <= address < first + len(data):
                self.memory[address - self.origin] &= ~bits

    def _tear_erase(self, first: int, n_bytes: int) -> None:
        """Some bits are 1 already, in all of the unit."""
        self._put(first, bytes(byte | self.rng.choice((0, self.rng.randrange(256), ERASED))
                               for byte in self.bytes_at(first, n_bytes)))

    def _tear_write(self, first: int, old: bytes, data: bytes) -> None:
        """Some bits are 0 already."""
        self._put(first, bytes(a & (b | self.rng.randrange(256))
                               for a, b in zip(old, data, strict=True)))


class Stm32(Flash):
    """KEYR twice opens CR until LOCK is set; what does not fit locks it until a reset."""

    KEYS = (0x4567_0123, 0xCDEF_89AB)
    KEYR, SR, CR, ACR = 0x04, 0x0C, 0x10, 0x00
    LOCK = 1 << 31
    BSY, ERRORS = 1 << 16, 0
    n_keys = 0

    def reset(self) -> None:
        super().reset()
        self.n_keys = 0
        self.status = 0

    @property
    def is_locked(self) -> bool:
        return bool(self.reg(self.CR) & self.LOCK)

    def read(self, offset: int) -> int:
        if offset == self.SR:
            return self.status | (self.BSY if self._tick() else 0)
        assert offset != self.KEYR, "KEYR is never read"
        return self.reg(offset)

    def write(self, offset: int, value: int) -> None:
        if offset == self.KEYR:
            self._unlock(value)
        elif offset == self.SR:
            self.status &= ~value
        elif offset == self.CR:
            self._control(value)
        else:
            self.registers[offset] = value

    def _unlock(self, key: int) -> None:
        fits = 0 <= self.n_keys < 2 and self.is_locked and key == self.KEYS[self.n_keys]
        self.n_keys = self.n_keys + 1 if fits else -1
        if self.n_keys == 2:
            self.registers[self.CR] &= ~self.LOCK

    def _control(self, value: int) -> None:
        if self.is_locked:
            return
        assert not self.n_busy, "CR is written while a command is under way"
        self.registers[self.CR] = value & ~self.START
        if value & self.LOCK:
            self.registers[self.CR], self.n_keys = dict(self.RESETS)[self.CR], 0
        elif value & self.START:
            self._start(value)

    START = 1 << 16

    @abstractmethod
    def _start(self, control: int) -> None:
        """CR was written with its start bit."""

    def _fails(self, flag: int, is_so: bool) -> bool:
        """With the flag set, if it is so."""
        self.status |= flag if is_so else 0
        return is_so


class Stm32Pages(Stm32):
    """F1 and F3 (RM0008, RM0316): a page by PER, AR and STRT, half-words by PG, erased ones."""

    AR = 0x14
    PG, PER, START, LOCK = 1 << 0, 1 << 1, 1 << 6, 1 << 7
    BSY, PGERR, WRPRTERR, EOP = 1 << 0, 1 << 2, 1 << 4, 1 << 5
    RESETS = ((0x10, 1 << 7), (0x00, 0x30))

    def write(self, offset: int, value: int) -> None:
        if offset == self.AR:
            assert not self.n_busy, "AR is written while a command is under way"
            assert self.reg(self.CR) & self.PER, "AR is written before PER"
        super().write(offset, value)

    def _start(self, control: int) -> None:
        assert control & 0x37 == self.PER, f"STRT with CR = {control:#x}"
        first, n_bytes = self.unit_of(self.reg(self.AR))
        if not self._fails(self.WRPRTERR, first in self.guarded):
            self._erase(first, n_bytes)
            self.status |= self.EOP

    def store(self, address: int, n_bytes: int, value: int) -> None:
        assert self.reg(self.CR) & 0x37 == self.PG, "a store without PG is a hard fault"
        assert n_bytes == 2 and address % 2 == 0, "a store of no half-word is a hard fault"
        if self._fails(self.WRPRTERR, address in self.guarded) or self._fails(
                self.PGERR, self.load(address, 2) != 0xFFFF and value != 0):
            return
        self._program(address, value.to_bytes(2, "little"))
        self.status |= self.EOP


class Stm32Sectors(Stm32):
    """F4 and F7 (RM0090, RM0410): a sector by its number, SER and STRT; units of PSIZE by PG. An
    error that was not cleared blocks. The data cache, once enabled, keeps what was read until it is
    reset, which it is while it is off."""

    PG, SER, MER, LOCK, PSIZE = 1 << 0, 1 << 1, 1 << 2, 1 << 31, 3 << 8
    OPERR, WRPERR, PGAERR, PGPERR, PGSERR = 1 << 1, 1 << 4, 1 << 5, 1 << 6, 1 << 7
    ERRORS, EOP = 0x1F2, 1 << 0
    DCEN, DCRST = 1 << 10, 1 << 12
    RESETS = ((0x10, 1 << 31),)

    def reset(self) -> None:
        super().reset()
        self.cached: dict[int, bytes] = {}

    def write(self, offset: int, value: int) -> None:
        if offset == self.ACR and value & self.DCRST:
            assert not self.reg(self.ACR) & self.DCEN, "the data cache is reset while it is on"
            self.cached.clear()
        super().write(offset, value)

    def load(self, address: int, n_bytes: int) -> int:
        if not self.reg(self.ACR) & self.DCEN:
            return super().load(address, n_bytes)
        line = self.cached.setdefault(address & ~15, self.bytes_at(address & ~15, 16))
        return int.from_bytes(line[address % 16:address % 16 + n_bytes], "little")

    def _is_blocked(self) -> bool:
        return self._fails(self.PGSERR, bool(self.status & self.ERRORS))

    def _start(self, control: int) -> None:
        if self._is_blocked():
            return
        assert control & 7 == self.SER, f"STRT with CR = {control:#x}"
        first, n_bytes = self._sector(control >> 3 & 31)
        if not self._fails(self.WRPERR, first in self.guarded):
            self._erase(first, n_bytes)
            self.status |= self.EOP

    def _sector(self, number: int) -> tuple[int, int]:
        """First address and bytes, by SNB."""
        sectors = self.units()
        assert number < len(sectors), f"there is no sector {number}"
        return sectors[number]

    def store(self, address: int, n_bytes: int, value: int) -> None:
        control = self.reg(self.CR)
        if (self._is_blocked() or self._fails(self.PGSERR, control & 7 != self.PG)
                or self._fails(self.PGPERR, n_bytes != 1 << (control >> 8 & 3))
                or self._fails(self.PGAERR, address % n_bytes != 0)
                or self._fails(self.WRPERR, address in self.guarded)):
            return
        self._program(address, value.to_bytes(n_bytes, "little"))
        self.status |= self.EOP


class Stm32F7(Stm32Sectors):
    """No data cache before it on this bus. With nDBANK 0 it has twice the sectors."""

    OPTION, N_DBANK = 0x14, 1 << 29
    RESETS = ((0x10, 1 << 31), (0x14, 0xFFFF_AAFD))

    def write(self, offset: int, value: int) -> None:
        assert offset != self.ACR, "ACR is none of its business"
        super().write(offset, value)

    def _sector(self, number: int) -> tuple[int, int]:
        if self.reg(self.OPTION) & self.N_DBANK:
            return super()._sector(number)
        sizes = [16 * 1024] * 4 + [64 * 1024] + [128 * 1024] * 7
        at, bank = number & 15, number >> 4
        assert at < len(sizes), f"there is no sector {number}"
        return self.origin + bank * len(self.memory) // 2 + sum(sizes[:at]), sizes[at]


class Nvmc(Flash):
    """nRF51 and nRF52: CONFIG says what may be done, ERASEPAGE takes an address, words are stored,
    each at most twice between two erases. The core waits for it; READY is asked for nevertheless.
    """

    READY, CONFIG, ERASEPAGE = 0x400, 0x504, 0x508
    READS, WRITES, ERASES = 0, 1, 2

    def __init__(self, origin: int, n_bytes: int, controller: Controller) -> None:
        super().__init__(origin, n_bytes, controller)
        self.n_writes: dict[int, int] = {}

    def read(self, offset: int) -> int:
        return int(not self._tick()) if offset == self.READY else self.reg(offset)

    def write(self, offset: int, value: int) -> None:
        if offset == self.CONFIG:
            assert not self.n_busy, "CONFIG is written while a command is under way"
            assert value in (self.READS, self.WRITES, self.ERASES)
        self.registers[offset] = value
        if offset == self.ERASEPAGE:
            assert self.reg(self.CONFIG) == self.ERASES, "ERASEPAGE without CONFIG.EEN"
            first, n_bytes = self.unit_of(value)
            assert first == value, f"{value:#x} begins no page"
            self.n_writes = {at: n for at, n in self.n_writes.items()
                             if not first <= at < first + n_bytes}
            self._erase(first, n_bytes)

    def store(self, address: int, n_bytes: int, value: int) -> None:
        assert self.reg(self.CONFIG) == self.WRITES, "a store without CONFIG.WEN"
        assert n_bytes == 4 and address % 4 == 0, "a store of no word"
        self.n_writes[address] = self.n_writes.get(address, 0) + 1
        assert self.n_writes[address] <= 2, f"{address:#x} is written a third time"
        self._program(address, value.to_bytes(4, "little"))
