"""A device finds out how its sensor is worn, on every target, and says what belongs to what."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scenarios import SCENARIOS
from support.sensed import SensedScenario

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.harness import Device
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import counts_x, x_counts
from edge_dassdp.sensor.front import ADD_MAX, MUL_MAX, affine
from edge_dassdp.sensor.profile import Kind, QProfile
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream

NAMES = ("sensor", "sensor_frozen", "sensor_line")
SPECS = ("reference", "emulator", "emulator-checked", "link")


def case(name: str = "sensor") -> SensedScenario:
    found = SCENARIOS[name]
    assert isinstance(found, SensedScenario)
    return found


def opened(spec: str, name: str = "sensor") -> Device:
    network = case(name).quantized
    if spec != "link":
        return ed.open(network, spec)
    library = build_emulator(emit(Plan.of(network)))
    return Device(network, LinkTarget.of(network, LoopbackStream(library)))


@pytest.fixture(params=SPECS)
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    with opened(request.param) as made:
        yield made


def worn(n: int, name: str = "sensor", *, classes: int = 4, turned: bool = True, seed: int = 0
         ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts (n, n_readings, n_channels) and labels, classes in turn."""
    rng, y = np.random.default_rng(seed), np.arange(n) % classes
    return np.stack([case(name).counts(rng, int(c), turned) for c in y]), y


@pytest.mark.parametrize("name", NAMES)
def test_a_turned_sensor_is_turned_back(name: str) -> None:
    x, y = worn(16, name)
    with opened("emulator", name) as device:
        before = device.accuracy(x, y)
        found = device.fit_profile(x, y)
        assert found.orientation.det == 1 and found.tried[0].name == "factory"
        assert found.chosen.n_hits >= found.tried[0].n_hits
        assert device.accuracy(x, y) == found.chosen.n_hits / 16 >= before
        assert device.profile.selected == found.chosen.profile
        straight, _ = worn(16, name, turned=False)
        sensor, profile = device.network.sensor, found.orientation.profile(x.shape[2])
        assert sensor is not None
        turned_back = profile.apply(x, sensor.triads).astype(int)
        for triad in sensor.triads:
            at = list(triad.channels)
            left = np.abs(turned_back - straight)[..., at].mean()
            assert left < 0.3 * np.abs(x - straight)[..., at].mean(), triad


def test_every_target_finds_the_same(device: Device) -> None:
    x, y = worn(8)
    with opened("reference") as reference:
        expected = reference.fit_profile(x, y)
        assert device.fit_profile(x, y) == expected
        assert device.profile == reference.profile
        assert device.verify(x, y).differences == 0
        assert device.digest != opened("reference").digest


def test_a_straight_sensor_is_left_alone(device: Device) -> None:
    found = device.fit_profile(*worn(12, turned=False))
    assert found.orientation.verdict == 0 and Kind.ORIENTATION not in {
        c.profile.kind for c in found.tried}
    assert found.chosen.name == "factory" == found.tried[0].name
    assert device.profile.selected.kind == Kind.FACTORY


TIES = {(8, 10): ((0, 0, 0), "factory"), (8, 9): ((0, 1, 1), "factory"),
        (8, 2): ((1, 1, 1), "orientation"), (12, 6): ((0, 2, 2), "channels without gains"),
        (12, 3): ((2, 2, 2), "orientation")}
"""By samples and their seed: hits of an orientation and of channels without and with gains, more
than the factory profile's, and what is used."""


@pytest.mark.parametrize(("n", "seed"), TIES)
def test_of_equals_the_first_is_used(device: Device, n: int, seed: int) -> None:
    """The factory profile before the orientation, this before channels that are not clearly better,
    and these without gains before those with."""
    more, used = TIES[n, seed]
    x, y = worn(n, seed=seed)
    found = device.fit_profile(x, y)
    factory, *others = found.tried
    assert tuple(c.n_hits - factory.n_hits for c in others) == more, "there is no tie to decide"
    assert found.chosen.title == used
    assert device.profile.selected == found.chosen.profile
    assert device.accuracy(x, y) == found.chosen.n_hits / n


def test_one_class_is_refused_before_anything_is_observed(device: Device) -> None:
    x, y = worn(6, classes=1)
    before = device.digest
    with pytest.raises(EdgeError) as caught:
        device.fit_profile(x, y)
    assert caught.value.code == "E105" and "of 2 classes or more" in caught.value.message
    assert device.digest == before and not any(device.profile.n_seen)
    new = np.full(6, case().quantized.n_classes - 1)  # no training sample was of it
    with pytest.raises(EdgeError, match="its training data lacked class 4"):
        device.fit_profile(x, new)


def test_profiles_are_selected_by_name_and_only_where_they_are_stored(device: Device) -> None:
    with pytest.raises(EdgeError) as caught:
        device.select_profile("orientation")
    assert caught.value.code == "E503"
    with pytest.raises(EdgeError, match="there is no profile 'left'"):
        device.select_profile("left")
    n = case().declared.n_channels
    device.select_profile(QProfile.channels([-4096] * n, [7] * n))
    assert device.profile.selected.kind == device.profile.stored.kind == Kind.CHANNELS  # type: ignore[union-attr]
    device.select_profile("factory")
    assert device.profile.selected == QProfile.factory(n) != device.profile.stored
    device.select_profile("channels")
    with pytest.raises(EdgeError, match=f"the sensor has {n}"):
        device.select_profile(QProfile.channels([4096], [0]))
    device.reset()
    assert device.profile.stored is None and device.profile.selected.kind == Kind.FACTORY


def test_learning_under_another_profile_is_said(device: Device) -> None:
    x, y = worn(8)
    device.fit_profile(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        device.learn(x, y)
        assert device.profile.learned_idx == device.profile.profile_idx > 0
    device.select_profile("factory")
    with pytest.warns(UserWarning, match="learned under another profile"):
        device.learn(x[:1], y[:1])
    device.reset()
    assert device.profile.learned_idx is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spec", SPECS)
def test_a_snapshot_brings_the_profile(spec: str, name: str, tmp_path: Path) -> None:
    x, y = worn(8, name)
    with opened("emulator", name) as first:
        first.observe(x, y)
        assert first.target.fit_profile().verdict == 2
        first.save(tmp_path / "worn.npz")
        with opened(spec, name) as second:
            second.load(tmp_path / "worn.npz")
            assert second.profile == first.profile and second.digest == first.digest
            np.testing.assert_array_equal(second.classify(x), first.classify(x))


def _damaged(network: Any, good: bytes, name: str, at: int, value: int) -> bytes:
    layout = Plan.of(network).layout
    made = bytearray(good)
    made[layout.offset(name) - layout.persist_begin + at] = value
    return bytes(made)


@pytest.mark.parametrize(("name", "at", "value"), [
    ("sensor", 0, 2), ("sensor", 1, 9), ("sensor", 2, 7), ("sensor_profile", 0, 3),
    ("sensor_profile", 3, 0x7F), ("sensor_profile", 21, 0x7F), ("sensor_sums", 3, 0x40)])
@pytest.mark.parametrize("spec", SPECS)
def test_a_damaged_profile_is_refused_everywhere(spec: str, name: str, at: int,
                                                 value: int) -> None:
    network = case().quantized
    n = network.sensor.n_channels  # type: ignore[union-attr]
    with opened(spec) as device:
        device.select_profile(QProfile.channels([4096] * n, [1] * n))
        good = device.target.read_learning()
        damaged = _damaged(network, good, name, at, value)
        if name == "sensor" and at == 0:
            assert value not in (0, int(device.profile.selected.kind))
        with pytest.raises(EdgeError) as caught:
            device.target.write_learning(damaged)
        assert caught.value.code == "E503"
        assert device.target.read_learning() == good


def test_counts_and_floats_are_the_same_samples() -> None:
    x, _ = worn(5)
    floats = np.stack([case().natural(sample) for sample in x])
    with opened("emulator") as device:
        packed = device._packed(x)
        np.testing.assert_array_equal(packed, device._packed(floats))
        np.testing.assert_array_equal(x_counts(device.network, packed), x)
        assert device.classify(x[0]).shape == (1,)
        for wrong in (x[:, :-1], x + 40000, x[..., :3]):
            with pytest.raises(EdgeError) as caught:
                device.classify(wrong)
            assert caught.value.code == "E104"


def test_a_model_without_a_sensor_says_so() -> None:
    network = SCENARIOS["guard_all"].quantized
    x, zero = np.zeros((1, network.x_bytes), np.int8), np.zeros(1, int)
    with ed.open(network, "reference") as first, ed.open(network) as second:
        for device in (first, second):
            for call in (lambda d: d.profile, lambda d: d.target.observe(x[0], 0),
                         lambda d: d.target.fit_profile(), lambda d: d.select_profile("factory"),
                         lambda d: d.fit_profile(np.zeros((1, network.code_bytes)), zero)):
                with pytest.raises(EdgeError) as caught:
                    call(device)
                assert caught.value.code == "E503" and "without it" in caught.value.message


def test_codes_are_those_of_floats_within_a_step() -> None:
    """The front end is the input's scale: a code differs where a count lies on an edge."""
    for name in ("sensor", "sensor_frozen", "sensor_line", "sensor_encoded"):
        network, (x, _) = case(name).quantized, worn(20, name, turned=False)
        values = np.stack([case(name).natural(sample) for sample in x])
        scale, source = network.x_scales[0], network.inputs[0]
        exact = scale.codes(values.reshape(20, source.n_frames, -1).astype(np.float64))
        exact = exact[:, :, network.input_order[source.name]].reshape(20, -1)
        found = network.sensor.codes(  # type: ignore[union-attr]
            x.astype(np.int16), QProfile.factory(x.shape[2])).reshape(20, -1)
        assert np.abs(found.astype(int) - exact).max() <= 1
        assert (found != exact).mean() < 0.02
        assert counts_x(network, x).shape == (20, network.x_bytes)


@pytest.mark.parametrize(("scale", "offset"), [
    (1e-6, 0.0), (1e-6, -3.7), *product((-0.004, 0.9, 250.0, 30000.0), (0.0, -3.7, 129.0, 4e4))])
def test_no_count_leaves_int32(scale: float, offset: float) -> None:
    mul, add, shift = affine(scale, offset)
    assert abs(mul) <= MUL_MAX and abs(add) <= ADD_MAX
    counts = np.array([-32768, -1, 0, 1, 32767], np.int64)
    sums = mul * counts + add
    assert np.abs(sums).max() < 2**31
    error = (sums >> shift) - np.floor(scale * counts + offset + 0.5)
    assert np.abs(error)[np.abs(scale * counts + offset) < 128].max(initial=0) <= 1


@pytest.mark.parametrize(("scale", "offset"), [(1e-10, 0.0), (40000.0, 0.0), (1.0, 2e9)])
def test_a_scale_that_no_integer_holds_is_refused(scale: float, offset: float) -> None:
    with pytest.raises(EdgeError) as caught:
        affine(scale, offset)
    assert caught.value.code == "E201" and "a count of the sensor" in caught.value.message


def _said(device: Device, data: bytes) -> str:
    try:
        device.target.write_learning(data)
    except EdgeError as problem:
        return problem.code
    return ""


@pytest.mark.parametrize("kind", ["orientation", "channels", "both", "none"])
def test_all_targets_refuse_the_same_profiles(kind: str) -> None:
    """A bit or a number of a profile, of which it is, or of what was observed, is another."""
    network, rng = case().quantized, np.random.default_rng(4)
    sensor, layout, turn = network.sensor, Plan.of(network).layout, (
        (0, 16384, 0), (-16384, 0, 0), (0, 0, 16384))
    assert sensor is not None
    gains = [4096 - 300 * k for k in range(sensor.n_channels)]
    profile = {"orientation": QProfile.oriented(turn, 1, sensor.n_channels),
               "channels": QProfile.channels(gains, [5] * sensor.n_channels),
               "both": QProfile(Kind.BOTH, turn, 1, tuple(gains), (5,) * sensor.n_channels)}
    devices = [opened(spec) for spec in SPECS]
    if kind != "none":
        devices[0].select_profile(profile[kind])
    start = devices[0].target.read_learning()
    places = [at for f in layout.fields for at in range(f.offset, f.offset + f.bytes)
              if f.name in ("sensor", "sensor_profile", "sensor_sums", "sensor_seen")]
    n_refused = 0
    for _ in range(60):
        data = bytearray(start)
        for at in rng.choice(places, rng.integers(1, 3)):
            data[at] = data[at] ^ 1 << rng.integers(8) if rng.random() < 0.7 else rng.integers(256)
        said = {_said(device, bytes(data)) for device in devices}
        assert len(said) == 1, [a for a in places if data[a] != start[a]]
        n_refused += said != {""}
        for device in devices:
            device.target.write_learning(start)
    assert 0 < n_refused < 60
