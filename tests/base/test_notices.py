"""A warning points at the line of the user, however deep the call."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from support.scenarios import layers

import edge_dassdp as ed

NET = layers()
X = np.random.default_rng(0).normal(size=(20, NET.n_inputs)).astype(np.float32)


def lossy() -> ed.QNetwork:
    net = layers()
    net.projection("fc2").weight[0, 0] = 1e3
    return ed.quantize(net)


def on_device(use: Callable[[ed.Device], object]) -> Callable[[], object]:
    def run() -> object:
        learning = ed.Learning.default(NET)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = ed.quantize(NET, learning, x=X)
        with ed.open(model, "reference") as device:
            return use(device)
    return run


WARNING = {
    "quantize": lossy,
    "classify": on_device(lambda device: device.classify(100 * X)),
    "learn": on_device(lambda device: device.learn(100 * X, np.zeros(20, int))),
    "accuracy": on_device(lambda device: device.accuracy(100 * X, np.zeros(20, int))),
}


@pytest.mark.parametrize("verb", WARNING)
def test_a_warning_points_at_the_line_of_the_user(verb: str) -> None:
    with pytest.warns(UserWarning, match="became 0|clipped") as caught:
        WARNING[verb]()
    assert [warning.filename for warning in caught] == [__file__] * len(caught)
