"""A word of flash that was being written as power went: the NMI and the bus fault that it raises
on some chips do not end the program. QEMU has no such flash, but the same exceptions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from support.devices import network, samples

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, Cleared, Store, load_board
from edge_dassdp.build.compile import build_firmware, build_project
from edge_dassdp.build.project import with_port
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import Qemu, QemuProcess, Uart
from edge_dassdp.wire.saved import Saved, Slots

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")

# n: the NMI. u: unreadable words of eight, half of which are nowhere. r: any load of nowhere.
# c: was this start the end of a fault?
ASKED = """\
#include "port.h"
#include "startup.h"
#include "dassdp_quantities.h"
#define ICSR (*(volatile uint32_t *)0xE000ED04UL)
#define FLAG (*(volatile uint32_t *)FLAG_ADDRESS)
#define EDGE 0x41200000UL /* QEMU reads zeros before it */
static void put_u32(uint32_t value) {
    for (uint32_t i = 0; i < 4U; i++) {
        dassdp_port_put((uint8_t)(value >> (8U * i)));
    }
}
int main(void) {
    dassdp_port_init();
    dassdp_port_put('R');
    for (;;) {
        int byte = dassdp_port_get();
        if (byte == 'n') {
            FLAG = 0xFFU;
            ICSR = 1UL << 31;
            __asm volatile("dsb\\n\\tisb" ::: "memory");
            put_u32(FLAG);
        } else if (byte == 'u') {
            FLAG = 0xFFU;
            put_u32(dassdp_unreadable((const void *)(EDGE - 16U), (const void *)(EDGE + 16U)));
            put_u32(FLAG);
            put_u32(dassdp_unreadable((const void *)(EDGE - 16U), (const void *)EDGE));
        } else if (byte == 'r') {
            put_u32(*(volatile uint32_t *)EDGE);
        } else if (byte == 'c') {
            put_u32(dassdp_port_boot()->cause == DASSDP_CAUSE_FAULT);
        } else if (byte < 0) {
            dassdp_port_wait();
        }
    }
}
"""
RAM_FLAG = 0x203F_FF00
CLEARS = Cleared((Store(RAM_FLAG, 0x10, 0x30),))
"""A word at the end of RAM that nothing uses stands for the flags of a flash controller."""


def board(name: str = "mps2-an385", **more: Cleared) -> Board:
    return replace(load_board(name), **more)  # type: ignore[arg-type]


@contextmanager
def running(on: Board) -> Iterator[Uart]:
    main = ASKED.replace("FLAG_ADDRESS", f"0x{RAM_FLAG:08X}UL")
    built = build_project(with_port({"src/main.c": main}, on), on)
    with QemuProcess(built.elf, built.board) as process:
        process.uart.timeout = 10
        assert process.uart.read(1) == b"R"
        yield process.uart


def asked(port: Uart, what: bytes, n_words: int = 1) -> list[int]:
    port.write(what)
    return [int.from_bytes(port.read(4), "little") for _ in range(n_words)]


@pytest.mark.parametrize("name", ["mps2-an385", "mps2-an500"])
def test_an_nmi_is_cleared_and_the_program_goes_on(name: str) -> None:
    with running(board(name, nmi=CLEARS)) as port:
        for _ in range(3):
            assert asked(port, b"n") == [0xDF], "flags of the mask became those of the value"


def test_an_nmi_of_a_board_that_names_none_is_a_fault() -> None:
    with running(board()) as port:
        port.write(b"n")
        assert port.read(1) == b"R", "it started again"


@pytest.mark.parametrize("name", ["mps2-an385", "mps2-an500"])
def test_words_that_cannot_be_read_are_counted_and_their_flags_cleared(name: str) -> None:
    with running(board(name, bus_fault=CLEARS)) as port:
        for _ in range(3):
            assert asked(port, b"u", 3) == [4, 0xDF, 0]


def test_a_bus_fault_anywhere_else_is_a_fault() -> None:
    with running(board(bus_fault=CLEARS)) as port:
        assert asked(port, b"u", 3) == [4, 0xDF, 0]
        port.write(b"r")
        assert port.read(1) == b"R", "it started again"
        assert asked(port, b"c") == [1], "and says that it was a fault"


def test_a_model_on_such_a_board_learns_as_on_any() -> None:
    on = board(nmi=CLEARS, bus_fault=CLEARS)
    firmware = build_firmware(emit(Plan.of(network("error"))), on)
    emulator = Emulator(network("error"))
    with Qemu.start(network("error"), firmware) as device:
        assert device.info.start.image_crc != 0
        for x, label in zip(*samples(5), strict=True):
            here, there = (t.learn(x, int(label), digest=True) for t in (emulator, device))
            assert there.learned_digest == here.learned_digest


PSRAM, SLOT_BYTES = 0x6000_0000, 4096
"""Of the AN500; before it a load faults."""


def half_unreadable(**more: Cleared) -> Board:
    """The first slot lies where nothing can be read, the second one in memory."""
    on = board("mps2-an500", **more)
    assert on.store is not None
    return replace(on, store=replace(on.store, origin=PSRAM - SLOT_BYTES, slot_bytes=SLOT_BYTES))


def restart(device: Qemu) -> None:
    """The next request finds that it did."""
    device.press_reset()
    end_s = time.monotonic() + 10
    while time.monotonic() < end_s:
        try:
            device.statistics()
        except EdgeError as problem:
            assert problem.code == "E505", problem
            return
    raise AssertionError("it did not restart")


def test_a_slot_that_cannot_be_read_leaves_the_other_one_counting() -> None:
    on = half_unreadable(bus_fault=CLEARS)
    firmware = build_firmware(emit(Plan.of(network("error"))), on)
    with Qemu.start(network("error"), firmware) as device:
        for x, label in zip(*samples(2), strict=True):
            device.learn(x, int(label))
        learned = device.statistics().learned_digest
        assert device.store() == Saved(Slots.SAVED, 1)
        for _ in range(2):
            restart(device)
            assert device.in_flash == Saved(Slots.SAVED, 1)
            assert device.statistics().learned_digest == learned


def test_without_the_table_such_a_slot_is_a_fault_and_runs_nothing() -> None:
    """What the scan is for."""
    firmware = build_firmware(emit(Plan.of(network("error"))), half_unreadable())
    with pytest.raises(EdgeError) as caught, Qemu.start(network("error"), firmware):
        pass
    assert "fault" in f"{caught.value}"
