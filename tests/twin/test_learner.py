"""Float learning against its equations, computed independently and by finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.chains import N_STEPS, chain, graph, samples

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.rules import DASSDP, SSDP, ErrorSSDP, Homeostasis, Learning, PairSTDP, ReadoutDelta
from edge_dassdp.rules.error import first_spike_step
from edge_dassdp.rules.gate import Gate
from edge_dassdp.rules.stdp import pair_change
from edge_dassdp.rules.sync import DopamineSSDP, last_spike_step
from edge_dassdp.twin.learner import FloatLearner, loss_bits
from edge_dassdp.twin.model import FloatModel

RULES = {"ab": ErrorSSDP(), "bo": ReadoutDelta()}

# --- DA-SSDP, spelled out neuron by neuron ------------------------------------------------------

def plain_times(raster: np.ndarray, variant: str, silent: int) -> list[int]:
    times = []
    for neuron in raster.T:
        steps = [t for t, fired in enumerate(neuron) if fired]
        times.append((steps[0] if variant == "described" else steps[-1]) if steps else silent)
    return times


def gate_of(learner: FloatLearner, name: str) -> Gate:
    twin = learner.twins[name]
    assert isinstance(twin, DopamineSSDP)
    return twin.gate


def plain_dassdp(trace, pre: str, post: str, rule: DASSDP):
    """Delta and S of one sample from the definition, loops and all."""
    rasters = {}
    flags = {}
    for name in (pre, post):
        if name == "out":
            v = trace.membranes["out"][0]
            rasters[name] = v > 0
            flags[name] = v.sum(0) > 0 if rule.variant == "published" else (v > 0).any(0)
        else:
            rasters[name] = trace.spikes[name][0]
            flags[name] = rasters[name].any(0)
    silent = 0 if rule.variant == "published" and post != "out" else N_STEPS
    t_pre = plain_times(rasters[pre], rule.variant, silent)
    t_post = plain_times(rasters[post], rule.variant, silent)
    delta = np.zeros((len(t_pre), len(t_post)))
    n_sync = 0
    for j, t_j in enumerate(t_pre):
        for i, t_i in enumerate(t_post):
            g = math.exp(-((t_i - t_j) ** 2) / (2 * rule.sigma**2))
            sync = bool(flags[pre][j] and flags[post][i])
            n_sync += sync
            delta[j, i] = rule.a_plus * g if sync else -rule.a_base * g
    return delta, n_sync / delta.size


@pytest.mark.parametrize("variant", ["described", "published"])
@pytest.mark.parametrize("name, pre, post", [("ab", "a", "b"), ("bo", "b", "out")])
def test_dassdp_warm_up_gate_and_update(variant, name, pre, post):
    network, batch = chain(3), 4
    rule = DASSDP(0.02, 0.01, 1.5, variant=variant, batch=batch)
    learner = FloatLearner(network, {name: rule})
    model = FloatModel(network)
    x, labels = samples(40), np.random.default_rng(2).integers(0, 4, 40)

    s, loss = [], []
    for sample, label in zip(x[:30], labels[:30], strict=True):
        learner.warm_up(sample, int(label))
        trace = model.run(sample[None])
        s.append(plain_dassdp(trace, pre, post, rule)[1])
        p = np.exp(trace.logits[0].astype(np.float64))
        loss.append(-math.log2(p[label] / p.sum()))
    np.testing.assert_array_equal(learner.weights[name], model.weights[name])
    if variant == "published":
        loss = [float(np.mean(loss[k - k % batch: k - k % batch + batch])) for k in range(30)]
    learner.fit_gate()
    gate, pairs = gate_of(learner, name), learner.weights[name].size
    k = -np.corrcoef(s, loss)[0, 1]
    assert gate.k == pytest.approx(k, rel=1e-6) and abs(k) > 1e-3
    assert gate.mean / pairs == pytest.approx(np.mean(s))
    assert gate.std / pairs == pytest.approx(np.std(s))

    weight = model.weights[name].astype(np.float64)
    for start in (30, 34):
        total = np.zeros_like(weight)
        for sample in x[start : start + batch]:
            np.testing.assert_allclose(learner.weights[name], weight, atol=1e-6)
            model.weights[name][:] = learner.weights[name]
            delta, sync = plain_dassdp(model.run(sample[None]), pre, post, rule)
            total += min(2.0, max(0.0, 1 + k * (sync - np.mean(s)) / np.std(s))) * delta
            learner.learn(sample, None)
        weight += np.clip(total / batch, -1, 1)
    np.testing.assert_allclose(learner.weights[name], weight, atol=1e-6)
    assert np.abs(weight - network.projection(name).weight).max() > 1e-3


def test_published_latency_is_that_of_its_cumsum_argmax():
    raster = np.random.default_rng(5).random((N_STEPS, 200)) < 0.2
    published = raster.cumsum(0).argmax(0)
    np.testing.assert_array_equal(last_spike_step(raster, 0), published)
    first = first_spike_step(raster)
    assert (first[~raster.any(0)] == N_STEPS).all() and (~raster.any(0)).any()
    assert (first[raster.any(0)] <= published[raster.any(0)]).all()


def test_without_records_or_with_a_constant_s_the_gate_is_one():
    learner = FloatLearner(chain(), {"ab": DASSDP()})
    learner.fit_gate()
    assert gate_of(learner, "ab")([7]) == [1.0]
    for loss in np.random.default_rng(0).uniform(0.1, 3.0, 50):
        learner.warm_up(samples(1)[0], 0, float(loss))
    learner.fit_gate()
    assert gate_of(learner, "ab")([0, 9]) == [1.0, 1.0]


def test_ssdp_ignores_what_the_warm_up_saw():
    plain, warmed = (FloatLearner(chain(), {"ab": SSDP(0.01, 0.005)}) for _ in range(2))
    for k, sample in enumerate(samples(8)):
        warmed.warm_up(sample, k % 4)
    warmed.fit_gate()
    for sample in samples(8, seed=9):
        plain.learn(sample, None)
        warmed.learn(sample, None)
    np.testing.assert_array_equal(plain.weights["ab"], warmed.weights["ab"])


def test_the_gate_is_clamped_at_zero_and_two():
    gate = Gate(k=1.0, mean=50.0, std=10.0)
    assert gate([10, 90]) == [0.0, 2.0]
    assert gate([55]) == [pytest.approx(1.5)]


# --- error-driven rules ------------------------------------------------------------------------

def test_readout_delta_is_the_normalized_negative_gradient():
    """beta = 0: dW = mu / (1 + |n|^2) * (-dL/dW), the gradient by central differences."""
    network = chain(seed=8)
    x, label, mu = samples(1, seed=3)[0], 2, 0.4
    learner = FloatLearner(network, Learning({"bo": ReadoutDelta(mu)}, skip_below=0.0))
    n = FloatModel(network).run(x[None]).spikes["b"][0].sum(0).astype(float)
    logits = FloatModel(network).run(x[None]).logits[0].astype(float)
    learner.learn(x, label)
    change = learner.weights["bo"] - network.projection("bo").weight
    assert n.any() and np.abs(change).max() > 1e-3

    def loss(weight_change: np.ndarray) -> float:
        return loss_bits(logits + n @ weight_change, label) * math.log(2)

    for j in range(8):
        for c in range(4):
            step = np.zeros((8, 4))
            step[j, c] = 1e-5
            gradient = (loss(step) - loss(-step)) / 2e-5
            assert change[j, c] == pytest.approx(-mu / (1 + n @ n) * gradient, abs=2e-6)


def test_one_delta_step_removes_mu_of_the_error():
    """After it the logits have moved by mu * e * |n|^2 / (1 + |n|^2): no other scale enters."""
    for scale in (1.0, 10.0):
        network = chain(seed=8)
        x = samples(1, seed=3)[0]
        rules = Learning({"bo": ReadoutDelta(0.4)}, skip_below=0.0)
        learner = FloatLearner(network, rules, headroom=1e6 * scale)
        before = learner.run(x)
        n = before.counts("b")
        e = learner.error(before, 1)
        learner.adapt(before, 1)
        moved = learner.run(x).logits - before.logits
        np.testing.assert_allclose(moved, 0.4 * e * (n @ n) / (1 + n @ n), atol=1e-5)


def test_credit_is_the_negative_gradient_by_spike_count_on_one_hop():
    network = chain(8)
    learner = FloatLearner(network, Learning({"ab": ErrorSSDP()}))
    sample = learner.run(samples(1, seed=3)[0])
    d = learner.credit(sample, "b", learner.error(sample, 1))
    logits, w = sample.logits.astype(float), network.projection("bo").weight
    for i in range(8):
        up, down = (loss_bits(logits + h * w[i], 1) * math.log(2) for h in (1e-5, -1e-5))
        assert d[i] == pytest.approx(-(up - down) / 2e-5, abs=1e-4)


def test_error_ssdp_follows_its_equation_on_a_graph():
    network = graph()
    rule, e_rule = ErrorSSDP(mu=0.5, sigma=1.7), ReadoutDelta(0.2)
    learner = FloatLearner(
        network, Learning({"ab": rule, "bo": e_rule, "co": e_rule}, skip_below=0.0))
    w = {p.name: p.weight for p in network.projections}
    lam_c = (w["co"] ** 2).sum(0).mean()
    lam = ((w["bo"] ** 2).sum(0).mean() + (w["bc"] ** 2).sum(0).mean() * lam_c) / 2
    checked = 0
    for x in samples(6, seed=3):
        before = {name: weight.astype(float) for name, weight in learner.weights.items()}
        trace = learner.model.run(x[None])
        n, q, q_c = (trace.spikes[p][0].sum(0).astype(float) for p in ("a", "b", "c"))
        powers = np.exp(trace.logits[0].astype(float))
        e = np.eye(4)[3] - powers / powers.sum()
        d = before["bo"] @ e + before["bc"] @ (before["co"] @ e * (q_c > 0))
        t_a, t_b = (plain_times(trace.spikes[p][0], "described", N_STEPS) for p in ("a", "b"))
        expected = before["ab"].copy()
        for j in range(9):
            for i in range(8):
                g = math.exp(-((t_b[i] - t_a[j]) ** 2) / (2 * rule.sigma**2))
                expected[j, i] += rule.mu * 1.2 / (lam * (1 + n @ n)) * d[i] * (q[i] > 0) * n[j] * g
        limit = 2 * np.abs(w["ab"]).max()
        learner.learn(x, 3)
        np.testing.assert_allclose(
            learner.weights["ab"], np.clip(expected, -limit, limit), atol=2e-6)
        checked += np.abs(learner.weights["ab"] - before["ab"]).max() > 1e-3
    assert checked >= 3


@pytest.mark.parametrize("kind, beta, kappa", [("membrane_sum", 1.0, (N_STEPS + 1) / 2),
                                               ("spike_count", 0.9, 1.0)])
def test_kappa_divides_both_error_rules(kind, beta, kappa):
    network = chain(8, beta, kind)
    learner = FloatLearner(network, Learning(RULES, skip_below=0.0))
    sample = learner.run(samples(1, seed=3)[0])
    e, n = learner.error(sample, 1), sample.counts("b")
    changes = learner.error_changes(sample, 1)
    np.testing.assert_allclose(changes["bo"], 0.4 / kappa * np.outer(n, e) / (1 + n @ n))
    ones = Learning({"ab": ErrorSSDP(8.0 * kappa)}, skip_below=0.0)
    scaled = FloatLearner(network, ones).error_changes(sample, 1)
    np.testing.assert_allclose(changes["ab"] * kappa, scaled["ab"])


def test_a_sample_that_is_no_surprise_writes_nothing():
    network = chain(8)
    x = samples(1, seed=3)[0]
    certain = FloatLearner(network, Learning(RULES, skip_below=0.999))
    certain.learn(x, certain.infer(x))
    for name, weight in certain.weights.items():
        np.testing.assert_array_equal(weight, network.projection(name).weight.astype(np.float32))
    learner = FloatLearner(network, Learning.default(network))
    predicted = learner.infer(x)
    assert learner.learn(x, int(learner.run(x).logits.argmin())) == predicted
    assert not np.array_equal(learner.weights["bo"], network.projection("bo").weight)


def test_weights_stay_within_the_headroom_and_other_projections_still():
    network = chain(4)
    learner = FloatLearner(network, {"ab": ErrorSSDP(mu=500.0), "bo": ReadoutDelta(mu=50.0)})
    for x in samples(30):
        learner.learn(x, 1)
    for name in ("ab", "bo"):
        limit = np.float32(2 * np.abs(network.projection(name).weight).max())
        assert np.abs(learner.weights[name]).max() == limit
    np.testing.assert_array_equal(
        learner.weights["xa"], network.projection("xa").weight.astype(np.float32))


def test_learning_a_stream_raises_the_accuracy_on_it():
    """Labels of another network of the same shape, learned by the default rules."""
    teacher, student = FloatModel(chain(21)), chain(22)
    x = samples(600, seed=4)
    labels = teacher.run(x).classes
    learner = FloatLearner(student, Learning.default(student))
    before = (FloatModel(student).run(x[500:]).classes == labels[500:]).mean()
    for sample, label in zip(x[:500], labels[:500], strict=True):
        learner.learn(sample, int(label))
    after = (learner.model.run(x[500:]).classes == labels[500:]).mean()
    assert after > before + 0.2


def test_a_rule_without_a_float_twin_is_refused_not_ignored():
    with pytest.raises(EdgeError, match="Homeostasis on 'ab'") as caught:
        FloatLearner(chain(), {"ab": Homeostasis(), "bo": ReadoutDelta()})
    assert caught.value.code == "E203"


def test_a_rule_without_a_float_twin_says_so_when_asked_for_one():
    rule, net = Homeostasis(target=2.0), chain()
    p, sample = net.projection("ab"), FloatLearner(net, {"bo": ReadoutDelta()}).run(samples(1)[0])
    for ask in (lambda: rule.twin(net, p), lambda: rule.change(sample, net, p, np.zeros(1))):
        with pytest.raises(EdgeError, match="Homeostasis on 'ab' has no float twin") as caught:
            ask()
        assert caught.value.code == "E203" and "emulator" in caught.value.help


def test_a_label_that_is_no_class_is_refused():
    learner = FloatLearner(chain(), Learning.default(chain()))
    for call in (learner.learn, learner.warm_up):
        with pytest.raises(EdgeError) as caught:
            call(samples(1)[0], 4)
        assert caught.value.code == "E104"


# --- pair-based STDP ---------------------------------------------------------------------------

def test_pair_stdp_equals_the_sum_over_all_pairs_of_spikes():
    rng = np.random.default_rng(0)
    pre, post = rng.random((9, 4)) < 0.4, rng.random((9, 3)) < 0.4
    rule = PairSTDP(0.3, 0.2, 2.0, 5.0)
    expected = np.zeros((4, 3))
    for j in range(4):
        for i in range(3):
            for t_j in np.flatnonzero(pre[:, j]):
                for t_i in np.flatnonzero(post[:, i]):
                    if t_j <= t_i:
                        expected[j, i] += rule.a_plus * math.exp(-(t_i - t_j) / rule.tau_plus)
                    else:
                        expected[j, i] -= rule.a_minus * math.exp(-(t_j - t_i) / rule.tau_minus)
    np.testing.assert_allclose(pair_change(pre, post, rule), expected)


@pytest.mark.parametrize("label", [0, None])
def test_pair_stdp_beside_the_readout_rule(label):
    network, rule = chain(8), PairSTDP(0.01, 0.008)
    learner = FloatLearner(network, {"ab": rule, "bo": ReadoutDelta()})
    delta = FloatLearner(network, {"bo": ReadoutDelta()})
    x = samples(1, seed=3)[0]
    spikes = learner.run(x).trace.spikes
    learner.learn(x, label)
    delta.learn(x, label)
    np.testing.assert_array_equal(learner.weights["bo"], delta.weights["bo"])
    moved = learner.weights["ab"] - network.projection("ab").weight
    scale = np.abs(network.projection("ab").weight).max()
    expected = scale * pair_change(spikes["a"][0], spikes["b"][0], rule)
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_pair_stdp_is_refused_on_inputs():
    with pytest.raises(EdgeError, match="xa") as caught:
        FloatLearner(chain(), {"xa": PairSTDP()})
    assert caught.value.code == "E203"
    with pytest.raises(EdgeError, match="tau_plus"):
        PairSTDP(tau_plus=0.0)
