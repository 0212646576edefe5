"""No bytes make the device leave its memory, compute something undefined, or fall silent."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.devices import RawDevice
from support.lanes import often

from edge_dassdp.wire.frames import encode_frame, encode_request
from edge_dassdp.wire.messages import MESSAGES

HOST = 9


@given(st.lists(st.one_of(
    st.binary(max_size=300),
    st.binary(min_size=7, max_size=200).map(encode_frame),
    st.tuples(st.integers(0, 20), st.integers(-1, 2), st.integers(0, 4), st.binary(max_size=80)),
    st.just((MESSAGES["HELLO"].kind, 0, 0, b""))), max_size=12))
@settings(max_examples=often(300), deadline=None)
def test_after_any_bytes_the_device_opens_a_session(
        pieces: list[bytes | tuple[int, int, int, bytes]]) -> None:
    device = RawDevice("gated")
    for piece in pieces:
        if not isinstance(piece, bytes):
            kind, later, sequence, payload = piece
            piece = encode_request(kind, device.session + later, sequence, payload)
        device.wire.write(piece)
    device.wire.write(b"\0")
    device.wire.read(1 << 19)
    device.greet(HOST)
    assert device.ask("STATISTICS").status == 0
