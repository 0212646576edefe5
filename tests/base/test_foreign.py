"""What a file is that somebody else wrote, and what to do with it, by all that reads files."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from support.scenarios import SCENARIOS

from edge_dassdp import harness, ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.foreign import reading, what_is
from edge_dassdp.data.datasets import load_part
from edge_dassdp.emit import proven
from edge_dassdp.frontends.files import SourceOptions, load_model


def _keras(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")


def _hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)


def _half(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), x=np.zeros((40, 9)), y=np.zeros(40, int))
    data = path.with_suffix(".npz").read_bytes()
    path.write_bytes(data[: len(data) // 2])


FOREIGN: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "checkpoint.pth": (lambda p: torch.save({"fc1.weight": torch.zeros(3, 2)}, p),
                       "a PyTorch checkpoint", "edge_dassdp.from_torch"),
    "old.pth": (lambda p: torch.save({"w": torch.zeros(3)}, p,
                                     _use_new_zipfile_serialization=False),
                "a Python pickle", "edge_dassdp.from_torch"),
    "object.pkl": (lambda p: p.write_bytes(pickle.dumps([1])), "a Python pickle", "from_torch"),
    "array.npy": (lambda p: np.save(p, np.zeros((4, 7))), "a .npy file", "x=samples"),
    "table.csv": (lambda p: np.savetxt(p, np.zeros((4, 7)), delimiter=","), "perhaps CSV",
                  "np.loadtxt"),
    "config.json": (lambda p: p.write_text(json.dumps({"a": 1})), "perhaps JSON", ""),
    "page.html": (lambda p: p.write_text("<!doctype html>"), "failed download", "load it again"),
    "pointer": (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\n"),
                "Git LFS pointer", "git lfs pull"),
    "model.keras": (_keras, "a ZIP archive of config.json, model.weights.h5", ""),
    "weights.h5": (_hdf5, "an HDF5 file", ".nir"),
    "packed.gz": (lambda p: p.write_bytes(gzip.compress(b"x")), "a gzip archive", "unpack"),
    "half": (_half, "cut off or is damaged", "another copy"),
    "empty": (lambda p: p.write_bytes(b""), "an empty file", "write it again"),
    "random": (lambda p: p.write_bytes(bytes(range(255, 0, -1))), "a kind that is not known", ""),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_named_and_what_to_do(name: str, tmp_path: Path) -> None:
    write, what, cure = FOREIGN[name]
    path = tmp_path / name
    write(path)
    assert what in what_is(path)[0] and cure in what_is(path)[1]
    scenario = SCENARIOS["graph"]
    for read in (lambda: load_part(path, "train"), lambda: ir.load(path),
                 lambda: load_model(path), lambda: proven.load(path),
                 lambda: harness.read_snapshot(scenario.quantized, path)):
        with pytest.raises(EdgeError) as refused:
            read()
        assert refused.value.code == "E103" and what in refused.value.cause, refused.value
        assert cure in refused.value.help


@pytest.mark.parametrize("suffix", [".nir", ".onnx"])
@pytest.mark.parametrize("name", [n for n in FOREIGN if n != "weights.h5"])
def test_a_foreign_file_of_another_library(name: str, suffix: str, tmp_path: Path) -> None:
    write, what, _ = FOREIGN[name]
    write(tmp_path / name)
    path = (tmp_path / name).rename(tmp_path / f"n{suffix}")
    with pytest.raises(EdgeError) as refused:
        load_model(path, SourceOptions(n_steps=4))
    assert refused.value.code == "E103" and what in f"{refused.value}", refused.value


def test_an_archive_of_other_arrays_names_them(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", w1=np.zeros(2), w2=np.zeros(2))
    for read in (ir.load, proven.load, lambda path: load_part(path, "train")):
        with pytest.raises(EdgeError) as refused:
            read(tmp_path / "w.npz")
        assert "an .npz with the arrays w1, w2" in refused.value.cause and refused.value.help


def test_names_of_members_do_not_reach_the_terminal_as_they_are(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("\x1b[2Jgone", "")
    assert "\x1b" not in what_is(tmp_path / "a.zip")[0]


def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(EdgeError, match="not a regular file"):
            load_part(path, "train")


def test_what_a_library_raises_is_one_line_of_a_length(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    for problem in (KeyError("name"), RecursionError("deep"), MemoryError(),
                    ValueError("a\nb" * 900), io.UnsupportedOperation("seek")):
        with pytest.raises(EdgeError) as refused, reading(tmp_path / "f", "thing"):
            raise problem
        assert "\n" not in refused.value.cause and len(refused.value.cause) < 300
