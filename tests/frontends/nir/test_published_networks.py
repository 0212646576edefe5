"""The networks of others that examples/nir holds: in integers, on the emulator and on boards."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from support.event_trains import digit_trains, poisson_trains

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.build.elf import read_sizes
from edge_dassdp.emit import emit
from edge_dassdp.figures.fidelity import Fidelity, measure_fidelity
from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.ir import Network
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import Quantized, quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import Guard, Learning, Replay
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import Qemu

N_DIGITS, N_LETTERS, BRAILLE_STEPS = 20, 80, 256
BRAILLE = "snntorch,reset=zero,reset_delay=false"
"""Its own definition says reset at once; the file's name says to zero."""


@cache
def convolutional() -> tuple[Network, Quantized]:
    """N-MNIST's network, trained with Sinabs: 300 steps of at most 10,000 events."""
    network = from_nir(assets.folder("examples/nir") / "cnn_sinabs.nir", profile="sinabs",
                       n_steps=300, n_events=10_000, counts=True)
    return network, quantize(network)


@cache
def recurrent() -> tuple[Network, Quantized]:
    """The Braille reader, trained with snnTorch."""
    network = from_nir(assets.folder("examples/nir") / "braille_noDelay_bias_zero.nir",
                       profile=BRAILLE, n_steps=BRAILLE_STEPS)
    return network, quantize(network, settings=Settings(weight_bits=16, threshold_bits=14))


def letters() -> NDArray[np.float32]:
    return poisson_trains(N_LETTERS, BRAILLE_STEPS, 12, 0.15)


def flips(found: Fidelity) -> dict[str, float]:
    return {p.name: float(p.flipped or 0) for p in found.populations}


def test_the_convolutional_network_keeps_its_classes_in_integers() -> None:
    x, y = digit_trains(N_DIGITS)
    found = measure_fidelity(*convolutional(), x, y)
    print("flip rates:", flips(found), "agreement:", found.agreement)
    assert found.agreement is not None and found.agreement >= 0.98
    assert found.float_accuracy is not None and found.float_accuracy >= 0.8
    assert flips(found)["pop1"] < 0.01  # what later layers add up from it is reported, not bounded


def test_the_recurrent_network_keeps_its_classes_in_integers() -> None:
    found = measure_fidelity(*recurrent(), letters())
    print("flip rates:", flips(found), "agreement:", found.agreement)
    assert found.agreement is not None and found.agreement >= 0.98
    assert all(rate < 0.01 for rate in flips(found).values())


def agree(quantized: QNetwork, firmware_board: str, x: NDArray[np.int8]) -> None:
    """Reference, checked emulator and a board's firmware in QEMU, bit for bit."""
    board = load_board(firmware_board)
    firmware = build_firmware(emit(Plan.of(quantized)), board)
    assert read_sizes(firmware.elf).ram == ram_ledger(Plan.of(quantized), board).by_symbol()
    reference, emulator = Reference(quantized), Emulator(quantized, checked=True)
    with Qemu.start(quantized, firmware) as device:
        for sample in x:
            expected = reference.infer(sample, digest=True)
            for target in (emulator, device):
                found = target.infer(sample, digest=True)
                assert found.forward_digest == expected.forward_digest
                assert found.class_idx == expected.class_idx
                np.testing.assert_array_equal(found.logits, expected.logits)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_the_convolutional_network_runs_on_a_board() -> None:
    quantized = convolutional()[1].network
    agree(quantized, "stm32f405", input_x(quantized, digit_trains(2)[0]))


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_the_recurrent_network_runs_on_the_micro_bit() -> None:
    quantized = recurrent()[1].network
    agree(quantized, "microbit", input_x(quantized, letters()[:6]))


def test_the_ledger_says_which_boards_hold_them() -> None:
    def fits(quantized: QNetwork) -> set[str]:
        held = set()
        for name in list_boards():
            try:
                ram_ledger(Plan.of(quantized), load_board(name))
                held.add(name)
            except EdgeError as refused:
                assert refused.code == "E402"
        return held

    assert fits(recurrent()[1].network) == set(list_boards())
    assert fits(convolutional()[1].network) == {
        name for name in list_boards() if load_board(name).ram.bytes > 65536}


@pytest.mark.parametrize("recurs", [False, True])
def test_the_recurrent_network_learns_at_its_own_length(recurs: bool) -> None:
    """256 steps: the readout with replay and a guard, and the recurrent matrix beside it."""
    network = recurrent()[0]
    default = Learning.default(network)
    kept = default.rules if recurs else {"fc2": default.rules["fc2"]}
    learning = replace(default, rules=kept, skip_below=0.0)
    if not recurs:
        learning = replace(learning, replay=Replay(7, 1), guard=Guard(margin=1, window=8))
    x, labels = letters(), np.arange(N_LETTERS) % 7
    made = quantize(network, learning, Settings(membrane_bits=32), x, labels).network
    reference, emulator = Reference(made), Emulator(made, checked=True)
    for sample, label in zip(input_x(made, x[:20]), labels, strict=False):
        expected = reference.learn(sample, int(label), digest=True)
        found = emulator.learn(sample, int(label), digest=True)
        assert (found.learned_digest, found.forward_digest, found.class_idx) == (
            expected.learned_digest, expected.forward_digest, expected.class_idx)
    for q in made.plastic:
        np.testing.assert_array_equal(emulator.read_weights(q.name), reference.read_weights(q.name))
        assert (reference.read_weights(q.name) != q.w).any(), q.name
    assert reference.statistics().n_replayed >= 20 * (not recurs)
