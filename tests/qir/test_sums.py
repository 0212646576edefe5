"""Sums of integers, which floating point does where it is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dassdp.qir.sums import product


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(1, 300), st.integers(1, 40),
       st.sampled_from([(1, 7), (1, 15), (255, 7), (128, 15), (32768, 15)]))
def test_the_product_of_integers_is_exact(
        seed: int, n: int, n_pre: int, n_post: int, ranges: tuple[int, int]) -> None:
    most, bits = ranges
    draw = np.random.default_rng(seed)
    x = draw.integers(0, 2, (n, n_pre)).astype(bool) if most == 1 else \
        draw.integers(-most, most, (n, n_pre))
    w = draw.integers(-(1 << bits), 1 << bits, (n_pre, n_post))
    assert (product(x, w) == x.astype(np.int64) @ w).all()
    assert product(x, w).dtype == np.int64


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(("x", "w"), [(1, 127), (1, -128), (128, -32768), (-32768, -32768)])
def test_the_product_is_exact_at_the_ends_of_every_range(n: int, x: int, w: int) -> None:
    n_pre = 1 << 16
    made = product(np.full((n, n_pre), x), np.array([[w]] * (n_pre - 1) + [[w + 1]]))
    assert made.tolist() == [[x * w * n_pre + x]] * n
