"""--run leaves all of a run in a folder: what was asked, of what, and what came of it."""

from __future__ import annotations

import hashlib
import json
import resource
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import environment, ok, refused, shown

from edge_dassdp import qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness import read_snapshot
from edge_dassdp.runs.folder import Folder, results_of, samples_of


def record(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "run.toml").read_text("utf-8"))


def test_a_run_says_what_it_was(work: Path) -> None:
    ok("learn", "model.q.npz", "-d", "data.npz", "--shift-seed", "7", "--run", "runs/one", cwd=work)
    folder = work / "runs" / "one"
    found, results = record(folder), json.loads((folder / "results.json").read_text())
    assert found["command"] == ["learn", "model.q.npz", "-d", "data.npz", "--shift-seed", "7",
                                "--run", "runs/one"]
    assert (folder / found["directory"]).resolve() == work.resolve()
    assert found["exit"] == 0 and found["seeds"] == {"shift_seed": 7}
    assert found["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {one["option"]: one["sha256"] for one in found["inputs"]} == {
        name: hashlib.sha256((work / file).read_bytes()).hexdigest()
        for name, file in (("model", "model.q.npz"), ("--data", "data.npz"))}
    assert results["schema"] == "edge_dassdp/learn/1" and results["ok"] is True
    hits = [line["class_idx"] == line["label"] for line in samples_of(folder)]
    assert sum(hits) / len(hits) == pytest.approx(results["data"]["accuracy"])
    network = qir.load(folder / "model.q.npz")
    assert set(read_snapshot(network, folder / "learned.npz")) == {p.name for p in network.plastic}


def test_the_results_are_those_of_json(work: Path, tmp_path: Path) -> None:
    words = ("run", work / "model.q.npz", "--data", work / "data.npz", "--json")
    told = ok(*words).splitlines()
    assert ok(*words, "--run", tmp_path / "r").splitlines() == told
    assert results_of(tmp_path / "r") == json.loads(told[-1])
    assert len(samples_of(tmp_path / "r")) == len(told) - 1


def test_the_link_is_written_down(arm_toolchain: None, qemu: None, work: Path,
                                  tmp_path: Path) -> None:
    ok("verify", work / "model.q.npz", "--random", "3", "-t", "qemu:microbit", "-t", "emulator",
       "--run", tmp_path / "r")
    log = (tmp_path / "r" / "link-microbit.log").read_text().splitlines()
    assert log and all(json.loads(line) for line in log)


def test_a_refusal_is_a_result(work: Path, tmp_path: Path) -> None:
    refused("E105", "learn", work / "frozen.q.npz", "--data", work / "data.npz", "--run", tmp_path)
    assert results_of(tmp_path)["diagnostics"][0]["code"] == "E105"
    assert record(tmp_path)["exit"] == results_of(tmp_path)["exit"] == 2


def test_ctrl_c_leaves_what_was_done(work: Path, tmp_path: Path) -> None:
    big = tmp_path / "many.npz"
    samples = np.load(work / "data.npz")
    np.savez(big, x=np.tile(samples["x"], (100, 1)), y=np.tile(samples["y"], 100))
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_dassdp", "learn", str(work / "model.q.npz"), "--data",
         str(big), "--run", str(folder), "--json"], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL, env=environment({}))
    while not (folder / "samples.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    results = results_of(folder)
    assert json.loads(told.splitlines()[-1]) == results
    assert results["exit"] == record(folder)["exit"] == 130
    n = results["data"]["n_learned"]
    assert 0 < n < 6000 and len(samples_of(folder)) == n
    assert read_snapshot(qir.load(folder / "model.q.npz"), folder / "learned.npz")


def test_a_folder_keeps_to_one_verb_and_takes_no_other(work: Path, tmp_path: Path) -> None:
    model, data = work / "model.q.npz", work / "data.npz"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "results.json").write_text("{}")
    assert "no run's" in refused("E105", "inspect", model, "--run", tmp_path / "mine")
    assert (tmp_path / "mine" / "results.json").read_text() == "{}"
    ok("learn", model, "--data", data, "--limit", "5", "--run", tmp_path / "r")
    assert "holds a run of learn" in refused("E105", "inspect", model, "--run", tmp_path / "r")
    assert len(samples_of(tmp_path / "r")) == 5
    ok("learn", model, "--data", data, "--limit", "3", "--run", tmp_path / "r")
    assert len(samples_of(tmp_path / "r")) == 3, "that of before is gone"
    text = refused("E105", "learn", model, "--data", data, "--restore",
                   tmp_path / "r" / "learned.npz", "--run", tmp_path / "r")
    assert "would be removed" in text and (tmp_path / "r" / "learned.npz").exists()


def test_a_key_is_not_told_of(work: Path, tmp_path: Path) -> None:
    ok("key", tmp_path / "k")
    shown("build", work / "model.q.npz", "--board", "none", "--lock", tmp_path / "k", "--run",
          tmp_path / "r")
    found = {one["option"]: one["sha256"] for one in record(tmp_path / "r")["inputs"]}
    assert found["--lock"] == "" and found["model"]


def test_names_that_are_no_text_can_be_written_down(tmp_path: Path) -> None:
    from edge_dassdp.runs.record import Record

    folder = Folder(tmp_path, "x", Record("x", ("a\udcff\x7f\"\\\n", "\U0001F600")))
    with folder.begun():
        folder.finish({})
    assert Record.read(tmp_path).words == ("a�\x7f\"\\\n", "\U0001F600")


@pytest.mark.parametrize(("text", "words"), [
    ("format = 1", "is of format"), ("[", "is a text file, expected the record"),
    ("", "is an empty file"),
    ('format = "edge_dassdp/run/1"', "no record of a run")])
def test_another_record_is_refused(tmp_path: Path, text: str, words: str) -> None:
    from edge_dassdp.runs.record import Record

    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(EdgeError) as problem:
        Record.read(tmp_path)
    assert problem.value.code == "E103" and words in str(problem.value)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_folder_that_takes_no_results_is_told(work: Path, tmp_path: Path, as_json: bool) -> None:
    """Files may have no more bytes than run.toml has."""
    done = subprocess.run(
        [sys.executable, "-m", "edge_dassdp", "inspect", str(work / "model.npz"), "--run",
         str(tmp_path / "r"), *["--json"] * as_json], text=True, capture_output=True, check=False,
        env=environment({}),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "error[E103]" in done.stderr and "results.json cannot be written" in done.stderr
    if as_json:
        envelope, = map(json.loads, done.stdout.splitlines())
        assert envelope["exit"] == 2 and not envelope["ok"]
        assert envelope["diagnostics"][-1]["code"] == "E103"
    assert not (tmp_path / "r" / "results.json").exists()


def test_what_is_no_number_is_null_in_every_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "r", "learn")
    with folder.begun():
        folder.line({"sample": 0, "values": [float("nan"), 1.5]})
        folder.finish({"data": {"spread": float("inf"), "by": (1, float("-inf"))}})

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    for name in ("results.json", "samples.jsonl"):
        json.loads((tmp_path / "r" / name).read_text(), parse_constant=refuse)
    assert results_of(tmp_path / "r")["data"] == {"spread": None, "by": [1, None]}
    assert samples_of(tmp_path / "r") == [{"sample": 0, "values": [None, 1.5]}]
