"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge_dassdp.base.errors import EdgeError


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A path to write to, in the folder of `path` and of its suffix; when the block ends well it
    takes the place of `path` in one step, otherwise `path` stays what it was.

    What is no regular file, /dev/stdout for instance, is written to as it is. Raises EdgeError E103
    where the file cannot be written.
    """
    final = Path(os.path.realpath(path))
    if final.exists() and not final.is_file():
        yield final
        return
    part = final.with_name(f".{final.stem}.{os.getpid()}.part{final.suffix}")
    try:
        yield part
        part.replace(final)
    except OSError as problem:
        raise EdgeError("E103", f"{path} cannot be written",
                        cause=problem.strerror or str(problem)) from None
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text with \\n as it stands, whole or not at all. Raises EdgeError E103."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def copy(source: Path, path: Path | str) -> None:
    """Copy a file's bytes, whole or not at all. Raises EdgeError E103."""
    with replacing(path) as part:
        part.write_bytes(source.read_bytes())


def are_one(a: Path, b: Path) -> bool:
    """Whether two paths name one file, through links as well."""
    if a.exists() and b.exists():
        return a.samefile(b)
    return os.path.realpath(a) == os.path.realpath(b)


@contextmanager
def alone_in(folder: Path, *, waits: bool = False) -> Iterator[None]:
    """Make a folder, and be the only process that is in such a block with it; one that died is not.

    waits: for another one to leave. Else EdgeError E103, as where the folder cannot be made.
    """
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as problem:
        raise EdgeError("E103", f"{folder} cannot be written",
                        cause=problem.strerror or str(problem)) from None
    try:
        with suppress(OSError):  # some file systems have no locks
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            except BlockingIOError:
                raise EdgeError("E103", f"another run is writing to {folder}",
                                help="wait until it has ended, or name another folder") from None
        yield
    finally:
        os.close(lock)
