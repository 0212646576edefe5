"""The pin for a log of the current: up before a sample runs, down behind it, and no other time.

Its stores go to the UART's data register here, so that each is a byte on the line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.devices import network, samples

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, Marker, Store, board_files, list_boards, load_board
from edge_dassdp.build.compile import Firmware, build_firmware
from edge_dassdp.build.elf import read_sizes
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.qemu import QemuProcess, Uart

UP, DOWN = 0x11, 0x13
HAS_NO_MARKER = sorted(name for name in list_boards() if load_board(name).marker is None)
pytestmark = pytest.mark.usefixtures("arm_toolchain")


class Ear:
    """A line; heard: what the board sent since it was last asked."""

    def __init__(self, line: Uart) -> None:
        self._line = line
        self._heard = bytearray()
        self.timeout: float | None = None

    @property
    def in_waiting(self) -> int:
        return self._line.in_waiting

    def read(self, size: int = 1, /) -> bytes:
        self._line.timeout = self.timeout
        data = self._line.read(size)
        self._heard += data
        return data

    def write(self, data: bytes, /) -> int:
        return self._line.write(data)

    def close(self) -> None:
        self._line.close()

    @property
    def marks(self) -> bytes:
        """What stood between the frames, each of which a zero begins and ends."""
        heard, self._heard = bytes(self._heard), bytearray()
        return b"".join(heard.split(b"\0")[::2])


def marked(kind: str) -> tuple[Board, Firmware]:
    plain = load_board("mps2-an385")
    board = replace(plain, marker=Marker("UART", (), Store(plain.uart.base, UP),
                                         Store(plain.uart.base, DOWN)))
    return board, build_firmware(emit(Plan.of(network(kind))), board)


@pytest.mark.parametrize("kind", ["error", "frames"])
def test_each_sample_is_one_pulse_and_nothing_else_is(kind: str, qemu: None) -> None:
    board, firmware = marked(kind)
    x, y = samples(1, kind=kind)
    with QemuProcess(firmware.elf, board) as process:
        ear = Ear(process.uart)
        with LinkTarget.of(network(kind), ear) as device:
            runs: tuple[Callable[[], object], ...] = (
                lambda: device.infer(x[0]), lambda: device.infer(x[0], n_steps=2),
                lambda: device.learn(x[0], y[0]), lambda: device.warm_up(x[0], y[0]))
            _ = ear.marks
            for run in runs:
                run()
                assert ear.marks == bytes([UP, DOWN])
            for rests in (device.statistics, device.read_learning, device.named_state,
                          device.reset):
                rests()
                assert ear.marks == b""


def test_a_lesson_that_is_refused_leaves_the_pin_down(qemu: None) -> None:
    board, firmware = marked("error")
    x, _ = samples(1)
    with QemuProcess(firmware.elf, board) as process:
        ear = Ear(process.uart)
        with LinkTarget.of(network("error"), ear) as device:
            _ = ear.marks
            with pytest.raises(EdgeError, match="refused"):
                device._ask_once("LEARN", flags=0, label=99, loss_q8=-1, x=x[0].tobytes())
            assert ear.marks == bytes([UP, DOWN])


@pytest.mark.parametrize("name", HAS_NO_MARKER)
def test_a_board_without_a_marker_has_nothing_of_it(name: str) -> None:
    texts = board_files(load_board(name))
    assert not any("MARKER" in text for text in texts.values())


@pytest.mark.parametrize("name", ["microbit", "stm32f405"])
def test_a_marker_takes_no_ram_and_little_flash(name: str) -> None:
    board = load_board(name)
    sources = emit(Plan.of(network("error")))
    with_it, without = (read_sizes(build_firmware(sources, b).elf)
                        for b in (board, replace(board, marker=None)))
    assert with_it.ram_bytes == without.ram_bytes
    assert 0 < with_it.flash_bytes - without.flash_bytes <= 160


def test_the_pin_of_the_board_is_as_its_stores_say(qemu: None) -> None:
    """Shipped firmware with a marker learns as before."""
    from edge_dassdp.targets.qemu import Qemu
    from edge_dassdp.targets.reference import ReferenceTarget

    x, y = samples(4)
    for name in ("microbit", "stm32f405"):
        firmware = build_firmware(emit(Plan.of(network("error"))), load_board(name))
        here = ReferenceTarget(network("error"))
        with Qemu.start(network("error"), firmware) as there:
            for sample, label in zip(x, y, strict=True):
                assert (there.learn(sample, label, digest=True).learned_digest
                        == here.learn(sample, label, digest=True).learned_digest)
            assert np.array_equal(there.read_weights("fc3"), here.read_weights("fc3"))
