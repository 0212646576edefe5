"""Trials in the emulator: each learns anew from every task, and is judged by what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from edge_dassdp import harness
from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Network
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning
from edge_dassdp.targets.emulator import WARM_UP, Emulator
from edge_dassdp.tuning.choices import axes, changes, differences
from edge_dassdp.tuning.tasks import Tasks

SHIFTED, ORIGINAL = 2, 1
"""What accuracy under the shift, and without it, weighs in a score."""
N_WARM_UP = 100
START = "as it begins"
_REFUSED = ("E105", "E201", "E202", "E203", "E402")
Told = Callable[[int], None]
Holds = Callable[[QNetwork], None]
"""Raises EdgeError E402 for a network that the board does not hold."""


@dataclass(frozen=True)
class Trial:
    """Constants and what came of them. title: what is another one than at the start. Accuracies 0
    to 1, means over the tasks: frozen, under the shift; after, the same when they were learned;
    original_frozen, original, without the shift. refused: why they were not tried, "" if they were.
    learning: as `quantize` takes it with all training samples; a trial, which holds some of them
    out, stores no more in flash than are left."""

    title: str
    learning: Learning
    frozen: float = 0.0
    after: float = 0.0
    original_frozen: float = 0.0
    original: float = 0.0
    refused: str = ""

    @property
    def score(self) -> float | None:
        """0 to 1, the more the better; None where it is refused."""
        total = SHIFTED * self.after + ORIGINAL * self.original
        return None if self.refused else total / (SHIFTED + ORIGINAL)


@dataclass(frozen=True)
class Found:
    """trials: in their order, the start first. best: the place of the first with the most."""

    trials: tuple[Trial, ...]
    best: int

    @property
    def chosen(self) -> Trial:
        return self.trials[self.best]


def search(network: Network, start: Learning, settings: Settings, given: Tasks, *, most: int,
           told: Told | None = None, holds: Holds | None = None) -> Found:
    """From `start` one constant after another is tried at each of its values and takes the best,
    until none helps any more or there were `most` trials. The same trials on every computer.

    Raises EdgeError where not one of them could be tried: that of the first.
    """
    run = _Run(network, settings, given, most, told, holds)
    best = run.tried(start)
    is_better = True
    while is_better:
        is_better = False
        for axis in axes(best.learning):
            found = [run.tried(c) for c in changes(best.learning, axis, len(given.whole))
                     if run.is_new(c)]
            top = max(found, key=_score, default=best)
            if _score(top) > _score(best):
                best, is_better = top, True
    if run.problem is not None and best.score is None:
        raise run.problem
    return Found(tuple(run.trials), run.trials.index(best))


def _score(trial: Trial) -> float:
    return -1.0 if trial.score is None else trial.score


class _Run:
    """The trials of one search."""

    def __init__(self, network: Network, settings: Settings, given: Tasks, most: int,
                 told: Told | None, holds: Holds | None) -> None:
        self._network, self._settings, self._given = network, settings, given
        self._most, self._told, self._holds = most, told, holds
        self.trials: list[Trial] = []
        self.problem: EdgeError | None = None

    def is_new(self, learning: Learning) -> bool:
        """Whether there is room for it, and it was not tried before."""
        return len(self.trials) < self._most and all(t.learning != learning for t in self.trials)

    def tried(self, learning: Learning) -> Trial:
        title = "; ".join(differences(self.trials[0].learning, learning)) if self.trials \
            else START
        try:
            made = Trial(title, learning, *self._judged(learning))
        except EdgeError as problem:
            if problem.code not in _REFUSED:
                raise
            self.problem = self.problem or problem
            made = Trial(title, learning, refused=problem.message)
        self.trials.append(made)
        if self._told:
            self._told(len(self.trials))
        return made

    def _judged(self, learning: Learning) -> tuple[float, float, float, float]:
        given = self._given
        left = self._of_left(learning)
        if self._holds and left is not learning:
            self._holds(self._quantized(learning, given.whole))
        model = self._quantized(left, given.train)
        if self._holds and left is learning:
            self._holds(model)
        emulator = Emulator(model)
        warms_up = any(rule.needs.warm_up for rule in learning.rules.values())
        original_frozen = _accuracy(emulator, given.original)
        rows = []
        for task in given.shifted:
            emulator.reset()
            frozen = _accuracy(emulator, task.judged)
            if warms_up:
                _warm_up(emulator, given.train)
            harness.learn_stream(emulator, input_x(model, task.stream.x), task.stream.y)
            rows.append((frozen, _accuracy(emulator, task.judged), original_frozen,
                         _accuracy(emulator, given.original)))
        frozen, after, before, original = np.mean(rows, axis=0).tolist()
        return frozen, after, before, original

    def _quantized(self, learning: Learning, train: Samples) -> QNetwork:
        return quantize(self._network, learning, self._settings, train.x, train.y).network

    def _of_left(self, learning: Learning) -> Learning:
        """With no more samples in flash than are not held out. Raises EdgeError E105 for more than
        there are."""
        replay, n_left = learning.replay, len(self._given.train)
        if replay is None or replay.flash <= n_left:
            return learning
        refuse_unless("E105", replay.flash <= len(self._given.whole), f"replay of {replay.flash} "
                      f"samples from flash, but only {len(self._given.whole)} are there",
                      help="give more training samples, or store fewer")
        return replace(learning, replay=replace(replay, flash=n_left))


def _accuracy(emulator: Emulator, samples: Samples) -> float:
    return harness.accuracy(emulator, input_x(emulator.network, samples.x), samples.y)


def _warm_up(emulator: Emulator, train: Samples) -> None:
    emulator.run(input_x(emulator.network, train.x[:N_WARM_UP]), train.y[:N_WARM_UP], mode=WARM_UP)
    emulator.fit_gate()
