"""A request that is never answered ends no stream: it goes on in a new session, and says so."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from support import lanes
from support.devices import learned, samples, stream, target
from support.faults import Cable, FaultyStream

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness import UNKNOWN, Course, Stream, learn_stream
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.wire.messages import CHUNK_BYTES

KINDS = ("error", "gated", "frames", "memory")
N = 40


def noisy(kind: str, seed: int, rate: float = 0.15, **options: int) -> LinkTarget:
    """So bad a line that a request often has no answer in two attempts."""
    odds = dict.fromkeys(("drop", "flip", "duplicate", "reorder", "truncate"), rate)
    return target(FaultyStream(stream(kind), Random(seed), **odds), kind, retries=3, **options)


def taught(device: LinkTarget, kind: str) -> Stream:
    """A course that uses what a command may, in its order."""
    x, labels = samples(N, kind=kind)
    course = Course(device, x, np.array(labels), 10 if kind == "gated" else 0)
    with course.kept():
        course.begin()
        course.learn(lambda first, piece: None)
        if kind == "memory":
            course.idle(60)
            device.save()
    return course.stream


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_over_a_bad_line_is_the_stream_over_a_good_one(kind: str) -> None:
    good = target(stream(kind), kind)
    expected, state = taught(good, kind), learned(good)
    n_unanswered = n_recovered = 0
    for seed in range(40 if lanes.nightly else 4):
        device = noisy(kind, seed, recoveries=1000)
        found = taught(device, kind)
        assert learned(device) == state
        known = found.predicted != UNKNOWN
        assert (found.predicted == expected.predicted)[known].all()
        assert len(found.labels) == len(expected.labels)
        assert found.n_unanswered == (~known).sum() <= device.link_recovered
        n_unanswered += found.n_unanswered
        n_recovered += device.link_recovered
    assert n_recovered > n_unanswered > 0


def test_a_class_that_was_lost_counts_as_wrong() -> None:
    labels = np.array([1, 0, 2])
    found = Stream(np.array([1, UNKNOWN, 2]), np.zeros(3, bool), labels, np.zeros(3, bool))
    assert found.n_unanswered == 1 and found.accuracy == pytest.approx(2 / 3)
    assert Stream.of([]).accuracy is None


@pytest.mark.parametrize("kind", ["error", "frames"])
@pytest.mark.parametrize("what", ["request", "response"])
def test_every_question_is_answered_in_the_end(kind: str, what: str) -> None:
    (x, *_), _ = samples(1, kind=kind)
    asked: list[Callable[[LinkTarget], object]] = [
        lambda d: d.infer(x).class_idx, lambda d: d.read_weights("fc2").tolist(),
        LinkTarget.read_learning, LinkTarget.read_state, lambda d: d.statistics().n_labelled,
        LinkTarget.reset, LinkTarget.fit_gate]
    good = target(stream(kind), kind)
    expected = [ask(good) for ask in asked]
    cable = Cable(stream(kind))
    device = target(cable, kind, retries=1, recoveries=1)
    for n, (ask, answer) in enumerate(zip(asked, expected, strict=True), 1):
        cable.lose(what, 2)
        assert ask(device) == answer
        assert device.link_recovered == n


@pytest.mark.parametrize("what", ["request", "response"])
def test_a_dead_line_is_given_up(what: str) -> None:
    (x,), (label,) = samples(1)
    cable = Cable(stream())
    device = target(cable, retries=1, recoveries=3)
    cable.loses = what
    with pytest.raises(EdgeError) as caught:
        device.learn(x, label)
    assert caught.value.code == "E502" and device.lost_request_ran is None
    assert device.link_recovered == 0
    cable.loses = ""
    assert device.statistics().n_labelled == (what == "response")
    assert device.lost_request_ran is (what == "response")


def test_an_error_in_a_stream_says_how_far_it_was() -> None:
    x, labels = samples(9)
    cable = Cable(stream())
    device = target(cable, retries=1, recoveries=3)
    cable.loses, cable.n_passing = "request", 5
    with pytest.raises(EdgeError, match="5 of 9 samples were learned for certain"):
        learn_stream(device, x, np.array(labels))


def test_what_was_learned_is_not_learned_again() -> None:
    x, labels = samples(3)
    cable = Cable(stream())
    device = target(cable, retries=1, recoveries=3)
    cable.lose("response", 2)
    with pytest.raises(EdgeError) as caught:
        device.learn(x[0], labels[0])
    assert caught.value.code == "E502" and device.lost_request_ran
    assert device.statistics().n_labelled == 1
    cable.lose("response", 2)
    found = learn_stream(device, x, np.array(labels))
    assert found.n_unanswered == 1 and device.statistics().n_labelled == 4


TAUGHT: tuple[Callable[[LinkTarget], object], ...] = (
    lambda d: d.new_class("wave"), lambda d: d.new_class("nod"), lambda d: d.forget_class("wave"),
    lambda d: d.new_class("clap"))


@pytest.mark.parametrize("what", ["request", "response"])
def test_a_class_is_taught_and_forgotten_exactly_once(what: str) -> None:
    """Where the answer alone was lost the command failed, and the class was there."""
    good = target(stream("classes"), "classes")
    expected = [(teach(good), learned(good)) for teach in TAUGHT]
    cable = Cable(stream("classes"))
    device = target(cable, "classes", retries=1, recoveries=1)
    for n, (teach, (answer, state)) in enumerate(zip(TAUGHT, expected, strict=True), 1):
        cable.lose(what, 2)
        cable.n_passing = -(-device.info.persist_bytes // CHUNK_BYTES)  # it reads the names first
        assert teach(device) == answer
        assert learned(device) == state and device.link_recovered == n


def test_classes_over_a_bad_line_are_those_over_a_good_one() -> None:
    good = target(stream("classes"), "classes")
    (x, *_), _ = samples(1, kind="classes")
    for teach in TAUGHT:
        teach(good)
        good.learn(x, 0)
    state = learned(good)
    for seed in range(40 if lanes.nightly else 6):
        device = noisy("classes", seed, recoveries=1000)
        for teach in TAUGHT:
            teach(device)
            learn_stream(device, x[None], np.array([0]))
        assert learned(device) == state
        assert device.link_recovered > 0


def test_a_device_that_restarted_meanwhile_is_told_of() -> None:
    x, labels = samples(3)
    wire = stream()
    cable = Cable(wire)
    device = target(cable, retries=1, recoveries=3)
    device.learn(x[0], labels[0])
    cable.lose("request", 2, wire.reboot)
    with pytest.raises(EdgeError) as caught:
        learn_stream(device, x, np.array(labels))
    assert caught.value.code == "E505"
    cable.loses = "request"
    with pytest.raises(EdgeError):
        device.learn(x[0], labels[0])
    assert device.lost_request_ran is False, "it was not sent"
    assert device.link_recovered == 0
