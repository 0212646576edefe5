"""The targets of the conformance suite, and which scenarios each of them runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from support.features import features
from support.scenarios import SCENARIOS

from edge_dassdp.build.board import load_board

BOARDS = ("microbit", "lm3s6965evb", "stm32f405", "mps2-an500", "mps2-an505", "mps3-an547")
TARGETS = ("emulator-checked", "emulator", *(f"qemu-{name}" for name in BOARDS))
TOO_LARGE = {"qemu-microbit": frozenset({"images_constant", "images_frames", "long"})}
"""What a board's RAM does not hold; a test holds this against the ledger."""


def chosen(target: str, *, nightly: bool = False) -> tuple[str, ...]:
    """Names of the scenarios that a target runs: all that it holds. On a change, a board whose
    kernels an earlier one takes too runs the fewest that reach every feature."""
    board = target.removeprefix("qemu-")
    if nightly or board not in BOARDS or board in with_own_kernels(BOARDS):
        return tuple(name for name in SCENARIOS if name not in TOO_LARGE.get(target, ()))
    return smallest_cover()


def with_own_kernels(boards: Sequence[str]) -> list[str]:
    """Of the boards that take the same kernel files the first."""
    first = {load_board(name).kernels: name for name in reversed(boards)}
    return [name for name in boards if name in first.values()]


@cache
def smallest_cover() -> tuple[str, ...]:
    """Scenarios that reach every feature of all of them, chosen greedily, in their order."""
    reached = {name: set(features(s.quantized)) for name, s in SCENARIOS.items()}
    missing, taken = set[object]().union(*reached.values()), set[str]()
    while missing:
        best = max(reached, key=lambda name: len(reached[name] & missing))
        taken.add(best)
        missing -= reached[best]
    return tuple(name for name in SCENARIOS if name in taken)
