"""What int8 codes lose of samples is counted by feature, and said with what helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.scenarios import layers

from edge_dassdp.data.clipping import LEAST_SAMPLES, Clipping, clipping
from edge_dassdp.ir import Encoder, Input
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings

NET = layers()
X = np.random.default_rng(2).normal(0, 1, (100, NET.n_inputs)).astype(np.float32)


def model(x: np.ndarray | None = X, input_scale: str = "auto") -> QNetwork:
    return quantize(NET, None, Settings(input_scale=input_scale), x).network


def lost(network: QNetwork, x: np.ndarray) -> Clipping:
    return clipping(network.inputs, network.x_scales, x)


def encoding(kind: str, frac_bits: int) -> QNetwork:
    """Raw values that the device makes spikes of."""
    net = layers(spikes=True)
    frames = net.n_steps if kind == "delta" else 1
    n_raw = net.n_inputs // (2 if kind == "delta" else 1)
    source = Input("x", net.inputs[0].size, frames, True,
                   encoder=Encoder(kind, frac_bits=frac_bits))  # type: ignore[arg-type]
    assert source.n_raw == n_raw
    return quantize(replace(net, inputs=(source,))).network


def test_clipping_is_counted_by_feature() -> None:
    far = X.copy()
    far[:, 3] = 1000.0
    far[:25, 7] = -1000.0
    found = lost(model(), far)
    assert (found.n_values, found.n_clipped) == (X.size, 125)
    assert [(f.input, f.feature, f.share) for f in found.worst] == [("x", 3, 1.0), ("x", 7, 0.25)]
    assert found.warning.startswith("6.2 %") and "x[3] 100 %" in found.warning
    assert lost(model(), X).n_clipped == 0 and not lost(model(), X).warning


def test_a_feature_in_other_units_is_not_lost_among_many() -> None:
    """It is no share of all values that would be warned of, but of its own."""
    net = layers((200, 24, 6))
    x = np.random.default_rng(0).normal(size=(50, 200)).astype(np.float32)
    made, far = quantize(net, None, None, x).network, x.copy()
    far[:, 150] *= 1000
    found = lost(made, far)
    assert found.share < 0.01 and found.worst[0].feature == 150 and "x[150]" in found.warning
    assert not lost(made, far[:1]).warning  # one sample tells nothing of a feature


def test_samples_that_were_left_out_are_not_said_to_have_been_missing() -> None:
    x = np.tile(X, (4, 1))
    x[:4, 3] = 90.0
    found = lost(model(x), x[:16])
    assert found.n_clipped == 4 and "--input-range all" in found.warning


@pytest.mark.parametrize("input_scale", ["uniform", "feature"])
@pytest.mark.parametrize("times", [1e-3, 1 / 30])
def test_samples_in_smaller_units_are_said_to_be_lost(input_scale: str, times: float) -> None:
    made = model(input_scale=input_scale)
    found = lost(made, X * times)
    assert found.n_clipped == 0 and found.small and found.small[0].n_steps <= 3
    assert (found.small[0].feature is None) == (input_scale == "uniform")
    assert "hardly any of the 127 steps" in found.warning and "far smaller" in found.warning
    assert not lost(made, X * times).worst
    assert not lost(made, (X * times)[: LEAST_SAMPLES - 1]).warning


def test_a_feature_in_smaller_units_is_named() -> None:
    """Those that count from their middle, too; one that stands still is no fault."""
    x = X + 5 * (np.arange(X.shape[1]) == 4)
    made = model(x, "feature")
    small = x.copy()
    small[:, 2] *= 1e-3
    small[:, 4] = 5 + 1e-3 * X[:, 4]
    small[:, 6] = 0.0
    found = lost(made, small)
    assert {(f.input, f.feature) for f in found.small} == {("x", 2), ("x", 4)}
    assert "x[2]" in found.warning and "x[4]" in found.warning


@pytest.mark.parametrize("input_scale", ["uniform", "feature"])
def test_what_was_calibrated_uses_its_steps(input_scale: str) -> None:
    """Of all sizes, some shifted, and silent samples alike."""
    x = (X * np.geomspace(0.05, 20, X.shape[1]) + np.linspace(0, 9, X.shape[1])
         ).astype(np.float32)
    made = model(x, input_scale)
    assert not lost(made, x).warning and not lost(made, np.zeros_like(x) + x[0]).warning


@pytest.mark.parametrize("kind", ["latency", "rate", "delta"])
def test_encoders_are_named_with_their_setting(kind: str) -> None:
    made = encoding(kind, 4)
    shape = (20, made.inputs[0].n_values)
    x = np.random.default_rng(0).normal(0, 1, shape)
    assert not lost(made, x).warning
    large, small = lost(made, 100 * x).warning, lost(made, x / 100).warning
    assert "encoder of 'x'" in large and "fewer frac_bits" in large
    assert "encoder of 'x'" in small and "more frac_bits" in small
    assert "quantize" not in large + small
    assert not lost(encoding(kind, -3), 100 * x).warning  # as it says
    assert not lost(encoding(kind, 7), x / 8).warning


@pytest.mark.parametrize("kind", ["latency", "rate"])
def test_one_is_the_largest_value_of_an_encoder(kind: str) -> None:
    """Of 7 fraction bits, though its code is 127."""
    made = encoding(kind, 7)
    x = np.random.default_rng(0).random((20, made.inputs[0].n_values)).round()
    assert not lost(made, x).warning and lost(made, x).n_clipped == 0
    assert lost(made, 1.02 * x).n_clipped == x.sum()


def test_spikes_clip_nothing() -> None:
    net = layers(spikes=True)
    found = lost(quantize(net).network, np.ones((3, net.n_inputs)))
    assert (found.n_values, found.n_clipped, found.share) == (0, 0, 0.0)
