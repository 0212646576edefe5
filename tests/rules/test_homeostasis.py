"""Homeostasis against its equation, and what it brings back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.scenarios import layers

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import Homeostasis, Learning
from edge_dassdp.rules.homeostasis import QHomeostasis

NET = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)


def samples(n: int) -> np.ndarray:
    return np.random.default_rng(9).normal(0, 1, (n, NET.n_inputs)).astype(np.float32)


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


def targets_q7(net: QNetwork) -> IntArray:
    rule = net.projection("fc2").rule
    assert isinstance(rule, QHomeostasis)
    return rule.targets_q7


def test_unlabelled_samples_bring_activity_back() -> None:
    net = quantize(NET, Learning({"fc2": Homeostasis(2.0)}), calibration=samples(60)).network
    reference, x = Reference(net), input_x(net, samples(60))
    target = targets_q7(net) / 128
    healthy = distance(reference, x, "h2", target)
    reference.write_weights("fc2", net.projection("fc2").w // 2)
    damaged = distance(reference, x, "h2", target)
    for sample in x:
        assert reference.learn(sample).is_updated
    assert healthy < 0.1 and damaged > 1
    assert distance(reference, x, "h2", target) < damaged / 2
    assert reference.statistics().n_labelled == 0


@pytest.mark.parametrize("max_spikes", [0, 1, 3])
def test_targets_are_what_records_count(max_spikes: int) -> None:
    """Without a stated limit of spikes a step these are the steps in which a neuron fired."""
    others = [replace(p, threshold=0.3 * p.threshold, strict=False, looks_back=False,
                      reset="subtract", reset_delay=False, max_spikes=max_spikes)
              if p.name == "h2" else p for p in NET.populations]
    net = replace(NET, populations=tuple(others))
    made = quantize(net, Learning({"fc2": Homeostasis(2.0)}), calibration=samples(40)).network
    assert distance(Reference(made), input_x(made, samples(40)), "h2", targets_q7(made) / 128) < 0.1


def test_targets_need_samples_or_a_number() -> None:
    with pytest.raises(EdgeError) as caught:
        quantize(NET, Learning({"fc2": Homeostasis()}))
    assert caught.value.code == "E105" and "target" in caught.value.help
    net = quantize(NET, Learning({"fc2": Homeostasis(target=2.5)})).network
    assert targets_q7(net).tolist() == [320] * 21
