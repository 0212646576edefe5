"""A board in this process: its ELF file in Unicorn, with memory, peripherals and the interrupt that
`chips` gives. What lies outside is a fault, as it is on the chip.

Unicorn executes instructions. Exceptions are entered and left here as Arm's manuals of v6-M, v7-M
and v8-M say, for a program that uses the main stack alone and no FPU.
"""

from __future__ import annotations

import struct
from collections import deque
from pathlib import Path

import unicorn as uc
from elftools.elf.elffile import ELFFile
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
_WFI = b"\x30\xbf"
_THUMB, _ALIGNED, _IT = 1 << 24, 1 << 9, 0x0600_FC00
_RETURN = 0xFFFF_FFF9
_IRQS = 16


class Private:
    """The core's own peripherals: NVIC, vector table, SysTick, DWT; all else is kept as written."""

    ISER, ICER, VTOR, AIRCR = 0xE100, 0xE180, 0xED08, 0xED0C
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

    def _dwt_counts(self) -> bool:
        return (self.has_dwt and bool(self.registers.get(self.DEMCR, 0) >> 24 & 1)
                and bool(self.registers.get(self.CTRL, 0) & 1))


def _numbers(offset: int, value: int) -> set[int]:
    return {8 * offset + bit for bit in range(32) if value >> bit & 1}


class Devices:
    """The chip's peripherals: its UART, and registers that are kept as written."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
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
        else:
            self.registers[address] = value

    def _timer_runs(self) -> bool:
        return self.registers.get(0x4000_8000) == 1 and self.registers.get(0x4000_8508) == 3

    def _is_uart(self, address: int) -> bool:
        return 0 <= address - self.chip.base < 0x1000

    def _plain(self, address: int) -> int:
        return address & ~0x3000 if self.chip.boot else address


class UnicornBoard:
    """The board as a port, from its reset on. Answers are there as soon as `write` returns, so
    `read` never waits. n_interrupts: entered so far.

    Raises AssertionError if the file does not lie in the chip's flash, and where the firmware
    leaves its memory or faults.
    """

    def __init__(self, elf: Path, chip: Chip) -> None:
        self.timeout: float | None = None
        self.n_interrupts = 0
        self._chip = chip
        self._devices = Devices(chip)
        self._vectors = chip.flash[0] + (0x100 if chip.boot == "rp2040" else 0)
        self._private = Private(chip, self._vectors)
        self._wire: deque[int] = deque()
        self._is_asleep = self._is_active = False
        self._uc = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(_CPU[chip.core])
        self._map()
        self._load(elf)
        marks = struct.pack(f"<{len(chip.marks)}I", *chip.marks)
        assert marks in self._uc.mem_read(chip.flash[0], 0x1000), "the boot ROM starts nothing"
        self._uc.reg_write(reg.UC_ARM_REG_SP, self._word(self._vectors))
        self._pc = self._word(self._vectors + 4)
        self._rest()

    def _map(self) -> None:
        self._uc.mem_map(*self._chip.flash, uc.UC_PROT_READ | uc.UC_PROT_EXEC)
        self._uc.mem_map(*self._chip.ram, uc.UC_PROT_ALL)
        if self._chip.boot:  # of RP2040 and RP2350: pins, where no bus leads
            self._uc.mem_map(SIO, 0x1000, uc.UC_PROT_READ | uc.UC_PROT_WRITE)
        for first, size, part in ((DEVICES, 0x2000_0000, self._devices),
                                  (PRIVATE, 0x10_0000, self._private)):
            self._uc.mmio_map(first, size, lambda _, at, n, part: part.read(_whole(at, n)), part,
                              lambda _, at, n, value, part: part.write(_whole(at, n), value), part)

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
            if self._is_pending():
                self._is_asleep = False  # masked, too
                if self._can_enter():
                    self._enter()
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
                and not self._is_active)

    def _run(self, n: int) -> None:
        try:
            self._uc.emu_start(self._pc | 1, 0xFFFF_FFFE, count=n)
            self._pc = self._get(reg.UC_ARM_REG_PC) + 2 * self._is_asleep
        except uc.UcError as problem:
            at = self._get(reg.UC_ARM_REG_PC)
            assert self._is_active and at | 1 == _RETURN, f"a fault at {at:#x}: {problem}"
            self._leave()
        self._private.cycles += n
        self._devices.cycles += n

    def _can_enter(self) -> bool:
        """Neither masked nor amid conditional instructions."""
        return not (self._get(reg.UC_ARM_REG_PRIMASK) & 1 or self._get(reg.UC_ARM_REG_XPSR) & _IT)

    def _enter(self) -> None:
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
        self._pc = self._word(table + 4 * (_IRQS + self._chip.irq))
        self._is_active = True
        self.n_interrupts += 1

    def _leave(self) -> None:
        sp = self._get(reg.UC_ARM_REG_SP)
        *values, xpsr = struct.unpack("<8I", self._uc.mem_read(sp, 32))
        for name, value in zip(_STACKED, values, strict=True):
            self._uc.reg_write(name, value)
        self._pc = values[-1]
        self._uc.reg_write(reg.UC_ARM_REG_XPSR, xpsr & ~_ALIGNED)
        self._uc.reg_write(reg.UC_ARM_REG_SP, sp + 32 + (4 if xpsr & _ALIGNED else 0))
        self._is_active = False

    def _get(self, name: int) -> int:
        return int(self._uc.reg_read(name))

    def _word(self, address: int) -> int:
        return int.from_bytes(self._uc.mem_read(address, 4), "little")


def _whole(offset: int, n_bytes: int) -> int:
    assert n_bytes == 4 and offset % 4 == 0, f"a register is a word: {n_bytes} B at +{offset:#x}"
    return offset
