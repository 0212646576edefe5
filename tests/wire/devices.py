"""Devices for the tests of the link: small plastic networks on the loopback."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.build import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import Settings, quantize
from edge_dassdp.rules import DASSDP, Learning
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.session import Stream

N_INPUTS, N_CLASSES = 12, 3


@cache
def network(kind: str) -> QNetwork:
    """'error': error rules, 4-bit weights into the hidden layer. 'gated': DA-SSDP in batches of 5,
    so that the learning state takes several chunks."""
    rng = np.random.default_rng(7)
    net = Network(
        inputs=(Input("x", N_INPUTS),),
        populations=(Population("h1", 20, 0.9, 1.0), Population("h2", 16, 0.9, 1.0),
                     Population("out", N_CLASSES, 0.9, 1.0, reset="none")),
        projections=(Projection("fc1", "x", "h1", rng.normal(0, 0.6, (N_INPUTS, 20))),
                     Projection("fc2", "h1", "h2", rng.normal(0, 0.5, (20, 16))),
                     Projection("fc3", "h2", "out", rng.normal(0, 0.5, (16, N_CLASSES)))),
        readout=Readout("out", "membrane_sum"), n_steps=12)
    if kind == "error":
        return quantize(net, Learning.default(net), Settings(bits_of={"fc2": 4})).network
    rule = DASSDP(a_plus=0.05, a_base=0.02, batch=5)
    return quantize(net, Learning({"fc2": rule, "fc3": rule})).network


@cache
def library(kind: str) -> Path:
    """The checked emulator of a network, with the device's side of the link in it."""
    return build_emulator(emit(network(kind)), checked=True)


def stream(kind: str = "error") -> LoopbackStream:
    """A device that was just switched on."""
    return LoopbackStream(library(kind))


def target(over: Stream, kind: str = "error", **options: Any) -> LinkTarget:
    return LinkTarget.of(network(kind), over, **options)


def samples(n: int, seed: int = 3) -> tuple[NDArray[np.int8], list[int]]:
    """x, int8 (n, x_bytes), and labels."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-100, 101, (n, N_INPUTS)).astype(np.int8)
    return x, [int(label) for label in rng.integers(0, N_CLASSES, n)]


def learned(device: LinkTarget) -> tuple[bytes, ...]:
    """Everything a device has learned: all weights, random state, counters, gates, batch."""
    weights = [device.read_weights(f"fc{i}").tobytes() for i in (1, 2, 3)]
    return (*weights, device.read_learning())
