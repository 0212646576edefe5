"""A firmware is copied to a drive, whole and onto the medium, and the drive is asked what it made
of it: it goes and comes back once it has programmed its board, with FAIL.TXT where it could not."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.flashing.drives import FAILURE, BoardDrive, failure, is_there

_POLL_S = 0.1
_GONE = {errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ENOTDIR, errno.ESTALE,
         errno.EBADF}
_REMEDIES = {
    errno.ENOSPC: "Plug the board in again: its drive is empty then.",
    errno.EROFS: "Plug the board in again, or mount its drive so that it can be written.",
    errno.EACCES: "Mount the drive for yourself: mount -o uid=$(id -u), or udisksctl mount.",
    errno.EPERM: "Mount the drive for yourself: mount -o uid=$(id -u), or udisksctl mount.",
}


@dataclass(frozen=True)
class Patience:
    """Seconds: for the drive to begin, and to come back when it went."""

    begin_s: float = 5.0
    back_s: float = 20.0


PATIENCE = Patience()


@dataclass(frozen=True)
class Taken:
    """What became of a program. said: in a sentence. is_sure: the programmer read it back, or says
    that all is well; else only the board can tell."""

    said: str
    is_sure: bool


def copy_to(drive: BoardDrive, name: str, data: bytes, again: Callable[[], list[Path]],
            patience: Patience | None = None) -> Taken:
    """Copy `data` to a drive as the file `name`. again: where the board's kind of drive is now.

    Raises EdgeError E508 where the drive is full, read-only or forbidden, goes before it has
    everything, or tells of a failure.
    """
    _require_room(drive, name, data)
    stale = failure(drive.root)
    path, others = drive.root / name, {*again()} - {drive.root}
    is_synced = _write(path, data, drive)
    taken = _watch(drive, path, bool(stale), lambda: [drive.root, *{*again()} - others],
                   patience or PATIENCE)
    if taken is None:
        if drive.is_boot_rom:
            return Taken("the drive went, as that of a boot ROM that has the whole file does",
                         is_synced)
        raise EdgeError(
            "E508", f"the drive {drive.root} went and did not come back",
            cause=f"whether it programmed {name} is not known",
            help=f"Plug the board in, and flash it again; {FAILURE} on its drive says what went "
                 "wrong.")
    return taken if is_synced else Taken(f"{taken.said}, but its medium was gone before the copy "
                                         "was known to be whole", False)


def _require_room(drive: BoardDrive, name: str, data: bytes) -> None:
    if drive.volume.is_read_only:
        raise _refused(drive, "it is mounted read-only", errno.EROFS)
    with suppress(OSError):  # what is not there is told when it is written
        old = drive.root / name
        free = shutil.disk_usage(drive.root).free + (old.stat().st_size if old.exists() else 0)
        if free < len(data):
            raise _refused(drive, f"it has room for {free:,} B, and {name} has {len(data):,}",
                           errno.ENOSPC)


def _write(path: Path, data: bytes, drive: BoardDrive) -> bool:
    """Whether the system says that all of it is on the medium; half of a file is taken away."""
    left = memoryview(data)
    try:
        with path.open("wb", buffering=0) as file:
            while left:
                left = left[file.write(left):]
            os.fsync(file.fileno())
        return True
    except OSError as problem:
        if not left and problem.errno in _GONE:
            return False  # it went once it had everything, or just before
        with suppress(OSError):
            path.unlink()
        if problem.errno in _GONE:
            raise EdgeError(
                "E508", f"the drive {drive.root} went while {path.name} was copied",
                cause=f"{len(data) - len(left):,} of {len(data):,} B were copied: "
                      f"{problem.strerror}",
                help="The board is half programmed at most: plug it in again, and flash it again."
            ) from None
        raise _refused(drive, problem.strerror or str(problem), problem.errno) from None


def _refused(drive: BoardDrive, cause: str, number: int | None) -> EdgeError:
    return EdgeError("E508", f"the board was not programmed: {drive.root} cannot be written",
                     cause=cause, help=_REMEDIES.get(number or 0, "Plug the board in again."))


def _watch(drive: BoardDrive, path: Path, had_failed: bool, again: Callable[[], list[Path]],
           patience: Patience) -> Taken | None:
    """What the drive makes of the file; None where it went for good. A failure that was told before
    counts once the drive was renewed, which takes both files away."""
    end_s = time.monotonic() + patience.begin_s
    while is_there(path):
        if not had_failed:
            _refuse_failed(drive.root)
        if time.monotonic() > end_s:
            _refuse_failed(drive.root)
            return Taken("the drive kept the file and tells of no failure", False)
        time.sleep(_POLL_S)
    end_s = time.monotonic() + (patience.begin_s if drive.is_boot_rom else patience.back_s)
    while time.monotonic() <= end_s:
        for root in again():
            if _is_listed(root):
                _refuse_failed(root)
                return Taken("the drive was renewed and tells of no failure", True)
        time.sleep(_POLL_S)
    return None


def _refuse_failed(root: Path) -> None:
    said = failure(root)
    if said:
        raise EdgeError("E508", f"the board was not programmed: {FAILURE} is on its drive",
                        cause=said, help="Plug the board in again, and flash it again; firmware of "
                                         "another board and an old debugger are refused so, too.")


def _is_listed(root: Path) -> bool:
    """Whether a volume is there: an empty folder is what one was mounted on."""
    try:
        return any(root.iterdir())
    except OSError:
        return False
