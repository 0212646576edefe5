"""A generated model on each board in QEMU: the emulator's bits, the ledger's bytes."""

from __future__ import annotations

import subprocess
from functools import cache

import numpy as np
import pytest
from support import lanes
from support.commands import answer
from support.scenarios import SCENARIOS
from support.where import in_qemu, with_own_kernels

from edge_dassdp import qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware, build_firmware
from edge_dassdp.build.elf import read_sizes
from edge_dassdp.build.project import write_project
from edge_dassdp.build.stack import stack_bound
from edge_dassdp.emit import emit
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import Learning
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import COUNTER_BITS, Qemu

pytestmark = pytest.mark.usefixtures("arm_toolchain", "qemu")
BOARDS = in_qemu()
N_INPUTS, N_CLASSES, N_SAMPLES = 10, 3, 12


@cache
def network() -> QNetwork:
    rng = np.random.default_rng(11)
    net = Network(
        inputs=(Input("x", N_INPUTS),),
        populations=(Population("h1", 18, 0.9, 1.0), Population("h2", 13, 0.9, 1.0),
                     Population("out", N_CLASSES, 0.9, 1.0, reset="none")),
        projections=(Projection("fc1", "x", "h1", rng.normal(0, 0.6, (N_INPUTS, 18))),
                     Projection("fc2", "h1", "h2", rng.normal(0, 0.5, (18, 13))),
                     Projection("fc3", "h2", "out", rng.normal(0, 0.5, (13, N_CLASSES)))),
        readout=Readout("out", "membrane_sum"), n_steps=10)
    return quantize(net, Learning.default(net)).network


@cache
def firmware(name: str) -> Firmware:
    return build_firmware(emit(Plan.of(network())), load_board(name))


def samples():
    rng = np.random.default_rng(5)
    x = rng.integers(-100, 101, (N_SAMPLES, N_INPUTS)).astype(np.int8)
    return zip(x, rng.integers(0, N_CLASSES, N_SAMPLES).tolist(), strict=True)


@pytest.mark.parametrize("name", BOARDS)
def test_learning_gives_the_emulators_bits_within_the_stack_bound(name):
    emulator = Emulator(network())
    with Qemu.start(network(), firmware(name)) as device:
        for x, label in samples():
            here, there = (t.learn(x, label, digest=True) for t in (emulator, device))
            assert there.forward_digest == here.forward_digest
            assert there.learned_digest == here.learned_digest
            assert there.logits.tolist() == here.logits.tolist()
            assert there.forward_ticks is None  # not counting: no figure
        figures = device.statistics()
    assert figures.n_updates == emulator.statistics().n_updates > 0
    assert figures.rx_lost == 0
    assert 0 < figures.stack_used <= stack_bound(firmware(name)).bytes <= figures.stack_size


@pytest.mark.parametrize("name", BOARDS)
def test_the_elf_holds_what_the_plan_predicted_to_the_byte(name):
    board = load_board(name)
    linked, predicted = read_sizes(firmware(name).elf), ram_ledger(Plan.of(network()), board)
    assert linked.ram == predicted.by_symbol()
    assert linked.ram_bytes == predicted.ram_bytes


WRAPS = [name for name in BOARDS if load_board(name).counter[-1].bits < COUNTER_BITS]


@pytest.mark.parametrize("name", WRAPS)  # in QEMU their only counter is SysTick: 24 bits
def test_a_counter_that_may_wrap_within_a_sample_gives_no_figure(name):
    with Qemu.start(network(), firmware(name), count=True) as device:
        assert device.learn(*next(samples())).forward_ticks is None


@pytest.mark.parametrize("name", [b for b in BOARDS if b not in WRAPS])
def test_counted_instructions_are_the_same_in_every_run(name):
    x, label = next(samples())
    runs = []
    for _ in range(2):
        with Qemu.start(network(), firmware(name), count=True) as device:
            outcome = device.learn(x, label)
            runs.append((outcome.forward_ticks, outcome.learn_ticks))
    assert runs[0] == runs[1]
    assert min(runs[0]) > 1000


@pytest.mark.parametrize("name", BOARDS)
def test_the_reset_button_ends_the_session_and_restores_factory_weights(name):
    with Qemu.start(network(), firmware(name)) as device:
        factory = device.read_weights("fc3")
        for x, label in samples():
            device.learn(x, label)
        assert (device.read_weights("fc3") != factory).any()
        device.press_reset()
        with pytest.raises(EdgeError) as caught:
            for _ in range(100):  # QEMU presses the button in its own time
                device.read_weights("fc3")
        assert caught.value.code == "E505"
        assert (device.read_weights("fc3") == factory).all()


def test_a_firmware_of_another_build_is_refused():
    other = Firmware(**{**vars(firmware("microbit")), "build_hash": 1})
    with pytest.raises(EdgeError) as caught:
        Qemu.start(network(), other)
    assert caught.value.code == "E504"


@pytest.mark.parametrize("name", BOARDS if lanes.nightly else with_own_kernels(BOARDS))
def test_the_written_project_makes_the_same_elf(tmp_path, name):
    write_project(emit(Plan.of(network())), load_board(name), tmp_path)
    subprocess.run(["make", "-s", "-j2"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "firmware.elf").read_bytes() == firmware(name).elf.read_bytes()


def test_a_network_with_frames_of_spikes_is_measured_on_noise(tmp_path):
    path = tmp_path / "spikes.q.npz"
    qir.save(SCENARIOS["pairs_subtract_delayed"].quantized, path)
    found = answer("measure", path, "--board", "mps2-an500")
    assert found["data"]["instructions"]["inference"]["mean"] > 1000
