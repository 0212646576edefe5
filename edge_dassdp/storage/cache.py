"""What is kept between runs: folders of files, believed only while they are what was put there.

The cache folder is $EDGE_DASSDP_CACHE, or edge-dassdp in $XDG_CACHE_HOME or ~/.cache; where there
is no home, or none that can be written, one of this user's in the folder of temporary files. Nobody
else may be able to write there, for what it holds is run.

An entry is a folder with the SHA-256 of each of its files, bound to its name. What is not whole,
whatever happened to it, is made anew. An entry is renamed into place, so processes may make the
same one at once, and one that is cut off leaves none. One that was not asked for in 30 days is
removed when the next is made beside it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.files import alone_in

VARIABLE = "EDGE_DASSDP_CACHE"
SUMS = "SHA256SUMS"
_NAME = "edge-dassdp"
_UNFINISHED = "unfinished-"
_LEFT_S = 24 * 3600.0
_UNUSED_S = 30 * 24 * 3600.0
_ROOM = f"make room there, or set {VARIABLE} to a folder that can be written"


def cache_folder() -> Path:
    """Where things are kept: an absolute path to a folder, made if it is not there.

    Raises EdgeError E103 where it cannot be made, or somebody else can write there.
    """
    return next(_folders())


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of the entry `name`, whole: as it was kept, or else filled by `make`, which is
    given an empty folder.

    Raises EdgeError E103 where the cache cannot be written, and what `make` raises.
    """
    problem: EdgeError | None = None
    for folder in _folders():
        entry = folder / name
        if is_whole(entry):
            return _used(entry)
        try:
            unfinished = tempfile.TemporaryDirectory(dir=folder, prefix=_UNFINISHED,
                                                     ignore_cleanup_errors=True)
        except OSError as found:
            problem = _unwritable(folder, found)
            continue
        with unfinished as temporary:
            try:
                _make(Path(temporary), entry, make)
            except OSError as found:
                raise _unwritable(folder, found) from None
            except EdgeError as found:
                if found.code == "E103":  # a file below it
                    found.help = found.help or _ROOM
                raise
        _sweep(folder)
        _forget(entry.parent)
        return entry
    assert problem is not None
    raise problem


def found(name: str) -> Path | None:
    """The folder of the entry `name` if it is kept, and whole; nothing is made.

    Raises EdgeError E103 where there is no cache.
    """
    return next((_used(entry) for folder in _folders() if is_whole(entry := folder / name)), None)


def is_whole(entry: Path) -> bool:
    """Whether an entry holds what was kept there, no byte, no file more or less, and nobody else
    can write to it."""
    try:
        return (_is_private(entry.parent) and _is_private(entry) and (entry / SUMS).is_file()
                and (entry / SUMS).read_bytes() == _sums(entry, entry.name))
    except OSError:
        return False


def _used(entry: Path) -> Path:
    """It was asked for now, which _forget reads off its sums; a cache for reading alone stays."""
    with contextlib.suppress(OSError):
        os.utime(entry / SUMS)
    return entry


def _make(temporary: Path, entry: Path, make: Callable[[Path], None]) -> None:
    ready = temporary / "ready"
    ready.mkdir(mode=0o700)
    make(ready)
    (ready / SUMS).write_bytes(_sums(ready, entry.name))
    with alone_in(temporary.parent, waits=True):
        if not _is_private(entry.parent):
            if os.path.lexists(entry.parent):
                entry.parent.rename(temporary / "strange")
            entry.parent.mkdir(mode=0o700)
        if is_whole(entry):  # another process was first
            return
        if os.path.lexists(entry):
            entry.rename(temporary / "damaged")
        ready.rename(entry)


def _sweep(folder: Path) -> None:
    """Remove what processes left that were killed a day ago or before."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_S:
                shutil.rmtree(left)


@functools.cache
def _forget(folder: Path) -> None:
    """Remove what nobody asked for in 30 days: once a process, for there may be thousands."""
    with contextlib.suppress(OSError), \
            tempfile.TemporaryDirectory(dir=folder, prefix=_UNFINISHED,
                                        ignore_cleanup_errors=True) as temporary:
        for entry in list(folder.iterdir()):
            with contextlib.suppress(OSError):
                if time.time() - (entry / SUMS).stat().st_mtime > _UNUSED_S:
                    entry.rename(Path(temporary) / entry.name)


def _sums(entry: Path, name: str) -> bytes:
    """SHA-256 of all files, as sha256sum checks them; name and number stand above."""
    paths = sorted(p for p in entry.rglob("*") if p.is_file() and p != entry / SUMS)
    lines = [f"# {name}: {len(paths)} files"]
    for path in paths:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        lines.append(f"{digest}  {path.relative_to(entry).as_posix()}")
    return os.fsencode("\n".join([*lines, ""]))


def _folders() -> Iterator[Path]:
    """Folders to keep things in, the preferred first; those that cannot be made are left out."""
    problem = EdgeError("E103", "there is no folder to keep builds in",
                        cause="there is neither a home nor a folder of temporary files",
                        help=f"set {VARIABLE} to a folder that can be written")
    n_found = 0
    for path in _candidates():
        try:
            folder = path.absolute()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            strange = _strange(folder)
        except OSError as found:
            problem = _unwritable(path, found)
            continue
        if strange:
            raise EdgeError("E103", f"the cache folder {folder} is not trusted",
                            cause=f"{strange}, and what it holds is run",
                            help=f"set {VARIABLE} to a folder that only you can write to, or "
                                 "delete this one")
        n_found += 1
        yield folder
    if not n_found:
        raise problem


def _candidates() -> Iterator[Path]:
    own = os.environ.get(VARIABLE)
    if own:
        yield Path(os.path.expanduser(own))
        return
    with contextlib.suppress(RuntimeError):  # no home
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _NAME
    with contextlib.suppress(FileNotFoundError):  # no folder of temporary files
        yield Path(tempfile.gettempdir()) / f"{_NAME}-{os.geteuid() if os.name == 'posix' else 0}"


def _is_private(folder: Path) -> bool:
    """Whether it is a folder to which nobody else can write."""
    return folder.is_dir() and not _strange(folder)


def _strange(folder: Path) -> str:
    """Who else may write into a folder, or have put it there; "" if nobody."""
    if os.name != "posix":  # homes are private there
        return ""
    for info in (folder.lstat(), folder.stat()):
        if info.st_uid not in (0, os.geteuid()):
            return f"it belongs to user {info.st_uid}"
    if info.st_mode & stat.S_IWOTH or (info.st_mode & stat.S_IWGRP and not _is_mine(info.st_gid)):
        return f"others can write to it (chmod go-w {folder})"
    return ""


def _is_mine(group: int) -> bool:
    """Whether a group is this user's own: of the same name and without other members."""
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return (user.pw_gid == group and found.gr_name == user.pw_name
            and set(found.gr_mem) <= {user.pw_name})


def _unwritable(folder: Path, problem: OSError) -> EdgeError:
    return EdgeError("E103", f"the cache folder {folder} cannot be written",
                     cause=problem.strerror or str(problem),
                     help=_ROOM)
