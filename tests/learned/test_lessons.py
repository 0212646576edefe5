"""Lessons are counted and chained into a digest: the same on every target, whatever was done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.devices import network, samples, stream, target
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir.samples import input_x
from edge_dassdp.sensor.profile import Kind, QProfile
from edge_dassdp.targets.emulator import INFER, LEARN, WARM_UP, Emulator
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Target

KINDS = ("error", "gated", "memory", "frames", "sensor", "worn", "gate")


def sample_rows(kind: str, n: int = 8) -> tuple[np.ndarray, list[int]]:
    return samples(n, 3, kind)


def said(made: Target) -> tuple[int, int]:
    found = made.statistics()
    return found.n_lessons, found.lessons_digest


@pytest.mark.parametrize("kind", KINDS)
def test_reference_emulator_and_device_chain_the_same(kind: str) -> None:
    """Over the link samples come in the request, in pieces, or as readings of a sensor."""
    x, labels = sample_rows(kind)
    targets: list[Target] = [ReferenceTarget(network(kind)), Emulator(network(kind), checked=True),
                             target(stream(kind), kind)]
    for i, (sample, label) in enumerate(zip(x, labels, strict=True)):
        teach = [t.warm_up if i < 3 else t.learn for t in targets]
        digests = {t(sample, label, loss_q8=200 if i == 5 else -1).lessons_digest for t in teach}
        assert len(digests) == 1 and None not in digests, i
        for made in targets:
            made.infer(x[0])
            if i == 2:
                made.fit_gate()
            if i == 6 and network(kind).replay:
                made.idle(11)
    assert {said(t) for t in targets} == {(8, said(targets[0])[1])}


def emulator() -> Emulator:
    return Emulator(network("memory"))


def after(*calls: Any) -> int:
    made = emulator()
    for call in calls:
        call(made)
    return said(made)[1]


def test_everything_that_makes_a_lesson_is_in_the_digest() -> None:
    x, labels = sample_rows("memory")
    other = x[0].copy()
    other[-1] ^= 1
    one = after(lambda t: t.learn(x[0], labels[0]))
    found = [one, after(lambda t: t.learn(other, labels[0])),
             after(lambda t: t.learn(x[0], (labels[0] + 1) % 3)), after(lambda t: t.learn(x[0])),
             after(lambda t: t.learn(x[0], labels[0], loss_q8=77)),
             after(lambda t: t.warm_up(x[0], labels[0])),
             after(lambda t: t.learn(x[0], labels[0]), lambda t: t.idle(1)),
             after(lambda t: t.learn(x[0], labels[0]), lambda t: t.idle(2)),
             after(lambda t: t.learn(x[0], labels[0]), lambda t: t.learn(x[1], labels[1])),
             after(lambda t: t.learn(x[1], labels[1]), lambda t: t.learn(x[0], labels[0]))]
    assert len(set(found)) == len(found)
    assert after(lambda t: t.infer(x[1]), lambda t: t.learn(x[0], labels[0]),
                 lambda t: t.infer(x[2]), lambda t: t.save()) == one, "an inference is no lesson"
    assert after(lambda t: t.learn(x[0], labels[0]), lambda t: t.rollback(),
                 lambda t: t.rollback()) == one, "what a host may ask twice for"


def test_a_profile_is_in_the_digest_by_the_samples_behind_it() -> None:
    x, labels = sample_rows("worn", 12)
    as_it_is = QProfile.factory(network("worn").sensor.n_channels)
    turned = replace(as_it_is, kind=Kind.CHANNELS, gain_q12=tuple(-g for g in as_it_is.gain_q12))
    found = []
    for device in (ReferenceTarget(network("worn")), Emulator(network("worn"), checked=True)):
        for sample, label in zip(x, labels, strict=True):
            device.observe(sample, label)
        device.select_profile(0)
        device.fit_profile()
        assert said(device) == (0, 0)
        device.reset()
        as_made = device.learn(x[0], labels[0]).lessons_digest
        device.reset()
        device.write_profile(network("worn"), turned)
        found.append((as_made, device.learn(x[0], labels[0]).lessons_digest))
    assert found[0] == found[1] and len(set(found[0])) == 2


def test_a_lesson_is_chained_once_however_it_is_split() -> None:
    x, labels = sample_rows("memory")
    at_once, by_one = emulator(), emulator()
    done = at_once.run(x, np.array(labels), mode=LEARN)
    digests = [by_one.learn(*pair).lessons_digest for pair in zip(x, labels, strict=True)]
    assert done.lessons_digest is not None and done.lessons_digest.tolist() == digests
    assert said(at_once) == said(by_one)
    at_once.idle(20)
    device = target(stream("memory"), "memory")
    for sample, label in zip(x, labels, strict=True):
        device.learn(sample, label)
    device.idle(20)  # in requests of eight
    assert said(device) == said(at_once)


def test_a_refused_lesson_is_none() -> None:
    x, labels = sample_rows("memory")
    device = target(stream("memory"), "memory")
    device.learn(x[0], labels[0])
    before = said(device)
    for call in (lambda: device.learn(x[0], 99), lambda: device.warm_up(x[0])):
        with pytest.raises(EdgeError, match="E503"):
            call()
    assert said(device) == before


def test_an_application_that_notes_nothing_has_lessons_of_unknown_samples() -> None:
    made = emulator()
    x, labels = sample_rows("memory", 2)
    lib, ffi = made._lib, made._ffi

    def learn(noted: Any, sample: Any) -> int:
        lib.dassdp_init(made._model, made._state)
        result = ffi.new("dassdp_result_t *")
        if noted is not None:
            lib.dassdp_note(made._model, made._state, ffi.from_buffer("int8_t[]", noted))
        lib.dassdp_begin(made._model, made._state, ffi.from_buffer("int8_t[]", x[1]))
        for again in (sample,):
            lib.dassdp_infer(made._model, made._state, ffi.from_buffer("int8_t[]", again), result)
        assert lib.dassdp_learn(made._model, made._state, labels[0], -1, result) == 0
        return int(lib.dassdp_lessons_digest(made._model, made._state))

    unknown = learn(None, x[0])
    assert learn(x[1], x[0]) == unknown, "what was noted belongs to the sample that begins next"
    assert unknown != emulator().learn(x[0], labels[0]).lessons_digest


def test_what_a_result_holds_before_is_no_part_of_a_lesson() -> None:
    """An application may hand a result that was never written to dassdp_learn."""
    made = emulator()
    x, labels = sample_rows("memory", 1)
    sample = made._ffi.from_buffer("int8_t[]", x[0])
    dirty = made._ffi.new("dassdp_result_t *")
    made._lib.dassdp_note(made._model, made._state, sample)
    made._lib.dassdp_infer(made._model, made._state, sample, dirty)
    made._ffi.memmove(dirty, b"\xff" * made._ffi.sizeof("dassdp_result_t"),
                      made._ffi.sizeof("dassdp_result_t"))
    assert made._lib.dassdp_learn(made._model, made._state, labels[0], -1, dirty) == 0
    assert said(made)[1] == emulator().learn(x[0], labels[0]).lessons_digest


def test_a_snapshot_carries_the_chain_and_an_inference_leaves_it() -> None:
    scenario = SCENARIOS["guard_all"]
    model = scenario.quantized
    rng = np.random.default_rng(1)
    x = np.concatenate([input_x(model, scenario.sample(rng)) for _ in range(20)])
    labels = np.arange(20) % model.n_classes
    made, other = Emulator(model), ReferenceTarget(model)
    made.run(x, labels, mode=LEARN)
    made.run(x[:3], labels[:3], mode=WARM_UP)
    before = said(made)
    assert made.run(x, mode=INFER).lessons_digest is None and said(made) == before
    assert before[0] == 23
    other.restore({p.name: made.read_weights(p.name) for p in model.plastic}, made.read_learning())
    assert said(other) == before
    assert other.learn(x[0], 0).lessons_digest == made.learn(x[0], 0).lessons_digest


def test_nothing_plastic_has_no_lessons() -> None:
    for made in (ReferenceTarget(SCENARIOS["sensor_frozen"].quantized),
                 Emulator(SCENARIOS["sensor_frozen"].quantized, checked=True)):
        made.select_profile(0)
        assert said(made) == (0, 0)
