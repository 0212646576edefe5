"""Board files with one mistake each: how many of them the checks find, without registers.txt and
with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support import lanes
from support.board_checks import found_by, text
from support.board_mutants import is_harmless, mutants

from edge_dassdp.build.board import list_boards, load_board

STEP = 1 if lanes.nightly else 17
"""Of the mistakes, every one is made nightly, every seventeenth on a change."""
SHARE = 0.95


@pytest.mark.parametrize("name", list_boards())
def test_a_board_without_a_mistake_passes_all_checks(name: str) -> None:
    assert not found_by(name, load_board(name))


def test_the_checks_find_single_mistakes(record_property: Callable[[str, object], None]) -> None:
    n_made, by_rules, by_any = 0, 0, 0
    for i, name in enumerate(list_boards()):
        board = load_board(name)
        told = text(name, board)
        made = [wrong for _, wrong in mutants(board) if not is_harmless(board, wrong)]
        for wrong in made[i % STEP::STEP]:
            is_found = bool(found_by(name, wrong))
            n_made, by_rules = n_made + 1, by_rules + is_found
            by_any += is_found or text(name, wrong) != told
    record_property("mistakes in board files", f"{n_made:,}; found by rules "
                    f"{by_rules / n_made:.1%}, with registers.txt {by_any / n_made:.1%}")
    assert by_rules >= SHARE * n_made and by_any >= 0.99 * n_made
