"""Instructions before the build: the operations of edge_dassdp.work at a core's prices.

Source of the prices: boards/costs.toml, written by benchmarks/fit_costs.py.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edge_dassdp import assets
from edge_dassdp.board import Board
from edge_dassdp.work import Work

COSTS_FILE = "costs.toml"


@functools.cache
def _costs() -> Mapping[str, Any]:
    path = assets.folder("boards") / COSTS_FILE
    return tomllib.loads(path.read_text(encoding="utf-8"))


def priced_cpus() -> frozenset[str]:
    """The cpus that boards/costs.toml has prices for."""
    return frozenset(_costs())


def predict_instructions(work: Work, board: Board) -> float | None:
    """Instructions of `work` on a board's core; None if boards/costs.toml lacks its cpu."""
    return price(work, board.cpu) if board.cpu in _costs() else None


def price(work: Work, cpu: str) -> float:
    """Instructions of `work` on one of `priced_cpus`."""
    return float(sum(each * getattr(work, name)
                     for name, each in _costs()[cpu]["instructions"].items()))


def predict_mean(work: Sequence[Work], board: Board) -> float | None:
    """Mean instructions over samples; None without samples or without costs."""
    predicted = [predict_instructions(one, board) for one in work]
    known = [p for p in predicted if p is not None]
    return float(np.mean(known)) if known else None
