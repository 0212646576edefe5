"""Disks that are full or cannot be written: told before the stream, and what is learned by then is
not lost."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.boards import on, plugged
from support.commands import ROOT, ok, refused, run, shown

from edge_dassdp import qir
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.harness.snapshot import read_snapshot
from edge_dassdp.plan import Plan
from edge_dassdp.targets.loopback import LoopbackStream


def teaching(work: Path, snapshot: str | Path, *more: str) -> tuple[str | Path, ...]:
    return ("learn", work / "model.q.npz", "--data", work / "data.npz", "--target", "reference",
            "--snapshot", snapshot, *more)


def learned(path: str | Path) -> bytes:
    return Path(path).read_bytes()


def small(*words: str | Path, n_bytes: int) -> subprocess.CompletedProcess[str]:
    """A command whose files may have no more bytes."""
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    return subprocess.run([sys.executable, "-m", "edge_dassdp", *map(str, words)], text=True,
                          capture_output=True, preexec_fn=limit, cwd=ROOT, check=False)


@pytest.mark.parametrize("verb", ["run", "learn"])
@pytest.mark.parametrize("n_bytes", [0, 300])
def test_a_disk_without_room_is_told_before_anything_is_learned(
        work: Path, tmp_path: Path, verb: str, n_bytes: int) -> None:
    done = small(verb, *teaching(work, tmp_path / "s.npz", "--json")[1:], n_bytes=n_bytes)
    envelope, = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 2 and envelope["diagnostics"][0]["code"] == "E103"
    assert f"{tmp_path / 's.npz'} cannot be written" in done.stderr
    assert "has room for" in done.stderr and not list(tmp_path.iterdir())


def test_room_is_taken_for_whatever_is_learned(work: Path, tmp_path: Path) -> None:
    """The least that lets the stream begin is enough for its end."""
    snapshot = tmp_path / "s.npz"
    assert shown(*teaching(work, snapshot)).returncode == 0
    size = snapshot.stat().st_size
    assert small(*teaching(work, tmp_path / "t.npz"), n_bytes=size - 1).returncode == 2
    told = small(*teaching(work, tmp_path / "t.npz"), n_bytes=0).stderr
    needed = int(told.partition("has room for ")[2].partition(" bytes")[0].replace(",", ""))
    assert needed == size
    assert small(*teaching(work, tmp_path / "t.npz"), n_bytes=needed).returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.npz", "t.npz"]


@pytest.mark.parametrize("verb", ["run", "learn"])
def test_what_cannot_be_written_in_the_end_lies_elsewhere(
        work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """A full device shows it to nobody before; all that was found is told even so."""
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    words = teaching(work, "/dev/full", "--json")
    done = run(verb, *words[1:])
    last = json.loads(done.stdout.splitlines()[-1])
    [kept] = (tmp_path / "state" / "snapshots").iterdir()
    assert done.returncode == last["exit"] == 2 and last["diagnostics"][0]["code"] == "E103"
    assert last["data"]["snapshot"] == str(kept) and "accuracy" in last["data"]
    assert f"/dev/full cannot be written: what was learned is in {kept}" in done.stderr
    assert shown(verb, *teaching(work, tmp_path / "s.npz")[1:]).returncode == 0
    assert learned(kept) == learned(tmp_path / "s.npz")


def test_a_folder_that_goes_during_the_stream_is_such_a_place(
        work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DASSDP_STATE", "/dev/null/nowhere")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "stick").mkdir()
    data = np.load(work / "data.npz")
    np.savez(tmp_path / "long.npz", x=np.tile(data["x"], (3, 1)), y=np.tile(data["y"], 3))
    words = teaching(work, tmp_path / "stick" / "s.npz", "--json")
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_dassdp", *map(str, words[:3]), str(tmp_path / "long.npz"),
         *map(str, words[4:])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert "class_idx" in process.stdout.readline()
    shutil.rmtree(tmp_path / "stick")
    out, err = process.communicate(timeout=120)
    [kept] = tmp_path.glob("s-*.npz")
    assert process.returncode == 2 and json.loads(out.splitlines()[-1])["data"]["snapshot"] == \
        str(kept)
    assert str(kept) in err and read_snapshot(qir.load(work / "model.q.npz"), kept)


@pytest.mark.parametrize("state", ["/dev/null/nowhere", "/proc/nowhere"])
def test_where_no_place_takes_it_the_first_one_is_named(
        work: Path, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    monkeypatch.setenv("EDGE_DASSDP_STATE", state)
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    done = shown(*teaching(work, "/dev/full"))
    assert done.returncode == 2 and "/dev/full cannot be written" in done.stderr
    assert f"EDGE_DASSDP_STATE is {state}" in done.stderr
    assert "samples were learned" in done.stderr


def test_a_snapshot_of_what_learns_nothing_is_written_too(work: Path, tmp_path: Path) -> None:
    assert shown("run", work / "frozen.q.npz", "--data", work / "test.npz", "--snapshot",
                 tmp_path / "s.npz").returncode == 0
    assert "cannot be written" in refused("E103", *teaching(work, tmp_path / "none" / "s.npz"))


def test_a_log_of_lessons_that_finds_no_room_is_gone_on_with_when_there_is_some(
        work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lesson whose line was cut off is neither lost nor given twice."""
    monkeypatch.setenv("EDGE_DASSDP_STATE", str(tmp_path / "state"))
    model, log = work / "model.q.npz", tmp_path / "l.jsonl"
    with plugged(LoopbackStream(build_emulator(emit(Plan.of(qir.load(model)))))) as board:
        words = (*on(board, work, "learn"), "--lessons", log)
        done = small(*words, n_bytes=1500)
        assert done.returncode == 2 and f"the log of lessons {log} cannot be written" in done.stderr
        assert "the next one perhaps; the same command with --resume goes on there" in done.stderr
        assert log.stat().st_size == 1500
        told = json.loads(ok(*words, "--resume", "--json").splitlines()[-1])["data"]
        assert 0 < told["resumed_at"] < 20 and told["n_samples"] + told["resumed_at"] == 20
        assert "proven: 20 lessons" in ok("prove", model, log, f"serial:{board.port}")
