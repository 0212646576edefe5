"""Devices on a socket of this computer, for hosts that are told where a line is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from edge_dassdp.wire.session import Port

_SENT_BYTES = 4096


@contextmanager
def served(device: Port) -> Iterator[str]:
    """The device's line, what --port takes, for one host after another."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"socket://127.0.0.1:{listener.getsockname()[1]}"
        is_over = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, device, is_over), daemon=True)
        thread.start()
        try:
            yield address
        finally:
            is_over.set()
            thread.join()


def _serve(listener: socket.socket, device: Port, is_over: threading.Event) -> None:
    listener.settimeout(0.02)
    while not is_over.is_set():
        try:
            line = listener.accept()[0]
        except TimeoutError:
            continue
        with closing(line):
            line.settimeout(0.02)
            _talk(line, device, is_over)


def _talk(line: socket.socket, device: Port, is_over: threading.Event) -> None:
    """Until the host hangs up."""
    while not is_over.is_set():
        try:
            data = line.recv(1 << 16)
            if not data:
                return
            device.write(data)
        except TimeoutError:
            pass
        except OSError:
            return
        try:
            if device.in_waiting:
                line.sendall(device.read(min(device.in_waiting, _SENT_BYTES)))
        except TimeoutError:
            pass
        except OSError:
            return
