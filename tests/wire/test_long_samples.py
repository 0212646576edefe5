"""Samples longer than a message come in pieces: all of one, in order, or nothing runs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.devices import RawDevice, learned, library, network, pack, samples, stream, target
from support.faults import Cable

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan import Plan
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.wire.frames import encode_request
from edge_dassdp.wire.messages import CHUNK_BYTES, MESSAGES, STATUSES
from edge_dassdp.wire.session import Session

LONG = "frames"
X_BYTES = network(LONG).x_bytes
N_PIECES = -(-X_BYTES // CHUNK_BYTES)
RUNS = ("INFER", "LEARN", "WARM_UP")
BOTH_DIGESTS = 3


def run(name: str, x: bytes = b"", label: int = 1) -> tuple[str, bytes]:
    if name == "INFER":
        return pack(name, flags=BOTH_DIGESTS, n_steps=0, x=x)
    return pack(name, flags=BOTH_DIGESTS, label=label, loss_q8=-1, x=x)


def put_all(device: RawDevice, x: bytes) -> None:
    for at in range(0, len(x), CHUNK_BYTES):
        assert device.put(at, x[at:at + CHUNK_BYTES]) == 0


def digests(device: RawDevice, request: tuple[str, bytes]) -> tuple[int, int]:
    answer = device.ask(*request)
    assert answer.status == 0
    fields = MESSAGES["LEARN"].response.unpack(answer.payload)
    return fields["forward_digest"], fields["learned_digest"]


@cache
def expected_digests(i: int) -> tuple[int, int]:
    """Of a new device that learns sample i of two."""
    x, labels = samples(2, kind=LONG)
    outcome = Emulator(network(LONG), checked=True).learn(x[i], labels[i], digest=True)
    return outcome.forward_digest, outcome.learned_digest


@pytest.mark.parametrize("kind", ["64", "65", "128", "600", "1000", LONG])
def test_a_sample_of_any_length_gives_the_emulator_s_bits(kind: str) -> None:
    x, labels = samples(12, kind=kind)
    device, emulator = target(stream(kind), kind), Emulator(network(kind), checked=True)
    for i in range(12):
        there, here = (t.learn(x[i], labels[i], digest=True) for t in (device, emulator))
        assert (there.forward_digest, there.learned_digest) == (here.forward_digest,
                                                                here.learned_digest)
        assert there.logits.tolist() == here.logits.tolist()
        ends = [t.infer(x[i], digest=True, n_steps=5).forward_digest for t in (device, emulator)]
        assert ends[0] == ends[1]
    assert device.link_retries == 0
    n_pieces = 0 if len(x[0]) <= CHUNK_BYTES else -(-len(x[0]) // CHUNK_BYTES)
    assert device.link_frames == 2 + 12 * 2 * (n_pieces + 1)
    assert device.statistics().n_labelled == 12


def test_the_link_s_memory_does_not_grow_with_the_sample() -> None:
    """The sample lies in the state, once, and no frame overruns the smallest receive ring."""
    header = {kind: Plan.of(network(kind)).layout for kind in ("600", "1000")}
    assert header["1000"].state_bytes - header["600"].state_bytes == 400
    sent: list[bytes] = []

    class Spy(LoopbackStream):
        def write(self, data: bytes, /) -> int:
            sent.append(data)
            return super().write(data)

    device = LinkTarget.of(network("1000"), Spy(library("1000")))
    device.learn(np.full(1000, 3, np.int8), 1)
    assert max(map(len, sent)) <= 96


@given(st.lists(st.integers(1, CHUNK_BYTES), min_size=1, max_size=40), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_a_sample_may_be_cut_anywhere_and_begun_again(sizes: list[int], n_false: int) -> None:
    x, labels = samples(2, kind=LONG)
    device, at = RawDevice(LONG), 0
    for i in range(n_false):
        assert device.put(i * CHUNK_BYTES, x[1].tobytes()[:CHUNK_BYTES]) == 0
    for size in [*sizes, *[CHUNK_BYTES] * N_PIECES]:
        piece = x[0].tobytes()[at:at + size]
        if piece:
            assert device.put(at, piece) == 0
        at += len(piece)
    assert at == X_BYTES
    assert digests(device, run("LEARN", label=labels[0])) == expected_digests(0)


@pytest.mark.parametrize("n_pieces", [0, 1, N_PIECES - 1])
@pytest.mark.parametrize("name", RUNS)
def test_nothing_runs_before_the_sample_is_complete(name: str, n_pieces: int) -> None:
    x, _ = samples(2, kind=LONG)
    device = RawDevice(LONG)
    for at in range(0, n_pieces * CHUNK_BYTES, CHUNK_BYTES):
        assert device.put(at, x[0].tobytes()[at:at + CHUNK_BYTES]) == 0
    before = device.state()
    for at in range(0, n_pieces * CHUNK_BYTES, CHUNK_BYTES):
        assert device.put(at, x[0].tobytes()[at:at + CHUNK_BYTES]) == 0
    assert device.ask(*run(name)).status == STATUSES["E_SAMPLE"]
    assert device.state() == before


WRONG_PIECES = {
    "a gap": (2 * CHUNK_BYTES, 64, "E_INDEX"),
    "the same again": (CHUNK_BYTES - 1, 64, "E_INDEX"),
    "off the end": (X_BYTES, 1, "E_INDEX"),
    "far off": (2**32 - 1, 64, "E_INDEX"),
    "empty": (CHUNK_BYTES, 0, "E_SIZE"),
    "too large": (CHUNK_BYTES, 65, "E_SIZE"),
}


@pytest.mark.parametrize("what", WRONG_PIECES)
def test_a_wrong_piece_is_refused_and_the_right_one_still_taken(what: str) -> None:
    offset, size, status = WRONG_PIECES[what]
    x, labels = samples(2, kind=LONG)
    data = x[0].tobytes()
    device = RawDevice(LONG)
    assert device.put(0, data[:CHUNK_BYTES]) == 0
    assert device.put(offset, b"\x55" * size) == STATUSES[status]
    for at in range(CHUNK_BYTES, X_BYTES, CHUNK_BYTES):
        assert device.put(at, data[at:at + CHUNK_BYTES]) == 0
    assert device.put(X_BYTES, b"\x55") == STATUSES["E_INDEX"]
    assert digests(device, run("LEARN", label=labels[0])) == expected_digests(0)


@pytest.mark.parametrize("between", [("STATISTICS", b""), ("FIT_GATE", b""), ("RESET", b"\0"),
                                     run("LEARN", label=3), run("INFER", b"x"), ("LEARN", b"")],
                         ids=["question", "gate", "reset", "label", "inline", "cut"])
def test_a_sample_is_used_up_by_whatever_follows_it(between: tuple[str, bytes]) -> None:
    """Also by a run that is refused: what learning leaves of its memory is nobody's sample."""
    x, labels = samples(2, kind=LONG)
    device = RawDevice(LONG)
    put_all(device, x[0].tobytes())
    device.ask(*between)
    before = device.state()
    assert device.ask(*run("LEARN")).status == STATUSES["E_SAMPLE"]
    assert device.state() == before
    put_all(device, x[0].tobytes())
    assert digests(device, run("LEARN", label=labels[0])) == expected_digests(0)


def test_an_inline_sample_of_a_long_one_is_refused_by_its_size() -> None:
    device = RawDevice(LONG)
    for size in (1, CHUNK_BYTES):
        assert device.ask(*run("INFER", bytes(size))).status == STATUSES["E_SIZE"]


def test_a_label_out_of_range_changes_no_weight() -> None:
    device = target(stream(LONG), LONG)
    x, labels = samples(8, kind=LONG)
    for i in range(8):
        device.learn(x[i], labels[i])
    before = learned(device)
    with pytest.raises(EdgeError, match="label out of range") as caught:
        device.learn(x[0], 3)
    assert caught.value.code == "E503"
    assert learned(device) == before
    device.learn(x[0], 2)
    assert device.statistics().n_labelled == 9


def test_the_host_says_that_a_sample_is_not_complete() -> None:
    session = Session(stream(LONG))
    session.open()
    session.ask("PUT_SAMPLE", offset=0, data=bytes(CHUNK_BYTES))
    with pytest.raises(EdgeError, match="the sample is not complete: send all of it") as caught:
        session.ask("LEARN", flags=0, label=1, loss_q8=-1, x=b"")
    assert caught.value.code == "E503"
    assert session.ask("STATISTICS")["n_labelled"] == 0


@pytest.mark.parametrize("n_passing", [1, N_PIECES - 1, N_PIECES])
@pytest.mark.parametrize("lost", ["request", "response"])
def test_a_stream_that_stops_in_the_middle_of_a_sample(lost: str, n_passing: int) -> None:
    """Pieces alone learn nothing: only the loss of the last answer leaves a learned sample."""
    x, labels = samples(2, kind=LONG)
    wire = Cable(stream(LONG))
    device = target(wire, LONG, retries=1, timeout_s=0.05)
    device.learn(x[0], labels[0])
    before = learned(device)
    wire.loses, wire.n_passing = lost, n_passing
    with pytest.raises(EdgeError, match="does not answer") as caught:
        device.learn(x[1], labels[1])
    assert caught.value.code == "E502"
    wire.loses = ""
    has_learned = lost == "response" and n_passing == N_PIECES
    assert device.statistics().n_labelled == 1 + has_learned
    assert device.lost_request_ran is has_learned
    assert (learned(device) == before) is not has_learned
    if not has_learned:
        device.learn(x[1], labels[1])
    emulator = Emulator(network(LONG), checked=True)
    for i in range(2):
        emulator.learn(x[i], labels[i])
    assert learned(device) == learned(emulator)


def test_a_power_cut_in_the_middle_of_a_sample() -> None:
    class Cut(LoopbackStream):
        n_writes = 0

        def write(self, data: bytes, /) -> int:
            self.n_writes += 1
            if self.n_writes == 5:
                self.reboot()
            return super().write(data)

    x, labels = samples(2, kind=LONG)
    device = LinkTarget.of(network(LONG), Cut(library(LONG)))
    with pytest.raises(EdgeError) as caught:
        device.learn(x[0], labels[0])
    assert caught.value.code == "E505"
    assert device.statistics().n_labelled == 0
    outcome = device.learn(x[0], labels[0], digest=True)
    assert (outcome.forward_digest, outcome.learned_digest) == expected_digests(0)


def test_a_sample_begun_anew_leaves_nothing_of_the_one_before() -> None:
    x, labels = samples(2, kind=LONG)
    device = RawDevice(LONG)
    put_all(device, x[1].tobytes()[:300])
    put_all(device, x[0].tobytes())
    assert digests(device, run("LEARN", label=labels[0])) == expected_digests(0)


def test_the_samples_of_two_hosts_do_not_mix() -> None:
    x, labels = samples(2, kind=LONG)
    a, b = x[0].tobytes(), x[1].tobytes()
    device = RawDevice(LONG)
    put_all(device, a[:5 * CHUNK_BYTES])
    first = device.session
    device.greet(6)
    assert device.put(5 * CHUNK_BYTES, a[5 * CHUNK_BYTES:6 * CHUNK_BYTES]) == STATUSES["E_INDEX"]
    put_all(device, b[:5 * CHUNK_BYTES])
    old = encode_request(MESSAGES["PUT_SAMPLE"].kind, first, 6,
                         pack("PUT_SAMPLE", offset=5 * CHUNK_BYTES, data=a[:64])[1])
    assert [r.status for r in device.exchange(old)] == [STATUSES["E_SESSION"]]
    for at in range(5 * CHUNK_BYTES, X_BYTES, CHUNK_BYTES):
        assert device.put(at, b[at:at + CHUNK_BYTES]) == 0
    assert digests(device, run("LEARN", label=labels[1])) == expected_digests(1)


def test_a_session_that_is_confirmed_keeps_a_half_received_sample() -> None:
    x, labels = samples(2, kind=LONG)
    device = RawDevice(LONG)
    put_all(device, x[0].tobytes()[:5 * CHUNK_BYTES])
    assert device.hello()["offer"] == device.session + 1
    assert device.open(device.session).status == 0
    for at in range(5 * CHUNK_BYTES, X_BYTES, CHUNK_BYTES):
        assert device.put(at, x[0].tobytes()[at:at + CHUNK_BYTES]) == 0
    assert digests(device, run("LEARN", label=labels[0])) == expected_digests(0)
