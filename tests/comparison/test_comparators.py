"""The host comparators: gradients against torch autograd, TESS against its equations in loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.comparison.comparators import (
    TESS,
    BackpropLearner,
    Surrogate,
    TESSLearner,
    square_waves,
)
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.ir.credit import path_gain, readout_gain
from edge_dassdp.rules import ErrorTouch, Learning, ReadoutDelta, Replay, Schedule
from edge_dassdp.twin.learner import FloatLearner
from edge_dassdp.twin.model import FloatModel

N_STEPS = 6


def graph(seed: int = 0, kind: str = "membrane_sum", reset: str = "subtract") -> Network:
    """x(5) -> a(8) -> b(7) -> c(6) -> out(3), a skip b -> out, and c back to b."""
    rng = np.random.default_rng(seed)
    summed = kind == "membrane_sum"
    out = Population("out", 3, 0.6, 0.7, reset="none" if summed else "zero")
    return Network(
        (Input("x", 5),),
        (Population("a", 8, 0.9, 1.0), Population("b", 7, 0.8, 1.2, reset=reset),
         Population("c", 6, 0.7, 0.8, reset=reset), out),
        (Projection("xa", "x", "a", rng.normal(size=(5, 8)) / 2),
         Projection("ab", "a", "b", rng.normal(0.15, 0.4, (8, 7)), rng.normal(0, 0.1, 7)),
         Projection("bc", "b", "c", rng.normal(0.15, 0.4, (7, 6))),
         Projection("cb", "c", "b", rng.normal(0, 0.3, (6, 7))),
         Projection("bo", "b", "out", rng.normal(0.1, 0.4, (7, 3))),
         Projection("co", "c", "out", rng.normal(0.1, 0.4, (6, 3)))),
        Readout("out", kind), N_STEPS)


def samples(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)


LEARNING = Learning({"ab": ErrorTouch(3.0), "bc": ErrorTouch(2.0), "bo": ReadoutDelta(0.3),
                     "co": ReadoutDelta(0.2)}, skip_below=0.0)


class Spike(torch.autograd.Function):
    """A step with the derivative of a Surrogate, of the same formula in torch."""

    @staticmethod
    def forward(ctx, v, theta, kind, slope):
        ctx.save_for_backward((v - theta).abs() / theta * slope)
        ctx.kind = kind
        return (v > theta).double()

    @staticmethod
    def backward(ctx, gradient):
        (u,) = ctx.saved_tensors
        h = {"fast_sigmoid": (1 + u) ** -2, "triangle": (1 - u).clamp(min=0),
             "box": (u < 1).double()}[ctx.kind]
        return gradient * h, None, None, None


def by_autograd(network: Network, raster: np.ndarray, label: int, surrogate: Surrogate):
    """-dL/dW by torch for the part behind a, in float64."""
    w = {p.name: torch.tensor(p.weight.astype(np.float32).astype(float), requires_grad=True)
         for p in network.projections}
    bias = torch.tensor(network.projection("ab").bias.astype(np.float32).astype(float))
    v = {n: torch.zeros(network.population(n).size, dtype=torch.float64) for n in ("b", "c", "out")}
    s, logits = dict(v), torch.zeros(3, dtype=torch.float64)
    for fired in torch.tensor(raster.astype(float)):
        for name in v:
            p = network.population(name)
            theta = torch.tensor(p.threshold.astype(np.float32).astype(float))
            beta = torch.tensor(p.beta.astype(np.float32).astype(float))
            i = {"b": lambda f=fired: f @ w["ab"] + bias + s["c"] @ w["cb"],
                 "c": lambda: s["b"] @ w["bc"], "out": lambda: s["b"] @ w["bo"] + s["c"] @ w["co"],
                 }[name]()
            r = (v[name] > theta).double()
            if p.reset == "zero":
                v[name] = beta * ((1 - r) * v[name]) + i
            else:
                v[name] = beta * v[name] + i - (theta * r if p.reset == "subtract" else 0)
            s[name] = Spike.apply(v[name], theta, surrogate.kind, surrogate.slope)
        logits = logits + (v["out"] if network.readout.kind == "membrane_sum" else s["out"])
    loss = torch.nn.functional.cross_entropy(logits[None], torch.tensor([label]))
    loss.backward()
    return {name: -t.grad.numpy() for name, t in w.items() if t.grad is not None}, logits.detach()


@pytest.mark.parametrize("surrogate", [Surrogate("fast_sigmoid", 5.0), Surrogate("box", 2.0),
                                       Surrogate("triangle", 1.0)])
@pytest.mark.parametrize("kind", ["membrane_sum", "spike_count"])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_the_gradient_is_that_of_autograd(surrogate, kind, reset):
    network = graph(3, kind, reset)
    learner = BackpropLearner(network, LEARNING, surrogate)
    seen = 0.0
    for x in samples(5):
        sample = learner.run(x)
        expected, logits = by_autograd(network, sample.trace.spikes["a"][0], 2, surrogate)
        np.testing.assert_allclose(sample.logits, logits, atol=1e-4)
        found = learner.gradients(sample, learner.error(sample, 2))
        assert set(found) == set(LEARNING.rules)
        for name, gradient in found.items():
            np.testing.assert_allclose(gradient, expected[name], atol=2e-4)
        seen = max(seen, np.abs(found["ab"]).max())
    assert seen > 0.05


def test_at_a_leakless_readout_backprop_is_the_delta_rule_there():
    network = graph(3)
    out = replace(network.populations[-1], beta=0.0)
    network = replace(network, populations=(*network.populations[:-1], out))
    backprop, ours = BackpropLearner(network, LEARNING), FloatLearner(network, LEARNING)
    sample = ours.run(samples(1)[0])
    e = ours.error(sample, 0)
    for name in ("bo", "co"):
        np.testing.assert_allclose(backprop.changes(sample, e)[name], ours.changes(sample, e)[name])


def test_with_the_box_of_touch_both_mark_the_same_steps():
    learner = FloatLearner(graph(3), LEARNING)
    sample = learner.run(samples(1)[0])
    theta = learner.network.population("b").threshold
    box = Surrogate("box", 1 / 0.2)(sample.trace.membranes["b"][0], theta)
    np.testing.assert_array_equal(box > 0, sample.touched("b", 0.2))


@pytest.mark.parametrize("signal", ["local", "readout"])
def test_tess_follows_its_equations(signal):
    network = graph(5)
    tess = TESS(0.7, 0.4, 1.1, -0.3, signal, Surrogate("triangle", 1.0))
    learner = TESSLearner(network, LEARNING, tess)
    sample = learner.run(samples(4)[3])
    e = learner.error(sample, 1)
    s_a, s_b = sample.trace.spikes["a"][0], sample.trace.spikes["b"][0]
    v, n = sample.trace.membranes["b"][0], s_a.sum(0).astype(float)
    basis = np.array([[np.sign(math.sin(f * i)) / 7 for f in (50.0, 281.0, 512.0)]
                      for i in range(7)])
    expected = np.zeros((8, 7))
    for i in range(7):
        y = 0.0
        x = np.zeros(8)
        for t in range(N_STEPS):
            h = max(0.0, 1 - abs(v[t, i] - 1.2) / 1.2)
            powers = np.exp(s_b[t] @ basis)
            m = basis[i] @ (np.eye(3)[1] - powers / powers.sum()) if signal == "local" \
                else learner.credit(sample, "b", e)[i]
            x = 0.7 * x + s_a[t]
            expected[:, i] += m * (1.1 * h * x - 0.3 * y * s_a[t])
            y = 0.4 * y + h
    lam = (basis**2).sum(0).mean() if signal == "local" else path_gain(network, "b")
    expected *= 3.0 * 1.2 / (lam * readout_gain(network) * (1 + n @ n))
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(learner.changes(sample, e)["ab"], expected, atol=1e-7)
    np.testing.assert_array_equal(learner.changes(sample, e)["bo"],
                                  FloatLearner(network, LEARNING).changes(sample, e)["bo"])


def test_the_columns_of_the_fixed_signal_are_nearly_orthogonal():
    basis = square_waves(64, 7)
    overlaps = basis.T @ basis * 64
    assert np.abs(overlaps - np.diag(np.diag(overlaps))).max() < 0.5
    assert (np.diag(overlaps) > 0.95).all()


@pytest.mark.parametrize("make", [BackpropLearner, TESSLearner])
def test_comparators_share_skip_schedule_replay_and_headroom(make):
    network, training = graph(3), Samples(samples(9, 5), np.arange(9) % 3)
    learning = replace(LEARNING, schedule=Schedule(16, 0.5), replay=Replay(3, 1))
    learner = make(network, learning, training=training)
    x, sample = samples(20), learner.run(samples(1)[0])
    full = learner.error_changes(sample, 0)
    for k in range(16):
        learner.learn(x[k], k % 3)
    assert learner.memory.n_replayed == 32
    moved = make(network, learning, training=training)
    moved.n_labelled = 16
    for name, change in moved.error_changes(sample, 0).items():
        np.testing.assert_allclose(change, 0.5 * full[name])
    certain = make(network, replace(LEARNING, skip_below=0.999))
    assert certain.error_changes(sample, sample.predicted) == {}
    wild = make(network, replace(LEARNING, rules={"ab": ErrorTouch(1e6), "bo": ReadoutDelta()}),
                headroom=1.5)
    for row in x:
        wild.learn(row, 1)
    limit = np.float32(1.5 * np.abs(network.projection("ab").weight).max())
    assert np.abs(wild.weights["ab"]).max() == limit


def test_backprop_learns_the_labels_of_another_network():
    teacher, student = FloatModel(graph(21)), graph(22)
    x = samples(600, seed=4)
    labels = teacher.run(x).classes
    learner = BackpropLearner(student, LEARNING, Surrogate("box", 2.0))
    before = (FloatModel(student).run(x[500:]).classes == labels[500:]).mean()
    for sample, label in zip(x[:500], labels[:500], strict=True):
        learner.learn(sample, int(label))
    assert (learner.model.run(x[500:]).classes == labels[500:]).mean() > before + 0.1


def test_what_cannot_be_compared_is_refused():
    network = graph(3)
    b = replace(network.population("b"), reset_delay=False)
    at_once = replace(network, populations=(network.populations[0], b, *network.populations[2:]))
    rules = Learning({"bo": ReadoutDelta(), "cb": ErrorTouch()})
    for call in (lambda: BackpropLearner(at_once, rules), lambda: TESSLearner(at_once, rules),
                 lambda: Surrogate("step"), lambda: Surrogate("box", 0.0),
                 lambda: TESS(lambda_pre=1.0), lambda: TESS(alpha_post=math.nan),
                 lambda: TESS(signal="global")):
        with pytest.raises(EdgeError) as caught:
            call()
        assert caught.value.code == "E203"
