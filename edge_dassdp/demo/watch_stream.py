"""The watch's stream on all targets in step: reference, emulator and, where it runs, firmware."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import harness
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.watch import MIRROR
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.report.monitor import Monitor
from edge_dassdp.sensor.profile import ONE_Q14, Kind, QProfile
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import NO_LABEL, OWN_LOSS, BatchOutcome, Outcome, Target

N_FIT = 14
"""Labelled windows that the orientation is fitted to: the first of the stream, two an exercise in
the mean. They are learned from as well."""


class Recorder(Emulator):
    """Keeps what each sample gave."""

    def __init__(self, network: QNetwork) -> None:
        super().__init__(network)
        self.outcomes: list[Outcome] = []

    def learn(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
              digest: bool = False) -> Outcome:
        self.outcomes.append(super().learn(x, label, loss_q8=loss_q8, digest=digest))
        return self.outcomes[-1]


@dataclass(frozen=True)
class Streamed:
    """fitted: how the sensor was found to be worn. hits: (n,), of the samples before they were
    learned. n_written: samples that changed weights."""

    fitted: harness.Fitted
    verification: harness.Verification
    hits: NDArray[np.bool_]
    n_written: int


class InStep:
    """Every step on all targets, from factory weights and profile."""

    def __init__(self, network: QNetwork, link: Qemu | None) -> None:
        self.network, self.link = network, link
        self.reference, self.device = ReferenceTarget(network), Recorder(network)

    @property
    def targets(self) -> list[Target]:
        """Those that are compared with the reference."""
        return [self.device, self.link] if self.link else [self.device]

    def reset(self) -> None:
        for target in (self.reference, *self.targets):
            target.reset()
        self.device.outcomes.clear()

    def take_orientation(self, samples: Samples) -> harness.Fitted:
        """Each target fits a profile to the first N_FIT samples and chooses by its own hits. Raises
        EdgeError E404 where two choose otherwise."""
        x, y = samples.x[:N_FIT], samples.y[:N_FIT]
        expected, *others = (harness.Device(self.network, target).fit_profile(x, y)
                             for target in (self.reference, *self.targets))
        for target, found in zip(self.targets, others, strict=True):
            if found != expected:
                raise EdgeError("E404", "two targets disagree", cause=f"{self.reference.name} "
                                f"fitted {expected.chosen}, {target.name} {found.chosen}")
        return expected

    def learn(self, samples: Samples, monitor: Monitor) -> harness.Verification:
        return harness.verify(self.reference, self.targets, self.network,
                              input_x(self.network, samples.x), samples.y, monitor)

    def learned(self, samples: Samples) -> harness.Stream:
        """What was learned since the last reset."""
        outcomes = BatchOutcome.of(self.device.outcomes)
        return harness.Stream.told(outcomes, samples.y[:len(self.device.outcomes)])

    def frozen(self, samples: Samples) -> harness.Frozen:
        """The same samples by factory weights."""
        return harness.Frozen(self.network, input_x(self.network, samples.x), samples.y)

    def streamed(self, fitted: harness.Fitted, done: harness.Verification, samples: Samples
                 ) -> Streamed:
        outcomes = self.device.outcomes
        return Streamed(fitted, done, np.array([o.class_idx for o in outcomes]) == samples.y,
                        sum(o.is_updated for o in outcomes))


@contextmanager
def factory_profile(target: Target, network: QNetwork) -> Iterator[None]:
    """In use, and then the one before again."""
    used = harness.profiles_of(target, network).selected.kind
    target.select_profile(Kind.FACTORY)
    yield
    target.select_profile(used)


def worn(profile: QProfile) -> str:
    """How the sensor is worn, for people."""
    if profile.kind == Kind.FACTORY:
        return "as in training"
    if not profile.kind & Kind.ORIENTATION:
        return "with other signs, gains or offsets"
    turn = np.array(profile.q_q14) / ONE_Q14
    if profile.det < 0:
        turn = turn * MIRROR[:3]
    degrees = np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    mirrored = "mirrored, as on the other wrist, and " if profile.det < 0 else ""
    return f"{mirrored}turned by {degrees:.0f} degrees"
