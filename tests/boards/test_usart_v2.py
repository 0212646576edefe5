"""The interrupt of driver stm32_usart_v2, executed beside a USART whose registers are RM0351's: an
overrun is cleared and counted, or it would interrupt for ever."""

from __future__ import annotations

from collections import deque

import pytest
import unicorn as uc
from elftools.elf.elffile import ELFFile
from unicorn import arm_const as reg

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_project
from edge_dassdp.build.elf import symbol_table
from edge_dassdp.build.project import with_port

pytestmark = pytest.mark.usefixtures("arm_toolchain")
BOARD = load_board("nucleo-l476rg")
ISR, ICR, RDR = 0x1C, 0x20, 0x24
ORE, RXNE = 1 << 3, 1 << 5
MAIN = """\
#include "uart.h"
int main(void);
int main(void) {
    dassdp_uart_isr();
    return dassdp_rx_pop() + (int)dassdp_rx_lost();
}
"""
ENDS = BOARD.flash.origin + BOARD.flash.bytes - 2


class Usart:
    """One byte is held. One more is lost, and ORE says so until ICR is told."""

    def __init__(self) -> None:
        self.held: deque[int] = deque()
        self.isr = 0

    def receive(self, byte: int) -> None:
        if self.held:
            self.isr |= ORE
        else:
            self.held.append(byte)
            self.isr |= RXNE

    @property
    def interrupts(self) -> bool:
        return bool(self.isr & (ORE | RXNE))

    def read(self, offset: int) -> int:
        if offset == RDR:
            self.isr &= ~RXNE
            return self.held.popleft() if self.held else 0
        return self.isr if offset == ISR else 0

    def write(self, offset: int, value: int) -> None:
        if offset == ICR:
            self.isr &= ~(value & ORE)


class Program:
    """Functions of a firmware, called one at a time."""

    def __init__(self, usart: Usart) -> None:
        elf = build_project(with_port({"src/main.c": MAIN}, BOARD), BOARD).elf
        self._machine = machine = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
        machine.ctl_set_cpu_model(reg.UC_CPU_ARM_CORTEX_M4)
        machine.mem_map(BOARD.flash.origin, BOARD.flash.bytes)
        machine.mem_map(BOARD.ram.origin, BOARD.ram.bytes)
        machine.mem_map(0xE000_0000, 0x10_0000)
        base = BOARD.uart.base & ~0xFFF
        at = BOARD.uart.base - base
        machine.mmio_map(base, 0x1000, lambda _, offset, size, __: usart.read(offset - at), None,
                         lambda _, offset, size, value, __: usart.write(offset - at, value), None)
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            for segment in file.iter_segments("PT_LOAD"):
                machine.mem_write(segment["p_paddr"], segment.data())
            self._functions = {s.name: s["st_value"] for s in symbol_table(file).iter_symbols()}

    def call(self, function: str) -> int:
        self._machine.reg_write(reg.UC_ARM_REG_SP, BOARD.ram.end)
        self._machine.reg_write(reg.UC_ARM_REG_LR, ENDS | 1)
        self._machine.emu_start(self._functions[function] | 1, ENDS, count=10_000)
        result: int = self._machine.reg_read(reg.UC_ARM_REG_R0)
        return result

    def pop(self) -> int:
        return self.call("dassdp_rx_pop")

    @property
    def lost(self) -> int:
        return self.call("dassdp_rx_lost")


def test_bytes_come_through_one_by_one() -> None:
    usart = Usart()
    program = Program(usart)
    for byte in (0x00, 0x7F, 0xFF):
        usart.receive(byte)
        program.call("dassdp_uart_isr")
        assert not usart.interrupts and program.pop() == byte
    assert program.lost == 0


def test_an_overrun_is_cleared_and_counted_and_keeps_the_byte_that_was_held() -> None:
    usart = Usart()
    program = Program(usart)
    for byte in (1, 2, 3):
        usart.receive(byte)
    program.call("dassdp_uart_isr")
    assert not usart.interrupts and program.lost == 1
    assert program.pop() == 1 and program.pop() == 0xFFFF_FFFF


def test_an_overrun_without_a_byte_is_cleared() -> None:
    usart = Usart()
    program = Program(usart)
    usart.isr = ORE
    program.call("dassdp_uart_isr")
    assert not usart.interrupts and program.lost == 1 and program.pop() == 0xFFFF_FFFF


def test_a_full_ring_leaves_the_byte_in_the_usart() -> None:
    usart = Usart()
    program = Program(usart)
    for n in range(BOARD.rx_ring_bytes):
        usart.receive(n & 0xFF)
        program.call("dassdp_uart_isr")
    usart.receive(77)
    program.call("dassdp_uart_isr")
    assert usart.isr == RXNE, "it waits, its interrupt off at the NVIC"
    assert [program.pop() for _ in range(BOARD.rx_ring_bytes)] == [
        n & 0xFF for n in range(BOARD.rx_ring_bytes)]
    program.call("dassdp_uart_isr")
    assert program.pop() == 77 and program.lost == 0
