"""Profiles change raw counts in integers: exactly nothing by the factory's, never beyond int16."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.sensor.profile import ONE_Q12, UNTURNED, Kind, QProfile, QTriad

TRIADS = (QTriad((0, 1, 2)), QTriad((3, 4, 5), axial=True))
MIRROR_X = ((-16384, 0, 0), (0, 16384, 0), (0, 0, 16384))
QUARTER = ((0, -16384, 0), (16384, 0, 0), (0, 0, 16384))
readings = st.lists(st.integers(-32768, 32767), min_size=6, max_size=6)


@given(readings)
def test_the_factory_profile_changes_nothing(counts: list[int]) -> None:
    assert QProfile.factory(6).apply(np.array(counts), TRIADS).tolist() == counts


@given(readings)
def test_a_mirror_reverses_one_axis_of_a_polar_and_two_of_an_axial_triad(counts: list[int]) -> None:
    made = QProfile.oriented(MIRROR_X, -1, 6).apply(np.array(counts), TRIADS)
    signs = np.array([-1, 1, 1, 1, -1, -1])
    assert made.tolist() == np.clip(signs * counts, -32768, 32767).tolist()


@given(readings, st.integers(-16384, 16384).filter(bool), st.integers(-32768, 32767))
def test_channels_are_scaled_to_the_nearest_count_and_clip(counts: list[int], gain: int,
                                                           offset: int) -> None:
    made = QProfile.channels((gain,) * 6, (offset,) * 6).apply(np.array(counts), TRIADS)
    exact = np.floor(np.array(counts) * gain / ONE_Q12 + 0.5) + offset
    assert made.dtype == np.int16 and made.tolist() == np.clip(exact, -32768, 32767).tolist()


def test_orientation_comes_before_channels() -> None:
    both = QProfile(Kind.BOTH, QUARTER, 1, (2 * ONE_Q12, *(ONE_Q12,) * 5), (10, 0, 0, 0, 0, 0))
    assert both.apply(np.array([1, 2, 3, 4, 5, 6]), TRIADS).tolist() == [6, 1, 3, -5, 4, 6]


@pytest.mark.parametrize("wrong", [
    (4, UNTURNED, 1, (4096,), (0,)), (True, UNTURNED, 1, (4096,), (0,)),
    (0, UNTURNED, 1, (), ()), (0, UNTURNED, 1, (4096,), (0, 0)),
    (1, UNTURNED, 1, (0,), (0,)), (1, UNTURNED, 1, (16385,), (0,)),
    (1, UNTURNED, 1, (4096,), (32768,)), (1, UNTURNED, 1, (4096.0,), (0,)),
    (0, UNTURNED, 1, (4097,), (0,)), (2, UNTURNED, 1, (4096,), (1,)),
    (0, QUARTER, 1, (4096,), (0,)), (1, QUARTER, 1, (4096,), (0,)),
    (2, QUARTER, -1, (4096,), (0,)), (2, MIRROR_X, 1, (4096,), (0,)),
    (2, UNTURNED, 0, (4096,), (0,)), (2, ((1, 0, 0),) * 3, 1, (4096,), (0,)),
    (2, ((16385, 0, 0), *UNTURNED[1:]), 1, (4096,), (0,)),
    (2, ((16384, 0), (0, 16384)), 1, (4096,), (0,)),
])
def test_what_is_no_profile_is_refused(wrong: tuple) -> None:
    with pytest.raises(EdgeError) as caught:
        QProfile(*wrong)
    assert caught.value.code == "E105"


def test_readings_of_other_channels_are_refused() -> None:
    for counts in (np.zeros(5, np.int16), np.zeros((6, 5), np.int16), np.int16(3)):
        with pytest.raises(EdgeError) as caught:
            QProfile.factory(6).apply(counts)
        assert caught.value.code == "E104"
