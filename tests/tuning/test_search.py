"""The search: what it tries, and that it takes the best of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support import tiny
from support.rule_examples import EXAMPLES

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.tuning.choices import axes, changes, differences
from edge_dassdp.tuning.search import search
from edge_dassdp.tuning.tasks import Tasks, tasks

DELTA = ed.Learning({"fc3": ed.ReadoutDelta(0.4)})


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[ed.Network, Tasks]:
    folder = tmp_path_factory.mktemp("tuning")
    tiny.write(folder)
    network = ed.load(folder / "model.npz")
    data = np.load(folder / "data.npz")
    samples = Samples(data["x"], data["y"])
    return network, tasks(network, samples, None, n_shifts=2, is_worn=True)


@pytest.mark.parametrize("word", sorted(EXAMPLES))
def test_the_step_of_every_rule_is_tried(word: str) -> None:
    rule: Any = EXAMPLES[word]
    learning = ed.Learning({"a.b": rule})
    [axis] = [a for a in axes(learning) if a.startswith("rules.")]
    made: list[Any] = [c.rules["a.b"] for c in changes(learning, axis, 9)]
    assert {getattr(r, rule.size) / getattr(rule, rule.size) for r in made} == {0.25, 0.5, 2, 4}
    assert all(replace(r, **{rule.size: getattr(rule, rule.size)}) == rule for r in made)


def test_parts_come_and_go() -> None:
    assert {"schedule", "replay"} <= set(axes(DELTA)) and "guard" not in axes(DELTA)
    assert ed.Schedule() in [c.schedule for c in changes(DELTA, "schedule", 9)]
    [made] = changes(DELTA, "replay", 9)
    assert made.replay == ed.Replay(9), "no more than there are training samples"
    there = replace(DELTA, schedule=ed.Schedule(50), replay=ed.Replay(5, 3))
    assert {c.schedule for c in changes(there, "schedule", 9)} >= {ed.Schedule(), None}
    assert {"replay.n_ring", "replay.ring_per_class"} <= set(axes(there))
    found = {c.replay for c in changes(there, "replay.ring_per_class", 9)}
    assert found == {ed.Replay(5, 1), ed.Replay(5, 10)}
    gone = changes(replace(there, replay=None), "replay.n_ring", 9)  # another axis took it away
    assert not list(gone)


def test_all_that_differs_from_the_start_is_named() -> None:
    start = replace(DELTA, schedule=ed.Schedule(50), replay=ed.Replay(5, 3))
    assert differences(start, start) == []
    assert differences(start, replace(start, schedule=None)) == ["schedule = none"]
    made = ed.Learning({"fc3": ed.ReadoutDelta(0.8)}, schedule=ed.Schedule(50, 0.5),
                       replay=ed.Replay(5, 10, 3), gate=ed.CUSUM())
    told = differences(start, made)
    assert {"fc3.mu = 0.8", "schedule.floor = 0.5", "replay.ring_per_class = 10",
            "replay.n_ring = 3"} < set(told)
    assert any(t.startswith("gate = CUSUM with opens_at ") for t in told) and len(told) == 5
    [other] = differences(start, replace(start, schedule=ed.ErrorScaled()))
    assert other.startswith("schedule = ErrorScaled with gain ")
    assert differences(replace(start, replay=None), start) == [
        "replay = 5 in flash, 3 of each class in RAM, 1 of them after each"]


def test_it_takes_the_best_of_what_it_tries(given: tuple[ed.Network, Tasks]) -> None:
    network, at_hand = given
    start = ed.Learning({"fc3": ed.ReadoutDelta(0.001)})
    told: list[int] = []
    found = search(network, start, ed.Settings(), at_hand, most=6, told=told.append)
    assert told == list(range(1, len(found.trials) + 1)) and len(found.trials) <= 6
    assert found.trials[0].learning == start
    assert found.chosen.score == max(t.score for t in found.trials if t.score is not None)
    assert found.best == [t.score for t in found.trials].index(found.chosen.score)
    learned = [t.learning.toml() for t in found.trials]
    assert len(set(learned)) == len(learned), "nothing is tried twice"


def test_figures_are_those_of_a_device(given: tuple[ed.Network, Tasks]) -> None:
    """By the way that users take: a model, a device, learn, accuracy."""
    network, at_hand = given
    [trial] = search(network, DELTA, ed.Settings(), at_hand, most=1).trials
    model = ed.quantize(network, DELTA, x=at_hand.train.x, y=at_hand.train.y)
    after, frozen, original = [], [], []
    for task in at_hand.shifted:
        with ed.open(model) as device:
            frozen.append(device.accuracy(task.judged.x, task.judged.y))
            device.learn(task.stream.x, task.stream.y)
            after.append(device.accuracy(task.judged.x, task.judged.y))
            original.append(device.accuracy(at_hand.original.x, at_hand.original.y))
    assert (trial.frozen, trial.after, trial.original) == pytest.approx(
        tuple(np.mean(v) for v in (frozen, after, original)))
    assert trial.score == pytest.approx((2 * trial.after + trial.original) / 3)


def test_what_is_refused_is_said_and_passed_over(given: tuple[ed.Network, Tasks]) -> None:
    network, at_hand = given
    start = replace(DELTA, replay=ed.Replay(10_000))
    found = search(network, start, ed.Settings(), at_hand, most=4)
    assert "only" in found.trials[0].refused and found.trials[0].score is None
    assert found.best > 0 and not found.chosen.refused
    with pytest.raises(EdgeError, match="10000 samples from flash"):
        search(network, start, ed.Settings(), at_hand, most=1)


def test_a_board_bounds_what_is_chosen(given: tuple[ed.Network, Tasks]) -> None:
    network, at_hand = given

    def holds(model: ed.QNetwork) -> None:
        if model.replay is not None:
            raise EdgeError("E402", "RAM overflows")

    found = search(network, DELTA, ed.Settings(), at_hand, most=5, holds=holds)
    assert [t.refused for t in found.trials if t.learning.replay] == ["RAM overflows"]
    assert found.chosen.learning.replay is None


def test_a_defect_is_not_passed_over(given: tuple[ed.Network, Tasks]) -> None:
    network, at_hand = given

    def holds(model: ed.QNetwork) -> None:
        raise EdgeError("E204", "a defect")

    with pytest.raises(EdgeError, match="a defect"):
        search(network, DELTA, ed.Settings(), at_hand, most=2, holds=holds)
