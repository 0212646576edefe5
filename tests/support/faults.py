"""A stream that damages what passes through it, frame by frame, as its generator says."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from edge_dassdp.wire.session import Port


class FaultyStream:
    """Wraps a stream. drop, flip, duplicate, reorder, truncate: probability for every frame in
    both directions. A reordered frame is held back until the next one in its direction has
    passed. `n_faults` counts them.
    """

    def __init__(self, stream: Port, rng: Random, *, drop: float = 0.0, flip: float = 0.0,
                 duplicate: float = 0.0, reorder: float = 0.0, truncate: float = 0.0) -> None:
        self.stream = stream
        self.n_faults = 0
        self._rng = rng
        self._odds = {"drop": drop, "flip": flip, "duplicate": duplicate, "reorder": reorder,
                      "truncate": truncate}
        self._to_device = _Direction(self)
        self._to_host = _Direction(self)
        self._partial = b""
        self._ready = bytearray()

    @property
    def timeout(self) -> float | None:
        return self.stream.timeout

    @timeout.setter
    def timeout(self, value: float | None) -> None:
        self.stream.timeout = value

    @property
    def in_waiting(self) -> int:
        return len(self._ready)

    def write(self, data: bytes, /) -> int:
        self.stream.write(self._to_device.pass_frame(data))
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        arrived = self._partial + self.stream.read(max(1, self.stream.in_waiting))
        *frames, self._partial = arrived.split(b"\0")
        for frame in frames:
            if frame:
                self._ready += self._to_host.pass_frame(b"\0" + frame + b"\0")
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

    def close(self) -> None:
        self.stream.close()

    def happens(self, fault: str) -> bool:
        """Whether this fault befalls the present frame."""
        befalls = self._rng.random() < self._odds[fault]
        self.n_faults += befalls
        return befalls

    def damage(self, frame: bytes) -> bytes:
        """The frame with one flipped bit, or cut short, or whole."""
        if self.happens("flip"):
            bit = self._rng.randrange(8 * len(frame))
            damaged = bytearray(frame)
            damaged[bit // 8] ^= 1 << bit % 8
            frame = bytes(damaged)
        if self.happens("truncate"):
            frame = frame[:self._rng.randrange(len(frame))]
        return frame


class _Direction:
    def __init__(self, faults: FaultyStream) -> None:
        self._faults = faults
        self._held = b""

    def pass_frame(self, frame: bytes) -> bytes:
        frame = self._faults.damage(frame)
        if self._faults.happens("drop"):
            frame = b""
        if self._faults.happens("duplicate"):
            frame += frame
        if not self._held and self._faults.happens("reorder"):
            self._held = frame
            return b""
        frame, self._held = frame + self._held, b""
        return frame


class Cable(FaultyStream):
    """Loses every "request", or every "response", while `loses` says so, the first `n_passing` of
    them excepted."""

    def __init__(self, inner: Port) -> None:
        super().__init__(inner, Random(0))
        self.loses = ""
        self.n_passing = 0
        self._n_left: int | None = None
        self._then: Callable[[], object] = object

    def lose(self, what: str, n: int, then: Callable[[], object] = object) -> None:
        """Lose so many, do something, and be whole again."""
        self.loses, self.n_passing, self._n_left, self._then = what, 0, n, then

    def write(self, data: bytes, /) -> int:
        return len(data) if self._is_lost("request") else super().write(data)

    def read(self, size: int = 1, /) -> bytes:
        data = super().read(size)
        return b"" if data and self._is_lost("response") else data

    def _is_lost(self, what: str) -> bool:
        if self.loses != what:
            return False
        if self._n_left == 0:
            self.loses, self._n_left = "", None
            self._then()
            return False
        self.n_passing -= 1
        if self.n_passing < 0 and self._n_left:
            self._n_left -= 1
        return self.n_passing < 0
