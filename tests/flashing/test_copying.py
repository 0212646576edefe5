"""A copy is whole and taken, or it is told what became of it."""

from __future__ import annotations

import errno
import os
import pty
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import board_drives
from support.board_drives import debugger, goes, remounts

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.flashing.copying import Patience, copy_to
from edge_dassdp.flashing.drives import look
from edge_dassdp.flashing.volumes import Volume

DATA = os.urandom(30_000)
SHORT = Patience(begin_s=0.5, back_s=1.0)


def copied(root: Path, *others: Path, is_read_only: bool = False) -> Any:
    drive = look(Volume(root, root.name, is_read_only))
    return copy_to(drive, "firmware.hex", DATA,
                   lambda: [r for r in (root, *others) if r.exists()], SHORT)


def refused(root: Path, *others: Path, is_read_only: bool = False) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        copied(root, *others, is_read_only=is_read_only)
    assert caught.value.code == "E508" and caught.value.help
    return caught.value


@pytest.mark.parametrize("make", [board_drives.daplink, board_drives.st_link])
def test_a_drive_that_is_renewed_without_fail_txt_has_programmed_its_board(
        tmp_path: Path, make: Callable[[Path], Path]) -> None:
    root = make(tmp_path / "MICROBIT")
    with debugger(root, len(DATA), remounts(make)) as got:
        taken = copied(root)
    assert got == [DATA] and taken.is_sure and "no failure" in taken.said


def test_fail_txt_is_the_error(tmp_path: Path) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    words = "error: The interface firmware FAILED to reset/halt the target MCU\r\ntype: target\r\n"
    with debugger(root, len(DATA), remounts(board_drives.daplink, words)):
        told = refused(root)
    assert told.cause == "error: The interface firmware FAILED to reset/halt the target MCU; " \
        "type: target"
    # the next copy clears it
    with debugger(root, len(DATA), remounts(board_drives.daplink)):
        assert copied(root).is_sure
    (root / "FAIL.TXT").write_text("of old")
    with debugger(root, len(DATA), remounts(board_drives.daplink, "of old")):
        assert refused(root).cause == "of old"


def test_an_old_fail_txt_that_stays_is_no_success(tmp_path: Path) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    (root / "FAIL.TXT").write_text("of old")
    assert refused(root).cause == "of old"


def test_a_drive_that_does_nothing_is_not_called_sure(tmp_path: Path) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    taken = copied(root)
    assert not taken.is_sure and (root / "firmware.hex").read_bytes() == DATA


def test_a_drive_that_goes_for_good_has_programmed_a_boot_roms_board_alone(tmp_path: Path) -> None:
    root = board_drives.boot_rom(tmp_path / "RPI-RP2")
    with debugger(root, len(DATA), goes):
        assert copied(root).is_sure
    root = board_drives.daplink(tmp_path / "MICROBIT")
    with debugger(root, len(DATA), goes):
        told = refused(root)
    assert "did not come back" in told.message and "not known" in told.cause


def test_the_drive_of_another_board_of_the_kind_is_not_taken_for_it(tmp_path: Path) -> None:
    root, other = (board_drives.daplink(tmp_path / name) for name in ("MICROBIT", "MICROBIT1"))
    with debugger(root, len(DATA), goes):
        refused(root, other)
    root = board_drives.daplink(tmp_path / "MICROBIT")
    elsewhere = tmp_path / "MICROBIT2"

    def renamed(folder: Path, data: bytes) -> None:
        goes(folder, data)
        board_drives.daplink(elsewhere)

    with debugger(root, len(DATA), renamed):
        assert copied(root, other, elsewhere).is_sure


def test_a_full_drive_is_told_and_nothing_of_the_file_stays(tmp_path: Path) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    (root / "firmware.hex").symlink_to("/dev/full")
    told = refused(root)
    assert "No space left" in told.cause and "Plug the board in again" in told.help
    assert not (root / "firmware.hex").exists()


def test_room_is_looked_for_before_anything_is_written() -> None:
    assert "has room for 0 B, and firmware.hex has 30,000" in refused(Path("/proc")).cause


def test_a_read_only_drive_is_told(tmp_path: Path) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    told = refused(root, is_read_only=True)
    assert "read-only" in told.cause and not (root / "firmware.hex").exists()


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    root = board_drives.daplink(tmp_path / "MICROBIT")
    (root / "firmware.hex").mkdir()
    assert "Is a directory" in refused(root).cause


@pytest.mark.parametrize("n_bytes", [1, 4096, 9000])
def test_a_drive_that_goes_midway_is_told_with_how_much_it_got(tmp_path: Path,
                                                               n_bytes: int) -> None:
    """A file whose other end goes: the system says what it says of a drive that is pulled out."""
    root = board_drives.daplink(tmp_path / "MICROBIT")
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    (root / "firmware.hex").symlink_to(os.ttyname(theirs))

    def take() -> None:
        left = n_bytes
        while left:
            left -= len(os.read(ours, min(left, 512)))
        os.close(theirs)
        os.close(ours)

    thread = threading.Thread(target=take)
    thread.start()
    told = refused(root)
    thread.join()
    assert "went while firmware.hex was copied" in told.message
    assert f"of {len(DATA):,} B were copied" in told.cause


def test_a_drive_that_went_before_is_told(tmp_path: Path) -> None:
    drive = look(Volume(board_drives.daplink(tmp_path / "MICROBIT"), "MICROBIT"))
    goes(drive.root, b"")
    with pytest.raises(EdgeError, match="went while") as caught:
        copy_to(drive, "firmware.hex", DATA, list, SHORT)
    assert "0 of 30,000 B" in caught.value.cause and not drive.root.exists()


@pytest.mark.parametrize(("make", "comes_back", "is_error"), [
    (board_drives.daplink, False, True), (board_drives.daplink, True, False),
    (board_drives.boot_rom, False, False)])
def test_a_drive_that_goes_before_all_is_on_its_medium_is_never_sure(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path],
        comes_back: bool, is_error: bool) -> None:
    root = make(tmp_path / "MICROBIT")

    def sync(file: int) -> None:
        goes(root, b"")
        if comes_back:
            make(root)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", sync)
    if is_error:
        refused(root)
    else:
        assert not copied(root).is_sure
