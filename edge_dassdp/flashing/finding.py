"""Which boards a port or a drive may be: by VID:PID, by the debugger's serial number, by the drive
that hangs on the same USB device."""

from __future__ import annotations

from collections.abc import Sequence

from edge_dassdp.build.board import Board, list_boards, load_board
from edge_dassdp.flashing.drives import MAINTENANCE, BoardDrive, labels, look
from edge_dassdp.flashing.volumes import Volume
from edge_dassdp.targets.serial import Port

_CODED = ("0d28:",)
"""Vendors (DAPLink) whose serial numbers always begin with the code of the board; those of an
ST-LINK or a J-Link need not, and tell nothing then."""


def known_boards(own: Board | None = None) -> list[Board]:
    """The boards of the package. own: one that comes before them, in the place of its name."""
    first = [] if own is None else [own]
    return first + [load_board(name) for name in list_boards()
                    if own is None or name != own.name]


def candidates(port: Port, boards: Sequence[Board],
               drives: Sequence[BoardDrive] = ()) -> list[Board]:
    """The boards that a port may be of; of none where its adapter is none of theirs."""
    able = [b for b in boards if port.usb_id in b.program.usb]
    beside = [d for d in drives if port.usb_place and d.volume.usb_place == port.usb_place]
    by_drive = [b for b in able if any(b in owners(d, boards) for d in beside)]
    if by_drive:
        return by_drive
    by_number = numbered(able, port.unique_id)
    if by_number or port.usb_id.startswith(_CODED):
        return by_number or [b for b in able if not b.program.serials]
    return able


def owners(drive: BoardDrive, boards: Sequence[Board]) -> list[Board]:
    """The boards whose drive it may be: by label and files, and by number where it is one's."""
    able = [b for b in boards if drive.is_of(b)]
    return numbered(able, drive.number) or able


def numbered(boards: Sequence[Board], number: str) -> list[Board]:
    """Those whose debuggers' numbers begin as this one does."""
    return [b for b in boards if _has(b, number)]


def _has(board: Board, number: str) -> bool:
    return bool(board.program.serials) and number.upper().startswith(board.program.serials)


def drives_of(boards: Sequence[Board], volumes: Sequence[Volume]) -> list[BoardDrive]:
    """The mounted drives that any of the boards might show."""
    known = {MAINTENANCE}.union(*map(labels, boards))
    return [look(v) for v in volumes if any(map(v.bears, known))]


def shown(boards: Sequence[Board]) -> str:
    """Boards in a few words; "" for none."""
    names = [b.name for b in boards]
    return " or ".join(names) if len(names) < 4 else f"one of {len(names)} with this adapter"
