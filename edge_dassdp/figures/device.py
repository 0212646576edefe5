"""What a network costs on a board: memory predicted and linked, stack bound and painted,
instructions per inference and per learning step predicted and executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.build.board import Board
from edge_dassdp.emit.firmware import Build, build_and_compare
from edge_dassdp.figures.lesson import learning_work
from edge_dassdp.figures.prices import predict_mean
from edge_dassdp.figures.work import inference_work
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.wire.lock import Lock


@dataclass(frozen=True)
class Instructions:
    """Instructions executed in QEMU per call, over `n_samples` calls."""

    mean: float
    max: int
    n_samples: int


@dataclass(frozen=True)
class Predicted:
    """Mean instructions predicted before the build, from the work of the same samples on the
    reference; None where nothing learns or is written, or the board's cpu has no costs.

    synaptic_ops: mean synaptic operations of an inference, columns of padding included; those of
    silent neurons where a projection is dense.
    """

    inference: float | None
    learning: float | None
    written: float | None
    synaptic_ops: float


@dataclass(frozen=True)
class DeviceFigures:
    """Figures of one network on one board.

    predicted: instructions before the build, the means that QEMU's stand beside.
    stack_painted: bytes of the stack that were written during all samples. learning: the learning
    part of every sample, skipped ones too; written: that of samples after which weights were
    written. All of these come from QEMU and are None where it was not run (a board without a
    QEMU machine) or nothing learned.
    """

    build: Build
    predicted: Predicted
    stack_painted: int | None
    inference: Instructions | None
    learning: Instructions | None
    written: Instructions | None


def predict(network: QNetwork, board: Board, x: NDArray[np.int8],
            y: NDArray[Any] | None = None) -> Predicted:
    """Classify samples x, int8 (n, x_bytes), on the reference, then learn them with labels y (n,),
    and price the work for `board`.
    """
    inferred = inference_work(network, x)
    learned = learning_work(network, x, y) if network.plastic and y is not None else []
    return Predicted(predict_mean(inferred, board), predict_mean(learned, board),
                     predict_mean([w for w in learned if w.updates], board),
                     float(np.mean([w.synaptic_ops for w in inferred])))


def measure_on_device(network: QNetwork, board: Board, x: NDArray[np.int8],
                      y: NDArray[Any] | None = None, lock: Lock | None = None) -> DeviceFigures:
    """Predict, build, compare, and run samples x, int8 (n, x_bytes), on the firmware in QEMU. lock:
    the key that it is locked with.

    Every sample is classified first; then, if the network learns and labels y (n,) are given,
    learned once, in order. Raises what `build_and_compare` and `Qemu.start` raise.
    """
    predicted = predict(network, board, x, y)
    build = build_and_compare(network, board, lock=lock)
    if board.qemu is None:
        return DeviceFigures(build, predicted, None, None, None, None)
    learned = []
    with Qemu.start(network, build.firmware, count=True, lock=lock) as device:
        inferred = [device.infer(sample) for sample in x]
        if network.plastic and y is not None:
            learned = [device.learn(sample, int(label)) for sample, label in zip(x, y, strict=True)]
        painted = device.statistics().stack_used
    return DeviceFigures(
        build, predicted, painted,
        inference=_instructions([o.forward_ticks for o in inferred]),
        learning=_instructions([o.learn_ticks for o in learned]),
        written=_instructions([o.learn_ticks for o in learned if o.is_updated]))


def _instructions(ticks: Sequence[int | None]) -> Instructions | None:
    counted = [t for t in ticks if t is not None]
    if not counted:
        return None
    return Instructions(float(np.mean(counted)), max(counted), len(counted))
