"""A file is there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.files import are_one, copy, replacing, write_text
from edge_dassdp.storage.npz import read_npz, write_npz


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as part:
        part.write_text("half of the n")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


def test_an_archive_that_fails_midway_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_npz(path, {"format": "kind/1"}, {"w": np.arange(5)})
    with pytest.raises(ValueError, match="Object arrays"):
        write_npz(path, {"format": "kind/1"}, {"a": np.arange(9), "w": np.array([object()])})
    assert read_npz(path, "kind/1")[1]["w"].tolist() == [0, 1, 2, 3, 4]
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_the_part_has_the_suffix_of_the_file(tmp_path: Path) -> None:
    with replacing(tmp_path / "curve.png") as part:
        assert part.suffix == ".png" and part.parent == tmp_path
        part.write_bytes(b"png")
    assert (tmp_path / "curve.png").read_bytes() == b"png"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_text(tmp_path / "link.txt", "new\n")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new\n"


def test_what_is_no_file_is_written_to() -> None:
    write_text("/dev/null", "gone")
    assert not Path("/dev/null").is_file()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EdgeError, match="cannot be written") as refused:
        copy(Path(__file__), tmp_path / "no" / "such.txt")
    assert refused.value.code == "E103" and "No such file" in refused.value.cause


def test_two_names_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "soft").symlink_to("a")
    os.link(tmp_path / "a", tmp_path / "hard")
    (tmp_path / "b").write_text("")
    assert are_one(tmp_path / "a", tmp_path / "soft") and are_one(tmp_path / "hard", tmp_path / "a")
    assert are_one(tmp_path / "new", tmp_path / "." / "new")
    assert not are_one(tmp_path / "a", tmp_path / "b") and not are_one(tmp_path / "a",
                                                                       tmp_path / "new")


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    """As `-o /dev/stdout | ...`: what the name leads to is no path."""
    code = "from edge_dassdp.storage.files import write_text; write_text('/dev/stdout', 'whole\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "whole\n"
