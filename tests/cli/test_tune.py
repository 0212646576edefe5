"""tune: constants chosen on training or validation samples, in a file that quantize reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import ok, refused, shown

import edge_dassdp as ed
from edge_dassdp.twin.model import FloatModel

FEW = ("--trials", "3", "--shifts", "1", "--rule", "fc3=delta")


def told(*arguments: str | Path) -> dict[str, Any]:
    """The data of a verb that may warn."""
    done = shown(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])["data"]
    return found


@pytest.fixture
def split(work: Path, tmp_path: Path) -> Path:
    """Train 60, test the 60 of test.npz, as one file."""
    return _split(work, tmp_path / "split.npz")


def _split(work: Path, path: Path, **rows: Any) -> Path:
    one, other = (np.load(work / f"{name}.npz") for name in ("data", "test"))
    np.savez(path, x=np.concatenate([one["x"], other["x"]]), y=np.tile(one["y"], 2),
             train=np.arange(60), **({"test": np.arange(60, 120)} | rows))
    return path


def tuned(work: Path, folder: Path, *options: str | Path) -> dict[str, Any]:
    return told("tune", work / "model.npz", "-o", folder / "c.toml", *FEW, *options)


def test_what_is_written_is_what_quantize_takes(work: Path, tmp_path: Path) -> None:
    found = tuned(work, tmp_path, "--data", work / "data.npz")
    learning = ed.Learning.load(tmp_path / "c.toml")
    assert found["learning"] == (tmp_path / "c.toml").read_text()
    assert len(found["trials"]) == 3
    chosen = found["trials"][found["chosen"]]
    assert chosen["score"] == max(t["score"] for t in found["trials"] if t["score"])
    ok("quantize", work / "model.npz", "-o", tmp_path / "q.npz", "--data", work / "data.npz",
       "--rules", tmp_path / "c.toml", "--no-compare-bits")
    data = np.load(work / "data.npz")
    assert ed.load_model(tmp_path / "q.npz").sha256 == ed.quantize(
        ed.load(work / "model.npz"), learning, x=data["x"], y=data["y"]).sha256


def test_as_many_are_stored_as_quantize_would_store(work: Path, tmp_path: Path) -> None:
    """Trials hold some of the training samples out; what is written does not."""
    data = ("--data", work / "data.npz")
    whole = told("quantize", work / "model.npz", "-o", tmp_path / "q.npz", *data,
                 "--no-compare-bits")["learning"]["replay"]
    found = told("tune", work / "model.npz", "-o", tmp_path / "c.toml", *data, "--trials", "1",
                 "--shifts", "1")
    replay = ed.Learning.load(tmp_path / "c.toml").replay
    assert replay is not None and whole["flash"] == replay.flash == 60
    assert any("28 of 60 training samples are held out" in t for t in found["told"])
    for board in ("stm32f405", "microbit"):
        command = ("--replay", "auto", "--rule", "fc3=delta", "--board", board)
        whole = told("quantize", work / "model.npz", "-o", tmp_path / "q.npz", *data,
                     "--no-compare-bits", *command)["learning"]["replay"]
        told("tune", work / "model.npz", "-o", tmp_path / "c.toml", *data, "--trials", "1",
             "--shifts", "1", *command)
        replay = ed.Learning.load(tmp_path / "c.toml").replay
        assert replay is not None and whole["flash"] == replay.flash, board
    done = shown("tune", work / "model.npz", "-o", tmp_path / "d.toml", *data, "--trials", "1",
                 "--rule", "fc3=delta", "--replay", "61,1")
    assert done.returncode == 2 and "error[E105]: replay of 61 samples from flash" in done.stderr


def test_a_row_names_all_that_is_not_the_default(work: Path, tmp_path: Path) -> None:
    """Of the row that is chosen the file is written: the two tell the same."""
    command = ("tune", work / "model.npz", "-o", tmp_path / "c.toml", "--data", work / "data.npz",
               "--trials", "14", "--shifts", "1")
    found = told(*command)
    first, *others = found["trials"]
    assert first["title"] == "as it begins" and all(t["title"] for t in others)
    assert len({t["title"] for t in found["trials"]}) == len(found["trials"])
    start, title = told("tune", *command[1:-4], "--trials", "1"), others[-1]["title"]
    changed = set(found["learning"].splitlines()[3:]) ^ set(start["learning"].splitlines()[3:])
    chosen = found["trials"][found["chosen"]]["title"]
    assert bool(changed) is (chosen != "as it begins")
    text = ok(*command)
    assert "row 1, the default of quantize: learns: fc2 by ErrorTouch, fc3 by ReadoutDelta" in text
    assert "changed from row 1" in text and title.partition(";")[0][:20] in text
    assert "row 1, as given: learns: fc3 by" in ok(*command[:-4], *FEW)


def test_it_says_what_it_tried_and_on_what(work: Path, tmp_path: Path) -> None:
    text = ok("tune", work / "model.npz", "--data", work / "data.npz", *FEW, cwd=tmp_path)
    assert "no validation samples: 28 of 60 training samples are held out" in text
    assert "a worn sensor" in text and "as it begins" in text and "frozen" in text
    assert "next: edge-dassdp quantize" in text and "--rules model.toml" in text
    assert ed.Learning.load(tmp_path / "model.toml").rules
    again = ok("tune", work / "model.npz", "--data", work / "data.npz", *FEW, cwd=tmp_path)
    assert again == text, "the same every time, and its own file is replaced"


def test_the_test_split_is_never_read(work: Path, split: Path, tmp_path: Path) -> None:
    """Other rows of test and stream: the same trials."""
    found = tuned(work, tmp_path, "--data", split)
    other = dict(np.load(split))
    other["x"][60:] += 3
    np.savez(tmp_path / "other.npz", **other, stream=np.arange(60, 60))
    assert tuned(work, tmp_path, "--data", tmp_path / "other.npz")["trials"] == found["trials"]


def test_validation_samples_are_taken_where_they_are(work: Path, tmp_path: Path) -> None:
    alone = tuned(work, tmp_path, "--data", work / "data.npz", "--validation", work / "test.npz")
    assert alone["n_stream"] + alone["n_judged"] == 60
    assert any("validation samples to learn from, the first half" in t for t in alone["told"])
    assert any("as they stand" in t for t in alone["told"]) and alone["n_shifts"] == 1
    for rows in ({"validation": np.arange(60, 120)}, {"stream": np.arange(60, 120)}):
        whole = {"test": np.zeros(0, int)} | rows
        path = _split(work, tmp_path / "v.npz", **whole)
        assert tuned(work, tmp_path, "--data", work / "data.npz", "--validation",
                     path)["trials"] == alone["trials"]
    path = _split(work, tmp_path / "one.npz", test=np.zeros(0, int),
                  validation=np.arange(60, 120))
    assert tuned(work, tmp_path, "--data", path, "--shift", "none")["trials"] == alone["trials"]
    assert "a worn sensor" in tuned(work, tmp_path, "--data", path)["told"][1]


def test_hardly_any_shift_is_told(work: Path, tmp_path: Path) -> None:
    """Of samples that the network knows."""
    network = ed.load(work / "model.npz")
    for seed, name in enumerate(("data", "test")):
        x = np.random.default_rng(seed).normal(0, 1.2, (400, 12)).astype(np.float32)
        np.savez(tmp_path / f"{name}.npz", x=x, y=FloatModel(network).run(x).classes)
    done = shown("tune", work / "model.npz", "-o", tmp_path / "c.toml", *FEW, "--data",
                 tmp_path / "data.npz", "--validation", tmp_path / "test.npz")
    assert done.returncode == 0 and "hardly any shift" in done.stderr
    assert "float network itself" not in done.stderr


def test_training_samples_among_those_to_validate_are_counted(work: Path, tmp_path: Path) -> None:
    one, other = (dict(np.load(work / f"{name}.npz")) for name in ("data", "test"))
    np.savez(tmp_path / "mixed.npz", x=np.concatenate([one["x"][:7], other["x"]]),
             y=np.concatenate([one["y"][:7], other["y"]]))
    done = shown("tune", work / "model.npz", "-o", tmp_path / "c.toml", *FEW, "--data",
                 work / "data.npz", "--validation", tmp_path / "mixed.npz")
    assert "warning: 7 of 67 validation samples were trained on" in done.stderr


def _refused(work: Path, folder: Path, *options: str | Path, code: str = "E105") -> str:
    given = () if "--data" in options else ("--data", work / "data.npz")
    text = refused(code, "tune", work / "model.npz", "-o", folder / "never.toml", *given, *options)
    assert not (folder / "never.toml").exists()
    return text


def test_validation_that_is_none_is_refused(work: Path, split: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.npz").write_bytes((work / "data.npz").read_bytes())
    assert "are those that were trained on" in _refused(work, tmp_path, "--validation",
                                                        work / "data.npz")
    assert "is one that was trained on" in _refused(work, tmp_path, "--validation",
                                                    tmp_path / "copy.npz")
    text = _refused(work, tmp_path, "--validation", split)
    assert "neither split 'validation' nor 'stream'" in text and "test" in text
    assert "nothing to adapt to" in _refused(work, tmp_path, "--shift", "none")
    assert "choose worn or none" in _refused(work, tmp_path, "--shift", "some")


def test_one_class_is_refused(work: Path, tmp_path: Path) -> None:
    for name in ("data", "test"):
        given = np.load(work / f"{name}.npz")
        np.savez(tmp_path / f"{name}.npz", x=given["x"], y=0 * given["y"] + 2)
    assert "all training samples are of class 2" in _refused(work, tmp_path, "--data",
                                                             tmp_path / "data.npz")
    assert "all validation samples are of class 2" in _refused(
        work, tmp_path, "--validation", tmp_path / "test.npz")


def test_samples_that_are_none_are_refused(work: Path, tmp_path: Path) -> None:
    given = np.load(work / "data.npz")
    x = given["x"].copy()
    x[3, 2] = np.nan
    np.savez(tmp_path / "nan.npz", x=x, y=given["y"])
    assert "x[3, 2] is NaN" in _refused(work, tmp_path, "--data", tmp_path / "nan.npz",
                                        code="E104")
    np.savez(tmp_path / "wide.npz", x=np.ones((40, 5)), y=np.arange(40) % 4)
    assert "(n, 12)" in _refused(work, tmp_path, "--data", tmp_path / "wide.npz", code="E104")
    np.savez(tmp_path / "nine.npz", x=given["x"], y=given["y"] + 5)
    assert "classes 0 to 3" in _refused(work, tmp_path, "--data", tmp_path / "nine.npz",
                                        code="E104")


def test_nothing_to_tune_is_refused(work: Path, tmp_path: Path) -> None:
    assert "nothing to tune" in _refused(work, tmp_path, "--frozen")
    assert "give it to quantize" in _refused(work, tmp_path, "--plastic-biases")


def test_only_constants_are_replaced_without_a_name(work: Path, tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text("mine = 1\n")
    command = ("tune", work / "model.npz", "--data", work / "data.npz", *FEW)
    assert "holds something else" in refused("E105", *command, cwd=tmp_path)
    assert (tmp_path / "model.toml").read_text() == "mine = 1\n"
    ed.Learning({"fc3": ed.ReadoutDelta()}).save(tmp_path / "model.toml")
    before = (tmp_path / "model.toml").read_bytes()
    assert "would be overwritten" in refused(
        "E105", *command[:-2], "--rules", tmp_path / "model.toml", cwd=tmp_path)
    assert (tmp_path / "model.toml").read_bytes() == before


def test_a_board_bounds_what_is_tried(work: Path, tmp_path: Path) -> None:
    found = tuned(work, tmp_path, "--data", work / "data.npz", "--board", "microbit", "--replay",
                  "9,200")
    assert "RAM overflows" in found["trials"][0]["refused"]
    assert found["chosen"] > 0
    replay = ed.Learning.load(tmp_path / "c.toml").replay
    assert replay is None or replay.ring_per_class < 200
