"""A link that is lost leaves in the run folder what was done until then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.board import Board
from support.commands import shown

from edge_dassdp.runs.folder import results_of, samples_of
from edge_dassdp.runs.record import Record


@pytest.fixture
def board(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    with Board(work / "model.q.npz", tmp_path) as board:
        yield board


def test_a_lost_link_leaves_what_was_done(work: Path, tmp_path: Path, board: Board) -> None:
    board.cut(25, is_answered=False)
    folder = tmp_path / "run"
    done = shown("learn", work / "model.q.npz", "--data", work / "data.npz", "--target",
                 board.target, "--run", folder, "--json")
    results = results_of(folder)
    assert done.returncode == results["exit"] == Record.read(folder).exit == 4
    assert json.loads(done.stdout.splitlines()[-1]) == results
    assert 0 < len(samples_of(folder)) == results["data"]["n_samples"] < 60
    log = (folder / "link-serial.log").read_text().splitlines()
    assert log and all(json.loads(line) for line in log)
