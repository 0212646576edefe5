"""Whatever a device says, each verb ends soon: in the right bits, or in a refusal quoting it."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from support.devices import N_FRAMES, network, samples, stream
from support.lanes import often
from support.liar import Liar, Lie
from support.lies import HELLOS, LIES, NAMES, STREAMS

from edge_dassdp import harness
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness import Device
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.wire.frames import Response, encode_response
from edge_dassdp.wire.messages import MESSAGES, STATUS_TEXTS

KIND = "memory"
X, LABELS = samples(3, kind=KIND)
WAIT = {"timeout_s": 0.02, "retries": 1}
REFUSALS = ("E502", "E503", "E504", "E505")
MOST_S = 15.0
MOST_BYTES = 8 << 20


def run(device: LinkTarget, path: Path) -> object:
    return device.classify(X).tolist()


def learn(device: LinkTarget, path: Path) -> object:
    return harness.learn_stream(device, X, np.array(LABELS)).predicted.tolist()


def warm_up(device: LinkTarget, path: Path) -> object:
    device.warm_up(X[0], LABELS[0])
    device.fit_gate()
    return device.read_learning()


def verify(device: LinkTarget, path: Path) -> object:
    done = harness.verify(ReferenceTarget(network(KIND)), [device], network(KIND), X,
                          np.array(LABELS))
    return done.values_compared, done.divergence


def verify_from_now(device: LinkTarget, path: Path) -> object:
    reference = ReferenceTarget(network(KIND))
    reference.take_over(device)
    return [o.logits.tolist() for o in harness.verify(reference, [device], network(KIND), X,
                                                      np.array(LABELS)).outcomes]


def snapshot(device: LinkTarget, path: Path) -> object:
    device.learn(X[0], LABELS[0])
    harness.save_snapshot(device, network(KIND), path / "taken.npz")
    return harness.read_snapshot(network(KIND), path / "taken.npz")["fc3"].tolist()


def restore(device: LinkTarget, path: Path) -> object:
    Device(network(KIND), device).load(path / "before.npz")
    return device.read_weights("fc3").tolist()


def idle(device: LinkTarget, path: Path) -> object:
    return device.idle(20), device.read_weights("fc2").tolist()


def memory(device: LinkTarget, path: Path) -> object:
    device.save()
    device.rollback()
    device.reset()
    return device.statistics()


def store(device: LinkTarget, path: Path) -> object:
    device.learn(X[0], LABELS[0])
    return device.store()


VERBS: tuple[Callable[[LinkTarget, Path], object], ...] = (
    run, learn, warm_up, verify, verify_from_now, snapshot, restore, idle, memory,
    store)


CLASSES, STREAMED, WORN = "classes", "streamed", "sensor"
OF_SENSORS = ("OBSERVE", "FIT_PROFILE", "SELECT_PROFILE", "DRIFT")


def teach(device: LinkTarget, path: Path) -> object:
    x, labels = samples(3, kind=CLASSES)
    class_idx = device.new_class("wave")
    device.learn(x[0], class_idx)
    device.forget_class("wave")
    return device.learn(x[1], labels[1]).class_idx


def push(device: LinkTarget, path: Path) -> object:
    x, _ = samples(1, kind=STREAMED)
    device.open_stream(N_FRAMES)
    decided = [device.push(frame) for frame in x[0].reshape(N_FRAMES, -1)]
    device.close_stream()
    return [d.class_idx for d in decided if d is not None]


OF_OTHERS: dict[str, tuple[str, Callable[[LinkTarget, Path], object]]] = {
    "NEW_CLASS": (CLASSES, teach), "FORGET_CLASS": (CLASSES, teach),
    "STREAM": (STREAMED, push), "PUSH": (STREAMED, push)}


def wear(device: LinkTarget, path: Path) -> object:
    x, labels = samples(9, kind=WORN)
    for sample, label in zip(x, labels, strict=True):
        device.observe(sample, label)
    device.fit_profile()
    device.select_profile(0)
    device.drift()
    return device.classify(x).tolist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """before.npz: what an honest device has learned."""
    made = tmp_path_factory.mktemp("lies")
    with LinkTarget.of(network(KIND), stream(KIND)) as honest:
        learn(honest, made)
        harness.save_snapshot(honest, network(KIND), made / "before.npz")
    return made


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, object]:
    """What each verb gives on an honest device."""
    found = {}
    for verb in VERBS:
        with LinkTarget.of(network(KIND), stream(KIND)) as honest:
            found[verb.__name__] = verb(honest, folder)
    return found


def asked(verb: Callable[[LinkTarget, Path], object], liar: Liar, folder: Path,
          kind: str = KIND) -> object:
    """What the verb gives, or its refusal; within the time."""
    begin_s = time.monotonic()
    found: object
    try:
        with LinkTarget.of(network(kind), liar, **WAIT) as device:
            found = verb(device, folder)
    except EdgeError as problem:
        found = problem
    assert time.monotonic() - begin_s < MOST_S
    return found


@pytest.mark.parametrize("what", LIES)
def test_no_verb_believes_a_lie(what: str, folder: Path, truth: dict[str, object]) -> None:
    lie = LIES[what]
    n_told = 0
    for verb in VERBS:
        liar = Liar(stream(KIND), lie)
        found = asked(verb, liar, folder)
        n_told += liar.n_told
        if liar.n_told and lie.code:
            assert isinstance(found, EdgeError), verb.__name__
            assert found.code == lie.code, f"{verb.__name__}: {found}"
            assert lie.says in f"{found.message} {found.cause}", f"{verb.__name__}: {found}"
        else:
            assert found == truth[verb.__name__]
    assert n_told, "no verb asks for it"


@pytest.mark.parametrize("what", HELLOS)
def test_of_an_unknown_model_sizes_are_bounded(what: str) -> None:
    """As `devices --ask` does: whatever is said, it is refused or shown, soon."""
    lie = HELLOS[what]
    if what in ("another model", "another ABI", "samples of a byte", "65,535 projections"):
        with LinkTarget(Liar(stream(KIND), lie), **WAIT) as device:
            assert device.info.n_classes == network(KIND).n_classes
            assert device.read_state()
    else:
        with pytest.raises(EdgeError) as caught:
            LinkTarget(Liar(stream(KIND), lie), **WAIT)
        assert caught.value.code == "E504"
        assert lie.says in f"{caught.value.message} {caught.value.cause}"


@pytest.mark.parametrize("what", STREAMS)
def test_no_stream_takes_memory(what: str) -> None:
    with LinkTarget.of(network(KIND), liar := Liar(stream(KIND), STREAMS[what]), **WAIT) as device:
        tracemalloc.start()
        try:
            with pytest.raises(EdgeError, match="does not answer"):
                device.infer(X[0])
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
        finally:
            tracemalloc.stop()
    assert liar.n_told


def test_what_was_no_answer_is_counted() -> None:
    with LinkTarget.of(network(KIND), Liar(stream(KIND), STREAMS["answers of other sessions"]),
                       **WAIT) as device, pytest.raises(EdgeError) as caught:
        device.statistics()
    assert "4 good frames received, 2 of them no answer to what was asked" in caught.value.cause


@pytest.mark.parametrize("what", NAMES)
def test_a_name_is_shown_and_steers_no_terminal(what: str) -> None:
    with LinkTarget.of(network(KIND), Liar(stream(KIND), NAMES[what]), **WAIT) as device:
        assert device.name.isprintable() and device.name == device.info.board
    with pytest.raises(EdgeError) as caught:
        LinkTarget.of(network("error"), Liar(stream(KIND), NAMES[what]))
    assert caught.value.message.isprintable() and "another model" in caught.value.message


CHANGES = {"another model": "another model", "65,535 classes": "n_classes is 65,535",
           "a state of 4 GiB": "state_bytes is 4,294,967,295", "no session": "offer is 0"}


@pytest.mark.parametrize("what", CHANGES)
def test_a_device_that_becomes_another_in_the_middle(what: str) -> None:
    """It is asked who it is again when an answer was lost."""
    answers = iter([True, False, False])
    losing = Lie("LEARN", lambda answer: encode_response(answer) if next(answers, True) else b"")
    changing = replace(LIES[what], since=1)
    with LinkTarget.of(network(KIND), Liar(Liar(stream(KIND), losing), changing), **WAIT) as device:
        device.learn(X[0], LABELS[0])
        with pytest.raises(EdgeError, match="does not answer"):
            device.learn(X[1], LABELS[1])
        for _ in range(2):
            with pytest.raises(EdgeError) as caught:
                device.learn(X[2], LABELS[2])
            assert caught.value.code == "E504"
            assert CHANGES[what] in f"{caught.value.message} {caught.value.cause}"


def altered(answer: Response, rng: Random) -> bytes:
    """A true answer with another status, size or content, and a right CRC."""
    data = bytearray(answer.payload)
    for _ in range(rng.choice((1, 1, 2, 8)) if data else 0):
        data[rng.randrange(len(data))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    if not data or rng.random() < 0.1:
        data = data[:rng.randrange(len(data) + 1)] + rng.randbytes(rng.randrange(9))
    value = answer.status if rng.random() < 0.97 else rng.choice([*STATUS_TEXTS, -128, 127, 5])
    return encode_response(replace(answer, payload=bytes(data), status=value))


@pytest.mark.parametrize("about", MESSAGES)
def test_altered_answers_end_in_classes_or_in_refusals(about: str, folder: Path) -> None:
    kind, verbs = (WORN, (wear,)) if about in OF_SENSORS else (KIND, VERBS)
    if about in OF_OTHERS:
        kind, verbs = OF_OTHERS[about][0], (OF_OTHERS[about][1],)
    n_told = 0
    for seed in range(often(3 * len(VERBS) // len(verbs))):
        for verb in verbs:
            rng = Random(f"{about} {seed} {verb.__name__}")
            lie = Lie(about, lambda answer, rng=rng: altered(answer, rng),  # type: ignore[misc]
                      since=rng.choice((0, 1, 7)) if seed else 0)
            liar = Liar(stream(kind), lie)
            found = asked(verb, liar, folder, kind)
            n_told += liar.n_told
            if isinstance(found, EdgeError):
                assert found.code in REFUSALS, str(found)
            elif verb in (run, learn, wear):
                assert set(found) <= set(range(network(kind).n_classes))  # type: ignore[call-overload]
    assert n_told
