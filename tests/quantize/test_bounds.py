"""The interval proofs hold whatever the inputs do, and say no with the right name."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.differences import outcome_differs
from support.lanes import often
from support.scenarios import layers

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray, round_shift
from edge_dassdp.ir.geometry import Conv, MaxPool
from edge_dassdp.qir import QDynamics, QPopulation, QProjection, ResetMode
from edge_dassdp.qir.ranges import Interval
from edge_dassdp.qir.samples import input_x, random_samples
from edge_dassdp.quantize import bounds, quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import Learning, ReadoutDelta
from edge_dassdp.targets.emulator import Emulator

N_STEPS = 12


def neuron(reset: ResetMode, leak_q15: int, shift: int, fire_at: int, reset_by: int,
           dynamics: QDynamics | None) -> QPopulation:
    one = np.ones(1, np.int64)
    return QPopulation(
        name="p", size=1, reset=reset, leak_q15=leak_q15 * one, leak_shift=shift,
        fire_at=fire_at * one, reset_by=reset_by * one, bias=0 * one, analogue_bias=None,
        acc_lshift=0, acc_rshift=0, analogue_rshift=0, membrane_bits=32, acc_bits=32,
        analogue_bits=32, current_fits=False, saturates=False, records="none",
        records_membrane=False, counts=False, has_error=False, keeps_raster=False,
        touch_width=None, unit=np.ones(1), shape=(1, 1, 1), dynamics=dynamics)


def simulate(p: QPopulation, current: IntArray) -> list[tuple[int, int]]:
    """Every value a membrane takes in each step, stored value last: docs/arithmetic.md."""
    d, leak_q15, shift = p.dynamics, int(p.leak_q15[0]), p.leak_shift
    fire_at, reset_by = int(p.fire_at[0]), int(p.reset_by[0])
    v, synapse, seen = 0 if d is None else int(d.v_init[0]), 0, []
    for i in current.tolist():
        if d is not None and d.leak_i_q15 is not None:
            synapse = round_shift(synapse * int(d.leak_i_q15[0]), 15) + (i << d.i_frac_bits)
            i = round_shift(synapse, d.i_frac_bits)
        i += 0 if d is None else int(d.v_bias[0])
        r = v >= fire_at
        if p.reset == "zero_delayed" and r:
            v = 0
        v = i + (v - round_shift(v, shift) if shift else round_shift(v * leak_q15, 15))
        v = 0 if p.reset == "zero_delayed_all" and r else v
        v -= reset_by if p.reset in ("subtract_delayed", "subtract_now") and r else 0
        before, s = v, v >= fire_at
        if p.reset == "subtract_now":
            v -= (int(s) - int(r)) * reset_by
        if p.reset == "zero_now" and s:
            v = 0
        if p.reset == "subtract_once":
            v -= min(p.max_spikes, (v - fire_at) // reset_by + 1) * reset_by if s else 0
        if d is not None and d.v_min is not None:
            v = max(v, int(d.v_min[0]))
        seen.append((before, v))
    return seen


@settings(max_examples=often(600), derandomize=True, deadline=None, print_blob=True)
@given(
    reset=st.sampled_from(get_args(ResetMode)), leak_q15=st.integers(0, 32768),
    shift=st.sampled_from([0, 0, 1, 3]), fire_at=st.integers(1, 300),
    late=st.integers(-1, 1), low=st.integers(-900, 0), high=st.integers(0, 900),
    seed=st.integers(0, 2**16), leak_i=st.none() | st.integers(0, 32768),
    v_bias=st.integers(-50, 50), v_init=st.integers(-100, 0), floor=st.none() | st.integers(0, 99),
    max_spikes=st.integers(1, 5), is_rich=st.booleans(),
)
def test_membranes_stay_inside(
        reset: ResetMode, leak_q15: int, shift: int, fire_at: int, late: int, low: int, high: int,
        seed: int, leak_i: int | None, v_bias: int, v_init: int, floor: int | None,
        max_spikes: int, is_rich: bool) -> None:
    one = np.ones(1, np.int64)
    dynamics = QDynamics(
        None if leak_i is None else leak_i * one, 3, v_bias * one,
        max_spikes if reset == "subtract_once" else 1, v_init * one,
        None if floor is None else (v_init - floor) * one)
    needs = is_rich or reset in ("subtract_once", "zero_delayed_all")
    p = neuron(reset, leak_q15, shift, fire_at, max(1, fire_at + late), dynamics if needs else None)
    reach = bounds.membrane(p, Interval(low * one, high * one), N_STEPS)
    rng = np.random.default_rng(seed)
    extremes = rng.choice([low, high], (12, N_STEPS))
    currents = [np.full(N_STEPS, low), np.full(N_STEPS, high), *extremes,
                *rng.integers(low, high + 1, (12, N_STEPS)),
                *rng.choice([low, 0, fire_at - 1, fire_at, high], (12, N_STEPS)).clip(low, high)]
    for current in currents:
        seen = simulate(p, np.asarray(current))
        stored = [v for _, v in seen]
        assert reach.stored.low[0] <= min(stored) and max(stored) <= reach.stored.high[0]
        assert max(abs(v) for pair in seen for v in pair) <= reach.peak
        assert max(before for before, _ in seen) <= max(reach.firing, 0)
        assert sum(map(abs, stored)) <= reach.total


def test_a_neuron_that_stays_above_its_threshold_is_bounded() -> None:
    """Immediate soft reset, a current above twice the threshold: the membrane goes on rising."""
    p = neuron("subtract_now", 32768, 0, 100, 100, None)
    one = np.ones(1, np.int64)
    reach = bounds.membrane(p, Interval(0 * one, 300 * one), 6)
    top = simulate(p, np.full(6, 300))[-1][1]
    assert top == 1200 and reach.stored.high[0] >= top and reach.peak >= top


def test_sums_cover_every_set_of_spikes_and_every_plastic_value() -> None:
    rng = np.random.default_rng(1)
    w = rng.integers(-7, 8, (9, 5)).astype(np.int16)
    p = QProjection("p", "a", "b", False, 4, w, np.ones(1), volume=(9, 1, 1))
    interval = bounds.spike_sum([p], (5, 1, 1), (), {})
    sums = np.array([[k >> j & 1 for j in range(9)] for k in range(512)]) @ w
    np.testing.assert_array_equal(interval.low, sums.min(axis=0))
    np.testing.assert_array_equal(interval.high, sums.max(axis=0))
    plastic = bounds.spike_sum([p], (5, 1, 1), ("p",), {})
    assert (plastic.low == -8 * 9).all() and (plastic.high == 7 * 9).all()


def test_analogue_sums_cover_every_int8_input() -> None:
    rng = np.random.default_rng(2)
    w = rng.integers(-127, 128, (6, 4)).astype(np.int16)
    p = QProjection("p", "x", "b", True, 8, w, np.ones(1), volume=(6, 1, 1))
    interval = bounds.analogue_sum([p], (4, 1, 1), np.array([5, -5, 0, 9]))
    x = rng.choice([-128, -127, 0, 127], (4000, 6))
    sums = np.array([5, -5, 0, 9]) + x @ w
    assert (interval.low <= sums.min(axis=0)).all() and (sums.max(axis=0) <= interval.high).all()
    best = np.where(w > 0, 127, -128)
    np.testing.assert_array_equal(interval.high - [5, -5, 0, 9], (best * w).sum(axis=0))


def test_sums_are_proven_before_the_largest_of_them_is_taken() -> None:
    """In the middle of 3 x 3 places sums reach further down than at the corners: there they leave
    an int16, though the largest of all never does."""
    conv = ir.Projection("c", "x", "a", np.full((1, 32, 3, 3), -1.0), conv=Conv((1, 1), (1, 1)),
                         result_pool=MaxPool((3, 3), (1, 1)))
    net = ir.Network((ir.Input("x", 32 * 9, spikes=True, shape=(32, 3, 3)),),
                     (ir.Population("a", 1, 0.9, 1.0),), (conv,), ir.Readout("a", "spike_count"), 3)
    made = quantize(net).network
    (q,), (p,) = made.projections, made.populations
    assert bounds.spike_sum([q], p.shape, (), {}).peak == 32 * 4 * 127 < 2**15
    assert bounds.unpooled_peak([q], {}) == 32 * 9 * 127 > 2**15 and p.acc_bits == 32
    x = input_x(made, np.ones((1, 32 * 9), np.float32))[0]
    with Emulator(made, checked=True) as target:
        found = target.infer(x, digest=True)
    assert found.forward_digest == Reference(made).infer(x, digest=True).forward_digest


def test_a_membrane_that_could_overflow_is_refused_with_its_name() -> None:
    net = layers((20, 40, 24, 6), beta=1.0, hidden=("none",), n_steps=255)
    huge = ir.Network(net.inputs, net.populations, tuple(
        ir.Projection(p.name, p.pre, p.post, p.weight, np.full(p.weight.shape[1], 3e5))
        if p.name == "fc2" else p for p in net.projections), net.readout, net.n_steps)
    with pytest.raises(EdgeError) as caught:
        quantize(huge)
    assert caught.value.code == "E202"
    assert "population 'h2': the membrane may reach" in caught.value.message
    assert int(caught.value.message.split("reach ")[1].split(", more")[0].replace(",", "")) > 2**31


def test_a_threshold_too_large_for_int16_is_refused() -> None:
    with pytest.raises(EdgeError) as caught:
        quantize(layers(), settings=Settings(threshold_bits=14, membrane_bits=16))
    assert caught.value.code == "E202" and "population 'h1'" in caught.value.message


def test_narrow_containers_are_chosen_where_the_proof_allows() -> None:
    made = quantize(layers(), Learning({"fc3": ReadoutDelta()}), Settings(threshold_bits=4))
    kinds = {b.what: b for b in made.proofs}
    for name in ("h1", "h2", "out"):
        bound = kinds[f"{name}: membrane"]
        assert bound.peak <= bound.limit
        assert bound.container_bits == made.network.population(name).membrane_bits
    assert kinds["h1: membrane"].container_bits == 16
    assert str(kinds["h1: membrane"]).endswith("(int16)")


def test_a_limit_that_the_proof_lowers_to_one_spike_a_step_is_counted_as_one() -> None:
    """Neurons may fire three times a step by their setting, and once by their currents: C read
    numbers of spikes that no state held."""
    network = ir.Network(
        (ir.Input("x", 4, 6, True),),
        (ir.Population("h", 4, 0.0, 1.0, reset_delay=False, looks_back=False, strict=False,
                       max_spikes=3), ir.Population("out", 3, 0.9, 1.0, reset="none")),
        (ir.Projection("xh", "x", "h", np.eye(4)),
         ir.Projection("ho", "h", "out", np.ones((4, 3)))),
        ir.Readout("out", "membrane_sum"), 6)
    made = quantize(network, Learning({"ho": ReadoutDelta()})).network
    assert made.population("h").max_spikes == 1
    reference = Reference(made)
    with Emulator(made, checked=True) as device:
        for label, sample in enumerate(random_samples(made, 3)):
            assert not outcome_differs(device.learn(sample, label), reference.learn(sample, label))
