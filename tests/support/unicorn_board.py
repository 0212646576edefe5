"""A board in this process: its ELF file in Unicorn, with memory, peripherals and the interrupt that
`chips` gives. What lies outside is a fault, as it is on the chip.

Unicorn executes instructions. Exceptions are entered and left here as Arm's manuals of v6-M, v7-M
and v8-M say, for a program that uses the main stack alone and no FPU.
"""

from __future__ import annotations

import random
import struct
from collections import Counter, deque
from pathlib import Path

import unicorn as uc
from elftools.elf.elffile import ELFFile
from support.chip_flashes import Flash
from support.chip_flashes_ecc import FLASHES, BusFaultError
from support.chip_uarts import UARTS
from support.chips import Chip
from unicorn import arm_const as reg

DEVICES, SIO, PRIVATE = 0x4000_0000, 0xD000_0000, 0xE000_0000
SLICE, IDLE_SLICE, MOST = 400, 20_000, 40_000_000
"""Instructions between two bytes of the wire, without one, and that a request may take."""
_CPU = {"M0": reg.UC_CPU_ARM_CORTEX_M0, "M3": reg.UC_CPU_ARM_CORTEX_M3,
        "M4": reg.UC_CPU_ARM_CORTEX_M4, "M7": reg.UC_CPU_ARM_CORTEX_M7,
        "M33": reg.UC_CPU_ARM_CORTEX_M33}
_STACKED = (reg.UC_ARM_REG_R0, reg.UC_ARM_REG_R1, reg.UC_ARM_REG_R2, reg.UC_ARM_REG_R3,
            reg.UC_ARM_REG_R12, reg.UC_ARM_REG_LR, reg.UC_ARM_REG_PC)
_PC, _PRIMASK = reg.UC_ARM_REG_PC, reg.UC_ARM_REG_PRIMASK
_WFI = b"\x30\xbf"
_THUMB, _ALIGNED, _IT = 1 << 24, 1 << 9, 0x0600_FC00
_RETURN = 0xFFFF_FFF9
_NMI, _HARD_FAULT, _BUS_FAULT, _IRQS = 2, 3, 5, 16
_PAGE = 0x1000


class Private:
    """The core's own peripherals: NVIC, vector table, SysTick, DWT; all else is kept as written."""

    ISER, ICER, VTOR, AIRCR, SHCSR = 0xE100, 0xE180, 0xED08, 0xED0C, 0xED24
    CSR, RELOAD, CURRENT, DEMCR, CTRL, CYCCNT = 0xE010, 0xE014, 0xE018, 0xEDFC, 0x1000, 0x1004

    def __init__(self, chip: Chip, vectors: int) -> None:
        self.has_dwt, self.has_vtor = chip.counter == "dwt", chip.core != "M0" or bool(chip.boot)
        self.has_systick = chip.counter != "timer0"
        self.registers = {self.VTOR: vectors}
        self.enabled: set[int] = set()
        self.cycles = self.began = 0

    def read(self, offset: int) -> int:
        self.cycles += 1  # time goes by while it is asked for
        if offset == self.CYCCNT:
            return self.cycles & 0xFFFF_FFFF if self._dwt_counts() else 0
        if offset == self.CURRENT and self.has_systick and self.registers.get(self.CSR, 0) & 1:
            period = self.registers.get(self.RELOAD, 0) + 1
            return -(self.cycles - self.began) % period
        if offset == self.CSR and self.has_systick:
            passed = self.cycles - self.began > self.registers.get(self.RELOAD, 0)
            return self.registers.get(self.CSR, 0) | passed << 16
        return self.registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if self.ISER <= offset < self.ISER + 32:
            self.enabled |= _numbers(offset - self.ISER, value)
        elif self.ICER <= offset < self.ICER + 32:
            self.enabled -= _numbers(offset - self.ICER, value)
        elif offset == self.CURRENT:
            self.began = self.cycles
        elif offset == self.AIRCR:
            raise AssertionError("the firmware resets the chip: it met a fault")
        elif offset != self.VTOR or self.has_vtor:
            self.registers[offset] = value

    @property
    def takes_bus_faults(self) -> bool:
        """Whether they are no hard faults."""
        return bool(self.registers.get(self.SHCSR, 0) >> 17 & 1)

    def _dwt_counts(self) -> bool:
        return (self.has_dwt and bool(self.registers.get(self.DEMCR, 0) >> 24 & 1)
                and bool(self.registers.get(self.CTRL, 0) & 1))


def _numbers(offset: int, value: int) -> set[int]:
    return {8 * offset + bit for bit in range(32) if value >> bit & 1}


class Devices:
    """The chip's peripherals: UART, flash controller, and registers that are kept as written."""

    def __init__(self, chip: Chip, flash: Flash | None = None) -> None:
        self.chip, self.flash = chip, flash
        self.uart = UARTS[chip.uart]()
        self.registers = dict(chip.resets)
        self.cycles = 0

    @property
    def is_connected(self) -> bool:
        """Whether clocks, resets and pins let the UART's bytes through."""
        kept = {**self.registers, **{self.chip.base + offset: value
                                     for offset, value in self.uart.registers.items()}}
        return all(bits.holds(self.chip.resets | kept) for bits in self.chip.connected)

    def read(self, offset: int) -> int:
        address = self._plain(DEVICES + offset)
        self.cycles += 1
        if self._is_uart(address):
            return self.uart.read(address - self.chip.base)
        if self.flash is not None and self._is_flash(address):
            return self.flash.read(address - self.flash.controller.base)
        if address in self.chip.answers:
            return self.chip.answers[address](self.registers)
        return self.registers.get(address, 0)

    def write(self, offset: int, value: int) -> None:
        address = self._plain(DEVICES + offset)
        kind = DEVICES + offset - address
        before = self.registers.get(address, 0)
        value = {0: value, 0x1000: before ^ value, 0x2000: before | value,
                 0x3000: before & ~value}[kind]
        if self.chip.counter == "timer0" and address == 0x4000_8040 and self._timer_runs():
            self.registers[0x4000_8540] = self.cycles & 0xFFFF_FFFF
        elif self._is_uart(address):
            self.uart.write(address - self.chip.base, value)
        elif self.flash is not None and self._is_flash(address):
            self.flash.write(address - self.flash.controller.base, value)
        else:
            self.registers[address] = value

    def _timer_runs(self) -> bool:
        return self.registers.get(0x4000_8000) == 1 and self.registers.get(0x4000_8508) == 3

    def _is_uart(self, address: int) -> bool:
        return 0 <= address - self.chip.base < 0x1000

    def _is_flash(self, address: int) -> bool:
        return self.flash is not None and 0 <= address - self.flash.controller.base < 0x1000

    def _plain(self, address: int) -> int:
        return address & ~0x3000 if self.chip.boot else address


class UnicornBoard:
    """The board as a port, from its reset on. Answers are there as soon as `write` returns, so
    `read` never waits. n_interrupts, n_exceptions: entered so far, the latter by number.

    flash: its flash controller; that of a board before it, whose power went, has what was saved.
    RAM holds noise, by a seed. What lies behind the program is the controller's.

    Raises AssertionError if the file does not lie in the chip's flash, and where the firmware
    leaves its memory or faults.
    """

    def __init__(self, elf: Path, chip: Chip, flash: Flash | None = None,
                 seed: int = 0) -> None:
        self.timeout: float | None = None
        self.n_interrupts = 0
        self.n_exceptions: Counter[int] = Counter()
        self._chip = chip
        self.flash = flash or flash_of(chip)
        self._devices = Devices(chip, self.flash)
        self._vectors = chip.flash[0] + (0x100 if chip.boot == "rp2040" else 0)
        self._private = Private(chip, self._vectors)
        self._wire: deque[int] = deque()
        self._is_asleep = False
        self._active: list[int] = []
        self._faulted = False
        self._excused: tuple[int, int] | None = None
        self._uc = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(_CPU[chip.core])
        self._map(_end_of(elf), seed)
        self._load(elf)
        marks = struct.pack(f"<{len(chip.marks)}I", *chip.marks)
        assert marks in self._uc.mem_read(chip.flash[0], 0x1000), "the boot ROM starts nothing"
        self._uc.reg_write(reg.UC_ARM_REG_SP, self._word(self._vectors))
        self._pc = self._word(self._vectors + 4)
        self._rest()

    def _map(self, program_end: int, seed: int) -> None:
        """The program's pages of flash run; those behind it are the controller's."""
        first, size = self._chip.flash
        kept = size if self.flash is None else min(size, -(-(program_end - first) // _PAGE) * _PAGE)
        self._uc.mem_map(first, kept, uc.UC_PROT_READ | uc.UC_PROT_EXEC)
        if self.flash is not None and kept < size:
            self.flash.kept = kept
            self.flash.reset()
            self._uc.mmio_map(first + kept, size - kept, self._on_load, None, self._on_store, None)
        self._uc.mem_map(*self._chip.ram, uc.UC_PROT_ALL)
        self._uc.mem_write(self._chip.ram[0], random.Random(seed).randbytes(self._chip.ram[1]))
        if self._chip.boot:  # of RP2040 and RP2350: pins, where no bus leads
            self._uc.mem_map(SIO, 0x1000, uc.UC_PROT_READ | uc.UC_PROT_WRITE)
        for first, size, part in ((DEVICES, 0x2000_0000, self._devices),
                                  (PRIVATE, 0x10_0000, self._private)):
            self._uc.mmio_map(first, size, lambda _, at, n, part: part.read(_whole(at, n)), part,
                              lambda _, at, n, value, part: part.write(_whole(at, n), value), part)

    def _on_load(self, machine: uc.Uc, at: int, n_bytes: int, _data: object) -> int:
        """A fault of the load ends it; beside an NMI it goes on, as soon as that was served."""
        assert self.flash is not None
        address, asked = self._chip.flash[0] + self.flash.kept + at, (self._get(_PC), at)
        try:
            value = self.flash.load(address, n_bytes)
        except BusFaultError:
            self._faulted, value = True, 0
            machine.emu_stop()
        if self.flash.nmi and asked != self._excused and _NMI not in self._active:
            self._excused = asked
            machine.emu_stop()
        return value

    def _on_store(self, _machine: uc.Uc, at: int, n_bytes: int, value: int, _data: object) -> None:
        assert self.flash is not None
        self.flash.store(self._chip.flash[0] + self.flash.kept + at, n_bytes, value)

    def _load(self, elf: Path) -> None:
        """Into flash alone, as a programmer does; nothing else of a file reaches a chip."""
        first, size = self._chip.flash
        with elf.open("rb") as stream:
            for segment in ELFFile(stream).iter_segments("PT_LOAD"):
                data, at = segment.data(), segment["p_paddr"]
                if data:
                    assert first <= at and at + len(data) <= first + size, f"{at:#x}: not in flash"
                    self._uc.mem_write(at, data)
                    self._watch_sleep(at, data)

    def _watch_sleep(self, at: int, data: bytes) -> None:
        """Stop where the core would sleep: Unicorn never wakes again."""
        found = data.find(_WFI)
        while found >= 0:
            self._uc.hook_add(uc.UC_HOOK_CODE, self._on_sleep, begin=at + found, end=at + found)
            found = data.find(_WFI, found + 1)

    def _on_sleep(self, machine: uc.Uc, _address: int, _size: int, _data: object) -> None:
        self._is_asleep = True
        machine.emu_stop()

    @property
    def in_waiting(self) -> int:
        """Bytes that `read` can give at once."""
        return len(self._sent)

    def read(self, size: int = 1, /) -> bytes:
        data = bytes(self._sent[:size])
        del self._sent[:size]
        return data

    def write(self, data: bytes, /) -> int:
        self._wire += data
        self._rest()
        return len(data)

    def close(self) -> None:
        """Harmless."""

    @property
    def _sent(self) -> bytearray:
        return self._devices.uart.sent

    def _rest(self) -> None:
        """Run until the core sleeps and nothing can wake it, or for MOST instructions."""
        n_left = MOST
        while n_left > 0:
            self._feed()
            n = SLICE if self._wire or self._devices.uart.waiting else IDLE_SLICE
            if self._faulted:
                is_taken = self._private.takes_bus_faults and not self._get(_PRIMASK) & 1
                self._faulted = False
                self._enter(_BUS_FAULT if is_taken else _HARD_FAULT)
            elif self.flash is not None and self.flash.nmi and _NMI not in self._active:
                self._is_asleep = False
                self._enter(_NMI)
            elif self._is_pending():
                self._is_asleep = False  # masked, too
                if self._can_enter():
                    self._enter(_IRQS + self._chip.irq)
                    self.n_interrupts += 1
                else:
                    n = 1
            elif self._is_asleep:
                return
            self._run(n)
            n_left -= n

    def _feed(self) -> None:
        """A byte of the wire to the UART; one that is not connected loses it, and all it sent."""
        uart = self._devices.uart
        if not self._devices.is_connected:
            uart.sent.clear()
            self._wire.clear()
        elif self._wire and (not uart.receives or uart.receive(self._wire[0])):
            self._wire.popleft()

    def _is_pending(self) -> bool:
        return (self._chip.irq in self._private.enabled and self._devices.uart.interrupts
                and not self._active)

    def _run(self, n: int) -> None:
        try:
            self._uc.emu_start(self._pc | 1, 0xFFFF_FFFE, count=n)
            self._pc = self._get(reg.UC_ARM_REG_PC) + 2 * self._is_asleep
        except uc.UcError as problem:
            at = self._get(reg.UC_ARM_REG_PC)
            assert self._active and at | 1 == _RETURN, f"a fault at {at:#x}: {problem}"
            self._leave()
        self._private.cycles += n
        self._devices.cycles += n

    def _can_enter(self) -> bool:
        """Neither masked nor amid conditional instructions."""
        return not (self._get(_PRIMASK) & 1 or self._get(reg.UC_ARM_REG_XPSR) & _IT)

    def _enter(self, number: int) -> None:
        sp, xpsr = self._get(reg.UC_ARM_REG_SP), self._get(reg.UC_ARM_REG_XPSR)
        self._uc.reg_write(reg.UC_ARM_REG_PC, self._pc)
        frame = [self._get(name) for name in _STACKED]
        frame[-1] &= ~1
        padding = sp & 4
        sp -= padding + 32
        frame.append(xpsr & ~_ALIGNED | _THUMB | (_ALIGNED if padding else 0))
        self._uc.mem_write(sp, struct.pack("<8I", *frame))
        self._uc.reg_write(reg.UC_ARM_REG_SP, sp)
        self._uc.reg_write(reg.UC_ARM_REG_LR, _RETURN)
        table = self._private.registers[Private.VTOR]
        self._pc = self._word(table + 4 * number)
        self._active.append(number)
        self.n_exceptions[number] += 1

    def _leave(self) -> None:
        sp = self._get(reg.UC_ARM_REG_SP)
        *values, xpsr = struct.unpack("<8I", self._uc.mem_read(sp, 32))
        for name, value in zip(_STACKED, values, strict=True):
            self._uc.reg_write(name, value)
        self._pc = values[-1]
        self._uc.reg_write(reg.UC_ARM_REG_XPSR, xpsr & ~_ALIGNED)
        self._uc.reg_write(reg.UC_ARM_REG_SP, sp + 32 + (4 if xpsr & _ALIGNED else 0))
        self._active.pop()

    def _get(self, name: int) -> int:
        return int(self._uc.reg_read(name))

    def _word(self, address: int) -> int:
        return int.from_bytes(self._uc.mem_read(address, 4), "little")


def flash_of(chip: Chip) -> Flash | None:
    """An erased one of a chip; None where its boot ROM writes it."""
    if chip.controller is None:
        return None
    return FLASHES[chip.controller.kind](*chip.flash, chip.controller)


def _end_of(elf: Path) -> int:
    """Of what an ELF file puts into memory."""
    with elf.open("rb") as stream:
        return max(segment["p_paddr"] + len(segment.data())
                   for segment in ELFFile(stream).iter_segments("PT_LOAD") if segment.data())


def _whole(offset: int, n_bytes: int) -> int:
    assert n_bytes == 4 and offset % 4 == 0, f"a register is a word: {n_bytes} B at +{offset:#x}"
    return offset
