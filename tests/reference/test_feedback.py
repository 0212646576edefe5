"""The error of a label and its way back, against the real numbers they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference import Reference
from edge_dassdp.reference.feedback import feed_back, log2_q8, softmax_error

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
