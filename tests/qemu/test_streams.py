"""Frames that arrive while a board runs: a sample that its RAM could not hold, and a stream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.streamed import pushed, streamed, told

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.build.elf import opened, read_sizes, symbol_table
from edge_dassdp.build.stack import stack_bound
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.qir.samples import random_samples
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.targets.reference import ReferenceTarget

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
LONG = 5000


@pytest.mark.parametrize("kind", ["spikes", "events"])
def test_five_thousand_steps_of_256_spikes_fit_an_stm32f405(kind: str) -> None:
    """As frames 160,000 bytes, as events 2.6 MB; its RAM has 131,072."""
    network = streamed(kind, 256, LONG, n_steps=LONG)
    board = load_board("stm32f405")
    firmware = build_firmware(emit(Plan.of(network)), board)
    sizes = read_sizes(firmware.elf)
    assert sizes.ram == ram_ledger(Plan.of(network), board).by_symbol()
    assert network.x_bytes >= 160_000 and Plan.of(network).layout.state_bytes < 2000
    x, n_steps = np.zeros(network.x_bytes, np.int8), LONG
    rng = np.random.default_rng(3)
    if kind == "spikes":
        x[:] = rng.integers(-128, 128, network.x_bytes)
    else:  # 256 of them in each of the first steps, more than a message holds
        n_steps, words = 50, x.view("<u2")
        words[:] = 65535
        words[: 257 * n_steps].reshape(n_steps, 257)[:, :256] = rng.integers(0, 256, (n_steps, 256))
    expected = ReferenceTarget(network).infer(x, digest=True, n_steps=n_steps)
    with Qemu.start(network, firmware) as device:
        found = device.infer(x, digest=True, n_steps=n_steps)
        figures = device.statistics()
    assert found.logits.tolist() == expected.logits.tolist()
    assert found.forward_digest == expected.forward_digest
    assert 0 < figures.stack_used <= stack_bound(firmware).bytes


@pytest.mark.parametrize("name", ["microbit", "stm32f405"])
@pytest.mark.parametrize("kind", ["currents", "counts", "sensor"])
def test_a_board_decides_as_the_reference_does(name: str, kind: str) -> None:
    network = streamed(kind, 24, 2, learns=kind != "sensor")
    firmware = build_firmware(emit(Plan.of(network)), load_board(name))
    x = random_samples(network, 4)
    with Qemu.start(network, firmware) as device:
        assert told(pushed(device, network, x)) == told(pushed(
            ReferenceTarget(network), network, x))
        if network.plastic:
            reference = ReferenceTarget(network)
            for i in range(4):
                here, there = (t.learn(x[i], i, digest=True) for t in (reference, device))
                assert here.learned_digest == there.learned_digest
                assert here.lessons_digest == there.lessons_digest


def test_a_firmware_without_streams_has_nothing_of_them() -> None:
    board = load_board("microbit")
    with_streams = streamed("currents", 12)
    plain = replace(with_streams, hop=0)
    symbols = []
    for network in (plain, with_streams):
        with opened(build_firmware(emit(Plan.of(network)), board).elf) as file:
            symbols.append({s.name for s in symbol_table(file).iter_symbols()})
    own = {"dassdp_push", "dassdp_stream_begin", "dassdp_sample_part"}
    assert own <= symbols[1] and not own & symbols[0]
