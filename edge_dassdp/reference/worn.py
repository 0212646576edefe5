"""A sensor as it is worn: its profile, and what was observed of it (docs/arithmetic.md, 20)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import refuse_unless
from edge_dassdp.base.qformat import IntArray, round_divide
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import SENSOR_DTYPE, n_profile, profile_numbers, profile_of
from edge_dassdp.qir.samples import x_counts
from edge_dassdp.reference.asked import (
    DECLARE_TRIADS,
    check_kind,
    require_drift,
    require_fits,
    require_observes,
    require_search,
)
from edge_dassdp.reference.outcome import NO_LABEL, members
from edge_dassdp.sensor.front import NO_MEAN, QSensor
from edge_dassdp.sensor.monitor import DriftReport, Event, Monitor
from edge_dassdp.sensor.orientation import Orientation, Verdict, fit
from edge_dassdp.sensor.profile import Kind, QProfile

IDX_MAX = SEEN_MAX = 2**16 - 1


class Worn:
    """What a device remembers of its sensor.

    state: SENSOR_DTYPE, of shape (). stored: int64 (n_profile,), numbers of the stored profile.
    sums: int64 (n_classes, 3), counts, of the polar triad's means of samples observed; seen: int64
    (n_classes,), how many, 0 to 65,535. monitor: of windows, None where they are compared with
    nothing.
    """

    def __init__(self, network: QNetwork, sensor: QSensor) -> None:
        self.network, self.sensor = network, sensor
        self.state = np.zeros((), SENSOR_DTYPE)
        self.stored = np.zeros(n_profile(sensor.n_channels), np.int64)
        self.sums = np.zeros((network.n_classes, 3), np.int64)
        self.seen = np.zeros(network.n_classes, np.int64)
        self.monitor = None if sensor.drift is None else Monitor(sensor.drift)

    @property
    def profile(self) -> QProfile:
        """The one in use."""
        selected = Kind(int(self.state["selected"]))
        return QProfile.factory(self.sensor.n_channels) if selected == Kind.FACTORY else \
            profile_of(selected, self.stored)

    def codes(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """int16 counts of samples, as bytes int8 (n, x_bytes), behind the profile in use: int8
        codes (n, code_bytes), -127 to 127."""
        made = self.sensor.codes(x_counts(self.network, x), self.profile)
        return made.reshape(len(x), -1)

    def observe(self, x: NDArray[np.int8], label: int) -> Event:
        """A sample, int8 (x_bytes,), of that class, 0 to n_classes - 1, adds to what is observed of
        it, and is compared with what the factory saw; NO_LABEL: this alone. Raises EdgeError E503
        where the model makes nothing of it."""
        require_observes(self.network, label)
        counts = x_counts(self.network, x[None])[0]
        if label != NO_LABEL and self.sensor.fits:
            self._add(counts.astype(np.int64), label)
        return Event.NONE if self.monitor is None else self._compare(self.monitor, counts)

    def _compare(self, monitor: Monitor, counts: NDArray[np.int16]) -> Event:
        profile = self.profile
        event, taken = monitor.window(profile.apply(counts, self.sensor.triads),
                                      is_factory=profile.kind == Kind.FACTORY)
        if taken is not None:
            self.store(taken)
        return event

    def _add(self, counts: IntArray, label: int) -> None:
        if self.sensor.polar_means[label, 0] == NO_MEAN or self.seen[label] == SEEN_MAX:
            return
        polar = counts[:, list(self.sensor.triads[0].channels)].sum(axis=0)
        self.sums[label] += [round_divide(int(s), len(counts)) for s in polar]
        self.seen[label] += 1

    def fit(self) -> Orientation:
        """Of what was observed; stored and selected where it is clearly better. Raises EdgeError
        E503 where the model fits nothing."""
        require_fits(self.network)
        found = fit(self.sensor.polar_means, self.sums, self.seen, self.sensor.unit)
        if found.verdict == Verdict.TAKEN:
            self.store(found.profile(self.sensor.n_channels))
        return found

    def store(self, profile: QProfile) -> None:
        """Put a profile of n_channels in the place of the stored one, and use it; of the factory's
        nothing is stored. It is number 1 to 65,535, then 1 again."""
        if profile.kind:
            self.stored[:] = profile_numbers(profile)
            self.state["profile_idx"] = int(self.state["profile_idx"]) % IDX_MAX + 1
        self.state["stored"] = int(profile.kind)
        self._use(int(profile.kind))

    def _use(self, kind: int) -> None:
        """Behind another profile the watch over windows begins anew."""
        self.state["selected"] = kind
        if self.monitor is not None:
            self.monitor.rest()

    def select(self, kind: int) -> None:
        """kind: 0 to 3. Raises EdgeError E105 for no kind, E503 for another than the factory's and
        the stored one."""
        check_kind(kind)
        refuse_unless("E503", kind in (Kind.FACTORY, int(self.state["stored"])),
                      "value out of range", cause=f"there is no profile of kind {kind}")
        self._use(kind)

    def allow_profile(self, is_allowed: bool) -> None:
        """Raises EdgeError E503 where the model keeps no windows."""
        require_search(self.network)
        assert self.monitor is not None
        self.monitor.allow(is_allowed)

    def drift(self) -> DriftReport:
        """Raises EdgeError E503 where windows are compared with nothing."""
        require_drift(self.network)
        assert self.monitor is not None
        return self.monitor.report()

    def note_learning(self) -> None:
        """Weights changed: they belong to the profile in use."""
        if not self.state["has_learned"]:
            self.state["has_learned"] = 1
            self.state["learned_idx"] = self.state["profile_idx"] * bool(self.state["selected"])

    def named_state(self) -> dict[str, NDArray[Any]]:
        named = {**members("sensor", self.state), "sensor_profile": self.stored}
        if self.sensor.fits:
            named |= {"sensor_sums": self.sums.ravel(), "sensor_seen": padded(self.seen)}
        if self.monitor is not None:
            named |= {**members("drift", self.monitor.state),
                      "drift_ring": padded(self.monitor.ring_q8)}
        return named

    def restore(self, named: Mapping[str, NDArray[Any]]) -> None:
        """The reverse of `named_state`."""
        for name in members("sensor", self.state):
            self.state[name.removeprefix("sensor.")] = named[name][0]
        self.stored[:] = named["sensor_profile"]
        if self.sensor.fits:
            self.sums[:] = named["sensor_sums"].reshape(self.sums.shape)
            self.seen[:] = named["sensor_seen"][: self.seen.size]
        if self.monitor is not None:
            self.monitor.rest()

    def take_windows(self, named: Mapping[str, NDArray[Any]]) -> None:
        """What another device has seen of windows; what it keeps for a search stays there."""
        if self.monitor is not None:
            for name in members("drift", self.monitor.state):
                self.monitor.state[name.removeprefix("drift.")] = named[name][0]
            self.monitor.ring_q8[:] = named["drift_ring"][: self.monitor.ring_q8.size]

    def to_bytes(self) -> bytes:
        """As a snapshot holds it: whole words."""
        observed = self.sums.astype("<i4").tobytes() if self.sensor.fits else b""
        seen = padded(self.seen).astype("<u2").tobytes() if self.sensor.fits else b""
        return b"".join((observed, self.state.tobytes(), self.stored.astype("<i2").tobytes(), seen))


def check_profile(sensor: QSensor, profile: QProfile) -> None:
    """EdgeError E105 unless it is one of this sensor."""
    n = len(profile.gain_q12)
    refuse_unless("E105", n == sensor.n_channels, f"a profile of {n} channels, the sensor has "
                  f"{sensor.n_channels}")
    refuse_unless("E105", not profile.kind & Kind.ORIENTATION or bool(sensor.triads),
                  "the profile has an orientation, but the sensor declares no triads",
                  help=DECLARE_TRIADS)


def padded(seen: IntArray) -> IntArray:
    """To whole words."""
    return np.pad(seen, (0, seen.size % 2))
