"""What a device does with windows of its sensor, one after another: alarm, and profiles it takes.

The C of it is dassdp_drift_window in firmware/src/sensor/drift.c, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.sensor.drift import N_ALARM, THRESHOLD_Q8, QDrift, median
from edge_dassdp.sensor.profile import QProfile
from edge_dassdp.sensor.search import search
from edge_dassdp.sensor.window import Windows

STRIDE_LOG2 = QUANTITIES["drift_stride_log2"]
RING = N_ALARM + N_ALARM % 2
"""Numbers of the ring, in whole words."""
_MOST = 2**16 - 1
DRIFT_DTYPE = np.dtype([
    ("n_windows", "<u4"), ("n_alarms", "<u2"), ("n_profiles", "<u2"), ("median_q8", "<u2"),
    ("n_ring", "u1"), ("ring_idx", "u1"), ("is_on", "u1"), ("is_allowed", "u1"),
    ("reserved", "<u2"),
])
"""dassdp_drift_state_t of core/state.h."""


class Event(IntEnum):
    """What a window brought about, as dassdp_sensor.h has it."""

    NONE = 0
    ALARM_ON = 1
    ALARM_OFF = 2
    PROFILE_TAKEN = 3


@dataclass(frozen=True)
class DriftReport:
    """n_windows: compared since the last reset. alarm: the sensor has drifted from what the factory
    saw. median: D of the last N_ALARM windows under the profile in use, about 1 where it has not; 0
    before there are as many. n_alarms: times it came on. n_profiles: taken without labels.
    is_allowed: one may be taken."""

    n_windows: int
    alarm: bool
    median: float
    n_alarms: int
    n_profiles: int
    is_allowed: bool


class Monitor:
    """state: DRIFT_DTYPE. ring_q8: D of the last N_ALARM windows, int64, (N_ALARM,). No snapshot
    holds any of it."""

    def __init__(self, drift: QDrift, *, is_allowed: bool = False) -> None:
        self.drift = drift
        self.state = np.zeros((), DRIFT_DTYPE)
        self.ring_q8 = np.zeros(N_ALARM, np.int64)
        self.allow(is_allowed)

    @property
    def is_on(self) -> bool:
        """The alarm."""
        return bool(self.state["is_on"])

    @property
    def median_q8(self) -> int:
        """D of the last N_ALARM windows, once there are as many."""
        return int(self.state["median_q8"])

    def report(self) -> DriftReport:
        """What a device tells of it."""
        s = self.state
        return DriftReport(int(s["n_windows"]), self.is_on, self.median_q8 / 256,
                           int(s["n_alarms"]), int(s["n_profiles"]), bool(s["is_allowed"]))

    def rest(self) -> None:
        """Begin anew, as behind another profile: no window has been seen."""
        for name in ("median_q8", "n_ring", "ring_idx", "is_on"):
            self.state[name] = 0
        self.ring_q8[:] = 0
        self.drop()

    def drop(self) -> None:
        """What was kept for a search."""
        self.kept: list[Windows] = []
        self.phase, self.stride_log2 = 0, 0

    def allow(self, is_allowed: bool) -> None:
        """Whether a profile may be taken."""
        self.state["is_allowed"] = is_allowed
        self.drop()

    def window(self, counts: NDArray[np.int16], *, is_factory: bool = True
               ) -> tuple[Event, QProfile | None]:
        """One window of counts (n_readings, n_channels) behind the profile in use.

        is_factory: this is the factory's; a profile is taken from there alone.
        """
        seen = self.drift.windows(counts[None])
        self.state["n_windows"] = (int(self.state["n_windows"]) + 1) % 2**32
        is_full = self._remember(int(self.drift.distances(seen)[0][0]))
        event = self._judge() if is_full else Event.NONE
        if self.state["is_allowed"] and is_factory and self.drift.n_rows:
            self._keep(seen)
            if self.state["ring_idx"] == 0 and (profile := self._search()) is not None:
                return Event.PROFILE_TAKEN, profile
        return event, None

    def _remember(self, d_q8: int) -> bool:
        """D joins the ring; whether this is full."""
        idx = int(self.state["ring_idx"])
        self.ring_q8[idx] = d_q8
        self.state["ring_idx"] = (idx + 1) % N_ALARM
        self.state["n_ring"] = min(int(self.state["n_ring"]) + 1, N_ALARM)
        return bool(self.state["n_ring"] == N_ALARM)

    def _judge(self) -> Event:
        self.state["median_q8"] = median(self.ring_q8)
        was_on, is_on = self.is_on, self.median_q8 > THRESHOLD_Q8
        self.state["is_on"] = is_on
        if was_on == is_on:
            return Event.NONE
        if is_on:
            self._count("n_alarms")
        return Event.ALARM_ON if is_on else Event.ALARM_OFF

    def _count(self, name: str) -> None:
        self.state[name] = min(int(self.state[name]) + 1, _MOST)

    def _is_due(self) -> bool:
        return self.phase % (1 << self.stride_log2) == 0

    def _keep(self, seen: Windows) -> None:
        """Every so-many-th window, from as long ago as fits."""
        if self._is_due() and len(self.kept) == self.drift.n_rows:
            self.kept, self.stride_log2 = self.kept[::2], self.stride_log2 + 1
            if self.stride_log2 > STRIDE_LOG2:
                self.drop()
        if self._is_due():
            self.kept.append(seen)
        self.phase += 1

    def _search(self) -> QProfile | None:
        """None: no better one yet. Of what has not drifted the next search has no use."""
        kept = Windows.joined(self.kept)
        if median(self.drift.distances(kept)[0]) <= THRESHOLD_Q8:
            self.drop()
            return None
        profile = search(self.drift, kept)
        if profile is not None:
            self._count("n_profiles")
            self.rest()
        return profile
