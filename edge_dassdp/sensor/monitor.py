"""What a device does with windows of its sensor, one after another: alarm, and profiles it takes.

The C of it is dassdp_drift_window in firmware/src/sensor/drift.c, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.sensor.drift import N_ALARM, THRESHOLD_Q8, QDrift, median
from edge_dassdp.sensor.profile import QProfile
from edge_dassdp.sensor.search import search
from edge_dassdp.sensor.window import Windows

STRIDE_MAX = QUANTITIES["drift_stride_max"]
_MOST = 2**16 - 1


class Event(IntEnum):
    """What a window brought about."""

    NONE = 0
    ALARM_ON = 1
    ALARM_OFF = 2
    PROFILE_TAKEN = 3


@dataclass
class Monitor:
    """n_windows: compared. n_alarms: times the alarm came on. n_profiles: taken. median_q8: D of
    the last N_ALARM windows, once there are as many. is_on: the alarm. is_allowed: a profile may
    be taken."""

    drift: QDrift
    n_windows: int = 0
    n_alarms: int = 0
    n_profiles: int = 0
    is_allowed: bool = False
    median_q8: int = field(default=0, init=False)
    is_on: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.rest()

    def rest(self) -> None:
        """Begin anew, as behind another profile: no window has been seen."""
        self.median_q8, self.is_on = 0, False
        self._ring: list[int] = []
        self._n_since = 0
        self._keep_none()

    def _keep_none(self) -> None:
        self._kept: list[Windows] = []
        self._phase, self._stride = 0, 1

    def allow(self, is_allowed: bool) -> None:
        """Whether a profile may be taken; what was kept is dropped."""
        self.is_allowed = is_allowed
        self._keep_none()

    def window(self, counts: NDArray[np.int16], *, is_factory: bool = True
               ) -> tuple[Event, QProfile | None]:
        """One window of counts (n_readings, n_channels) behind the profile in use.

        is_factory: this is the factory's; a profile is taken from there alone.
        """
        seen = self.drift.windows(counts[None])
        self.n_windows = (self.n_windows + 1) % 2**32
        self._ring = [*self._ring[-N_ALARM + 1:], int(self.drift.distances(seen)[0][0])]
        self._n_since += 1
        event = self._judge() if len(self._ring) == N_ALARM else Event.NONE
        if self.is_allowed and is_factory and self.drift.n_rows:
            self._keep(seen)
            if self._n_since % N_ALARM == 0 and (profile := self._search()) is not None:
                return Event.PROFILE_TAKEN, profile
        return event, None

    def _judge(self) -> Event:
        self.median_q8 = median(np.array(self._ring))
        was_on, self.is_on = self.is_on, self.median_q8 > THRESHOLD_Q8
        self.n_alarms = min(self.n_alarms + (self.is_on and not was_on), _MOST)
        if was_on == self.is_on:
            return Event.NONE
        return Event.ALARM_ON if self.is_on else Event.ALARM_OFF

    def _keep(self, seen: Windows) -> None:
        """Every stride-th window, from as long ago as fits."""
        if self._phase % self._stride == 0 and len(self._kept) == self.drift.n_rows:
            self._kept, self._stride = self._kept[::2], 2 * self._stride
            if self._stride > STRIDE_MAX:
                self._keep_none()
        if self._phase % self._stride == 0:
            self._kept.append(seen)
        self._phase += 1

    def _search(self) -> QProfile | None:
        """None: no better one yet. Of what has not drifted the next search has no use."""
        if not self._kept:
            return None
        kept = Windows.joined(self._kept)
        if median(self.drift.distances(kept)[0]) <= THRESHOLD_Q8:
            self._keep_none()
            return None
        profile = search(self.drift, kept)
        if profile is not None:
            self.n_profiles = min(self.n_profiles + 1, _MOST)
            self.rest()
        return profile
