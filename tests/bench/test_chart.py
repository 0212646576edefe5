"""Where a dense peer and events take as much."""

from __future__ import annotations

import chart
import convolutions
import pytest
from counting import Record


@pytest.mark.parametrize(("peer", "told"), [
    (50, "no share: fewer there"), (100, "no share: fewer there"), (1000, "10 %"),
    (10_000, "no share: fewer here"), (20_000, "no share: fewer here")])
def test_a_share_is_told_only_where_both_are_even(peer: float, told: str) -> None:
    mine = [Record("conv", "M4", "", 10_000 * share, "MAC", 1) for share in convolutions.CURVE]
    assert chart.even(mine, peer) == told
