"""How a firmware came to run: counted starts, faults recorded with kind and place, the watchdog."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from support.scenarios import SCENARIOS
from support.sensed import OTHER_SIDE, SensedScenario
from support.where import in_qemu

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, Store, Watchdog, load_board
from edge_dassdp.build.compile import Firmware, build_project
from edge_dassdp.build.elf import symbol_table
from edge_dassdp.build.project import firmware_project, with_port
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import counts_x
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.sensor.drift import N_ALARM
from edge_dassdp.sensor.monitor import Event
from edge_dassdp.targets.qemu import Qemu, QemuProcess, Uart
from edge_dassdp.wire.start import Start

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
BOARDS = in_qemu()
READY = b"R"

# Answers every byte but those that stand for a fault with what it knows of its start.
FAULTY = """\
#include "port.h"
int main(void);
void fetches_nowhere(void);
void reads_nowhere(void);
void undefined(void);
uint32_t overflows(uint32_t n);
static void put_u32(uint32_t value) {
    for (uint32_t i = 0; i < 4U; i++) {
        dassdp_port_put((uint8_t)(value >> (8U * i)));
    }
}
static uint8_t get(void) {
    int byte = dassdp_port_get();
    while (byte < 0) {
        dassdp_port_feed();
        dassdp_port_wait();
        byte = dassdp_port_get();
    }
    return (uint8_t)byte;
}
__attribute__((noinline)) void fetches_nowhere(void) {
    void (*volatile nowhere)(void) = (void (*)(void))0x100UL;
    nowhere();
}
__attribute__((noinline)) void reads_nowhere(void) {
    volatile uint32_t *volatile nowhere = (volatile uint32_t *)NOWHERE;
    (void)*nowhere;
}
__attribute__((noinline)) void undefined(void) {
    __asm volatile("udf #0");
}
__attribute__((noinline, noclone)) uint32_t overflows(uint32_t n) {
    volatile uint32_t words[16];
    words[n & 15U] = n;
    uint32_t below = n == 0U ? 0U : overflows(n - 1U);
    return words[n & 15U] + below;
}
int main(void) {
    dassdp_port_init();
    dassdp_port_put('R');
    for (;;) {
        const dassdp_boot_t *boot = dassdp_port_boot();
        switch (get()) {
        case 'f': fetches_nowhere(); break;
        case 'r': reads_nowhere(); break;
        case 'u': undefined(); break;
        case 'o': put_u32(overflows(1000000U)); break;
        case 'e': return 1;
        case 'h': for (;;) { }
        default:
            put_u32(boot->n_boots);
            put_u32(boot->cause);
            put_u32(boot->fault);
            put_u32(boot->fault_pc);
        }
    }
}
"""


NOWHERE = dict.fromkeys(("mps2-an385", "mps2-an500"), "0xDFFFFF00UL")
"""Where QEMU's machine has nothing."""


def firmware(board: Board) -> Firmware:
    main = FAULTY.replace("NOWHERE", NOWHERE.get(board.name, "0x1FFFFF00UL"))
    return build_project(with_port({"src/main.c": main}, board), board)


@contextmanager
def running(built: Firmware) -> Iterator[tuple[QemuProcess, Uart]]:
    with QemuProcess(built.elf, built.board) as process:
        port = process.uart
        port.timeout = 10
        assert port.read(1) == READY
        yield process, port


def start(port: Uart) -> Start:
    """What the firmware says."""
    port.write(b"?")
    n_boots, cause, fault, fault_pc = (int.from_bytes(port.read(4), "little") for _ in range(4))
    return Start.of({"n_boots": n_boots, "cause": cause, "fault": fault, "fault_pc": fault_pc,
                     "image_crc": 0})


def reads_power(board: Board) -> bool:
    """Whether QEMU lets each reset look like the first one in the register that is asked."""
    return (board.qemu is not None and board.qemu.machine == "b-l475e-iot01a"
            and board.reset_cause is not None and board.reset_cause.register == 0x4002_1094)


@pytest.mark.parametrize("name", BOARDS)
def test_starts_are_counted_from_power_on(name: str) -> None:
    board = load_board(name)
    with running(firmware(board)) as (process, port):
        assert (start(port).n_boots, start(port).cause) == (1, "power")
        for n_boots in (2, 3):
            process.reset()
            assert port.read(1) == READY
            found = start(port)
            assert (found.n_boots, found.fault, found.fault_pc) == (n_boots, "", 0)
            assert found.cause in ("unknown", "pin") or (
                found.cause == "power" and reads_power(board))


FAULTS = {"f": ("", ["UsageFault"]), "r": ("reads_nowhere", ["BusFault"]),
          "u": ("undefined", ["UsageFault"]), "o": ("", ["BusFault", "UsageFault"])}
"""Byte that asks for it: the function that it is in, "" for none, and the exceptions where the core
tells them apart. An overflow finds no place for what is stacked, or reads it back wrong."""
READS_ANYWHERE = {"lm3s6965evb", "netduino2"}
"""QEMU lets these machines reach addresses where there is nothing."""


def holds(built: Firmware, function: str, address: int) -> bool:
    with built.elf.open("rb") as stream:
        [symbol] = symbol_table(ELFFile(stream)).get_symbol_by_name(function) or []
        begin = symbol["st_value"] & ~1
        return begin <= address < begin + symbol["st_size"]


@pytest.mark.parametrize("name", BOARDS)
def test_a_fault_restarts_and_is_told_with_kind_and_place(name: str) -> None:
    board = load_board(name)
    machine = board.qemu.machine if board.qemu else ""
    built = firmware(board)
    with running(built) as (process, port):
        n_boots = start(port).n_boots
        for what, (function, kinds) in FAULTS.items():
            if machine in READS_ANYWHERE and what in "ro":
                continue
            port.write(what.encode())
            assert port.read(1) == READY, what
            found, n_boots = start(port), n_boots + 1
            assert (found.n_boots, found.cause) == (n_boots, "fault")
            assert found.fault in (["HardFault"] if board.cpu == "cortex-m0" else kinds), what
            assert found.fault in str(found)
            if function:
                assert holds(built, function, found.fault_pc), f"{what}: {found}"
                assert f"0x{found.fault_pc:08x}" in str(found)
            assert start(port) == found, "told until the next start"
        port.write(b"e")
        assert port.read(1) == READY
        assert start(port).fault == "its main returned"
        process.reset()
        assert port.read(1) == READY
        assert start(port).cause != "fault", "the fault was told once"


def watched() -> Board:
    """Luminary's watchdog, which QEMU has: fed by clearing its interrupt, it resets on the second
    one."""
    ticks = 25_000_000
    watchdog = Watchdog(
        setup=(Store(0x4000_0C00, 0x1ACC_E551), Store(0x4000_0000, ticks), Store(0x4000_0008, 3)),
        feed=(Store(0x4000_000C, 1),), in_sleep=True)
    return replace(load_board("lm3s6965evb"), watchdog=watchdog)


def test_a_watchdog_that_is_not_fed_restarts_it() -> None:
    with running(firmware(watched())) as (_, port):
        for _ in range(40):
            assert start(port).n_boots == 1
            time.sleep(0.1)
        port.write(b"h")
        assert port.read(1) == READY
        assert start(port).n_boots == 2


@pytest.mark.parametrize("is_fed", [True, False], ids=["fed", "not fed"])
def test_a_search_for_a_profile_feeds_the_watchdog(is_fed: bool) -> None:
    """By counted instructions it takes longer than the watchdog waits, so one that is not fed
    between the profiles that it tries restarts the board."""
    case, board = SCENARIOS["sensor"], watched()
    assert isinstance(case, SensedScenario)
    case = replace(case, settings=Settings(drift="profile"), worn=OTHER_SIDE)
    project = firmware_project(emit(Plan.of(case.quantized)), board)
    main, feeds = "port/cortex_m/main.c", "void dassdp_on_search(void) {\n    dassdp_port_feed();"
    assert feeds in project.files[main]
    if not is_fed:
        hungry = project.files[main].replace(feeds, "void dassdp_on_search(void) {")
        project = replace(project, files={**project.files, main: hungry})
    rng, n = np.random.default_rng(5), case.quantized.n_classes - 1
    with Qemu.start(case.quantized, build_project(project, board), count=True) as device:
        device.allow_profile()
        samples = [counts_x(case.quantized, case.counts(rng, i % n, turned=True)[None])[0]
                   for i in range(N_ALARM)]
        for x in samples[:-1]:
            assert device.observe(x) == Event.NONE
        if is_fed:
            assert device.observe(samples[-1]) == Event.PROFILE_TAKEN
            assert device.drift().n_profiles == 1
        else:
            with pytest.raises(EdgeError) as caught:
                device.observe(samples[-1])
            assert caught.value.code == "E505" and "it restarted" in caught.value.cause
