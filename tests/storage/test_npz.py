"""An archive from elsewhere is believed nothing: no size, no shape, nothing it holds beside."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.commands import ROOT

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage import npz
from edge_dassdp.storage.npz import Arrays, read_npz, write_npz


def _member(shape: str, kind: str = "<f8", data: bytes = b"") -> bytes:
    """A .npy that says a shape and a type of its own."""
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}"
    head = text.ljust(118) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + data


def _archive(path: Path, members: dict[str, bytes],
             compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def _refused(path: Path, name: str = "x") -> str:
    arrays = Arrays(path, "dataset")
    with pytest.raises(EdgeError) as refused:
        arrays[name]
    assert refused.value.code == "E103"
    return str(refused.value)


@pytest.mark.parametrize("shape", ["(1099511627776,)", "(2147483647, 4096)", "(0, 1000000000000)",
                                   "(-1,)", "(3,)", "'x'"])
def test_a_shape_is_not_believed(shape: str, tmp_path: Path) -> None:
    _refused(_archive(tmp_path / "a.npz", {"x.npy": _member(shape)}))


@pytest.mark.parametrize("kind", ["|O", "|S0", "|V0", "xx", "<U999999999"])
def test_a_type_is_not_believed(kind: str, tmp_path: Path) -> None:
    _refused(_archive(tmp_path / "a.npz", {"x.npy": _member("(3,)", kind, bytes(24))}))


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"no npy", _member("(3,)", "<f8", bytes(25)),
                                  _member("(3,)", "<f8", bytes(23))])
def test_bytes_that_are_no_array(data: bytes, tmp_path: Path) -> None:
    _refused(_archive(tmp_path / "a.npz", {"x.npy": data}))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_numpy_packs_in_one_way(compression: int, tmp_path: Path) -> None:
    assert "packed in a way" in _refused(_archive(tmp_path / "a.npz", {
        "x.npy": _member("(3,)", "<f8", bytes(24))}, compression))


def test_all_arrays_together_have_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fits, all of them do not."""
    monkeypatch.setattr(npz, "ROOM_BYTES", 9_000_000)
    many = {f"a{i}.npy": _member("(500000,)", "<f8", bytes(4_000_000)) for i in range(3)}
    arrays = Arrays(_archive(tmp_path / "a.npz", many), "dataset")
    assert arrays["a0"].size == arrays["a1"].size == 500_000
    with pytest.raises(EdgeError, match="unpacks to more"):
        arrays["a2"]


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    """A megabyte that stands for a gigabyte, asked for and not."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as member:
            member.write(_member(f"({1 << 27},)"))
            for _ in range(1024):
                member.write(bytes(1 << 20))
        archive.writestr("y.npy", _member("(1,)", "<i8", bytes(8)))
    path = tmp_path / "bomb.npz"
    path.write_bytes(bomb.getvalue())
    assert path.stat().st_size < 1 << 21
    assert Arrays(path, "dataset")["y"].tolist() == [0]
    code = ("import sys; from edge_dassdp.data.datasets import load_part\n"
            "from edge_dassdp.base.errors import EdgeError\n"
            "try: load_part(sys.argv[1], 'train')\n"
            "except EdgeError as refused: print(refused.code)\n"
            "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])")
    told = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True,
                          check=True, cwd=ROOT).stdout.split()
    assert told[0] == "E103" and int(told[1]) < 200_000, told


def test_a_member_that_nobody_asks_for_is_not_unpacked(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", {"format": "kind/1"}, {"w": np.arange(5)})
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("other.npy", _member("(1099511627776,)"))
        archive.writestr("notes.txt", "x")
    header, arrays = read_npz(tmp_path / "a.npz", "kind/1")
    assert header == {"format": "kind/1"} and arrays["w"].tolist() == [0, 1, 2, 3, 4]
    assert sorted(arrays) == ["other", "w"] and len(arrays) == 2 and "w" in arrays


def test_arrays_are_what_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wanted = {"f": np.asfortranarray(rng.normal(size=(3, 4))), "b": np.arange(3, dtype=">i2"),
              "s": np.array(2.5), "t": np.array(["a", "bc"]), "e": np.zeros((0, 3)),
              "m": np.array([True, False])}
    np.savez_compressed(tmp_path / "a.npz", **wanted)
    read = Arrays(tmp_path / "a.npz", "dataset")
    for name, array in wanted.items():
        assert np.array_equal(read[name], array) and read[name].shape == array.shape
        assert read[name].dtype == array.dtype.newbyteorder("=")


def test_headers_that_are_none(tmp_path: Path) -> None:
    for text in (b"[1]", b"{", b"[" * 100_000, b"\xff", b"", b'{"format": "\\u001b[2J"}'):
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("header.npy", _member(f"({len(text)},)", "|u1", text))
        with pytest.raises(EdgeError) as refused:
            read_npz(tmp_path / "a.npz", "kind/1")
        assert refused.value.code == "E103" and "\x1b" not in str(refused.value)
