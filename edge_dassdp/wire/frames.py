"""The link between host and device: frames, headers, and the C header made from the same table.

A frame is COBS(header + payload + CRC-32) between two zero bytes; payloads are laid out by
`edge_dassdp.wire.messages`. docs/protocol.md says what is guaranteed. This module moves no bytes:
`edge_dassdp.targets.link` does.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from cobs import cobs

from edge_dassdp.base.assets import render
from edge_dassdp.wire.messages import (
    CHUNK_BYTES,
    FLAGS,
    LIMITS,
    LINK_STATUSES,
    MESSAGES,
    NONCE_BYTES,
    REQUEST_HEADER,
    RESPONSE_BIT,
    RESPONSE_HEADER,
    RUNTIME_STATUSES,
    TAG_BYTES,
    Message,
    Payload,
)

_CRC_BYTES = 4


@dataclass(frozen=True)
class LinkBuffers:
    """Bytes of the device's two frame buffers."""

    request: int
    response: int


@dataclass(frozen=True)
class Request:
    """A decoded request."""

    kind: int
    session: int
    sequence: int
    payload: bytes


@dataclass(frozen=True)
class Response:
    """A decoded response. kind: of the request that it answers. status: 0 or negative."""

    kind: int
    session: int
    sequence: int
    status: int
    payload: bytes


class FrameError(ValueError):
    """Bytes that are not a frame: cut, damaged or too long."""


LINK_STRUCT_BYTES: int = LIMITS["struct_bytes"]
LINK_STORE_BYTES: int = LIMITS["store_bytes"]
"""sizeof(dassdp_link_t) on a 32-bit device, and what slots in flash add to it; a _Static_assert in
link.c keeps them true."""

MIN_RESPONSE_FRAME_BYTES = RESPONSE_HEADER.n_bytes + _CRC_BYTES + 3
"""Bytes on the wire of the shortest response: a COBS code and two zeros included."""


def encode_frame(body: bytes) -> bytes:
    """The bytes on the wire of a header with its payload."""
    with_crc = body + zlib.crc32(body).to_bytes(_CRC_BYTES, "little")
    return b"\0" + bytes(cobs.encode(with_crc)) + b"\0"


def decode_frame(encoded: bytes) -> bytes:
    """What `encode_frame` was given, from the bytes between two zeros. Raises FrameError."""
    try:
        with_crc = bytes(cobs.decode(encoded))
    except cobs.DecodeError as problem:
        raise FrameError(str(problem)) from None
    body, crc = with_crc[:-_CRC_BYTES], with_crc[-_CRC_BYTES:]
    if len(crc) < _CRC_BYTES or zlib.crc32(body).to_bytes(_CRC_BYTES, "little") != crc:
        raise FrameError("CRC mismatch")
    return body


def encode_request(kind: int, session: int, sequence: int, payload: bytes,
                   sign: Callable[[bytes], bytes] | None = None) -> bytes:
    """A request on the wire. session: 1 to 2^32 - 1, the host's random number where the message
    opens one. sequence: 1 to 65535, 0 there. sign: gives the tag of header and payload, for a
    locked build."""
    body = REQUEST_HEADER.pack(kind=kind, session=session, sequence=sequence) + payload
    return encode_frame(body + sign(body) if sign else body)


def encode_response(response: Response) -> bytes:
    """A response on the wire, as the device writes it."""
    header = RESPONSE_HEADER.pack(kind=response.kind | RESPONSE_BIT, session=response.session,
                                   sequence=response.sequence, status=response.status)
    return encode_frame(header + response.payload)


def parse_request(body: bytes) -> Request:
    """A decoded frame as a request. Raises FrameError."""
    size = REQUEST_HEADER.n_bytes
    if len(body) < size or body[0] & RESPONSE_BIT:
        raise FrameError("not a request")
    return Request(**REQUEST_HEADER.unpack(body[:size]), payload=body[size:])


def parse_response(body: bytes) -> Response:
    """A decoded frame as a response. Raises FrameError."""
    size = RESPONSE_HEADER.n_bytes
    if len(body) < size or not body[0] & RESPONSE_BIT:
        raise FrameError("not a response")
    fields = RESPONSE_HEADER.unpack(body[:size])
    fields["kind"] &= ~RESPONSE_BIT
    return Response(**fields, payload=body[size:])


class FrameDecoder:
    """Bytes in, frames out, whatever the bytes are.

    Damaged frames are counted in `n_bad` and dropped; a frame longer than max_frame_bytes is
    dropped while it arrives, so memory stays bounded. The next good frame is never lost, because
    every frame begins and ends with a zero byte, which occurs nowhere else.
    """

    def __init__(self, max_frame_bytes: int = 1 << 17) -> None:
        self.n_good = 0
        self.n_bad = 0
        self._max = max_frame_bytes
        self._partial = bytearray()
        self._is_too_long = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded bodies (header and payload) of the frames completed by `data`."""
        *ended, rest = data.split(b"\0")
        for piece in ended:
            self._append(piece)
            body = self._finish()
            if body is not None:
                yield body
        self._append(rest)

    def _append(self, piece: bytes) -> None:
        if len(self._partial) + len(piece) > self._max:
            self._is_too_long = True
            self._partial.clear()
        if not self._is_too_long:
            self._partial += piece

    def _finish(self) -> bytes | None:
        encoded, too_long = bytes(self._partial), self._is_too_long
        self._partial.clear()
        self._is_too_long = False
        if not encoded and not too_long:
            return None
        try:
            if too_long:
                raise FrameError("frame too long")
            body = decode_frame(encoded)
        except FrameError:
            self.n_bad += 1
            return None
        self.n_good += 1
        return body


def _frame_sizes() -> dict[str, int]:
    """Room the device needs, by C name: for any request, and for responses without and with
    logits, these not counted."""
    request, response = {"": 0}, {"": 0, "logits": 0}
    for message in MESSAGES.values():
        if message.opens:  # answered from the request buffer: the last response must stay as it is
            size = RESPONSE_HEADER.n_bytes + message.response.n_bytes + _CRC_BYTES
            size += NONCE_BYTES * (message.response.open_kind == "nonce")
            request[""] = max(request[""], size)
            continue
        for sizes, layout, header in ((request, message.request, REQUEST_HEADER),
                                      (response, message.response, RESPONSE_HEADER)):
            size = header.n_bytes + layout.n_bytes + _CRC_BYTES
            end = layout.open_kind
            if end in ("chunk", "sample"):
                end, size = "", size + CHUNK_BYTES
            if sizes is request:
                size += TAG_BYTES  # HELLO's answer is longer: what is not locked pays nothing
            sizes[end] = max(sizes[end], size)
    return {"REQUEST_BYTES_MAX": request[""],
            "RESPONSE_FIXED_BYTES": response[""],
            "RESPONSE_LOGITS_BYTES": response["logits"]}


def link_buffer_bytes(n_classes: int) -> LinkBuffers:
    """Sizes of the device's frame buffers for n_classes logits. No sample needs a larger one:
    those of more than CHUNK_BYTES come in pieces."""
    sizes = _frame_sizes()
    return LinkBuffers(
        request=sizes["REQUEST_BYTES_MAX"],
        response=max(sizes["RESPONSE_FIXED_BYTES"],
                     sizes["RESPONSE_LOGITS_BYTES"] + 4 * n_classes))


def _writes(message: Message) -> int:
    """As `dassdp_messages.h` says what a locked build wants signed."""
    if isinstance(message.writes, str):
        return dict(message.request.offsets(REQUEST_HEADER.n_bytes))[message.writes]
    return 255 if message.writes else 0


@cache
def messages_header() -> str:
    """The text of `dassdp_messages.h`; the same for every model."""
    starts: dict[str, tuple[Payload, int]] = {
        "REQUEST_HEADER": (REQUEST_HEADER, 0), "RESPONSE_HEADER": (RESPONSE_HEADER, 0)}
    for message in MESSAGES.values():
        starts[message.request.prefix] = (message.request, REQUEST_HEADER.n_bytes)
        starts[message.response.prefix] = (message.response, RESPONSE_HEADER.n_bytes)
    layouts = [{"prefix": prefix, "name": prefix.lower().replace("_", " "),
                "offsets": [(field.upper(), offset) for field, offset in layout.offsets(start)],
                "n_bytes": start + layout.n_bytes}
               for prefix, (layout, start) in starts.items()]
    return render(
        "dassdp_messages.h.j2",
        limits=[(name.upper(), value) for name, value in LIMITS.items()],
        flags=[(name.upper(), value) for name, value in FLAGS.items()],
        runtime_statuses=RUNTIME_STATUSES, link_statuses=LINK_STATUSES,
        messages=list(MESSAGES.values()), layouts=layouts,
        requests=[{"name": message.name, "open_end": message.request.open_kind or "none",
                   "n_bytes": REQUEST_HEADER.n_bytes + message.request.n_bytes,
                   "needs_whole": int(message.needs_whole), "writes": _writes(message)}
                  for message in MESSAGES.values() if not message.opens],
        buffers=[*_frame_sizes().items(), ("CRC_BYTES", _CRC_BYTES)])
