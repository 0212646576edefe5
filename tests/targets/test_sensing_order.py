"""Samples of a sensor between other calls, and states of it that no device leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scenarios import SCENARIOS
from support.sensed import SensedScenario

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir.samples import counts_x
from edge_dassdp.sensor.front import NO_MEAN
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.learning import checked_learning
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Target

FACTORY, E_ORDER = 0, -4


def scenario(name: str = "sensor_drift") -> SensedScenario:
    found = SCENARIOS[name]
    assert isinstance(found, SensedScenario)
    return found


def counts(n: int, name: str = "sensor_drift") -> NDArray[np.int16]:
    rng, case = np.random.default_rng(3), scenario(name)
    return np.stack([case.counts(rng, i % 3, True) for i in range(n)]).astype(np.int16)


class Calls:
    """A device as an application in C has it."""

    def __init__(self) -> None:
        self.device = Emulator(scenario().quantized, checked=True)
        self.lib, self.ffi = self.device._lib, self.device._ffi

    def __call__(self, name: str, *given: Any) -> Any:
        return getattr(self.lib, f"dassdp_{name}")(self.device._model, self.device._state, *given)

    def read(self, readings: NDArray[np.int16]) -> int:
        """What the last one returned."""
        return [self("read", self.ffi.new("int16_t[]", row.tolist())) for row in readings][-1]


def test_a_sample_of_the_caller_s_begins_the_readings_anew() -> None:
    """Half a sample before and half behind it are no sample."""
    call, [one, other] = Calls(), counts(2)
    half = len(one) // 2
    call.read(one[:half])
    call("infer", bytes(scenario().quantized.code_bytes), call.ffi.new("dassdp_result_t *"))
    assert call.read(other[half:]) == 0
    assert call.read(other[: len(other) - half]) == 1


def test_a_window_seen_behind_another_profile_is_not_observed() -> None:
    call, [window] = Calls(), counts(1)
    assert call.read(window) == 1
    assert call("select_profile", FACTORY) == 0
    assert call("observe", -1) == E_ORDER


def targets() -> list[Target]:
    network = scenario().quantized
    link = LinkTarget.of(network, LoopbackStream(build_emulator(emit(Plan.of(network)))))
    return [ReferenceTarget(network), Emulator(network, checked=True), link]


def test_weights_that_are_written_leave_the_alarm_as_it_is() -> None:
    """What is learned, and with it the profile, begins another watch."""
    samples = counts_x(scenario().quantized, counts(40))
    seen = []
    for target in targets():
        for x in samples:
            target.observe(x)
        before, name = target.drift(), scenario().quantized.plastic[0].name
        target.write_weights(name, target.read_weights(name))
        assert target.drift() == before and before.n_windows == 40 and before.median > 0
        target.write_learning(target.read_learning())
        assert target.drift().median == 0
        seen.append(target.drift())
    assert seen[0] == seen[1] == seen[2]


def changed(name: str, field: str, value: int, at: int = 0) -> tuple[Emulator, bytes]:
    """A learning state with another number."""
    device = Emulator(scenario(name).quantized, checked=True)
    layout, data = Plan.of(device.network).layout, bytearray(device.read_learning())
    begin = layout.offset(field) - layout.persist_begin + at
    data[begin : begin + 2] = value.to_bytes(2, "little")
    return device, bytes(data)


def unknown() -> int:
    """A class that no training sample was of."""
    sensor = scenario("sensor").quantized.sensor
    assert sensor is not None
    return int(np.flatnonzero(sensor.polar_means[:, 0] == NO_MEAN)[0])


@pytest.mark.parametrize("which", ["unknown class", "profile without number"])
def test_what_no_device_leaves_behind_is_refused(which: str) -> None:
    device, data = changed("sensor", "sensor_seen", 1, 2 * unknown()) \
        if which == "unknown class" else changed("sensor", "sensor", 0x0202)
    with pytest.raises(EdgeError, match="value out of range"):
        checked_learning(device.network, data)
    layout = Plan.of(device.network).layout
    device._ffi.buffer(device._state)[layout.persist_begin : layout.persist_end] = data
    assert device._lib.dassdp_check_learning(device._model, device._state) != 0
    assert device._lib.dassdp_check_learning(device._model, device._state) == 0, "put right"
