"""The delta rule against the real numbers it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from support.lessons import learning, lesson, site

from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.qir.lesson import Record
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning, ReadoutDelta
from edge_dassdp.rules.delta import QDeltaRule


def test_errors_without_any_presynaptic_spike_change_nothing() -> None:
    rule, state, w = QDeltaRule(1 << 13, 1 << 21, 32767, 4, 12), learning(), np.ones((2, 3), int)
    rule.learn(lesson(w, 8, state, pre=Record.empty(2), post=Record.empty(3),
                      error=np.array([200, -200, 3])), site(2, 3))
    assert (w == 1).all() and int(state["rng"]) == 2463534242 and int(state["n_updates"]) == 0


@pytest.mark.parametrize("n_steps", [8, 25, 255, 256, 4095])
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
