"""Archives of arrays with a JSON header, the same bytes every time."""

from __future__ import annotations

import io
import json
import operator
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.storage.files import replacing
from edge_dassdp.storage.foreign import unread


def write_npz(path: Path | str | IO[bytes], header: dict[str, Any],
              arrays: dict[str, NDArray[Any]]) -> None:
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
        with replacing(path) as part:
            part.write_bytes(whole.getvalue())
    else:
        path.write(whole.getvalue())


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    data = io.BytesIO(archive.read(name))
    return np.asarray(np.lib.format.read_array(data, allow_pickle=False))


def read_npz(path: Path | str, kind: str, *others: str
             ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays of a file written by `write_npz`; EdgeError E103 if it is not of `kind` or
    one of the others."""
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name.removesuffix(".npy"): _member(archive, name)
                      for name in archive.namelist()}
        header = json.loads(arrays.pop("header").tobytes().decode())
    except (OSError, KeyError, ValueError, EOFError, NotImplementedError, RuntimeError,
            RecursionError, MemoryError, OverflowError, zipfile.BadZipFile, zlib.error) as problem:
        raise unread(path, kind.split("/")[1], str(problem)) from None
    found = header.get("format") if isinstance(header, dict) else None
    if found not in (kind, *others):
        raise unread(path, kind.split("/")[1], f"it is of format {found}, expected {kind}")
    return header, arrays
