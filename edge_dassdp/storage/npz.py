"""Archives of arrays with a JSON header, the same bytes every time; and any .npz, read with care.

An archive from elsewhere is believed nothing: a member is unpacked only when it is asked for, into
no more bytes than its array has and than the file may hold.
"""

from __future__ import annotations

import io
import json
import math
import operator
import os
import zipfile
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.files import write_bytes
from edge_dassdp.storage.foreign import reading, unread

ROOM_BYTES, MOST_RATIO = 1 << 28, 100
"""What the arrays of a file may unpack to: ROOM_BYTES, or MOST_RATIO times its size."""


def write_npz(path: Path | str | IO[bytes], header: dict[str, Any],
              arrays: Mapping[str, NDArray[Any]]) -> None:
    """A deterministic .npz: fixed timestamps, sorted members, the header as JSON in `header`.

    Whole or not at all: EdgeError E103 where it cannot be written.
    """
    text = json.dumps(header, sort_keys=True, default=operator.index)
    members = {"header": np.frombuffer(text.encode(), dtype=np.uint8), **arrays}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(members[name]),
                                      allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(),
                             zipfile.ZIP_DEFLATED)
    if isinstance(path, str | Path):
        write_bytes(path, whole.getvalue())
    else:
        path.write(whole.getvalue())


class Arrays(MutableMapping[str, NDArray[Any]]):
    """The arrays of an .npz by name, each unpacked when it is first asked for.

    Raises EdgeError E103, which says what the file is, for one that is no .npz, and for an array
    that is damaged, holds objects, or would unpack to more than the file may.
    """

    def __init__(self, path: Path | str, wanted: str) -> None:
        """wanted: what the file should be, a key of `foreign.WANTED`."""
        self._path, self._wanted = path, wanted
        with reading(path, wanted):
            if not os.path.isfile(path):
                raise unread(path, wanted)
            self._room = max(ROOM_BYTES, MOST_RATIO * Path(path).stat().st_size)
            with zipfile.ZipFile(path) as archive:
                names = [name.removesuffix(".npy") for name in archive.namelist()
                         if name.endswith(".npy")]
        self.has_header = "header" in names
        self._read: dict[str, NDArray[Any] | None] = {n: None for n in names if n != "header"}

    @property
    def header(self) -> dict[str, Any]:
        """Of `write_npz`; E103 without one."""
        if not self.has_header:
            raise unread(self._path, self._wanted, "it has no header")
        with reading(self._path, self._wanted), zipfile.ZipFile(self._path) as archive:
            made = json.loads(self._unpacked(archive, archive.getinfo("header.npy")).tobytes())
            if not isinstance(made, dict):
                raise ValueError("its header is no mapping")
            return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)

    def __contains__(self, name: object) -> bool:
        return name in self._read

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = self._read[name]
        if array is None:
            with reading(self._path, self._wanted), zipfile.ZipFile(self._path) as archive:
                array = self._unpacked(archive, archive.getinfo(f"{name}.npy"))
            self._read[name] = array
        return array

    def __setitem__(self, name: str, array: NDArray[Any]) -> None:
        """In memory, not in the file."""
        self._read[name] = array

    def __delitem__(self, name: str) -> None:
        del self._read[name]

    def _unpacked(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{member.filename} is packed in a way that NumPy does not know")
        if member.file_size > self._room:
            raise EdgeError("E103", f"{self._path} unpacks to more than {self._room:,} bytes",
                            cause=f"'{member.filename}' alone to {member.file_size:,}",
                            help="write it anew with np.savez, which does not pack")
        with archive.open(member) as file:
            array = _read(file, self._room, member.filename)
        self._room -= array.nbytes
        return array


def read_npy(path: Path | str) -> NDArray[Any]:
    """The array in a .npy. Raises EdgeError E103, which says what the file is, for another one, for
    one that holds objects, or more or fewer bytes than its shape says."""
    with reading(path, "array"):
        if not Path(path).is_file():
            raise unread(path, "array")
        with Path(path).open("rb") as file:
            return _read(file, max(Path(path).stat().st_size, 1 << 16), Path(path).name)


def _read(file: IO[bytes], room: int, name: str) -> NDArray[Any]:
    """A whole .npy, of at most `room` bytes."""
    shape, is_fortran, dtype = _described(file)
    n_bytes = _bytes_of(shape, dtype, room)
    data = bytearray(file.read(n_bytes))
    if len(data) != n_bytes or file.read(1):
        raise ValueError(f"{name} has more or fewer bytes than its shape")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _described(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and type, as a .npy says them."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"a .npy of version {version}")
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) \
        else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = header(file)
    if dtype.hasobject:
        raise ValueError("an array of Python objects, a pickle, which is not read")
    return shape, is_fortran, dtype


def _bytes_of(shape: tuple[int, ...], dtype: np.dtype[Any], room: int) -> int:
    """Of an array. ValueError where it is larger than room, or would be but for a side of 0."""
    entries = math.prod(max(side, 1) for side in shape)
    if min(shape, default=0) < 0 or dtype.itemsize == 0 or entries * dtype.itemsize > room:
        raise ValueError(f"an array of shape {shape} and type {dtype}, more than {room:,} bytes")
    return math.prod(shape) * dtype.itemsize


def read_npz(path: Path | str, kind: str, *others: str) -> tuple[dict[str, Any], Arrays]:
    """Header and arrays of a file written by `write_npz`; EdgeError E103 if it is not of `kind` or
    one of the others."""
    wanted = kind.split("/")[1]
    arrays = Arrays(path, wanted)
    header = arrays.header
    if (found := header.get("format")) not in (kind, *others):
        raise unread(path, wanted, f"it is of format {found}, expected {kind}")
    return header, arrays
