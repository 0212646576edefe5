"""Pseudo terminals that look like the serial ports of boards."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from edge_dassdp.wire.session import Port


def listed(monkeypatch: pytest.MonkeyPatch, *ports: ListPortInfo) -> None:
    """As what this computer has, and nothing else."""
    monkeypatch.setattr(list_ports, "comports", lambda: list(ports))


def port(path: str, usb_id: str = "", number: str = "", place: str = "") -> ListPortInfo:
    """A port at `path` as pyserial lists it."""
    info = ListPortInfo(path)
    info.description = "a port"
    if usb_id:
        info.vid, info.pid = (int(part, 16) for part in usb_id.split(":"))
        info.serial_number, info.location = number, f"{place}:1.2" if place else None
    return info


@contextmanager
def terminal(device: Port | None = None) -> Iterator[str]:
    """A terminal with this device behind it, or with nothing that answers."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    is_over = threading.Event()

    def pump() -> None:
        while not is_over.is_set():
            if select.select([ours], [], [], 0.005)[0]:
                data = os.read(ours, 4096)
                if device is not None:
                    device.write(data)
            if device is not None and device.in_waiting:
                os.write(ours, device.read(min(device.in_waiting, 1024)))

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        is_over.set()
        thread.join()
        os.close(theirs)
        os.close(ours)
