"""Pair STDP against real numbers, by hand, and as a user sees it."""

from __future__ import annotations

import numpy as np
import pytest
from support.lessons import carried, learning, lesson, site
from support.scenarios import SCENARIOS, layers

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QProjection
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning, PairSTDP
from edge_dassdp.rules.stdp import QSTDP, pair_change, trace_peak

RNG = np.random.default_rng(5)
NET = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)


def stdp_of(rule: PairSTDP, bits: int = 16) -> QProjection:
    made = quantize(NET, Learning({"fc2": rule}), Settings(bits_of={"fc2": bits}))
    return made.network.projection("fc2")


@pytest.mark.parametrize("rule", [PairSTDP(0.004, 0.006), PairSTDP(0.01, 0.003, 12.0, 1.5),
                                  PairSTDP(-0.005, 0.002, 0.5, 1e5)])
def test_stdp_of_16_bits_is_the_float_rule_to_its_rounding(rule: PairSTDP) -> None:
    q = stdp_of(rule)
    pre, post = RNG.random((25, 40)) < 0.3, RNG.random((25, 21)) < 0.2
    w = q.w.astype(np.int64)
    at = site(40, 21, 16, n_steps=25)
    q.rule.learn(lesson(w, 16, pre_raster=pre, post_raster=post, state=carried(q.rule, at)), at)
    scale = np.abs(NET.projection("fc2").weight).max()
    expected = scale * pair_change(pre, post, rule) / float(q.scale[0]) * 256
    tried = (pre.astype(int).sum(axis=0)[:, None] + post.sum(axis=0)) * 0.51 + 2
    assert (np.abs(w - q.w - expected) <= tried + 0.02 * np.abs(expected)).all()


def test_stdp_by_hand() -> None:
    rule = QSTDP(pre_one=1024, post_one=512, keep_pre_q15=16384, keep_post_q15=8192,
                 amplitude_plus=8, amplitude_minus=16, plus_rshift=5, minus_rshift=3)
    w, counters, at = np.zeros((2, 2), np.int64), learning(), site(2, 2, 16, n_steps=3)
    pre = np.array([[1, 0], [0, 1], [0, 0]], bool)
    post = np.array([[0, 1], [1, 0], [0, 1]], bool)
    state = carried(rule, at)
    rule.learn(lesson(w, 16, counters, pre_raster=pre, post_raster=post, state=state), at)
    # X: 1024 0 / 512 1024 / 256 512; Y before spikes: 0 0 / 0 128 / 128 32
    assert w.tolist() == [[128, 256 + 64], [256, 128 - 256]]
    assert state["stdp"].tolist() == [256, 512, 128, 32 + 512]
    assert counters["n_updates"] == 2 + 1 + 2 + 2 and counters["n_vanished"] == 1
    assert counters["rng"] == 2463534242


@pytest.mark.parametrize("tau", [1e-3, 1.0, 4.0, 100.0, 1e9])
def test_traces_fit_and_use_their_int16(tau: float) -> None:
    q = stdp_of(PairSTDP(0.003, 0.003, tau, tau)).rule
    assert isinstance(q, QSTDP)
    peak = trace_peak(q.pre_one, q.keep_pre_q15, NET.n_steps)
    assert peak <= 32767 and (q.pre_one == 1 << 14 or peak > 16000)


def test_stdp_without_a_fixed_point_form_is_refused() -> None:
    for rule, words in ((PairSTDP(1e-6, 1e-6), "larger"), (PairSTDP(2.0, 2.0), "smaller"),
                        (PairSTDP(0.0, 0.0), "larger")):
        with pytest.raises(EdgeError, match="PairSTDP") as caught:
            quantize(NET, Learning({"fc2": rule}))
        assert caught.value.code == "E201" and words in caught.value.help


def test_its_traces_are_named_in_the_ledger() -> None:
    layout = Plan.of(SCENARIOS["stdp"].quantized).layout
    field = next(f for f in layout.fields if f.name == "stdp_fc2")
    assert field.bytes == 2 * (40 + 21) and field.group == "learning"
