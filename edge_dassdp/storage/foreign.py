"""What a file is that cannot be read as what was expected: named for it, with the next step.

A file is known by its first bytes, an archive by the names in it; nothing is unpacked or imported
for that.
"""

from __future__ import annotations

import json
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quoting import command

_HEAD = 4096
_MOST_TOLD = 200
"""Letters of what a library says."""
_MAX_HEADER = 2**24
"""Bytes of a header of ours that is looked into."""

WANTED = {
    "network": "a float network", "quantized": "a quantized network", "snapshot": "a snapshot",
    "lessons": "a log of lessons (JSON lines)",
    "dataset": "samples (.csv, .npy, or an .npz with x and y)",
    "csv": "a text file of values (CSV)",
    "current": "a log of current (CSV)",
    "array": "an array (.npy)", "nir": "a NIR file", "onnx": "an ONNX file",
    "board": "a board.toml", "watch": "a data set of the watch",
    "profile": "a profile of a calibration", "learning": "constants of learning (.toml)",
    "sensor": "the description of a sensor (.toml)", "run": "the record of a run (run.toml)",
    "svd": "a description of a chip (CMSIS-SVD)", "pack": "a CMSIS pack"}
"""What readers expect, by the word of its format."""
_OWN = {"network": "a float network", "quantized": "a quantized network", "snapshot": "a snapshot",
        "dataset": "a data set", "watch": "a data set of the watch", "features": "a feature model"}


@dataclass(frozen=True)
class Found:
    """kind: in keys of `_NEXT`. title: for messages. told: what is filled into its next step."""

    kind: str
    title: str
    told: Mapping[str, str] = field(default_factory=dict)


def unread(path: Path | str, wanted: str, cause: str = "", help: str = "",
           code: str = "E103") -> EdgeError:
    """The refusal of a file that is not what is wanted, a key of `WANTED` or words of its own.

    cause: what its reader said, told where the file is not known. help: where nothing better is
    known.
    """
    expected = WANTED.get(wanted, wanted)
    if not os.path.exists(path):
        return EdgeError(code, f"{path} does not exist", help="check the path: it is looked for "
                         f"from {Path.cwd()}" if not Path(path).is_absolute() else
                         "check the path")
    found = what_is(path)
    step = help or _BY_ITSELF.get(wanted, "")
    if found is None:
        return EdgeError(code, f"{path} is not {expected}", cause=cause, help=step)
    if found.kind == wanted:
        return EdgeError(code, f"{path} is {found.title} that is damaged or not complete",
                         cause=cause, help=step)
    better = _NEXT.get((wanted, found.kind), "").format(
        word=command(Path(path)), text=repr(str(path)), **found.told)
    return EdgeError(code, f"{path} is {found.title}, expected {expected}", help=better or step)


@contextmanager
def reading(path: Path | str, wanted: str, help: str = "") -> Iterator[None]:
    """A block that decodes a file which anybody may have written: libraries each raise what they
    like of a damaged one, and all of it becomes `unread`. Their warnings are not shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except EdgeError:
        raise
    except Exception as problem:
        is_missing = isinstance(problem, KeyError)
        raise unread(path, wanted, told(f"{problem} is missing" if is_missing else str(problem)
                                        or type(problem).__name__), help) from None


def told(text: str) -> str:
    """One line, of a length to be shown."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_TOLD else f"{line[:_MOST_TOLD]} ..."


def listed(names: Sequence[str]) -> str:
    """The first of some names."""
    return ", ".join(names[:4]) + ", ..." * (len(names) > 4)


def what_is(path: Path | str) -> Found | None:
    """What a file or a folder is; None where nothing tells it, or it cannot be read."""
    path = Path(path)
    if os.path.isdir(path):
        return Found("folder", "a folder")
    if os.path.exists(path) and not os.path.isfile(path):
        return Found("special", "not a regular file")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    if not head:
        return Found("empty", "an empty file")
    if head.startswith(b"PK"):
        return _archive(path)
    for is_it, found in _MAGICS:
        if is_it(head):
            return found
    return _text(head)


# ---- archives ------------------------------------------------------------------------------------


def _archive(path: Path) -> Found:
    try:
        with zipfile.ZipFile(path) as archive:
            return _members(archive)
    except Exception:  # a damaged archive raises what it likes
        return Found("zip", "a zip archive (.npz, .pt and .keras are such) that is damaged or "
                     "cut off")


def _members(archive: zipfile.ZipFile) -> Found:
    names = archive.namelist()
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last:
        return Found("torchscript", "a TorchScript file")
    if "data.pkl" in last:
        return Found("torch", "a PyTorch file (torch.save)")
    if "model.weights.h5" in last:
        return Found("keras", "a Keras model")
    if "header.npy" in last:
        return _own(archive)
    if names and all(name.endswith(".npy") for name in names):
        arrays = tuple(name.removesuffix(".npy") for name in names)
        first, second = (*arrays, "y")[:2]
        kind = "dataset" if "x" in arrays else "arrays"
        return Found(kind, f"an .npz with the arrays {listed(arrays)}", {"x": first, "y": second})
    if any(name.lower().endswith(".pdsc") for name in last):
        return Found("pack", "a CMSIS pack")
    if "[Content_Types].xml" in last:
        return Found("table", "a spreadsheet or document of Office")
    return Found("archive", "a zip archive of other files")


def _own(archive: zipfile.ZipFile) -> Found:
    found = ""
    with suppress(Exception), archive.open("header.npy") as member:
        text = member.read(_MAX_HEADER)
        found = str(json.loads(text[text.index(b"{", 128):])["format"])
    word = found.removeprefix("edge_dassdp/").partition("/")[0]
    version = f" of format {found}" if found else ""
    return Found(word, _OWN.get(word, "a file of edge-dassdp") + version)


# ---- by the first bytes --------------------------------------------------------------------------


def _begins(*magics: bytes, at: int = 0) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics, at)


def _is_safetensors(head: bytes) -> bool:
    return head[8:10] in (b'{"', b"{}") and int.from_bytes(head[:8], "little") < 2**32


def _is_onnx(head: bytes) -> bool:
    """ir_version, and one of the fields that writers put behind it."""
    return head[:1] == b"\x08" and b"\2" < head[1:2] < b" " and head[2:3] in (b"\x12", b":", b"B")


_KERAS = (b"keras_version", b"model_weights", b"layer_names", b"backend\x00")
_MAGICS: tuple[tuple[Callable[[bytes], bool], Found], ...] = (
    (lambda head: head.startswith(b"\x89HDF\r\n\x1a\n") and any(w in head for w in _KERAS),
     Found("keras", "a Keras model")),
    (_begins(b"\x89HDF\r\n\x1a\n"), Found("nir", "an HDF5 file (NIR files are such)")),
    (_begins(b"\x93NUMPY"), Found("array", "a single array (.npy)")),
    (lambda head: head[:1] == b"\x80" and b"\xfc\x9cF\xf9 j\xa8P\x19" in head[:32],
     Found("torch", "a PyTorch file (torch.save)")),
    (lambda head: head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"),
     Found("pickle", "a Python pickle")),
    (_begins(b"TFL3", at=4), Found("tensorflow", "a TensorFlow Lite model")),
    (_begins(b"ET1", at=4), Found("tensorflow", "an ExecuTorch program")),
    (_begins(b"\x08\x01\x12"), Found("tensorflow", "a TensorFlow SavedModel")),
    (_begins(b"dssp"), Found("snapshot", "a snapshot")),
    (_begins(b"GGUF"), Found("safetensors", "a GGUF file of weights")),
    (_is_safetensors, Found("safetensors", "a safetensors file of weights")),
    (_is_onnx, Found("onnx", "an ONNX file")),
    (_begins(b"\x7fELF"), Found("firmware", "a program (ELF)")),
    (_begins(b"UF2\n"), Found("firmware", "firmware (UF2)")),
    (_begins(b":02000", b":10", b":020"), Found("firmware", "firmware (Intel HEX)")),
    (_begins(b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"(\xb5/\xfd", b"Rar!"),
     Found("packed", "a packed file")),
    (_begins(b"ustar", at=257), Found("packed", "a tar archive")),
    (_begins(b"MATLAB 5.0"), Found("table", "a MATLAB file")),
    (_begins(b"PAR1"), Found("table", "a Parquet file")),
    (_begins(b"\0\0\x08\1", b"\0\0\x08\3"), Found("table", "a file of MNIST (IDX)")),
    (_begins(b"#!AER-DAT"), Found("table", "a recording of events (AEDAT)")),
    (_begins(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM"), Found("table", "an image")),
    (_begins(b"RIFF"), Found("table", "a sound or image (RIFF)")),
    (_begins(b"%PDF"), Found("text", "a PDF document")),
    (_begins(b"version https://git-lfs"), Found("pointer", "a pointer of Git LFS to a file")),
    (lambda head: b"<device" in head and b"<?xml" in head[:64],
     Found("svd", "a description of a chip (CMSIS-SVD)")),
    (lambda head: b"<package" in head and b"<?xml" in head[:64],
     Found("pdsc", "a pack's description (.pdsc)")),
    (lambda head: head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")),
     Found("page", "a web page")))


def _text(head: bytes) -> Found | None:
    """A text file by its first lines."""
    try:
        text = head.decode("utf-8-sig", "strict" if len(head) < _HEAD else "ignore")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    lines = [line for line in text.splitlines() if line.strip() and line[0] != "#"][:8]
    for kind, title, is_it in (
            ("json", "a JSON file", r'(\{\s*["}]|\[\s*[\[{"\d-])'),
            ("board", "a TOML file", r"\[+[\w.]+\]+\s*$|\w+\s*="),
            ("python", "a Python file", r"(import|from) \w|def \w+\(|class \w+\s*[(:]")):
        if lines and re.match(is_it, lines[0]):
            return Found(kind, title)
    return _values(lines[:-1] if len(head) == _HEAD else lines) or Found("text", "a text file")


def _values(lines: list[str]) -> Found | None:
    """Rows of as many values each, of numbers but for a first one of names."""
    for mark in (",", ";", "\t", None):
        rows = [line.split(mark) for line in lines]
        n_names = int(bool(rows) and not any(map(_is_number, rows[0])))
        if {len(row) for row in rows} - {1} and len({len(row) for row in rows}) == 1 and any(
                _is_number(value) for row in rows[n_names:] for value in row):
            return Found("csv", "a text file of values (CSV)")
    return None


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        float(text)
        return True
    return False


# ---- the next step -------------------------------------------------------------------------------

_MODULE = ("build the module in Python and load its weights (load_state_dict), then "
           "network = edge_dassdp.from_torch(module, n_steps=...) and "
           "edge_dassdp.save(network, 'network.npz')")
_AGAIN = "write it as a spiking network in PyTorch and import that: edge_dassdp.from_torch"
_BY_ITSELF = {
    "network": "give a .nir or .onnx file, or an .npz that edge_dassdp.save (ir.save) wrote",
    "quantized": "give the file that edge-dassdp quantize wrote",
    "snapshot": "give a file that `learn` or `run` wrote with --snapshot",
    "lessons": "give a file that `learn` wrote with --lessons, or a device's own (docs/state.md)",
    "dataset": "give an .npz with arrays x and y: np.savez('data.npz', x=x, y=y)",
    "csv": "give UTF-8 text, a row of numbers with its class for each sample (docs/data.md)",
    "current": "export it from the instrument's program as CSV, with its digital channels",
    "array": "write it again: np.save('data.npy', np.column_stack([x, y]))",
    "nir": "export it again: nir.write(path, graph)",
    "onnx": "export it again: torch.onnx.export(step, ..., path)",
    "profile": "give a file that `Profile.save` wrote",
    "learning": "give the file that `edge-dassdp tune` or `Learning.save` wrote",
    "sensor": "docs/sensor.md has an example to begin with",
    "board": "give the name of a board, or the path of its board.toml",
    "svd": "give the chip's .svd file: it is in the vendor's CMSIS pack",
    "pack": "give the vendor's .pack file of the chip's family"}
_FIRST = "quantize it first: edge-dassdp quantize {word} -o model.q.npz"
_TO_NPZ = "write its numbers as arrays: np.savez('data.npz', x=x, y=y)"
_NEXT: dict[tuple[str, str], str] = {
    **{(wanted, kind): step for wanted in ("network", "nir", "onnx", "quantized")
       for kind, step in (
           ("torch", _MODULE), ("pickle", _MODULE),
           ("torchscript", "import the module that was scripted: edge_dassdp.from_torch"),
           ("keras", _AGAIN), ("tensorflow", _AGAIN), ("safetensors", _MODULE),
           ("array", f"weights alone do not say what neurons do: {_MODULE}"),
           ("arrays", f"weights alone do not say what neurons do: {_MODULE}"),
           ("python", "run it, and import its module there: edge_dassdp.from_torch"),
           ("snapshot", "give the network that it was taken from"),
           ("dataset", "samples go to --data; give the network here"),
           ("board", "give it with --board"))},
    **{(wanted, kind): f"call it by its suffix: {name}" for wanted in ("network", "nir", "onnx")
       for kind, name in (("nir", "network.nir"), ("onnx", "network.onnx"),
                          ("network", "network.npz"))},
    **{(wanted, "quantized"): "build it: edge-dassdp build {word} --board stm32f405"
       for wanted in ("network", "nir", "onnx")},
    **{("quantized", kind): _FIRST for kind in ("network", "nir", "onnx")},
    **{("dataset", kind): "this is the model itself; give samples with --data, a .csv, or an "
       ".npz with arrays x and y" for kind in ("network", "quantized", "nir", "onnx", "snapshot")},
    **{(wanted, kind): f"call it by its suffix: {name}" for wanted in ("dataset", "csv", "array")
       for kind, name in (("csv", "data.csv"), ("array", "data.npy"), ("dataset", "data.npz"))},
    ("dataset", "torch"): "write its tensors as arrays: np.savez('data.npz', x=x.numpy(), "
    "y=y.numpy())",
    ("dataset", "arrays"): "call them x and y: d = np.load({text}); np.savez('data.npz', "
    "x=d['{x}'], y=d['{y}'])",
    **{("dataset", kind): _TO_NPZ for kind in ("table", "pickle", "json", "text", "keras")},
    **{("sensor", kind): "samples go to --data; --sensor takes a description in TOML, as in "
       "docs/sensor.md" for kind in ("dataset", "csv", "array", "arrays", "watch")},
    **{("sensor", kind): "this is the model itself; --sensor takes a description in TOML, as in "
       "docs/sensor.md" for kind in ("network", "quantized", "nir", "onnx")},
    **{(wanted, kind): step for wanted in WANTED for kind, step in (
        ("pointer", "fetch the file itself: git lfs pull"),
        ("page", "download the file itself; its address led to a page"),
        ("packed", "unpack it, and give the file that was in it"),
        ("archive", "unpack it, and give the file that was in it"),
        ("zip", "copy, download or write it again"),
        ("empty", "copy, download or write it again"),
        ("folder", "name a file in it"), ("special", "give the path of a file"))},
}
