"""One method with one network over its streams: what `Row` records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from edge_dassdp.comparison.profiles import Fit, by_itself, by_labels
from edge_dassdp.comparison.trial import Given, OnDevice, Scores, on_host, percent
from edge_dassdp.data.datasets import Samples
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.targets.emulator import Emulator
from evidence.methods import (
    FROZEN,
    IDLE,
    METHODS,
    MIRRORED,
    STANDARD,
    Constants,
    Method,
)
from evidence.tasks import Setting, Task, task


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
    """All streams of one method and one network, which share a compiled emulator. idles: with rows
    after idle steps."""

    method: str
    settings: tuple[Setting, ...]
    seed: int
    constants: Constants
    replay: str = STANDARD
    idles: bool = True


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
    trial = OnDevice(network, fit=_fit(method), learns=method.learns,
                     warms_up=method.warms_up)
    return [row for t in tasks for row in _on_device(trial, method, t, job)]


def _given(t: Task) -> Given:
    return Given(t.training, t.stream, t.test, t.original)


def _row(t: Task, method: str, replay: str, found: Scores) -> Row:
    return Row(t.setting, method, replay, t.seed, **asdict(found))


def _frozen(t: Task) -> Iterator[Row]:
    """The integer network as it came, and on the left wrist with the axes mirrored."""
    network = quantize(t.network, None, Settings(), t.training.x).network
    emulator = Emulator(network)

    def score(samples: Samples) -> float:
        return percent(emulator.classify(input_x(network, samples.x)) == samples.y)

    shifted = score(t.test)
    yield Row(t.setting, FROZEN, "off", t.seed, shifted, score(t.stream), shifted,
              score(t.original))
    if t.mirrored is not None:
        yield Row(t.setting, MIRRORED, "off", t.seed, shifted, shifted, score(t.mirrored),
                  score(t.original))


def _on_device(trial: OnDevice, method: Method, t: Task, job: Job) -> Iterator[Row]:
    """One stream, and where something is replayed a second row after idle steps."""
    given = _given(t)
    yield _row(t, job.method, job.replay, trial.learn(given))
    if method.learns and job.idles and job.replay == STANDARD:
        yield _row(t, job.method, IDLE, trial.idle(method.n_idle, given))


def _fit(method: Method) -> Fit | None:
    """Of the sensor's profile, before the stream is learned."""
    return {"labels": by_labels, "stream": by_itself}.get(method.profile or "")


def _on_host(method: Method, t: Task, job: Job) -> Iterator[Row]:
    assert method.learner is not None
    learning = method.learning(t.network, job.constants, job.replay, len(t.training))
    learner = method.learner(t.network, learning, training=t.training)
    yield _row(t, job.method, job.replay, on_host(learner, _given(t)))


def mean_score(rows: Sequence[Row]) -> float:
    """What constants are chosen by: two parts shifted accuracy, one part original."""
    return float(np.mean([(2 * r.shifted + r.original) / 3 for r in rows]))
