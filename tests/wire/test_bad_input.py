"""Whatever is wrong: one clear sentence, an exit status, unchanged weights; the device goes on."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cobs import cobs
from support.devices import (
    N_INPUTS,
    RawDevice,
    learned,
    library,
    network,
    pack,
    samples,
    stream,
    target,
)
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EXIT_LINK, EXIT_USAGE, EdgeError
from edge_dassdp.reference import Reference
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.serial import open_port
from edge_dassdp.wire.frames import (
    FrameDecoder,
    Response,
    encode_frame,
    encode_request,
    encode_response,
    link_buffer_bytes,
    parse_response,
)
from edge_dassdp.wire.messages import MESSAGES, PROTOCOL, STATUSES

X = np.zeros(N_INPUTS, np.int8)
FC2 = np.zeros((20, 16), np.int16)


def refused(call: Callable[[], object]) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        call()
    assert caught.value.message and "\n" not in caught.value.message
    return caught.value


@pytest.fixture
def device() -> LinkTarget:
    """A device that has learned something."""
    made = target(stream())
    x, labels = samples(20)
    for i in range(20):
        made.learn(x[i], labels[i])
    return made


BAD_CALLS: dict[str, tuple[Callable[[LinkTarget], object], str, int]] = {
    "label": (lambda d: d.learn(X, 3), "label out of range", EXIT_LINK),
    "negative label": (lambda d: d.learn(X, -2), "label out of range", EXIT_LINK),
    "huge label": (lambda d: d.learn(X, 70_000), "label out of range", EXIT_LINK),
    "loss": (lambda d: d.learn(X, 1, loss_q8=40_000), "value out of range", EXIT_LINK),
    "warm-up without loss": (lambda d: d.warm_up(X), "needs a loss", EXIT_LINK),
    "short sample": (lambda d: d.infer(X[:-1]), "wrong shape", EXIT_USAGE),
    "long sample": (lambda d: d.learn(np.zeros(65536, np.int8), 1), "wrong shape", EXIT_USAGE),
    "float sample": (lambda d: d.infer(X.astype(np.float32)), "wrong shape", EXIT_USAGE),
    "no step": (lambda d: d.infer(X, n_steps=0), "0 steps", EXIT_USAGE),
    "4-bit weight": (lambda d: d.write_weights("fc2", FC2 + 8), "value out of range", EXIT_LINK),
    "late weight": (lambda d: d.write_weights("fc2", at_the_end(FC2, -9)), "value out of range",
                    EXIT_LINK),
    "huge weight": (lambda d: d.write_weights("fc2", FC2 + 300), "out of range", EXIT_LINK),
    "weight shape": (lambda d: d.write_weights("fc2", FC2.T), "wrong shape", EXIT_USAGE),
    "frozen": (lambda d: d.write_weights("fc1", np.zeros((12, 20), np.int16)), "not plastic",
               EXIT_LINK),
    "no projection": (lambda d: d.read_weights("fc9"), "no projection fc9", EXIT_USAGE),
    "dead generator": (lambda d: d.write_learning(bytes(len(d.read_learning()))),
                       "value out of range", EXIT_LINK),
    "learning size": (lambda d: d.write_learning(b"abc"), "wrong size", EXIT_USAGE),
}


def at_the_end(w: np.ndarray, value: int) -> np.ndarray:
    changed = w.copy()
    changed[-1, -1] = value
    return changed


@pytest.mark.parametrize("what", BAD_CALLS)
def test_a_bad_call_changes_nothing(device: LinkTarget, what: str) -> None:
    call, sentence, status = BAD_CALLS[what]
    before = learned(device)
    problem = refused(lambda: call(device))
    assert sentence in problem.message
    assert problem.exit_status == status
    assert learned(device) == before
    x, labels = samples(1)
    device.learn(x[0], labels[0])


def test_a_learning_state_refused_as_a_whole_leaves_the_old_one() -> None:
    """Fields of a gate depend on each other, and a gate may lie across two chunks."""
    device = target(stream("gated"), "gated")
    x, labels = samples(20)
    for i in range(20):
        device.warm_up(x[i], labels[i])
    device.fit_gate()
    before = learned(device)
    data = bytearray(device.read_learning())
    assert len(data) > 128
    data[0:8] = (1 << 62).to_bytes(8, "little")  # a sum of squares that no records can have
    assert "value out of range" in refused(lambda: device.write_learning(bytes(data))).message
    assert learned(device) == before


BAD_REQUESTS = {
    "short lesson": (("LEARN", bytes(18)), "E_SIZE"),
    "long lesson": (("LEARN", bytes(20)), "E_SIZE"),
    "empty lesson": (("LEARN", b""), "E_SIZE"),
    "reset with payload": (("RESET", b"\0x"), "E_SIZE"),
    "too many steps": (pack("INFER", flags=0, n_steps=13, x=bytes(12)), "E_VALUE"),
    "projection": (pack("READ_WEIGHTS", projection=3, first=0, n_weights=1), "E_INDEX"),
    "weight": (pack("READ_WEIGHTS", projection=1, first=319, n_weights=2), "E_INDEX"),
    "far weight": (pack("READ_WEIGHTS", projection=1, first=2**32 - 1, n_weights=2), "E_INDEX"),
    "big chunk": (pack("READ_WEIGHTS", projection=1, first=0, n_weights=65), "E_INDEX"),
    "write outside": (pack("WRITE_WEIGHTS", projection=1, first=319, data=b"ab"), "E_INDEX"),
    "write nothing": (pack("WRITE_WEIGHTS", projection=1, first=0, data=b""), "E_SIZE"),
    "write too much": (pack("WRITE_WEIGHTS", projection=1, first=0, data=bytes(65)), "E_SIZE"),
    "half a good chunk": (pack("WRITE_WEIGHTS", projection=1, first=0, data=b"\1\2\3\x7f"),
                          "E_VALUE"),
    "piece of a short sample": (pack("PUT_SAMPLE", offset=0, data=bytes(12)), "E_INDEX"),
    "state": (pack("READ_STATE", offset=2**32 - 4, n_bytes=8), "E_INDEX"),
    "learning": (pack("WRITE_LEARNING", offset=35, data=b"ab"), "E_INDEX"),
}


@pytest.mark.parametrize("what", BAD_REQUESTS)
def test_a_bad_request_is_answered_with_its_status(what: str) -> None:
    (name, payload), status = BAD_REQUESTS[what]
    device = RawDevice()
    before = device.state()
    assert device.ask(name, payload).status == STATUSES[status]
    assert device.state() == before


@pytest.mark.parametrize(("name", "label", "loss_q8", "status"), [
    ("LEARN", 3, -1, "E_LABEL"), ("LEARN", -2, -1, "E_LABEL"), ("LEARN", 1, 40_000, "E_VALUE"),
    ("WARM_UP", 3, -1, "E_LABEL"), ("WARM_UP", -1, -1, "E_LOSS")])
def test_a_lesson_that_a_host_should_not_have_sent_teaches_nothing(
        name: str, label: int, loss_q8: int, status: str) -> None:
    """The sample is run, and no more."""
    device = RawDevice()
    read = [pack("READ_LEARNING", offset=0, n_bytes=24),
            pack("READ_WEIGHTS", projection=1, first=0, n_weights=64)]
    before = [device.ask(*request).payload for request in read]
    assert all(before)
    lesson = pack(name, flags=0, label=label, loss_q8=loss_q8, x=bytes(12))
    assert device.ask(*lesson).status == STATUSES[status]
    assert [device.ask(*request).payload for request in read] == before


def test_an_unknown_kind_is_answered_with_its_status() -> None:
    device = RawDevice()
    for kind in (0, 1 + max(m.kind for m in MESSAGES.values()), 127):
        device.sequence += 1
        answer = device.exchange(encode_request(kind, device.session, device.sequence, b"abc"))
        assert [r.status for r in answer] == [STATUSES["E_KIND"]]
    assert device.ask("STATISTICS", b"").status == 0


@pytest.mark.parametrize("garbage", [
    encode_frame(bytes(65536)), b"\xff" * 65536, encode_request(3, 5, 1, bytes(18))[:-7],
    b"\0" * 1000, bytes(range(256)) * 8, encode_frame(b"abc"),
], ids=["64 KB frame", "64 KB of noise", "cut stream", "silence", "all bytes", "tiny frame"])
def test_garbage_is_ignored_and_the_next_request_is_answered(garbage: bytes) -> None:
    device = RawDevice()
    before = device.state()
    assert device.exchange(garbage) == []
    assert device.state() == before


def test_a_good_frame_with_a_tail_is_not_a_good_frame() -> None:
    """The buffer is full exactly where the CRC ends; what follows must still count."""
    device = RawDevice()
    n_bytes = link_buffer_bytes(3).request - 4
    body = encode_request(2, device.session, 1, bytes(n_bytes - 7))
    whole = bytes(cobs.decode(body[1:-1]))
    assert device.exchange(b"\0" + cobs.encode(whole + b"tail") + b"\0") == []
    assert [r.status for r in device.exchange(body)] == [STATUSES["E_SIZE"]]


def test_a_half_written_learning_state_is_never_used() -> None:
    device = RawDevice()
    device.ask(*pack("WRITE_LEARNING", offset=20, data=b"\xff\xff"))
    for name, payload in (pack("INFER", flags=0, n_steps=0, x=bytes(12)), ("FIT_GATE", b""),
                          pack("LEARN", flags=0, label=1, loss_q8=-1, x=bytes(12))):
        assert device.ask(name, payload).status == STATUSES["E_HELD"]
    assert device.ask("RESET", b"\0").status == 0
    assert device.ask(*pack("INFER", flags=0, n_steps=0, x=bytes(12))).status == 0


def test_a_port_that_does_not_exist() -> None:
    problem = refused(lambda: open_port("/dev/ttyNOTHERE"))
    assert problem.exit_status == EXIT_LINK
    assert "/dev/ttyNOTHERE" in problem.message and problem.cause == "there is no such port"


def test_a_socket_that_nobody_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    assert "refused" in refused(lambda: open_port(url)).cause


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_port_that_another_program_uses() -> None:
    master, slave = os.openpty()
    try:
        path = os.ttyname(slave)
        with open_port(path):
            assert refused(lambda: open_port(path)).cause == "this program uses it already"
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_device_that_takes_nothing_from_a_full_line() -> None:
    master, slave = os.openpty()
    try:
        with open_port(os.ttyname(slave)) as port, pytest.raises(OSError, match="imeout"):
            port.write(bytes(1 << 20))
        problem = refused(lambda: target(open_port(os.ttyname(slave)), timeout_s=0.1, retries=0))
        assert problem.code == "E502"
    finally:
        os.close(master)
        os.close(slave)


def test_a_device_that_never_answers() -> None:
    class Silence:
        timeout: float | None = None
        in_waiting = 0
        n_written = 0

        def read(self, size: int = 1, /) -> bytes:
            return b""

        def write(self, data: bytes, /) -> int:
            self.n_written += 1
            return len(data)

        def close(self) -> None:
            self.is_closed = True

    silence = Silence()
    problem = refused(lambda: target(silence, timeout_s=0.5, retries=3))
    assert (problem.code, problem.exit_status) == ("E502", EXIT_LINK)
    assert silence.n_written == 8 and silence.is_closed


def test_a_port_that_is_unplugged() -> None:
    wire = stream()
    device = target(wire)
    wire.write = unplugged  # type: ignore[method-assign]
    problem = refused(lambda: device.infer(X))
    assert problem.code == "E502" and "closed while in use" in problem.message


def unplugged(data: bytes, /) -> int:
    raise OSError("device reports readiness to read but returned no data")


def test_firmware_of_another_model() -> None:
    problem = refused(lambda: LinkTarget.of(network("error"), LoopbackStream(library("gated"))))
    assert problem.code == "E504" and problem.exit_status == EXIT_LINK
    assert "another model" in problem.message and "flash it again" in problem.help
    assert network("gated").sha256[:16] in problem.cause


def test_firmware_of_another_build() -> None:
    problem = refused(lambda: target(stream(), build_hash=1))
    assert problem.code == "E504" and "another build" in problem.message


class NewerDevice(LoopbackStream):
    """Answers HELLO as firmware of the next protocol version would."""

    def read(self, size: int = 1, /) -> bytes:
        data = b""
        for body in FrameDecoder().feed(super().read(1 << 16)):
            answer = parse_response(body)
            payload = bytes([PROTOCOL + 1]) + answer.payload[1:] + b"more"
            data += encode_response(Response(answer.kind, answer.session, answer.sequence, 0,
                                             payload))
        return data


def test_firmware_of_another_protocol() -> None:
    problem = refused(lambda: target(NewerDevice(library("error"))))
    assert problem.code == "E504" and f"protocol {PROTOCOL + 1}" in problem.message


def test_another_host_takes_the_device_over() -> None:
    wire = stream()
    first = target(wire)
    second = target(wire)
    second.infer(X)
    problem = refused(lambda: first.infer(X))
    assert problem.code == "E505" and "another host" in problem.message


def test_the_log_holds_every_byte(tmp_path: Path) -> None:
    log = tmp_path / "link.jsonl"
    with target(stream(), log=log) as device:
        device.infer(X)
        n_frames = device.link_frames
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert sum(line["to"] == "device" for line in lines) == n_frames
    received = b"".join(bytes.fromhex(line["hex"]) for line in lines if line["to"] == "host")
    assert len(list(FrameDecoder().feed(received))) == n_frames


def test_a_line_that_echoes_made_the_device_answer_itself_for_ever() -> None:
    over = stream("error")
    device = target(over)
    x, labels = samples(1)
    device.learn(x[0], labels[0])
    session = device._session
    over.write(encode_request(MESSAGES["STATISTICS"].kind, session._id, session._sequence + 1, b""))
    answer = over.read(1000)
    over.write(answer)
    assert answer and over.in_waiting == 0
    stranger = encode_request(MESSAGES["STATISTICS"].kind, session._id ^ 1, 1, b"")
    over.write(stranger)
    over.write(over.read(1000))
    assert over.in_waiting == 0


@pytest.mark.parametrize("name", ["spikes_7", "convolutions", "sinabs"])
def test_spikes_of_neurons_that_an_input_does_not_have_are_ignored(name: str) -> None:
    """All bits set: those behind the last neuron, and addresses beyond it."""
    network = SCENARIOS[name].quantized
    reference, emulator = Reference(network), Emulator(network, checked=True)
    for fill in (-1, 127):
        x = np.full(network.x_bytes, fill, np.int8)
        expected, found = (t.infer(x, digest=True) for t in (reference, emulator))
        assert found.forward_digest == expected.forward_digest
