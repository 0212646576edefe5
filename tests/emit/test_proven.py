"""What was proven of a model when it was quantized is proven again before C is made of it: whoever
changed it made its SHA-256 right."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.scenarios import SCENARIOS

import edge_dassdp
from edge_dassdp import qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.emit import emit, proven
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.reference import ReferenceTarget

Change = Callable[[QNetwork], QNetwork]


def population(name: str, **changes: Any) -> Change:
    """Other fields of a population; a callable is given what was there."""
    def changed(network: QNetwork) -> QNetwork:
        made = tuple(replace(p, **_values(p, changes)) if p.name == name else p
                     for p in network.populations)
        return replace(network, populations=made)
    return changed


def projection(name: str, **changes: Any) -> Change:
    def changed(network: QNetwork) -> QNetwork:
        made = tuple(replace(q, **_values(q, changes)) if q.name == name else q
                     for q in network.projections)
        return replace(network, projections=made)
    return changed


def network(**changes: Any) -> Change:
    return lambda given: replace(given, **changes)


def _values(node: Any, changes: dict[str, Any]) -> dict[str, Any]:
    return {k: v(getattr(node, k)) if callable(v) else v for k, v in changes.items()}


LIES: dict[str, tuple[str, Change, str]] = {
    "weights of 127": ("spikes_7", projection("fc1", weight_bits=8, w=lambda w: 0 * w + 127),
                       "acc_bits|current|membrane"),
    "weights beyond their bits": ("bits_4_5_6", projection("fc1", w=lambda w: 0 * w + 127),
                                  "holds"),
    "narrow sums": ("dense_wide", population("h1", acc_bits=16), "acc_bits are too few"),
    "narrow currents": ("wide_membranes", population("h1", analogue_bits=16), "analogue_bits"),
    "a current that fits": ("wide_sums", population("h1", current_fits=True), "int16"),
    "a shift to the left": ("graph", population("c", acc_lshift=30), "int32"),
    "a shift beyond int32": ("graph", population("a", acc_rshift=31), "expected an integer"),
    "a batch of nobody": ("graph", network(n_batch=8), "n_batch"),
    "no raster": ("touch", population("h1", keeps_raster=False), "raster"),
    "no raster of a guard": ("guard", population("h1", keeps_raster=False), "every step"),
    "no counts": ("graph", population("b", counts=False), "keep no"),
    "counts of nobody": ("frozen", population("h1", counts=True), "nothing learns"),
    "no history": ("delays", population("a", n_history=0), "n_history"),
    "neurons that pad": ("pointwise_batch", population("c2", bias=lambda b: 0 * b + 127), "pads"),
    "spikes that reset nothing": ("sinabs", population("h", reset_by=lambda v: 0 * v), "reset"),
    "an error that comes back whole": ("graph", projection("bc", feedback_rshift=0), "may reach"),
    "errors of nobody": ("graph", population("c", has_error=False), "error"),
    "too many steps": ("graph", network(n_steps=5000), "n_steps"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_by_every_way_to_c(name: str, tmp_path: Path) -> None:
    scenario, change, words = LIES[name]
    true = SCENARIOS[scenario].quantized
    lie = change(true)
    assert lie.sha256 != true.sha256
    qir.save(lie, tmp_path / "m.q.npz")
    for load in (proven.load, edge_dassdp.load_model):
        with pytest.raises(EdgeError, match="was changed after it was quantized") as refused:
            load(tmp_path / "m.q.npz")
        assert refused.value.code == "E103" and "again" in refused.value.help
    with pytest.raises(EdgeError, match=words):
        proven.require_proven(lie)
    with pytest.raises(EdgeError):
        Emulator(lie)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_proven_again(name: str, tmp_path: Path) -> None:
    qir.save(SCENARIOS[name].quantized, tmp_path / "m.q.npz")
    assert proven.load(tmp_path / "m.q.npz").sha256 == SCENARIOS[name].quantized.sha256


def test_a_proof_is_made_once() -> None:
    changed = population("h1", bias=lambda b: b + 1)(SCENARIOS["steps_255"].quantized)
    first = seconds(changed)
    assert min(seconds(replace(changed)) for _ in range(5)) < first / 2


def seconds(network: QNetwork) -> float:
    begin = time.perf_counter()
    proven.require_proven(network)
    return time.perf_counter() - begin


def test_weaker_claims_run_the_same(tmp_path: Path) -> None:
    """Wider containers than need be."""
    true = SCENARIOS["graph"].quantized
    wider = replace(true, populations=tuple(
        replace(p, acc_bits=32, analogue_bits=32, current_fits=False) for p in true.populations))
    qir.save(wider, tmp_path / "m.q.npz")
    model = proven.load(tmp_path / "m.q.npz")
    x = np.random.default_rng(0).integers(-127, 128, (20, model.x_bytes)).astype(np.int8)
    assert np.array_equal(Emulator(model, checked=True).run(x).logits,
                          ReferenceTarget(true).run(x).logits)
    assert emit(Plan.of(model))
