"""Error-modulated synchrony against the real numbers it stands for, and the order of its rows."""

from __future__ import annotations

import numpy as np
from support.lessons import lesson, site
from support.scenarios import layers

from edge_dassdp.qir.lesson import Record, xorshift32
from edge_dassdp.quantize import quantize
from edge_dassdp.reference import Reference
from edge_dassdp.rules import ErrorSSDP, Learning, ReadoutDelta
from edge_dassdp.rules.delta import QDeltaRule
from edge_dassdp.rules.error import QErrorRule


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
