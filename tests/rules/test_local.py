"""Rules that need no label, and EIHL: against real numbers, by hand, and as a user sees them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from support.lessons import carried, learning, lesson, silent, site
from support.scenarios import SCENARIOS, layers

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QProjection, load, save
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import DASSDP, EIHL, Homeostasis, Learning, PairSTDP, ReadoutDelta
from edge_dassdp.rules.eihl import EIHL_DTYPE, QEIHL
from edge_dassdp.rules.stdp import QSTDP, pair_change, trace_peak
from edge_dassdp.targets.emulator import Emulator

RNG = np.random.default_rng(5)
NET = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)


def samples(n: int) -> np.ndarray:
    return np.random.default_rng(9).normal(0, 1, (n, NET.n_inputs)).astype(np.float32)


def stdp_of(rule: PairSTDP, bits: int = 16) -> QProjection:
    made = quantize(NET, Learning({"fc2": rule}), Settings(bits_of={"fc2": bits}))
    return made.network.projection("fc2")


# --- pair STDP ---------------------------------------------------------------------------------

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


# --- homeostasis -------------------------------------------------------------------------------

def distance(reference: Reference, x: np.ndarray, population: str, target: np.ndarray) -> float:
    counts = []
    for sample in x:
        reference.infer(sample)
        counts.append(reference.records[population][0].count.copy())
    return float(np.abs(np.mean(counts, axis=0) - target).mean())


def test_homeostasis_of_16_bits_is_its_equation() -> None:
    rule = Homeostasis(3.0, 2.0)
    net = quantize(NET, Learning({"fc2": rule}), Settings(bits_of={"fc2": 16})).network
    reference, q = Reference(net), net.projection("fc2")
    reference.learn(input_x(net, samples(1))[0])
    pre, post = (reference.records[name][0].count for name in ("h1", "h2"))
    real = rule.eta * NET.population("h2").threshold.mean() / NET.n_steps / (1 + pre @ pre)
    expected = real * np.outer(pre, rule.target - post) / float(q.scale[0]) * 256
    assert np.abs(expected).max() > 20
    np.testing.assert_allclose(reference.w["fc2"] - q.w, expected, atol=0.6, rtol=0.02)


def test_unlabelled_samples_bring_activity_back() -> None:
    net = quantize(NET, Learning({"fc2": Homeostasis(2.0)}), calibration=samples(60)).network
    reference, x = Reference(net), input_x(net, samples(60))
    target = net.projection("fc2").rule.targets_q7 / 128
    healthy = distance(reference, x, "h2", target)
    reference.write_weights("fc2", net.projection("fc2").w // 2)
    damaged = distance(reference, x, "h2", target)
    for sample in x:
        assert reference.learn(sample).is_updated
    assert healthy < 0.1 and damaged > 1
    assert distance(reference, x, "h2", target) < damaged / 2
    assert reference.statistics().n_labelled == 0


def test_targets_need_samples_or_a_number() -> None:
    with pytest.raises(EdgeError) as caught:
        quantize(NET, Learning({"fc2": Homeostasis()}))
    assert caught.value.code == "E105" and "target" in caught.value.help
    rule = quantize(NET, Learning({"fc2": Homeostasis(target=2.5)})).network.projection("fc2").rule
    assert rule.targets_q7.tolist() == [320] * 21


# --- EIHL --------------------------------------------------------------------------------------

def contraction(bits: int, b_q8: int) -> QProjection:
    q = quantize(NET, Learning({"fc2": EIHL()}), Settings(bits_of={"fc2": bits})).network
    p = q.projection("fc2")
    return replace(p, rule=replace(p.rule, growth_q16=b_q8 << 8, most_q16=b_q8 << 8, period=4096))


@pytest.mark.parametrize(("bits", "b_q8"), [(8, 100), (5, 256), (8, 700), (16, 300)])
def test_contraction_shrinks_by_b_and_stops_at_zero(bits: int, b_q8: int) -> None:
    q, total, n = contraction(bits, b_q8), 0.0, 200
    scale = 1 if bits == 16 else 256
    for seed in RNG.integers(1, 2**32, n):
        w, at = q.w.astype(np.int64), site(q.n_pre, q.n_post, bits)
        q.rule.learn(lesson(w, bits, learning(seed), pre=silent(q.n_pre), post=silent(q.n_post),
                            error=np.zeros(q.n_post, np.int64), state=carried(q.rule, at)), at)
        assert ((np.sign(w) == np.sign(q.w)) | (w == 0)).all()
        total = total + np.abs(w) * scale / n
    expected = np.maximum(np.abs(q.w.astype(float)) * scale - b_q8, 0)
    np.testing.assert_allclose(total, expected, atol=0 if bits == 16 or b_q8 == 256 else 45)


def test_connectivity_switches_the_phases() -> None:
    case = SCENARIOS["eihl"]
    reference, seen = Reference(case.quantized), []
    for call in case.calls():
        call.run(reference)
        phase = reference.carried["fc2"]["eihl"]
        seen.append((int(phase["kind"]), np.count_nonzero(reference.w["fc2"])))
    flips = [(a, b) for a, b in pairwise(seen) if a[0] != b[0]]
    assert len(flips) >= 6
    ends = [n for _, (_, n) in flips]
    kinds = [a[0] for a, _ in flips]
    assert kinds[:4] == [0, 1, 0, 1]
    assert all((n < before) == (kind == 0)
               for (before, n), kind in zip(pairwise(ends), kinds[1:], strict=True))


@pytest.mark.parametrize("name", ["eihl_replay", "stdp_batch", "homeostasis_batch"])
def test_a_snapshot_continues_bit_by_bit(name: str) -> None:
    case = SCENARIOS[name]
    calls = [c for c in case.calls() if c.op not in ("save", "rollback")]
    first, second = (Emulator(case.quantized, checked=True) for _ in range(2))
    for call in calls[:14]:
        call.run(first)
    for p in case.quantized.plastic:
        second.write_weights(p.name, first.read_weights(p.name))
    second.write_learning(first.read_learning())
    for call in calls[14:]:
        one, other = call.run(first), call.run(second)
        assert (one is None and other is None) or one.learned_digest == other.learned_digest


@pytest.mark.parametrize(("field", "value"), [("kind", 2), ("n_samples", 4), ("b_q16", 2**31)])
def test_a_phase_that_no_run_can_give_is_cleared(field: str, value: int) -> None:
    network = SCENARIOS["eihl"].quantized
    emulator = Emulator(network, checked=True)
    assert isinstance(network.projection("fc2").rule, QEIHL)
    phase = np.zeros((), EIHL_DTYPE)
    phase["n_connected"], phase[field] = 7, value
    data = bytearray(emulator.read_learning())
    at = emulator.layout.offset("eihl_fc2") - emulator.layout.persist_begin
    data[at : at + EIHL_DTYPE.itemsize] = phase.tobytes()
    with pytest.raises(EdgeError, match="out of range"):
        emulator.write_learning(bytes(data))
    assert emulator.named_state()["eihl_fc2.n_connected"].item() == 0


# --- all of them -------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["stdp", "homeostasis", "eihl"])
def test_a_file_keeps_them(name: str, tmp_path) -> None:
    network = SCENARIOS[name].quantized
    save(network, tmp_path / "model.q.npz")
    assert load(tmp_path / "model.q.npz").sha256 == network.sha256


@pytest.mark.parametrize(("rules", "words"), [
    ({"fc1": PairSTDP()}, "does not spike"), ({"fc1": Homeostasis()}, "does not spike"),
    ({"fc3": Homeostasis()}, "read by its membranes"), ({"fc3": EIHL()}, "ends at the readout"),
    ({"fc2": EIHL(), "fc3": DASSDP(variant="published")}, "first"),
])
def test_places_that_are_refused(rules: dict, words: str) -> None:
    with pytest.raises(EdgeError, match=words) as caught:
        Learning(rules).validate(NET)
    assert caught.value.code == "E203"


@pytest.mark.parametrize("make", [
    lambda: PairSTDP(a_plus=float("nan")), lambda: PairSTDP(tau_minus=0.0),
    lambda: Homeostasis(0.0), lambda: Homeostasis(target=256), lambda: EIHL(growth=0.0),
    lambda: EIHL(most=1.5), lambda: EIHL(period=0), lambda: EIHL(sigma=0.0),
])
def test_constants_out_of_range_are_refused(make) -> None:
    with pytest.raises(EdgeError) as caught:
        make()
    assert caught.value.code == "E203"


def test_only_rules_without_an_error_learn_without_a_label() -> None:
    rules = {"fc2": PairSTDP(0.004, 0.006), "fc3": ReadoutDelta()}
    net = quantize(NET, Learning(rules, skip_below=0.0)).network
    reference = Reference(net)
    for sample in input_x(net, samples(5)):
        reference.learn(sample)
    assert (reference.w["fc2"] != net.projection("fc2").w).any()
    assert (reference.w["fc3"] == net.projection("fc3").w).all()


def test_a_growth_below_the_resolution_is_refused() -> None:
    with pytest.raises(EdgeError, match="growth") as caught:
        quantize(NET, Learning({"fc2": EIHL(growth=1e-9)}))
    assert caught.value.code == "E201"
