"""Scenarios of networks with a sensor: classes with a gravity of their own, worn turned about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from support.scenario import Call, Scenario

from edge_dassdp.ir import Input, Sensor, Triad
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import counts_x
from edge_dassdp.quantize import quantize
from edge_dassdp.sensor.profile import QProfile

UNIT = 4096
"""Counts of 1 g."""
WORN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
"""How a sensor is worn when it is observed: a rotation."""
OTHER_SIDE = np.array([[0.0, -0.96, 0.28], [1.0, 0.0, 0.0], [0.0, 0.28, 0.96]])
"""A reflection, a sixth of a right angle from one that exchanges axes: found without labels."""


def sensor(n_channels: int = 7, *, triads: bool = True) -> Sensor:
    """One triad, or two where there are channels, in the order of no axis, others beside them."""
    rng = np.random.default_rng(n_channels)
    scale = rng.choice([-1.0, 1.0], n_channels) * rng.uniform(0.5, 2, n_channels) / UNIT
    both = ((Triad("axial", (3, 5, 4)),) * (n_channels > 5) + (Triad("polar", (2, 0, 1)),)) * triads
    return Sensor(n_channels, tuple(scale), tuple(rng.normal(0, 0.3, n_channels)), both,
                  UNIT if triads else None)


def reading_counts(rng: np.random.Generator, label: int, n_readings: int, declared: Sensor,
                   worn: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    """Counts of one sample (n_readings, n_channels), as a body in the posture of a class gives
    them; worn: turned about."""
    counts = rng.normal(0, 0.3 * UNIT, (n_readings, declared.n_channels))
    directions = np.random.default_rng(5).normal(0, 1, (64, 3))
    if declared.triads:
        polar = list(declared.triads[0].channels)
        gravity = directions[label] / np.linalg.norm(directions[label])
        counts[:, polar] += UNIT * gravity
    for triad in declared.triads if worn is not None else ():
        counts[:, list(triad.channels)] = counts[:, list(triad.channels)] @ worn
    return np.clip(np.round(counts), -2**15, 2**15 - 1).astype(np.int64)


@dataclass(frozen=True)
class SensedScenario(Scenario):
    """Its calls send counts; from the first that observes on, the sensor is worn turned about."""

    worn: NDArray[np.float64] = field(default_factory=lambda: WORN)

    @property
    def source(self) -> Input:
        return self.network.inputs[0]

    @property
    def declared(self) -> Sensor:
        assert self.source.sensor is not None
        return self.source.sensor

    def counts(self, rng: np.random.Generator, label: int,
               turned: bool = False) -> NDArray[np.int64]:
        n = self.declared.n_channels
        return reading_counts(rng, label, self.source.n_values // n, self.declared,
                              self.worn if turned else None)

    def natural(self, counts: NDArray[np.int64]) -> NDArray[np.float32]:
        """What the network takes for counts of a sample, in natural order."""
        values = self.declared.values(counts).reshape(self.source.n_frames, -1)
        if len(self.source.raw_shape) > 1:
            values = values.reshape(len(values), -1, self.declared.n_channels).swapaxes(1, 2)
        return values.ravel().astype(np.float32)

    def sample(self, rng: np.random.Generator) -> NDArray[np.float32]:
        return self.natural(self.counts(rng, int(rng.integers(self.network.n_classes))))

    @cached_property
    def quantized(self) -> QNetwork:
        """From ten training samples of each class but the last one, which is new to the factory."""
        rng, n = np.random.default_rng(78), self.network.n_classes
        labels = np.arange(10 * (n - 1)) % (n - 1)
        samples = np.stack([self.natural(self.counts(rng, int(c))) for c in labels])
        return quantize(self.network, self.learning, self.settings, samples, labels).network

    def calls(self) -> Iterator[Call]:
        rng, n = np.random.default_rng(1000 + len(self.name)), self.network.n_classes
        is_turned = False
        for phase in self.phases:
            is_turned |= phase.op == "observe"
            for i in range(phase.n):
                known = n if phase.labelled else n - 1  # what is new to the factory has a label
                label = i % known if phase.op == "observe" else int(rng.integers(n))
                x = counts_x(self.quantized, self.counts(rng, label, is_turned)[None])[0]
                if phase.op == "select_profile":
                    label = phase.loss_q8
                written = None
                if phase.op == "write_profile":
                    gains = rng.integers(1, 4 * 4096, self.declared.n_channels)
                    written = self.quantized, QProfile.channels(
                        [int(g) * (-1) ** k for k, g in enumerate(gains)],
                        [int(o) for o in rng.integers(-2000, 2000, gains.size)])
                yield Call(phase.op, x, label if phase.labelled else -1, written=written)
