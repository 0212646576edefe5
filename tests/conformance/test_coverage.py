"""The scenarios together reach what the emitted C can do: no feature rests on luck."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from support.features import Feature, features
from support.finished import finished
from support.scenarios import RESETS, SCENARIOS
from support.where import TARGETS, TOO_LARGE, chosen, held

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.qir import (
    QRule,
    Records,
    ResetMode,
)
from edge_dassdp.quantize.biases import ALWAYS
from edge_dassdp.reference import Reference

WANTED: tuple[Feature, ...] = (
    *(("reset", r) for r in RESETS), *(("membrane", 16, r) for r in RESETS),
    *(("membrane", 32, r) for r in RESETS),
    *(("readout", "spike_count", r) for r in RESETS), ("readout", "membrane_sum", "none"),
    *(("kernel", v, a) for v in (16, 32) for a in (16, 32)),
    *(("records", r) for r in get_args(Records)),
    *(("bits", b, True, False) for b in (4, 5, 6, 7, 8, 16)),
    *(("bits", b, False, False) for b in (4, 5, 8)),
    *(("bits", 4, is_plastic, True) for is_plastic in (True, False)),
    *(("pairs", True, r) for r in RESETS), ("pairs saturate", True),
    *(("lean", v, a) for v in (16, 32) for a in (16, 32)),
    *(("lean", what) for what in ("shared", "a leak each", "a threshold each", "a shift")),
    ("pairs", "a shift"),
    *(("dense", dense, acc) for dense in (True, False) for acc in (16, 32)),
    ("dense rows of 16 bits", True),
    *(("spikes from input", True, b) for b in (5, 6, 7, 8)), ("rows beyond a list", True, 32),
    ("analogue", 16), ("analogue", 32),
    *(("leak", kind) for kind in ("shift", "each", "one")),
    *(("threshold", kind) for kind in ("each", "one")),
    *((name, flag) for name in ("lshift", "rshift", "saturates", "padded", "mixed inputs", "gain",
                                "frames", "learns") for flag in (True, False)),
    *(("sync rule", gated, published, batch, False)
      for gated, published, batch in ((True, False, False), (True, False, True),
                                      (True, True, False), (True, True, True),
                                      (False, False, False), (False, True, True))),
    ("sync rule", True, False, True, True), ("sync rule", True, True, True, True),
    *(("rule", kind.__name__, wide) for held in QRule.known.values() for kind in held
      for wide in (True, False)),
    *(("field bits", n) for n in (1, 3, 4, 5, 8)),
    *(("rich", r, 16) for r in get_args(ResetMode)), ("rich", "subtract_once", 32),
    *(("synapse", kind) for kind in ("none", "each", "one")),
    *(("several spikes", flag) for flag in (True, False)), ("v_bias", "each"), ("v_init", True),
    *((name, flag) for name in ("v_min", "stays") for flag in (True, False)),
    *(("rich kernel", kind) for kind in ("each", "lean", "current")),
    *(("convolution", kind, False) for kind in ("pointwise", "groups", "kernel")),
    ("convolution", "kernel", True), *(("convolution sums", bits) for bits in (16, 32)),
    *((name, flag) for name in ("dilation", "stride", "windows overlap") for flag in (True, False)),
    *(("pool", kind, into) for kind, into in (("sum", True), ("max", True), ("sum", False))),
    *(("largest sums", analogue, acc) for analogue, acc in
      ((True, 16), (True, 32), (False, 16), (False, 32))),
    ("analogue pool", True), *(("delays", kind) for kind in ("each", "one")),
    *(("values", flag) for flag in (True, False)),
    *(("delay", way) for way in ("input", "forward", "back")),
    *(("input", kind) for kind in ("frames", "events", "latency", "rate", "delta")),
)


@pytest.mark.parametrize("feature", WANTED, ids=lambda f: "-".join(map(str, f)))
def test_a_scenario_has(feature: Feature) -> None:
    assert any(feature in set(features(s.quantized)) for s in SCENARIOS.values())


@pytest.mark.parametrize("name", [n for n in SCENARIOS if n != "frozen"])
def test_learning_changes_every_plastic_projection(name: str) -> None:
    """But behind a gate that nothing opens."""
    reference = finished(name).reference
    for p in reference.network.plastic:
        assert (reference.w[p.name] != p.w).any() == (name != "gate_shut"), p.name


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_every_population_spikes_but_not_all_of_it_at_every_step(name: str) -> None:
    network = SCENARIOS[name].quantized
    reference, rates = Reference(network), {p.name: 0.0 for p in network.populations}
    calls = [call for call in SCENARIOS[name].calls() if call.op != "fit_gate"]
    reference.begin(np.stack([call.x for call in calls]))
    for t_step in range(network.n_steps):
        reference.step(t_step)
        for population in rates:
            fired = reference.spikes[population] > 0
            rates[population] += float(fired.mean()) / network.n_steps
    assert rates.pop(ALWAYS, 1.0) == pytest.approx(1.0), "biases need a constant input"
    assert all(0.002 < rate < 0.9 for rate in rates.values()), rates


def test_forced_int16_membranes_do_saturate() -> None:
    case = SCENARIOS["saturated"]
    reference = Reference(case.quantized)
    extremes = set()
    for call in case.calls():
        for n_steps in range(1, case.network.n_steps + 1):
            reference.infer(call.x, n_steps=n_steps)
            extremes |= {int(v) for p in case.quantized.populations
                         for v in (reference.v[p.name].min(), reference.v[p.name].max())}
    assert {-32768, 32767} <= extremes


def test_rich_membranes_and_synaptic_currents_do_saturate() -> None:
    case = SCENARIOS["runaway"]
    reference = Reference(case.quantized)
    reached: dict[str, set[int]] = {"v": set(), "i": set()}
    for call in case.calls():
        reference.infer(call.x)
        reached["v"] |= set(reference.v["a"].ravel().tolist())
        reached["i"] |= set(reference.i["b"].ravel().tolist())
    assert -(1 << 30) in reached["v"]  # at the upper end its spikes take something away again
    assert {-(1 << 30), (1 << 30) - 1} <= reached["i"]


def test_weights_do_reach_their_ends() -> None:
    assert finished("clipped_weights").reference.statistics().n_saturated > 50


def test_errors_do_reach_back_over_several_hops() -> None:
    for name in ("two_hops", "three_hops"):
        reference = finished(name).reference
        assert all(error.any() for error in reference.error.values())


def test_samples_are_skipped_and_not() -> None:
    assert finished("often_skip").reference.statistics().n_skipped > 0
    assert finished("never_skip").reference.statistics().n_skipped == 0


def test_gates_open_and_close() -> None:
    gates = [c["gate"] for n in SCENARIOS for c in finished(n).reference.carried.values()
             if "gate" in c]
    assert {int(np.sign(g["k_q12"])) for g in gates} == {-1, 0, 1}
    assert {0, 4096} < {int(g["last_gate_q12"]) for g in gates}


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_runs(target: str) -> None:
    seen = {f for name in chosen(target) for f in features(SCENARIOS[name].quantized)}
    wanted = {("reset", r) for r in RESETS} | {("rule", "QDeltaRule", False),
                                               ("rule", "QErrorRule", False),
                                               ("mixed inputs", True), ("records", "first")}
    assert wanted <= seen
    assert {f[1] for f in seen if f[0] == "kernel"} == {16, 32}
    assert any(f[0] == "sync rule" and f[3] for f in seen), "a batch"


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_reaches_every_feature_that_it_has_room_for(target: str) -> None:
    reached, wanted = ({f for name in names for f in features(SCENARIOS[name].quantized)}
                       for names in (chosen(target), held(target)))
    assert reached == wanted
    assert target in TOO_LARGE or held(target) == tuple(SCENARIOS)


def test_every_scenario_runs_on_a_board() -> None:
    boards = [target for target in TARGETS if target.startswith("qemu-")]
    assert {name for board in boards for name in chosen(board)} == set(SCENARIOS)


@pytest.mark.parametrize("target", [t for t in TARGETS if t.startswith("qemu-")])
def test_a_board_is_spared_what_its_ram_does_not_hold(target: str) -> None:
    board, refused = load_board(target.removeprefix("qemu-")), set()
    for name, scenario in SCENARIOS.items():
        try:
            ram_ledger(Plan.of(scenario.quantized), board)
        except EdgeError as refusal:
            assert refusal.code == "E402"
            refused.add(name)
    assert refused == TOO_LARGE.get(target, frozenset())
