"""The factory profile stays unless another is right more often; what is not sure, clearly so."""

from __future__ import annotations

import pytest

from edge_dassdp.sensor.choice import best


@pytest.mark.parametrize(("hits", "n", "n_sure", "chosen"), [
    ((14, 14, 14), 14, 2, 0), ((3, 4, 4), 14, 2, 1), ((3, 4, 4), 14, 1, 0), ((3, 3, 5), 14, 2, 2),
    ((3, 5, 6), 14, 2, 1), ((12, 13, 14), 14, 2, 1), ((30, 33), 35, 1, 0), ((30, 34), 35, 1, 1),
    ((3, 9, 9, 2), 14, 1, 1), ((0, 1), 7, 1, 0), ((5, 7), 7, 1, 1), ((0,), 0, 1, 0),
    ((2, 2), 4, 2, 0)])
def test_the_first_of_the_best_is_used(hits: tuple[int, ...], n: int, n_sure: int, chosen: int
                                       ) -> None:
    assert best(hits, n, n_sure) == chosen
