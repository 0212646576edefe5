"""What a device says of its sensor without labels, wherever it runs and however it is asked."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support.scenarios import layers
from support.windows import MIRROR, N_CHANNELS, N_READINGS, UNIT, labels, turned, worn

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.harness import Device
from edge_dassdp.ir import Sensor, Triad
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.sensor.drift import N_ALARM
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Target

AS_EVER, MIRRORED = worn(20, labels(2 * N_ALARM)), turned(worn(21, labels(2 * N_ALARM)), MIRROR)
Y = labels(2 * N_ALARM)


@cache
def network(drift: str = "profile") -> QNetwork:
    net = layers((N_READINGS * N_CHANNELS, 24, 5)).with_sensor(Sensor(
        N_CHANNELS, (1 / UNIT,), triads=(Triad("polar", (0, 1, 2)), Triad("axial", (3, 4, 5))),
        unit=UNIT))
    x = (worn(0, labels(150)) / UNIT).reshape(150, -1)
    return ed.quantize(net, ed.Learning.default(net), ed.Settings(drift=drift), x=x,
                       y=labels(150))


def target(kind: str) -> Target:
    if kind == "reference":
        return ReferenceTarget(network())
    if kind == "emulator":
        return Emulator(network(), checked=True)
    library = build_emulator(emit(Plan.of(network())), checked=True)
    return LinkTarget.of(network(), LoopbackStream(library))


@pytest.fixture(params=["reference", "emulator", "link"])
def device(request: pytest.FixtureRequest) -> Device:
    return Device(network(), target(request.param))


def test_samples_without_labels_tell_a_drift_and_change_nothing(device: Device) -> None:
    before = device.digest
    device.observe(AS_EVER)
    told = device.drift
    assert (told.n_windows, told.alarm, told.n_alarms) == (len(AS_EVER), False, 0)
    assert 0 < told.median < 1.4
    device.observe(MIRRORED)
    told = device.drift
    assert told.alarm and told.n_alarms == 1 and told.median > 1.4
    assert not told.is_allowed and told.n_profiles == 0
    assert device.digest == before and device.profile.stored is None


def test_a_profile_is_taken_once_it_is_allowed(device: Device) -> None:
    device.allow_profile()
    device.observe(MIRRORED)
    assert device.drift.n_profiles == 1 and device.drift.is_allowed
    taken = device.profile
    assert taken.selected == taken.stored and taken.profile_idx == 1
    assert taken.selected.det == -1
    device.observe(MIRRORED)
    assert not device.drift.alarm and 0 < device.drift.median < 1.4
    device.select_profile("factory")
    assert device.drift.median == 0, "another profile, another watch"
    device.allow_profile(False)
    device.observe(MIRRORED)
    assert device.drift.n_profiles == 1 and device.drift.alarm


def test_learning_looks_first_and_warns(device: Device) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        device.learn(AS_EVER, Y)
    with pytest.warns(match="the sensor has drifted"):
        device.learn(MIRRORED, Y)
    assert device.drift.n_windows == len(AS_EVER) + len(MIRRORED)


def test_classifying_looks_at_nothing(device: Device) -> None:
    device.classify(MIRRORED)
    device.accuracy(MIRRORED, Y)
    assert device.drift.n_windows == 0


def test_a_reset_begins_anew_and_a_snapshot_keeps_the_profile(device: Device, tmp_path: Path
                                                             ) -> None:
    device.allow_profile()
    device.observe(MIRRORED)
    device.save(tmp_path / "s.npz")
    device.reset()
    assert device.drift == ed.Device(network(), ReferenceTarget(network())).drift
    device.load(tmp_path / "s.npz")
    assert device.profile.selected.det == -1
    device.observe(MIRRORED)
    assert not device.drift.alarm and device.drift.n_profiles == 0


def test_every_target_says_the_same() -> None:
    devices = [Device(network(), target(kind)) for kind in ("reference", "emulator", "link")]
    for device in devices:
        device.allow_profile()
        device.observe(np.concatenate([AS_EVER, MIRRORED, MIRRORED]))
    assert len({repr((d.drift, d.profile)) for d in devices}) == 1


@pytest.mark.parametrize("kind", ["alarm", "off"])
def test_what_was_not_built_in_is_refused(kind: str) -> None:
    made = Device(network(kind), ReferenceTarget(network(kind)))
    with pytest.raises(EdgeError) as caught:
        made.allow_profile()
    assert caught.value.code == "E503" and "--drift" in caught.value.help
    if kind == "off":
        for ask in (lambda: made.drift, lambda: made.observe(AS_EVER)):
            with pytest.raises(EdgeError) as caught:
                ask()
            assert caught.value.code == "E503"
