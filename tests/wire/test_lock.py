"""A locked device does what writes only for who has its key, whatever others say, say again or say
in between; who has it is disturbed by none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from support.devices import (
    LOCK,
    LOCKED,
    RawDevice,
    learned,
    pack,
    samples,
    stream,
    target,
)
from support.intruder import Intruder, body_of, flipped, request_of
from support.lanes import often

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.wire.frames import (
    FrameDecoder,
    Response,
    encode_frame,
    encode_request,
    parse_response,
)
from edge_dassdp.wire.lock import Lock
from edge_dassdp.wire.messages import MESSAGES, NONCE_BYTES, STATUSES, TAG_BYTES
from edge_dassdp.wire.session import Session

ERROR = "locked error"
KINDS = (ERROR, "locked frames", "locked memory", "locked sensor", "locked wide")
OTHER = Lock(bytes((3 * b + 7) % 256 for b in LOCK.key))
GOLDEN = 2654435769


def fields_of(name: str, device: RawDevice) -> bytes:
    """A payload that a device without a lock carries out or refuses for what it says."""
    message = MESSAGES[name].request
    n_open = {"sample": device.x_bytes if device.x_bytes <= 64 else 0, "chunk": 4}.get(
        message.open_kind, 0)
    values: dict[str, int | bytes] = {
        n: bytes(16) if n == "class_name" else 2 if n in ("allow", "n_steps") else
        1 if n == "label" else 0 for n in message.names}
    return message.pack(**values, **({message.open_name: bytes(n_open)} if n_open or
                                     message.open_name else {}))


WRITES = [name for name, message in MESSAGES.items() if message.writes]
READS = [name for name, m in MESSAGES.items() if not m.writes and not m.opens]


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("kind", KINDS)
def test_without_the_key_nothing_is_written_and_no_number_used_up(kind: str, name: str) -> None:
    device = RawDevice(kind)
    before = device.hello()["learned_digest"]
    payload = fields_of(name, device)
    for extra in (b"", bytes(TAG_BYTES), b"\xff" * TAG_BYTES):
        found = device.ask(name, payload + extra)
        assert found.status == STATUSES["E_LOCKED"] and not found.payload
        device.sequence -= 1
    device.sequence += 1
    assert device.exchange(encode_request(MESSAGES["STATISTICS"].kind, device.session,
                                          device.sequence, b""))[0].status == 0
    assert device.hello()["learned_digest"] == before


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_may_read(kind: str) -> None:
    """And a read changes nothing that is learned."""
    device = RawDevice(kind)
    before, state = device.hello(), device.state()
    x, _ = samples(3, kind=kind)
    reader = target(device.wire, kind, lock=None)
    if kind != "locked sensor":
        for sample in x:
            reader.infer(sample)
    reader.read_weights("fc2")
    reader.statistics()
    reader.read_learning()
    assert reader.is_read_only
    after = reader.info
    assert after.learned_digest == before["learned_digest"] and after.locked == 1
    assert len(state) == after.state_bytes
    for name in READS:
        device.greet(77)
        assert device.ask(name, fields_of(name, device)).status != STATUSES["E_LOCKED"]
    assert device.hello()["learned_digest"] == before["learned_digest"]


def test_drift_is_read_by_all_and_allowed_by_who_has_the_key() -> None:
    device = RawDevice("locked sensor")
    device.greet(3)
    assert device.ask(*pack("DRIFT", allow=0)).status == 0
    for allow in (1, 2, 255):
        assert device.ask(*pack("DRIFT", allow=allow)).status == STATUSES["E_LOCKED"]
        device.sequence -= 1


ACTS: dict[str, Callable[[LinkTarget], object]] = {
    "learn": lambda d: d.learn(samples(1)[0][0], 1), "reset": LinkTarget.reset,
    "warm_up": lambda d: d.warm_up(samples(1)[0][0], 1), "fit_gate": LinkTarget.fit_gate,
    "write_weights": lambda d: d.write_weights("fc2", d.read_weights("fc2")),
    "write_learning": lambda d: d.write_learning(d.read_learning()),
    "restore": lambda d: d.restore({"fc2": d.read_weights("fc2")}, d.read_learning())}


@pytest.mark.parametrize("act", ACTS)
def test_a_host_without_the_key_is_told_at_once(act: str) -> None:
    """Nothing is sent that the device would have to refuse."""
    wire = stream(ERROR)
    host = target(wire, ERROR, lock=None)
    with pytest.raises(EdgeError, match="this board is locked: --lock KEYFILE") as caught:
        ACTS[act](host)
    assert caught.value.code == "E509" and "EDGE_DASSDP_LOCK" in caught.value.help
    assert host.statistics().n_labelled == 0, "it can be read still"
    with pytest.raises(EdgeError, match="this board is locked") as caught:
        host.require_key("learn")
    ACTS[act](target(wire, ERROR))


def test_a_wrong_key_is_told_as_such_and_ends_no_session() -> None:
    wire = stream(ERROR)
    right = target(wire, ERROR)
    x, y = samples(6)
    for i in range(3):
        right.learn(x[2 * i], y[2 * i])
        with pytest.raises(EdgeError, match="the key is not that of this board") as caught:
            target(wire, ERROR, lock=OTHER)
        assert caught.value.code == "E509"
        right.learn(x[2 * i + 1], y[2 * i + 1])
    assert right.statistics().n_labelled == 6 and right.link_retries == 0


def test_a_key_for_a_board_that_is_not_locked_is_refused() -> None:
    with pytest.raises(EdgeError, match="this board is not locked") as caught:
        target(stream("error"), "error", lock=LOCK)
    assert caught.value.code == "E509" and "EDGE_DASSDP_LOCK" in caught.value.help


def test_a_device_that_draws_no_number_is_not_believed() -> None:
    """As one is that never had a key and says that it is locked."""
    class Stripped(Intruder):
        def write(self, data: bytes, /) -> int | None:
            if request_of(data).kind == MESSAGES["OPEN"].kind:
                asked = request_of(data)
                data = encode_request(asked.kind, asked.session, 0, asked.payload[:-TAG_BYTES])
            return self.stream.write(data)

    with pytest.raises(EdgeError, match="another format") as caught:
        target(Stripped(stream(ERROR), Random(0)), ERROR)
    assert caught.value.code == "E504"


def taught(wire: object, kind: str) -> tuple[bytes, ...]:
    x, y = samples(24, kind=kind)
    device = target(wire, kind, retries=3)
    for i in range(12):
        device.learn(x[i], y[i])
    device.write_weights("fc2", -device.read_weights("fc2") // 2)
    for i in range(12, 24):
        device.learn(x[i], y[i])
    return learned(device)


@pytest.mark.parametrize("kind", [ERROR, "locked frames", "locked gated"])
def test_an_intruder_on_the_line_changes_nothing(kind: str) -> None:
    """It takes no number, runs nothing, puts no piece into a sample, and the host is told of
    nothing that was not so."""
    expected = taught(stream(kind), kind)
    for seed in range(often(4)):
        intruder = Intruder(stream(kind), Random(f"{kind} {seed}"), (1.0, 0.3)[seed % 2])
        assert taught(intruder, kind) == expected
        assert intruder.n_put > 1000 * (1.0, 0.3)[seed % 2]


@pytest.fixture(params=[ERROR, "locked frames"])
def heard(request: pytest.FixtureRequest) -> tuple[str, LoopbackStream, list[bytes]]:
    """All that a host with the key sent, and the device that it taught."""
    wire = stream(request.param)
    tap = Intruder(wire, Random(0), busy=0.0)
    taught(tap, request.param)
    return request.param, wire, tap.sent


def digest(wire: LoopbackStream) -> int:
    return int(Session(wire).look()["learned_digest"])


def statuses(wire: LoopbackStream, frames: list[bytes]) -> Iterator[Response]:
    wire.read(1 << 19)
    for frame in frames:
        wire.write(frame)
        yield from map(parse_response, FrameDecoder().feed(wire.read(1 << 19)))


def test_nothing_that_was_heard_runs_again_in_the_same_session(
        heard: tuple[str, LoopbackStream, list[bytes]]) -> None:
    _, wire, sent = heard
    before = digest(wire)
    list(statuses(wire, sent * 2))
    assert digest(wire) == before


@pytest.mark.parametrize("ends", [LoopbackStream.press_reset, LoopbackStream.reboot, None])
def test_nothing_runs_again_in_a_session_of_the_same_number(
        heard: tuple[str, LoopbackStream, list[bytes]],
        ends: Callable[[LoopbackStream], None] | None) -> None:
    """Whoever may restart a device and greet it first can have any number on offer: here it is that
    of the session that was heard, with the OPEN that was heard. Its tags do not fit all the same.
    """
    kind, wire, sent = heard
    opening = next(f for f in sent if request_of(f).kind == MESSAGES["OPEN"].kind)
    session = MESSAGES["OPEN"].request.unpack(request_of(opening).payload[:-TAG_BYTES])["session"]
    before = digest(wire)
    for _ in range(often(20)):
        if ends is None:
            target(wire, kind)  # another session of a host with the key is under way
        else:
            ends(wire)
            before = offered(wire, session)
        tried = list(statuses(wire, [opening, *sent]))
        opened = [r for r in tried if r.kind == MESSAGES["OPEN"].kind and r.status == 0]
        if ends is not None:
            assert opened and len(opened[0].payload) == 6 + NONCE_BYTES, "it was not even tried"
        ran = [r for r in tried if not r.status and r.kind not in (
            MESSAGES["OPEN"].kind, MESSAGES["HELLO"].kind)]
        assert not ran and digest(wire) == before


def offered(wire: LoopbackStream, session: int) -> int:
    """Have the device that has just started offer that session: its count begins at its clock and
    at the number of the first host, which here is chosen. What it has learned."""
    probe = session - 1 | 1
    for _ in range(4):
        hello = _greeted(wire, probe)
        if hello["offer"] == session:
            return int(hello["learned_digest"])
        n_boots = hello["n_boots"]
        (wire.press_reset if n_boots > 1 else wire.reboot)()
        # the clock of a loopback counts its starts
        start = _clock(hello["offer"] - 1, probe, n_boots) + 1
        n_boots += n_boots > 1
        probe = ((start ^ n_boots << 24) * GOLDEN & 0xFFFFFFFF) ^ (session - 1)
    raise AssertionError("it does not offer that session")


def _greeted(wire: LoopbackStream, host: int) -> dict[str, int]:
    wire.read(1 << 19)
    wire.write(encode_request(MESSAGES["HELLO"].kind, host, 0, b""))
    answer = parse_response(next(FrameDecoder().feed(wire.read(1 << 19))))
    return MESSAGES["HELLO"].response.unpack(answer.payload)


def _clock(began: int, host: int, n_boots: int) -> int:
    """What the clock read as the count of sessions began so: it is odd, whichever its last bit was.
    """
    inverse = pow(GOLDEN, -1, 1 << 32)
    found = [((began ^ last ^ host) * inverse & 0xFFFFFFFF) ^ n_boots << 24 for last in (0, 1)]
    return min(found)


@pytest.mark.parametrize("ends", [LoopbackStream.press_reset, LoopbackStream.reboot])
def test_no_number_of_a_session_comes_twice(ends: Callable[[LoopbackStream], None]) -> None:
    wire = stream(ERROR)
    drawn = []
    for n in range(often(50)):
        if n % 3 == 0:
            ends(wire)
        session = Session(wire, lock=LOCK)
        session.open()
        drawn.append(session._nonce)
    assert len(set(drawn)) == len(drawn) and {len(n) for n in drawn} == {NONCE_BYTES}


def test_every_bit_of_a_signed_request_counts() -> None:
    """Of header, payload and tag: with one changed it does not run, nor is its number used up."""
    for seed in range(often(60)):
        rng = Random(seed)
        wire = stream(ERROR)
        tap = Intruder(wire, rng, busy=0.0)
        session = Session(tap, lock=LOCK)
        session.open()
        before = digest(wire)
        x, _ = samples(1)
        fields = {"flags": 0, "label": 1, "loss_q8": -1, "x": x[0].tobytes()}
        body = MESSAGES["LEARN"].request.pack(**fields)
        frame = encode_request(MESSAGES["LEARN"].kind, session._id, 1, body, session._sign(
            MESSAGES["LEARN"]))
        wire.write(encode_frame(flipped(body_of(frame), rng)))
        wire.read(1 << 19)
        assert digest(wire) == before
        session.ask("LEARN", **fields)
        assert digest(wire) != before and session.n_retries == 0


def test_what_is_printed_of_a_key_does_not_tell_it() -> None:
    assert "key" not in repr(LOCK) and LOCK.key.hex() not in f"{LOCK} {LOCK!r}"


def test_a_log_of_the_link_does_not_tell_the_key(tmp_path: Path) -> None:
    log = tmp_path / "link.jsonl"
    with target(stream(ERROR), ERROR, log=log) as device:
        device.learn(samples(1)[0][0], 1)
    assert LOCK.key.hex() not in log.read_text("utf-8") and LOCKED
