"""The watch data, who trains and who judges, the shifts, and what the shipped networks make of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.watch import (
    SCENARIOS,
    VALIDATION_WEARERS,
    WatchData,
    Wearers,
    load_watch,
    save_watch,
    scenario,
    training,
)
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.reference import Reference
from edge_dassdp.rules import Learning
from edge_dassdp.storage.npz import write_npz
from edge_dassdp.twin.model import FloatModel

pytestmark = pytest.mark.xdist_group("watch data")

WATCH = Path(__file__).parents[2] / "examples" / "watch"
SEEDS = range(10)


@pytest.fixture(scope="module")
def data() -> WatchData:
    return load_watch(WATCH / "data.npz")


@pytest.fixture(scope="module")
def models() -> list[FloatModel]:
    return [FloatModel(ir.load(WATCH / f"watch_seed{seed}.npz")) for seed in SEEDS]


def accuracy(model: FloatModel, x: np.ndarray, y: np.ndarray) -> float:
    return float((model.run(x).classes == y).mean())


def seconds(x: np.ndarray) -> set[bytes]:
    """Both halves of each window: windows start every second, so an overlap shares a half."""
    return {half.tobytes() for half in x.reshape(-1, x.shape[1] // 2)}


def test_the_shipped_recordings_are_the_published_ones(data):
    assert len(data.label) == 140 and len(data.signal) == 244102
    assert sorted(zip(data.wearer, data.side, data.label, strict=True)) == [
        (wearer, side, label) for wearer in range(1, 11) for side in (0, 1) for label in range(7)]
    assert data.channels == ("ax", "ay", "az", "wx", "wy", "wz") and len(data.exercises) == 7
    gravity = np.linalg.norm(data.signal[:, :3] * data.step[:3], axis=1)
    assert 0.9 < np.median(gravity) < 1.15


def test_recordings_round_trip_and_refusals(tmp_path):
    rng = np.random.default_rng(0)
    signal = rng.integers(-32768, 32768, (900, 6)).astype(np.int16)
    columns = {"label": np.array([0, 1]), "wearer": np.array([4, 4]), "side": np.array([1, 0])}
    names = {"channels": list("abcdef"), "exercises": ["up", "down"]}
    path = tmp_path / "w.npz"
    save_watch(path, signal, np.full(6, 0.5), np.array([0, 500, 900]), columns, names)
    back = load_watch(path)
    np.testing.assert_array_equal(back.signal, signal)
    windows, labels = back.windows([4], 1, ((1, 3),))
    np.testing.assert_array_equal(
        windows, [signal[begin : begin + 100] * 0.5 for begin in (125, 175, 225, 275)])
    assert labels.tolist() == [0] * 4
    write_npz(tmp_path / "empty.npz", {"format": "edge_dassdp/watch/1"}, {})
    save_watch(tmp_path / "short.npz", signal, np.full(6, 0.5), np.array([0, 500, 901]), columns,
               names)
    for name in ("empty.npz", "short.npz", "missing.npz"):
        with pytest.raises(EdgeError) as caught:
            load_watch(tmp_path / name)
        assert caught.value.code == "E103"


def test_constants_are_never_chosen_on_a_test_wearer(data):
    for seed in SEEDS:
        groups = Wearers.draw(seed, data)
        parts = (groups.known, groups.new, groups.known_validation, groups.new_validation)
        assert [len(part) for part in parts] == [5, 2, 2, 1]
        assert sorted(sum(parts, ())) == list(range(1, 11))
        assert not set(groups.trained) & set(groups.new + groups.new_validation)
        assert set(groups.known_validation + groups.new_validation) == set(VALIDATION_WEARERS)
    for name in SCENARIOS:
        chosen_on = scenario(name, 0, data, validation=True).wearers
        judged_on = scenario(name, 0, data).wearers
        assert set(chosen_on) <= set(VALIDATION_WEARERS) and not set(chosen_on) & set(judged_on)
        assert not set(judged_on) & set(VALIDATION_WEARERS)


@pytest.mark.parametrize("validation", [False, True])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_has_samples_of_the_network_and_no_second_in_two_parts(data, name, validation):
    made = scenario(name, 1, data, validation=validation)
    for part in (made.stream, made.test, made.original, made.replay):
        assert part.x.dtype == np.float32 and part.x.shape == (len(part.y), 600)
        assert part.y.dtype == np.int64 and set(part.y) == set(range(7))
        assert np.isfinite(part.x).all()
    assert made.clean.all() and len(made.test) > 0.8 * len(made.stream)
    assert not seconds(made.stream.x) & seconds(made.test.x)
    assert not seconds(made.replay.x) & (seconds(made.original.x) | seconds(made.stream.x))
    if name == "N":
        assert seconds(made.test.x) == seconds(made.original.x)


def test_the_training_set_is_standardized_and_the_scale_goes_both_ways(data):
    samples, scale = training(0, data)
    z = samples.x.reshape(-1, 6)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=1e-4)
    np.testing.assert_allclose(scale.samples(scale.windows(samples.x)), samples.x, atol=1e-5)
    with pytest.raises(EdgeError) as caught:
        scale.windows(np.zeros((3, 24)))
    assert caught.value.code == "E104"


def test_the_sensor_counts_each_axis_alike_and_gives_what_a_network_was_trained_on(data):
    for name in ("N", "C"):
        made = scenario(name, 0, data)
        physical = made.scale.windows(made.stream.x)
        counts = made.scale.sensor.counts(made.stream.x.reshape(physical.shape))
        assert np.abs(counts.astype(int)).max() < 2**15 - 1
        np.testing.assert_allclose(counts / 512, physical, atol=1 / 1024 + 1e-5)
        values = made.scale.sensor.values(counts).reshape(len(counts), -1)
        np.testing.assert_allclose(values, made.stream.x, atol=0.004)
    turned = scenario("E", 0, data)
    acceleration = made.scale.sensor.triads[0]
    assert (acceleration.kind, turned.scale.sensor.unit) == ("polar", 512)


def test_blocked_streams_hold_the_same_windows_one_exercise_after_another(data):
    shuffled, blocked = (scenario("Ap", 2, data, order=order) for order in ("shuffled", "blocked"))
    assert np.count_nonzero(np.diff(blocked.stream.y)) == 6
    assert np.count_nonzero(np.diff(shuffled.stream.y)) > 50
    assert sorted(map(bytes, blocked.stream.x)) == sorted(map(bytes, shuffled.stream.x))
    assert "blocked" in blocked.description


@pytest.mark.parametrize("share", [0.1, 0.2, 1.0])
def test_wrong_labels_are_as_many_as_asked_and_nowhere_but_in_the_stream(data, share):
    clean, noisy = scenario("B", 0, data), scenario("B", 0, data, wrong_labels=share)
    n_wrong = round(share * len(clean.stream))
    np.testing.assert_array_equal(clean.stream.y == noisy.stream.y, noisy.clean)
    assert np.count_nonzero(~noisy.clean) == n_wrong and set(noisy.stream.y) <= set(range(7))
    np.testing.assert_array_equal(clean.stream.x, noisy.stream.x)
    np.testing.assert_array_equal(clean.test.y, noisy.test.y)
    assert f"{n_wrong} of them labelled wrong" in noisy.description


def test_a_seed_of_its_own_draws_shift_order_and_wearer_for_the_same_network(data):
    for name in "EBN":
        own, same, other = (scenario(name, 3, data, drawn=drawn) for drawn in (None, 3, 23))
        assert np.array_equal(own.stream.x, same.stream.x)
        assert not np.array_equal(own.stream.x, other.stream.x)
        assert own.wearers == other.wearers and np.array_equal(own.scale.mean, other.scale.mean)
    assert {scenario("Ap", 3, data, drawn=drawn).wearers[0] for drawn in range(20, 30)} <= set(
        scenario("A", 3, data).wearers)


def test_the_same_seed_is_the_same_scenario(data):
    one, two, other = (scenario("E", seed, data) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.stream.x, two.stream.x)
    np.testing.assert_array_equal(one.stream.y, two.stream.y)
    assert one.description == two.description != other.description
    validation = scenario("E", 3, data, validation=True)
    assert one.description.split(":")[0] != validation.description.split(":")[0]


def test_shifts_do_to_the_axes_what_they_say(data):
    plain = scenario("N", 0, data)
    before = plain.scale.windows(plain.test.x)
    dead, turned, worn = (scenario(name, 0, data) for name in "DEC")
    after = dead.scale.windows(dead.test.x)
    still = np.abs(after).max(axis=(0, 1)) < 1e-4
    assert still.sum() == 2
    np.testing.assert_allclose(after[..., ~still], before[..., ~still], atol=1e-4)
    after = turned.scale.windows(turned.test.x)
    for sensor in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(np.linalg.norm(after[..., sensor], axis=2),
                                   np.linalg.norm(before[..., sensor], axis=2), atol=1e-4)
    assert np.abs(after - before).max() > 1
    after = worn.scale.windows(worn.test.x).reshape(-1, 6)
    for channel in range(6):
        gain, offset = np.polyfit(before.reshape(-1, 6)[:, channel], after[:, channel], 1)
        assert 0.5 <= gain <= 2.0 and abs(offset) < 4 * worn.scale.std[channel]


@pytest.mark.parametrize("options", [{"name": "Z"}, {"seed": -1}, {"drawn": -1},
                                     {"order": "sorted"}, {"wrong_labels": 1.5},
                                     {"wrong_labels": float("nan")}])
def test_impossible_settings_are_refused(data, options):
    with pytest.raises(EdgeError) as caught:
        scenario(**{"name": "A", "seed": 0, "data": data, **options})
    assert caught.value.code == "E105"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_shipped_networks_know_the_right_wrist_and_fail_on_the_left(data, models, seed):
    left = scenario("A", seed, data)
    assert accuracy(models[seed], left.original.x, left.original.y) >= 0.95
    x, y = left.test.x[::2], left.test.y[::2]
    assert 0.2 < accuracy(models[seed], x, y) < 0.4
    assert accuracy(models[seed], left.mirrored(x), y) > 0.75
    np.testing.assert_allclose(left.mirrored(left.mirrored(x)), x, atol=1e-4)


def test_shifts_are_as_hard_as_reported(data, models):
    """Means over the ten networks on every fourth window; bands of about two standard errors."""
    bands = {"Ap": (0.22, 0.42), "B": (0.72, 0.88), "C": (0.22, 0.40), "D": (0.48, 0.72),
             "E": (0.12, 0.36), "N": (0.96, 0.99)}
    for name, (low, high) in bands.items():
        tests = (scenario(name, seed, data).test for seed in SEEDS)
        mean = np.mean([accuracy(model, test.x[::4], test.y[::4])
                        for model, test in zip(models, tests, strict=True)])
        assert low < mean < high, f"{name}: {mean:.3f}"


@pytest.mark.parametrize("seed", [0, 1])
def test_integers_cost_less_than_a_point(data, models, seed):
    known, network = scenario("N", seed, data), models[seed].network
    made = quantize(network, Learning.default(network), calibration=known.replay.x).network
    classes = Reference(made).classify(input_x(made, known.test.x))
    whole = float((classes == known.test.y).mean())
    assert whole >= accuracy(models[seed], known.test.x, known.test.y) - 0.01
