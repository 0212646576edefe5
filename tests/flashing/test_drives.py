"""What drives say of themselves, and whose they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support import board_drives
from support.described import MICROBIT, NUCLEO, PICO, board

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.flashing.drives import failure, look, named
from edge_dassdp.flashing.volumes import Volume

BOARDS = {"microbit": board(**MICROBIT), "nucleo": board(**NUCLEO), "pico": board(**PICO)}


def test_each_kind_of_drive_says_whose_it_is(tmp_path: Path) -> None:
    made = {"microbit": board_drives.daplink(tmp_path / "MICROBIT"),
            "nucleo": board_drives.st_link(tmp_path / "NODE_F401RE"),
            "pico": board_drives.boot_rom(tmp_path / "RPI-RP2")}
    for name, root in made.items():
        drive = look(Volume(root, root.name))
        assert [n for n, b in BOARDS.items() if drive.is_of(b)] == [name]
    assert look(Volume(made["microbit"], "")).serial.startswith("9900")
    assert look(Volume(made["nucleo"], "")).serial.startswith("0720")
    assert look(Volume(made["pico"], "")).is_boot_rom


@pytest.mark.parametrize(("make", "of", "words"), [
    (lambda p: board_drives.daplink(p, "9904"), "microbit", ("9904", "9900 or 9901")),
    (lambda p: board_drives.st_link(p, "0740"), "nucleo", ("0740", "expected 0720")),
    (lambda p: board_drives.boot_rom(p, "RP2350"), "pico", ("RP2350", "RPI-RP2")),
    (lambda p: board_drives.boot_rom(p), "microbit", ("RPI-RP2", "9900")),
    (lambda p: board_drives.daplink(p), "pico", ("9900", "RPI-RP2")),
    (lambda p: board_drives.daplink(p, mode="Bootloader"), "microbit", ("maintenance", "reset")),
])
def test_the_drive_of_another_board_is_refused(tmp_path: Path, make: Callable[[Path], Path],
                                               of: str, words: tuple[str, ...]) -> None:
    root = make(tmp_path / "MICROBIT")
    before = sorted(root.iterdir())
    with pytest.raises(EdgeError) as caught:
        named(root, BOARDS[of], [])
    assert caught.value.code == "E508" and all(word in str(caught.value) for word in words)
    assert sorted(root.iterdir()) == before


def test_a_folder_that_is_no_drive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path, tmp_path / "file", tmp_path / "none"):
        with pytest.raises(EdgeError, match="is no drive") as caught:
            named(root, BOARDS["microbit"], [])
        assert "MICROBIT" in caught.value.help


def test_a_label_alone_is_enough_and_a_generic_number_denies_nothing(tmp_path: Path) -> None:
    (tmp_path / "MICROBIT").mkdir()
    assert named(tmp_path / "MICROBIT", BOARDS["microbit"], []).serial == ""
    root = board_drives.daplink(tmp_path / "X", "0000")
    assert not look(Volume(root, "MICROBIT")).denies(BOARDS["microbit"])


@pytest.mark.parametrize("text", [b"", b"\x00" * 5000, b"\xff\xfeUnique ID", b"Unique ID: zz",
                                  b"Unique ID:", b"Board-ID:\n", b"\x1b[2JBoard-ID: \x1b[31m"])
def test_files_of_nonsense_are_met_like_none(tmp_path: Path, text: bytes) -> None:
    for name in ("DETAILS.TXT", "MBED.HTM", "INFO_UF2.TXT", "FAIL.TXT"):
        (tmp_path / name).write_bytes(text)
    drive = look(Volume(tmp_path, "MICROBIT"))
    assert drive.serial == "" and drive.board_id.isprintable()
    assert failure(tmp_path).isprintable() and len(failure(tmp_path)) <= 400


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    for name in ("DETAILS.TXT", "MBED.HTM", "INFO_UF2.TXT", "FAIL.TXT"):
        os.mkfifo(tmp_path / name)
    assert look(Volume(tmp_path, "MICROBIT")).serial == failure(tmp_path) == ""


def test_what_fail_txt_says_is_one_line(tmp_path: Path) -> None:
    assert failure(tmp_path) == ""
    (tmp_path / "FAIL.TXT").write_text("error: The hex file cannot be decoded.\r\ntype: user\r\n")
    assert failure(tmp_path) == "error: The hex file cannot be decoded.; type: user"
    (tmp_path / "FAIL.TXT").write_text("")
    assert "FAIL.TXT" in failure(tmp_path)
