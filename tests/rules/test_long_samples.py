"""Every rule learns in samples of more steps than a byte counts, in the reference's bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.differences import assert_same
from support.scenario import Phase, Scenario
from support.scenarios import layers

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Network
from edge_dassdp.qir import load, save
from edge_dassdp.qir.ranges import RECORDED_MAX
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import (
    DASSDP,
    EIHL,
    ErrorSSDP,
    ErrorTouch,
    Guard,
    Homeostasis,
    Learning,
    PairSTDP,
    ReadoutDelta,
    Replay,
    Rule,
)

MOST = RECORDED_MAX
RULES: dict[str, Callable[[], Rule]] = {
    "touch": lambda: ErrorTouch(mu=2000.0), "error": lambda: ErrorSSDP(mu=2000.0, sigma=50.0),
    "eihl": lambda: EIHL(growth=0.01, most=0.1, period=2),
    "stdp": lambda: PairSTDP(0.004, 0.006, tau_plus=20.0),
    "homeostasis": lambda: Homeostasis(50.0, 5.0),
    "sync": lambda: DASSDP(0.01, 0.004, sigma=9.0, gated=False),
    "published": lambda: DASSDP(0.01, 0.004, variant="published", batch=3, gated=False),
}
LEARN = (Phase("learn", 4), Phase("learn", 2, labelled=False), Phase("infer"))


def busy(n_steps: int) -> Network:
    """Three presynaptic neurons that fire in every step or nearly so."""
    net = layers((12, 3, 21, 5), n_steps=n_steps, readout_beta=0.9)
    first, *others = net.populations
    drive, *rest = net.projections
    drive = replace(drive, weight=0.05 * drive.weight, bias=np.full(3, 0.3))
    return replace(net, populations=(replace(first, threshold=first.threshold * 0.05), *others),
                   projections=(drive, *rest))


@pytest.mark.parametrize("n_steps", [256, 1023])
@pytest.mark.parametrize("name", RULES)
def test_a_rule_moves_weights_bit_by_bit(name: str, n_steps: int) -> None:
    case = Scenario(f"{name}_{n_steps}", busy(n_steps),
                    Learning({"fc2": RULES[name](), "fc3": ReadoutDelta(20.0)}, skip_below=0.0),
                    Settings(bits_of={"fc2": 16}), LEARN, calibrates=True)
    reference = assert_same(case)
    raster = reference.rasters.get("h1")
    counts = reference.records["h1"][0].count if raster is None else raster.sum(axis=0)
    assert counts.max() > 255
    moved = [(reference.w[q.name] != q.w).any() for q in case.quantized.plastic]
    assert any(moved), "nothing was learned"


@pytest.mark.parametrize("rule", ["touch", "error", "stdp"])
def test_stored_samples_of_many_steps_are_replayed(rule: str, tmp_path) -> None:
    net = layers((6, 14, 11, 4), n_steps=1000, gain=3.0, readout_beta=0.9)
    case = Scenario(f"replayed_{rule}", net, Learning(
        {"fc2": RULES[rule](), "fc3": ReadoutDelta(2.0)}, skip_below=0.0,
        replay=Replay(4, 2, policy="reservoir"), guard=Guard(True, margin=1, window=3)),
        phases=(*LEARN, Phase("idle"), Phase("learn", 3)))
    reference = assert_same(case)
    assert reference.statistics().n_replayed > 10
    save(case.quantized, tmp_path / "long.q.npz")
    assert load(tmp_path / "long.q.npz").sha256 == case.quantized.sha256


def test_more_steps_than_a_record_holds_are_refused_with_the_limit() -> None:
    network = layers(n_steps=MOST + 1)
    for refused in (Learning({"fc3": ReadoutDelta()}).validate, Learning.default):
        with pytest.raises(EdgeError, match=f"{MOST + 1:,} steps.*up to {MOST:,}") as caught:
            refused(network)
        assert caught.value.code == "E203"
        assert "fewer steps" in caught.value.help and "frozen" in caught.value.help
