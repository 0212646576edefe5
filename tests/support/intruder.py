"""Somebody without the key who writes on the line of a host that has it."""

from __future__ import annotations

from random import Random

from support.mortal import Mortal

from edge_dassdp.wire.frames import (
    FrameDecoder,
    Request,
    encode_frame,
    encode_request,
    parse_request,
)
from edge_dassdp.wire.messages import MESSAGES, TAG_BYTES
from edge_dassdp.wire.session import Port

WRITING = [m.kind for m in MESSAGES.values() if m.writes]
READING = [m.kind for m in MESSAGES.values() if not m.writes and not m.opens]
_GREETING = {m.kind for m in MESSAGES.values() if m.opens}


class Intruder(Mortal):
    """Before and behind each frame of the host it puts what it can make of all that it heard: the
    same without its tag or with another, others under its number, the numbers that follow, frames
    of before, and greetings that begin no session. sent: what the host wrote, in order."""

    def __init__(self, stream: Port, rng: Random, busy: float = 1.0) -> None:
        super().__init__(stream)
        self.sent: list[bytes] = []
        self.n_put = 0
        self._rng, self._busy = rng, busy

    def write(self, data: bytes, /) -> int | None:
        for frame in self._made_of(data):
            self._put(frame)
        super().write(data)
        self.sent.append(data)
        for frame in self._made_of(data):
            self._put(frame)
        return len(data)

    def _put(self, frame: bytes) -> None:
        if self._rng.random() < self._busy:
            self.n_put += 1
            self.stream.write(frame)

    def _made_of(self, data: bytes) -> list[bytes]:
        rng = self._rng
        asked = request_of(data)
        made = [encode_request(MESSAGES["HELLO"].kind, rng.randrange(1, 1 << 32), 0, b"")]
        if self.sent:
            made.append(rng.choice(self.sent))
        if asked.kind in _GREETING:
            if asked.kind == MESSAGES["OPEN"].kind:  # it is of this session, and says another tag
                made.append(encode_frame(body_of(data)[:-TAG_BYTES] + rng.randbytes(TAG_BYTES)))
            return made
        untagged = body_of(data)[:-TAG_BYTES]
        made += [encode_frame(untagged), encode_frame(untagged + rng.randbytes(TAG_BYTES)),
                 encode_frame(flipped(body_of(data), rng))]
        for kind in (rng.choice(WRITING), rng.choice(READING), asked.kind):
            sequence = (asked.sequence + rng.choice((0, 1, 1, 2))) % 65536
            for n_bytes in (0, len(asked.payload) - TAG_BYTES, len(asked.payload)):
                made.append(encode_request(kind, asked.session, sequence, rng.randbytes(n_bytes)))
        confirmed = MESSAGES["OPEN"].request.pack(session=asked.session, resumes=0)
        made.append(encode_request(MESSAGES["OPEN"].kind, asked.session, 0, confirmed))
        return made


def body_of(frame: bytes) -> bytes:
    """Header and payload, tag included, of a frame on the wire."""
    return next(FrameDecoder().feed(frame))


def request_of(frame: bytes) -> Request:
    return parse_request(body_of(frame))


def flipped(body: bytes, rng: Random) -> bytes:
    """With another bit in its payload or its tag, and a CRC that fits."""
    bit = rng.randrange(8 * 7, 8 * len(body))
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
