"""Folders that look like the drives of boards, tables of what is mounted, debuggers behind them."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge_dassdp.flashing.volumes import System

DAPLINK = """\
# DAPLink Firmware - see https://mbed.com/daplink
Unique ID: {serial}58434e45003e400e00000059000000009796990b
HIC ID: 9796990b
Auto Reset: 1
Automation allowed: 0
Daplink Mode: {mode}
Interface Version: 0255
URL: https://microbit.org/device/?id={serial}&v=0255
"""
ST_LINK = ('<html><meta http-equiv="refresh" content="0; '
           'url=http://mbed.org/device/?code={serial}0221066AFF495355878281171234"/></html>\n')
BOOT_ROM = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: {board}\r\n"


def daplink(folder: Path, serial: str = "9900", mode: str = "Interface") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "DETAILS.TXT").write_text(DAPLINK.format(serial=serial, mode=mode), "utf-8")
    (folder / "MICROBIT.HTM").write_text("<html></html>", "utf-8")
    return folder


def st_link(folder: Path, serial: str = "0720") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MBED.HTM").write_text(ST_LINK.format(serial=serial), "utf-8")
    (folder / "DETAILS.TXT").write_text("Version: 0221\nBuild:   Jan 10 2020\n", "utf-8")
    return folder


def boot_rom(folder: Path, board: str = "RPI-RP2") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "INFO_UF2.TXT").write_text(BOOT_ROM.format(board=board), "utf-8")
    (folder / "INDEX.HTM").write_text("<html></html>", "utf-8")
    return folder


def system(tmp_path: Path, *mounted: Path, options: str = "rw,nosuid", **usb: str) -> System:
    """A Linux that has these folders mounted, each from a device sda, sdb, ... usb: the place of a
    device by its name, as in sda="1-2"."""
    described = tmp_path / "system"
    for name in ("labels", "blocks"):
        (described / name).mkdir(parents=True, exist_ok=True)
    lines = ["proc /proc proc rw 0 0", "/dev/nvme0n1p2 / ext4 rw 0 0"]
    for letter, root in zip("abcdefgh", mounted, strict=False):
        plain = str(root).replace("\\", "\\134").replace(" ", "\\040")
        lines.append(f"/dev/sd{letter} {plain} vfat {options},fmask=0022 0 0")
    for device, place in usb.items():
        real = described / "devices/pci0000:00/usb1" / place / f"{place}:1.1/host6/block" / device
        real.mkdir(parents=True, exist_ok=True)
        link = described / "blocks" / device
        link.unlink(missing_ok=True)
        link.symlink_to(real)
    (described / "mounts").write_text("\n".join(lines) + "\n", "utf-8")
    return System(described / "mounts", described / "labels", described / "blocks",
                  described / "Volumes")


Then = Callable[[Path, bytes], None]
"""What becomes of a drive's folder once it has a file."""


@contextmanager
def debugger(folder: Path, n_bytes: int, then: Then) -> Iterator[list[bytes]]:
    """What sits behind a drive: once a file of n_bytes is whole it does `then`. What it got."""
    got: list[bytes] = []
    is_over = threading.Event()

    def wait() -> None:
        while not is_over.is_set():
            for path in folder.glob("[!.]*irmware.*"):
                with suppress(OSError):
                    data = path.read_bytes()
                    if len(data) == n_bytes:
                        got.append(data)
                        then(folder, data)
                        return
            time.sleep(0.01)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        is_over.set()
        thread.join()


def remounts(as_it_was: Callable[[Path], object], failing: str = "") -> Then:
    """The drive goes, and comes back new; with FAIL.TXT where it says so."""

    def then(folder: Path, data: bytes) -> None:
        shutil.rmtree(folder)
        time.sleep(0.2)
        as_it_was(folder.with_name("coming"))
        if failing:
            (folder.with_name("coming") / "FAIL.TXT").write_text(failing, "utf-8")
        folder.with_name("coming").rename(folder)

    return then


def goes(folder: Path, data: bytes) -> None:
    """For good."""
    shutil.rmtree(folder)
