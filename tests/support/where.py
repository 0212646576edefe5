"""The targets of the conformance suite, and which scenarios each of them runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from support import lanes
from support.features import features
from support.scenarios import SCENARIOS

from edge_dassdp.build.board import list_boards, load_board

BOARDS = ("microbit", "lm3s6965evb", "stm32f405", "mps2-an500", "mps2-an505", "mps3-an547")
TARGETS = ("emulator-checked", "emulator", *(f"qemu-{name}" for name in BOARDS))
TOO_LARGE = {"qemu-microbit": frozenset({"images_constant", "images_frames", "long"})}
"""What a board's RAM does not hold; a test holds this against the ledger."""


def chosen(target: str, *, nightly: bool = False) -> tuple[str, ...]:
    """Names of the scenarios that a target runs: all that it holds. On a change each scenario is
    one board's of those that have kernels of their own: whose turn it is, or the next's where it is
    too large; and a board runs the fewest more with which it reaches every feature."""
    board = target.removeprefix("qemu-")
    if nightly or board not in BOARDS:
        return held(target)
    own = tuple(name for name in held(target) if turns()[name] == board)
    return (*own, *covering(target, own))


def held(target: str) -> tuple[str, ...]:
    """Names of the scenarios that it has RAM for."""
    return tuple(name for name in SCENARIOS if name not in TOO_LARGE.get(target, ()))


@cache
def turns() -> dict[str, str]:
    """Boards by scenario."""
    own = with_own_kernels(BOARDS)
    return {name: next(board for board in (*own[n % len(own):], *own)
                       if name in held(f"qemu-{board}")) for n, name in enumerate(SCENARIOS)}


def in_qemu() -> list[str]:
    """Boards that QEMU has; on a change, of those that are alike in what it models the first, and
    none that needs a newer QEMU than Debian 12's: `boards/test_qemu.py` has all."""
    boards = [b for b in map(load_board, list_boards())
              if b.qemu and (lanes.nightly or not b.qemu.version)]
    alike = {(b.qemu.machine, b.qemu.serial, b.cpu, b.kernels): b.name
             for b in reversed(boards)}
    return [b.name for b in boards if lanes.nightly or b.name in alike.values()]


def built_alike() -> list[str]:
    """All boards; on a change, of those whose firmware consists of the same files the first."""
    boards = [load_board(name) for name in list_boards()]
    alike = {(b.cpu, b.kernels, b.uart.driver, b.image): b.name for b in reversed(boards)}
    return [b.name for b in boards if lanes.nightly or b.name in alike.values()]


def with_own_kernels(boards: Sequence[str]) -> list[str]:
    """Of the boards that take the same kernel files the first."""
    first = {load_board(name).kernels: name for name in reversed(boards)}
    return [name for name in boards if name in first.values()]


@cache
def covering(target: str, given: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Scenarios that reach every feature of all that a target holds with those given: greedily
    chosen, those that reach most first."""
    reached = {name: set(features(SCENARIOS[name].quantized)) for name in held(target)}
    missing = set[object]().union(*reached.values()) - set[object]().union(
        *(reached[name] for name in given))
    taken = list[str]()
    while missing:
        taken.append(max(reached, key=lambda name: len(reached[name] & missing)))
        missing -= reached[taken[-1]]
    return tuple(taken)
