"""Signs, gains and offsets come from class statistics alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.lanes import often

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.sensor.channels import fit
from edge_dassdp.sensor.profile import Kind, QProfile

Case = tuple[IntArray, IntArray, IntArray, IntArray, IntArray]
counts = st.one_of(st.integers(-32768, 32767), st.sampled_from([-32768, 32767, 0]))
spreads = st.one_of(st.integers(0, 32767), st.sampled_from([0, 1, 32767]))


def fitted(case: Case, *, with_gains: bool = True) -> QProfile:
    made = fit(*case, with_gains=with_gains)
    assert made.kind == Kind.CHANNELS
    return made


@st.composite
def anything(draw: st.DrawFn) -> Case:
    n, n_channels = draw(st.integers(2, 8)), draw(st.integers(1, 3))
    others = st.lists(st.sampled_from([0, 1, 2, 7, 65535]), min_size=n - 2, max_size=n - 2)
    n_seen = np.array([*draw(others), 1, 3])

    def table(values: st.SearchStrategy[int]) -> IntArray:
        size = n * n_channels
        return np.array(draw(st.lists(values, min_size=size, max_size=size))).reshape(n, n_channels)

    return (table(counts), table(spreads), table(counts) * n_seen[:, None],
            table(spreads) * n_seen[:, None], n_seen)


def full(n: int, mean: int, std: int, now: int, std_now: int) -> Case:
    return (np.full((n, 1), mean), np.full((n, 1), std), np.full((n, 1), now * 65535),
            np.full((n, 1), std_now * 65535), np.full(n, 65535))


@settings(max_examples=often(300), deadline=None)
@given(anything(), st.booleans())
@example(full(9, -32768, 32767, 32767, 1), True)
@example(full(3, 32767, 1, -32768, 32767), True)
@example(full(3, 0, 0, 0, 0), True)
def test_whatever_is_observed_gives_a_sound_profile(case: Case, with_gains: bool) -> None:
    made = fitted(case, with_gains=with_gains)
    assert all(1024 <= abs(gain) <= 16384 for gain in made.gain_q12)


def test_many_saturated_classes_stay_within_int32() -> None:
    rng = np.random.default_rng(0)
    for n in (10, 255, 65535):
        then = rng.choice([-32768, 32767], (n, 1))
        spread = np.full((n, 1), 32767)
        made = fitted((then, spread, (-1 - then) * 65535, spread * 65535, np.full(n, 65535)))
        assert made.gain_q12 == (-4096,)


def observed(seed: int, gain: np.ndarray, offset: np.ndarray, n_classes: int = 7) -> Case:
    """Statistics of a sensor that reads gain times what the factory's read, and offset more."""
    rng = np.random.default_rng(seed)
    mean = np.round(rng.normal(size=(n_classes, 4)) * 400).astype(np.int64)
    std = np.round(rng.uniform(150, 400, (n_classes, 4))).astype(np.int64)
    n_seen = rng.integers(1, 6, n_classes)
    now = np.round((mean * gain + offset + rng.normal(size=mean.shape) * 8) * n_seen[:, None])
    return (mean, std, now.astype(np.int64),
            np.round(std * np.abs(gain) * n_seen[:, None]).astype(np.int64), n_seen)


@pytest.mark.parametrize("seed", range(20))
def test_gains_offsets_and_signs_are_undone(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    gain = np.exp2(rng.uniform(-1, 1, 4)) * rng.choice([-1, 1], 4)
    offset = np.round(rng.normal(size=4) * 300)
    made = fitted(observed(seed, gain, offset))
    assert np.allclose(np.array(made.gain_q12) / 4096, 1 / gain, rtol=0.02)
    assert np.allclose(made.offset, -offset / gain, atol=25)
    signs = fitted(observed(seed, gain, offset), with_gains=False)
    assert np.array_equal(np.array(signs.gain_q12), 4096 * np.sign(gain))


def test_what_did_not_change_is_left_alone() -> None:
    made = fitted(observed(0, np.ones(4), np.zeros(4)))
    assert np.abs(np.array(made.gain_q12) - 4096).max() < 40 and np.abs(made.offset).max() < 10


def test_a_channel_that_does_not_move_keeps_sign_and_gain() -> None:
    mean, std, sums, std_sums, n_seen = observed(3, -np.ones(4), np.zeros(4))
    sums[:, 1], std_sums[:, 1] = 0, 0
    made = fitted((mean, std, sums, std_sums, n_seen))
    assert made.gain_q12[1] == 4096 and made.offset[1] == round(float(mean[:, 1].mean()))
    assert {g < 0 for i, g in enumerate(made.gain_q12) if i != 1} == {True}


def test_means_that_tell_nothing_reverse_nothing() -> None:
    """A channel whose class means hardly differ, as those of angular rates do."""
    mean, std, sums, std_sums, n_seen = observed(4, -np.ones(4), np.zeros(4))
    assert fitted((mean // 400, std, sums // 400, std_sums, n_seen)).gain_q12[0] > 0


def test_two_classes_reverse_nothing() -> None:
    made = fitted(observed(5, -np.ones(4), np.zeros(4), n_classes=2))
    assert min(made.gain_q12) > 0


@pytest.mark.parametrize(("n_seen", "number"), [([0, 0, 0], "none"), ([0, 9, 0], "1")])
def test_one_class_is_refused_with_a_sentence(n_seen: list[int], number: str) -> None:
    mean, std, sums, std_sums, _ = observed(6, np.ones(4), np.zeros(4), n_classes=3)
    with pytest.raises(EdgeError, match=f"2 classes or more, and {number} was observed") as caught:
        fitted((mean, std, sums, std_sums, np.array(n_seen)))
    assert caught.value.code == "E105" and caught.value.help
