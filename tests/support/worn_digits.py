"""What the demonstration's device meets: the digits network and lessons from a worn sensor."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import ir
from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware
from edge_dassdp.data.datasets import load_dataset
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.demo.adaptation import ours
from edge_dassdp.emit.firmware import build_and_compare
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.targets.target import Target

FOLDER = Path(__file__).parents[2] / "examples" / "digits"


@cache
def network(seed: int = 0) -> QNetwork:
    """That of a seed."""
    net = ir.load(FOLDER / f"digits_seed{seed}.npz")
    return quantize(net, ours(net), Settings(), load_dataset(FOLDER / "data.npz").train.x).network


@cache
def firmware(seed: int = 0) -> Firmware:
    """Its micro:bit's."""
    return build_and_compare(network(seed), load_board("microbit")).firmware


@cache
def _lessons() -> tuple[NDArray[np.int8], list[int]]:
    data = load_dataset(FOLDER / "data.npz")
    worn = WornSensor.draw(data.train.x.shape[1], 0, dark=data.dark)
    return input_x(network(), worn.apply(data.stream.x)), data.stream.y.tolist()


def learn(device: Target, first: int, n: int) -> None:
    """Lessons first to first + n - 1."""
    x, labels = _lessons()
    for i in range(first, first + n):
        device.learn(x[i], labels[i])
