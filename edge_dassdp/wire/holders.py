"""Which programs have a file open, as far as Linux tells in /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edge_dassdp.base.text import printable


def holders(path: str, proc: Path = Path("/proc")) -> dict[int, str]:
    """Names of the processes that have `path` open, by their numbers; of other users' processes
    root alone sees that."""
    real = os.path.realpath(path)
    numbers = sorted(int(p.name) for p in proc.glob("[0-9]*"))
    return {n: _name(proc / str(n)) for n in numbers if real in _opened(proc / str(n))}


def others(path: str) -> str:
    """The same without this one, as words: "minicom (process 12)"; "" where none is seen."""
    return ", ".join(f"{name} (process {number})" for number, name in holders(path).items()
                     if number != os.getpid())


def _opened(process: Path) -> Iterator[str]:
    """What a process has open; nothing where it has ended or is another user's."""
    with suppress(OSError):
        for file in os.scandir(process / "fd"):
            with suppress(OSError):
                yield os.readlink(file)


def _name(process: Path) -> str:
    try:
        return printable((process / "comm").read_text("utf-8", "replace").strip())
    except OSError:
        return "a program"
