"""The worn sensor, the digits data, and what the shipped networks do with both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import load_dataset, save_dataset
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.rules import Learning
from edge_dassdp.storage.npz import read_npz, write_npz
from edge_dassdp.twin.learner import FloatLearner
from edge_dassdp.twin.model import FloatModel

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def test_gain_offset_and_dead_inputs_do_what_they_say():
    x = np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32)
    sensor = WornSensor.draw(20, 3, dark=-1.0, dead_share=0.25)
    shifted = sensor.apply(x)
    assert shifted.dtype == np.float32 and shifted.shape == x.shape
    assert sensor.dead.sum() == 5
    assert (shifted[:, sensor.dead] == -1.0).all()
    alive = ~sensor.dead
    expected = -1.0 + sensor.gain[alive] * (x[:, alive] + 1.0) + sensor.offset[alive]
    np.testing.assert_allclose(shifted[:, alive], expected, rtol=1e-6)
    assert sensor.gain.min() >= 0.4 and sensor.gain.max() <= 1.6
    np.testing.assert_array_equal(sensor.apply(x[7]), shifted[7])


def test_without_a_dark_value_the_lowest_reading_stands_in():
    x = np.array([[0.5, -2.0, 1.0, 0.0]], np.float32)
    sensor = WornSensor.draw(4, 0, dead_share=0.5)
    assert (sensor.apply(x)[0, sensor.dead] == -2.0).all()


def test_no_wear_changes_nothing():
    x = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    sensor = WornSensor.draw(8, 1, gain_spread=0, offset_std=0, dead_share=0, dark=0.0)
    np.testing.assert_array_equal(sensor.apply(x), x)


def test_the_same_seed_is_the_same_sensor_and_the_sentence_has_its_numbers():
    one, two, other = (WornSensor.draw(64, seed) for seed in (5, 5, 6))
    assert one.description == two.description != other.description
    np.testing.assert_array_equal(one.offset, two.offset)
    assert "13 of 64 inputs dead" in one.description
    assert f"{one.gain.min():.2f} to {one.gain.max():.2f}" in one.description


@pytest.mark.parametrize("options", [{"gain_spread": 1.5}, {"dead_share": -0.1},
                                     {"offset_std": float("nan")}])
def test_impossible_wear_is_refused(options):
    with pytest.raises(EdgeError) as caught:
        WornSensor.draw(8, 0, **options)
    assert caught.value.code == "E105"


def test_samples_of_another_width_are_refused():
    with pytest.raises(EdgeError) as caught:
        WornSensor.draw(8, 0).apply(np.zeros((2, 9)))
    assert caught.value.code == "E104"


def test_dataset_round_trip_and_refusals(tmp_path):
    raw = np.random.default_rng(0).integers(0, 17, (30, 4)).astype(np.uint8)
    labels = np.arange(30) % 3
    parts = {"train": np.arange(0, 15), "stream": np.arange(29, 19, -1), "test": np.arange(15, 20)}
    save_dataset(tmp_path / "d.npz", "toy", raw, labels, parts)
    data = load_dataset(tmp_path / "d.npz")
    assert (data.name, len(data.train), len(data.stream), len(data.test)) == ("toy", 15, 10, 5)
    assert (data.train.x.dtype, data.train.y.dtype) == (np.float32, np.int64)
    np.testing.assert_allclose(data.stream.x * data.std + data.mean, raw[29:19:-1], atol=1e-4)
    np.testing.assert_array_equal(data.stream.y, labels[29:19:-1])
    assert data.dark == pytest.approx(-data.mean / data.std)
    write_npz(tmp_path / "e.npz", {"format": "edge_dassdp/dataset/1"}, {})
    for name in ("e.npz", "missing.npz"):
        with pytest.raises(EdgeError) as caught:
            load_dataset(tmp_path / name)
        assert caught.value.code == "E103"


def test_the_shipped_digits_split_is_stratified_and_disjoint():
    data = load_dataset(DIGITS / "data.npz")
    assert (len(data.train), len(data.stream), len(data.test)) == (897, 500, 400)
    for part in (data.train, data.stream, data.test):
        share = np.bincount(part.y, minlength=10) / len(part)
        assert share.min() > 0.09 and share.max() < 0.11
    assert abs(data.train.x.mean()) < 1e-4 and abs(data.train.x.std() - 1) < 1e-4
    _, arrays = read_npz(DIGITS / "data.npz", "edge_dassdp/dataset/1")
    rows = np.concatenate([arrays[part] for part in ("train", "stream", "test")])
    assert sorted(rows.tolist()) == list(range(1797))


@pytest.mark.parametrize("seed", range(5))
def test_the_shipped_networks_classify_fail_worn_and_recover(seed):
    data, network = load_dataset(DIGITS / "data.npz"), ir.load(DIGITS / f"digits_seed{seed}.npz")
    model = FloatModel(network)
    assert (model.run(data.test.x).classes == data.test.y).mean() >= 0.965
    sensor = WornSensor.draw(network.n_inputs, seed, dark=data.dark)
    worn = sensor.apply(data.test.x)
    frozen = (model.run(worn).classes == data.test.y).mean()
    learner = FloatLearner(network, Learning.default(network))
    for x, y in zip(sensor.apply(data.stream.x), data.stream.y, strict=True):
        learner.learn(x, int(y))
    learned = (learner.model.run(worn).classes == data.test.y).mean()
    assert frozen < 0.8
    assert learned > frozen + 0.1
