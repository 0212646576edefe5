"""What is said to have executed a board's firmware is what tests execute it with."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import pytest
from support.commands import ROOT, answer, ok

from edge_dassdp.build.board import list_boards
from edge_dassdp.figures.evidence import ASKED, KINDS, evidence, runs, table

TESTS = sorted({run.test for run in runs()})


@cache
def collected() -> frozenset[str]:
    """Names of the tests of boards, with what they are run with in the nightly lane."""
    files = sorted({test.partition("::")[0] for test in TESTS})
    done = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "--nightly",
                           *files], cwd=ROOT, text=True, capture_output=True, check=True)
    return frozenset(line.strip() for line in done.stdout.splitlines())


def run_with(test: str) -> set[str]:
    """The boards that a test is run with: each name is the last of its parameters."""
    mine = [name for name in collected() if name.startswith(f"{test}[")]
    return {board for board in list_boards()
            if any(name.endswith((f"[{board}]", f"-{board}]")) for name in mine)}


def test_every_board_has_evidence_of_a_known_kind() -> None:
    assert all(run.kind in KINDS for run in runs())
    assert all(evidence(name) for name in list_boards())
    assert {name for run in runs() for name in run.boards} <= set(list_boards())


@pytest.mark.parametrize("run", runs(), ids=lambda run: f"{run.kind}, {run.by}")
def test_every_claim_has_a_test_that_runs_it(run, arm_toolchain, qemu) -> None:
    assert set(run.boards) <= run_with(run.test)


@pytest.mark.parametrize("kind", sorted({run.kind for run in runs()}))
def test_every_board_that_a_test_runs_is_claimed(kind, arm_toolchain, qemu) -> None:
    claimed = {name for run in runs() if run.kind == kind for name in run.boards}
    ran = set().union(*(run_with(run.test) for run in runs() if run.kind == kind))
    assert ran <= claimed


def test_none_is_said_to_have_run_on_silicon() -> None:
    """Until an owner sends what `verify` said: then a run of kind silicon names it."""
    boards = answer("boards")["data"]["boards"]
    assert not any(board["on_silicon"] for board in boards)
    assert all(board["evidence"] for board in boards)
    screen = ok("boards")
    assert "On silicon: none" in screen and ASKED in screen


def test_the_manual_shows_the_table() -> None:
    page = (ROOT / "docs" / "boards.md").read_text("utf-8")
    assert table() in page, "python tools/boards_table.py --write"
