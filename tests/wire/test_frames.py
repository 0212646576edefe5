"""Frames and messages on the host: what goes in comes out, and nothing else ever does."""

from __future__ import annotations

import contextlib
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dassdp.base.assets import folder
from edge_dassdp.wire.frames import (
    MIN_RESPONSE_FRAME_BYTES,
    FrameDecoder,
    FrameError,
    Response,
    decode_frame,
    encode_frame,
    encode_request,
    encode_response,
    link_buffer_bytes,
    messages_header,
    parse_request,
    parse_response,
)
from edge_dassdp.wire.messages import (
    CHUNK_BYTES,
    LINK_STATUSES,
    MESSAGES,
    NONCE_BYTES,
    RUNTIME_STATUSES,
    STATUS_TEXTS,
    TAG_BYTES,
)

BODIES = st.binary(min_size=1, max_size=600)
GOOD = encode_request(3, 0x01020304, 65535, bytes(range(256)) * 2)


def decode(data: bytes) -> list[bytes]:
    return list(FrameDecoder().feed(data))


@given(BODIES)
def test_a_frame_survives_and_holds_no_zero_inside(body: bytes) -> None:
    frame = encode_frame(body)
    assert frame[0] == frame[-1] == 0 and 0 not in frame[1:-1]
    assert decode(frame) == [body]


@given(st.lists(BODIES, max_size=5), st.data())
def test_frames_survive_any_cutting_into_reads(bodies: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(encode_frame(body) for body in bodies)
    decoder, got, position = FrameDecoder(), [], 0
    while position < len(wire):
        size = data.draw(st.integers(1, len(wire)))
        got += decoder.feed(wire[position:position + size])
        position += size
    assert got == bodies and decoder.n_bad == 0


@given(st.binary(max_size=2000), BODIES)
def test_the_frame_after_garbage_is_never_lost(garbage: bytes, body: bytes) -> None:
    assert decode(garbage + encode_frame(body))[-1] == body


def test_a_frame_cut_anywhere_is_dropped_and_the_next_is_not() -> None:
    for end in range(1, len(GOOD) - 1):
        decoder = FrameDecoder()
        assert len(list(decoder.feed(GOOD[:end] + GOOD))) == 1, f"cut at {end}"
        assert decoder.n_bad == (end > 1)


def test_no_single_flipped_bit_gets_through() -> None:
    for bit in range(8 * len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[bit // 8] ^= 1 << bit % 8
        got = decode(bytes(damaged) + GOOD)
        assert got[-1] == decode(GOOD)[0], f"bit {bit} costs the next frame"
        if bit // 8 not in (0, len(GOOD) - 1):  # outside of the frame proper
            assert len(got) == 1, f"bit {bit} was not noticed"


def test_a_doubled_frame_is_two_frames() -> None:
    assert len(decode(GOOD * 2)) == 2


def test_a_frame_of_64_kb_passes_or_is_dropped_in_bounded_memory() -> None:
    huge = encode_frame(bytes(65536))
    assert len(decode(huge)[0]) == 65536
    decoder = FrameDecoder(max_frame_bytes=1000)
    got = [body for i in range(0, len(huge), 64) for body in decoder.feed(huge[i:i + 64])]
    assert got == [] and decoder.n_bad == 1
    assert list(decoder.feed(GOOD)) == decode(GOOD)


@given(st.binary(max_size=300))
def test_nothing_but_a_frame_error_escapes(data: bytes) -> None:
    for parse in (decode_frame, parse_request, parse_response):
        with contextlib.suppress(FrameError):
            parse(data)


@given(st.integers(1, 127), st.integers(0, 2**32 - 1), st.integers(0, 65535),
       st.binary(max_size=99))
def test_requests_and_responses_keep_their_fields(kind: int, session: int, sequence: int,
                                                   payload: bytes) -> None:
    request = parse_request(decode(encode_request(kind, session, sequence, payload))[0])
    assert (request.kind, request.session, request.sequence, request.payload) == (
        kind, session, sequence, payload)
    response = Response(kind, session, sequence, -3, payload)
    assert parse_response(decode(encode_response(response))[0]) == response
    with pytest.raises(FrameError):  # an adapter that echoes is not taken for a device
        parse_response(decode(encode_request(kind, session, sequence, payload))[0])


def test_a_field_is_never_swallowed_or_forgotten() -> None:
    lesson = MESSAGES["LEARN"].request
    for wrong in ({"flags": 0, "label": 1, "x": b""},
                  {"flags": 0, "label": 1, "loss_q8": 0, "lable": 1, "x": b""},
                  {"flags": 0, "label": 70000, "loss_q8": 0, "x": b""}):
        with pytest.raises(ValueError):
            lesson.pack(**wrong)


def test_the_shortest_response_is_as_short_as_said() -> None:
    shortest = min(len(encode_response(Response(kind, 0xFFFFFFFF, 65535, -1, b"")))
                   for kind in range(1, 1 + len(MESSAGES)))
    assert shortest == MIN_RESPONSE_FRAME_BYTES


def test_buffers_hold_every_message() -> None:
    for n_classes in (2, 10, 300):
        buffers = link_buffer_bytes(n_classes)
        ends = {"": 0, "sample": CHUNK_BYTES, "logits": 4 * n_classes, "chunk": CHUNK_BYTES,
                "nonce": NONCE_BYTES}
        for message in MESSAGES.values():
            request = encode_request(message.kind, 1, 1, bytes(
                message.request.n_bytes + ends[message.request.open_kind]),
                lambda body: bytes(TAG_BYTES))
            response = encode_response(Response(message.kind, 1, 1, 0, bytes(
                message.response.n_bytes + ends[message.response.open_kind])))
            assert len(decode(request)[0]) + 4 <= buffers.request
            room = buffers.request if message.opens else buffers.response
            assert len(decode(response)[0]) + 4 <= room


def test_statuses_are_those_of_the_public_header() -> None:
    header = (folder("firmware") / "include" / "dassdp.h").read_text("utf-8")
    listed = re.findall(r'X\(DASSDP_(\w+), (-?\d+), "([^"]*)"\)', header)
    assert listed == [(s["name"], str(s["value"]), s["text"]) for s in RUNTIME_STATUSES]
    assert len(STATUS_TEXTS) == len(RUNTIME_STATUSES) + len(LINK_STATUSES)


def test_the_c_header_is_the_same_every_time() -> None:
    first = messages_header()
    messages_header.cache_clear()
    assert messages_header() == first
    assert "DASSDP_LINK_REQUESTS(X)" in first and "{{" not in first


def test_each_message_says_whether_it_writes() -> None:
    """One that says nothing counts as writing: no locked device does it for everybody."""
    table = tomllib.loads((folder("codegen") / "messages.toml").read_text("utf-8"))
    silent = [entry["name"] for entry in table["message"]
              if "writes" not in entry and not entry.get("opens")]
    assert not silent
    assert [m.name for m in MESSAGES.values() if m.writes is False] == [
        "HELLO", "OPEN", "INFER", "READ_WEIGHTS", "READ_STATE", "READ_LEARNING", "STATISTICS",
        "PUT_SAMPLE", "STREAM", "PUSH"]
    assert not MESSAGES["DRIFT"].is_write({"allow": 0}) and MESSAGES["DRIFT"].is_write({"allow": 1})
