"""A machine in QEMU whose power is cut: RAM forgets, flash does not."""

from __future__ import annotations

import os
import signal

import pytest
from support import lanes
from support.devices import firmware, network, samples
from support.where import in_qemu

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, load_board
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.qemu import Qemu, QemuProcess

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")


@pytest.mark.parametrize("name", in_qemu() if lanes.nightly else ("microbit", "stm32f405"))
def test_what_lies_in_ram_is_lost_and_the_firmware_starts_anew(name: str) -> None:
    x, labels = samples(4)
    with Qemu.start(network("error"), firmware(load_board(name), "error")) as device:
        factory = device.info.learned_digest
        for seed in range(2):
            learned = [device.learn(*lesson, digest=True).learned_digest
                       for lesson in zip(x, labels, strict=True)]
            assert learned[-1] != factory
            device.cut_power(seed)
            with pytest.raises(EdgeError) as caught:
                device.statistics()
            assert caught.value.code == "E505"
            assert "its power was cut" in caught.value.cause or "restarted" in caught.value.cause
            left = device.statistics()
            assert (left.n_labelled, left.learned_digest) == (0, factory)


@pytest.mark.parametrize("name", ["microbit", "mps3-an547"])
def test_what_was_saved_is_there_again_where_the_slots_are_flash(name: str) -> None:
    board = load_board(name)
    assert board.store is not None
    x, labels = samples(4)
    with Qemu.start(network("error"), firmware(board, "error")) as device:
        factory = device.info.learned_digest
        learned = [device.learn(*lesson, digest=True).learned_digest
                   for lesson in zip(x, labels, strict=True)]
        device.store()
        device.cut_power()
        with pytest.raises(EdgeError, match="restarted"):
            device.statistics()
        left = device.statistics()
        assert left.learned_digest == (learned[-1] if board.store.lasts else factory)
        assert device.in_flash.is_there == board.store.lasts


def test_ram_comes_up_with_other_bytes_and_flash_with_its_own() -> None:
    board = load_board("microbit")
    with QemuProcess(firmware(board, "error").elf, board) as process:
        end = board.flash.origin + board.flash.bytes
        held = bytes(range(3, 19))
        process.debugger.stop()
        process.debugger.write(end - 16, held)
        seen = []
        for seed in (1, 2):
            process.cut_power(seed)
            LinkTarget.of(network("error"), process.uart)
            ram, flash = ram_and_flash(process, board, end)
            assert flash == held
            seen.append(ram)
        assert seen[0] != seen[1]


def ram_and_flash(process: QemuProcess, board: Board, end: int) -> tuple[bytes, bytes]:
    """The middle of RAM, which neither data nor stack of so small a firmware reach, and the last
    bytes of flash."""
    process.debugger.stop()
    found = (process.debugger.read(board.ram.origin + board.ram.bytes // 2, 16),
             process.debugger.read(end - 16, 16))
    process.debugger.run()
    return found


def test_a_qemu_that_is_no_more_is_told() -> None:
    board = load_board("microbit")
    with QemuProcess(firmware(board, "error").elf, board) as process:
        process.cut_power()
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(EdgeError) as caught:
            process.cut_power()
        assert caught.value.code == "E502"
