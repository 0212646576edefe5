"""What is known of a network on a board before it runs there: predicted, and linked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.build.board import Board
from edge_dassdp.emit.firmware import Build
from edge_dassdp.figures.device import DeviceFigures, Predicted, predict
from edge_dassdp.measured.origin import build_of
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
              x: NDArray[np.int8], y: NDArray[Any]) -> Self:
        """Of a firmware that a board reports; x, y: the samples that are predicted."""
        if board is None:
            return cls()
        return cls(ram_ledger(Plan.of(network), board), predict(network, board, x, y),
                   build_of(network, board, build_hash, image_crc), board)
