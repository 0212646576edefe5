"""A learning step happens exactly once, whatever the cable does to frames."""

from __future__ import annotations

from random import Random

import pytest
from support.devices import LOCKED, RawDevice, learned, network, samples, stream, target
from support.faults import Cable, FaultyStream

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.wire.frames import encode_request
from edge_dassdp.wire.messages import MESSAGES
from edge_dassdp.wire.session import Session

FAULTS = ("drop", "flip", "duplicate", "reorder", "truncate")


N_SAMPLES = {"error": 600, "gated": 600, "frames": 120, "streamed": 120, "memory": 80, "gate": 80,
             "locked error": 200, "locked memory": 40}


def teach(device: LinkTarget, kind: str) -> tuple[bytes, ...]:
    """A session that uses everything a session can change."""
    n = N_SAMPLES[kind]
    kind = kind.removeprefix(LOCKED)
    x, labels = samples(n, kind=kind)
    for i in range(n // 2):
        if kind == "gated":
            device.warm_up(x[i], labels[i])
        else:
            device.learn(x[i], labels[i])
    device.fit_gate()
    if kind == "memory":
        assert device.idle(19) == 19
        device.save()
    device.write_weights("fc2", -device.read_weights("fc2") // 2)
    for i in range(n // 2, n):
        device.learn(x[i], labels[i])
        device.infer(x[i])
    if kind == "memory":
        for i in range(5):
            device.rollback()
            device.learn(x[i], labels[i])
            device.idle(1)
    return learned(device)


@pytest.fixture(scope="module", params=list(N_SAMPLES))
def clean_run(request: pytest.FixtureRequest) -> tuple[str, tuple[bytes, ...]]:
    kind = request.param
    device = target(stream(kind), kind)
    result = teach(device, kind)
    assert device.link_retries == 0
    assert result[1] != network(kind).projection("fc2").w.tobytes(), "nothing was learned"
    return kind, result


@pytest.mark.parametrize("rate", [0.01, 0.1])
@pytest.mark.parametrize("fault", [*FAULTS, "all"])
def test_faults_leave_no_trace_in_what_is_learned(clean_run: tuple[str, tuple[bytes, ...]],
                                                  fault: str, rate: float) -> None:
    kind, expected = clean_run
    odds = dict.fromkeys(FAULTS if fault == "all" else [fault], rate)
    faulty = FaultyStream(stream(kind), Random(f"{fault} {rate}"), **odds)
    device = target(faulty, kind, retries=100)
    assert teach(device, kind) == expected
    assert faulty.n_faults > 0
    if fault != "duplicate":
        assert device.link_retries > 0


def lesson(session: int, sequence: int, label: int = 1) -> bytes:
    x, _ = samples(1)
    message = MESSAGES["LEARN"]
    payload = message.request.pack(flags=2, label=label, loss_q8=-1, x=x[0].tobytes())
    return encode_request(message.kind, session, sequence, payload)


def test_a_repeated_request_is_answered_from_memory_and_an_older_one_not_at_all() -> None:
    device = RawDevice()
    session = device.session
    first = device.exchange(lesson(session, 1))
    assert [r.status for r in first] == [0]
    assert device.exchange(lesson(session, 1)) == first, "ran again"
    assert device.exchange(lesson(session, 1, label=2)) == first, "ran again"
    second = device.exchange(lesson(session, 2))
    assert second[0].payload != first[0].payload
    assert device.exchange(lesson(session, 1)) == [], "an old request is ignored"
    assert device.exchange(lesson(session, 4)) == [], "a request from the future is ignored"
    device.hello()
    assert device.open(session).status == 0
    assert device.exchange(lesson(session, 2)) == second, "confirming a session forgets nothing"


def test_a_refusal_is_remembered_like_an_answer() -> None:
    device = RawDevice()
    refused = device.exchange(lesson(device.session, 1, label=99))
    assert [r.status for r in refused] == [-1]
    assert device.exchange(lesson(device.session, 1, label=1)) == refused


def test_a_sequence_number_never_comes_back() -> None:
    """A copy that is 65,536 requests late would be the next one."""
    device = RawDevice()
    late = lesson(device.session, 1)
    for _ in range(65535):
        assert device.ask("FIT_GATE").status == 0
    assert device.exchange(lesson(device.session, 0)) == device.exchange(late) == []


def test_a_host_asks_more_than_65535_requests() -> None:
    wire = stream()
    session = Session(wire)
    session.open()
    for _ in range(65533):
        session.ask("FIT_GATE")
    x, _ = samples(1)
    for n_learned in range(1, 6):
        session.ask("LEARN", flags=0, label=n_learned % 3, loss_q8=-1, x=x[0].tobytes())
        assert session.ask("STATISTICS")["n_labelled"] == n_learned
    assert session.n_retries == 0


@pytest.mark.parametrize(("lost", "n_expected"), [("request", 1), ("response", 2)])
def test_what_became_of_an_unanswered_request_is_settled(lost: str, n_expected: int) -> None:
    """After E502 the host asks which request ran last, and goes on from there."""
    x, _ = samples(1)
    wire = Cable(stream())
    device = target(wire, retries=2)
    device.learn(x[0], 1)
    wire.loses = lost
    with pytest.raises(EdgeError, match="does not answer") as caught:
        device.learn(x[0], 1)
    assert caught.value.code == "E502"
    wire.loses = ""
    assert device.statistics().n_labelled == n_expected
    device.learn(x[0], 1)
    assert device.statistics().n_labelled == n_expected + 1
