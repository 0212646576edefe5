"""Plain files of samples, with splits and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import load_part
from edge_dassdp.data.labels import class_labels, require_classes

X, Y = np.arange(20, dtype=np.float32).reshape(10, 2), np.arange(10) % 3


def _file(path: Path, **rows: Any) -> Path:
    np.savez(path / "d.npz", x=X, y=Y, **rows)
    return path / "d.npz"


def test_a_file_without_splits_is_whole(tmp_path: Path) -> None:
    for split in ("train", "stream", "test"):
        part = load_part(_file(tmp_path), split)
        assert part.is_whole and np.array_equal(part.samples.x, X)


def test_rows_by_index_and_by_truth_value(tmp_path: Path) -> None:
    path = _file(tmp_path, train=[0, 2], test=np.arange(10) > 6)
    train, test = load_part(path, "train"), load_part(path, "test")
    assert train.samples.y.tolist() == [0, 2] and not train.is_whole and train.scaling == ""
    assert np.array_equal(test.samples.x, X[7:])
    with pytest.raises(EdgeError, match="has no split 'stream'") as refused:
        load_part(path, "stream")
    assert refused.value.code == "E105" and "which has train, test" in refused.value.help
    assert "add 'stream'" in refused.value.help


@pytest.mark.parametrize(("rows", "words"), [
    ({"train": [0, 10]}, "does not name rows"), ({"train": [-1]}, "does not name rows"),
    ({"train": [0.5]}, "does not name rows"), ({"train": np.ones(9, bool)}, "does not name rows"),
    ({"train": [[1]]}, "does not name rows"), ({"train": [1, 2], "test": [2, 3]}, "in two splits"),
    ({"train": [1, 1]}, "twice in one"), ({"train": np.zeros(10, bool)}, "holds no samples"),
])
def test_splits_that_are_none(tmp_path: Path, rows: dict[str, Any], words: str) -> None:
    with pytest.raises(EdgeError, match=words) as refused:
        load_part(_file(tmp_path, **rows), "train")
    assert refused.value.code == "E104"


@pytest.mark.parametrize("x", [X * 1j, X.astype("U8")])
def test_samples_are_real_numbers(tmp_path: Path, x: Any) -> None:
    np.savez(tmp_path / "d.npz", x=x, y=Y)
    with pytest.raises(EdgeError, match="expected real numbers") as refused:
        load_part(tmp_path / "d.npz", "train")
    assert refused.value.code == "E104"


LABELS = {  # what is given, and what it becomes by what the help says
    "floats": (Y.astype(float), "y.astype(int)"),
    "truth values": (Y > 0, "y.astype(int)"),
    "names": (np.array(["b", "a", "c"])[Y], "np.unique(y, return_inverse=True)[1]"),
    "objects": (np.array(["b", "a", "c"], object)[Y], "np.unique(y, return_inverse=True)[1]"),
    "a column": (Y[:, None], "y.ravel()"),
    "one-hot": (np.eye(3)[Y], "y.argmax(axis=1)"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_that_are_no_integers_say_what_makes_them(kind: str) -> None:
    y, cure = LABELS[kind]
    with pytest.raises(EdgeError, match="expected integers") as refused:
        class_labels(y, len(X))
    assert refused.value.code == "E104" and f"give {cure}" in refused.value.help
    made = class_labels(eval(cure, {"np": np, "y": y}), len(X))
    assert made.dtype == np.int64 and len(np.unique(made)) == len(np.unique(y, axis=0))


@pytest.mark.parametrize("y", [Y + 0.5, Y[:4], Y * np.nan, Y.reshape(2, 5)])
def test_what_is_no_label_is_told_what_is(y: Any) -> None:
    with pytest.raises(EdgeError, match="expected integers") as refused:
        class_labels(np.asarray(y), len(X))
    assert "one output, 0" in refused.value.help


def test_labels_are_classes_of_the_network() -> None:
    require_classes(Y, 3)
    with pytest.raises(EdgeError, match=r"y\[1\] is 1, and the network has classes 0 to 0") as one:
        require_classes(Y, 1)
    assert "give 0 for each sample" in one.value.help
    require_classes(0 * Y, 1)


def test_samples_without_labels_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=X)
    with pytest.raises(EdgeError, match="holds x and no y") as refused:
        load_part(tmp_path / "d.npz", "train")
    assert refused.value.code == "E104" and "integers" in refused.value.help
