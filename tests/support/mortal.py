"""A host that dies in the middle of what it does."""

from __future__ import annotations

from edge_dassdp.wire.session import Port


class Dead(Exception):  # noqa: N818 - no error
    """The host is no more: nothing of it runs on."""


class Mortal:
    """The stream of a host that dies when it has written `n_writes` times more, None for never: at
    the next write, or, if it `dies_waiting`, before it reads."""

    def __init__(self, stream: Port, n_writes: int | None = None) -> None:
        self.stream = stream
        self.n_writes = n_writes
        self.dies_waiting = False

    @property
    def timeout(self) -> float | None:
        return self.stream.timeout

    @timeout.setter
    def timeout(self, value: float | None) -> None:
        self.stream.timeout = value

    @property
    def in_waiting(self) -> int:
        return self.stream.in_waiting

    def write(self, data: bytes, /) -> int | None:
        if self.n_writes == 0:
            raise Dead
        if self.n_writes is not None:
            self.n_writes -= 1
        return self.stream.write(data)

    def read(self, size: int = 1, /) -> bytes:
        if self.n_writes == 0 and self.dies_waiting:
            raise Dead
        return self.stream.read(size)

    def close(self) -> None:
        self.stream.close()
