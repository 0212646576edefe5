"""A stream that is lost says how far it was, and is taken up there: nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import tiny
from support.board import ROOT, Board
from support.commands import ok, refused, run

N_SAMPLES = 400
REPLAY = ("--plastic", "fc3", "--rule", "fc2=touch", "--replay", "8,2", "--guard", "4")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data.npz: a stream; others.npz: another one; model, replay and gated: networks that learn."""
    folder = tmp_path_factory.mktemp("resume")
    tiny.write(folder)
    data = np.load(folder / "data.npz")
    rng = np.random.default_rng(5)
    for name, n in (("stream", N_SAMPLES), ("others", 30)):
        rows = rng.integers(0, len(data["y"]), n)
        noise = rng.normal(0, 0.3, (n, data["x"].shape[1]))
        np.savez(folder / f"{name}.npz", x=(data["x"][rows] + noise).astype(np.float32),
                 y=data["y"][rows])
    for name, options in (("model", ()), ("replay", REPLAY),
                          ("held", (*REPLAY, "--gate", "cusum:4,0.6", "--schedule", "error")),
                          ("gated", ("--rule", "fc2=dassdp:a_plus=0.002,batch=2"))):
        ok("quantize", folder / "model.npz", "-o", folder / f"{name}.q.npz", "--data",
           folder / "data.npz", *options)
    return folder


@pytest.fixture
def board(work: Path, tmp_path: Path) -> Iterator[Board]:
    with Board(work / "model.q.npz", tmp_path) as board:
        yield board


def arguments(work: Path, target: str, *more: str | Path, model: str = "model",
              data: str = "stream") -> tuple[str | Path, ...]:
    return ("learn", work / f"{model}.q.npz", "--data", work / f"{data}.npz", "--target", target,
            *more)


def lines(done: subprocess.CompletedProcess[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What stdout says of single samples, and at the end."""
    *samples, last = map(json.loads, done.stdout.splitlines())
    return samples, last


def what_is_learned(path: Path) -> bytes:
    return path.read_bytes()


def at_once(work: Path, folder: Path, *more: str, model: str = "model") -> bytes:
    """What a stream teaches that nothing interrupts."""
    ok(*arguments(work, "emulator", "--snapshot", folder / "whole.npz", *more, model=model))
    return what_is_learned(folder / "whole.npz")


def started(*words: str | Path, n_lines: int) -> subprocess.Popen[str]:
    """A command that has told of so many samples."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen([sys.executable, "-m", "edge_dassdp", *map(str, words), "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=os.environ | {"PYTHONPATH": path})
    assert process.stdout is not None
    for _ in range(n_lines):
        assert "class_idx" in process.stdout.readline()
    return process


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says from then on; `communicate` would drop what has been read ahead."""
    assert process.stdout is not None and process.stderr is not None
    told = process.stdout.read(), process.stderr.read()
    process.wait(timeout=60)
    return told


@pytest.mark.parametrize("is_answered", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("n_frames", [5, 300])
def test_a_pulled_plug_is_taken_up(work: Path, tmp_path: Path, board: Board, n_frames: int,
                                   is_answered: bool) -> None:
    board.cut(n_frames, is_answered=is_answered)
    lost = run(*arguments(work, board.target, "--json"))
    told, last = lines(lost)
    n = last["data"]["n_learned"]
    assert lost.returncode == last["exit"] == 4 and last["diagnostics"][0]["code"] == "E502"
    assert f"{n} of {N_SAMPLES} samples were learned for certain, the next one perhaps" in \
        lost.stderr and "--resume" in lost.stderr
    assert [t["sample"] for t in told] == list(range(n)) and 0 < n < n_frames
    assert last["data"]["in_doubt"] and last["data"]["n_stream"] == N_SAMPLES
    board.plug()
    snapshot = tmp_path / "after.npz"
    more, last = lines(run(*arguments(work, board.target, "--resume", "--json", "--snapshot",
                                      snapshot)))
    assert last["ok"] and last["data"]["resumed_at"] == n + is_answered
    assert [m["sample"] for m in more] == list(range(n + is_answered, N_SAMPLES))
    assert last["data"]["statistics"]["n_labelled"] == last["data"]["n_learned"] == N_SAMPLES
    assert what_is_learned(snapshot) == at_once(work, tmp_path)


@pytest.mark.parametrize("is_answered", [False, True], ids=["request lost", "answer lost"])
def test_a_log_of_lessons_is_taken_up_with_its_stream(work: Path, tmp_path: Path, board: Board,
                                                      is_answered: bool) -> None:
    """A lesson whose answer was lost is in it; its last line was cut off."""
    log, snapshot = tmp_path / "l.jsonl", tmp_path / "after.state"
    board.cut(40, is_answered=is_answered)
    words = arguments(work, board.target, "--lessons", log)
    assert run(*words).returncode == 4
    whole = log.read_bytes()
    refused("E406", "prove", work / "model.q.npz", log, at_once_in(work, tmp_path))
    board.plug()
    ok(*words, "--resume", "--snapshot", snapshot)
    assert log.read_bytes().startswith(whole)
    assert "proven: " in ok("prove", work / "model.q.npz", log, snapshot)


def at_once_in(work: Path, folder: Path) -> Path:
    at_once(work, folder)
    return folder / "whole.npz"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT],
                         ids=lambda s: s.name)
def test_a_host_that_ends_is_taken_up(work: Path, tmp_path: Path, board: Board,
                                      end: signal.Signals) -> None:
    command = arguments(work, board.target)
    process = started(*command, n_lines=57)
    process.send_signal(end)
    out, err = ended(process)
    if end is not signal.SIGKILL:
        last = json.loads(out.splitlines()[-1])
        n = last["data"]["n_learned"]
        assert process.returncode == last["exit"] == 128 + end
        assert n == 57 + len(out.splitlines()) - 1 and not last["data"]["in_doubt"]
        by = "" if end is signal.SIGINT else f" by {end.name}"
        assert err == (f"interrupted{by}: {n} of {N_SAMPLES} samples were learned; the same "
                       "command with --resume goes on there\n")
    snapshot = tmp_path / "after.npz"
    screen = ok(*command, "--resume", "--snapshot", snapshot)
    assert f"of {N_SAMPLES} samples" in screen and "taken up after" in screen
    assert what_is_learned(snapshot) == at_once(work, tmp_path)


def test_what_was_classified_before_is_told(work: Path, board: Board) -> None:
    board.cut(60, is_answered=True)
    lost = run("run", work / "model.q.npz", "--data", work / "stream.npz", "--target", board.target,
               "--json")
    told, last = lines(lost)
    assert lost.returncode == last["exit"] == 4 and 40 < len(told) < 60
    assert [t["sample"] for t in told] == list(range(len(told)))
    assert f"{len(told)} of {N_SAMPLES} samples were classified" in lost.stderr


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_also_when_the_command_is_ended(work: Path, board: Board, end: signal.Signals) -> None:
    process = started("run", work / "model.q.npz", "--data", work / "stream.npz", "--target",
                      board.target, n_lines=20)
    process.send_signal(end)
    out, err = ended(process)
    *told, last = map(json.loads, out.splitlines())
    assert process.returncode == last["exit"] == 128 + end
    n = last["data"]["n_classified"]
    assert [t["sample"] for t in told] == list(range(20, n)) and n < N_SAMPLES
    assert last["data"]["n_samples"] == N_SAMPLES
    assert f"{n} of {N_SAMPLES} samples were classified" in err


def test_it_can_be_lost_again_and_again(work: Path, tmp_path: Path, board: Board) -> None:
    snapshot, more = tmp_path / "after.npz", ()
    for n_frames in (40, 90, 23, 8):
        board.cut(n_frames, is_answered=n_frames % 2 == 0)
        lost = run(*arguments(work, board.target, *more))
        assert lost.returncode == 4, lost.stderr
        board.plug()
        more = ("--resume",)
    ok(*arguments(work, board.target, "--resume", "--snapshot", snapshot))
    assert what_is_learned(snapshot) == at_once(work, tmp_path)


@pytest.mark.parametrize("n_frames", [250, 3 + N_SAMPLES + 9])
@pytest.mark.parametrize("is_answered", [False, True], ids=["request lost", "answer lost"])
def test_so_is_what_is_learned_again_while_idle(work: Path, tmp_path: Path, n_frames: int,
                                                is_answered: bool) -> None:
    snapshot, order = tmp_path / "after.npz", ("--idle", "100", "--save")
    with Board(work / "replay.q.npz", tmp_path) as board:
        board.cut(n_frames, is_answered=is_answered)
        lost = run(*arguments(work, board.target, *order, model="replay"))
        assert lost.returncode == 4 and "samples were learned" in lost.stderr
        board.plug()
        ok(*arguments(work, board.target, *order, "--resume", "--snapshot", snapshot,
                      model="replay"))
    assert what_is_learned(snapshot) == at_once(work, tmp_path, *order, model="replay")


@pytest.mark.parametrize("n_frames", [5, 300])
def test_so_is_a_stream_that_a_gate_holds_back(work: Path, tmp_path: Path, n_frames: int) -> None:
    """Samples held back count, or the device would seem to have lost them."""
    snapshot, order = tmp_path / "after.npz", ("--idle", "10")
    with Board(work / "held.q.npz", tmp_path) as board:
        board.cut(n_frames, is_answered=True)
        assert run(*arguments(work, board.target, *order, model="held")).returncode == 4
        board.plug()
        done = run(*arguments(work, board.target, *order, "--resume", "--snapshot", snapshot,
                              "--json", model="held"))
    _, last = lines(done)
    found = last["data"]["statistics"]
    assert last["ok"] and found["n_held"] > 3
    assert found["n_held"] + found["n_labelled"] == N_SAMPLES
    assert what_is_learned(snapshot) == at_once(work, tmp_path, *order, model="held")


def test_after_a_warm_up_too_and_not_in_it(work: Path, tmp_path: Path) -> None:
    snapshot, order = tmp_path / "after.npz", ("--warm-up", "60")
    with Board(work / "gated.q.npz", tmp_path) as board:
        command = arguments(work, board.target, *order, model="gated")
        board.cut(40, is_answered=True)
        assert run(*command).returncode == 4
        board.plug()
        told = refused("E505", *command, "--resume")
        assert "before its first sample was learned" in told and "--reset" in told
        board.cut(200, is_answered=True)
        assert run(*command, "--reset").returncode == 4
        board.plug()
        ok(*command, "--reset", "--resume", "--snapshot", snapshot)
    assert what_is_learned(snapshot) == at_once(work, tmp_path, *order, model="gated")


def lost(work: Path, board: Board) -> tuple[str | Path, ...]:
    """A stream that was cut; the command that it was."""
    command = arguments(work, board.target)
    board.cut(100, is_answered=True)
    assert run(*command).returncode == 4
    board.plug()
    return command


def test_a_device_that_restarted_is_not_taken_up(work: Path, tmp_path: Path, board: Board) -> None:
    command = lost(work, board)
    board.reboot()
    told = refused("E505", *command, "--resume")
    assert "not in the state in which this stream left it" in told
    assert "it counts 0 samples learned" in told and "--restore" in told
    assert refused("E505", *command, "--resume") == told, "the first refusal forgot it"
    ok(*command, "--snapshot", tmp_path / "anew.npz")
    assert what_is_learned(tmp_path / "anew.npz") == at_once(work, tmp_path)


def test_nor_one_that_learned_something_else(work: Path, board: Board) -> None:
    command = lost(work, board)
    ok(*arguments(work, board.target, data="others"))
    assert "learned others" in refused("E505", *command, "--resume")


def test_nor_one_that_learned_as_many_others(work: Path, tmp_path: Path, board: Board) -> None:
    command = arguments(work, board.target)
    process = started(*command, n_lines=10)
    process.send_signal(signal.SIGINT)
    out, _ = ended(process)
    n = json.loads(out.splitlines()[-1])["data"]["n_learned"]
    others = np.load(work / "stream.npz")
    np.savez(tmp_path / "o.npz", x=-others["x"], y=others["y"])
    ok("learn", work / "model.q.npz", "--data", tmp_path / "o.npz", "--target", board.target,
       "--reset", "--limit", str(n))
    assert "as many samples, but learned others" in refused("E505", *command, "--resume")


def test_nor_one_that_was_taught_since_its_host_was_killed(work: Path, tmp_path: Path,
                                                           board: Board,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could ask for the digest, and the counts agree."""
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path))
    command = arguments(work, board.target)
    process = started(*command, n_lines=10)
    process.kill()
    process.communicate(timeout=60)
    [kept] = (tmp_path / "streams").glob("*.json")
    n = json.loads(kept.read_text())["n_learned"]
    others = np.load(work / "stream.npz")
    np.savez(tmp_path / "o.npz", x=-others["x"], y=others["y"])
    ok("learn", work / "model.q.npz", "--data", tmp_path / "o.npz", "--target", board.target,
       "--reset", "--limit", str(n))
    assert "another command from here taught it" in refused("E505", *command, "--resume")


def test_nor_another_stream(work: Path, board: Board) -> None:
    lost(work, board)
    for other in (arguments(work, board.target, data="others"),
                  arguments(work, board.target, "--limit", "200"),
                  arguments(work, board.target, "--shift-seed", "1"),
                  arguments(work, "emulator")):
        assert "no stream of these samples" in refused("E105", *other, "--resume")


def test_what_ended_well_is_not_taken_up(work: Path, board: Board) -> None:
    ok(*arguments(work, board.target))
    assert "learned to its end" in refused("E105", *arguments(work, board.target, "--resume"))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
                         ids=lambda s: s.name)
@pytest.mark.parametrize("target", ["emulator", "reference"])
def test_where_a_device_is_no_process_of_its_own_the_snapshot_keeps_it(
        work: Path, tmp_path: Path, target: str, end: signal.Signals) -> None:
    data, snapshot = np.load(work / "stream.npz"), tmp_path / "part.npz"
    n_times = 30 if target == "emulator" else 1
    np.savez(tmp_path / "long.npz", x=np.tile(data["x"], (n_times, 1)),
             y=np.tile(data["y"], n_times))
    command = ("learn", work / "model.q.npz", "--data", tmp_path / "long.npz", "--target", target,
               "--snapshot", snapshot)
    process = started(*command, n_lines=5)
    process.send_signal(end)
    out, err = ended(process)
    n = json.loads(out.splitlines()[-1])["data"]["n_learned"]
    assert process.returncode == 128 + end and 5 <= n < n_times * N_SAMPLES
    by = "" if end is signal.SIGINT else f" by {end.name}"
    assert err.startswith(f"interrupted{by}: {n:,} of {n_times * N_SAMPLES:,} samples were learned")
    assert err.endswith(f"with --restore {snapshot} and --snapshot to another file\n")
    assert "it counts 0 samples" in refused("E505", *command, "--resume")
    rest, whole = tmp_path / "rest.npz", tmp_path / "whole.npz"
    ok(*command[:-1], rest, "--resume", "--restore", snapshot)
    ok(*command[:-1], whole)
    assert what_is_learned(rest) == what_is_learned(whole)


def test_without_a_folder_for_it_the_stream_is_learned_and_that_is_said(
        work: Path, tmp_path: Path, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first sample: who reads it can still end the command."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "file"))
    done = run(*arguments(work, board.target, "--json"))
    told = [d["message"] for d in lines(done)[1]["diagnostics"]]
    assert done.returncode == 0 and any("--resume" in text for text in told)
    process = started(*arguments(work, board.target, "--expect", "any"), n_lines=1)
    assert process.stderr is not None and process.stdout is not None
    for warning in (process.stderr.readline(), process.stderr.readline()):
        assert f"EDGE_DASSDP_STATE is {tmp_path / 'file'}" in warning
    assert len(process.stdout.readlines()) == N_SAMPLES, "both were there after one sample"
    process.communicate()


def test_progress_that_is_damaged_is_not_believed(work: Path, tmp_path: Path,
                                                  board: Board) -> None:
    state = {"EDGE_DASSDP_STATE": str(tmp_path / "state")}
    board.cut(60, is_answered=True)
    assert run(*arguments(work, board.target), **state).returncode == 4
    board.plug()
    file, = (tmp_path / "state" / "streams").iterdir()
    whole = file.read_text()
    for damaged in ("", "[]", whole[:40], whole.replace("n_learned", "n_earned"), "null",
                    whole.replace("progress/1", "progress/9"), whole.replace("true", '"yes"')):
        file.write_text(damaged)
        assert "is damaged" in refused("E103", *arguments(work, board.target, "--resume"), **state)
    file.write_text(whole)
    ok(*arguments(work, board.target, "--resume"), **state)


def test_stored_samples_of_the_reference_are_no_memory_of_a_board(work: Path,
                                                                  tmp_path: Path) -> None:
    """Both were called memory: --snapshot, --reset and --resume met the wrong one."""
    model, data = tmp_path / "q.npz", work / "stream.npz"
    ok("quantize", work / "model.npz", "-o", model, "--replay", "0,2")
    command = ("learn", model, "--data", data, "--target")
    for target in ("reference", "emulator"):
        ok(*command, target, "--reset", "--snapshot", tmp_path / f"{target}.npz")
    assert what_is_learned(tmp_path / "reference.npz") == what_is_learned(
        tmp_path / "emulator.npz")
