"""The scenarios together reach what the emitted C can do: no feature rests on luck."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import get_args

import numpy as np
import pytest
from support.scenarios import RESETS, SCENARIOS
from support.where import WHERE

from edge_dassdp.qir import (
    QNetwork,
    QPopulation,
    QProjection,
    Records,
    ResetMode,
)
from edge_dassdp.quantize.biases import ALWAYS
from edge_dassdp.reference import Reference
from edge_dassdp.rules.sync import QSyncRule


@cache
def finished(name: str) -> Reference:
    """The reference at the end of a scenario."""
    reference = Reference(SCENARIOS[name].quantized)
    for call in SCENARIOS[name].calls():
        call.run(reference)
    return reference


def features(network: QNetwork) -> Iterator[tuple[object, ...]]:
    """What the C code branches on."""
    for p in network.populations:
        if p.name == network.readout:
            yield "readout", network.readout_kind, p.reset
        yield "reset", p.reset
        yield "kernel", p.membrane_bits, p.acc_bits
        yield "membrane", p.membrane_bits, p.reset
        yield "records", p.records
        yield "lshift", p.acc_lshift > 0
        yield "rshift", p.acc_rshift > 0
        yield "leak", "shift" if p.leak_shift else "each" if p.leak_q15.size > 1 else "one"
        yield "threshold", "each" if p.fire_at.size > 1 else "one"
        yield "saturates", p.saturates
        yield "pairs", p.runs_in_pairs, p.reset
        yield "pairs saturate", p.runs_in_pairs and p.saturates
        yield "analogue", p.analogue_bias is not None and p.analogue_bits
        yield "padded", p.size % 8 != 0
        yield "mixed inputs", p.analogue_bias is not None and any(
            not q.is_analogue for q in network.into(p.name))
        yield from dynamics(p)
    for i in network.inputs:
        yield "input", i.encoder.kind if i.encoder else "events" if i.n_events else "frames"
    places = {p.name: index for index, p in enumerate(network.populations)}
    for q in network.projections:
        yield from wiring(q, network.population(q.post).acc_bits)
        if q.delay is not None:
            back = q.pre in places and places[q.pre] >= places[q.post]
            yield "delay", "input" if q.pre not in places else "back" if back else "forward"
        yield "bits", q.weight_bits, q.is_plastic
        if not q.is_analogue:
            wide = network.population(q.post).acc_bits
            yield "dense", q.is_dense, wide
            yield "rows beyond a list", q.n_pre > 192, wide
            yield "spikes from input", q.pre in {i.name for i in network.inputs}, q.weight_bits
        yield "gain", q.feedback_gain_q14 < 1 << 14
        yield "rule", type(q.rule).__name__, q.weight_bits == 16
        if isinstance(q.rule, QSyncRule):
            yield ("sync rule", q.rule.is_gated, q.rule.repeat_loss, network.n_batch > 1,
                   q.post == network.readout)
    yield "frames", any(i.n_frames > 1 for i in network.inputs)
    yield "field bits", network.field_bits
    yield "learns", bool(network.plastic)


def dynamics(p: QPopulation) -> Iterator[tuple[object, ...]]:
    """What neurons.c of rich neurons branches on."""
    d = p.dynamics
    if d is None:
        return
    yield "rich", p.reset, p.membrane_bits
    yield "synapse", "none" if d.leak_i_q15 is None else "each" if d.leak_i_q15.size > 1 else "one"
    yield "several spikes", d.max_spikes > 1
    for name in ("v_bias", "v_init"):
        yield name, "each" if getattr(d, name).size > 1 else bool(getattr(d, name).any())
    yield "v_min", d.v_min is not None


def wiring(q: QProjection, acc_bits: int) -> Iterator[tuple[object, ...]]:
    """How a projection is delivered."""
    if q.conv is not None:
        kind = "pointwise" if q.w.ndim == 2 else "groups" if q.conv.groups > 1 else "kernel"
        yield "convolution", kind, q.is_analogue
        yield "convolution sums", acc_bits
        yield "dilation", q.conv.dilation != (1, 1)
        yield "stride", q.conv.stride != (1, 1)
    if q.pool is not None:
        yield "pool", q.pool.kind, q.conv is not None
        yield "windows overlap", q.pool.kernel != q.pool.stride
        yield "analogue pool", q.is_analogue
    if q.delay is not None:
        yield "delays", "each" if q.delay.size > 1 else "one"


WANTED: tuple[tuple[object, ...], ...] = (
    *(("reset", r) for r in RESETS), *(("membrane", 16, r) for r in RESETS),
    *(("membrane", 32, r) for r in RESETS),
    *(("readout", "spike_count", r) for r in RESETS), ("readout", "membrane_sum", "none"),
    *(("kernel", v, a) for v in (16, 32) for a in (16, 32)),
    *(("records", r) for r in get_args(Records)),
    *(("bits", b, True) for b in (4, 5, 6, 7, 8, 16)), *(("bits", b, False) for b in (4, 5, 8)),
    *(("pairs", True, r) for r in RESETS), ("pairs saturate", True),
    *(("dense", dense, acc) for dense in (True, False) for acc in (16, 32)),
    *(("spikes from input", True, b) for b in (5, 6, 7, 8)), ("rows beyond a list", True, 32),
    ("analogue", 16), ("analogue", 32),
    *(("leak", kind) for kind in ("shift", "each", "one")),
    *(("threshold", kind) for kind in ("each", "one")),
    *((name, flag) for name in ("lshift", "rshift", "saturates", "padded", "mixed inputs", "gain",
                                "frames", "learns", "error rule") for flag in (True, False)),
    *(("sync rule", gated, published, batch, False)
      for gated, published, batch in ((True, False, False), (True, False, True),
                                      (True, True, False), (True, True, True),
                                      (False, False, False), (False, True, True))),
    ("sync rule", True, False, True, True), ("sync rule", True, True, True, True),
    *(("rule", kind, wide) for kind in ("QErrorRule", "QSyncRule", "QSTDP", "QHomeostasis", "QEIHL")
      for wide in (True, False)),
    *(("field bits", n) for n in (1, 3, 4, 5, 8)),
    *(("rich", r, 16) for r in get_args(ResetMode)), ("rich", "subtract_once", 32),
    *(("synapse", kind) for kind in ("none", "each", "one")),
    *(("several spikes", flag) for flag in (True, False)), ("v_bias", "each"), ("v_init", True),
    *(("v_min", flag) for flag in (True, False)),
    *(("convolution", kind, False) for kind in ("pointwise", "groups", "kernel")),
    ("convolution", "kernel", True), *(("convolution sums", bits) for bits in (16, 32)),
    *((name, flag) for name in ("dilation", "stride", "windows overlap") for flag in (True, False)),
    *(("pool", kind, into) for kind, into in (("sum", True), ("max", True), ("sum", False))),
    ("analogue pool", True), *(("delays", kind) for kind in ("each", "one")),
    *(("delay", way) for way in ("input", "forward", "back")),
    *(("input", kind) for kind in ("frames", "events", "latency", "rate", "delta")),
)


@pytest.mark.parametrize("feature", WANTED, ids=lambda f: "-".join(map(str, f)))
def test_a_scenario_has(feature: tuple[object, ...]) -> None:
    assert any(feature in set(features(s.quantized)) for s in SCENARIOS.values())


@pytest.mark.parametrize("name", [n for n in SCENARIOS if n != "frozen"])
def test_learning_changes_every_plastic_projection(name: str) -> None:
    reference = finished(name)
    for p in reference.network.plastic:
        assert (reference.w[p.name] != p.w).any(), p.name


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
    assert finished("clipped_weights").statistics().n_saturated > 50


def test_errors_do_reach_back_over_several_hops() -> None:
    for name in ("two_hops", "three_hops"):
        reference = finished(name)
        assert all(error.any() for error in reference.error.values())


def test_samples_are_skipped_and_not() -> None:
    assert finished("often_skip").statistics().n_skipped > 0
    assert finished("never_skip").statistics().n_skipped == 0


def test_gates_open_and_close() -> None:
    gates = [c["gate"] for n in SCENARIOS for c in finished(n).carried.values() if "gate" in c]
    assert {int(np.sign(g["k_q12"])) for g in gates} == {-1, 0, 1}
    assert {0, 4096} < {int(g["last_gate_q12"]) for g in gates}


@pytest.mark.parametrize("target", list(WHERE))
def test_every_target_runs(target: str) -> None:
    seen = {f for name in WHERE[target] for f in features(SCENARIOS[name].quantized)}
    wanted = {("reset", r) for r in RESETS} | {("error rule", True), ("error rule", False),
                                               ("mixed inputs", True), ("records", "first")}
    assert wanted <= seen
    assert {f[1] for f in seen if f[0] == "kernel"} == {16, 32}
    assert any(f[0] == "sync rule" and f[3] for f in seen), "a batch"
