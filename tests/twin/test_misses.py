"""Float learning by its own misses: the twin of what the device decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.scenarios import SCENARIOS, layers

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.reference import Reference
from edge_dassdp.rules import CUSUM, ErrorScaled, Learning, ReadoutDelta, Replay, Schedule
from edge_dassdp.twin.learner import FloatLearner

NET = layers((20, 40, 24, 6))
RULES = {"fc3": ReadoutDelta(0.4)}


def stream(n: int, miss: float) -> tuple[np.ndarray, np.ndarray]:
    """Samples with the class that the float network gives, `miss` of them with another."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(n, 20)).astype(np.float32)
    learner = FloatLearner(NET, Learning(RULES))
    y = np.array([learner.infer(row) for row in x])
    return x, np.where(rng.random(n) < miss, (y + 1) % 6, y)


def test_right_classes_leave_the_weights_alone() -> None:
    x, y = stream(60, 0.0)
    learner = FloatLearner(NET, Learning(RULES, gate=CUSUM(), replay=Replay(0, 2)))
    before = learner.weights["fc3"].copy()
    for row, label in zip(x, y, strict=True):
        learner.learn(row, int(label))
    assert learner.idle(5) == 0 and (learner.weights["fc3"] == before).all()
    assert (learner.misses.n_held, learner.n_labelled) == (60, 0)
    assert learner.memory is not None and learner.memory.n_stored > 6


def test_it_opens_where_the_device_does_and_learns_with_a_fresh_schedule() -> None:
    x, y = stream(80, 1.0)
    learning = Learning(RULES, schedule=Schedule(16, 0.2), gate=CUSUM(5.0, 0.3),
                        replay=Replay(0, 2))
    learner, network = FloatLearner(NET, learning), quantize(NET, learning).network
    reference = Reference(network)
    held = []
    for row, label in zip(x[:12], y, strict=False):
        learner.learn(row, int(label))
        held.append(reference.learn(input_x(network, row[None])[0], int(label)).is_held)
        assert learner.misses.is_open is not held[-1]
        assert learner.misses.factor(learner.n_labelled) == 1.0
    assert 3 < sum(held) < 12 and held == sorted(held, reverse=True)
    assert learner.memory is not None and learner.memory.n_replayed > 12 - sum(held), "caught up"


def test_steps_follow_the_share_of_misses() -> None:
    x, y = stream(40, 1.0)
    learner = FloatLearner(NET, Learning(RULES, schedule=ErrorScaled(2.0, 0.05, 0.0)))
    plain = FloatLearner(NET, Learning(RULES))
    sample = learner.run(x[0])
    for share in (0.0, 0.02, 0.2, 0.9):
        learner.misses.share = share
        [(name, change)] = learner.error_changes(sample, int(y[0])).items()
        np.testing.assert_allclose(change, plain.error_changes(sample, int(y[0]))[name]
                                   * min(1.0, max(0.05, 2 * share)))
    learner.misses.share = 0.0
    for row in x[:3]:
        learner.misses.count(learner.infer(row) != -1)
    assert learner.misses.share == 1 - (15 / 16) ** 3


@pytest.mark.parametrize(("make", "says"), [
    (lambda: ErrorScaled(0.1), "gain is 0.1, expected 0.25 to 15"),
    (lambda: ErrorScaled(floor=0), "floor is 0, expected 0.01 to 1"),
    (lambda: ErrorScaled(start=1), "start is 1, expected 0 to 0.97"),
    (lambda: ErrorScaled(True), "gain is True"),
    (lambda: CUSUM(0), "opens_at is 0, expected 0.5 to 60"),
    (lambda: CUSUM(allowed=1.0), "allowed is 1.0, expected 0.01 to 0.9"),
    (lambda: CUSUM(closes=1), "closes is no truth value"),
    (lambda: CUSUM(float("nan")), "opens_at is nan"),
])
def test_what_is_out_of_range_is_refused(make, says) -> None:
    with pytest.raises(EdgeError, match=says) as caught:
        make()
    assert caught.value.code == "E203"


def test_a_held_sample_is_stored_and_nothing_else() -> None:
    case = SCENARIOS["gate_shut"]
    reference = Reference(case.quantized)
    before = {p.name: reference.w[p.name].copy() for p in case.quantized.plastic}
    rng = np.random.default_rng(1)
    for k in range(6):
        done = reference.learn(input_x(case.quantized, case.sample(rng))[0], k % 5)
        assert done.is_held and not (done.is_updated or done.is_skipped or done.n_replayed)
        assert done.class_idx == k % 5 or done.loss_q8 > 0
    assert reference.memory is not None and reference.memory.seen.sum() == 6
    assert all((reference.w[name] == w).all() for name, w in before.items())
    state = replace(reference.statistics(), n_held=0, learned_digest=0)
    assert (state.n_labelled, state.n_updates, state.is_open) == (0, 0, False)
