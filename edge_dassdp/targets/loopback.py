"""The device's side of the link inside this process: a pyserial-like stream without a port.

The firmware's own link, transfer and runtime sources answer, compiled for this computer.
"""

from __future__ import annotations

from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.emulator import declared

_MAX_SENT_BYTES = 1 << 19


class LoopbackStream:
    """A stream to the device in `library`, an emulator built by `build_emulator`.

    Answers are there as soon as `write` returns, so `read` never waits: what is not there yet
    will not come, and it gives fewer bytes at once. A library holds one device; a second stream
    over the same file talks to the same one and starts it anew, its flash erased. flash: a
    dassdp_host_flash_t; tests have it fail.
    """

    def __init__(self, library: Path) -> None:
        self._ffi = declared("loopback.h")
        self._device = self._ffi.dlopen(str(library))
        self._sent = self._ffi.new("uint8_t[]", _MAX_SENT_BYTES)
        self._received = bytearray()
        self.timeout: float | None = None
        self.flash = self._device.dassdp_host_flash
        n_bytes = 2 * self._device.dassdp_host_slots().slot_bytes
        self._ffi.memmove(self.flash.bytes, b"\xff" * n_bytes, n_bytes)
        self.flash.cut_at = self.flash.fails_at = self.flash.wrong_at = 0
        self.reboot()

    def reboot(self) -> None:
        """Cut the power: weights are those saved to flash, or the factory's; the session and
        whatever was on its way are gone."""
        self._received.clear()
        if self._device.dassdp_loopback_boot() != 0:
            raise EdgeError("E304", "the generated buffers are too small for the link")

    def press_reset(self) -> None:
        """The same by the reset pin: the device counts this start."""
        self._received.clear()
        self._device.dassdp_loopback_reset()

    @property
    def in_waiting(self) -> int:
        """Bytes that `read` can give at once."""
        return len(self._received)

    def read(self, size: int = 1, /) -> bytes:
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def write(self, data: bytes, /) -> int:
        for piece in _pieces(data):
            n_sent = self._device.dassdp_loopback_feed(piece, len(piece), self._sent,
                                                       _MAX_SENT_BYTES)
            self._received += self._ffi.buffer(self._sent, min(n_sent, _MAX_SENT_BYTES))[:]
        return len(data)

    def close(self) -> None:
        """Harmless; the device stays as it is."""


def _pieces(data: bytes) -> list[bytes]:
    """Up to and with each zero byte: a piece completes one frame at most."""
    *ended, rest = bytes(data).split(b"\0")
    return [piece + b"\0" for piece in ended] + [rest]
