"""What a file is that was given for another: named in every reader; what the help says works."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import snntorch
import torch
from support import tiny
from support.nir_graphs import CNN
from support.onnx_graphs import MADE

import edge_dassdp as ed
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.chips.pack import read_pack
from edge_dassdp.chips.svd import read_svd
from edge_dassdp.data.datasets import load_part
from edge_dassdp.frontends.files import SourceOptions, load_model
from edge_dassdp.harness.snapshot import read_snapshot, save_snapshot
from edge_dassdp.storage.foreign import what_is


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, b"{}")
    return made.getvalue()


def saved(write: Callable[..., Any], *values: Any, **named: Any) -> bytes:
    made = io.BytesIO()
    write(*values[:1], made, **named) if write is torch.save else write(made, *values, **named)
    return made.getvalue()


def hdf5(name: str) -> bytes:
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        file.create_group(name)["type"] = b"Input"
    return made.getvalue()


STATE = {"fc1.weight": torch.zeros(3, 2)}
ROWS = "1,2,0\n3,4,1\n"
BYTES: dict[str, tuple[bytes, str]] = {
    "torch": (saved(torch.save, STATE), "a PyTorch file"),
    "old torch": (saved(torch.save, STATE, _use_new_zipfile_serialization=False),
                  "a PyTorch file"),
    "script": (zipped("net/data.pkl", "net/constants.pkl", "net/code/a.py"), "a TorchScript file"),
    "pickle": (pickle.dumps({"w": 1}), "a Python pickle"),
    "arrays": (saved(np.savez, w1=np.zeros(2), w2=np.zeros(2)), "arrays w1, w2"),
    "array": (saved(np.save, np.zeros((4, 2))), "a single array"),
    "keras": (zipped("config.json", "model.weights.h5"), "a Keras model"),
    "keras hdf5": (hdf5("model_weights"), "a Keras model"),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(64), "a TensorFlow Lite model"),
    "saved model": (b"\x08\x01\x12\x90\x01" + bytes(64), "a TensorFlow SavedModel"),
    "safetensors": ((2).to_bytes(8, "little") + b"{}", "a safetensors file"),
    "gguf": (b"GGUF\3\0\0\0", "a GGUF file"),
    "csv": (ROWS.encode(), "a text file of values (CSV)"),
    "json": (json.dumps({"a": 1}).encode(), "a JSON file"),
    "python": (b"import torch\nnet = 1\n", "a Python file"),
    "text": (b"hello\n", "a text file"),
    "page": (b"<!DOCTYPE html><html>", "a web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    "packed": (b"\x1f\x8b\x08\0" + bytes(9), "a packed file"),
    "cut": (saved(np.savez, x=np.zeros(99))[:200], "damaged or cut off"),
    "archive": (zipped("a.txt"), "a zip archive"),
    "sheet": (zipped("[Content_Types].xml"), "a spreadsheet"),
    "matlab": (b"MATLAB 5.0 MAT-file", "a MATLAB file"),
    "mnist": (b"\0\0\x08\3\0\0\0\1", "a file of MNIST"),
    "elf": (b"\x7fELF\1\1", "a program"),
    "svd": (b"<?xml version='1.0'?><device/>", "a description of a chip"),
    "pdsc": (b"<?xml version='1.0'?><package/>", "a pack's description"),
    "pack": (zipped("Toy.pdsc"), "a CMSIS pack"),
    "empty": (b"", "an empty file"),
    "nir": (CNN.read_bytes(), "an HDF5 file"),
    "onnx": (MADE[0].read_bytes(), "an ONNX file"),
    "board": ((assets.folder("boards") / "microbit" / "board.toml").read_bytes(), "a TOML file"),
}
OWN = {"model.npz": "a float network", "model.q.npz": "a quantized network",
       "snapshot.npz": "a snapshot", "data.npz": "the arrays x, y"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each kind of ours."""
    folder = tmp_path_factory.mktemp("own")
    tiny.write(folder)
    network = ed.load(folder / "model.npz")
    model = ed.quantize(network, ed.Learning.default(network))
    ed.save(model, folder / "model.q.npz")
    with ed.open(model, target="reference") as device:
        save_snapshot(device.target, model, folder / "snapshot.npz")
    return folder


def readers(own: Path) -> dict[str, tuple[str, Callable[[Path], Any]]]:
    """By what they expect: the suffix of their files, and how they are called."""
    model = ed.load_model(own / "model.q.npz")
    options = SourceOptions(source="sinabs", n_steps=4)
    return {
        "network": (".npz", load_model),
        "nir": (".nir", lambda path: load_model(path, options)),
        "onnx": (".onnx", lambda path: load_model(path, SourceOptions(n_steps=4))),
        "quantized": (".npz", ed.load_model),
        "snapshot": (".npz", lambda path: read_snapshot(model, path)),
        "dataset": (".npz", lambda path: load_part(path, "test")),
        "csv": (".csv", lambda path: load_part(path, "test")),
        "array": (".npy", lambda path: load_part(path, "test")),
        "board": (".toml", load_board),
        "learning": (".toml", ed.Learning.load),
        "svd": (".svd", read_svd),
        "pack": (".pack", read_pack),
    }


SAME = {("nir", "nir"), ("onnx", "onnx"), ("board", "board"), ("board", "empty"), ("csv", "csv"),
        ("svd", "svd"), ("pack", "pack"), ("array", "array"), ("network", "model.npz"),
        ("quantized", "model.q.npz"),
        ("snapshot", "snapshot.npz"), ("dataset", "data.npz")}


@pytest.mark.parametrize("wanted", ["network", "nir", "onnx", "quantized", "snapshot", "dataset",
                                    "csv", "array", "learning", "board", "svd", "pack"])
def test_every_reader_names_what_it_was_given(wanted: str, own: Path, tmp_path: Path) -> None:
    suffix, read = readers(own)[wanted]
    given = BYTES | {name: ((own / name).read_bytes(), title) for name, title in OWN.items()}
    for name, (data, title) in given.items():
        if (wanted, name) in SAME:
            continue
        path = tmp_path / f"given{suffix}"
        path.write_bytes(data)
        with pytest.raises(EdgeError) as caught:
            read(path)
        assert caught.value.code == ("E401" if wanted == "board" else "E103"), name
        assert title in caught.value.message, (name, str(caught.value))
        assert caught.value.help and "expected" in caught.value.message, name


@pytest.mark.parametrize("wanted", ["network", "nir", "onnx", "quantized", "snapshot", "dataset"])
def test_its_own_kind_is_damaged_or_not_complete(wanted: str, own: Path, tmp_path: Path) -> None:
    """A byte changed in the middle: what is still readable is not refused for what it is."""
    suffix, read = readers(own)[wanted]
    names = {"nir": CNN, "onnx": MADE[0], "dataset": own / "data.npz", "network": own / "model.npz",
             "quantized": own / "model.q.npz", "snapshot": own / "snapshot.npz"}
    data = names[wanted].read_bytes()
    path = tmp_path / f"given{suffix}"
    for n in (8, len(data) // 3, len(data) - 9):
        path.write_bytes(data[:n])
        with pytest.raises(EdgeError) as caught:
            read(path)
        assert caught.value.code == "E103" and caught.value.help
        assert any(word in caught.value.message for word in (
            "damaged", "cut off", "not complete", "is not")), str(caught.value)


def test_what_is_not_there_or_a_folder(own: Path, tmp_path: Path) -> None:
    for wanted, (suffix, read) in readers(own).items():
        for path in (tmp_path / f"none{suffix}", tmp_path):
            with pytest.raises(EdgeError) as caught:
                read(path)
            assert caught.value.help, (wanted, path)


# ---- what the help says, done --------------------------------------------------------------------


def said(read: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(EdgeError) as caught:
        read(*arguments)
    return caught.value.help


def run(code: str, folder: Path, **names: Any) -> None:
    """What stands in a help behind its colon."""
    exec(code[code.index(": ") + 2:].replace("data.npz", str(folder / "data.npz")),
         {"np": np} | names)


@pytest.mark.parametrize("text", [ROWS, ROWS.replace(",", ";"), ROWS.replace(",", " "),
                                  "a,b,class\n" + ROWS])
def test_a_text_file_of_values_becomes_samples(text: str, tmp_path: Path) -> None:
    (tmp_path / "d.npz").write_text(text)
    assert "data.csv" in said(load_part, tmp_path / "d.npz", "test")
    (tmp_path / "d.npz").rename(tmp_path / "data.csv")
    made = load_part(tmp_path / "data.csv", "test").samples
    assert made.x.tolist() == [[1, 2], [3, 4]] and made.y.tolist() == [0, 1]


def test_arrays_become_samples(tmp_path: Path) -> None:
    x, y = np.ones((3, 2)), np.arange(3)
    np.savez(tmp_path / "d.npz", images=x, labels=y)
    run(said(load_part, tmp_path / "d.npz", "test"), tmp_path)
    assert load_part(tmp_path / "data.npz", "test").samples.y.tolist() == [0, 1, 2]
    np.save(tmp_path / "x.npy", x)
    run(said(load_part, tmp_path / "x.npy", "test"), tmp_path, y=y)
    assert load_part(tmp_path / "data.npz", "test").samples.x.tolist() == x.tolist()
    torch.save(torch.ones(3, 2), tmp_path / "x.pt")
    run(said(load_part, tmp_path / "x.pt", "test"), tmp_path, x=torch.ones(3, 2),
        y=torch.arange(3))
    assert load_part(tmp_path / "data.npz", "test").samples.y.tolist() == [0, 1, 2]


def test_samples_are_called_by_their_suffix(tmp_path: Path) -> None:
    """Each of them under each other's suffix: what the help says is done, and it is read."""
    rows = np.array([[1.0, 2, 0], [3, 4, 1]])
    data = {"csv": ROWS.encode(), "npy": saved(np.save, rows),
            "npz": saved(np.savez, x=rows[:, :2], y=np.arange(2))}
    for own, content in data.items():
        for other in data.keys() - {own}:
            path = tmp_path / f"given.{other}"
            path.write_bytes(content)
            help = said(load_part, path, "test")
            assert f"data.{own}" in help
            path.rename(tmp_path / f"data.{own}")
            made = load_part(tmp_path / f"data.{own}", "test").samples
            assert made.x.tolist() == [[1, 2], [3, 4]] and made.y.tolist() == [0, 1]


def test_a_checkpoint_becomes_a_network(tmp_path: Path) -> None:
    made = torch.nn.Sequential(torch.nn.Linear(4, 3), snntorch.Leaky(0.9))
    torch.save(made.state_dict(), tmp_path / "net.pth")
    help = said(load_model, tmp_path / "net.pth")
    assert "load_state_dict" in help and "from_torch(module, n_steps=" in help
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), snntorch.Leaky(0.9))
    module.load_state_dict(torch.load(tmp_path / "net.pth"))
    network = ed.from_torch(module, n_steps=4)
    ed.save(network, tmp_path / "network.npz")
    assert str(load_model(tmp_path / "network.npz")) == str(network)


def test_a_file_of_another_suffix_is_read_by_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(CNN.read_bytes())
    assert "network.nir" in said(load_model, tmp_path / "a.npz")
    options = SourceOptions(source="sinabs", n_steps=4)
    (tmp_path / "a.npz").rename(tmp_path / "network.nir")
    assert load_model(tmp_path / "network.nir", options).populations


@pytest.mark.parametrize("name", BYTES)
def test_it_is_known_without_being_opened(name: str, tmp_path: Path) -> None:
    """By a name that says nothing."""
    (tmp_path / "file").write_bytes(BYTES[name][0])
    found = what_is(tmp_path / "file")
    assert found is not None and BYTES[name][1] in found.title


@pytest.mark.parametrize("name", BYTES)
def test_any_beginning_of_it_is_looked_at(name: str, tmp_path: Path) -> None:
    for n in range(40):
        (tmp_path / "file").write_bytes(BYTES[name][0][:n])
        what_is(tmp_path / "file")


def test_noise_is_nothing(tmp_path: Path) -> None:
    for seed in range(20):
        data = np.random.default_rng(seed).integers(128, 255, 300, np.uint8).tobytes()
        (tmp_path / "noise").write_bytes(b"\xf3" + data)
        assert what_is(tmp_path / "noise") is None
