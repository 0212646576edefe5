"""A drifted sensor is told from one that is worn as ever, without labels; C does the same bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.drift_c import DriftC
from support.windows import (
    MIRROR,
    TRIADS,
    UNIT,
    Counts,
    dead,
    labels,
    rescaled,
    rotation,
    turned,
    worn,
)

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.sensor.drift import N_ALARM, THRESHOLD_Q8, QDrift, median, statistics
from edge_dassdp.sensor.monitor import Event, Monitor
from edge_dassdp.sensor.profile import Kind, QProfile
from edge_dassdp.sensor.search import search, signed_permutations
from edge_dassdp.sensor.window import MOST_READINGS, Windows, isqrt, limit_bits, log2_q8


@pytest.fixture(autouse=True)
def _nothing_is_undefined(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr().err == ""


def drift(n_rows: int = N_ALARM) -> QDrift:
    y = labels(200)
    return statistics(worn(0, y), y, TRIADS, UNIT, n_rows)


def run(device: Monitor | DriftC, counts: Counts) -> tuple[list[Event], QProfile | None]:
    """Windows until a profile is taken."""
    events = []
    for window in counts:
        event, profile = device.window(window)
        events.append(event)
        if profile is not None:
            return events, profile
    return events, None


def monitored(counts: Counts, n_rows: int = N_ALARM) -> tuple[list[Event], QProfile | None]:
    """The reference, after C did the same."""
    made, here = Monitor(drift(n_rows), is_allowed=True), DriftC(drift(n_rows))
    here.state.is_allowed = 1
    events, profile = run(made, counts)
    assert run(here, counts) == (events, profile)
    assert made.state.tobytes() == bytes(here.ffi.buffer(here.state))
    assert made.ring_q8.tolist() == list(here.ring)
    return events, profile


SHIFTS = {"turned": lambda c: turned(c, rotation(3)), "mirrored": lambda c: turned(c, MIRROR),
          "rescaled": rescaled, "dead": dead}


@pytest.mark.parametrize("is_blocked", [False, True])
def test_a_sensor_worn_as_ever_is_left_alone(is_blocked: bool) -> None:
    events, profile = monitored(worn(7, labels(4 * N_ALARM, is_blocked=is_blocked)))
    assert set(events) == {Event.NONE} and profile is None


@pytest.mark.parametrize("shift", SHIFTS)
def test_every_shift_of_the_whole_sensor_raises_the_alarm(shift: str) -> None:
    events, _ = monitored(SHIFTS[shift](worn(8, labels(2 * N_ALARM))), 0)
    assert events.index(Event.ALARM_ON) == N_ALARM - 1
    assert Event.ALARM_OFF not in events


def test_the_alarm_goes_where_the_shift_goes() -> None:
    counts = worn(9, labels(4 * N_ALARM))
    counts[: 2 * N_ALARM] = turned(counts[: 2 * N_ALARM], MIRROR)
    events, _ = monitored(counts, 0)
    assert [e for e in events if e is not Event.NONE] == [Event.ALARM_ON, Event.ALARM_OFF]


@pytest.mark.parametrize("is_blocked", [False, True])
@pytest.mark.parametrize("shift", ["turned", "mirrored"])
def test_an_orientation_is_taken_that_undoes_it(shift: str, is_blocked: bool) -> None:
    y = labels(8 * N_ALARM if is_blocked else 4 * N_ALARM, is_blocked=is_blocked)
    _, profile = monitored(SHIFTS[shift](worn(10, y)))
    assert profile is not None and profile.kind == Kind.ORIENTATION
    before = rotation(3) if shift == "turned" else MIRROR
    product = np.array(profile.q_q14) / 16384 @ (before / 16384)
    assert np.linalg.det(product) > 0
    assert np.degrees(np.arccos(np.clip((np.trace(product) - 1) / 2, -1, 1))) < 15


def test_channels_are_renormalized_where_gains_and_offsets_moved() -> None:
    _, profile = monitored(rescaled(worn(11, labels(4 * N_ALARM))))
    assert profile is not None and profile.kind == Kind.CHANNELS
    gains = np.array(profile.gain_q12) / 4096 * [0.6, 1.5, 0.8, 1.9, 0.5, 1.0, 1.4]
    assert (np.abs(gains - 1) < 0.15).all()


def test_no_profile_is_made_up_for_dead_channels() -> None:
    assert monitored(dead(worn(12, labels(10 * N_ALARM))))[1] is None


def test_too_few_classes_take_no_profile() -> None:
    y = labels(20 * N_ALARM)
    assert monitored(turned(worn(13, y), MIRROR)[y < 3])[1] is None


def test_a_profile_is_taken_only_where_it_was_allowed_and_from_the_factorys() -> None:
    counts = turned(worn(14, labels(3 * N_ALARM)), MIRROR)
    assert run(Monitor(drift()), counts)[1] is None
    made = Monitor(drift(), is_allowed=True)
    assert all(made.window(w, is_factory=False)[1] is None for w in counts)
    made.allow(True)
    assert run(made, counts)[1] is not None


def test_keeping_windows_for_long_takes_no_more_memory_and_begins_anew() -> None:
    made = Monitor(drift(), is_allowed=True)
    here = DriftC(drift())
    here.state.is_allowed = 1
    most = 0
    for window in dead(worn(15, labels(700))):
        assert made.window(window) == here.window(window)
        assert (len(made.kept), made.phase) == (here.kept.n_rows, here.kept.phase)
        most = max(most, len(made.kept))
    assert most == N_ALARM


def test_a_second_drift_is_another_alarm_and_rest_forgets_the_first() -> None:
    made = Monitor(drift(0))
    run(made, turned(worn(16, labels(N_ALARM)), MIRROR))
    assert made.is_on and made.state["n_alarms"] == 1
    made.rest()
    assert not made.is_on and made.median_q8 == 0
    run(made, turned(worn(17, labels(N_ALARM)), MIRROR))
    assert made.state["n_alarms"] == 2 and made.state["n_windows"] == 2 * N_ALARM


EDGES = st.sampled_from([-32768, 32767, 0, 1])
readings = st.integers(0, 2**32 - 1)


@st.composite
def extreme(draw: st.DrawFn) -> tuple[QDrift, Counts]:
    """Statistics and windows of anything: noise of any size, constant and saturated channels."""
    rng = np.random.default_rng(draw(readings))
    n_readings = draw(st.sampled_from([1, 2, 3, 100, 127, 128, 511, 2047]))
    n_channels = draw(st.sampled_from([1, 3, 6, 7]))
    triads = TRIADS[: n_channels // 3] if draw(st.booleans()) else ()

    def windows(n: int) -> Counts:
        size = rng.choice([0, 1, 30, 1000, 30000, 60000], n_channels)
        level = rng.choice([0, 5, -300, 32767, -32768], n_channels)
        noise = rng.normal(size=(n, n_readings, n_channels))
        if rng.random() < 0.3:
            noise = np.sign(noise)
        return np.clip(level + size * noise, -32768, 32767).astype(np.int16)

    y = np.arange(9) % draw(st.integers(1, 9))
    n_rows = draw(st.sampled_from([0, 35]))
    made = statistics(windows(9), y, triads, draw(st.sampled_from([1, 512, 32767])), n_rows)
    return made, windows(6)


@given(extreme())
@settings(max_examples=60, deadline=None)
def test_features_and_distances_are_the_bits_of_c(given: tuple[QDrift, Counts]) -> None:
    made, counts = given
    here = DriftC(made)
    seen = made.windows(counts)
    for i, window in enumerate(counts):
        here.read(window)
        row = here.row()
        assert (row.mean_q3 == seen.mean_q3[i]).all() and (row.std_q3 == seen.std_q3[i]).all()
        assert (row.block == seen.block[i]).all()
    expected = [(int(d), int(c)) for d, c in zip(*made.distances(seen), strict=True)]
    assert here.distance(seen) == expected


@given(extreme())
@settings(max_examples=40, deadline=None)
def test_a_search_over_anything_finds_the_bits_of_c(given: tuple[QDrift, Counts]) -> None:
    made, counts = given
    if not made.n_rows:
        return
    seen = made.windows(counts)
    kind, profile = DriftC(made).search(seen)
    if median(made.distances(seen)[0]) <= THRESHOLD_Q8:
        assert kind == -1
    else:
        assert profile == search(made, seen)


@given(st.integers(0, 2**32 - 1))
@example(2**32 - 1)
def test_a_root_is_the_floor_of_it(x: int) -> None:
    root = int(isqrt(np.array([x]))[0])
    assert root * root <= x < (root + 1) ** 2


def test_the_logarithm_is_exact_at_powers_of_two_and_grows() -> None:
    x = np.arange(1, 2**17)
    made = log2_q8(x)
    assert (made[2 ** np.arange(17) - 1] == 256 * np.arange(17)).all()
    assert (np.diff(made) >= 0).all()
    assert np.abs(made / 256 - np.log2(x)).max() < 0.09


@pytest.mark.parametrize("n_readings", [1, 2, 100, 128, 4096, MOST_READINGS])
def test_no_sum_of_squares_leaves_an_int32(n_readings: int) -> None:
    bits = limit_bits(n_readings)
    assert n_readings * (2**bits - 1) ** 2 < 2**31
    assert bits >= 7


def test_windows_that_are_too_long_are_refused() -> None:
    with pytest.raises(EdgeError, match=r"32,768 readings is too long .* at most 32,767") as caught:
        statistics(np.zeros((1, MOST_READINGS + 1, 1), np.int16), np.zeros(1, np.int64))
    assert caught.value.code == "E101"


def test_the_median_of_an_even_number_is_the_upper_one() -> None:
    here = DriftC(drift(0))
    for numbers in ([3], [3, 1], [5, 1, 1, 5], [2, 2, 2], [9, 7, 8, 1, 0]):
        expected = median(np.array(numbers))
        array = here.ffi.new("uint16_t[]", numbers)
        assert expected == here.lib.dassdp_median(array, len(numbers), 1)
        assert expected == sorted(numbers)[len(numbers) // 2]


def test_turned_windows_have_the_features_of_turned_readings() -> None:
    counts = worn(18, labels(20))
    made = drift()
    for q_q14 in signed_permutations()[::7]:
        det = 1 if np.linalg.det(q_q14 / 16384) > 0 else -1
        direct = Windows.of(made.codes.of(turned(counts, q_q14)), TRIADS)
        indirect = made.windows(counts).turned(q_q14, det, TRIADS)
        assert np.abs(direct.mean_q3 - indirect.mean_q3).max() <= 1
        assert np.abs(direct.std_q3 - indirect.std_q3).max() <= 8
