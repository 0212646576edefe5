"""The targets of the conformance suite, and which scenarios each of them runs."""

from __future__ import annotations

from functools import cache

from support.features import features
from support.scenarios import SCENARIOS

from edge_dassdp.build.board import load_board

TARGETS = ("emulator-checked", "emulator", "qemu-microbit", "qemu-lm3s6965evb", "qemu-stm32f405",
           "qemu-mps2-an500", "qemu-mps2-an505", "qemu-mps3-an547")
TOO_LARGE = {"qemu-microbit": frozenset({"images_constant", "images_frames", "long"})}
"""What a board's RAM does not hold; a test holds this against the ledger."""


def chosen(target: str, *, nightly: bool = False) -> tuple[str, ...]:
    """Names of the scenarios that a target runs: all that it holds. On a change, a board whose
    kernels an earlier one of TARGETS takes too runs the fewest that reach every feature."""
    if has_own_kernels(target) or nightly:
        return tuple(name for name in SCENARIOS if name not in TOO_LARGE.get(target, ()))
    return smallest_cover()


def has_own_kernels(target: str) -> bool:
    """Of the boards that take the same kernel files the first; an emulator always."""
    boards = {name: load_board(name.removeprefix("qemu-")).kernels
              for name in TARGETS if name.startswith("qemu-")}
    return target not in boards or \
        target == next(name for name, taken in boards.items() if taken == boards[target])


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
