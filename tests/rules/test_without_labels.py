"""Rules that need no label, and EIHL: where they may stand, and what a snapshot keeps."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenarios import SCENARIOS, layers

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import load, save
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.reference import Reference
from edge_dassdp.rules import DASSDP, EIHL, Homeostasis, Learning, PairSTDP, ReadoutDelta
from edge_dassdp.targets.emulator import Emulator

NET = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)


def samples(n: int) -> np.ndarray:
    return np.random.default_rng(9).normal(0, 1, (n, NET.n_inputs)).astype(np.float32)


@pytest.mark.parametrize("name", ["eihl_replay", "stdp_batch", "homeostasis_batch"])
def test_a_snapshot_continues_bit_by_bit(name: str) -> None:
    case = SCENARIOS[name]
    calls = [c for c in case.calls() if c.op not in ("save", "rollback")]
    first, second = (Emulator(case.quantized, checked=True) for _ in range(2))
    for call in calls[:14]:
        call.run(first)
    for p in case.quantized.plastic:
        second.write_weights(p.name, first.read_weights(p.name))
    second.write_learning(first.read_learning())
    for call in calls[14:]:
        one, other = call.run(first), call.run(second)
        assert (one is None and other is None) or one.learned_digest == other.learned_digest


@pytest.mark.parametrize("name", ["stdp", "homeostasis", "eihl"])
def test_a_file_keeps_them(name: str, tmp_path) -> None:
    network = SCENARIOS[name].quantized
    save(network, tmp_path / "model.q.npz")
    assert load(tmp_path / "model.q.npz").sha256 == network.sha256


@pytest.mark.parametrize(("rules", "words"), [
    ({"fc1": PairSTDP()}, "does not spike"), ({"fc1": Homeostasis()}, "does not spike"),
    ({"fc3": Homeostasis()}, "read by its membranes"), ({"fc3": EIHL()}, "ends at the readout"),
    ({"fc2": EIHL(), "fc3": DASSDP(variant="published")}, "first"),
])
def test_places_that_are_refused(rules: dict, words: str) -> None:
    with pytest.raises(EdgeError, match=words) as caught:
        Learning(rules).validate(NET)
    assert caught.value.code == "E203"


@pytest.mark.parametrize("make", [
    lambda: PairSTDP(a_plus=float("nan")), lambda: PairSTDP(tau_minus=0.0),
    lambda: Homeostasis(0.0), lambda: Homeostasis(target=4096), lambda: EIHL(growth=0.0),
    lambda: EIHL(most=1.5), lambda: EIHL(period=0), lambda: EIHL(sigma=0.0),
])
def test_constants_out_of_range_are_refused(make) -> None:
    with pytest.raises(EdgeError) as caught:
        make()
    assert caught.value.code == "E203"


def test_only_rules_without_an_error_learn_without_a_label() -> None:
    rules = {"fc2": PairSTDP(0.004, 0.006), "fc3": ReadoutDelta()}
    net = quantize(NET, Learning(rules, skip_below=0.0)).network
    reference = Reference(net)
    for sample in input_x(net, samples(5)):
        reference.learn(sample)
    assert (reference.w["fc2"] != net.projection("fc2").w).any()
    assert (reference.w["fc3"] == net.projection("fc3").w).all()
