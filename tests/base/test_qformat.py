"""The one rounding rule, exhaustively where the range is small."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from edge_dassdp.base.qformat import (
    quantize_input,
    round_divide,
    round_shift,
    saturate,
    scalar_to_int,
    to_int,
)

HALF = Fraction(1, 2)


@pytest.mark.parametrize("n", range(9))
def test_round_shift_is_nearest_with_ties_upward(n: int) -> None:
    values = np.arange(-1024, 1025)
    expected = [floor(Fraction(int(v), 1 << n) + HALF) for v in values]
    np.testing.assert_array_equal(round_shift(values, n), expected)
    assert [round_shift(int(v), n) for v in values] == expected


@pytest.mark.parametrize("den", range(1, 40))
def test_round_divide_is_nearest_with_ties_upward(den: int) -> None:
    for num in range(-200, 201):
        assert round_divide(num, den) == floor(Fraction(num, den) + HALF)


def test_round_divide_holds_beyond_64_bits() -> None:
    num, den = -(2**90) - 1, 2**40 + 7
    assert round_divide(num, den) == floor(Fraction(num, den) + HALF)


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_saturate_clips_to_the_container(bits: int) -> None:
    values = np.arange(-(1 << bits), (1 << bits) + 1)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    np.testing.assert_array_equal(saturate(values, bits),
                                  [min(max(int(v), low), high) for v in values])


def test_floats_round_ties_upward_too() -> None:
    eighths = np.arange(-80, 81) / 8
    np.testing.assert_array_equal(to_int(eighths), [floor(Fraction(v) + HALF) for v in eighths])
    assert [scalar_to_int(v) for v in (-1.5, -0.5, 0.5, 1.5)] == [-1, 0, 1, 2]


@pytest.mark.parametrize("frac_bits", range(-8, 8))
def test_inputs_clip_at_127_on_both_sides(frac_bits: int) -> None:
    x = np.linspace(-400, 400, 4001) / 2.0**frac_bits
    q = quantize_input(x, frac_bits)
    assert q.dtype == np.int8 and q.min() == -127 and q.max() == 127
    inside = np.abs(x * 2.0**frac_bits) <= 127
    assert np.abs(q[inside] / 2.0**frac_bits - x[inside]).max() <= 0.5 / 2.0**frac_bits
