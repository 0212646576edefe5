"""Serial ports: open one, list those that are there."""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import filemode
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.text import printable
from edge_dassdp.wire.holders import holders, others

_WRITE_S = 2.0
"""A device that takes nothing from the line holds its host up no longer."""
_OVER_NETWORK = ("socket", "rfc2217")
_FORBIDDEN, _BUSY = "permission is missing", "another program uses it"
_CAUSES = {
    errno.ENOENT: "there is no such port",
    errno.ENODEV: "there is no such port",
    errno.ENXIO: "there is no such port",
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.ENOTTY: "it is no serial port",
    errno.EINVAL: "it is no serial port",
    errno.EISDIR: "it is a folder, no serial port",
    errno.EBUSY: _BUSY,
    errno.EAGAIN: _BUSY,
}


@dataclass(frozen=True)
class Port:
    """A serial port; unique_id is the USB adapter's serial number, "" where it has none; usb_place:
    where the adapter is plugged in, bus and ports, as in 1-2.4, "" where that is not known."""

    path: str
    description: str
    unique_id: str
    usb_id: str
    usb_place: str = ""


def ports() -> list[Port]:
    """The serial ports of this computer, sorted by path."""
    return [Port(path=p.device, description=printable(p.description or ""),
                 unique_id=printable(p.serial_number or ""),
                 usb_id=f"{p.vid:04x}:{p.pid:04x}" if p.vid is not None else "",
                 usb_place=printable((p.location or "").partition(":")[0]))
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
        raise _refusal(url, baud, problem) from None


def missing(url: str, baud: int) -> EdgeError:
    """The refusal of a port that is not there."""
    return _refusal(url, baud, FileNotFoundError(errno.ENOENT, "none"))


def also_used_by(path: str) -> str:
    """Who else has an open port open, and may take what comes from it: a sentence, or ""."""
    seen = others(path)
    return f"{seen} has the port open, too, and may take the answers: close it" if seen else ""


def _require_place(url: str) -> None:
    """ValueError unless a line over a network names a host and a port."""
    kind, _, _ = url.partition("://")
    if kind in _OVER_NETWORK:
        place = urlsplit(url)
        if not place.hostname or not place.port:
            raise ValueError(f"it names no host and port: {kind}://HOST:PORT")


def _refusal(url: str, baud: int, problem: Exception) -> EdgeError:
    known = _CAUSES.get(getattr(problem, "errno", None) or 0) or next(
        (_CAUSES[n] for n in _CAUSES if f"({n}, " in str(problem)), "")
    cause, help = known or str(problem) or type(problem).__name__, _ports_there()
    if known == _FORBIDDEN:
        cause += _whose(url)
        help = ("edge-dassdp doctor --fix writes a udev rule that lets you use the boards it "
                "knows; or join the group that owns the port, and log in again.")
    elif known == _BUSY:
        cause, help = _who(url), "Close it there and try again."
    return EdgeError("E501", f"the port {url} cannot be opened at {baud} bits per second",
                     cause=cause, help=help)


def _who(path: str) -> str:
    """Of a port that is in use: by whom, as far as can be told."""
    if seen := others(path):
        return f"{_BUSY}: {seen}"
    return "this program uses it already" if holders(path) else _BUSY


def _whose(path: str) -> str:
    """Of a file that may not be used: whose it is, as far as can be told."""
    place = Path(path)
    with suppress(OSError, KeyError, NotImplementedError):
        return f": its mode is {filemode(place.stat().st_mode)}, its group {place.group()}"
    return ""


def _ports_there() -> str:
    there = ", ".join(port.path for port in ports()) or "none"
    return f"Ports of this computer: {there}"
