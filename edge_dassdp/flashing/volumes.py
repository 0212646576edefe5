"""Mounted volumes with their labels, as Linux, macOS and Windows tell them."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from edge_dassdp.base.text import printable

_ESCAPED = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3}))")
_USB_PLACE = re.compile(r"\d+-\d+(?:\.\d+)*")
_MOST_LETTERS = 261


@dataclass(frozen=True)
class Volume:
    """A mounted file system. usb_place, usb_number: as usb_place and unique_id of a
    `targets.serial.Port`, "" where they are not known."""

    root: Path
    label: str
    is_read_only: bool = False
    usb_place: str = ""
    usb_number: str = ""

    def bears(self, label: str) -> bool:
        """Whether this is its label; a desktop adds a digit to the folder of a second one."""
        return bool(re.fullmatch(re.escape(label) + r"(?: ?\d)?", self.label, re.IGNORECASE))


@dataclass(frozen=True)
class System:
    """Where Linux and macOS tell of volumes."""

    mounts: Path = Path("/proc/self/mounts")
    labels: Path = Path("/dev/disk/by-label")
    blocks: Path = Path("/sys/class/block")
    volumes: Path = Path("/Volumes")


SYSTEM = System()


def volumes(system: System | None = None, platform: str = sys.platform) -> list[Volume]:
    """What is mounted, in the order of the paths; nothing where the system does not tell."""
    system = system or SYSTEM
    found = (_of_windows() if platform == "win32" else _of_macos(system) if platform == "darwin"
             else _of_linux(system))
    return sorted(found, key=lambda volume: volume.root)


def _of_linux(system: System) -> Iterator[Volume]:
    labels = {}
    with suppress(OSError):
        labels = {os.path.realpath(link): _plain(link.name) for link in system.labels.iterdir()}
    lines: list[str] = []
    with suppress(OSError):
        lines = system.mounts.read_text("utf-8", "surrogateescape").splitlines()
    for line in lines:
        device, root, _, options, *_ = [*map(_plain, line.split(" ")), "", "", "", ""]
        if root:
            label = labels.get(os.path.realpath(device)) or Path(root).name
            yield Volume(Path(root), label, "ro" in options.split(","),
                         *_usb_device(system.blocks / Path(device).name))


def _plain(text: str) -> str:
    r"""With \040 of a table of mounts and \x20 of a link for what they stand for."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16) if found[1] else int(found[2], 8)),
                        text)


def _usb_device(block: Path) -> tuple[str, str]:
    """Place and number of the innermost USB device that a block device is a part of."""
    real = Path(os.path.realpath(block))
    for device in (real, *real.parents):
        if _USB_PLACE.fullmatch(device.name):
            with suppress(OSError, UnicodeDecodeError):
                return device.name, printable((device / "serial").read_text("utf-8").strip())
            return device.name, ""
    return "", ""


def _of_macos(system: System) -> Iterator[Volume]:
    with suppress(OSError):
        for root in system.volumes.iterdir():
            with suppress(OSError):
                if root.is_dir() and not root.is_symlink():
                    yield Volume(root, root.name,
                                 bool(os.statvfs(root).f_flag & os.ST_RDONLY))


def _of_windows() -> Iterator[Volume]:
    """A to Z, of those that hold a medium."""
    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009  it is there on Windows alone
    letters, label = kernel.GetLogicalDrives(), ctypes.create_unicode_buffer(_MOST_LETTERS)
    kernel.SetErrorMode(1)  # an empty reader of cards asks nobody for a card
    for i, letter in enumerate(ascii_uppercase):
        root = f"{letter}:\\"
        if letters >> i & 1 and kernel.GetVolumeInformationW(
                root, label, _MOST_LETTERS, None, None, None, None, 0):
            yield Volume(Path(root), label.value)
