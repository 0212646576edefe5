"""rerun says whether the bits are the same; diff in what two runs differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.commands import answer, ok, refused

from edge_dassdp.runs.compare import flat


@pytest.fixture
def here(work: Path, tmp_path: Path) -> Path:
    """A folder of one's own, with a quantized network and a run of learning."""
    for name in ("model.npz", "data.npz"):
        shutil.copy(work / name, tmp_path / name)
    ok("quantize", "model.npz", "-o", "m.q.npz", "--data", "data.npz", "--run", "runs/q",
       cwd=tmp_path)
    ok("learn", "m.q.npz", "--data", "data.npz", "--run", "runs/l", cwd=tmp_path)
    return tmp_path


def test_the_same_bits_again(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = (here / "m.q.npz").read_bytes()
    for run in ("q", "l"):
        found = answer("rerun", here / "runs" / run)["data"]
        assert found["is_same"] and not found["differences"]
        assert "results.json" in found["compared"] and "model.q.npz" in found["compared"]
    assert "--output" in answer("rerun", here / "runs" / "q")["data"]["compared"]
    assert (here / "m.q.npz").read_bytes() == model, "nothing of the user's is written"
    moved = tmp_path_factory.mktemp("elsewhere") / "all"
    shutil.copytree(here, moved)
    assert "the same bits again" in ok("rerun", moved / "runs" / "l")


def test_a_run_folder_that_is_moved_alone_knows_where_it_was_called(
        here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    moved = tmp_path_factory.mktemp("kept") / "of-monday"
    shutil.move(here / "runs" / "l", moved)
    assert "the same bits again" in ok("rerun", moved)


@pytest.mark.parametrize(("file", "old", "new"), [
    ("results.json", '"accuracy": 0', '"accuracy": 1'),
    ("samples.jsonl", '"skipped": false', '"skipped": true')])
def test_another_bit_is_told(here: Path, file: str, old: str, new: str) -> None:
    path = here / "runs" / "l" / file
    path.write_text(path.read_text().replace(old, new, 1))
    text = refused("E410", "rerun", here / "runs" / "l")
    assert ("data.accuracy" if file == "results.json" else file) in text
    assert "versions are the same" in text


def test_what_cannot_be_repeated(here: Path) -> None:
    run = here / "runs" / "l"
    data = (here / "data.npz").read_bytes()
    (here / "data.npz").write_bytes(data + b" ")
    assert "data.npz is another one" in refused("E105", "rerun", run)
    (here / "data.npz").unlink()
    assert "data.npz does not exist" in refused("E103", "rerun", run)
    (here / "data.npz").write_bytes(data)
    record = (run / "run.toml").read_text()
    for old, new, words in (("exit = 0\n", "", "did not end by itself"),
                            ("exit = 0", "exit = 130", "did not end by itself"),
                            ('"m.q.npz",\n', '"m.q.npz", "-t", "serial:/dev/x",\n', "of a board")):
        (run / "run.toml").write_text(record.replace(old, new, 1))
        assert words in refused("E105", "rerun", run)
    assert "no run folder" in refused("E103", "rerun", here)


def test_two_runs_beside_each_other(here: Path) -> None:
    ok("learn", "m.q.npz", "--data", "data.npz", "--limit", "30", "--run", "runs/s", cwd=here)
    found = answer("diff", here / "runs" / "l", here / "runs" / "s")["data"]
    by_name = {n["where"]: (n["kind"], n["first"], n["second"]) for n in found["numbers"]}
    accuracy = [json.loads((here / "runs" / r / "results.json").read_text())["data"]["accuracy"]
                for r in "ls"]
    assert by_name["accuracy"] == ("accuracy", *accuracy)
    assert by_name["n_samples"] == ("counts", 60, 30)
    assert not any("digest" in name for name in by_name)
    assert sum(w["n_differ"] for w in found["weights"]) > 0
    assert answer("diff", here / "runs" / "l", here / "runs" / "l")["data"]["is_same"]
    assert "no number differs" in ok("diff", here / "runs" / "l", here / "runs" / "l")
    assert "two runs of one verb" in refused("E105", "diff", here / "runs" / "l",
                                             here / "runs" / "q")


def test_two_builds_beside_each_other(arm_toolchain: None, here: Path) -> None:
    ok("quantize", "model.npz", "-o", "f.q.npz", "--data", "data.npz", "--frozen", cwd=here)
    for name in ("m", "f"):
        ok("build", f"{name}.q.npz", "--board", "microbit", "--run", f"runs/{name}", cwd=here)
    found = answer("diff", here / "runs" / "m", here / "runs" / "f")["data"]["numbers"]
    kinds = {n["where"]: n for n in found}
    assert kinds["linked.flash_bytes"]["kind"] == "flash"
    assert kinds["linked.flash_bytes"]["second"] < kinds["linked.flash_bytes"]["first"]
    assert any(n["where"].startswith("linked.by_symbol.") and n["kind"] == "RAM" for n in found)


def test_leaves_have_places() -> None:
    assert dict(flat({"a": {"b": [1, {"c": 2}]}, "d": None})) == {
        "a.b[0]": 1, "a.b[1].c": 2, "d": None}
