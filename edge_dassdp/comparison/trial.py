"""One method over one stream: what is right before, meanwhile and after, on the device or the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import harness
from edge_dassdp.comparison import profiles
from edge_dassdp.comparison.profiles import Fit, Fitted
from edge_dassdp.data.datasets import Samples
from edge_dassdp.harness import Device
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets.emulator import WARM_UP, Emulator
from edge_dassdp.targets.learning import checked_learning
from edge_dassdp.twin.learner import FloatLearner

N_WARM_UP = 100
"""Unshifted training samples that a gate is fitted on."""


@dataclass(frozen=True, eq=False)
class Given:
    """training: what the network was trained on. stream: to learn from, once, in order. test: to
    judge by, under the same shift. original: without the shift, None where there are none."""

    training: Samples
    stream: Samples
    test: Samples
    original: Samples | None = None


@dataclass(frozen=True)
class Scores:
    """Percent of the samples: before, shifted: on the test samples, before and after learning.
    online: of the stream, each classified before it was learned. original: without the shift,
    after, nan where nothing is. written, skipped: samples of the stream. replayed: learning steps
    from store.
    """

    before: float
    online: float
    shifted: float
    original: float
    written: int = 0
    skipped: int = 0
    replayed: int = 0


def percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 3)


class OnDevice:
    """A model on the emulator, which learns one stream after another, each from factory weights.

    fit: a profile of the sensor first. learns: or else only the profile changes. warms_up: gates
    of DA-SSDP are fitted on training samples first.
    """

    def __init__(self, network: QNetwork, *, fit: Fit | None = None, learns: bool = True,
                 warms_up: bool = False) -> None:
        self.network = network
        self.emulator = Emulator(network)
        self._device = Device(network, self.emulator)
        self._fit, self._learns, self._warms_up = fit, learns, warms_up
        self._seen: Callable[[Samples], Samples] = lambda given: given
        self._factory: Callable[[], AbstractContextManager[None]] = nullcontext
        self._before = self._online = 0.0

    def learn(self, given: Given, seed: int | None = None) -> Scores:
        """The stream, from factory weights. seed: of stochastic rounding, in place of the model's.
        """
        emulator = self.emulator
        emulator.reset()
        if seed is not None:
            self._round_by(seed)
        self._before = percent(self._classes(given.test) == given.test.y)
        if self._warms_up:
            emulator.run(input_x(self.network, given.training.x[:N_WARM_UP]),
                         given.training.y[:N_WARM_UP], mode=WARM_UP)
            emulator.fit_gate()
        fitted = self._fit(self._device, given.stream) if self._fit else Fitted(given.stream)
        self._seen = fitted.samples
        self._factory = partial(profiles.factory, self._device) if fitted.on_device else nullcontext
        self._online = self._learned(fitted)
        return self._scores(given)

    def idle(self, n_steps: int, given: Given) -> Scores:
        """The same after more steps from what is stored."""
        self.emulator.idle(n_steps)
        return self._scores(given)

    def classes(self, samples: Samples) -> NDArray[np.int64]:
        """As the device sees them now."""
        return self._classes(self._seen(samples))

    def _round_by(self, seed: int) -> None:
        """As `Learning.seed`, which the state begins with."""
        state = checked_learning(self.network, self.emulator.read_learning())
        state["learning.rng"] = np.full_like(state["learning.rng"], seed)
        self.emulator.write_learning(self.emulator.layout.encode(state))

    def _learned(self, fitted: Fitted) -> float:
        """Percent of the stream that was right before it was learned, of what the fit saw before
        that; the device has learned then, where it does."""
        n, y = fitted.n_fit, fitted.stream.y
        with self._factory():
            hits = self._classes(fitted.stream) == y
        seen = input_x(self.network, fitted.samples(fitted.stream).x)
        later = (harness.learn_stream(self.emulator, seen, y).hits if self._learns
                 else self.emulator.classify(seen) == y)
        return percent(np.concatenate([hits[:n], later[n:]]))

    def _classes(self, samples: Samples) -> NDArray[np.int64]:
        return self.emulator.classify(input_x(self.network, samples.x))

    def _scores(self, given: Given) -> Scores:
        shifted = percent(self.classes(given.test) == given.test.y)
        done, original = self.emulator.statistics(), math.nan
        if given.original is not None:
            with self._factory():
                original = percent(self._classes(given.original) == given.original.y)
        return Scores(self._before, self._online, shifted, original,
                      done.n_labelled - done.n_skipped, done.n_skipped, done.n_replayed)


def on_host(learner: FloatLearner, given: Given) -> Scores:
    """In float, from the learner's weights as they are."""
    def score(samples: Samples) -> float:
        return percent(learner.model.run(samples.x).classes == samples.y)

    before = score(given.test)
    hits = np.array([learner.learn(x, int(y)) == y
                     for x, y in zip(given.stream.x, given.stream.y, strict=True)])
    original = math.nan if given.original is None else score(given.original)
    return Scores(before, percent(hits), score(given.test), original,
                  replayed=learner.memory.n_replayed if learner.memory else 0)
