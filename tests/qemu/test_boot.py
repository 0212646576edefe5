"""The port, run: start-up, UART both ways, lost bytes, painted stack, counter, reset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.where import in_qemu

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware, build_project
from edge_dassdp.build.project import with_port
from edge_dassdp.build.stack import stack_bound
from edge_dassdp.targets.qemu import QemuProcess, Uart

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
BOARDS = in_qemu()
READY = b"R"

PROLOGUE = """\
#include "dassdp_board.h"
#include "port.h"
int main(void);
static inline void put_u32(uint32_t value) {
    for (uint32_t i = 0; i < 4U; i++) {
        dassdp_port_put((uint8_t)(value >> (8U * i)));
    }
}
static inline uint8_t get(void) {
    int byte = dassdp_port_get();
    while (byte < 0) {
        dassdp_port_wait();
        byte = dassdp_port_get();
    }
    return (uint8_t)byte;
}
"""
ECHO = PROLOGUE + """\
static uint32_t zeroed[8];
static uint32_t copied[2] = {0x01234567U, 0x89ABCDEFU};
int main(void) {
    dassdp_port_init();
    dassdp_port_put('R');
    uint32_t sum = copied[0] ^ copied[1];
    for (uint32_t i = 0; i < 8U; i++) {
        sum ^= zeroed[i];
        zeroed[i] = 0xFFFFFFFFU;
    }
    copied[0] = 0;
    put_u32(sum);
    for (;;) {
        dassdp_port_put(get());
    }
}
"""
LATE_READER = PROLOGUE + """\
#define NVIC_ISER ((volatile uint32_t *)(0xE000E100UL + 4UL * (DASSDP_UART_IRQ / 32)))
int main(void) {
    dassdp_port_init();
    dassdp_port_put('R');
    while ((*NVIC_ISER >> (DASSDP_UART_IRQ % 32) & 1U) != 0U) { /* until the ring is full */
    }
    put_u32(dassdp_port_rx_lost());
    for (;;) {
        dassdp_port_put(get());
    }
}
"""
DEEP = PROLOGUE + """\
__attribute__((noinline)) static uint32_t deep(uint32_t n) {
    volatile uint8_t bytes[120];
    for (uint32_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)n;
    }
    return bytes[n];
}
int main(void) {
    dassdp_port_init();
    dassdp_port_put('R');
    uint32_t before = dassdp_port_stack_used();
    (void)deep(get());
    put_u32(dassdp_port_stack_size());
    put_u32(before);
    put_u32(dassdp_port_stack_used());
    for (;;) {
        dassdp_port_wait();
    }
}
"""
LOOPS = PROLOGUE + """\
static uint32_t ticks_of(uint32_t n) {
    uint32_t begin = dassdp_port_ticks();
    __asm volatile(".syntax unified\\n1: subs %0, %0, #1\\n   bne 1b" : "+l"(n) : : "cc");
    return dassdp_port_ticks() - begin;
}
int main(void) {
    dassdp_port_init();
    dassdp_port_put('R');
    put_u32(dassdp_port_tick_bits());
    put_u32(ticks_of(1000U));
    put_u32(ticks_of(101000U));
    for (;;) {
        dassdp_port_wait();
    }
}
"""

SUMS = PROLOGUE + """\
int32_t add_bytes(const int8_t *x, uint32_t n);
int main(void) {
    static int8_t x[37];
    uint32_t n_wrong = 0;
    dassdp_port_init();
    dassdp_port_put('R');
    for (uint32_t i = 0; i < sizeof x; i++) {
        x[i] = (int8_t)(3 * (int32_t)i - 50);
    }
    for (uint32_t n_got = 0; n_got < 100U;) {
        n_wrong += add_bytes(x, sizeof x) != 148 ? 1U : 0U;
        n_got += dassdp_port_get() >= 0 ? 1U : 0U;
    }
    put_u32(n_wrong);
    put_u32(dassdp_port_stack_used());
    for (;;) {
        dassdp_port_wait();
    }
}
"""
ADD_BYTES = """\
    .syntax unified
    .thumb
    .section .text.add_bytes
    .global add_bytes
    .type add_bytes, %function
add_bytes:
    push {r7, lr}
    movs r2, #0
    dlstp.8 lr, r1
1:  vldrb.u8 q0, [r0], #16
    vaddva.s8 r2, q0
    letp lr, 1b
    mov r0, r2
    pop {r7, pc}
"""


def firmware(name: str, main: str, **assembly: str) -> Firmware:
    board = load_board(name)
    units = {f"src/{unit}.S": text for unit, text in assembly.items()}
    return build_project(with_port({"src/main.c": main} | units, board), board)


@contextmanager
def running(built: Firmware, *, count: bool = False) -> Iterator[tuple[QemuProcess, Uart]]:
    """QEMU and its port, the firmware's greeting received."""
    with QemuProcess(built.elf, built.board, count=count) as process:
        port = process.uart
        port.timeout = 10
        assert port.read(1) == READY
        yield process, port


def read_u32(port: Uart) -> int:
    return int.from_bytes(port.read(4), "little")


@pytest.mark.parametrize("name", BOARDS)
def test_every_byte_comes_back_and_memory_starts_as_c_says(name):
    with running(firmware(name, ECHO)) as (_, port):
        assert read_u32(port) == 0x01234567 ^ 0x89ABCDEF
        for start in range(0, 512, 64):
            block = bytes((start + i) % 256 for i in range(64))
            port.write(block)
            assert port.read(64) == block


@pytest.mark.parametrize("name", BOARDS)
def test_a_reset_starts_afresh(name):
    with running(firmware(name, ECHO)) as (process, port):
        assert read_u32(port) == 0x01234567 ^ 0x89ABCDEF
        process.reset()
        assert port.read(1) == READY
        assert read_u32(port) == 0x01234567 ^ 0x89ABCDEF


@pytest.mark.parametrize("name", BOARDS)
def test_bytes_beyond_the_ring_wait_in_the_uart(name):
    sent = bytes(i % 251 for i in range(3 * load_board(name).rx_ring_bytes))
    with running(firmware(name, LATE_READER)) as (_, port):
        port.write(sent)
        assert read_u32(port) == 0
        assert port.read(len(sent)) == sent
        port.write(b"still here")
        assert port.read(10) == b"still here"


@pytest.mark.parametrize("name", BOARDS)
def test_the_painted_stack_shows_the_depth_and_stays_within_the_bound(name):
    built = firmware(name, DEEP)
    with running(built) as (_, port):
        port.write(b"\x05")
        size, before, after = (read_u32(port) for _ in range(3))
    assert size == built.board.stack_bytes
    assert 0 < before < 120 < after <= stack_bound(built).bytes


@pytest.mark.parametrize("name", BOARDS)
def test_counted_instructions_are_exact_and_repeatable(name):
    built = firmware(name, LOOPS)
    bits = built.board.counter[-1].bits  # QEMU has the last one
    runs = []
    for _ in range(2):
        with running(built, count=True) as (process, port):
            assert read_u32(port) == bits
            runs.append([process.instructions(read_u32(port) % 2**bits) for _ in range(2)])
    assert runs[0] == runs[1]
    short, long = runs[0]
    assert abs((long - short) - 2 * 100_000) <= 1  # two instructions a turn; each is rounded


@pytest.mark.parametrize("name", [n for n in BOARDS if "mve" in load_board(n).kernels])
def test_vector_instructions_run_and_are_interrupted_unharmed(name):
    with running(firmware(name, SUMS, add_bytes=ADD_BYTES)) as (_, port):
        for _ in range(100):
            port.write(b"x")
        assert read_u32(port) == 0
        assert read_u32(port) > 0


def test_without_counting_there_is_no_figure():
    with running(firmware("microbit", LOOPS)) as (process, _):
        assert process.instructions(1000) is None


def test_closing_ends_the_process():
    built = firmware("microbit", ECHO)
    process = QemuProcess(built.elf, built.board)
    pid = process.pid
    os.kill(pid, 0)
    process.close()
    process.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_missing_qemu_is_told_with_what_to_install(tmp_path, monkeypatch):
    built = firmware("microbit", ECHO)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgeError) as caught:
        QemuProcess(built.elf, built.board)
    assert caught.value.code == "E301"
    assert "qemu-system-arm" in caught.value.help


def test_qemus_own_words_are_shown_when_it_ends(tmp_path):
    board = load_board("microbit")
    with QemuProcess(tmp_path / "absent.elf", board) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(EdgeError) as caught:
            process.check()
    assert caught.value.code == "E302"
    assert "absent.elf" in caught.value.cause
