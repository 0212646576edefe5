"""What an HDF5 file holds, told on stdout: a program of its own, for the library that reads it may
hang, crash or fill the memory on a damaged one (edge_dassdp.frontends.nir.tree asks it).

A line of JSON, then the bytes of all arrays. A group is a mapping; a value is a text, rows of texts
["texts", rows], or an array ["array", type, shape, place of its first byte]. It imports nothing of
the package, so that it starts as soon as h5py does.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

ROOM_BYTES, MOST_RATIO = 1 << 28, 100
"""What the arrays of a file may take: ROOM_BYTES, or MOST_RATIO times its size."""
MEMORY_BYTES, CPU_SECONDS = 1 << 32, 20
MOST_DEPTH, MOST_VALUES = 32, 100_000


class Contents:
    """Values of an HDF5 file, by group."""

    def __init__(self, h5py: Any, room: int) -> None:
        self.h5py, self.room = h5py, room
        self.n_values = 0
        self.parts: list[bytes] = []
        self.n_bytes = 0

    def group(self, group: Any, depth: int = 0) -> dict[str, Any]:
        """ValueError for links to other files, and for more than anybody needs."""
        if depth > MOST_DEPTH:
            raise ValueError("its groups lie in each other without end")
        return {name: self.value(group, name, depth) for name in group}

    def value(self, group: Any, name: str, depth: int) -> Any:
        self.n_values += 1
        if self.n_values > MOST_VALUES:
            raise ValueError(f"it has more than {MOST_VALUES:,} values")
        if isinstance(group.get(name, getlink=True), self.h5py.ExternalLink):
            raise ValueError(f"'{name}' lies in another file")
        item = group[name]
        if isinstance(item, self.h5py.Group):
            return self.group(item, depth + 1)
        if item.external or item.is_virtual:
            raise ValueError(f"'{name}' lies in another file")
        self.room -= item.size * item.dtype.itemsize if item.size else 0
        if self.room < 0:
            raise ValueError(f"'{name}' of shape {item.shape} is too large for such a file")
        return self.described(item[()], name)

    def described(self, value: Any, name: str) -> Any:
        if isinstance(value, bytes | str):
            return value if isinstance(value, str) else value.decode("utf8")
        if getattr(value, "dtype", None) is None or value.dtype.kind not in "iufbOS":
            raise ValueError(f"'{name}' holds neither numbers nor texts")
        if value.dtype.kind in "OS":
            return ["texts", [[text.decode("utf8") if isinstance(text, bytes) else str(text)
                               for text in row] for row in value.reshape(len(value), -1)]]
        data = value.tobytes()
        place = ["array", value.dtype.str, list(value.shape), self.n_bytes]
        self.parts.append(data)
        self.n_bytes += len(data)
        return place


def limit() -> None:
    """Of this process, whoever still waits for it."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system can
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def main(path: str) -> int:
    import os

    import h5py

    limit()
    try:
        made = Contents(h5py, max(ROOM_BYTES, MOST_RATIO * os.path.getsize(path)))
        with h5py.File(path, "r") as file:
            told = made.group(file)
    except BaseException as problem:  # HDF5 and h5py raise what they like
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    for part in made.parts:
        sys.stdout.buffer.write(part)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
