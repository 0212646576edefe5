"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from edge_dassdp.base.errors import EdgeError


@contextmanager
def replacing(path: Path | str, *, sync: bool = True, private: bool = False) -> Iterator[Path]:
    """A path to write to, in the folder of `path` and of its suffix; when the block ends well it
    takes the place of `path` in one step, otherwise `path` stays what it was.

    So it is after a cut of power, too: the new file is on the medium before the old one goes. sync:
    False for what is made again anyway. private: no other user may read it. What is no regular
    file, /dev/stdout for instance, is written to as it is. Raises EdgeError E103 where the file
    cannot be written.
    """
    is_plain = os.path.isfile(path) or not os.path.exists(path)  # a pipe's real path is none
    final = Path(os.path.realpath(path)) if is_plain else Path(path)
    part = final.parent / f".{final.stem}.{secrets.token_hex(4)}.part{final.suffix}"
    try:
        if private and is_plain:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part if is_plain else final
        if is_plain:
            _put(part, final, sync, private)
    except OSError as problem:
        raise EdgeError("E103", f"{path} cannot be written",
                        cause=problem.strerror or str(problem),
                        help="what was there is still there; give a folder that has room and that "
                        "you may write to") from None
    finally:
        with suppress(OSError):  # it is gone, or never was
            part.unlink()


def _put(part: Path, final: Path, sync: bool, private: bool) -> None:
    """A finished part in the place of the file, whose mode it takes unless it is private."""
    if sync:
        _sync(part, os.O_RDWR)
    if final.exists() and not private:
        shutil.copymode(final, part)
    part.replace(final)
    if sync and hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):  # not every file system can
            _sync(final.parent, os.O_RDONLY)


def _sync(path: Path, how: int) -> None:
    """Wait until a file, or the names in a folder, are on the medium."""
    opened = os.open(path, how)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_text(path: Path | str, text: str, *, sync: bool = True, private: bool = False) -> None:
    """Write UTF-8 text with \\n as it stands, whole or not at all. private: for this user alone.
    Raises EdgeError E103."""
    with replacing(path, sync=sync, private=private) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(path: Path | str, data: bytes, *, private: bool = False) -> None:
    """Write bytes, whole or not at all. private: for this user alone. Raises EdgeError E103."""
    with replacing(path, private=private) as part:
        part.write_bytes(data)


def room_for(path: Path | str, n_bytes: int) -> IO[bytes] | None:
    """Room for n_bytes beside `path`, taken until what is given is closed or this process ends;
    None where `path` is no regular file. Raises EdgeError E103 where there is none."""
    if os.path.exists(path) and not os.path.isfile(path):
        return None
    try:
        taken = tempfile.TemporaryFile(  # noqa: SIM115
            dir=os.path.dirname(os.path.realpath(path)))
        try:
            _take(taken, n_bytes)
        except BaseException:
            taken.close()
            raise
    except OSError as problem:
        raise EdgeError("E103", f"{path} cannot be written",
                        cause=problem.strerror or str(problem),
                        help=f"give a folder that has room for {n_bytes:,} bytes and that you may "
                        "write to") from None
    return taken


def _take(file: IO[bytes], n_bytes: int) -> None:
    """On the medium, where the system can promise it; else what is written there."""
    try:
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    except (AttributeError, OSError) as problem:
        if getattr(problem, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        file.write(bytes(n_bytes))
        file.flush()


def copy(source: Path, path: Path | str, *, private: bool = False) -> None:
    """Copy a file's bytes, whole or not at all. private: for this user alone. Raises EdgeError
    E103."""
    write_bytes(path, source.read_bytes(), private=private)


def sha256_of(path: Path) -> str:
    """Of a file's bytes; of a folder's files, names and bytes, in the order of their names."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for file_path in sorted(p for p in path.rglob("*") if p.is_file()):
        name = os.fsencode(file_path.relative_to(path).as_posix())
        whole.update(name + b"\0" + bytes.fromhex(sha256_of(file_path)))
    return whole.hexdigest()


def make_private(folder: Path) -> None:
    """Take from all other users what they may do with the files below a folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o700)


def are_one(a: Path, b: Path) -> bool:
    """Whether two paths name one file, through links as well."""
    if a.exists() and b.exists():
        return a.samefile(b)
    return os.path.realpath(a) == os.path.realpath(b)


def hold(descriptor: int, path: Path, kind: str, *, waits: bool = False) -> None:
    """Be the only process that holds what is open there, until it closes it or dies. Raises
    EdgeError E103 where another one does, unless it waits. kind: file or folder."""
    with suppress(OSError, ImportError):  # some file systems have no locks, nor has Windows these
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            raise EdgeError("E103", f"another run is writing to {path}",
                            help=f"wait until it has ended, or name another {kind}") from None


@contextmanager
def alone_in(folder: Path, *, waits: bool = False) -> Iterator[None]:
    """Make a folder, and be the only process that is in such a block with it; one that died is not.

    waits: for another one to leave. Else EdgeError E103, as where the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY) if hasattr(os, "O_DIRECTORY") else None
    except OSError as problem:
        raise EdgeError("E103", f"{folder} cannot be written",
                        cause=problem.strerror or str(problem)) from None
    try:
        if lock is not None:
            hold(lock, folder, "folder", waits=waits)
        yield
    finally:
        if lock is not None:
            os.close(lock)
