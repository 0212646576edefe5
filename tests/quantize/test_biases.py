"""Biases that learn: the same answers before, other biases after, the same bits everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.scenarios import layers

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Network
from edge_dassdp.quantize.biases import ALWAYS, with_plastic_biases
from edge_dassdp.rules import SSDP, ErrorSSDP, ErrorTouch, Learning, ReadoutDelta
from edge_dassdp.twin.model import FloatModel


def network() -> Network:
    return layers((12, 24, 18, 5), n_steps=10, readout_beta=0.8)


@pytest.mark.parametrize("hidden", [ErrorSSDP(), ErrorTouch()])
def test_the_network_answers_as_before_and_its_biases_learn(hidden: ErrorSSDP | ErrorTouch) -> None:
    plain = network()
    grown, learning = with_plastic_biases(plain, Learning({"fc2": hidden, "fc3": ReadoutDelta()}))
    x = np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32)
    before, after = FloatModel(plain).run(x), FloatModel(grown).run(x)
    np.testing.assert_allclose(after.logits, before.logits, atol=1e-4)
    assert after.spikes[ALWAYS].all()
    assert set(learning.rules) == {"fc2", "fc3", "fc2_bias", "fc3_bias"}
    np.testing.assert_array_equal(grown.projection("fc2_bias").weight[0],
                                  plain.projection("fc2").bias)


def test_a_projection_without_a_bias_begins_at_zero() -> None:
    plain = network()
    bare = replace(plain, projections=tuple(replace(p, bias=None) for p in plain.projections))
    grown, _ = with_plastic_biases(bare, Learning({"fc3": ReadoutDelta()}))
    assert not grown.projection("fc3_bias").weight.any()


def test_rules_without_an_error_have_no_bias_to_learn() -> None:
    with pytest.raises(EdgeError) as caught:
        with_plastic_biases(network(), Learning({"fc2": SSDP()}))
    assert caught.value.code == "E203"
