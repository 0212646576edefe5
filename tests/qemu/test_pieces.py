"""Samples longer than a message, on boards: the smallest receive ring and the default board."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenarios import layers

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.build.elf import read_sizes
from edge_dassdp.build.stack import stack_bound
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import Learning
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import Qemu

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
NETWORKS = {"600 B of frames": layers((24, 40, 24, 6), n_steps=25, frames=True),
            "100 currents": layers((100, 24, 6))}
N_PIECES = {"600 B of frames": 10, "100 currents": 2}


@pytest.mark.parametrize("what", NETWORKS)
@pytest.mark.parametrize("name", ["microbit", "stm32f405"])
def test_a_long_sample_needs_no_retry_and_gives_the_emulator_s_bits(name: str, what: str) -> None:
    network = quantize(NETWORKS[what], Learning.default(NETWORKS[what])).network
    board = load_board(name)
    firmware = build_firmware(emit(Plan.of(network)), board)
    assert read_sizes(firmware.elf).ram == ram_ledger(Plan.of(network), board).by_symbol()
    rng = np.random.default_rng(4)
    x = rng.integers(-100, 101, (20, network.x_bytes)).astype(np.int8)
    emulator = Emulator(network)
    with Qemu.start(network, firmware) as device:
        n_bad = device.statistics().frames_bad  # a HELLO may reach a device that still boots
        n_frames, n_retries = device.link_frames, device.link_retries
        for i in range(20):
            here, there = (t.learn(x[i], i % 6, digest=True) for t in (emulator, device))
            assert there.forward_digest == here.forward_digest
            assert there.learned_digest == here.learned_digest
        assert device.link_frames - n_frames == 20 * (N_PIECES[what] + 1)
        assert device.link_retries == n_retries
        figures = device.statistics()
    assert (figures.n_labelled, figures.rx_lost, figures.frames_bad) == (20, 0, n_bad)
    assert 0 < figures.stack_used <= stack_bound(firmware).bytes
