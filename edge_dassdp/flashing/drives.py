"""Drives of boards: a file copied there is programmed by the debugger or the boot ROM behind it.

What such a drive says of itself stands in small files: DETAILS.TXT and MBED.HTM of DAPLink, ST-LINK
and J-Link, INFO_UF2.TXT of a boot ROM, FAIL.TXT where the last file could not be programmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.text import printable
from edge_dassdp.build.board import Board
from edge_dassdp.flashing.volumes import Volume

FAILURE = "FAIL.TXT"
_DETAILS, _PAGE, _UF2 = "DETAILS.TXT", "MBED.HTM", "INFO_UF2.TXT"
_UNIQUE_ID = re.compile(r"^\s*Unique ID:\s*([0-9A-F]{4,})", re.IGNORECASE | re.MULTILINE)
_CODE = re.compile(r"[?&](?:code|id)=([0-9A-F]{4,})", re.IGNORECASE)
_BOARD_ID = re.compile(r"^\s*Board-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_BOOTLOADER = re.compile(r"^\s*Daplink Mode:\s*Bootloader", re.IGNORECASE | re.MULTILINE)
MAINTENANCE = "MAINTENANCE"
_NO_CODE = "0000"
_WITHOUT = "leave --drive out, or choose --via pyocd or --via command."
_MOST_BYTES, _MOST_LETTERS = 4096, 400


@dataclass(frozen=True)
class BoardDrive:
    """A volume that a board shows. serial: as its own files tell it, "" where they do not; it
    begins with the board's code, which the number of an ST-LINK's USB device does not. board_id:
    of a boot ROM. is_updater: it programs the debugger itself. is_known: it has one of the files
    that such drives have."""

    volume: Volume
    serial: str = ""
    board_id: str = ""
    is_updater: bool = False
    is_known: bool = True

    @property
    def root(self) -> Path:
        return self.volume.root

    @property
    def number(self) -> str:
        """By which people know it: its serial, or that of its USB device."""
        return self.serial or self.volume.usb_number.upper()

    @property
    def is_boot_rom(self) -> bool:
        return bool(self.board_id)

    def bears(self, board: Board) -> bool:
        """Whether its label, or what its boot ROM says, is this board's."""
        known = labels(board)
        return self.board_id in known or any(map(self.volume.bears, known))

    def denies(self, board: Board) -> bool:
        """Whether what it says of itself is another board's."""
        drive, serials = board.program.drive, board.program.serials
        if self.board_id:
            return self.board_id not in labels(board)
        if self.serial and drive and drive.file == "uf2":
            return True  # a debugger's, and a boot ROM's is expected
        return bool(self.serial and serials) and not self.serial.startswith(serials)

    def is_of(self, board: Board) -> bool:
        return self.bears(board) and not self.denies(board) and not self.is_updater


def labels(board: Board) -> tuple[str, ...]:
    """Those of its drive; none where it has no drive."""
    return board.program.drive.labels if board.program.drive else ()


def look(volume: Volume) -> BoardDrive:
    """What a volume says of itself."""
    details, page, uf2 = (read(volume.root / name) for name in (_DETAILS, _PAGE, _UF2))
    told = _UNIQUE_ID.search(details) or _CODE.search(page)
    serial = told[1].upper() if told else ""
    board_id = _BOARD_ID.search(uf2)
    return BoardDrive(
        volume, "" if serial.startswith(_NO_CODE) else serial,
        printable(board_id[1]) if board_id else "",
        is_updater=bool(_BOOTLOADER.search(details)) or volume.bears(MAINTENANCE),
        is_known=any(map(is_there, (volume.root / n for n in (_DETAILS, _PAGE, _UF2, FAILURE)))))


def read(path: Path) -> str:
    """The first letters of a small file, "" where it is not there, no regular file or not to be
    read."""
    if not is_there(path):
        return ""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def is_there(path: Path) -> bool:
    """Whether it is a regular file; a drive that goes may answer with any error."""
    try:
        return path.is_file()
    except OSError:
        return False


def failure(drive: Path) -> str:
    """What FAIL.TXT says, as one line; "" without one."""
    path = drive / FAILURE
    if not is_there(path):
        return ""
    said = "; ".join(line.strip() for line in read(path).splitlines() if line.strip())
    return printable(said)[:_MOST_LETTERS] or f"{FAILURE} is there and empty"


def of_board(board: Board, volumes: Iterable[Volume]) -> list[BoardDrive]:
    """The drives that bear the label of a board, those among them that say otherwise, too."""
    return [look(v) for v in volumes if any(map(v.bears, labels(board)))]


def named(root: Path, board: Board, volumes: Iterable[Volume]) -> BoardDrive:
    """The drive that a user names. Raises EdgeError E508 where it is none, or another board's."""
    volume = next((v for v in volumes if v.root == root.absolute()),
                  Volume(root, root.absolute().name))
    if not root.is_dir():
        raise EdgeError("E508", f"{root} is no drive", cause="a folder is expected, where the "
                        "drive is mounted", help=_plug(board))
    drive = look(volume)
    if not drive.is_known and not drive.bears(board):
        raise EdgeError("E508", f"{root} is no drive of a board",
                        cause=f"neither {_DETAILS} nor {_PAGE} nor {_UF2} is there",
                        help=_plug(board))
    refuse_wrong(drive, board)
    return drive


def refuse_wrong(drive: BoardDrive, board: Board) -> None:
    """Raises EdgeError E508 for the drive of another board, or of a debugger's own updater."""
    if drive.is_updater:
        raise EdgeError("E508", f"{drive.root} programs the debugger, not {board.name}",
                        cause="it is the drive of the debugger's own maintenance mode",
                        help="Plug the board in again without holding its reset button.")
    if drive.denies(board):
        says = f"board {drive.board_id}" if drive.board_id else f"serial number {drive.serial[:8]}…"
        known = board.program.serials or labels(board)
        raise foreign(drive, board, f"it says {says}, " + (
            f"expected {' or '.join(known)}" if known else f"and {board.name} has no drive"))


def foreign(drive: BoardDrive, board: Board, cause: str) -> EdgeError:
    """The refusal of another board's drive."""
    return EdgeError("E508", f"{drive.root} is the drive of another board than {board.name}",
                     cause=cause, help="Name that board with --board, or " + (
                         "the right drive with --drive; edge-dassdp devices lists both."
                         if board.program.drive else _WITHOUT))


def _plug(board: Board) -> str:
    if board.program.drive is None:
        return f"{board.name} has no drive: {_WITHOUT}"
    return (f"Plug in {board.name}, mount its drive {' or '.join(labels(board))}, and name its "
            "folder.")
