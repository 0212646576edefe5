"""A board's UART as QEMU offers it: a port as any other."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable

_WAKE_S = 0.0005
_RECEIVED_BYTES = 1 << 16


class Uart:
    """The board's UART as QEMU offers it: our end of a pair of sockets; closed at once.

    wake: called again and again while nothing comes.
    """

    def __init__(self, ours: socket.socket, wake: Callable[[], None] | None = None) -> None:
        self._socket = ours
        self._wake = wake
        self._received = bytearray()
        self.timeout: float | None = None

    @property
    def in_waiting(self) -> int:
        """Bytes that `read` can give at once."""
        self._receive(0.0)
        return len(self._received)

    def read(self, size: int = 1, /) -> bytes:
        """Fewer bytes than `size` only after `timeout` seconds. Raises OSError without QEMU."""
        end_s = None if self.timeout is None else time.monotonic() + self.timeout
        while len(self._received) < size:
            if not self._receive(None if end_s is None else max(end_s - time.monotonic(), 0.0)):
                break
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def write(self, data: bytes, /) -> int:
        self._socket.settimeout(self.timeout)
        self._socket.sendall(data)
        return len(data)

    def close(self) -> None:
        self._socket.close()

    def _receive(self, wait_s: float | None) -> bool:
        """Take what has come or comes within `wait_s` (None: for ever); whether anything did."""
        while self._wake and (wait_s is None or wait_s > _WAKE_S):
            self._wake()
            if select.select([self._socket], [], [], _WAKE_S)[0]:
                break
            wait_s = None if wait_s is None else wait_s - _WAKE_S
        self._socket.settimeout(wait_s)
        try:
            data = self._socket.recv(_RECEIVED_BYTES)
        except (BlockingIOError, TimeoutError):
            return False
        if not data:
            raise ConnectionResetError("QEMU closed the UART")
        self._received += data
        return True
