"""Profiles of a sensor on any target: read from what it has learned, and written into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import SENSOR_DTYPE, n_profile, profile_numbers, profile_of
from edge_dassdp.reference.asked import require_sensor
from edge_dassdp.reference.worn import IDX_MAX, check_profile
from edge_dassdp.sensor.monitor import DriftReport, Event
from edge_dassdp.sensor.orientation import Orientation, Verdict
from edge_dassdp.sensor.profile import UNTURNED, QProfile
from edge_dassdp.wire.messages import CHUNK_BYTES


@dataclass(frozen=True)
class Profiles:
    """selected: what is in use. stored: what was fitted or written, or None; profile_idx: its
    number, they count upwards from 1. learned_idx: the number of the profile that weights were
    first learned under, 0 for the factory's, None where none were learned. n_seen: samples
    observed, by class."""

    selected: QProfile
    stored: QProfile | None
    profile_idx: int
    learned_idx: int | None
    n_seen: tuple[int, ...]

    def __str__(self) -> str:
        stored = "none is stored" if self.stored is None else \
            f"number {self.profile_idx} is stored, {self.stored.kind.name.lower()}"
        return f"{self.selected.kind.name.lower()} profile in use; {stored}"

    @property
    def is_foreign(self) -> bool:
        """Weights were learned under another profile than the one in use."""
        used = self.profile_idx if self.selected.kind else 0
        return self.learned_idx is not None and self.learned_idx != used


def read_profiles(network: QNetwork, learning: bytes) -> Profiles:
    """Of a target that has learned these bytes. Raises EdgeError E503 without a sensor."""
    state, numbers = _parts(network, learning)
    sensor, stored = require_sensor(network), int(state["stored"])
    factory = QProfile.factory(sensor.n_channels)
    kept = profile_of(stored, numbers) if stored else None
    seen: tuple[int, ...] = ()
    if sensor.fits:
        seen = tuple(_numbers(network, learning, "sensor_seen", "<u2", network.n_classes).tolist())
    return Profiles(kept if state["selected"] and kept else factory, kept,
                    int(state["profile_idx"]),
                    int(state["learned_idx"]) if state["has_learned"] else None, seen)


def with_profile(network: QNetwork, learning: bytes, profile: QProfile) -> bytes:
    """The bytes with another stored profile, which is in use. Raises EdgeError E503 without a
    sensor, E105 for a profile of other channels, or an orientation without triads."""
    state, numbers = _parts(network, learning)
    check_profile(require_sensor(network), profile)
    state["selected"] = state["stored"] = int(profile.kind)
    if profile.kind:
        state["profile_idx"] = int(state["profile_idx"]) % IDX_MAX + 1
        numbers[:] = profile_numbers(profile)
    made = bytearray(learning)
    for name, part in (("sensor", state.tobytes()), ("sensor_profile", numbers.tobytes())):
        at = _place(network, name)
        made[at : at + len(part)] = part
    return bytes(made)


def _parts(network: QNetwork, learning: bytes) -> tuple[np.ndarray, np.ndarray]:
    """SENSOR_DTYPE and the numbers of the stored profile, int16, copies."""
    n = n_profile(require_sensor(network).n_channels)
    state = _numbers(network, learning, "sensor", SENSOR_DTYPE, 1)[0].copy()
    return state, _numbers(network, learning, "sensor_profile", "<i2", n).copy()


def _numbers(network: QNetwork, learning: bytes, name: str, dtype: DTypeLike, n: int) -> np.ndarray:
    """The first n of a field of what a target has learned."""
    return np.frombuffer(learning, dtype, n, _place(network, name))


def _place(network: QNetwork, name: str) -> int:
    """The byte of what a target has learned at which a field begins."""
    layout = Plan.of(network).layout
    return layout.offset(name) - layout.persist_begin


def found_orientation(read: Callable[[], bytes], network: QNetwork | None, verdict: int,
                      n_classes: int, residual: int, residual_factory: int) -> Orientation:
    """What a device fitted; its matrix is read from what it has learned. Raises EdgeError E504 for
    what no device answers."""
    try:
        said = Verdict(verdict)
    except ValueError:
        raise _untrue("FIT_PROFILE", f"verdict {verdict}") from None
    q_q14, det = UNTURNED, 1
    if said == Verdict.TAKEN and network is not None:
        profile = read_profiles(network, read()).selected
        q_q14, det = profile.q_q14, profile.det
    return Orientation(said, q_q14, det, n_classes, residual, residual_factory)


def known_event(event: int) -> Event:
    """What a device says that a window brought about. Raises EdgeError E504 for no event."""
    try:
        return Event(event)
    except ValueError:
        raise _untrue("OBSERVE", f"event {event}") from None


def said_of_drift(n_windows: int, is_alarm: int, median_q8: int, n_alarms: int, n_profiles: int,
                  is_allowed: int) -> DriftReport:
    """What a device answers to DRIFT. Raises EdgeError E504 for flags that are none."""
    if is_alarm > 1 or is_allowed > 1:
        raise _untrue("DRIFT", f"alarm {is_alarm}, allowed {is_allowed}")
    return DriftReport(n_windows, bool(is_alarm), median_q8 / 256, n_alarms, n_profiles,
                       bool(is_allowed))


def _untrue(request: str, cause: str) -> EdgeError:
    return EdgeError("E504", f"the device's answer to {request} cannot be true", cause=cause,
                     help="build its firmware with this version, and flash it again")


def whole_readings(n_channels: int) -> int:
    """Bytes of the largest piece of a sample that holds whole readings."""
    return CHUNK_BYTES // (2 * n_channels) * 2 * n_channels
