"""Float learning: the touch rule, the schedule, and replay from rebuilt spike trains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chains import N_STEPS, chain, graph, samples

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Projection
from edge_dassdp.quantize.replay import choose
from edge_dassdp.rules import ErrorSSDP, ErrorTouch, Learning, ReadoutDelta, Replay, Schedule
from edge_dassdp.twin.learner import FloatLearner, Sample
from edge_dassdp.twin.model import FloatModel
from edge_dassdp.twin.replay import FloatReplay, StoredSample


def test_error_touch_follows_its_equation_on_a_graph():
    """Membranes are recomputed from the equation of the neuron; errors come back along two ways."""
    network, rule = graph(), ErrorTouch(mu=0.5, width=0.3)
    w = {p.name: p.weight for p in network.projections}
    lam_c = (w["co"] ** 2).sum(0).mean()
    lam = ((w["bo"] ** 2).sum(0).mean() + (w["bc"] ** 2).sum(0).mean() * lam_c) / 2
    learner = FloatLearner(
        network, Learning({"ab": rule, "bc": rule, "bo": ReadoutDelta(0.2)}, skip_below=0.0))
    checked = silent_but_touched = 0
    for x in samples(8, seed=3):
        before = {name: weight.astype(float) for name, weight in learner.weights.items()}
        trace = learner.model.run(x[None])
        s_a, s_b, s_c = (trace.spikes[p][0] for p in "abc")
        powers = np.exp(trace.logits[0].astype(float))
        e = np.eye(4)[3] - powers / powers.sum()
        touched = {"b": np.zeros((N_STEPS, 8), bool), "c": np.zeros((N_STEPS, 5), bool)}
        for name, beta, theta, pre in (("b", 0.8, 1.2, s_a), ("c", 0.7, 0.8, s_b)):
            v = np.zeros(touched[name].shape[1])
            for t in range(N_STEPS):
                v = beta * v + pre[t] @ before[{"b": "ab", "c": "bc"}[name]] - theta * (v > theta)
                touched[name][t] = np.abs(v - theta) < 0.3 * theta
        d = before["bo"] @ e + before["bc"] @ (before["co"] @ e * touched["c"].any(0))
        n, expected = s_a.sum(0).astype(float), before["ab"].copy()
        for j in range(9):
            for i in range(8):
                f = g = 0.0
                for t in range(N_STEPS - 1, -1, -1):
                    f = 0.75 * f + touched["b"][t, i]
                    g += f * s_a[t, j]
                expected[j, i] += rule.mu * 1.2 / (lam * (1 + n @ n)) * d[i] * g
        silent_but_touched += (touched["c"].any(0) & ~s_c.any(0)).sum()
        limit = 2 * np.abs(w["ab"]).max()
        learner.learn(x, 3)
        np.testing.assert_allclose(
            learner.weights["ab"], np.clip(expected, -limit, limit), atol=2e-6)
        checked += np.abs(learner.weights["ab"] - before["ab"]).max() > 1e-3
    assert checked >= 3 and silent_but_touched > 0


def test_the_schedule_shrinks_error_driven_steps_by_labelled_samples_only():
    network, x = chain(8), samples(1, seed=3)[0]
    rules = Learning({"ab": ErrorTouch(), "bo": ReadoutDelta(0.2)}, skip_below=0.0)
    plain = FloatLearner(network, rules)
    scheduled = FloatLearner(network, replace(rules, schedule=Schedule(samples=48, floor=0.6)))
    sample = plain.run(x)
    full = plain.error_changes(sample, 1)
    for n_labelled, factor in ((0, 1), (15, 1), (16, 0.75), (31, 0.75), (32, 0.6), (4000, 0.6)):
        scheduled.n_labelled = n_labelled
        for name, change in scheduled.error_changes(sample, 1).items():
            np.testing.assert_allclose(change, factor * full[name])
    scheduled.n_labelled = 0
    for k in range(5):
        scheduled.learn(x, 1 if k % 2 else None)
    assert scheduled.n_labelled == 2


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=9),
       st.integers(1, 31))
def test_a_rebuilt_train_has_its_count_and_its_first_spike(neurons, n_steps):
    latencies = np.array([t % n_steps for t, _ in neurons])
    counts = np.array([n % (n_steps - t + 1) for (_, n), t in zip(neurons, latencies, strict=True)])
    raster = StoredSample({"a": counts}, {"a": latencies}, 0).rasters(n_steps)["a"]
    np.testing.assert_array_equal(raster.sum(0), counts)
    fired = counts > 0
    np.testing.assert_array_equal(raster.argmax(0)[fired], latencies[fired])
    gaps = [np.diff(np.flatnonzero(train)) for train in raster.T if train.sum() > 1]
    assert all(gap.max() - gap.min() <= 1 for gap in gaps)


def test_a_rerun_is_the_plastic_part_of_a_run():
    network = graph()
    model, x = FloatModel(network), samples(5)
    whole = model.run(x)
    part = model.rerun({"a": whole.spikes["a"]}, ("b", "c", "out"))
    np.testing.assert_array_equal(part.logits, whole.logits)
    for name in ("b", "c", "out"):
        np.testing.assert_array_equal(part.membranes[name], whole.membranes[name])


def test_a_network_with_projections_backwards_runs_step_by_step():
    base, rng = chain(3), np.random.default_rng(4)
    back = Projection("ba", "b", "a", rng.normal(0, 0.4, (8, 9)), rng.normal(0, 0.1, 9))
    own = Projection("bb", "b", "b", rng.normal(0, 0.4, (8, 8)))
    network = replace(base, projections=(*base.projections, back, own))
    x = samples(3)
    trace = FloatModel(network).run(x)
    w = {p.name: p.weight for p in network.projections}
    v_a, v_b, s_b = np.zeros((3, 9)), np.zeros((3, 8)), np.zeros((3, 8))
    for t in range(N_STEPS):
        v_a = 0.9 * v_a + x @ w["xa"] + s_b @ w["ba"] + back.bias - (v_a > 1.0)
        v_b = 0.8 * v_b + (v_a > 1.0) @ w["ab"] + s_b @ w["bb"] - 1.2 * (v_b > 1.2)
        s_b = (v_b > 1.2).astype(float)
        np.testing.assert_allclose(trace.membranes["b"][:, t], v_b, atol=1e-5)
    assert trace.spikes["b"].any()


def stored(name: int, label: int) -> StoredSample:
    return StoredSample({"a": np.array([name])}, {"a": np.array([0])}, label)


def names(given) -> list[int]:
    return [int(sample.counts["a"][0]) for sample in given]


def test_the_ring_is_fifo_by_class_and_read_slot_by_slot():
    memory = FloatReplay(Replay(2, 2, n_ring=2, n_flash=1), 3, [stored(90, 0), stored(91, 1)], 1)
    assert names(memory.after_sample()) == [90]
    memory.store(stored(1, 1))
    assert names(memory.after_sample()) == [1, 1, 91]
    for name, label in ((2, 1), (3, 0), (4, 1)):  # 4 takes the place of 1
        memory.store(stored(name, label))
    assert [s and names([s])[0] for s in memory.ring] == [3, 4, None, None, 2, None]
    assert names(memory.after_sample()) == [2, 3, 90]
    assert names(memory.after_sample()) == [4, 2, 91]
    assert memory.n_replayed == 10
    assert names(memory.idle(3)) == [3, 90, 4]
    assert names(FloatReplay(Replay(2, 2), 3, memory.flash, 1).idle(3)) == [90, 91, 90]


def test_a_reservoir_keeps_every_sample_alike():
    kept = np.zeros(12)
    for seed in range(300):
        memory = FloatReplay(Replay(0, 3, policy="reservoir"), 1, [], seed + 1)
        for name in range(12):
            memory.store(stored(name, 0))
        kept[names(memory.ring)] += 1
    assert kept.sum() == 900 and (np.abs(kept / 300 - 0.25) < 0.1).all()


def test_learning_with_replay_is_own_sample_store_ring_flash():
    """Against a second learner to which the same samples are given by hand."""
    network, x, labels = chain(8), samples(40, seed=3), 3 * np.arange(40) % 4
    rules = {"ab": ErrorTouch(2.0), "bo": ReadoutDelta(0.2)}
    training = Samples(samples(30, seed=7), np.arange(30) % 4)
    schedule = Schedule(10)
    learner = FloatLearner(
        network, Learning(rules, 0.5, schedule=schedule, replay=Replay(5, 1, 1, 1)),
        training=training)
    by_hand = FloatLearner(network, Learning(rules, 0.5, schedule=schedule))
    chosen = choose(training.y, 5)
    assert [s.label for s in learner.memory.flash] == [0, 1, 2, 3, 0]
    factory = FloatModel(network)

    def again(sample: np.ndarray, label: int) -> None:
        spikes = factory.run(sample[None]).spikes["a"]  # the part before it never changes
        rasters = StoredSample.of({"a": spikes[0]}, label).rasters(N_STEPS)
        assert (rasters["a"].sum(0) == spikes[0].sum(0)).all()
        trace = by_hand.model.rerun({"a": rasters["a"][None]}, ("b", "out"))
        for name, change in by_hand.error_changes(Sample(network, trace), label).items():
            by_hand.add(name, change)

    n_skipped, ring, slot = 0, {}, -1
    for k in range(40):
        n_skipped += not by_hand.error_changes(by_hand.run(x[k]), int(labels[k]))
        assert learner.learn(x[k], int(labels[k])) == by_hand.learn(x[k], int(labels[k]))
        ring[int(labels[k])] = k  # one slot per class, read in turn
        slot = next(s for s in (slot + 1, slot + 2, slot + 3, slot + 4) if s % 4 in ring) % 4
        again(x[ring[slot]], slot)
        flash = chosen[k % 5]
        again(training.x[flash], int(training.y[flash]))
        for name in rules:
            np.testing.assert_array_equal(learner.weights[name], by_hand.weights[name])
    assert learner.memory.n_replayed == 80 and 0 < n_skipped < 40
    assert learner.idle(7) == 7
    assert (learner.n_labelled, learner.memory.n_replayed) == (40, 87)


def test_replay_without_samples_and_idle_without_replay_are_refused():
    rules = Learning({"ab": ErrorSSDP(), "bo": ReadoutDelta()}, replay=Replay(5))
    for training in (None, Samples(samples(3), np.zeros(3, np.int64))):
        with pytest.raises(EdgeError) as caught:
            FloatLearner(chain(), rules, training=training)
        assert caught.value.code == "E105"
    with pytest.raises(EdgeError) as caught:
        FloatLearner(chain(), Learning({"bo": ReadoutDelta()})).idle(1)
    assert caught.value.code == "E503"
