"""Streams without end: every target decides alike, the first window is a sample, and what cannot be
is refused by all."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from support.faults import Cable, FaultyStream
from support.liar import Liar, Lie
from support.lies import fields, payload
from support.streamed import KINDS, N_STEPS, library, pushed, streamed, told

import edge_dassdp as ed
from edge_dassdp.harness import UNKNOWN, Device, verify
from edge_dassdp.ir import Encoder, Input, Network, Population, Projection, Readout
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import frame_x, frames_of, random_samples
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Target

SIZES = (1, 4, 31, 64, 65, 200, 600)
"""Values of a frame: of currents as many bytes, less, as many and more than a message holds."""


def over_link(network: QNetwork) -> LinkTarget:
    return LinkTarget.of(network, LoopbackStream(library(network)))


def targets(network: QNetwork) -> list[Target]:
    return [ReferenceTarget(network), Emulator(network, checked=True), over_link(network)]


def refusal(call: Callable[[], object]) -> ed.EdgeError:
    with pytest.raises(ed.EdgeError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(("kind", "size"), [(kind, size) for kind in KINDS for size in SIZES
                                            if kind != "sensor" or size < 64])
def test_all_targets_decide_alike_behind_every_frame(kind: str, size: int) -> None:
    network = streamed(kind, 6 * size if kind == "sensor" else size)
    x = random_samples(network, 4)
    reference, *others = targets(network)
    expected = pushed(reference, network, x)
    decided = [i for i, d in enumerate(expected) if d is not None]
    a_step = len(expected) // (len(x) * N_STEPS)
    assert decided == [a_step * n - 1 for n in range(N_STEPS, 4 * N_STEPS + 1, 3)]
    assert len({tuple(d.logits) for d in expected if d}) > 1
    for other in others:
        assert told(pushed(other, network, x)) == told(expected)
        state, wanted = other.named_state(), reference.named_state()
        assert all(np.array_equal(state[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sensor"])
@pytest.mark.parametrize("learns", [False, True])
def test_a_sample_that_comes_in_frames_gives_the_bits_of_a_sample(kind: str, size: int,
                                                                  learns: bool) -> None:
    """Inference and lessons, their digests, and a run that stops early."""
    network = streamed(kind, size, learns=learns)
    reference, *others = targets(network)
    x = random_samples(network, 5)
    done = verify(reference, others, network, x, np.arange(5) % 4 if learns else None)
    assert done.divergence is None and done.samples == 5
    for n_steps in (1, 3, N_STEPS - 1):
        found = {t.infer(x[0], digest=True, n_steps=n_steps).forward_digest
                 for t in (reference, *others)}
        assert len(found) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hop", [1, 2, 3, 6, 7])
def test_the_first_window_is_a_sample_whatever_the_hop(kind: str, hop: int) -> None:
    network = streamed(kind, 12, 1)
    x = random_samples(network, 3)
    device = Emulator(network)
    expected = device.infer(x[0])
    first = next(d for d in pushed(device, network, x, hop) if d is not None)
    assert first.class_idx == expected.class_idx
    assert first.logits.tolist() == expected.logits.tolist()


def test_a_window_sums_what_the_readout_gave_in_its_frames() -> None:
    """Windows with a hop are those of hop 1, every so many of them."""
    network = streamed("currents", 12, 1)
    x, device = random_samples(network, 5), Emulator(network)
    every = told(pushed(device, network, x))
    for hop in (2, 3, 5, 7):
        found = told(pushed(device, network, x, hop))
        wanted = [d if i >= N_STEPS - 1 and (i + 1 - N_STEPS) % hop == 0 else None
                  for i, d in enumerate(every)]
        assert found == wanted


def test_memory_does_not_grow_with_the_steps_of_a_sample() -> None:
    short, long = (Plan.of(streamed("spikes", 256, n, n_steps=n)).layout.state_bytes
                   for n in (10, 5000))
    assert long - short < 64
    whole = streamed("spikes", 256, 1, n_steps=500)
    assert Plan.of(whole).layout.state_bytes > 500 * 4 * 4, "a hop of 1 has a sum for every frame"


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_takes_frames_of_real_numbers(kind: str) -> None:
    network = streamed(kind, 12)
    rng = np.random.default_rng(1)
    with Device(network, Emulator(network)) as device, \
            Device(network, ReferenceTarget(network)) as other, \
            device.stream() as stream, other.stream(3) as same:
        found = []
        for _ in range(40):
            n = 6 if kind == "sensor" else 12
            frame = rng.normal(0, 1, n) if kind in ("currents", "sensor") else rng.integers(0, 2, n)
            made, wanted = stream.push(frame), same.push(frame)
            assert told([made]) == told([wanted])
            found.append(made)
    assert any(found) and stream.n_frames == (20 if kind == "sensor" else 40)


@pytest.mark.parametrize("make", [ReferenceTarget, Emulator, over_link])
def test_what_cannot_be_pushed_is_refused_before_anything_runs(
        make: Callable[[QNetwork], Target]) -> None:
    network = streamed()
    device = Device(network, make(network))
    for hop in (0, -1, 2, 8, 2.0, True, "3"):
        problem = refusal(lambda hop=hop: device.stream(hop))  # type: ignore[misc]
        assert problem.code in ("E104", "E105"), hop
    stream = device.stream(4)
    before = device._target.named_state()
    for frame in (np.zeros(11), np.zeros((2, 12)), np.full(12, np.nan), np.full(12, np.inf),
                  ["a"] * 12, None, np.zeros(12, complex)):
        assert refusal(lambda frame=frame: stream.push(frame)).code == "E104"  # type: ignore[misc]
    for raw in (np.zeros(12), np.zeros(11, np.int8), np.zeros((1, 12), np.int8)):
        assert refusal(lambda raw=raw: stream.push_packed(raw)).code == "E104"  # type: ignore[misc]
    after = device._target.named_state()
    assert all(np.array_equal(after[name], before[name]) for name in before)
    for call in (lambda: device.stream(), lambda: device.classify(np.zeros((1, 7, 12))),
                 lambda: device.learn(np.zeros((1, 7, 12)), [0]), device.statistics, device.reset):
        problem = refusal(call)  # type: ignore[arg-type]
        assert problem.code == "E105" and "a stream is open" in problem.message
    assert stream.push(np.zeros(12)) is None
    stream.close()
    stream.close()
    assert "was closed" in refusal(lambda: stream.push(np.zeros(12))).message
    assert refusal(lambda: device._target.push(np.zeros(12, np.int8))).code == "E503"
    assert len(device.classify(np.zeros((1, 7, 12)))) == 1


def test_spikes_that_are_none_are_no_frame() -> None:
    for kind, bad in (("spikes", 2), ("spikes", -1), ("spikes", 0.5), ("counts", 256)):
        assert refusal(lambda kind=kind, bad=bad: frame_x(  # type: ignore[misc]
            streamed(kind), np.full(12, bad))).code == "E104"
    events = streamed("events")
    device = Emulator(events)
    device.open_stream(3)
    for raw in ([0, 1], [65535, 65535], [65535, 1], []):
        piece = np.array(raw, "<u2").view(np.int8)
        assert refusal(lambda piece=piece: device.push(piece)).code == "E104"  # type: ignore[misc]


def frozen(source: Input, n_steps: int = 5, **delayed: int) -> Network:
    w = np.ones((source.size, 3))
    return Network((source,), (Population("out", 3, 0.9, 1.0, "none"),),
                   (Projection("xo", "x", "out", w, **delayed),),  # type: ignore[arg-type]
                   Readout("out", "membrane_sum"), n_steps)


@pytest.mark.parametrize(("network", "why"), [
    (frozen(Input("x", 4)), "one frame for all steps"),
    (frozen(Input("x", 4, 1, True, encoder=Encoder("rate"))), "from a whole sample"),
    (frozen(Input("x", 4, 5, True, (2, 2), encoder=Encoder("delta"))), "from a whole sample"),
    (frozen(Input("x", 4, 5, True), delay=2), "delays spikes")])
def test_a_network_that_cannot_take_frames_says_why(network: Network, why: str) -> None:
    problem = refusal(lambda: ed.quantize(network, None, ed.Settings(hop=2)))
    assert problem.code == "E105" and why in problem.cause
    model = ed.quantize(network)
    for target in targets(model):
        for call in (lambda t=target: t.open_stream(2),  # type: ignore[misc]
                     lambda t=target: t.push(np.zeros(4, np.int8))):  # type: ignore[misc]
            assert refusal(call).code == "E503" and why in refusal(call).cause


@pytest.mark.parametrize("hop", [-1, 6, 1.5, True, "2", 70000])
def test_a_hop_that_no_stream_has_is_refused_when_quantized(hop: object) -> None:
    network = frozen(Input("x", 4, 5))
    assert refusal(lambda: ed.quantize(
        network, None, ed.Settings(hop=hop))).code == "E105"  # type: ignore[arg-type]


def test_a_model_without_streams_is_what_it_was() -> None:
    network = frozen(Input("x", 4, 5))
    plain, streams = ed.quantize(network), ed.quantize(network, None, ed.Settings(hop=5))
    assert plain.sha256 != streams.sha256
    names = {f.name for f in Plan.of(plain).layout.fields}
    assert not names & {"stream", "stream_sums"}
    assert "streaming" not in dict(Plan.of(plain).tables.model)


# ---- over a bad line -----------------------------------------------------------------------------

FAULTS = ("drop", "flip", "duplicate", "reorder", "truncate")


@pytest.mark.parametrize("kind", ["currents", "events", "sensor"])
@pytest.mark.parametrize("size", [2, 200])
def test_every_frame_runs_exactly_once_over_a_bad_line(kind: str, size: int) -> None:
    network = streamed(kind, min(6 * size, 60) if kind == "sensor" else size)
    x = random_samples(network, 6)
    expected = told(pushed(ReferenceTarget(network), network, x))
    faulty = FaultyStream(LoopbackStream(library(network)), Random(size),
                          **dict.fromkeys(FAULTS, 0.1))
    device = LinkTarget.of(network, faulty, retries=100)
    assert told(pushed(device, network, x)) == expected
    assert faulty.n_faults > 0 and device.link_retries > 0


@pytest.mark.parametrize("size", [12, 200])
def test_a_stream_goes_on_in_another_session_and_says_which_answers_were_lost(size: int) -> None:
    """So bad a line that a push often has no answer in any attempt."""
    network = streamed("currents", size, 2)
    x = random_samples(network, 12)
    expected = told(pushed(ReferenceTarget(network), network, x))
    n_lost = 0
    for seed in range(4):
        faulty = FaultyStream(LoopbackStream(library(network)), Random(seed),
                              **dict.fromkeys(FAULTS, 0.12))
        device = Device(network, LinkTarget.of(network, faulty, retries=3, recoveries=1000))
        with device.stream() as stream:
            found = told([stream.push_packed(f) for s in x for f in frames_of(network, s)])
        known = [i for i, d in enumerate(found) if d is None or d[0] != UNKNOWN]  # type: ignore[index]
        assert [found[i] for i in known] == [expected[i] for i in known]
        assert len(found) - len(known) <= stream.n_unanswered
        n_lost += stream.n_unanswered
    assert n_lost > 0


def test_another_host_ends_the_stream() -> None:
    network = streamed()
    wire = LoopbackStream(library(network))
    first = LinkTarget.of(network, wire)
    first.open_stream(3)
    first.push(np.zeros(12, np.int8))
    second = LinkTarget.of(network, wire)
    assert refusal(lambda: second.push(np.zeros(12, np.int8))).code == "E503"
    assert refusal(lambda: first.push(np.zeros(12, np.int8))).code == "E505"
    second.open_stream(3)


def test_a_device_refuses_what_would_end_its_stream() -> None:
    """Past all that the host checks."""
    network = streamed("currents", 12, learns=True)
    device = over_link(network)
    x = random_samples(network, 1)[0]
    device.open_stream(3)
    expected = None
    for frame in frames_of(network, x):
        for call in (lambda: device.infer(x), lambda: device.learn(x, 1), device.fit_gate,
                     lambda: device._ask("STREAM", hop=3), device.read_learning):
            assert refusal(call).code in ("E503",)  # type: ignore[arg-type]
        expected = device.push(frame)
        device.statistics()
    assert expected is not None
    assert expected.logits.tolist() == ReferenceTarget(network).infer(x).logits.tolist()
    device.reset()
    assert refusal(lambda: device.push(np.zeros(12, np.int8))).code == "E503"


@pytest.mark.parametrize("make", [ReferenceTarget, lambda n: Emulator(n, checked=True), over_link])
def test_while_a_stream_is_open_every_target_refuses_the_same(
        make: Callable[[QNetwork], Target]) -> None:
    """Reference and emulator ran it, and the stream went on from its membranes."""
    network = streamed("currents", 12, learns=True)
    device, x = make(network), random_samples(network, 2)
    learned, weights = device.read_learning(), {"ho": device.read_weights("ho")}
    wanted = told(pushed(ReferenceTarget(network), network, x))
    device.open_stream(3)
    found = []
    for sample in x:
        for frame in frames_of(network, sample):
            for call in (lambda: device.infer(x[0]), lambda: device.run(x), lambda: device.store(),
                         lambda: device.classify(x), lambda: device.learn(x[0], 1),
                         lambda: device.warm_up(x[0], 1), device.fit_gate, lambda: device.idle(1),
                         device.read_learning, lambda: device.write_learning(learned),
                         lambda: device.restore(weights, learned), lambda: device.open_stream(3)):
                problem = refusal(call)  # type: ignore[arg-type]
                assert problem.code == "E503" and (
                    "call out of order" in problem.message  # and of a sample in pieces the first
                    or "device refused PUT_SAMPLE" in problem.message)
            found.append(device.push(frame))
    assert told(found) == wanted
    device.close_stream()
    assert refusal(lambda: device.push(frames_of(network, x[0])[0])).code == "E503"
    assert device.infer(x[0]).logits.tolist() == wanted[N_STEPS - 1][1]  # type: ignore[index]
    device.open_stream(3)
    device.reset()
    assert refusal(lambda: device.push(frames_of(network, x[0])[0])).code == "E503"
    device.learn(x[0], 1)


@pytest.mark.parametrize("n_frames", [1, N_STEPS, N_STEPS + 1])
def test_a_sample_that_begins_ends_the_stream(n_frames: int) -> None:
    """Of one's own firmware: the next frame ran on the sample's membranes."""
    network = streamed("currents", 12)
    device, x = Emulator(network, checked=True), random_samples(network, 2)
    device.open_stream(3)
    for frame in [f for s in x for f in frames_of(network, s)][:n_frames]:
        device.push(frame)
    frame = device._ffi.from_buffer("int8_t[]", frames_of(network, x[1])[0])
    assert device._lib.dassdp_begin(device._model, device._state, frame) == 0
    problem = refusal(lambda: device.push(frames_of(network, x[1])[1]))
    assert problem.code == "E503" and "out of order" in problem.message


def test_an_answer_that_is_lost_is_no_second_step() -> None:
    network = streamed("currents", 12, 1)
    cable = Cable(LoopbackStream(library(network)))
    device = LinkTarget.of(network, cable, retries=1)
    x = random_samples(network, 3)
    expected = told(pushed(ReferenceTarget(network), network, x))
    stream = Device(network, device).stream()
    found = []
    for i, frame in enumerate(f for s in x for f in frames_of(network, s)):
        cable.loses = "response" if i == 9 else ""
        if i == 9:
            assert refusal(lambda frame=frame: device.push(frame)).code == "E502"  # type: ignore[misc]
            found.append(expected[9])
            continue
        found += told([device.push(frame)])
    assert found == expected and stream.n_frames == 0


@pytest.mark.parametrize(("lie", "says"), [
    (fields("PUSH", "class_idx", class_idx=3), "class_idx is 3"),
    (fields("PUSH", "is_decided", is_decided=2), "is_decided is 2"),
    (fields("PUSH", "logits", logits=bytes(12)), "12 bytes of logits"),
    (fields("PUSH", "logits", logits=b"\1" + bytes(15)), "logits that are not 0"),
    (fields("PUSH", "digest", digest=7), "digest is 7"),
    (payload("STREAM", "another format", lambda p: b"x"), "another format")])
def test_what_no_device_can_say_of_a_stream_is_not_believed(lie: Lie, says: str) -> None:
    network = streamed()
    device = LinkTarget.of(network, Liar(LoopbackStream(library(network)), lie))

    def ask() -> None:
        device.open_stream(3)
        device.push(np.zeros(12, np.int8))

    problem = refusal(ask)
    assert problem.code == "E504" and says in f"{problem.message} {problem.cause}"
