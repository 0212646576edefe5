"""How many stored samples a board holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.plan.ledger import Ledger, ram_ledger, replay_bytes
from edge_dassdp.plan.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.rules import Replay

MOST_A_CLASS = 10
"""Stored samples of a class that `propose` gives a ring or the flash."""


def propose(network: QNetwork, rule: Replay, board: Board, *, n_available: int,
            ram_budget: int | None = None, flash_budget: int | None = None) -> Replay:
    """`rule` with the largest ring and number of flash samples that a board holds.

    network: quantized with any replay. n_available: labelled training samples. At most
    MOST_A_CLASS of each class, in either. ram_budget, flash_budget: bytes, None for all that the
    board has. Raises EdgeError E402 where the network does not fit even without a stored sample.
    """
    most = max(0, min(MOST_A_CLASS * network.n_classes, n_available))
    flash, ring = _room(network, most, MOST_A_CLASS, board, ram_budget, flash_budget)
    return replace(rule, flash=flash, ring_per_class=ring)


def held(network: QNetwork, rule: Replay, board: Board) -> Replay | None:
    """As much of `rule` as a board holds, None for nothing. Raises as `propose`."""
    flash, ring = _room(network, rule.flash, rule.ring_per_class, board)
    return replace(rule, flash=flash, ring_per_class=ring) if flash or ring else None


def _room(network: QNetwork, most_flash: int, most_ring: int, board: Board,
          ram_budget: int | None = None, flash_budget: int | None = None) -> tuple[int, int]:
    """Samples in flash, and of each class in the ring, up to the most of them."""
    if network.replay is None:
        raise EdgeError("E105", "nothing to propose: the network has no replay")
    made = network.replay
    empty = replace(made, labels=made.labels[:0], counts=made.counts[:0],
                    first_spike_steps=made.first_spike_steps[:0])

    def ledger(ring_per_class: int) -> Ledger:
        trial = replace(network, replay=replace(empty, ring_per_class=ring_per_class))
        return ram_ledger(Plan.of(trial), board, ram_budget=ram_budget)

    flash = ledger(0).flash_bound
    ring = 0
    while ring < most_ring and _fits(ledger, ring + 1):
        ring += 1
    room = min(board.flash.bytes if flash_budget is None else flash_budget, board.flash.bytes)
    return max(0, min((room - flash) // replay_bytes(network, 1), most_flash)), ring


def _fits(ledger: Callable[[int], Ledger], ring_per_class: int) -> bool:
    try:
        ledger(ring_per_class)
    except EdgeError as problem:
        if problem.code != "E402":
            raise
        return False
    return True
