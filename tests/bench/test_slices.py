"""Slices of a lesson counted, instruction by instruction: none passes its budget by more than is
stated, on no core."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from device import Device
from support import lanes
from support.scenarios import SCENARIOS

from edge_dassdp.plan import Plan
from edge_dassdp.plan.ruled import SLICE_CALL, grains
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference import Reference

CASES = {"graph": 250, "touch_16": 300, "replay_flash": 1500, "guard_all": 2500, "stdp": 2000,
         "eihl": 500, "homeostasis": 250}
"""Scenarios, and slices that the smallest budget leaves of a lesson, at most."""
CORES = ["M0", "M3", "M4", "M7", "M33", "M55"]
MORE, ORDER = 1, (1 << 32) - 4


@cache
def sample(scenario: str) -> np.ndarray:
    case = SCENARIOS[scenario]
    return input_x(case.quantized, case.sample(np.random.default_rng(3))[None, :])[0]


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("core", CORES if lanes.nightly else ["M0", "M4", "M55"])
@pytest.mark.parametrize("scenario", CASES if lanes.nightly else ["graph"])
@pytest.mark.parametrize("budget", [1, 20_000])
def test_no_slice_passes_its_budget_by_more_than_a_grain(scenario: str, core: str,
                                                         budget: int) -> None:
    network, x = SCENARIOS[scenario].quantized, sample(scenario)
    plan, reference = Plan.of(network), Reference(network)
    device = Device(network, core)
    device.infer(x)
    device.learn_in_slices(1, budget, CASES[scenario] if budget == 1 else 40)
    outcomes = device.run()[1:]
    slices = [o for o in outcomes[1:] if o.result != ORDER]
    reference.learn(x, 1)
    assert slices[-1].result == 0 and all(o.result == MORE for o in slices[:-1])
    most = budget + max(grains(network, plan.routes).values()) + SLICE_CALL
    assert max(o.instructions for o in slices) <= most
    state, expected = device.state(outcomes[-1]), reference.named_state()
    for q in network.plastic:
        assert (state[f"w_{q.name}"] == expected[f"w_{q.name}"]).all()
