"""What a network costs on a board: memory predicted and linked, stack bound and painted,
instructions per inference and per learning step predicted and executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build import elf
from edge_dassdp.build.board import Board
from edge_dassdp.build.compile import Firmware, build_firmware
from edge_dassdp.build.stack import StackBound, stack_bound
from edge_dassdp.emit import emit
from edge_dassdp.figures.lesson import learning_work
from edge_dassdp.figures.prices import predict_mean
from edge_dassdp.figures.work import inference_work
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import Ledger, ram_ledger
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.qemu import Qemu


@dataclass(frozen=True)
class Build:
    """A firmware whose linked RAM is, symbol by symbol, the predicted one.

    stack covers the deepest call path with one interrupt on top; it fits the reserved stack.
    """

    firmware: Firmware
    predicted: Ledger
    linked: elf.Sizes
    stack: StackBound

    @property
    def elf(self) -> Path:
        """The linked file."""
        return self.firmware.elf

    @property
    def hex(self) -> Path:
        """The same for programmers that take Intel HEX."""
        return self.firmware.hex

    @property
    def ram_bytes(self) -> int:
        """Static RAM as linked, the reserved stack included."""
        return self.linked.ram_bytes

    @property
    def flash_bytes(self) -> int:
        """Code and constants as linked."""
        return self.linked.flash_bytes


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


def build_and_compare(network: QNetwork, board: Board, *, ram_budget: int | None = None,
                      flash_budget: int | None = None, name: str = "dassdp") -> Build:
    """Predict, build, and hold the linked file against the prediction. Budgets in bytes. name: of
    the model in C.

    Raises EdgeError E402 if RAM, flash or stack exceed the board or a budget, E403 if a symbol or
    section differs from its prediction, E301 or E302 as `build_firmware`.
    """
    predicted = ram_ledger(Plan.of(network), board, ram_budget=ram_budget)
    limit = board.flash.bytes if flash_budget is None else min(flash_budget, board.flash.bytes)
    _keep_flash(predicted, predicted.constant_bytes, limit)
    firmware = build_firmware(emit(Plan.of(network), name), board)
    linked = elf.read_sizes(firmware.elf)
    _compare(predicted, linked)
    _keep_flash(predicted, linked.flash_bytes, limit)
    bound = stack_bound(firmware)
    if bound.bytes > board.stack_bytes:
        raise EdgeError("E402", f"the stack overflows by {bound.bytes - board.stack_bytes:,} B",
                        cause=f"{board.name} reserves {board.stack_bytes:,} B, the deepest path "
                              f"takes {bound.bytes:,} B: {' -> '.join(bound.path)}",
                        help="raise stack_bytes in the board's board.toml")
    return Build(firmware, predicted, linked, bound)


def _keep_flash(predicted: Ledger, needed: int, limit: int) -> None:
    if needed > limit:
        raise EdgeError("E402", f"flash overflows by {needed - limit:,} B",
                        cause=f"budget {limit:,} B ({predicted.board.name}), needed {needed:,} B, "
                              f"of which model constants take {predicted.constant_bytes:,} B",
                        help="use fewer weight bits, a smaller network or a larger board")


def _compare(predicted: Ledger, linked: elf.Sizes) -> None:
    wanted, found = predicted.by_symbol(), linked.ram
    differences = [f"{name}: predicted {wanted.get(name, 0):,} B, linked {found.get(name, 0):,} B"
                   for name in sorted(wanted.keys() | found.keys())
                   if wanted.get(name) != found.get(name)]
    if linked.flash_bytes > predicted.flash_bound:
        differences.append(f"flash: predicted at most {predicted.flash_bound:,} B, linked "
                           f"{linked.flash_bytes:,} B")
    if predicted.ram_bytes != linked.ram_bytes:
        differences.append(f"RAM in all: predicted {predicted.ram_bytes:,} B, linked "
                           f"{linked.ram_bytes:,} B")
    if differences:
        raise EdgeError("E403", "predicted and linked memory disagree",
                        cause="; ".join(differences),
                        help="report it with the model, unless the runtime was edited")


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
                      y: NDArray[Any] | None = None) -> DeviceFigures:
    """Predict, build, compare, and run samples x, int8 (n, x_bytes), on the firmware in QEMU.

    Every sample is classified first; then, if the network learns and labels y (n,) are given,
    learned once, in order. Raises what `build_and_compare` and `Qemu.start` raise.
    """
    predicted = predict(network, board, x, y)
    build = build_and_compare(network, board)
    if board.qemu is None:
        return DeviceFigures(build, predicted, None, None, None, None)
    learned = []
    with Qemu.start(network, build.firmware, count=True) as device:
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
