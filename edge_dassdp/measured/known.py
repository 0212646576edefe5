"""What is known of a network on a board before it runs there: predicted, and linked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.build.board import Board
from edge_dassdp.build.compile import kept_firmware
from edge_dassdp.build.elf import read_sizes
from edge_dassdp.build.image import read_image
from edge_dassdp.build.stack import stack_bound
from edge_dassdp.emit.firmware import Build
from edge_dassdp.figures.device import DeviceFigures, Predicted, predict
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import Ledger, ram_ledger
from edge_dassdp.qir import QNetwork


@dataclass(frozen=True)
class Known:
    """predicted, work: bytes and instructions before the build, None of an unknown board. build:
    what was linked, None where it is not kept here. board: None where it is not known."""

    predicted: Ledger | None = None
    work: Predicted | None = None
    build: Build | None = None
    board: Board | None = None

    @classmethod
    def of(cls, figures: DeviceFigures) -> Self:
        """Of a firmware that was built here."""
        return cls(figures.build.predicted, figures.predicted, figures.build,
                   figures.build.firmware.board)

    @classmethod
    def found(cls, network: QNetwork, board: Board | None, build_hash: str, image_crc: int,
              x: NDArray[np.int8], y: NDArray[Any], is_locked: bool = False) -> Self:
        """Of a firmware that a board reports by its hash, 16 hexadecimal digits, the CRC of the
        flash that it read, and whether it is locked; x, int8 (n, x_bytes), y (n,): the samples that
        are predicted."""
        if board is None:
            return cls()
        predicted = ram_ledger(Plan.of(network), board, is_locked=is_locked)
        return cls(predicted, predict(network, board, x, y),
                   _kept(predicted, int(build_hash, 16), image_crc), board)


def _kept(predicted: Ledger, build_hash: int, image_crc: int) -> Build | None:
    """The build of that hash, if this compiler made it, it is kept and its image has that CRC."""
    firmware = kept_firmware(predicted.board, build_hash)
    if firmware is None or read_image(firmware.elf).crc != image_crc:
        return None
    return Build(firmware, predicted, read_sizes(firmware.elf), stack_bound(firmware))
