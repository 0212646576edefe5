"""What is asked of a model about its sensor, as `Target` has it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.asked import check_lesson, checked_sample, require_sensor
from edge_dassdp.reference.model import IntegerModel
from edge_dassdp.reference.outcome import NO_LABEL, OWN_LOSS
from edge_dassdp.reference.worn import Worn, check_profile
from edge_dassdp.sensor.monitor import DriftReport, Event
from edge_dassdp.sensor.orientation import Orientation
from edge_dassdp.sensor.profile import QProfile


class Sensed(IntegerModel):
    """A model that may observe its sensor. Raises EdgeError E503 where it has none."""

    def observe(self, x: NDArray[np.int8], label: int = NO_LABEL) -> Event:
        sample = checked_sample(x, self.network.x_bytes)
        check_lesson(self.network.n_classes, label, OWN_LOSS)
        return self._worn().observe(sample, int(label))

    def drift(self) -> DriftReport:
        return self._worn().drift()

    def allow_profile(self, is_allowed: bool = True) -> None:
        self._worn().allow_profile(is_allowed)

    def fit_profile(self) -> Orientation:
        return self._worn().fit()

    def select_profile(self, kind: int) -> None:
        self._worn().select(kind)

    def write_profile(self, network: QNetwork, profile: QProfile) -> None:
        worn = self._worn()
        check_profile(worn.sensor, profile)
        worn.store(profile)

    def _worn(self) -> Worn:
        require_sensor(self.network)
        assert self.worn is not None
        return self.worn
