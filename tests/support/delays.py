"""A line that loses, doubles, reorders and delays frames by seconds, in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from random import Random

from support.mortal import Dead, Mortal

from edge_dassdp.build.compile import Firmware
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.wire.frames import FrameDecoder, Response, encode_request, parse_response
from edge_dassdp.wire.messages import MESSAGES

__all__ = ["Dead", "DelayedLine", "LoopbackDevice", "Mortal", "QemuDevice"]

_MARK = 0x7F


class LoopbackDevice:
    """What reacts to frames, here."""

    def __init__(self, stream: LoopbackStream) -> None:
        self.restart: Callable[[], None] = stream.reboot
        self.stream = stream

    def react(self, frame: bytes) -> list[bytes]:
        """The frames that it sends when it gets one."""
        self.stream.write(frame)
        return _frames(self.stream.read(1 << 16))


class QemuDevice:
    """The same in QEMU; each frame is followed by a mark, a request of no kind, whose short answer
    ends what the frame brought about."""

    def __init__(self, firmware: Firmware) -> None:
        self.process = QemuProcess(firmware.elf, firmware.board)
        self.port = self.process.uart
        self._n_marks = 0
        self._offer = self._greeted()

    def react(self, frame: bytes) -> list[bytes]:
        self.port.timeout = 10.0
        return self._react(frame)

    def restart(self) -> None:
        """Press the button, and wait until it was pressed."""
        before = self._offer
        self.process.reset()
        while self._offer == before:
            self._offer = self._greeted()

    def close(self) -> None:
        self.process.close()

    def _greeted(self) -> int:
        """The session on offer, once it answers: what a chip that still boots is sent is lost."""
        self.port.timeout = 0.2
        for _ in range(100):
            with suppress(TimeoutError, IndexError):
                hello = _response(self._react(encode_request(MESSAGES["HELLO"].kind, 1, 0, b""))[0])
                return MESSAGES["HELLO"].response.unpack(hello.payload)["offer"]
        raise TimeoutError

    def _react(self, frame: bytes) -> list[bytes]:
        self._n_marks += 1
        self.port.write(frame + encode_request(_MARK, self._n_marks, 0, b""))
        received, frames = b"", []
        while True:
            data = self.port.read(max(1, self.port.in_waiting))
            if not data:
                raise TimeoutError
            received += data
            *ended, received = received.split(b"\0")
            for sent in (b"\0" + body + b"\0" for body in ended if body):
                answer = _response(sent)
                if answer.kind != _MARK:
                    frames.append(sent)
                elif answer.session == self._n_marks:
                    return frames


def _response(frame: bytes) -> Response:
    return parse_response(next(FrameDecoder().feed(frame)))


class DelayedLine:
    """The host's end of a line to `device`, a Port; `now_s` goes on while a host waits.

    drop, duplicate: probability of every frame, in both directions. late: of every copy, to come up
    to most_s seconds later instead of 20 ms. What is under way stays so when a host dies and the
    device restarts.
    """

    def __init__(self, device: LoopbackDevice | QemuDevice, rng: Random, *, drop: float = 0.15,
                 duplicate: float = 0.2, late: float = 0.25, most_s: float = 8.0) -> None:
        self.timeout: float | None = None
        self.now_s = 0.0
        self.n_late = self.n_restarts = 0
        self._device = device
        self._rng = rng
        self._odds = drop, duplicate, late, most_s
        self._events: list[tuple[float, int, str, bytes]] = []
        self._ties = count()
        self._ready = bytearray()

    @property
    def in_waiting(self) -> int:
        return len(self._ready)

    def write(self, data: bytes, /) -> int:
        self._send("device", data)
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        end_s = self.now_s + (self.timeout or 0.0)
        while len(self._ready) < size and self._goes_on(end_s):
            pass
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

    def close(self) -> None:
        """Harmless: another host takes the line."""

    def wait(self, seconds: float) -> None:
        """Nobody listens for a while."""
        end_s = self.now_s + seconds
        while self._goes_on(end_s):
            self._ready.clear()

    def restart_after(self, seconds: float) -> None:
        heappush(self._events, (self.now_s + seconds, next(self._ties), "restart", b""))

    def _send(self, to: str, frame: bytes) -> None:
        drop, duplicate, late, most_s = self._odds
        if self._rng.random() < drop:
            return
        for _ in range(1 + sum(self._rng.random() < duplicate for _ in range(2))):
            is_late = self._rng.random() < late
            self.n_late += is_late
            delay_s = self._rng.uniform(0.001, most_s if is_late else 0.02)
            heappush(self._events, (self.now_s + delay_s, next(self._ties), to, frame))

    def _goes_on(self, end_s: float) -> bool:
        """The next thing that happens until end_s, if any does."""
        if not self._events or self._events[0][0] > end_s:
            self.now_s = end_s
            return False
        self.now_s, _, to, frame = heappop(self._events)
        if to == "host":
            self._ready += frame
        elif to == "device":
            for answer in self._device.react(frame):
                self._send("host", answer)
        else:
            self._device.restart()
            self.n_restarts += 1
        return True


def _frames(data: bytes) -> list[bytes]:
    return [b"\0" + frame + b"\0" for frame in data.split(b"\0") if frame]
