"""A hostile host: what it sends to a device, for ever. Much of it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from support.devices import lock_of, network

from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.wire.frames import encode_frame, encode_request
from edge_dassdp.wire.messages import CHUNK_BYTES, LIMITS, MESSAGES, TAG_BYTES, Message

LIKELY = {"offset": 256, "first": 400, "label": 4, "projection": 4, "n_steps": 13,
          "n_bytes": CHUNK_BYTES + 1, "n_weights": CHUNK_BYTES + 1, "profile": 5, "allow": 4}
"""Most values of a field lie below: in range, or just beyond it."""
GREETS = 9
"""The host whose HELLO was offered the first session."""
_BITS = {"B": 8, "h": 15, "H": 16, "i": 31, "I": 32}
_MOST_REQUESTS = 60_000
"""Of a session; sequence numbers do not begin again."""


class HostileHost:
    """kind: of the network that the device runs. offer: the session that its first HELLO offers.

    n_right: requests so far with a right CRC, of the session that runs, next in turn: what the
    device must answer. Of a device that is locked it has no key, and makes tags up.
    """

    def __init__(self, kind: str, offer: int, rng: Random) -> None:
        self._rng = rng
        self._session = offer - 1
        self._sequence = 0
        self._x_bytes = network(kind).x_bytes
        sensor = network(kind).sensor
        self._reading = 1 if sensor is None else 2 * sensor.n_channels
        self._learning = ReferenceTarget(network(kind)).read_learning()
        self._frame = network(kind).x_bytes // network(kind).n_steps * (network(kind).hop > 0)
        self.n_right = 0
        self._is_locked = lock_of(kind) is not None
        self._moves: tuple[tuple[Callable[[], Iterator[bytes]], float], ...] = (
            (self._request, 60), (self._lesson, 25), (self._restore, 1), (self._damaged, 8),
            (self._out_of_turn, 4), (self._greeting, 1), (self._noise, 1),
            *([(self._forged, 10)] if self._is_locked else []),
            *([(self._stream, 10)] if self._frame else []))

    def frames(self, n: int) -> Iterator[bytes]:
        """At least n pieces of what it sends."""
        moves, weights = zip(*self._moves, strict=True)
        yield self._open(GREETS)  # the count of sessions begins at a host's number
        while n > 0:
            for frame in self._rng.choices(moves, weights)[0]():
                yield frame
                n -= 1
            if self._sequence > _MOST_REQUESTS or self._rng.random() < 1e-4:
                yield self._open()

    def _open(self, host: int | None = None) -> bytes:
        before, self._session, self._sequence = self._session, self._session + 1, 0
        host = host or self._rng.choice((GREETS, 10))
        return greeting("OPEN", host, session=self._session, resumes=before)

    def _next(self, kind: int, payload: bytes) -> bytes:
        """A request that the device carries out or refuses; one that it takes for a forged one uses
        no number up."""
        self.n_right += 1
        sequence = self._sequence + 1
        self._sequence += not (self._is_locked and self._writes(kind, payload))
        return encode_request(kind, self._session, sequence, payload)

    def _writes(self, kind: int, payload: bytes) -> bool:
        message = next((m for m in MESSAGES.values() if m.kind == kind), None)
        if message is None or not isinstance(message.writes, str):
            return message is not None and bool(message.writes)
        return payload[:1] != b"\0"  # of the only field that says so

    def _forged(self) -> Iterator[bytes]:
        """Right requests, and an OPEN of the session on offer, with a tag of somebody who has no
        key."""
        rng = self._rng
        message = rng.choice([m for m in MESSAGES.values() if m.writes])
        tag = rng.choice((rng.randbytes(TAG_BYTES), bytes(TAG_BYTES)))
        yield self._next(message.kind, self._fields(message) + tag)
        opened = MESSAGES["OPEN"].request.pack(session=self._session + 1, resumes=self._session)
        yield encode_request(MESSAGES["OPEN"].kind, GREETS, 0, opened + tag)

    def _request(self) -> Iterator[bytes]:
        """Any request but HELLO and OPEN, its fields in range, beyond it or anywhere. Where it
        holds the device, that soon ends, mostly."""
        message = self._rng.choice([m for m in MESSAGES.values() if not m.opens])
        yield self._next(message.kind, self._fields(message))
        if message.name in ("HOLD", "WRITE_LEARNING") and self._rng.random() < 0.9:
            yield from self._release()

    def _lesson(self) -> Iterator[bytes]:
        """A sample, in pieces where it is long, and what is to be done with it."""
        if self._x_bytes > CHUNK_BYTES:
            for payload in self._pieces():
                yield self._next(MESSAGES["PUT_SAMPLE"].kind, payload)
        words = ("INFER", "LEARN", "LEARN", "LEARN", "WARM_UP", *("OBSERVE",) * (self._reading > 1))
        message = MESSAGES[self._rng.choice(words)]
        yield self._next(message.kind, self._fields(message))

    def _pieces(self) -> Iterator[bytes]:
        """Cut anywhere, mostly between readings; now and then with a gap, a beginning anew or an
        end too far."""
        rng, at = self._rng, 0
        while at < self._x_bytes:
            size = min(rng.randrange(1, CHUNK_BYTES + 1),
                       self._x_bytes - at + (rng.random() < 0.02))
            if rng.random() < 0.99:
                size = max(size - size % self._reading, self._reading)
            offset = 0 if rng.random() < 0.005 else at + (rng.random() < 0.01)
            yield MESSAGES["PUT_SAMPLE"].request.pack(offset=offset, data=rng.randbytes(size))
            at = offset + size

    def _stream(self) -> Iterator[bytes]:
        """A stream of frames, whole or in pieces, now and then of another size, or that is over."""
        rng, stream, push = self._rng, MESSAGES["STREAM"], MESSAGES["PUSH"]
        yield self._next(stream.kind, stream.request.pack(hop=rng.randrange(27)))
        for _ in range(rng.randrange(60)):
            n = self._frame + (rng.random() < 0.03) * rng.randrange(-3, 4)
            at = rng.randrange(1, n) if rng.random() < 0.3 else 0
            if at:
                yield self._next(MESSAGES["PUT_SAMPLE"].kind, MESSAGES["PUT_SAMPLE"].request.pack(
                    offset=0, data=rng.randbytes(at)))
            yield self._next(push.kind, push.request.pack(
                flags=rng.randrange(4), data=rng.randbytes(n - at)))
        if rng.random() < 0.9:
            yield self._next(stream.kind, stream.request.pack(hop=0))

    def _restore(self) -> Iterator[bytes]:
        """A whole learning state, in places another than any device leaves."""
        data = bytearray(self._learning)
        for _ in range(self._rng.choice((0, 1, 3, 50)) if data else 0):
            data[self._rng.randrange(len(data))] = self._rng.choice((0, 1, 255, self._byte()))
        message = MESSAGES["WRITE_LEARNING"]
        for at in range(0, len(data), CHUNK_BYTES):
            yield self._next(message.kind, message.request.pack(
                offset=at, data=data[at:at + CHUNK_BYTES]))
        yield from self._release()

    def _release(self) -> Iterator[bytes]:
        """Twice: what the first finds wrong is put back to initial values; or by a reset."""
        if self._rng.random() < 0.5:
            yield self._next(MESSAGES["RESET"].kind, bytes([self._rng.randrange(2)]))
            return
        for _ in range(2):
            yield self._next(MESSAGES["RELEASE"].kind, b"")

    def _damaged(self) -> Iterator[bytes]:
        """A right request with a flipped bit, cut, longer, or with something else in its middle."""
        rng = self._rng
        message = rng.choice(list(MESSAGES.values()))
        frame = bytearray(encode_request(message.kind, self._session, self._sequence + 1,
                                         self._fields(message)))
        at = rng.randrange(1, len(frame) - 1)
        how = rng.randrange(4)
        if how == 0:
            frame[at] ^= rng.randrange(1, 256)
        elif how == 1:
            del frame[at:]
        elif how == 2:
            frame[at:at] = rng.randbytes(rng.randrange(1, 200))
        else:
            frame[at:at + 4] = bytes(4)
        yield bytes(frame)

    def _out_of_turn(self) -> Iterator[bytes]:
        """Right frames that must not run: said again, too early, too late, of another session, of
        no kind, as an answer, or too large."""
        rng = self._rng
        message = rng.choice([m for m in MESSAGES.values() if not m.opens])
        payload = self._fields(message)
        session, sequence, kind = self._session, self._sequence, message.kind
        how = rng.randrange(6)
        if how == 0:
            sequence = (sequence + rng.choice((0, 2, -1, 1000))) % 65536
        elif how == 1:
            session = rng.choice((0, session - 1, session + 1, rng.randrange(1 << 32)))
        elif how == 2:
            kind |= LIMITS["response_bit"]
        elif how == 3:
            sequence = self._sequence
        elif how == 4:
            yield self._next(rng.choice((0, 40, 90, 127)), payload)
            return
        else:
            payload += rng.randbytes(rng.choice((70, 300, 5000)))
            sequence = self._sequence
        yield encode_request(kind, session % (1 << 32), sequence, payload)

    def _greeting(self) -> Iterator[bytes]:
        """HELLO, and OPEN of a session that is not on offer, by this host and by others."""
        rng = self._rng
        host = rng.choice((0, 9, 10, rng.randrange(1 << 32)))
        yield greeting("HELLO", host)
        yield greeting("OPEN", host, session=rng.choice((0, self._session, self._session - 1)),
                       resumes=rng.randrange(1 << 32))
        yield encode_request(rng.choice((MESSAGES["HELLO"].kind, MESSAGES["OPEN"].kind)), host, 0,
                             rng.randbytes(rng.choice((1, 7, 9, 64))))

    def _noise(self) -> Iterator[bytes]:
        rng = self._rng
        yield rng.choice((bytes(rng.randrange(40)), rng.randbytes(rng.randrange(400)),
                          b"\xff" * rng.randrange(1000), b"\0\1\0\1\1\0",
                          encode_frame(rng.randbytes(rng.randrange(12))))) + b"\0"

    def _fields(self, message: Message) -> bytes:
        """A payload of likely and unlikely contents."""
        rng = self._rng
        values: dict[str, Any] = {}
        for name, code in zip(message.request.names, message.request.codes, strict=True):
            if code.endswith("s"):  # a name, or what is none
                n = int(code[:-1])
                values[name] = rng.choice((b"wave", b"w%d" % rng.randrange(3), bytes(n),
                                           rng.randbytes(n)))
                continue
            limit = 1 << _BITS[code]
            values[name] = rng.randrange(LIKELY.get(name, limit) if rng.random() < 0.95 else limit)
            if code in "hi" and rng.random() < 0.3:
                values[name] = -rng.randrange(1, 3)
        if message.request.open_name:
            inline = self._x_bytes if self._x_bytes <= CHUNK_BYTES else 0
            n_bytes = inline if message.request.open_kind == "sample" else rng.randrange(
                1, CHUNK_BYTES + 1)
            values[message.request.open_name] = rng.randbytes(
                n_bytes if rng.random() < 0.95 else rng.randrange(70))
        return message.request.pack(**values)

    def _byte(self) -> int:
        return self._rng.randrange(256)


def greeting(name: str, host: int, **fields: int) -> bytes:
    """HELLO or OPEN as a host sends it."""
    message = MESSAGES[name]
    return encode_request(message.kind, host, 0, message.request.pack(**fields))
