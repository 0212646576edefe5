"""One method with one network over its streams: what `Row` records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import harness
from edge_dassdp.data.datasets import Samples
from edge_dassdp.harness import Device
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.targets.emulator import WARM_UP, Emulator
from evidence import profiles
from evidence.methods import (
    FROZEN,
    IDLE,
    METHODS,
    MIRRORED,
    STANDARD,
    TITLES,
    Constants,
    Method,
)
from evidence.profiles import ON_DEVICE, Fitted, factory
from evidence.tasks import Setting, Task, task

N_WARM_UP = 100
"""Unshifted training samples that a gate is fitted on."""


@dataclass(frozen=True)
class Row:
    """Percent of the samples: before, shifted: on the test samples, before and after learning.
    online: of the stream, each classified before it was learned. original: without the shift,
    after. written, skipped: samples of the stream. replayed: learning steps from store.
    """

    setting: Setting
    method: str
    replay: str
    seed: int
    before: float
    online: float
    shifted: float
    original: float
    written: int = 0
    skipped: int = 0
    replayed: int = 0


@dataclass(frozen=True)
class Job:
    """All streams of one method and one network, which share a compiled emulator."""

    method: str
    settings: tuple[Setting, ...]
    seed: int
    constants: Constants
    replay: str = STANDARD

    @property
    def title(self) -> str:
        return f"{self.settings[0].dataset} {TITLES[self.method]}, seed {self.seed}"


def run(job: Job) -> list[Row]:
    """Every stream of the job from the factory weights."""
    tasks = [task(setting, job.seed) for setting in job.settings]
    if job.method == FROZEN:
        return [row for t in tasks for row in _frozen(t)]
    method = METHODS[job.method]
    if method.learner is not None:
        return [row for t in tasks for row in _on_host(method, t, job)]
    first = tasks[0]
    learning = method.learning(first.network, job.constants, job.replay, len(first.training))
    settings = Settings(drift="profile") if method.profile == "stream" else Settings()
    network = quantize(first.network, learning, settings, first.training.x,
                       first.training.y).network
    device = _Device(Emulator(network), network, method, job)
    return [row for t in tasks for row in device.rows(t)]


def _percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 3)


def _frozen(t: Task) -> Iterator[Row]:
    """The integer network as it came, and on the left wrist with the axes mirrored."""
    network = quantize(t.network, None, Settings(), t.training.x).network
    emulator = Emulator(network)

    def score(samples: Samples) -> float:
        return _percent(emulator.classify(input_x(network, samples.x)) == samples.y)

    shifted = score(t.test)
    yield Row(t.setting, FROZEN, "off", t.seed, shifted, score(t.stream), shifted,
              score(t.original))
    if t.mirrored is not None:
        yield Row(t.setting, MIRRORED, "off", t.seed, shifted, shifted, score(t.mirrored),
                  score(t.original))


@dataclass(frozen=True)
class _Device:
    """The compiled emulator of a job."""

    emulator: Emulator
    network: QNetwork
    method: Method
    job: Job

    def rows(self, t: Task) -> Iterator[Row]:
        """One stream, and where something is replayed a second row after idle steps."""
        emulator, method, job = self.emulator, self.method, self.job
        emulator.reset()
        before = self._score(t.test)
        if method.warms_up:
            emulator.run(input_x(self.network, t.training.x[:N_WARM_UP]),
                         t.training.y[:N_WARM_UP], mode=WARM_UP)
            emulator.fit_gate()
        device = Device(self.network, emulator)
        fitted = profiles.fit(method.profile, device, t, job.constants)
        online = self._online(fitted)
        yield self._row(t, fitted, job.replay, before, online)
        if method.learns and job.replay == STANDARD and not t.setting.validation:
            emulator.idle(method.n_idle)
            yield self._row(t, fitted, IDLE, before, online)

    def _online(self, fitted: Fitted) -> float:
        """Percent of the stream that was right before it was learned, of what the fit saw before
        that; the device has learned then, where it does."""
        emulator, n = self.emulator, fitted.n_fit
        seen = input_x(self.network, fitted.samples(fitted.stream).x)
        with self._factory():
            hits = emulator.classify(input_x(self.network, fitted.stream.x)) == fitted.stream.y
        later = (harness.learn_stream(emulator, seen, fitted.stream.y).hits
                 if self.method.learns else emulator.classify(seen) == fitted.stream.y)
        return _percent(np.concatenate([hits[:n], later[n:]]))

    def _factory(self) -> AbstractContextManager[None]:
        """The factory profile is in use, where the device fits others."""
        device = Device(self.network, self.emulator)
        return factory(device) if self.method.profile in ON_DEVICE else nullcontext()

    def _score(self, samples: Samples) -> float:
        return _percent(self.emulator.classify(input_x(self.network, samples.x)) == samples.y)

    def _row(self, t: Task, fitted: Fitted, replay: str, before: float, online: float) -> Row:
        shifted = self._score(fitted.samples(t.test))
        done = self.emulator.statistics()
        with self._factory():
            original = self._score(t.original)
        return Row(t.setting, self.job.method, replay, t.seed, before, online, shifted, original,
                   done.n_labelled - done.n_skipped, done.n_skipped, done.n_replayed)


def _on_host(method: Method, t: Task, job: Job) -> Iterator[Row]:
    assert method.learner is not None
    learning = method.learning(t.network, job.constants, job.replay, len(t.training))
    learner = method.learner(t.network, learning, training=t.training)

    def score(samples: Samples) -> float:
        return _percent(learner.model.run(samples.x).classes == samples.y)

    before = score(t.test)
    hits = np.array([learner.learn(x, int(y)) == y
                     for x, y in zip(t.stream.x, t.stream.y, strict=True)])
    replayed = learner.memory.n_replayed if learner.memory else 0
    yield Row(t.setting, job.method, job.replay, t.seed, before, _percent(hits), score(t.test),
              score(t.original), replayed=replayed)


def mean_score(rows: Sequence[Row]) -> float:
    """What constants are chosen by: two parts shifted accuracy, one part original."""
    return float(np.mean([(2 * r.shifted + r.original) / 3 for r in rows]))
