"""A matrix behind a pool learns as if the pool were a population of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from support.differences import assert_same
from support.scenario import Phase, Scenario
from support.wired_networks import SINABS, Builder

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Input, Network, Readout
from edge_dassdp.ir.geometry import Pool
from edge_dassdp.ir.pools import with_pools_apart
from edge_dassdp.qir import QNetwork, load, save
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.quantize.wayback import dequantize, requantize
from edge_dassdp.reference import Reference
from edge_dassdp.rules import (
    DASSDP,
    ErrorSSDP,
    ErrorTouch,
    Homeostasis,
    Learning,
    PairSTDP,
    ReadoutDelta,
    Replay,
    Rule,
)
from edge_dassdp.twin.learner import FloatLearner
from edge_dassdp.twin.model import FloatModel

Kind = Literal["sum", "max"]
RULES: dict[str, Rule] = {
    "error": ErrorSSDP(), "touch": ErrorTouch(), "stdp": PairSTDP(0.004, 0.006),
    "homeostasis": Homeostasis(2.0, 1.5), "sync": DASSDP(0.01, 0.004, batch=3, gated=False),
}
LEARN = (Phase("learn", 8), Phase("learn", 2, labelled=False), Phase("infer"))


def network(kind: Kind, n_steps: int = 12, *, hidden: bool = True, **neurons: Any) -> Network:
    """A convolution, a pool of overlapping windows, and one or two matrices."""
    source = Input("x", 84, n_steps, spikes=True, shape=(2, 7, 6))
    made = Builder(source, n_steps).conv("c", 8, (3, 3), **neurons)
    pool = Pool(kind, (3, 2), (2, 1))
    if hidden:
        made = made.dense("h", 14, pool=pool).dense("out", 5, reset="none")
    else:
        made = made.dense("out", 5, pool=pool, reset="none")
    return Network((source,), tuple(made.populations), tuple(made.projections),
                   Readout("out", "membrane_sum"), n_steps)


def spikes(n: int, n_steps: int = 12) -> np.ndarray:
    return (np.random.default_rng(5).random((n, 84 * n_steps)) < 0.2).astype(np.float32)


@pytest.mark.parametrize("kind", ["sum", "max"])
def test_the_population_of_a_pool_changes_no_spike(kind: Kind) -> None:
    net, x = network(kind), spikes(6)
    apart = with_pools_apart(net, {"c_h"})
    assert [p.name for p in apart.populations] == ["c", "c_h_pool", "h", "out"]
    plain, made = FloatModel(net).run(x), FloatModel(apart).run(x)
    for name in ("c", "h"):
        np.testing.assert_array_equal(plain.spikes[name], made.spikes[name])
    np.testing.assert_array_equal(plain.logits, made.logits)


@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("kind", ["sum", "max"])
def test_in_integers_it_fires_what_the_pool_adds_up(kind: Kind, bits: int) -> None:
    net = network(kind)
    made = quantize(net, Learning({"c_h": ErrorSSDP()}), Settings(weight_bits=bits)).network
    model, pool, most = Reference(made), net.projection("c_h").pool, 0
    assert pool is not None
    model.begin(input_x(made, spikes(6)))
    for t_step in range(net.n_steps):
        model.step(t_step)
        source, pooled = (model.spikes[name].astype(np.int64)[:, _natural(made, name)]
                          for name in ("c", "c_h_pool"))
        np.testing.assert_array_equal(pooled, pool.apply(source, (8, 5, 4)))
        most = max(most, int(pooled.max()))
    assert most == 1 if kind == "max" else most > 3


def _natural(made: QNetwork, population: str) -> np.ndarray:
    """Where the neurons of a population, in natural order, lie on the device."""
    p = made.population(population)
    order = np.arange(p.size) if p.natural is None else p.natural
    return np.argsort(order)[(order < 0).sum():]


@pytest.mark.parametrize("kind", ["sum", "max"])
@pytest.mark.parametrize("name", RULES)
def test_every_rule_learns_behind_it_bit_by_bit(kind: Kind, name: str) -> None:
    rule = RULES[name]
    replay = Replay(6, 1) if kind == "max" and rule.needs.error else None
    phases = (*LEARN, Phase("idle")) if replay else LEARN
    reference = assert_same(Scenario(
        f"{kind}_{name}", network(kind), Learning(
            {"c_h": rule, "h_out": ReadoutDelta()}, skip_below=0.0, replay=replay),
        phases=phases, density=0.2))
    assert (reference.w["c_h"] != reference.network.projection("c_h").w).any()
    assert reference.statistics().n_replayed > 0 or replay is None


@pytest.mark.parametrize("kind", ["sum", "max"])
def test_the_delta_rule_is_that_of_pooled_counts(kind: Kind) -> None:
    """A sum counts every spike of its window, a maximum the steps in which one fired."""
    net = network(kind, hidden=False)
    made = quantize(net, Learning({"c_out": ReadoutDelta(4.0)}, skip_below=0.0),
                    Settings(bits_of={"c_out": 16})).network
    reference, q, pool = Reference(made), made.projection("c_out"), net.projection("c_out").pool
    assert pool is not None
    x, n = input_x(made, spikes(1)), 0
    model = Reference(made)
    model.begin(x)
    for t_step in range(net.n_steps):
        model.step(t_step)
        source = model.spikes["c"].astype(np.int64)[:, _natural(made, "c")]
        n = n + pool.apply(source, (8, 5, 4))[0]
    reference.learn(x[0], int(model.sums[0].argmin()))
    count = reference.records["c_out_pool"][0].count
    np.testing.assert_array_equal(count[_natural(made, "c_out_pool")], n)
    change = np.outer(count, reference.error["out"]) / (1 + count @ count)
    got = (reference.w["c_out"] - q.w).astype(float)
    assert np.abs(got).max() > 20
    assert np.corrcoef(got.ravel(), change.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("kind", ["sum", "max"])
def test_the_float_twin_learns_the_same(kind: Kind) -> None:
    net, x = network(kind, hidden=False), spikes(10)
    learning = Learning({"c_out": ReadoutDelta(4.0)}, skip_below=0.0)
    learner = FloatLearner(net, learning)
    made = quantize(net, learning, Settings(bits_of={"c_out": 16})).network
    reference = Reference(made)
    for sample, codes, label in zip(x, input_x(made, x), np.arange(10) % 5, strict=True):
        learner.learn(sample, int(label))
        reference.learn(codes, int(label))
    own = dequantize(net, made, {"c_out": reference.read_weights("c_out")})
    before = net.projection("c_out").weight
    got, wanted = (w - before for w in (own.projection("c_out").weight, learner.weights["c_out"]))
    assert np.corrcoef(got.ravel(), np.asarray(wanted).ravel())[0, 1] > 0.98


def test_what_was_learned_goes_back_into_the_network_with_the_pool(tmp_path) -> None:
    net = network("sum")
    made = quantize(net, Learning({"c_h": ErrorSSDP(mu=50.0), "h_out": ReadoutDelta()},
                                  skip_below=0.0)).network
    save(made, tmp_path / "pooled.q.npz")
    assert load(tmp_path / "pooled.q.npz").sha256 == made.sha256
    reference = Reference(made)
    for codes, label in zip(input_x(made, spikes(12)), np.arange(12) % 5, strict=True):
        reference.learn(codes, int(label))
    learned = {q.name: reference.read_weights(q.name) for q in made.plastic}
    back = dequantize(net, made, learned)
    assert [q.name for q in back.projections] == ["x_c", "c_h", "h_out"]
    assert back.projection("c_h").pool == net.projection("c_h").pool
    again = requantize(back, made)
    for q in again.plastic:
        np.testing.assert_array_equal(q.w, learned[q.name])


def test_by_default_it_learns_where_nothing_else_can() -> None:
    assert set(Learning.default(network("sum", hidden=False)).rules) == {"c_out"}
    assert set(Learning.default(network("sum")).rules) == {"h_out"}


@pytest.mark.parametrize(("made", "words"), [
    (lambda: network("sum", **SINABS), "several times a step"),
    (lambda: network("sum", 700), "4,200 times"),
])
def test_sums_that_no_record_holds_are_refused(made: Any, words: str) -> None:
    with pytest.raises(EdgeError, match=words) as caught:
        Learning({"c_h": ErrorSSDP()}).validate(made())
    assert caught.value.code == "E203" and caught.value.help


def test_replay_stores_no_sums() -> None:
    with pytest.raises(EdgeError, match="fires several times a step") as caught:
        Learning({"c_h": ErrorSSDP()}, replay=Replay(6, 1)).validate(network("sum"))
    assert caught.value.code == "E203"


def test_flash_samples_of_a_pool_are_those_of_the_float_twin() -> None:
    """Behind a maximum the cut is the pool: its trains are stored."""
    net, x = network("max"), spikes(10)
    learning = replace(Learning({"c_h": ErrorSSDP()}), replay=Replay(5, 0))
    labels = np.arange(10) % 5
    twin = FloatLearner(net, learning, training=Samples(x, labels))
    made = quantize(net, learning, None, x, labels).network
    assert [p.name for p in made.cut] == ["c_h_pool"] and twin.cut == ("c_h_pool",)


def test_a_rule_that_is_proven_for_one_spike_a_step_takes_no_sums(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ErrorSSDP, "takes_numbers", False)
    with pytest.raises(EdgeError, match="its proof is for one") as caught:
        Learning({"c_h": ErrorSSDP()}).validate(network("sum"))
    assert caught.value.code == "E203" and "count_peak" in caught.value.help
    Learning({"c_h": ErrorSSDP()}).validate(network("max"))


def test_channels_of_neurons_that_fire_several_times_are_recorded_by_steps() -> None:
    """A 1 x 1 convolution learns from channels: whether one fired anywhere."""
    several = {**SINABS, "max_spikes": 3}
    source = Input("x", 84, 12, spikes=True, shape=(2, 7, 6))
    made = Builder(source, 12).conv("c", 8, (3, 3), **several).conv("d", 4, (1, 1), **several)
    net = made.dense("h", 14).out()
    assert_same(Scenario("channels_several", net, Learning({"c_d": DASSDP(0.01, 0.004)}),
                         phases=(Phase("warm_up", 4), Phase("fit_gate"), *LEARN), density=0.4))
