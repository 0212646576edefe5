"""The factory profile stays unless another is right more often."""

from __future__ import annotations

import pytest

from edge_dassdp.sensor.choice import best
from edge_dassdp.sensor.profile import QProfile

FACTORY = QProfile.factory(6)
TURNED = QProfile.oriented(((-16384, 0, 0), (0, 16384, 0), (0, 0, 16384)), -1, 6)
WORN = QProfile.channels((4000,) * 6, (7,) * 6)


@pytest.mark.parametrize(("hits", "n", "chosen"), [
    ((14, 14, 14), 14, 0), ((3, 4, 4), 14, 1), ((3, 3, 4), 14, 0), ((3, 3, 5), 14, 2),
    ((12, 13, 14), 14, 2), ((30, 29, 33), 35, 0), ((30, 29, 34), 35, 2), ((3, 9, 10), 14, 2),
    ((0, 0, 0), 14, 0), ((3, 9, 8), 14, 1)])
def test_channels_must_be_clearly_right_an_orientation_right(hits: tuple[int, ...], n: int,
                                                             chosen: int) -> None:
    assert best([FACTORY, TURNED, WORN], hits, n) == chosen


def test_without_others_the_factory_profile_is_chosen() -> None:
    assert best([FACTORY], [0], 0) == 0
