"""A hostile device: it speaks the protocol as the firmware does, and tells one lie."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge_dassdp.wire.frames import FrameDecoder, Response, encode_response, parse_response
from edge_dassdp.wire.messages import MESSAGES
from edge_dassdp.wire.session import Port

_KINDS = {message.kind: name for name, message in MESSAGES.items()}


@dataclass(frozen=True)
class Lie:
    """about: the request whose answer it is, "" for each of a session. tell: what goes over the
    wire instead of the true answer. flood: from then on, and for ever, what it gives each time that
    the host looks. says: a part of the refusal. code: of the refusal; "" for a lie that harms
    nobody, so that all goes on. since: how many answers are true before."""

    about: str
    tell: Callable[[Response], bytes]
    says: str = ""
    code: str = "E504"
    flood: Callable[[], bytes] | None = None
    since: int = 0


class Liar:
    """A port to the device behind `truth`. n_told: how often the lie was told."""

    def __init__(self, truth: Port, lie: Lie) -> None:
        self.timeout: float | None = None
        self.n_told = 0
        self._truth = truth
        self._lie = lie
        self._answers = FrameDecoder()
        self._n_true = 0
        self._ready = bytearray()

    @property
    def is_flooding(self) -> bool:
        return self._lie.flood is not None and self.n_told > 0

    @property
    def in_waiting(self) -> int:
        return 4096 if self.is_flooding else len(self._ready)

    def write(self, data: bytes, /) -> int:
        self._truth.write(data)
        for body in self._answers.feed(self._truth.read(1 << 20)):
            self._ready += self._told(parse_response(body))
        return len(data)

    def _told(self, answer: Response) -> bytes:
        name = _KINDS[answer.kind]
        if name != self._lie.about and (self._lie.about or MESSAGES[name].opens):
            return encode_response(answer)
        self._n_true += 1
        if self._n_true <= self._lie.since:
            return encode_response(answer)
        self.n_told += 1
        return self._lie.tell(answer)

    def read(self, size: int = 1, /) -> bytes:
        if self.is_flooding and not self._ready and self._lie.flood is not None:
            self._ready += self._lie.flood()
        if not self._ready:
            time.sleep(self.timeout or 0.0)
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

    def close(self) -> None:
        pass


def fields(about: str, says: str, code: str = "E504", *, since: int = 0,
           **values: object) -> Lie:
    """Other values in a true answer's fields."""
    layout = MESSAGES[about].response

    def tell(answer: Response) -> bytes:
        if answer.status:
            return encode_response(answer)
        said = layout.unpack(answer.payload) | values
        return encode_response(replace(answer, payload=layout.pack(**said)))

    return Lie(about, tell, says, code, since=since)


def payload(about: str, says: str, change: Callable[[bytes], bytes]) -> Lie:
    """A true answer whose payload is another."""
    return Lie(about, lambda answer: encode_response(
        replace(answer, payload=change(answer.payload))), says)
