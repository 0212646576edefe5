"""Plain files of samples, with splits and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import load_part

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
    assert refused.value.code == "E105" and "train, test" in refused.value.help


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
