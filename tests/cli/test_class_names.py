"""Names of classes are part of a model: whatever file brings names later, they mean its classes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.commands import answer, ok, refused, shown

import edge_dassdp as ed

NAMES = ("walk", "run", "sit", "ride")
"""In the order of the outputs, which is not that of the alphabet."""
RIGHT = 0.75
"""Of samples that a model of other input steps gave their classes."""


def table(path: Path, x: NDArray[np.float32], labels: Sequence[str | int]) -> Path:
    rows = [",".join([*map(repr, row.tolist()), str(label)])
            for row, label in zip(x, labels, strict=True)]
    head = ",".join([*(f"f{k}" for k in range(x.shape[1])), "label"])
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of the class that the network answers, data and test in names and in numbers; and
    models that know names from --classes, from their file, and not at all."""
    folder = tmp_path_factory.mktemp("names")
    plain = ed.open(ed.quantize(ed.load(work / "model.npz")))
    rng = np.random.default_rng(0)
    for name in ("data", "test"):
        x = rng.normal(0, 1.2, (2000, 12)).astype(np.float32)
        found = plain.classify(x)
        kept = rng.permutation(np.concatenate([np.flatnonzero(found == k)[:15] for k in range(4)]))
        x, y = x[kept], found[kept]
        assert len(x) == 60
        table(folder / f"{name}.csv", x, [NAMES[k] for k in y])
        table(folder / f"{name}-numbers.csv", x, y.tolist())
        np.savez(folder / f"{name}.npz", x=x, y=np.array(NAMES)[y])
    quantize = ("quantize", work / "model.npz", "--no-compare-bits")
    ok(*quantize, "--data", folder / "data.csv", "--classes", ",".join(NAMES), "-o",
       folder / "stated.q.npz")
    shown(*quantize, "--data", folder / "data.csv", "-o", folder / "sorted.q.npz")
    ok(*quantize, "-o", folder / "none.q.npz", "--data", folder / "data-numbers.csv")
    return folder


def rows_without(path: Path, name: str, other: Path, *, instead: str = "") -> Path:
    """The same table without the samples of a class, or with them called otherwise."""
    lines = path.read_text().splitlines()
    other.write_text("\n".join(line.replace(f",{name}", f",{instead}") for line in lines
                               if instead or not line.endswith(f",{name}")))
    return other


def test_the_model_keeps_them_and_shows_them(folder: Path, work: Path) -> None:
    told = "classes: 0 walk, 1 run, 2 sit, 3 ride"
    assert ed.load_model(folder / "stated.q.npz").classes == NAMES
    assert told in ok("inspect", folder / "stated.q.npz")
    assert answer("inspect", folder / "stated.q.npz")["data"]["classes"] == list(NAMES)
    for verb in (("run",), ("learn",), ("verify", "--target", "emulator")):
        command = (verb[0], folder / "stated.q.npz", *verb[1:], "--data", folder / "test.csv")
        assert told in ok(*command) and answer(*command)["data"]["classes"] == list(NAMES)
    assert "classes:" not in ok("inspect", folder / "none.q.npz")
    assert answer("inspect", work / "model.npz")["data"]["classes"] == []


@pytest.mark.parametrize("verb", ["run", "learn"])
def test_a_line_of_a_sample_has_its_names(folder: Path, verb: str) -> None:
    text = ok(verb, folder / "stated.q.npz", "--data", folder / "test.csv", "--json")
    for line in map(json.loads, text.splitlines()[:-1]):
        assert NAMES[line["label"]] == line["label_name"]
        assert NAMES[line["class_idx"]] == line["class_name"]
    plain = ok(verb, folder / "none.q.npz", "--data", folder / "test-numbers.csv", "--json")
    assert "_name" not in plain.splitlines()[0]


def test_the_order_of_the_outputs_counts_not_the_alphabet(folder: Path) -> None:
    """All files of names are right, and in Python, too."""
    for file in ("data.csv", "test.csv", "test.npz", "test-numbers.csv"):
        found = answer("run", folder / "stated.q.npz", "--data", folder / file)["data"]
        assert found["accuracy"] > RIGHT, file
    model = ed.load_model(folder / "stated.q.npz")
    for file in ("test.csv", "test.npz", "test-numbers.csv"):
        given = ed.samples(folder / file, classes=model.classes)
        assert given.classes == NAMES and ed.open(model).accuracy(given.x, given.y) > RIGHT


def test_a_file_may_lack_a_class_of_the_model(folder: Path, tmp_path: Path) -> None:
    for name in NAMES:
        few = rows_without(folder / "test.csv", name, tmp_path / f"{name}.csv")
        found = answer("run", folder / "stated.q.npz", "--data", few)["data"]
        assert found["accuracy"] > RIGHT and found["n_samples"] == 45
        assert answer("learn", folder / "stated.q.npz", "--data", folder / "data.csv", "--test",
                      few)["data"]["before"] > RIGHT


@pytest.mark.parametrize("verb", [("run",), ("learn",), ("verify", "--target", "emulator"),
                                  ("measure", "--board", "microbit")])
def test_a_name_that_the_model_does_not_know(folder: Path, tmp_path: Path,
                                             verb: tuple[str, ...]) -> None:
    for instead, help in (("Walk", "did you mean walk?"), ("swim", "as the model does")):
        bad = rows_without(folder / "test.csv", "walk", tmp_path / "bad.csv", instead=instead)
        line = next(n for n, text in enumerate(bad.read_text().splitlines(), 1) if instead in text)
        told = refused("E104", verb[0], folder / "stated.q.npz", *verb[1:], "--data", bad)
        assert f"bad.csv: row {line}, column 'label' holds '{instead}'" in told
        assert help in told and "0 walk, 1 run" in told
    with pytest.raises(ed.EdgeError, match="which is no class of the model"):
        ed.samples(bad, classes=NAMES)


def test_numbers_where_the_model_took_names_from_a_file(folder: Path) -> None:
    told = refused("E104", "run", folder / "sorted.q.npz", "--data", folder / "test-numbers.csv")
    assert "test-numbers.csv has numbers for classes, and the model has names" in told
    assert "0 ride, 1 run, 2 sit, 3 walk" in told and "--classes" in told
    told = refused("E104", "learn", folder / "sorted.q.npz", "--data", folder / "data.csv",
                   "--test", folder / "test-numbers.csv")
    assert "test-numbers.csv has numbers" in told


def test_files_of_one_command_agree(folder: Path, tmp_path: Path, work: Path) -> None:
    """Where the model knows no names: all names of both files are its classes, or nothing runs."""
    model = folder / "none.q.npz"
    told = refused("E104", "learn", model, "--data", folder / "data-numbers.csv", "--test",
                   folder / "test.csv")
    assert "test.csv names classes, and" in told and "data-numbers.csv has numbers" in told
    few = rows_without(folder / "test.csv", "run", tmp_path / "few.csv")
    assert "names 3 classes, the network has 4" in refused("E104", "run", model, "--data", few)
    both = ok("learn", model, "--data", folder / "data.csv", "--test", few)
    assert "classes: 0 ride, 1 run, 2 sit, 3 walk" in both and "next: " in both
    swapped = ok("learn", model, "--data", few, "--test", folder / "data.csv")
    assert "next: " not in swapped, "its file alone would be refused"
    other = rows_without(folder / "test.csv", "run", tmp_path / "o.csv", instead="swim")
    assert "two files name other classes" in refused(
        "E104", "learn", model, "--data", folder / "data.csv", "--test", other)
    told = refused("E104", "tune", work / "model.npz", "--data", folder / "data-numbers.csv",
                   "--validation", folder / "test.csv", cwd=tmp_path)
    assert "has numbers" in told and not (tmp_path / "model.toml").exists()


def test_labels_in_another_order_than_the_outputs_are_told(folder: Path, work: Path,
                                                           tmp_path: Path) -> None:
    """By the alphabet nothing is right; the order that is right is printed, and can be pasted."""
    command = ("quantize", work / "model.npz", "--no-compare-bits", "-o", tmp_path / "q.npz")
    cure = "--classes walk,run,sit,ride (classes=[...] in Python)"
    assert cure in shown(*command, "--data", folder / "data.csv").stderr
    assert cure in shown("tune", work / "model.npz", "--data", folder / "data.csv", "--trials", "1",
                         "--rule", "fc3=delta", cwd=tmp_path).stderr
    done = shown("tune", work / "model.npz", "--data", folder / "data.csv", "--trials", "1",
                 "--rule", "fc3=delta", "--classes", ",".join(NAMES), cwd=tmp_path)
    assert cure not in done.stderr and "--classes walk,run,sit,ride" in done.stdout
    for verb in ("run", "learn"):
        told = shown(verb, folder / "sorted.q.npz", "--data", folder / "test.csv").stderr
        assert "with quantize --classes walk,run,sit,ride" in told
        assert f"labels of {folder / 'test.csv'} seem" in told
        assert "another order" not in ok(verb, folder / "stated.q.npz", "--data",
                                         folder / "test.csv")
    assert cure not in ok(*command, "--data", folder / "data.csv", "--classes", ",".join(NAMES))
    numbers = folder / "test-numbers.csv"
    x, y = (getattr(ed.samples(numbers), k) for k in "xy")
    turned = table(tmp_path / "turned.csv", x, ((y + 1) % 4).tolist())
    told = shown("run", folder / "none.q.npz", "--data", turned).stderr
    assert "if 0 were 3, 1 were 0, 2 were 1, 3 were 2" in told
    done = shown("learn", folder / "none.q.npz", "--data", folder / "data-numbers.csv", "--test",
                 turned)
    assert "if 0 were 3, 1 were 0, 2 were 1, 3 were 2" in done.stderr
    with pytest.warns(UserWarning, match="numbered in another order"):
        ed.quantize(ed.load(work / "model.npz"), x=x, y=(y + 1) % 4)


def exchanged(path: Path, other: Path, one: str = "walk", two: str = "sit") -> Path:
    """The same table with two names in each other's place."""
    other.write_text(path.read_text().replace(f",{one}\n", ",?\n").replace(
        f",{two}\n", f",{one}\n").replace(",?\n", f",{two}\n"))
    return other


def test_compare_tells_a_part_whose_labels_stand_in_another_order(folder: Path, work: Path,
                                                                  tmp_path: Path) -> None:
    """Each part by itself, for what learns the other order looks better than what knows ours."""
    head, *rows = (folder / "test.csv").read_text().splitlines(keepends=True)
    files = {}
    for k, name in enumerate(("stream", "test", "unshifted")):
        files[name] = tmp_path / f"{name}.csv"
        files[name].write_text("".join([head, *rows[k::3]]))

    def said(out: str, *more: str, **others: Path) -> str:
        parts = [word for name, path in (files | others).items() for word in (f"--{name}", path)]
        train = () if "train" in others else ("--train", folder / "data.csv")
        done = shown("compare", work / "model.npz", *train, *parts, "--methods", "frozen",
                     "--seeds", "1", "--jobs", "1", "--no-plots", "--out", tmp_path / out, *more)
        assert done.returncode == 0, done.stderr
        return " ".join(done.stderr.split())

    stated = ("--classes", ",".join(NAMES))
    assert "another order" not in said("as-they-are", *stated)
    for name in files:
        told = said(name, *stated, **{name: exchanged(files[name], tmp_path / "exchanged.csv")})
        assert f"labels of {name} seem to be numbered in another order than those of train" in told
        assert told.count("another order") == 1 and "if run were" not in told
        assert "% if walk were sit, sit were walk" in told
    of_all = said("of-all")
    assert "with --classes walk,run,sit,ride" in of_all and of_all.count("another order") == 1


def test_the_order_that_is_printed_can_be_pasted(folder: Path, work: Path, tmp_path: Path) -> None:
    """Whatever is in a name, and into `quantize`, which alone has the option."""
    names = ("w, fast", "run it", 'the "sit"', "ri'de")
    given = ed.samples(folder / "data-numbers.csv")
    data = tmp_path / "data.npz"
    np.savez(data, x=given.x, y=np.array(names)[given.y])
    command = ("quantize", work / "model.npz", "--no-compare-bits", "-o", tmp_path / "q.npz",
               "--data", data)
    done = shown(*command)
    assert '0 ri\'de, 1 run it, 2 "the ""sit""", 3 "w, fast"' in done.stdout
    words = shlex.split(done.stderr[done.stderr.index("--classes"):])
    assert "another order" not in shown(*command, *words[:2]).stderr
    assert ed.load_model(tmp_path / "q.npz").classes == names


def test_names_that_are_none_are_refused(folder: Path, work: Path, tmp_path: Path) -> None:
    command = ("quantize", work / "model.npz", "-o", tmp_path / "q.npz", "--classes")
    for given, told in (("a,b,c", "3 names of classes, the network has 4 outputs"),
                        ("a,b,a,c", "each once"), ("a,,b,c", "each once"),
                        ("a,b,c," + "d" * 101, "1 to 100 letters")):
        assert told in refused("E105", *command, given)
        with pytest.raises(ed.EdgeError, match=told):
            ed.quantize(ed.load(work / "model.npz"), classes=given.split(","))
    ok(*command, '"a, b",b,c,d')
    assert ed.load_model(tmp_path / "q.npz").classes == ("a, b", "b", "c", "d")
    long = rows_without(folder / "data.csv", "walk", tmp_path / "long.csv", instead="w" * 101)
    assert "expected 1 to 100 printable letters" in refused("E104", *command[:-1], "--data", long)


def test_a_file_without_names_is_as_before(folder: Path, work: Path) -> None:
    """And one whose names were changed is refused."""
    with np.load(folder / "stated.q.npz") as found:
        assert b"quantized/7" in found["header"].tobytes()
        arrays = {name: found[name] for name in found.files}
    assert b"quantized/7" not in np.load(folder / "none.q.npz")["header"].tobytes()
    raw = arrays["header"].tobytes().replace(b'"walk"', b'"hike"')
    arrays["header"] = np.frombuffer(raw, arrays["header"].dtype)
    np.savez(folder / "changed.q.npz", **arrays)
    assert "was changed after it was quantized" in refused("E103", "inspect",
                                                           folder / "changed.q.npz")
