"""A step on intervals holds every step that neurons of any reset and any term can make."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray, round_shift
from edge_dassdp.qir import QDynamics, QPopulation, ResetMode
from edge_dassdp.qir.ranges import Interval
from edge_dassdp.reference import neuron

SIZE, N_POINTS = 3, 40
ALONE = ("subtract_once", "zero_delayed_all")
"""Resets that plain neurons do not have."""


@st.composite
def constants(draw: st.DrawFn, low: int, high: int) -> IntArray:
    """One for all neurons, or one each."""
    size = draw(st.sampled_from([1, SIZE]))
    return np.array(draw(st.lists(st.integers(low, high), min_size=size, max_size=size)), np.int64)


@st.composite
def dynamics(draw: st.DrawFn, reset: str) -> QDynamics:
    return QDynamics(
        draw(st.none() | constants(0, 32768)), draw(st.integers(0, 8)), draw(constants(-50, 50)),
        draw(st.integers(1, 5)) if reset == "subtract_once" else 1, draw(constants(-100, 0)),
        draw(st.none() | constants(-200, 0)))


@st.composite
def populations(draw: st.DrawFn) -> QPopulation:
    reset = draw(st.sampled_from(get_args(ResetMode)))
    is_rich = reset in ALONE or draw(st.booleans())
    bits, fire_at = draw(st.sampled_from([16, 32])), draw(constants(1, 300))
    return QPopulation(
        name="p", size=SIZE, reset=reset, leak_q15=draw(constants(0, 32768)),
        leak_shift=draw(st.sampled_from([0, 0, 1, 3])), fire_at=fire_at,
        reset_by=np.maximum(1, fire_at + draw(st.integers(-1, 1))), bias=np.zeros(SIZE, np.int64),
        analogue_bias=None, acc_lshift=draw(st.integers(0, 3)), acc_rshift=draw(st.integers(0, 3)),
        analogue_rshift=0, membrane_bits=bits, acc_bits=32, analogue_bits=32, current_fits=False,
        saturates=bits == 16, records="none", records_membrane=False, counts=False,
        has_error=False, keeps_raster=False, touch_width=None, unit=np.ones(1),
        shape=(SIZE, 1, 1), dynamics=draw(dynamics(reset)) if is_rich else None)


@st.composite
def intervals(draw: st.DrawFn, peak: int) -> Interval:
    ends = np.sort(np.array(draw(st.lists(st.tuples(*[st.integers(-peak, peak)] * SIZE),
                                          min_size=2, max_size=2)), np.int64), axis=0)
    return Interval(ends[0], ends[1])


def points(rng: np.random.Generator, of: Interval, near: IntArray) -> IntArray:
    """(n, SIZE) of an interval: its ends, what lies next to `near`, and anything."""
    special = np.array([of.low, of.high, *(np.clip(near + d, of.low, of.high) for d in (-1, 0, 1))])
    chosen = rng.permuted(np.tile(special, (N_POINTS, 1)), axis=0)
    return np.concatenate([chosen, rng.integers(of.low, of.high + 1, (N_POINTS, SIZE))])


def holds(of: Interval, values: IntArray) -> bool:
    return bool(((of.low <= values) & (values <= of.high)).all())


@settings(max_examples=1000, derandomize=True, deadline=None, print_blob=True)
@given(populations(), intervals(40_000), intervals(30_000), intervals(20_000),
       st.integers(0, 2**16))
def test_the_step_on_intervals_holds_every_step(p: QPopulation, v: Interval, i: Interval,
                                                acc: Interval, seed: int) -> None:
    if neuron.saturates(p):
        v = neuron.fit_interval(p, v)
    rng, none = np.random.default_rng(seed), np.zeros(SIZE, np.int64)
    x = neuron.arriving_interval(p, acc, Interval(none - 9, none + 9))
    found = neuron.step_interval(p, v, i, x)
    v_at, i_at = points(rng, v, p.fire_at), points(rng, i, none)
    x_at = neuron.arriving(p, points(rng, acc, none), rng.integers(-9, 10, v_at.shape))
    after = neuron.step(p, v_at, i_at, x_at)
    assert holds(x, x_at)
    assert holds(found.v, after.v)
    assert holds(found.i, after.i)
    _, reaching = neuron.synapse(p, i_at, x_at)
    summed = neuron.fit(p, neuron.integrate(p, v_at, v_at >= p.fire_at, reaching))
    assert holds(found.before_reset, summed)


@settings(max_examples=200, derandomize=True, deadline=None, print_blob=True)
@given(populations(), intervals(400), intervals(100))
def test_a_membrane_reaches_both_ends_of_its_interval(p: QPopulation, v: Interval,
                                                      x: Interval) -> None:
    """Of the sum before a reset at once, from membranes that need not fire."""
    v = Interval(np.minimum(v.low, p.fire_at - 1), v.high)
    found = neuron.integrate_interval(p, v, x)
    every = np.arange(v.low.min(), v.high.max() + 1)[:, None].clip(v.low, v.high)
    fires = every >= p.fire_at
    np.testing.assert_array_equal(found.low, neuron.integrate(p, every, fires, x.low).min(axis=0))
    np.testing.assert_array_equal(found.high, neuron.integrate(p, every, fires, x.high).max(axis=0))


@pytest.mark.parametrize("saturates", [False, True])
def test_a_membrane_that_leaves_its_container_saturates_or_is_refused(saturates: bool) -> None:
    one = np.ones(1, np.int64)
    p = QPopulation(
        name="p", size=1, reset="none", leak_q15=32768 * one, leak_shift=0, fire_at=one,
        reset_by=one, bias=0 * one, analogue_bias=None, acc_lshift=0, acc_rshift=0,
        analogue_rshift=0, membrane_bits=16, acc_bits=32, analogue_bits=32, current_fits=False,
        saturates=saturates, records="none", records_membrane=False, counts=False,
        has_error=False, keeps_raster=False, touch_width=None, unit=np.ones(1), shape=(1, 1, 1))
    v = np.array([[30_000], [-30_000], [5]])
    if saturates:
        after = neuron.step(p, v, 0 * one, v)
        assert after.v.ravel().tolist() == [32767, -32768, 10]
        assert after.clipped.ravel().tolist() == [True, True, False]
    else:
        with pytest.raises(EdgeError, match="population 'p': a membrane left its proven range"):
            neuron.step(p, v, 0 * one, v)
        assert neuron.step(p, v[2:], 0 * one, v[2:]).v == 10


def test_a_leak_by_a_shift_is_one_by_a_factor_that_rounds_a_half_down() -> None:
    """The kernels' forms of it. A step of 2^15 of v moves either side by 2^15 - 2^(15 - k), one of
    2^k by 2^k - 1: so what holds of one period holds of every int32."""
    v = np.arange(-(1 << 15), 1 << 15)
    for k in range(1, 31):
        by_shift = neuron.leak(v, np.array([0]), k)
        factor = (1 << 15) - ((1 << 15) >> k)
        assert (by_shift == (v * factor + (1 << 14) - 1) >> 15).all()
        period = np.arange(1 << k) if k <= 16 else np.concatenate(
            [near + np.arange(-9, 10) for near in (0, 1 << (k - 1), 1 << k)])
        assert (neuron.leak(period, np.array([0]), k) == period + round_shift(~period, k)).all()
        if k <= 15:
            moved = neuron.leak(v + (1 << 15), np.array([0]), k)
            assert (moved == by_shift + factor).all()
