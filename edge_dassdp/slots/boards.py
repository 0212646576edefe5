"""Slots in flash behind a link: how long a save takes, and what is told where one fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, list_boards, load_board
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.wire.messages import STATUS_TEXTS, STATUSES
from edge_dassdp.wire.saved import Saved

LONGEST_S = 10.0
"""That a save on a board takes that is not known here."""
_NOT_TAKEN = STATUS_TEXTS[STATUSES["E_FLASH"]]


def extra_s(board: str, network: QNetwork | None, request: str, fields: Mapping[str, Any]) -> float:
    """Seconds that a board waits for its flash before it can answer a request. network: None where
    nobody knows how much a save takes."""
    erases = request == "RESET" and bool(fields["erases"])
    if request != "STORE" and not erases:
        return 0.0
    known = known_board(board)
    if known is None or known.store is None:
        return LONGEST_S
    store = known.store
    if erases or network is None:
        return (1 + erases) * store.save_s(store.slot_bytes)
    return store.save_s(store.head_bytes + Plan.of(network).layout.export_bytes)


def known_board(name: str) -> Board | None:
    """The board of this name that comes with the package."""
    return load_board(name) if name in list_boards() else None


def explained(problem: EdgeError, board: str, before: Saved) -> EdgeError:
    """A save that failed, or of which nobody knows, in words."""
    counts = f"save {before.n_saves:,} counts" if before.is_there else "no save counts"
    if problem.code == "E503" and _NOT_TAKEN in problem.message:
        return EdgeError(
            "E503", f"the flash of {board} did not take it: {counts} still",
            cause="an erase or a write failed, or read back otherwise than it was written; flash "
                  "wears out" + _worn(board, before),
            help="Try once more; what it has learned since is in its RAM, a --snapshot keeps it.")
    if problem.code in ("E502", "E505"):
        return EdgeError(
            problem.code, f"{problem.message}, in a save",
            cause="; ".join(filter(None, (problem.cause, f"before, {counts}"))),
            help="What was saved before counts, or this save, nothing between: `edge-dassdp "
                 f"devices --ask` tells which. {problem.help}")
    return problem


def _worn(board: str, before: Saved) -> str:
    known = known_board(board)
    most = known.store.most_saves if known and known.store else 0
    return f", here after about {most:,} saves, and {before.n_saves:,} were made" if most else ""


def endurance(board: str, saved: Saved) -> str:
    """How many saves were made of those that the flash stands, "" where it is not known."""
    known = known_board(board)
    if known is None or known.store is None:
        return ""
    if not known.store.lasts:
        return "its slots are RAM: a save lasts a reset, and is gone with the power"
    most = known.store.most_saves
    return f"{saved.n_saves:,} of about {most:,} saves that its flash stands" if most else ""
