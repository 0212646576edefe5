"""The udev rule by which whoever sits at a Linux computer may use the boards of the package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.storage.files import write_text

PLACE = Path("/etc/udev/rules.d/70-edge-dassdp.rules")
"""Before 73-seat-late.rules, which gives what is tagged uaccess to the user of the seat."""
_GROUPS = ("dialout", "uucp")
"""Of serial ports: Debian's and Fedora's, Arch's."""
RELOAD = "udevadm control --reload-rules && udevadm trigger"
_HEAD = """\
# Written by edge-dassdp doctor --fix: whoever sits at this computer, and the group {group}, may use
# the serial ports and debug probes of the boards that it knows; ModemManager leaves them alone.
ACTION=="remove", GOTO="edge_dassdp_end"
"""
_ENTRY = """\
# {names}
SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vid}", ATTRS{{idProduct}}=="{pid}", MODE="0660", {access}
SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vid}", ATTR{{idProduct}}=="{pid}", MODE="0660", {access}
SUBSYSTEM=="hidraw", ATTRS{{idVendor}}=="{vid}", ATTRS{{idProduct}}=="{pid}", MODE="0660", {access}
"""


def rules(boards: Sequence[Board], group: str | None = None) -> str:
    """The text of the rule. group: that of serial ports, None for this computer's."""
    group = group or _group()
    access = f'GROUP="{group}", TAG+="uaccess", ENV{{ID_MM_DEVICE_IGNORE}}="1"'
    by_usb: dict[str, list[str]] = {}
    for board in boards:
        for usb in board.program.usb:
            by_usb.setdefault(usb, []).append(board.name)
    return "\n".join([_HEAD.format(group=group), *(
        _ENTRY.format(names=", ".join(names), vid=usb[:4], pid=usb[5:], access=access)
        for usb, names in sorted(by_usb.items())), 'LABEL="edge_dassdp_end"\n'])


def _group() -> str:
    """The group of serial ports that this computer has."""
    import grp

    there = {entry.gr_name for entry in grp.getgrall()}
    return next((name for name in _GROUPS if name in there), "root")


def install(text: str, place: Path = PLACE) -> None:
    """Write the rule. Raises EdgeError E103 where that cannot be."""
    try:
        write_text(place, text)
    except EdgeError as problem:
        if place == PLACE:
            problem.help = ('sudo "$(command -v edge-dassdp)" doctor --fix; or write it elsewhere '
                            f"with --to FILE, and as root copy it to {PLACE}")
        raise
