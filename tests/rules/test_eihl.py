"""EIHL: contraction, phases, and a phase that no run can give."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from support.lessons import carried, learning, lesson, silent, site
from support.scenarios import SCENARIOS, layers

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import QProjection
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import EIHL, Learning
from edge_dassdp.rules.eihl import EIHL_DTYPE, QEIHL
from edge_dassdp.targets.emulator import Emulator

RNG = np.random.default_rng(5)
NET = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)


def contraction(bits: int, b_q8: int) -> QProjection:
    q = quantize(NET, Learning({"fc2": EIHL()}), Settings(bits_of={"fc2": bits})).network
    p = q.projection("fc2")
    assert isinstance(p.rule, QEIHL)
    return replace(p, rule=replace(p.rule, growth_q16=b_q8 << 8, most_q16=b_q8 << 8, period=4096))


@pytest.mark.parametrize(("bits", "b_q8"), [(8, 100), (5, 256), (8, 700), (16, 300)])
def test_contraction_shrinks_by_b_and_stops_at_zero(bits: int, b_q8: int) -> None:
    q, total, n = contraction(bits, b_q8), 0.0, 200
    scale = 1 if bits == 16 else 256
    for seed in RNG.integers(1, 2**32, n):
        w, at = q.w.astype(np.int64), site(q.n_pre, q.n_post, bits)
        q.rule.learn(lesson(w, bits, learning(seed), pre=silent(q.n_pre), post=silent(q.n_post),
                            error=np.zeros(q.n_post, np.int64), state=carried(q.rule, at)), at)
        assert ((np.sign(w) == np.sign(q.w)) | (w == 0)).all()
        total = total + np.abs(w) * scale / n
    expected = np.maximum(np.abs(q.w.astype(float)) * scale - b_q8, 0)
    np.testing.assert_allclose(total, expected, atol=0 if bits == 16 or b_q8 == 256 else 45)


def test_connectivity_switches_the_phases() -> None:
    case = SCENARIOS["eihl"]
    reference, seen = Reference(case.quantized), []
    for call in case.calls():
        call.run(reference)
        phase = reference.carried["fc2"]["eihl"]
        seen.append((int(phase["kind"]), np.count_nonzero(reference.w["fc2"])))
    flips = [(a, b) for a, b in pairwise(seen) if a[0] != b[0]]
    assert len(flips) >= 6
    ends = [n for _, (_, n) in flips]
    kinds = [a[0] for a, _ in flips]
    assert kinds[:4] == [0, 1, 0, 1]
    assert all((n < before) == (kind == 0)
               for (before, n), kind in zip(pairwise(ends), kinds[1:], strict=True))


@pytest.mark.parametrize(("field", "value"), [("kind", 2), ("n_samples", 4), ("b_q16", 2**31)])
def test_a_phase_that_no_run_can_give_is_cleared(field: str, value: int) -> None:
    network = SCENARIOS["eihl"].quantized
    emulator = Emulator(network, checked=True)
    assert isinstance(network.projection("fc2").rule, QEIHL)
    phase = np.zeros((), EIHL_DTYPE)
    phase["n_connected"], phase[field] = 7, value
    data = bytearray(emulator.read_learning())
    at = emulator.layout.offset("eihl_fc2") - emulator.layout.persist_begin
    data[at : at + EIHL_DTYPE.itemsize] = phase.tobytes()
    with pytest.raises(EdgeError, match="out of range"):
        emulator._put_learning(bytes(data))  # as an application loads it
    assert emulator.named_state()["eihl_fc2.n_connected"].item() == 0


def test_a_growth_below_the_resolution_is_refused() -> None:
    with pytest.raises(EdgeError, match="growth") as caught:
        quantize(NET, Learning({"fc2": EIHL(growth=1e-9)}))
    assert caught.value.code == "E201"
