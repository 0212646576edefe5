"""What counts as a number, and rows that stand for many."""

from __future__ import annotations

import numpy as np
import pytest

from edge_dassdp.base.numbers import spread_rows


@pytest.mark.parametrize("n", [0, 1, 2, 7, 255, 256, 257, 10_000])
@pytest.mark.parametrize("most", [1, 2, 256])
def test_rows_are_spread_over_all(n: int, most: int) -> None:
    rows = spread_rows(n, most)
    assert len(rows) == min(n, most) and (np.diff(rows) > 0).all()
    if n:
        assert rows[0] == 0 and rows[-1] < n
    if min(n, most) > 1:
        assert rows[-1] == n - 1 and np.ptp(np.diff(rows)) <= 1
