"""Files as a bad disk, a cut-off writer or somebody with a hex editor leaves them.

`mutated` changes the bytes of any file, and unpacks archives to change what lies in them with sums
made right; `changed_model` changes one field of a quantized network, its SHA-256 made right again.
"""

from __future__ import annotations

import copy
import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir.file import _network
from edge_dassdp.qir.network import FORMATS
from edge_dassdp.storage.npz import read_npz, write_npz

Rng = np.random.Generator
Change = Callable[[bytes, Rng], bytes]
NUMBERS = (0, 1, -1, 2, 3, 7, 8, 15, 16, 30, 31, 32, 64, 127, 128, 255, 256, 4095, 4096, 32767,
           32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**64)
WORDS = ("", "none", "first", "last", "subtract_delayed", "subtract_now", "zero_delayed",
         "zero_now", "subtract_once", "zero_delayed_all", "spike_count", "membrane_sum", "sum",
         "max", "latency", "rate", "delta", "out", "x", "\x1b[31m", "a" * 300)


# ---- bytes of any file ---------------------------------------------------------------------------


def _flipped(data: bytes, rng: Rng) -> bytes:
    made = bytearray(data)
    for place in rng.integers(len(made), size=rng.integers(1, 9)):
        made[place] ^= 1 << int(rng.integers(8))
    return bytes(made)


def _overwritten(data: bytes, rng: Rng) -> bytes:
    at, n = int(rng.integers(len(data))), int(rng.integers(1, 65))
    run = rng.bytes(n) if rng.random() < 0.5 else bytes([int(rng.choice([0, 255]))]) * n
    return data[:at] + run + data[at + n :]


def _cut(data: bytes, rng: Rng) -> bytes:
    return data[: rng.integers(len(data))]


def _inserted(data: bytes, rng: Rng) -> bytes:
    at = int(rng.integers(len(data)))
    return data[:at] + rng.bytes(int(rng.integers(1, 257))) + data[at:]


def _repeated(data: bytes, rng: Rng) -> bytes:
    begin, end = sorted(map(int, rng.integers(len(data), size=2)))
    return data[:end] + data[begin:end] + data[end:]


def _left_out(data: bytes, rng: Rng) -> bytes:
    begin, end = sorted(map(int, rng.integers(len(data), size=2)))
    return data[:begin] + data[end:]


def _number(data: bytes, rng: Rng) -> bytes:
    """A size or an offset is another."""
    layout = str(rng.choice(["<H", "<I", "<Q", ">I"]))
    n = struct.calcsize(layout)
    at = int(rng.integers(max(len(data) - n, 1)))
    value = int(rng.choice(NUMBERS[:-1])) % (1 << 8 * n)
    return data[:at] + struct.pack(layout, value) + data[at + n :]


CHANGES: tuple[Change, ...] = (_flipped, _overwritten, _cut, _inserted, _repeated, _left_out,
                               _number)


# ---- members of an archive -----------------------------------------------------------------------


def _lying(member: bytes, rng: Rng) -> bytes:
    """A .npy that says another shape or type than its bytes have."""
    begin, end = member.find(b"{"), member.find(b"\n")
    if member[:6] != b"\x93NUMPY" or begin < 0 or end < 0:
        return _flipped(member, rng) if member else b"\0"
    shape = str(rng.choice(["()", "(1,)", "(0,)", "(-1,)", "(1099511627776,)", "(2147483647, 4096)",
                            "(0, 1000000000000)", "(7, 3, 2)", "'x'"]))
    kind = str(rng.choice(["<f8", "<i8", "|u1", "<f4", "|O", "<U9999", "<c16", "|S0", "<M8[s]",
                           "|V3", ">i2", "xx"]))
    text = f"{{'descr': {kind!r}, 'fortran_order': {rng.random() < 0.3}, 'shape': {shape}, }}"
    return member[:begin] + text.encode().ljust(end - begin) + member[end:]


def _members(data: bytes, rng: Rng) -> bytes:
    """An archive of which a member is changed, renamed, gone, there twice, or huge."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    at, how = int(rng.integers(len(members))), int(rng.integers(7))
    name, member = members[at]
    if how < 2:
        members[at] = name, CHANGES[rng.integers(len(CHANGES))](member, rng)
    elif how == 2:
        members[at] = name, _lying(member, rng)
    elif how == 3:
        del members[at]
    elif how == 4:
        members[at] = members[rng.integers(len(members))][0], member
    elif how == 5:
        members[at] = name, member + bytes(1 << 22)
    else:
        members.append(("other.npy", rng.bytes(64)))
    return _archive(members, zipfile.ZIP_LZMA if rng.random() < 0.1 else zipfile.ZIP_DEFLATED)


def _archive(members: list[tuple[str, bytes]], compression: int) -> bytes:
    whole = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(whole, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, member in members:
            archive.writestr(zipfile.ZipInfo(name), member, compression)
    return whole.getvalue()


def _header(data: bytes, rng: Rng) -> bytes:
    """An archive of which one value of the JSON header is another."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    places = [i for i, (name, _) in enumerate(members) if name == "header.npy"]
    if not places:
        return _members(data, rng)
    array = np.load(io.BytesIO(members[places[0]][1]))
    header = json.loads(array.tobytes())
    change_value(header, rng)
    text = io.BytesIO()
    np.save(text, np.frombuffer(json.dumps(header).encode(), np.uint8))
    members[places[0]] = "header.npy", text.getvalue()
    return _archive(members, zipfile.ZIP_DEFLATED)


TEXTS = ("", "0", "-1", "1e999", "nan", "true", "99999999999999999999", "[]", "[1, 2]", "{}", "''",
         '"x"', '"{0}"', '"{elf.x}"', '"\\u001b[2J"', '"-wrapper"', '"' + "a" * 300 + '"', "[[1]]")


def _lines(data: bytes, rng: Rng) -> bytes:
    """A text of which a line is gone, there twice, elsewhere, or says another value."""
    lines = data.decode().split("\n")
    at, other, how = (int(rng.integers(n)) for n in (len(lines), len(lines), 6))
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(other, lines[at])
    elif how == 2:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        name, sign, _ = lines[at].partition("=" if "=" in lines[at] else ":")
        lines[at] = f"{name}{sign} {TEXTS[rng.integers(len(TEXTS))]}"
    return "\n".join(lines).encode()


def mutated(data: bytes, rng: Rng) -> bytes:
    """The bytes of a file with one to three changes; those of an archive inside it, too, and those
    of a text by lines."""
    if b"\0" not in data and rng.random() < 0.7:
        return _lines(data, rng)
    if data[:2] == b"PK" and rng.random() < 0.6:
        return _header(data, rng) if rng.random() < 0.4 else _members(data, rng)
    for _ in range(rng.integers(1, 4)):
        data = CHANGES[rng.integers(len(CHANGES))](data, rng) or b"\0"
    return data


# ---- values --------------------------------------------------------------------------------------


Place = tuple[Any, Any]
"""A container and the key of one of its values."""


def places(tree: Any) -> Iterator[Place]:
    """Every value below a mapping or list."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from places(tree[key])


def change_value(tree: Any, rng: Rng, besides: tuple[str, ...] = ()) -> str:
    """Gives one value below `tree` another one, in place; says which, and what it is now."""
    found = [(t, key) for t, key in places(tree) if key not in besides]
    container, key = found[rng.integers(len(found))]
    before = container[key]
    container[key] = _another(before, rng)
    return f"{key}: {str(before)[:80]} is {str(container[key])[:80]}"


def _another(value: Any, rng: Rng) -> Any:
    if rng.random() < 0.1:  # another kind of value
        return [None, True, 0, 1.5, "x", [], {}, [[1]], float("nan"), -1][rng.integers(10)]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        near = (value + 1, value - 1, 2 * value, value // 2, -value)
        return int(near[rng.integers(5)] if rng.random() < 0.5
                   else NUMBERS[rng.integers(len(NUMBERS))])
    if isinstance(value, float):
        return float([0.0, -1.0, 2.0, 1e300, float("inf"), value / 2][rng.integers(6)])
    if isinstance(value, str):
        return WORDS[rng.integers(len(WORDS))]
    if isinstance(value, list) and value:
        return [value[:-1], value + value[:1], value[::-1], []][rng.integers(4)]
    if isinstance(value, dict) and value:
        return {k: v for k, v in value.items() if k != list(value)[rng.integers(len(value))]}
    return [None, 0, 1, {"node": "Pool", "kind": "sum", "kernel": [1, 1], "stride": [1, 1]},
            {"node": "Conv"}][rng.integers(5)]


def change_array(array: NDArray[Any], rng: Rng) -> NDArray[Any]:
    """Another array: one entry, all of them, its shape or its type."""
    if array.dtype.kind not in "iuf" or not array.size:
        return np.zeros(3, np.int64)
    made = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
    how = rng.integers(9 if made.ndim else 6)
    info = np.iinfo(array.dtype if array.dtype.kind in "iu" else np.int16)
    if how < 4:
        made.flat[rng.integers(made.size)] = rng.integers(info.min, info.max, endpoint=True) \
            if how < 2 else rng.choice([0, 1, -1, 127, -128, 255, 32767, info.max, info.min])
    elif how == 4:
        made[...] = rng.choice([0, 1, 127, -128, 32767])
    elif how == 5:
        made = made * int(rng.choice([-1, 2, 16]))
    elif how == 6:
        made = made.reshape(-1)[: max(1, made.size // 2)]
    elif how == 7:
        made = np.concatenate([made, made])
    else:
        made = np.ascontiguousarray(made.T)
    return made


# ---- quantized networks --------------------------------------------------------------------------


@dataclass(frozen=True)
class Changed:
    """What was changed, and whether the SHA-256 could be made right: of values that make no network
    there is none."""

    what: str
    is_right: bool


def changed_model(source: Path, target: Path, rng: Rng) -> Changed:
    """Writes a quantized network of which one field is another, with the SHA-256 of what it is
    now."""
    header, read = read_npz(source, *FORMATS)
    arrays = dict(read)
    if rng.random() < 0.6:
        what = change_value(header, rng, ("format", "sha256", "array"))
    else:
        name = sorted(arrays)[rng.integers(len(arrays))]
        before, arrays[name] = arrays[name], change_array(arrays[name], rng)
        what = f"{name}: {before.shape} {before.ravel()[:6]!s} is {arrays[name].shape} " \
               f"{arrays[name].ravel()[:6]!s}"
    anew = copy.deepcopy(header)
    anew.pop("sha256")
    try:
        header["sha256"], is_right = _network(anew, arrays).sha256, True
    except Exception:
        is_right = False
    write_npz(target, header, arrays)
    return Changed(what, is_right)
