"""Accuracy after learning is that on samples that were not learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, refused, shown

from edge_dassdp.data.datasets import save_dataset


@pytest.fixture
def split(work: Path, tmp_path: Path) -> Path:
    """data.npz and test.npz as one file with splits."""
    one, other = (np.load(work / f"{name}.npz") for name in ("data", "test"))
    path = tmp_path / "split.npz"
    np.savez(path, x=np.concatenate([one["x"], other["x"]]), y=np.tile(one["y"], 2),
             train=np.arange(30), stream=np.arange(30, 60), test=np.arange(120) >= 60)
    return path


@pytest.mark.parametrize("options", [
    ("--evaluate", "test"), ("--evaluate", "stream"), ("--test", "data.npz"),
    ("--test", "copy.npz")])
def test_what_was_learned_is_not_judged(work: Path, options: tuple[str, str]) -> None:
    (work / "copy.npz").write_bytes((work / "data.npz").read_bytes())
    text = refused("E105", "learn", "model.q.npz", "--data", "data.npz", *options, cwd=work)
    assert "to learn from" in text and "--test FILE" in text


def test_another_file_is(work: Path) -> None:
    text = ok("learn", work / "model.q.npz", "--data", work / "data.npz", "--test",
              work / "test.npz")
    assert "test.npz: accuracy before" in text


def test_splits_of_a_plain_file(work: Path, split: Path) -> None:
    learned = answer("learn", work / "model.q.npz", "--data", split, "--evaluate", "test")["data"]
    by_file = answer("learn", work / "model.q.npz", "--data", split, "--test", split)["data"]
    assert learned["n_samples"] == 30 and by_file["after"] == learned["after"]
    assert answer("run", work / "model.q.npz", "--data", split)["data"]["n_samples"] == 60
    refused("E105", "learn", work / "model.q.npz", "--data", split, "--evaluate", "stream")


def test_samples_in_both_are_told(work: Path, tmp_path: Path) -> None:
    one, other = (np.load(work / f"{name}.npz") for name in ("data", "test"))
    np.savez(tmp_path / "mixed.npz", x=np.concatenate([one["x"][:7], other["x"]]),
             y=np.concatenate([one["y"][:7], other["y"]]))
    done = shown("learn", work / "model.q.npz", "--data", work / "data.npz", "--test",
                 tmp_path / "mixed.npz")
    assert done.returncode == 0
    assert "warning: 7 of 67 samples judged were learned from" in done.stderr


def test_one_class_alone_is_told(work: Path, tmp_path: Path) -> None:
    given = np.load(work / "data.npz")
    np.savez(tmp_path / "one.npz", x=given["x"], y=0 * given["y"] + 3)
    done = shown("learn", work / "model.q.npz", "--data", tmp_path / "one.npz")
    assert done.returncode == 0
    assert "warning: all 60 samples to learn from are of class 3" in done.stderr
    few = shown("learn", work / "model.q.npz", "--data", tmp_path / "one.npz", "--limit", "5")
    assert "of class" not in few.stderr


def test_ranges_and_fidelity_from_one_set_are_told(work: Path, split: Path, tmp_path: Path) -> None:
    command = ("quantize", work / "model.npz", "-o", tmp_path / "q.npz", "--no-compare-bits")
    assert "come from the same samples" in ok(*command, "--data", work / "data.npz")
    assert "come from the same samples" not in ok(*command, "--data", split)


@pytest.mark.parametrize("standardize", [True, False])
def test_a_data_set_says_what_it_does_to_values(work: Path, tmp_path: Path,
                                                standardize: bool) -> None:
    rng = np.random.default_rng(0)
    raw, labels = rng.integers(0, 8, (30, 12)).astype(np.uint8), np.arange(30) % 4
    parts = dict(zip(("train", "stream", "test"), np.split(np.arange(30), 3), strict=True))
    save_dataset(tmp_path / "d.npz", "toy", raw, labels, parts, standardize=standardize)
    found = answer("run", work / "model.q.npz", "--data", tmp_path / "d.npz")["data"]["scaling"]
    assert found.startswith("x = (raw - ") is standardize and bool(found) is standardize
    assert ("x = (raw - " in ok("quantize", work / "model.npz", "-o", tmp_path / "q.npz", "--data",
                                tmp_path / "d.npz", "--no-compare-bits")) is standardize
