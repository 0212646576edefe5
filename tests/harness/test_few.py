"""No samples, counts that are none, profiles that are not stored: in words, on every target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.devices import network
from support.scenarios import SCENARIOS

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Input, Sensor

TARGETS = ("reference", "emulator")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["error", "frames", "sensor"])
def test_no_samples_are_no_classes(kind: str, target: str) -> None:
    model = network(kind)
    none = np.zeros((0, sum(i.n_values for i in model.inputs)), np.float32)
    with ed.open(model, target) as device:
        assert device.classify(none).shape == (0,)
        assert device.learn(none, np.zeros(0, np.int64)).accuracy is None
        with pytest.raises(EdgeError, match="no samples"):
            device.accuracy(none, np.zeros(0, np.int64))


@pytest.mark.parametrize("target", TARGETS)
def test_a_profile_that_is_not_stored_is_named(target: str) -> None:
    with ed.open(network("sensor"), target) as device:
        with pytest.raises(EdgeError, match="no profile 'orientation' is stored"):
            device.select_profile("orientation")
        device.select_profile("factory")


def test_what_is_no_sensor_is_told() -> None:
    with pytest.raises(EdgeError, match="expected a Sensor"):
        SCENARIOS["graph"].network.with_sensor("wrist.toml")


def test_counts_are_whole() -> None:
    counts = Sensor(2, (0.5, 0.5), (0.0, 0.0), data="counts")
    source = replace(Input("x", 4), sensor=counts)
    assert source.from_file(np.ones((1, 4), np.float32)).tolist() == [[0.5] * 4]
    with pytest.raises(EdgeError, match=r"hold 0\.25"):
        source.from_file(np.full((1, 4), 0.25, np.float32))
