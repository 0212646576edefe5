"""Instructions before the build: the operations of edge_dassdp.figures.work at a core's prices.

Source of the prices: boards/costs.toml, written by benchmarks/fit_costs.py.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from edge_dassdp.base import assets
from edge_dassdp.build.board import Board
from edge_dassdp.figures.work import OPERATIONS, Work

COSTS_FILE = "costs.toml"


@functools.cache
def _costs() -> Mapping[str, Any]:
    path = assets.folder("boards") / COSTS_FILE
    return tomllib.loads(path.read_text(encoding="utf-8"))


def priced_cpus() -> frozenset[str]:
    """The cpus that boards/costs.toml has prices for."""
    return frozenset(_costs())


def price(work: Work, cpu: str) -> float | None:
    """Instructions of `work` on one of `priced_cpus`; None if an operation of it has no price."""
    prices = _costs()[cpu]["instructions"]
    done = {name: n for name in OPERATIONS if (n := getattr(work, name))}
    if not prices.keys() >= done.keys():
        return None
    return float(sum(prices[name] * n for name, n in done.items()))


def price_all(work: Sequence[Work], cpu: str) -> float | None:
    """Instructions of all of `work`, None if any of them has no price."""
    known = [p for one in work if (p := price(one, cpu)) is not None]
    return float(sum(known)) if len(known) == len(work) else None


def predict_mean(work: Sequence[Work], board: Board) -> float | None:
    """Mean instructions over samples; None without samples, or where any of them has no price."""
    total = price_all(work, board.cpu) if work and board.cpu in _costs() else None
    return None if total is None else total / len(work)
