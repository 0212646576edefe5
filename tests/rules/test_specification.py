"""Which rules may stand where, and the constants they carry."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict

import numpy as np
import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.ir.credit import forward_projections, has_error, path_gain, readout_gain
from edge_dassdp.ir.geometry import Conv, MaxPool
from edge_dassdp.rules import (
    DASSDP,
    SSDP,
    ErrorSSDP,
    ErrorTouch,
    Learning,
    ReadoutDelta,
    Replay,
    Schedule,
)


def network(extra: tuple[Projection, ...] = (), **changes) -> Network:
    """x(4) -> a(5) -> b(3) -> out(2), and `extra`."""
    rng = np.random.default_rng(0)
    parts = {
        "inputs": (Input("x", 4),),
        "populations": (Population("a", 5, 0.9, 1.0), Population("b", 3, 0.8, 1.5),
                        Population("out", 2, 0.0, 1.0, reset="none")),
        "projections": (Projection("xa", "x", "a", rng.normal(size=(4, 5))),
                        Projection("ab", "a", "b", rng.normal(size=(5, 3))),
                        Projection("bo", "b", "out", rng.normal(size=(3, 2))), *extra),
        "readout": Readout("out", "membrane_sum"),
        "n_steps": 6,
    }
    return Network(**{**parts, **changes})


def refused(code: str, call, *words: str) -> None:
    with pytest.raises(EdgeError) as caught:
        call()
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value)


def test_default_learns_the_last_hidden_population_and_the_readout():
    made = Learning.default(network(), samples=1000)
    assert made == Learning({"ab": ErrorTouch(32.0), "bo": ReadoutDelta(0.4)},
                            schedule=Schedule(), replay=Replay(70, 3, n_ring=3))
    assert Learning.default(network(), samples=9).replay.flash == 9
    assert Learning.default(network()).replay == Replay(0, 3, n_ring=1, n_flash=0)


def test_default_does_without_what_cannot_stand_and_says_why():
    base = network()
    at_once = network(populations=tuple(
        dataclasses.replace(p, reset_delay=False) if p.name == "b" else p
        for p in base.populations))
    heard = network((Projection("xo", "x", "out", np.ones((4, 2))),))
    alone = network(projections=tuple(
        dataclasses.replace(q, delay=np.array([1])) if q.name == "ab" else q
        for q in base.projections))
    for net, rules, replays, why in (
            (base, {"ab": ErrorTouch(32.0), "bo": ReadoutDelta(0.4)}, True, ""),
            (at_once, {"ab": ErrorSSDP(32.0), "bo": ReadoutDelta(0.4)}, True, "resets at once"),
            (heard, {"ab": ErrorTouch(32.0), "bo": ReadoutDelta(0.4)}, False,
             "nothing is replayed"),
            (alone, {"bo": ReadoutDelta(1.6)}, True, "")):
        said: list[str] = []
        made = next(Learning.defaults(net, 50, said))
        made.validate(net)
        assert made.rules == rules and (made.replay is not None) == replays
        assert why in " ".join(said) and bool(said) == bool(why), said


def test_default_covers_recurrence_and_skips_but_no_inputs():
    extra = (Projection("bb", "b", "b", np.ones((3, 3))), Projection("ao", "a", "out",
             np.ones((5, 2))), Projection("xo", "x", "out", np.ones((4, 2))),
             Projection("oo", "out", "out", np.ones((2, 2))))
    wide = network(extra)
    learning = Learning.default(wide)
    assert {n for n, r in learning.rules.items() if isinstance(r, ErrorTouch)} == {"ab", "bb"}
    assert {n for n, r in learning.rules.items() if isinstance(r, ReadoutDelta)} == {"bo", "ao"}
    learning.validate(wide)


def test_default_refuses_a_network_that_cannot_learn():
    single = Network((Input("x", 2),), (Population("out", 2, 0.5, 1.0),),
                     (Projection("w", "x", "out", np.ones((2, 2))),),
                     Readout("out", "spike_count"), 3)
    refused("E203", lambda: Learning.default(single), "no projection")


@pytest.mark.parametrize("name, rule, words", [
    ("xa", ErrorSSDP(), ("'x' is an input",)),
    ("xa", SSDP(), ("'x' is an input",)),
    ("ab", ReadoutDelta(), ("'b'", "'out'", "ErrorSSDP")),
    ("bo", ErrorSSDP(), ("ends at the readout", "ReadoutDelta")),
    ("bc", ErrorSSDP(), ("no forward path", "'c'")),
    ("oo", ReadoutDelta(), ("forward",)),
])
def test_a_rule_in_the_wrong_place_is_refused(name, rule, words):
    base = network()
    deaf = Population("c", 2, 0.5, 1.0)
    extra = (Projection("bc", "b", "c", np.ones((3, 2))),
             Projection("oo", "out", "out", np.ones((2, 2))))
    wide = network(extra, populations=(*base.populations, deaf))
    refused("E203", lambda: Learning({name: rule}).validate(wide), name, *words)


def test_a_convolution_whose_largest_sums_arrive_does_not_learn():
    base = network(populations=(Population("a", 8, 0.9, 1.0, shape=(2, 2, 2)),
                                Population("b", 4, 0.8, 1.5, shape=(4, 1, 1)),
                                Population("out", 2, 0.0, 1.0, reset="none")),
                   projections=(Projection("xa", "x", "a", np.ones((4, 8))),
                                Projection("ab", "a", "b", np.ones((4, 2, 1, 1)), conv=Conv(),
                                           result_pool=MaxPool((2, 2), (2, 2))),
                                Projection("bo", "b", "out", np.ones((4, 2)))))
    refused("E203", lambda: Learning({"ab": SSDP()}).validate(base), "'ab'", "largest", "behind")
    assert set(Learning.default(base).rules) == {"bo"}


def test_an_unknown_projection_is_refused():
    refused("E105", lambda: Learning({"fc7": SSDP()}).validate(network()), "fc7", "xa, ab, bo")


def test_dead_weights_behind_an_error_rule_are_refused():
    silent = network(projections=(*network().projections[:2],
                                  Projection("bo", "b", "out", np.zeros((3, 2)))))
    refused("E203", lambda: Learning({"ab": ErrorSSDP()}).validate(silent), "all 0")


def test_one_population_keeps_one_kind_of_latency():
    mixed = Learning({"ab": ErrorSSDP(), "bo": DASSDP(variant="published")})
    refused("E203", lambda: mixed.validate(network()), "first", "last", "'b'")
    Learning({"ab": ErrorSSDP(), "bo": DASSDP()}).validate(network())
    published = DASSDP(variant="published")
    Learning({"ab": published, "bo": published}).validate(network())
    Learning({"ab": published, "bo": ReadoutDelta()}).validate(network())


@pytest.mark.parametrize("make, word", [
    (lambda: ReadoutDelta(mu=0.0), "mu"),
    (lambda: ReadoutDelta(mu=float("inf")), "mu"),
    (lambda: ErrorSSDP(mu=-1.0), "mu"),
    (lambda: ErrorSSDP(sigma=0.0), "sigma"),
    (lambda: DASSDP(a_plus=float("nan")), "a_plus"),
    (lambda: DASSDP(a_base=float("inf")), "a_base"),
    (lambda: DASSDP(sigma=-1.0), "sigma"),
    (lambda: DASSDP(batch=0), "batch"),
    (lambda: DASSDP(batch=65), "batch"),
    (lambda: DASSDP(variant="paper"), "'paper'"),
    (lambda: Learning({}), "no projection"),
    (lambda: Learning({"ab": "stdp"}), "'ab'"),
    (lambda: Learning({"ab": SSDP()}, skip_below=1.0), "skip_below"),
    (lambda: Learning({"ab": SSDP()}, seed=0), "seed"),
])
def test_constants_out_of_range_are_refused(make, word):
    refused("E203", make, word)


def test_ssdp_is_dassdp_without_a_gate():
    ungated = DASSDP(a_plus=1e-4, a_base=5e-5, sigma=1.0, gated=False)
    assert asdict(SSDP()) == asdict(ungated)
    assert SSDP(0.1, 0.2, 3.0, "published", 4).batch == 4
    with pytest.raises(EdgeError, match="SSDP: a_plus is nan"):
        SSDP(float("nan"))


def test_silent_neurons_have_the_step_that_each_published_code_gives_them():
    """SSDP: T at both of its sites. DA-SSDP: T before its classifier, 0 elsewhere."""
    for rule, hidden in ((DASSDP(variant="published"), 0), (SSDP(variant="published"), 9),
                         (DASSDP(gated=False, variant="published"), 0), (DASSDP(), 9), (SSDP(), 9)):
        assert (rule.code(9, False).silent, rule.code(9, True).silent) == (hidden, 9)


def test_kappa_is_the_mean_response_of_a_logit_to_one_spike():
    """Counted on the neuron itself: a unit of charge at step t, the membrane summed to the end."""
    for beta in (0.0, 0.7, 1.0):
        net = network(populations=(*network().populations[:2],
                                   Population("out", 2, beta, 1.0, reset="none")))
        responses = []
        for start in range(net.n_steps):
            v = total = 0.0
            for t_step in range(net.n_steps):
                v = beta * v + (t_step == start)
                total += v
            responses.append(total)
        assert readout_gain(net) == pytest.approx(np.mean(responses))
    counted = network(readout=Readout("out", "spike_count"),
                      populations=(*network().populations[:2],
                                   Population("out", 2, 0.5, [1.0, 3.0])))
    assert readout_gain(counted) == pytest.approx(0.5)


def test_lambda_multiplies_along_a_path_and_averages_over_several():
    net = network((Projection("ao", "a", "out", np.full((5, 2), 0.5)),))
    w_bo, w_ab = net.projection("bo").weight, net.projection("ab").weight
    one_hop = (w_bo**2).sum(0).mean()
    assert path_gain(net, "out") == 1.0
    assert path_gain(net, "b") == pytest.approx(one_hop)
    assert path_gain(net, "a") == pytest.approx(
        (5 * 0.25 + (w_ab**2).sum(0).mean() * one_hop) / 2)
    assert [p.name for p in forward_projections(net, "a")] == ["ab", "ao"]
    assert has_error(net, "a") and has_error(net, "out")
