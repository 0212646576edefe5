"""Profiles: what they do to samples, what is found of a sensor, and which one is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.calibration import Profile, best, fit
from edge_dassdp.data.datasets import Samples

N_CLASSES, N_CHANNELS, N_FRAMES = 5, 4, 30


def sensor(n_per_class: int, seed: int) -> Samples:
    """Classes that differ in the means of channels 0 and 1 and in how 2 and 3 go together."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(N_CLASSES), n_per_class)
    x = rng.normal(size=(len(y), N_FRAMES, N_CHANNELS)) * [1.0, 0.8, 0.6, 1.2]
    x[:, :, 3] += np.where(y % 2, 1.5, -1.2)[:, None] * x[:, :, 2]
    x[:, :, 2] += 0.5 * x[:, :, 0]
    x[:, :, 0] += 2.0 * np.cos(y)[:, None]
    x[:, :, 1] += 1.5 * np.sin(2.0 * y)[:, None]
    return Samples(x.reshape(len(y), -1).astype(np.float32), y)


def changed(samples: Samples, factor: list[float], offset: list[float]) -> Samples:
    x = samples.x.reshape(-1, N_FRAMES, N_CHANNELS) * np.array(factor) + np.array(offset)
    return Samples(x.reshape(samples.x.shape).astype(np.float32), samples.y)


def test_the_factory_profile_changes_nothing() -> None:
    x = sensor(2, 0).x
    assert np.array_equal(Profile.factory(N_CHANNELS).apply(x), x)


def test_a_profile_works_channel_by_channel() -> None:
    profile = Profile("by hand", (1, -1), (2.0, 0.5), (0.0, 3.0))
    assert profile.apply([[1, 2, 3, 4]]).tolist() == [[2.0, 2.0, 6.0, 1.0]]


@pytest.mark.parametrize("reversed_", [(), (0,), (2, 3), (0, 2, 3), (1, 3)])
def test_signs_gains_and_offsets_are_found_from_a_few_samples(reversed_: tuple[int, ...]) -> None:
    training, later = sensor(40, 1), sensor(40, 2)
    sign = np.where(np.isin(np.arange(N_CHANNELS), reversed_), -1.0, 1.0)
    factor, offset = (sign * [0.5, 2.0, 1.5, 0.8]).tolist(), [1.0, -2.0, 0.5, 0.0]
    now = changed(sensor(5, 3), factor, offset)
    _, signs, whole = fit(training, now, N_CHANNELS)
    assert signs.sign == whole.sign == tuple(sign)
    assert np.allclose(whole.gain, 1 / np.abs(factor), rtol=0.15)
    restored = whole.apply(changed(later, factor, offset).x)
    assert np.abs(restored - later.x).mean() < 0.25


def test_a_sensor_that_did_not_change_keeps_its_signs() -> None:
    _, signs, whole = fit(sensor(40, 1), sensor(4, 4), N_CHANNELS)
    assert signs.sign == whole.sign == (1,) * N_CHANNELS
    assert np.allclose(whole.gain, 1, atol=0.2)


def test_two_classes_are_too_few_to_reverse_a_channel() -> None:
    now = changed(sensor(5, 3), [-1.0, 1.0, 1.0, 1.0], [0.0] * N_CHANNELS)
    few = Samples(now.x[now.y < 2], now.y[now.y < 2])
    assert fit(sensor(40, 1), few, N_CHANNELS)[2].sign == (1,) * N_CHANNELS


def test_gains_stay_in_bounds_and_a_dead_channel_keeps_its_own() -> None:
    now = changed(sensor(5, 3), [0.01, 1.0, 1.0, 0.0], [0.0] * N_CHANNELS)
    profile = fit(sensor(40, 1), now, N_CHANNELS, most_gain=3.0)[2]
    assert profile.gain[0] == pytest.approx(3.0)
    assert (profile.gain[3], profile.sign[3]) == (1.0, 1)


def test_the_best_profile_is_the_first_that_is_right_most_often() -> None:
    given = Samples(np.array([[1.0], [-1.0]], np.float32), np.array([0, 1]))
    mirror = Profile("mirror", (-1,), (1.0,), (0.0,))
    twice = Profile("twice", (-1,), (2.0,), (0.0,))
    chosen = best([Profile.factory(1), mirror, twice], lambda x: (x[:, 0] > 0).astype(int), given)
    assert chosen is mirror


def test_a_saved_profile_comes_back(tmp_path: Path) -> None:
    profile = fit(sensor(40, 1), sensor(5, 3), N_CHANNELS)[2]
    profile.save(tmp_path / "left.json")
    assert Profile.load(tmp_path / "left.json") == profile


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "edge_dassdp/profile/1"}',
                                  '{"format": "edge_dassdp/profile/1", "name": "a", "sign": [2], '
                                  '"gain": [1.0], "offset": [0.0]}'])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(EdgeError) as problem:
        Profile.load(tmp_path / "bad.json")
    assert problem.value.code == "E103"


def test_values_out_of_range_are_refused() -> None:
    for sign, gain, offset in (((0,), (1.0,), (0.0,)), ((1,), (0.0,), (0.0,)),
                               ((1,), (1.0,), (float("nan"),)), ((1, 1), (1.0,), (0.0,))):
        with pytest.raises(EdgeError) as problem:
            Profile("bad", sign, gain, offset)
        assert problem.value.code == "E105"
    with pytest.raises(EdgeError) as problem:
        Profile.factory(4).apply(np.zeros((2, 6)))
    assert problem.value.code == "E104"
    training, now = sensor(2, 0), sensor(2, 1)
    for wrong in ({"most_gain": 0.5}, {"most_gain": float("nan")}):
        with pytest.raises(EdgeError) as problem:
            fit(training, now, N_CHANNELS, **wrong)
        assert problem.value.code == "E105"
    with pytest.raises(EdgeError) as problem:
        fit(training, Samples(now.x, now.y + N_CLASSES), N_CHANNELS)
    assert problem.value.code == "E105"
