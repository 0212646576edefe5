"""A scenario: a network, what it learns with, and the calls that are made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import Network
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x, with_lesson
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning
from edge_dassdp.sensor.profile import QProfile
from edge_dassdp.targets.target import NO_LABEL, OWN_LOSS, Outcome, Target

Op = Literal["infer", "warm_up", "fit_gate", "learn", "idle", "save", "rollback", "observe",
             "fit_profile", "select_profile", "write_profile", "allow_profile", "new_class",
             "forget_class"]
IDLE_STEPS = 5


@dataclass(frozen=True)
class Phase:
    """n calls of one kind. labelled: with a label; loss_q8: the host's, or the device's own; of
    select_profile the kind."""

    op: Op
    n: int = 1
    labelled: bool = True
    loss_q8: int = OWN_LOSS


@dataclass(frozen=True)
class Call:
    """One call of a target. label: also the kind of profile that is selected, or the spare class
    that is taught or forgotten, counted from 0."""

    op: Op
    x: NDArray[np.int8]
    label: int = NO_LABEL
    loss_q8: int = OWN_LOSS
    written: tuple[QNetwork, QProfile] | None = None

    def run(self, target: Target) -> Outcome | None:
        if self.op == "idle":
            target.idle(IDLE_STEPS)
        if self.op in ("fit_gate", "save", "rollback"):
            getattr(target, self.op)()
        if self.op == "observe":
            target.observe(self.x, self.label)
        if self.op == "fit_profile":
            target.fit_profile()
        if self.op == "select_profile":
            target.select_profile(self.label)
        if self.op in ("new_class", "forget_class"):
            getattr(target, self.op)(f"c{self.label}")
        if self.op == "allow_profile":
            target.allow_profile()
        if self.op == "write_profile" and self.written is not None:
            target.write_profile(*self.written)
        if self.op not in ("infer", "learn", "warm_up"):
            return None
        if self.op == "infer":
            return target.infer(self.x, digest=True)
        call = target.learn if self.op == "learn" else target.warm_up
        return call(self.x, self.label, loss_q8=self.loss_q8, digest=True)


@dataclass(frozen=True)
class Scenario:
    """A network with its learning, its settings, and the phases that it goes through."""

    name: str
    network: Network
    learning: Learning | None
    settings: Settings = field(default_factory=Settings)
    phases: tuple[Phase, ...] = (Phase("infer", 2), Phase("learn", 10), Phase("infer"))
    density: float = 0.3
    calibrates: bool = False

    @cached_property
    def quantized(self) -> QNetwork:
        rng = np.random.default_rng(77)
        replay = self.learning.replay if self.learning else None
        n = max(8, replay.flash) if replay else 8
        samples = np.stack([self.sample(rng) for _ in range(n)])
        labels = self.targets(samples) if self.settings.values else \
            np.arange(n) % self.network.n_known
        calibration = samples if self.calibrates or replay or self.settings.values else None
        return quantize(self.network, self.learning, self.settings, calibration, labels).network

    def sample(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Currents of unit variance, spikes of a share `density` of the neurons, or as many of
        each."""
        parts = []
        for i in self.network.inputs:
            if i.counts:
                parts.append(rng.poisson(self.density, i.n_values).astype(np.float64))
            elif i.spikes and not i.encoder:
                parts.append((rng.random(i.n_values) < self.density).astype(np.float64))
            else:
                parts.append(rng.normal(0, 1, i.n_values))
        return np.concatenate(parts).astype(np.float32)

    def targets(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of a network of values (n, n_outputs), each in a unit of its own."""
        n_outputs = self.network.n_classes
        drawn = np.random.default_rng(5).normal(0, 1, (samples.shape[1], n_outputs))
        return np.asarray((samples @ drawn - 3.0) * 10.0 ** (np.arange(n_outputs) % 4 - 1))

    def packed(self, x: NDArray[np.float32]) -> NDArray[np.int8]:
        """A sample as a target takes it, with its targets where outputs are values."""
        model = self.quantized
        made = input_x(model, x)
        if model.values is not None:
            made, _ = with_lesson(model, made, self.targets(x[None]))
        return np.asarray(made[0])

    def calls(self) -> Iterator[Call]:
        """The same calls every time, labels at random."""
        rng, n_taught = np.random.default_rng(1000 + len(self.name)), 0
        for phase in self.phases:
            for i in range(phase.n):
                x = self.sample(rng)
                n = self.network.n_known + n_taught
                label = int(rng.integers(n)) if phase.labelled else NO_LABEL
                loss_q8 = phase.loss_q8 + 37 * i if phase.loss_q8 >= 0 else OWN_LOSS
                label = phase.loss_q8 if phase.op == "select_profile" else label
                n_taught -= phase.op == "forget_class"
                label = n_taught if phase.op in ("new_class", "forget_class") else label
                n_taught += phase.op == "new_class"
                yield Call(phase.op, self.packed(x), label, loss_q8)
