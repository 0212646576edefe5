"""Serial ports: open one, list those that are there."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.text import printable

_WRITE_S = 2.0
"""A device that takes nothing from the line holds its host up no longer."""
_OVER_NETWORK = ("socket", "rfc2217")
_CAUSES = {
    errno.ENOENT: "there is no such port",
    errno.ENODEV: "there is no such port",
    errno.ENXIO: "there is no such port",
    errno.EACCES: "permission is missing",
    errno.EPERM: "permission is missing",
    errno.ENOTTY: "it is no serial port",
    errno.EINVAL: "it is no serial port",
    errno.EISDIR: "it is a folder, no serial port",
    errno.EBUSY: "another program uses it",
    errno.EAGAIN: "another program uses it",
}


@dataclass(frozen=True)
class Port:
    """A serial port; unique_id is the USB adapter's serial number, "" where it has none."""

    path: str
    description: str
    unique_id: str
    usb_id: str


def ports() -> list[Port]:
    """The serial ports of this computer, sorted by path."""
    return [Port(path=p.device, description=printable(p.description or ""),
                 unique_id=printable(p.serial_number or ""),
                 usb_id=f"{p.vid:04x}:{p.pid:04x}" if p.vid is not None else "")
            for p in sorted(list_ports.comports(), key=lambda p: p.device)]


def open_port(url: str, baud: int = 115200) -> serial.SerialBase:
    """A port for this program alone: a path such as /dev/ttyACM0 or COM3, or a pyserial URL.

    Raises EdgeError E501 when it does not exist, is busy, may not be used, or cannot run at
    `baud` bits per second.
    """
    try:
        _require_place(url)
        return serial.serial_for_url(url, baudrate=baud, exclusive=True, write_timeout=_WRITE_S)
    except Exception as problem:  # pyserial's, termios' and of numbers that the system cannot take
        raise EdgeError("E501", f"the port {url} cannot be opened at {baud} bits per second",
                        cause=_cause(problem), help=_help(problem)) from None


def _require_place(url: str) -> None:
    """ValueError unless a line over a network names a host and a port."""
    kind, _, _ = url.partition("://")
    if kind in _OVER_NETWORK:
        place = urlsplit(url)
        if not place.hostname or not place.port:
            raise ValueError(f"it names no host and port: {kind}://HOST:PORT")


def _cause(problem: Exception) -> str:
    known = _CAUSES.get(getattr(problem, "errno", None) or 0) or next(
        (_CAUSES[n] for n in _CAUSES if f"({n}, " in str(problem)), "")
    return known or str(problem) or type(problem).__name__


def _help(problem: Exception) -> str:
    if getattr(problem, "errno", None) in (errno.EACCES, errno.EPERM):
        return "Join the group that owns the port (Debian: dialout), log in again, and retry."
    there = ", ".join(port.path for port in ports()) or "none"
    return f"Ports of this computer: {there}"
