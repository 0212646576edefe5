"""Rows of weights: the draw order by hand, and what stochastic rounding comes to."""

from __future__ import annotations

import math

import numpy as np
from support.lessons import learning, lesson

from edge_dassdp.qir.lesson import xorshift32


def test_the_generator_is_marsaglia_s() -> None:
    state, seen = 2463534242, []
    for _ in range(3):
        state = xorshift32(state)
        seen.append(state)
    assert seen == [723471715, 2497366906, 2064144800]


def test_draw_order_by_hand() -> None:
    """Five columns are padded to eight: two groups draw, byte b goes to n0 n2 n1 n3."""
    first = xorshift32(1)
    second = xorshift32(first)
    dither_1 = (first >> 16) & 255  # column 1 is lane byte 2
    dither_4 = second & 255  # column 4 is byte 0 of the second group
    state, w = learning(1), np.zeros((1, 5), np.int64)
    lesson(w, 8, state).write_rows(np.array([0]), np.array([[0, 100, 0, 0, 100]]))
    assert w.tolist() == [[0, (100 + dither_1) >> 8, 0, 0, (100 + dither_4) >> 8]]
    assert int(state["rng"]) == second


def test_rows_of_zeros_draw_nothing() -> None:
    state = learning()
    dw_q8 = np.zeros((2, 5), np.int64)
    dw_q8[1, 4] = 3
    lesson(np.zeros((4, 5), np.int64), 8, state).write_rows(np.array([3, 1]), dw_q8)
    assert int(state["rng"]) == xorshift32(xorshift32(2463534242))


def test_16_bits_never_draw() -> None:
    wide = learning()
    w = np.array([[32760, -5]])
    lesson(w, 16, wide).write_rows(np.array([0]), np.array([[100, -3]]))
    assert w.tolist() == [[32767, -8]]
    assert int(wide["rng"]) == 2463534242


def test_stochastic_rounding_is_unbiased() -> None:
    dw_q8 = np.tile(np.linspace(-300, 300, 64).astype(np.int64), (400, 1))
    w = np.zeros((400, 64), np.int64)
    lesson(w).write_rows(np.arange(400), dw_q8)
    error = w - dw_q8 / 256
    assert abs(error.mean()) < 4 * 0.41 / math.sqrt(error.size)
    assert np.abs(error.mean(axis=0)).max() < 5 * 0.5 / math.sqrt(400)
    assert np.abs(error).max() < 1
