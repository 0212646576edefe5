"""A link that is lost leaves in the run folder what was done until then."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.board import Board
from support.commands import ok, shown

from edge_dassdp import qir
from edge_dassdp.harness import Rescue, learn_stream
from edge_dassdp.qir.samples import input_x
from edge_dassdp.runs.folder import LEARNED, results_of, samples_of
from edge_dassdp.runs.record import Record
from edge_dassdp.targets.reference import ReferenceTarget


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
    assert results["data"]["snapshot"] == str(folder / LEARNED)
    log = (folder / "link-serial.log").read_text().splitlines()
    assert log and all(json.loads(line) for line in log)


@pytest.mark.parametrize("is_answered", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("n_before", [0, 7], ids=["from factory", "from what it had learned"])
def test_a_lost_link_leaves_a_snapshot_of_what_is_certain(
        work: Path, tmp_path: Path, board: Board, is_answered: bool, n_before: int) -> None:
    """What the board had learned by then: after its power was cut the stream goes on from there."""
    learn = ("learn", work / "model.q.npz", "--data", work / "data.npz")
    more: tuple[str | Path, ...] = ()
    if n_before:
        more = ("--restore", tmp_path / "before.state")
        ok(*learn, "--split", "train", "--limit", str(n_before), "--snapshot", more[1])
    kept, whole = tmp_path / "kept.state", tmp_path / "whole.state"
    board.cut(60, is_answered=is_answered)
    lost = shown(*learn, "--target", board.target, *more, "--snapshot", kept, "--json")
    assert lost.returncode == 4 and f"{kept} holds them, too" in lost.stderr
    n = json.loads(lost.stdout.splitlines()[-1])["data"]["n_learned"]
    ok(*learn, *more, "--limit", str(n), "--snapshot", whole)
    assert kept.read_bytes() == whole.read_bytes() and 0 < n < 60
    board.plug()
    board.reboot()
    ok(*learn, "--target", board.target, "--resume", "--restore", kept, "--snapshot", whole)
    assert whole.read_bytes() == at_once(learn, more, tmp_path)


def at_once(learn: tuple[str | Path, ...], more: tuple[str | Path, ...], folder: Path) -> bytes:
    """What a stream teaches that nothing interrupts."""
    ok(*learn, *more, "--snapshot", folder / "once.state")
    return (folder / "once.state").read_bytes()


def test_it_leaves_none_where_the_answers_were_others(work: Path, tmp_path: Path) -> None:
    """A board that does not do what the model says is not followed."""
    network = qir.load(work / "model.q.npz")
    x = np.load(work / "data.npz")["x"][:20].astype(np.float32)
    rows = input_x(network, x)
    told = learn_stream(ReferenceTarget(network), rows, np.arange(20) % 4)
    assert told.logits is not None
    other = dataclasses.replace(told, predicted=(told.predicted + 1) % 4)
    of_class = dataclasses.replace(told, logits=told.logits + 1)  # the class is the same
    for stream, is_kept in ((told, True), (other, False), (of_class, False)):
        with Rescue(network, tmp_path / "kept.state") as rescue:
            rescue.begins(ReferenceTarget(network))
            rescue.follow(stream, rows)
            assert (rescue.place is not None) is is_kept
