"""Samples in every kind of file go wherever --data and --test do, and say what was made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, refused, shown

import edge_dassdp as ed
from edge_dassdp.data.datasets import save_dataset

NAMES = np.array(["ant", "bee", "cat", "dog"])


@pytest.fixture(scope="module")
def files(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data and test of the folder `work` in each kind of file."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("data", "test"):
        x, y = (np.load(work / f"{name}.npz")[k] for k in "xy")
        np.savetxt(folder / f"{name}.csv", np.column_stack([x, y]), delimiter=",", fmt="%.9g")
        rows = [",".join([*map(repr, row.tolist()), NAMES[k]]) for row, k in zip(x, y, strict=True)]
        (folder / f"{name}-names.csv").write_text("\n".join(rows))
        np.save(folder / f"{name}_x.npy", x)
        np.save(folder / f"{name}_y.npy", y)
        np.save(folder / f"{name}.npy", np.column_stack([x, y]))
    return folder


@pytest.mark.parametrize("suffix", [".csv", "-names.csv", "_x.npy", ".npy"])
def test_every_verb_reads_it(work: Path, files: Path, tmp_path: Path, suffix: str) -> None:
    """To the same integers and classes as the arrays."""
    model, data, test = work / "model.q.npz", files / f"data{suffix}", files / f"test{suffix}"
    guess = "is taken for the class" if suffix in (".csv", ".npy") else ""
    for verb in (("run", model), ("learn", model, "--test", test),
                 ("verify", model, "--target", "emulator", "--learn")):
        plain = [work / "test.npz" if part == test else part for part in verb]
        found = answer(*verb, "--data", data, warns=guess)["data"]
        wanted = answer(*plain, "--data", work / "data.npz")["data"]
        assert found.pop("classes", []) == (list(NAMES) if "names" in suffix else [])
        wanted.pop("classes", None)
        assert found == wanted
    command = ("quantize", work / "model.npz", "--no-compare-bits")
    for path, name in ((data, "a"), (work / "data.npz", "b")):
        ok(*command, "--data", path, "-o", tmp_path / f"{name}.q.npz")
    one, other = (ed.load_model(tmp_path / f"{name}.q.npz") for name in "ab")
    assert one.classes == (tuple(NAMES) if "names" in suffix else ())
    assert replace(one, class_names=None).sha256 == other.sha256


def test_numbers_of_names_are_told(work: Path, files: Path, tmp_path: Path) -> None:
    told = "classes: 0 ant, 1 bee, 2 cat, 3 dog"
    data = ("--data", files / "data-names.csv")
    assert told in ok("run", work / "model.q.npz", *data)
    assert told in ok("learn", work / "model.q.npz", *data)
    assert told in ok("quantize", work / "model.npz", *data, "-o", tmp_path / "q.npz",
                      "--no-compare-bits")


def test_names_that_could_be_other_numbers_are_refused(work: Path, files: Path,
                                                       tmp_path: Path) -> None:
    text = (files / "test-names.csv").read_text()
    rows = [line for line in text.splitlines() if "cat" not in line]
    (tmp_path / "few.csv").write_text("\n".join(rows))
    told = refused("E104", "run", work / "model.q.npz", "--data", tmp_path / "few.csv")
    assert "names 3 classes, the network has 4" in told
    (tmp_path / "other.csv").write_text(text.replace("cat", "eel"))
    told = refused("E104", "learn", work / "model.q.npz", "--data", files / "data-names.csv",
                   "--test", tmp_path / "other.csv")
    assert "two files name other classes" in told and "eel" in told
    told = refused("E104", "tune", work / "model.npz", "--data", files / "data-names.csv",
                   "--validation", tmp_path / "other.csv", cwd=tmp_path)
    assert "two files name other classes" in told


def test_classes_from_one_on_are_told(work: Path, tmp_path: Path) -> None:
    x, y = (np.load(work / "data.npz")[k] for k in "xy")
    np.savez(tmp_path / "d.npz", x=x, y=y + 1)
    assert "give y - 1" in refused("E104", "run", work / "model.q.npz", "--data",
                                   tmp_path / "d.npz")


def test_what_was_learned_is_not_judged_in_another_kind_of_file(work: Path, files: Path) -> None:
    named = files.with_name("again-names.csv")
    named.write_bytes((files / "data-names.csv").read_bytes())
    for data, test in ((work / "data.npz", files / "data.csv"), (named, files / "data-names.csv"),
                       (work / "data.npz", files / "data_x.npy")):
        assert "--test FILE" in refused("E105", "learn", work / "model.q.npz", "--data", data,
                                        "--test", test)


@pytest.fixture
def scaled(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    raw, labels = rng.integers(0, 8, (30, 12)).astype(np.uint8), np.arange(30) % 4
    parts = dict(zip(("train", "stream", "test"), np.split(np.arange(30), 3), strict=True))
    save_dataset(tmp_path / "scaled.npz", "toy", raw, labels, parts)
    return tmp_path / "scaled.npz"


def test_every_verb_says_that_a_file_scales(work: Path, scaled: Path) -> None:
    for verb in (("run",), ("learn",), ("verify", "--target", "emulator")):
        command = (verb[0], work / "model.q.npz", *verb[1:], "--data", scaled)
        assert "x = (raw - " in ok(*command), verb
        assert answer(*command)["data"]["scaling"].startswith("x = (raw - "), verb


def test_samples_to_judge_on_are_scaled_alike(work: Path, scaled: Path) -> None:
    done = shown("learn", work / "model.q.npz", "--data", work / "data.npz", "--test", scaled)
    assert done.returncode == 0
    assert "warning: two files are scaled otherwise: as they stand; x = (raw - " in done.stderr
    assert "otherwise" not in shown("learn", work / "model.q.npz", "--data", scaled, "--test",
                                    scaled).stderr


def test_python_says_that_a_file_scales(scaled: Path, work: Path) -> None:
    with pytest.warns(UserWarning, match=r"x = \(raw - "):
        assert len(ed.samples(scaled, "test")) == 10
    assert len(ed.samples(work / "data.npz")) == 60


@pytest.mark.parametrize("verb", ["quantize", "tune", "run", "learn"])
def test_another_number_of_columns_tells_the_file_and_the_class(work: Path, tmp_path: Path,
                                                                verb: str) -> None:
    given = np.load(work / "data.npz")
    path, (x, y) = tmp_path / "wide.csv", (given["x"], given["y"])
    for head, told in (("y,label", "column 'label' is taken for the class, and column 'y' for a "
                        "value: leave one of them out"),
                       ("id,label", "column 'label' is taken for the class")):
        columns = ",".join([*(f"f{k}" for k in range(12)), head])
        np.savetxt(path, np.column_stack([x, y, y]), "%g", ",", header=columns, comments="")
        model = work / ("model.npz" if verb in ("quantize", "tune") else "model.q.npz")
        said = refused("E104", verb, model, "--data", path,
                       *(("-o", tmp_path / "out") if verb in ("quantize", "tune") else ()))
        assert f"{path}: samples have shape (60, 13), expected (n, 12)" in said
        assert f"cause: {told}\n" in said and "help:" in said
