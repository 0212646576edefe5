"""A board that runs is watched, and is as it was when nobody watches any more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.board import ROOT, Board
from support.commands import answer, environment, ok, refused, shown
from support.served import served
from support.terminals import on_terminal

from edge_dassdp import qir
from edge_dassdp.build.board import load_board
from edge_dassdp.emit.firmware import build_and_compare
from edge_dassdp.targets.qemu import QemuProcess


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What this computer remembers of boards."""
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def board(work: Path, state: Path, tmp_path: Path) -> Iterator[Board]:
    with Board(work / "model.q.npz", tmp_path) as board:
        ok("learn", work / "model.q.npz", "--data", work / "data.npz", "--target", board.target,
           "--limit", "12")
        yield board


def monitor(work: Path, board: Board, *more: str) -> tuple[str | Path, ...]:
    return ("monitor", work / "model.q.npz", "--target", board.target, "--every", "0.05", *more)


def remembered(state: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()}


def test_counters_are_shown_and_nothing_changes(work: Path, board: Board, state: Path) -> None:
    before = remembered(state)
    lines = shown(*monitor(work, board, "--readings", "3", "--json")).stdout.splitlines()
    *told, last = map(json.loads, lines)
    assert [line["reading"] for line in told] == [1, 2, 3]
    assert all(line["statistics"]["n_labelled"] == 12 for line in told)
    assert len({line["statistics"]["learned_digest"] for line in told}) == 1
    assert last["ok"] and last["data"]["n_readings"] == 3 and last["data"]["n_learned"] == 0
    assert remembered(state) == before
    ok("learn", work / "model.q.npz", "--data", work / "data.npz", "--target", board.target,
       "--expect", last["data"]["digest"], "--limit", "3")
    more = answer(*monitor(work, board, "--readings", "1"))["data"]
    assert more["statistics"]["n_labelled"] == 15
    ok("run", work / "model.q.npz", "--data", work / "data.npz", "--target", board.target,
       "--expect", "last")


def test_without_a_terminal_a_line_tells_of_a_change(work: Path, board: Board) -> None:
    line, last = ok(*monitor(work, board, "--readings", "4")).splitlines()
    assert line.startswith("labelled 12, skipped ") and "saturated" in line and "link " in line
    assert "4 answers, 0 lessons in the meantime; digest " in last


def test_a_terminal_gets_a_panel(work: Path, board: Board) -> None:
    words = list(map(str, monitor(work, board, "--readings", "3")))
    done = on_terminal(TERM="xterm", COLUMNS="90")(words, work)
    assert done.status == 0 and done.out.count(b"weight updates") >= 3
    assert b"as it was left" in done.out


def test_ctrl_c_ends_it_well(work: Path, board: Board) -> None:
    words = [sys.executable, "-m", "edge_dassdp", *map(str, monitor(work, board)), "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment({"PYTHONPATH": str(ROOT)})) as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["reading"] == 1
        os.kill(process.pid, signal.SIGINT)
        *_, last = process.stdout.read().splitlines()
        told = process.stderr.read()
    assert process.returncode == 0 and told == ""
    envelope = json.loads(last)
    assert envelope["exit"] == 0 and envelope["data"]["statistics"]["n_labelled"] == 12


def test_a_lost_link_says_what_was_seen_last(work: Path, board: Board) -> None:
    board.cut(8, is_answered=False)
    done = shown(*monitor(work, board, "--json"))
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == last["exit"] == 4 and last["diagnostics"][0]["code"] == "E502"
    assert last["data"]["n_readings"] > 0 and last["data"]["statistics"]["n_labelled"] == 12


@pytest.mark.parametrize("target", ["emulator", "reference", "qemu:microbit"])
def test_what_does_not_run_yet_is_refused(work: Path, target: str) -> None:
    assert "before a command begins it" in refused("E105", "monitor", work / "model.q.npz",
                                                   "--target", target)


def test_a_board_in_qemu_is_watched_over_its_socket(arm_toolchain: None, qemu: None, work: Path,
                                                    state: Path) -> None:
    firmware = build_and_compare(qir.load(work / "model.q.npz"), load_board("microbit")).firmware
    with QemuProcess(firmware.elf, firmware.board) as process, served(process.uart) as address:
        target = f"serial:{address}"
        ok("learn", work / "model.q.npz", "--data", work / "data.npz", "--target", target,
           "--limit", "9")
        found = answer("monitor", work / "model.q.npz", "--target", target, "--readings", "2",
                       "--every", "0.05")["data"]
    assert found["statistics"]["n_labelled"] == 9 and found["n_readings"] == 2
    assert found["statistics"]["stack_used"] > 0, "what only a device counts"
