"""What learns, and with how many stored samples, where nobody says it: the first of
`Learning.defaults` that has a form in integers and finds room on a board.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import spread_rows
from edge_dassdp.build.board import Board, load_board
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Network
from edge_dassdp.plan.budget import held
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.plan.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.biases import with_plastic_biases
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning, Replay

COMMON = "stm32f405"
"""The board whose room counts where none is named: that of the commands printed as next."""
N_TRIED = 256
"""Samples that a trial is calibrated on."""
Change = Callable[[Learning], Learning]


@dataclass(frozen=True, eq=False)
class Proposal:
    """network: with biases as weights where these learn. learning: None where nothing does. notes:
    what it does without, and why."""

    network: Network
    learning: Learning | None
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Any] | None:
        """What learns, as JSON values."""
        made = self.learning
        return None if made is None else {
            "rules": {name: {"rule": rule.word, **(_fields(rule) or {})}
                      for name, rule in made.rules.items()},
            "schedule": _fields(made.schedule), "replay": _fields(made.replay),
            "guard": _fields(made.guard), "gate": _fields(made.gate),
            "class_means": made.class_means, "notes": list(self.notes)}


def _fields(part: Any) -> dict[str, Any] | None:
    return None if part is None else asdict(part)


def proposed(network: Network, settings: Settings, board: Board | None = None,
             training: Samples | None = None, change: Change = lambda made: made, *,
             plastic_biases: bool = False) -> Proposal:
    """What `Learning.default` is to a network on a board, None for COMMON.

    training: labelled samples for replay from flash. change: what is asked for beside the rules; a
    replay of its own is kept as it is. plastic_biases: biases beside the rules learn, too. Raises
    EdgeError E203 where nothing can learn, and what stands in the way of the last choice: E201,
    E202 of its numbers, E402 of the RAM of a board that was named.
    """
    notes: list[str] = []
    problem: EdgeError | None = None
    some = None if training is None else training.at(spread_rows(len(training), N_TRIED))
    room = board or load_board(COMMON)
    for learning in Learning.defaults(network, len(training) if training else 0, notes,
                                      values=settings.values):
        wanted = change(learning)
        grown, wanted = with_plastic_biases(network, wanted) if plastic_biases \
            else (network, wanted)
        try:
            made, beside = _trial(grown, wanted, settings, some), []
            if wanted.replay is None or wanted.replay is not learning.replay:
                ram_ledger(Plan.of(made), room)
            else:
                kept = held(made, wanted.replay, room)
                beside = _of_replay(wanted.replay, kept, room.name)
                wanted = replace(wanted, replay=kept)
        except EdgeError as found:
            if found.code not in ("E201", "E202", "E203", "E402"):
                raise
            if found.code == "E402" and board is None:
                return Proposal(grown, replace(wanted, replay=None), (
                    *notes, f"{room.name} has no room for what learns; --board names another"))
            problem = found
            notes.append(f"{_words(wanted)}: {found.message}")
            continue
        return Proposal(grown, wanted, (*notes, *beside))
    assert problem is not None  # `defaults` raises where there is none
    raise problem


def _trial(network: Network, learning: Learning, settings: Settings,
           some: Samples | None) -> QNetwork:
    """With no more samples in flash than are tried."""
    if learning.replay is not None:
        stored = min(learning.replay.flash, len(some) if some else 0)
        learning = replace(learning, replay=replace(learning.replay, flash=stored))
    return quantize(network, learning, settings, *((some.x, some.y) if some else ())).network


def _words(learning: Learning) -> str:
    return " and ".join(f"{rule.word} on '{name}'" for name, rule in learning.rules.items())


def _of_replay(wanted: Replay, kept: Replay | None, board: str) -> list[str]:
    """What of it is left out."""
    if kept is None:
        return [f"{board} has no room for stored samples, nothing is replayed"]
    notes = [] if wanted.flash else [
        "no training samples are replayed from flash, so what the network knew is forgotten "
        "sooner: give them with --data"]
    return notes if kept == wanted else [
        *notes, f"{board} has room for {kept.flash} of {wanted.flash} samples in flash and "
        f"{kept.ring_per_class} of {wanted.ring_per_class} of each class in RAM"]
