"""The digits example on every board: it is built with warnings as errors, fits, and learns in QEMU
what it learns on the reference."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from support import lanes
from support.devices import learn_alike
from support.where import built_alike, in_qemu

from edge_dassdp import ir
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.data.datasets import load_dataset
from edge_dassdp.emit.firmware import build_and_compare, predict_memory
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import Learning
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.targets.reference import ReferenceTarget

FOLDER = Path(__file__).parents[2] / "examples" / "digits"
N_SAMPLES = 20 if lanes.nightly else 6
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")


@cache
def network() -> QNetwork:
    net = ir.load(FOLDER / "digits_seed0.npz")
    return quantize(net, Learning.default(net)).network


@pytest.mark.parametrize("name", list_boards())
def test_its_memory_fits(name: str) -> None:
    board = load_board(name)
    assert predict_memory(network(), board).ram_bytes <= board.ram.bytes


@pytest.mark.parametrize("name", built_alike())
def test_it_is_built_without_a_warning_and_its_stack_suffices(arm_toolchain: None,
                                                              name: str) -> None:
    build = build_and_compare(network(), load_board(name))
    assert set(WARNINGS) <= set(build.firmware.flags)
    assert build.stack.bytes <= build.firmware.board.stack_bytes
    assert build.flash_bytes <= build.firmware.board.flash.bytes


@pytest.mark.parametrize("name", in_qemu())
def test_it_learns_in_qemu_what_it_learns_on_the_reference(arm_toolchain: None, qemu: None,
                                                           name: str) -> None:
    samples = load_dataset(FOLDER / "data.npz").stream
    x = input_x(network(), samples.x[:N_SAMPLES])
    wrong = (samples.y[:N_SAMPLES] + 1) % network().n_classes  # so that there is much to learn
    reference = ReferenceTarget(network())
    with Qemu.start(network(), build_and_compare(network(), load_board(name)).firmware) as device:
        for sample, label in zip(x, wrong.tolist(), strict=True):
            learn_alike(reference, device, sample, label)
        assert device.statistics().n_updates == reference.statistics().n_updates > 0
        assert device.statistics().rx_lost == 0
