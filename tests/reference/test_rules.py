"""The integer rules against the real numbers they stand for, and the draw order by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.lessons import learning, lesson, site
from support.scenarios import SCENARIOS, layers

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.lesson import Record, xorshift32
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.reference.feedback import feed_back, log2_q8, softmax_error
from edge_dassdp.rules import ErrorSSDP, Learning, ReadoutDelta
from edge_dassdp.rules.delta import QDeltaRule
from edge_dassdp.rules.error import QErrorRule
from edge_dassdp.rules.gate import GATE_DTYPE, fit_gate, gate_q12
from edge_dassdp.rules.sync import QSyncRule

RNG = np.random.default_rng(11)
NET = SCENARIOS["described"].quantized


def softmax(network: QNetwork, logits: IntArray) -> np.ndarray:
    unit = network.softmax_scale / 2.0**network.softmax_shift / 256  # log2 per logit
    p = np.exp2((logits - logits.max()) * unit)
    return p / p.sum()


@pytest.mark.parametrize("name", ["described", "graph", "graph_frames_count", "steps_255"])
def test_softmax_errors_are_within_a_few_256ths(name: str) -> None:
    network = SCENARIOS[name].quantized
    unit = 256 * 2.0**network.softmax_shift / network.softmax_scale  # logit units per bit
    for _ in range(300):
        logits = (RNG.normal(0, RNG.choice([0.5, 3, 20]), network.n_classes) * unit).astype(int)
        label = int(RNG.integers(network.n_classes))
        err_q8, loss_q8 = softmax_error(network, logits, label)
        p = softmax(network, logits)
        exact = -256 * p
        exact[label] += 256
        assert np.abs(err_q8 - exact).max() <= 3
        distance = min(math.log2(p.max() / p[label]), 16) if p[label] else 16
        step = 1 / unit if distance > 16 - 1 / unit else 0  # the limit is a whole logit unit
        assert abs(loss_q8 / 256 - (distance - math.log2(p.max()))) <= 0.08 + step
        assert err_q8.min() >= -256 and err_q8.max() <= 256
        assert np.abs(err_q8).sum() <= 512 + network.n_classes


def test_a_sure_network_has_no_error_and_a_hopeless_one_all_of_it() -> None:
    logits = np.zeros(NET.n_classes, np.int64)
    logits[2] = NET.softmax_limit
    sure, loss_q8 = softmax_error(NET, logits, 2)
    assert not sure.any() and loss_q8 == 0
    hopeless, loss_q8 = softmax_error(NET, logits, 0)
    assert hopeless.tolist() == [256, 0, -256, 0, 0, 0] and loss_q8 == 4096


def test_log2_is_the_floor_to_within_one_256th() -> None:
    values = [*range(32768, 65536, 37), *(2**k + d for k in range(16, 31) for d in (-1, 0, 1))]
    for x in values:
        assert -1.2 <= log2_q8(x) - 256 * math.log2(x / 32768) <= 0
    assert [log2_q8(32768 << k) for k in range(16)] == [256 * k for k in range(16)]


def test_the_generator_is_marsaglia_s() -> None:
    state, seen = 2463534242, []
    for _ in range(3):
        state = xorshift32(state)
        seen.append(state)
    assert seen == [723471715, 2497366906, 2064144800]


def test_draw_order_by_hand() -> None:
    """Five columns are padded to eight: two groups draw, byte b goes to n0 n2 n1 n3."""
    first = xorshift32(1)
    second = xorshift32(first)
    dither_1 = (first >> 16) & 255  # column 1 is lane byte 2
    dither_4 = second & 255  # column 4 is byte 0 of the second group
    state, w = learning(1), np.zeros((1, 5), np.int64)
    lesson(w, 8, state).write_rows(np.array([0]), np.array([[0, 100, 0, 0, 100]]))
    assert w.tolist() == [[0, (100 + dither_1) >> 8, 0, 0, (100 + dither_4) >> 8]]
    assert int(state["rng"]) == second


def test_rows_of_zeros_draw_nothing() -> None:
    state = learning()
    dw_q8 = np.zeros((2, 5), np.int64)
    dw_q8[1, 4] = 3
    lesson(np.zeros((4, 5), np.int64), 8, state).write_rows(np.array([3, 1]), dw_q8)
    assert int(state["rng"]) == xorshift32(xorshift32(2463534242))


def test_16_bits_never_draw() -> None:
    wide = learning()
    w = np.array([[32760, -5]])
    lesson(w, 16, wide).write_rows(np.array([0]), np.array([[100, -3]]))
    assert w.tolist() == [[32767, -8]]
    assert int(wide["rng"]) == 2463534242


def test_rows_are_written_class_by_class() -> None:
    """Latencies ascend, then classes by their first neuron; without g latencies do not matter."""
    record = Record(np.array([2, 1, 0, 1, 2]), np.array([0, 1, -1, 0, 0]))
    for g_q7, order in ((np.full(9, 128), (0, 4, 3, 1)), (None, (0, 4, 1, 3))):
        factors = 1 << 20, 1 << 21, 32767, 4, 12
        rule = QDeltaRule(*factors) if g_q7 is None else QErrorRule(*factors, g_q7)
        w, post = np.zeros((5, 1), np.int64), Record(np.ones(1, np.int64), np.zeros(1, np.int64))
        rule.learn(lesson(w, pre=record, post=post, error=np.array([1])), site(5, 1))
        k = min((1 << 20) // (1 + 10), 1 << 21) >> 4
        word, expected = 2463534242, [0] * 5
        for j in order:
            word = xorshift32(word)
            dw_q8 = (min(k, 32767) * int(record.count[j]) * 128 + 2048) >> 12
            expected[j] = min(127, (dw_q8 + (word & 255)) >> 8)
            word = xorshift32(word)  # the second group of the padded row
        assert w[:, 0].tolist() == expected


def test_errors_without_any_presynaptic_spike_change_nothing() -> None:
    rule, state, w = QDeltaRule(1 << 13, 1 << 21, 32767, 4, 12), learning(), np.ones((2, 3), int)
    rule.learn(lesson(w, 8, state, pre=Record.empty(2), post=Record.empty(3),
                      error=np.array([200, -200, 3])), site(2, 3))
    assert (w == 1).all() and int(state["rng"]) == 2463534242 and int(state["n_updates"]) == 0


def test_stochastic_rounding_is_unbiased() -> None:
    dw_q8 = np.tile(np.linspace(-300, 300, 64).astype(np.int64), (400, 1))
    w = np.zeros((400, 64), np.int64)
    lesson(w).write_rows(np.arange(400), dw_q8)
    error = w - dw_q8 / 256
    assert abs(error.mean()) < 4 * 0.41 / math.sqrt(error.size)
    assert np.abs(error.mean(axis=0)).max() < 5 * 0.5 / math.sqrt(400)
    assert np.abs(error).max() < 1


def test_error_updates_are_the_float_rule_s() -> None:
    net = layers((20, 40, 24, 6), gain=2.0)
    rules = Learning({"fc2": ErrorSSDP(mu=8.0), "fc3": ReadoutDelta(mu=0.4)}, skip_below=0.0)
    quantized = quantize(net, rules).network
    reference = Reference(quantized)
    factory = {p.name: p.w.astype(float) * p.scale[0] for p in quantized.plastic}
    moved = {name: np.zeros_like(w) for name, w in factory.items()}
    wanted = {name: np.zeros_like(w) for name, w in factory.items()}
    lam = float((net.projection("fc3").weight ** 2).sum(axis=0).mean())
    states = np.random.default_rng(0).integers(1, 2**32, 150)
    for seed in range(150):
        reference.reset()
        reference.learning["rng"] = states[seed]  # near states would draw alike
        x = np.random.default_rng(seed).integers(-64, 64, 20).astype(np.int8)
        reference.learn(x, seed % 6)
        e = reference.error["out"] / 256
        n1, n2 = (reference.records[f"h{i}"][0] for i in (1, 2))
        d = np.where(n2.count > 0, factory["fc3"] @ e, 0)
        g = np.exp(-(n1.latency[:, None] - n2.latency[None, :]) ** 2 / 8.0)
        wanted["fc2"] += 8.0 / lam / (1 + (n1.count**2).sum()) * d * n1.count[:, None] * g
        wanted["fc3"] += 0.4 / (1 + (n2.count**2).sum()) * np.outer(n2.count, e)
        for p in quantized.plastic:
            moved[p.name] += reference.w[p.name] * p.scale[0] - factory[p.name]
    for name in moved:
        correlation = np.corrcoef(moved[name].ravel(), wanted[name].ravel())[0, 1]
        slope = (moved[name] * wanted[name]).sum() / (wanted[name] ** 2).sum()
        assert correlation > 0.8 and abs(slope - 1) < 0.1, (name, correlation, slope)


@pytest.mark.parametrize("n_steps", [8, 25, 255])
def test_the_delta_rule_is_the_float_one(n_steps: int) -> None:
    """16-bit weights draw nothing; a sample of 10 neurons with half the possible spikes each."""
    rng = np.random.default_rng(1)
    net = Network(
        (Input("x", 4),), (Population("h", 10, 0.9, 1.0), Population("out", 2, 0.0, 1.0, "none")),
        (Projection("fc1", "x", "h", rng.normal(0, 1, (4, 10))),
         Projection("fc2", "h", "out", rng.normal(0, 0.3, (10, 2)))),
        Readout("out", "membrane_sum"), n_steps)
    p = quantize(net, Learning({"fc2": ReadoutDelta(0.4)}),
                 Settings(bits_of={"fc2": 16})).network.projection("fc2")
    n, w = n_steps // 2, np.zeros((10, 2), np.int64)
    silent = np.zeros(10, np.int64)
    p.rule.learn(lesson(w, 16, pre=Record(silent + n, silent), error=np.array([256, -128])),
                 site(10, 2, 16, n_steps))
    expected = 0.4 * n / (1 + 10 * n * n) * np.array([1.0, -0.5])
    np.testing.assert_allclose(w * p.scale[0] / 256, np.tile(expected, (10, 1)), rtol=0.1,
                               atol=p.scale[0] / 256)


def test_feedback_adds_projections_in_one_unit() -> None:
    network = SCENARIOS["graph"].quantized
    reference = Reference(network)
    reference.error["out"] = np.array([256, -200, -56, 0, 0])
    for call in list(SCENARIOS["graph"].calls())[:1]:
        reference.infer(call.x)
    feed_back(network, reference.w, reference.error,
              {name: slots[0].count > 0 for name, slots in reference.records.items()})
    scale = {p.name: p.scale[0] for p in network.projections}
    unit = {p.name: scale[p.name] * 2.0**p.feedback_rshift for p in network.projections}
    fired = {name: slots[0].count > 0 for name, slots in reference.records.items()}
    c = np.where(fired["c"], (reference.w["co"] * scale["co"]) @ reference.error["out"], 0)
    np.testing.assert_allclose(reference.error["c"] * unit["co"], c, atol=0.51 * unit["co"])
    b = (reference.w["bo"] * scale["bo"]) @ reference.error["out"] \
        + (reference.w["bc"] * scale["bc"]) @ (reference.error["c"] * unit["co"])
    unit_b = max(unit["bo"], unit["bc"] * unit["co"])
    np.testing.assert_allclose(reference.error["b"] * unit_b, np.where(fired["b"], b, 0),
                               atol=2 * unit_b)


def gate_from(s: np.ndarray, loss: np.ndarray) -> np.ndarray:
    gate = np.zeros((), GATE_DTYPE)
    for name, value in (("sum_s", s.sum()), ("sum_l", loss.sum()), ("sum_ss", (s**2).sum()),
                        ("sum_ll", (loss**2).sum()), ("sum_sl", (s * loss).sum()),
                        ("n_records", len(s))):
        gate[name] = value
    fit_gate(gate)
    return gate


@pytest.mark.parametrize("n", [5, 17, 300, 32767])
@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 2.0])
def test_gates_are_numpy_s_correlation(n: int, slope: float) -> None:
    s = RNG.integers(0, 32768, n).astype(np.int64)
    loss = np.clip(slope * s / 4 + RNG.normal(9000, 2000, n), 0, 32767).astype(np.int64)
    gate = gate_from(s, loss)
    k = -np.corrcoef(s, loss)[0, 1]
    assert abs(int(gate["k_q12"]) / 4096 - k) <= 2 / 4096
    for probe in (0, int(s.mean()), 32767):
        exact = np.clip(1 + k * (probe - s.mean()) / s.std(), 0, 2)
        assert abs(gate_q12(gate, probe) / 4096 - exact) <= 4 / 4096


def test_a_gate_without_spread_or_records_stays_at_one() -> None:
    for s, loss in (([], []), ([5], [9]), ([4, 4, 4], [1, 2, 3]), ([1, 2, 3], [7, 7, 7])):
        gate = gate_from(np.array(s, np.int64), np.array(loss, np.int64))
        assert int(gate["k_q12"]) == 0 and gate_q12(gate, 100) == 4096


def test_warm_up_sums_repeat_the_batch_s_loss_only_as_published() -> None:
    fired = [Record(np.array([1, 0, 2]), np.array([0, -1, 3])),
             Record(np.array([1, 1, 1]), np.array([0, 1, 2]))]
    for published, total in ((False, 2 * 100 + 3 * 301), (True, (2 + 3) * 201)):
        rule = QSyncRule(np.zeros((2, 9), np.int64), 0, True, 8, published, 0)
        gate = np.zeros((), GATE_DTYPE)
        post = [Record(np.array([1]), np.array([2]))] * 2
        rule.record(lesson(np.zeros((3, 1), np.int64), pre=fired, post=post,
                           losses=np.array([100, 301]), state={"gate": gate}),
                    site(3, 1, n_batch=2))
        assert int(gate["sum_sl"]) == total and int(gate["sum_s"]) == 5


def test_synchrony_updates_by_hand() -> None:
    """16-bit weights take the update as it is: sync at dt 1, silent at T - t, gate 1."""
    delta = np.array([np.arange(9) * -10, np.arange(9) * 1000 + 400]) << 4
    rule, w, state = QSyncRule(delta, 4, False, 8, False, 0), np.zeros((2, 2), np.int64), learning()
    pre = Record(np.array([2, 0]), np.array([3, -1]))
    post = Record(np.array([1, 0]), np.array([4, -1]))
    rule.learn(lesson(w, 16, state, pre=pre, post=post, state={"gate": np.zeros((), GATE_DTYPE)}),
               site(2, 2, 16))
    assert w.tolist() == [[1400, -50], [-40, 0]]
    assert int(state["n_updates"]) == 4 and int(state["n_vanished"]) == 1


def test_a_closed_gate_draws_nothing() -> None:
    rule = QSyncRule(np.ones((2, 9), np.int64), 0, True, 8, False, 0)
    gate, state = gate_from(np.array([0, 10]), np.array([0, 500])), learning()
    assert int(gate["k_q12"]) == -4096
    w, full = np.zeros((8, 8), np.int64), Record(np.ones(8, np.int64), np.zeros(8, np.int64))
    rule.learn(lesson(w, 8, state, pre=full, post=full, state={"gate": gate}), site(8, 8))
    assert int(gate["last_gate_q12"]) == 0 and int(state["rng"]) == 2463534242 and not w.any()
