"""Samples in text and in arrays: what is read, and what is refused by its row and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import load_part, load_parts
from edge_dassdp.data.labels import require_complete
from edge_dassdp.storage import tables

X, Y = [[1.5, 2.0], [-3.0, 4e-3], [5.0, 6.0]], [0, 2, 1]
CSV = {  # all of them X and Y
    "no header": "1.5,2,0\n-3,4e-3,2\n5,6,1\n",
    "header": "a,b,c\n1.5,2,0\n-3,4e-3,2\n5,6,1\n",
    "label first": "label,a,b\n0,1.5,2\n2,-3,4e-3\n1,5,6\n",
    "y in the middle": "a,y,b\n1.5,0,2\n-3,2,4e-3\n5,1,6\n",
    "an axis called y": "x,y,Label\n1.5,2,0\n-3,4e-3,2\n5,6,1\n",
    "class before target": "target,a,class\n1.5,2,0\n-3,4e-3,2\n5,6,1\n",
    "columns that pandas counts": "0,1,2\n1.5,2,0\n-3,4e-3,2\n5,6,1\n",
    "semicolons": "a;b;y\n1.5;2;0\n-3;4e-3;2\n5;6;1\n",
    "tabs": "1.5\t2\t0\n-3\t4e-3\t2\n5\t6\t1\n",
    "blanks": " 1.5  2 0\n-3 4e-3 2\n5 6 1\n",
    "as savetxt writes": "# a,b,y\n1.5e+00,2.0e+00,0.0e+00\n-3.0,4.0e-03,2.0\n5.,6.,1.\n",
    "quotes and blanks": '"a", "b","y"\n"1.5", 2 ,0\n"-3","4e-3",2\n5,6,1\n',
    "lines of Windows": "\ufeffa,b,y\r\n1.5,2,0\r\n\r\n-3,4e-3,2\r\n5,6,1\r\n",
    "no last line end": "1.5,2,0\n-3,4e-3,2\n5,6,1",
}


def write(folder: Path, text: str) -> Path:
    (folder / "d.csv").write_bytes(text.encode())
    return folder / "d.csv"


@pytest.mark.parametrize("kind", CSV)
def test_text_is_read_as_it_is_laid_out(kind: str, tmp_path: Path) -> None:
    part = load_part(write(tmp_path, CSV[kind]), "stream")
    assert part.is_whole and part.scaling == "" and part.notes == ()
    assert np.array_equal(part.samples.x, np.array(X, np.float32))
    assert part.samples.x.dtype == np.float32
    assert part.samples.y.tolist() == Y and part.samples.y.dtype == np.int64


@pytest.mark.parametrize("seed", range(5))
def test_what_is_written_is_read(seed: int, tmp_path: Path) -> None:
    """Every float32, by repr and by savetxt."""
    rng = np.random.default_rng(seed)
    n, n_inputs = rng.integers(1, 30, 2)
    x = (rng.normal(size=(n, n_inputs)) * 10.0 ** rng.integers(-30, 30, (n, n_inputs))
         ).astype(np.float32)
    y = rng.integers(0, 5, n)
    path = tmp_path / "d.csv"
    np.savetxt(path, np.column_stack([x, y]), delimiter=",", header="a", fmt="%.9g")
    assert np.array_equal(ed.samples(path).x, x) and np.array_equal(ed.samples(path).y, y)


def test_names_of_classes_are_numbered_in_their_order(tmp_path: Path) -> None:
    text = "f,label,split\n1,dog,train\n2,ant,test\n3,cat,test\n4,dog,test\n"
    parts = load_parts(write(tmp_path, text))
    assert parts["train"].samples.y.tolist() == [2]
    assert parts["test"].samples.y.tolist() == [0, 1, 2]
    assert parts["train"].samples.classes == ("ant", "cat", "dog")
    assert parts["test"].notes == ("classes: 0 ant, 1 cat, 2 dog",)
    require_complete(parts["test"].samples.classes, 3)
    with pytest.raises(EdgeError, match="names 3 classes, the network has 4") as refused:
        require_complete(parts["test"].samples.classes, 4)
    assert refused.value.code == "E104" and "numbers" in refused.value.help


def test_the_first_row_of_a_file_without_header_is_a_sample(tmp_path: Path) -> None:
    """However much it looks like a header."""
    for text in ("1.5,2,y\n3,4,n\n", "0,1,1\n1,0,0\n", "5,6,setosa\n7,8,y\n", "0,1\n1,0\n"):
        assert len(ed.samples(write(tmp_path, text))) == 2, text


@pytest.mark.parametrize(("text", "is_told"), [
    ("1,2,0\n3,4,1\n", True), ("a,b,y\n1,2,0\n", False), ("a,b,c\n1,2,0\n", False),
    ("1,2,ant\n3,4,bee\n", False)])
def test_a_guess_is_told(text: str, is_told: bool, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(text, "utf-8")
    guess = load_part(tmp_path / "d.csv", "train").samples.guess
    assert ("the last of 3 is taken for the class" in guess) is is_told and bool(guess) is is_told


def test_splits_are_a_column(tmp_path: Path) -> None:
    text = "split,a,b,y\nTrain,1,2,0\nstream,3,4,1\ntest,5,6,0\nvalidation,7,8,1\ntrain,9,9,1\n"
    path = write(tmp_path, text)
    assert {name: part.samples.y.tolist() for name, part in load_parts(path).items()} == {
        "train": [0, 1], "stream": [1], "test": [0], "validation": [1]}
    assert ed.samples(path, "validation").x.tolist() == [[7, 8]]
    with pytest.raises(EdgeError, match="has splits") as refused:
        ed.samples(path)
    assert "name one of train, stream, test, validation" in refused.value.help


REFUSED = {  # and what is said of it
    "an empty cell": ("a,b,y\n1,2,0\n1,,0\n", "row 3, column 'b' is empty"),
    "without a header": ("1,2,0\n1,,0\n", "row 2, column 2 is empty"),
    "a NaN": ("a,b,y\nnan,2,0\n", "row 2, column 'a' holds 'nan', expected a finite number"),
    "a NaN behind": ("a,b,y\n2,NaN,0\n", "row 2, column 'b' holds 'NaN'"),
    "an infinity": ("a,b,y\n1,-inf,0\n", "row 2, column 'b' holds '-inf'"),
    "beyond float32": ("a,b,y\n1,1e39,0\n", "row 2, column 'b' holds '1e39'"),
    "a word": ("a,b,y\n\n# left out\n1,high,0\n", "row 4, column 'b' holds 'high'"),
    "a decimal comma": ("a;b;y\n1,5;2;0\n", "row 2, column 'a' holds '1,5'"),
    "decimal commas": ("1,5,2,0\n1,5,2,5,0\n", "row 2 has 5 values, the first row has 4"),
    "a row that is short": ("a,b,y\n1,2,0\n1,2\n", "row 3 has 2 values, the first row has 3"),
    "no class": ("a,b,y\n1,2,\n", "row 2, column 'y' holds no class"),
    "a missing class": ("a,b,y\n1,2,ant\n1,2,NA\n", "row 3, column 'y' holds no class"),
    "half a class": ("a,y,c\n1,0,0\n1,0.5,1\n", "row 3, column 'y' holds 0.5, which is no class"),
    "an infinite class": ("a,y\n1,inf\n", "row 2, column 'y' holds inf, which is no class"),
    "names and numbers": ("a,b,y\n1,2,0\n1,2,ant\n", "row 3, column 'y' holds 'ant', and others"),
    "an unknown split": ("a,y,split\n1,0,trian\n", "row 2, column 'split' holds 'trian'"),
    "numbers of rows": (",a,b,y\n0,1,2,0\n", "column 1 has no name"),
    "one column": ("a,split\n1,train\n", "row 1 has 2 values, expected those of a sample"),
    "a name twice": ("a,a,y\n1,2,0\n", "two columns are called 'a'"),
    "quotes that do not close": ('a,"b,y\n1,2,0\n', "cannot be taken apart"),
    "no row": ("a,b,y\n", "holds no samples"),
    "comments alone": ("a,b\n#1,2\n", "holds no samples"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_sample_is_refused_by_row_and_column(kind: str, tmp_path: Path) -> None:
    text, words = REFUSED[kind]
    with pytest.raises(EdgeError) as refused:
        load_part(write(tmp_path, text), "train")
    assert refused.value.code == "E104" and words in refused.value.message, str(refused.value)


def test_help_says_what_to_write(tmp_path: Path) -> None:
    def help(text: str) -> str:
        with pytest.raises(EdgeError) as refused:
            load_part(write(tmp_path, text), "train")
        return refused.value.help

    assert "decimal points" in help("1,5;2;0\n") and "decimal points" in help("1,5,2,0\n1,5,2\n")
    assert "did you mean train?" in help("a,y,split\n1,0,trian\n")
    assert "index=False" in help(",a,b,y\n0,1,2,0\n") and "'label'" in help("a,y,c\n1,.5,0\n")


def test_a_file_is_bounded_before_it_is_read(tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_LINE", 9)
    with pytest.raises(EdgeError, match="row 2 has more than 9 letters"):
        load_part(write(tmp_path, "1,2,0\n1.00000,2,0\n"), "train")
    monkeypatch.setattr(tables, "MOST_BYTES", 20)
    with pytest.raises(EdgeError, match="more than 20 bytes") as refused:
        load_part(write(tmp_path, "1,2,0\n" * 4), "train")
    assert refused.value.code == "E103" and "np.savez" in refused.value.help


def test_the_example_of_the_docs_can_be_copied(tmp_path: Path) -> None:
    text = (Path(ed.__file__).parents[1] / "docs" / "data.md").read_text("utf-8")
    path = write(tmp_path, text.partition("## .csv\n\n```\n")[2].partition("```")[0])
    assert ed.samples(path, "train").x.shape == (2, 3)
    assert [ed.samples(path, name).y.tolist() for name in ("train", "stream", "test")] == [
        [0, 1], [0], [1]]


# ---- arrays --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "y"), [
    ("x.npy", "y.npy"), ("X_train.npy", "y_train.npy"), ("X.npy", "Y.npy"),
    ("wine_x.npy", "wine_y.npy"), ("a-x.b.npy", "a-y.b.npy")])
def test_arrays_beside_each_other(x: str, y: str, tmp_path: Path) -> None:
    np.save(tmp_path / x, np.array(X))
    with pytest.raises(EdgeError, match="holds x and no y") as refused:
        load_part(tmp_path / x, "train")
    assert refused.value.code == "E104" and y.lower() in refused.value.cause.lower()
    np.save(tmp_path / y, np.array(Y, np.uint8))
    made = ed.samples(tmp_path / x)
    assert np.array_equal(made.x, np.array(X, np.float32)) and made.y.tolist() == Y


@pytest.mark.parametrize("dtype", [np.float64, np.float32, ">f4"])
def test_an_array_with_classes_in_its_last_column(dtype: Any, tmp_path: Path) -> None:
    for order in "CF":
        np.save(tmp_path / "mix.npy", np.array(np.column_stack([X, Y]), dtype, order=order))
        made = ed.samples(tmp_path / "mix.npy")
        assert np.array_equal(made.x, np.array(X, np.float32)) and made.y.tolist() == Y


ARRAYS = {
    "values where classes are": (np.array(X) + 0.25, "row 0 has 2.25 in the last column"),
    "a NaN": (np.array([[1, 2, 0], [np.nan, 2, 1]]), "x[1, 0] is NaN, expected finite numbers"),
    "a NaN for a class": (np.array([[1, 2, np.nan]]), "x[0, 2] is NaN"),
    "a number beyond float32": (np.array([[1, 2, 0], [3, 1e300, 1]]),
                                "x[1, 1] is 1e+300, expected numbers that float32 holds"),
    "an infinity": (np.array([[1, np.inf, 0]]), "x[0, 1] is inf"),
    "words": (np.array([["a", "b"]]), "expected real numbers"),
    "one column": (np.zeros((3, 1)), "has 1 columns"),
    "a row": (np.zeros(3), "has shape (3,), expected (n, n_inputs + 1)"),
    "no rows": (np.zeros((0, 3)), "holds no samples"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_that_are_no_samples(kind: str, tmp_path: Path) -> None:
    array, words = ARRAYS[kind]
    np.save(tmp_path / "d.npy", array)
    with pytest.raises(EdgeError) as refused:
        load_part(tmp_path / "d.npy", "train")
    assert refused.value.code == "E104" and words in refused.value.message, str(refused.value)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(EdgeError, match="damaged or not complete") as refused:
        load_part(tmp_path / "d.npy", "train")
    assert refused.value.code == "E103" and "pickle" in refused.value.cause


def test_a_shape_that_lies_takes_no_memory(tmp_path: Path) -> None:
    with (tmp_path / "d.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 3)})
        file.write(bytes(96))
    with pytest.raises(EdgeError, match="damaged or not complete") as refused:
        load_part(tmp_path / "d.npy", "train")
    assert refused.value.code == "E103" and "bytes" in refused.value.cause


def test_a_plain_npz_names_the_value_that_is_none(tmp_path: Path) -> None:
    x = np.ones((4, 3))
    x[2, 1] = np.nan
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(4))
    with pytest.raises(EdgeError, match=r"x\[2, 1\] is NaN") as refused:
        load_part(tmp_path / "d.npz", "test")
    assert refused.value.code == "E104"
