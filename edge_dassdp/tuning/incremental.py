"""What is right of old classes and of a new one, which a device is taught from few samples.

Any network and data: the network knows classes 0 to n - 1, the new one is class n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp import harness
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import FloatArray, Network
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import Learning
from edge_dassdp.rules.classes import hidden_of
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.twin.learner import FloatLearner
from edge_dassdp.twin.model import FloatModel

METHODS = ("frozen", "device", "readout", "nearest", "backprop")
"""frozen: the device before it is taught, with class means. device: a spare class beside class
means, on the emulator. readout: a spare class alone. nearest: the nearest class mean of hidden
counts, in float, nothing learned. backprop: another learner, in float, which is given."""
N_IDLE = 100
"""Steps from what is stored, after the samples of the new class, where weights learn it."""
Learner = Callable[[Network, Learning, Samples], FloatLearner]
Classify = Callable[[NDArray[np.float32]], NDArray[np.int64]]


@dataclass(frozen=True)
class Row:
    """Percent of the test samples after k of the new class. all: of both, as they are many. old,
    new: of each. harmonic: mean of old and new, 0 where one of them is."""

    method: str
    k: int
    all: float
    old: float
    new: float
    harmonic: float


class NearestMean:
    """The class whose mean of normalized hidden spike counts is nearest, of a frozen network.

    hidden: the population. samples: what the means are of, any classes from 0; those without a
    sample, or whose samples were all silent, are never nearest. Raises EdgeError E105 where there
    are no samples.
    """

    def __init__(self, network: Network, hidden: str, samples: Samples) -> None:
        if not len(samples):
            raise EdgeError("E105", "no samples, of which class means could be")
        self._model, self._hidden = FloatModel(network), hidden
        found = self.directions(samples.x)
        self.means = np.full((int(samples.y.max()) + 1, found.shape[1]), np.inf)
        for label in range(len(self.means)):
            of_class = found[(samples.y == label) & found.any(axis=1)]
            if len(of_class):
                self.means[label] = of_class.mean(axis=0)

    def directions(self, x: ArrayLike) -> FloatArray:
        """Counts (n, size) of length 1, or 0 where nothing fired."""
        counts = self._model.run(x).spikes[self._hidden].sum(axis=1, dtype=np.float64)
        length = np.linalg.norm(counts, axis=1, keepdims=True)
        return np.asarray(counts / np.where(length > 0, length, 1.0))

    def classify(self, x: ArrayLike) -> NDArray[np.int64]:
        """Classes (n,) of samples (n, n_inputs)."""
        away = ((self.directions(x)[:, None] - self.means) ** 2).sum(axis=2)
        return np.asarray(away.argmin(axis=1))


def taught(network: Network, training: Samples, shots: Samples, test: Samples, *,
           learning: Learning | None = None, k: Sequence[int] = (1, 3, 5, 10),
           n_idle: int = N_IDLE, learner: Learner | None = None) -> Iterator[Row]:
    """A row for every number of samples k and method, from the factory weights each.

    training: what the network was trained on, classes 0 to n - 1. shots: of the new class, in the
    order they are learned, their labels not looked at. test: of all, the new class as n. learning:
    None for the default, with replay. learner: of 'backprop', which is left out without one.
    Raises EdgeError E105 where shots or tests are too few, or have other labels.
    """
    new = network.n_classes
    _check(training, shots, test, k, new)
    rule = learning or Learning.default(network, len(training))
    grown = network.with_spare_classes(1)
    devices = {name: _Taught(grown, replace(rule, class_means=name == "device"), training)
               for name in ("device", "readout")}
    hidden = hidden_of(network, rule.rules)
    in_float = replace(grown, readout=replace(grown.readout, spare_classes=0))  # else never read
    for n in k:
        x, y = shots.x[:n], np.full(n, new)
        yield _row("frozen", n, devices["device"].learn(x[:0], 0), test, new)
        for name, device in devices.items():
            yield _row(name, n, device.learn(x, n_idle), test, new)
        known = Samples(np.concatenate([training.x, x]), np.concatenate([training.y, y]))
        yield _row("nearest", n, NearestMean(network, hidden, known).classify, test, new)
        if learner is not None:
            yield _row("backprop", n, _in_float(learner(in_float, rule, training), x, new,
                                                n_idle if rule.replay else 0), test, new)


def _check(training: Samples, shots: Samples, test: Samples, k: Sequence[int], new: int) -> None:
    if not k or min(k) < 1 or max(k) > len(shots):
        raise EdgeError("E105", f"{list(k)} samples of the new class, and there are {len(shots)}",
                        help="ask for numbers from 1 to as many as there are")
    if set(np.unique(training.y)) != set(range(new)):
        raise EdgeError("E105", f"training samples of classes {sorted(set(training.y.tolist()))}, "
                        f"expected 0 to {new - 1}, those that the network knows")
    if (test.y > new).any() or not (test.y == new).any() or not (test.y < new).any():
        raise EdgeError("E105", f"test samples of classes {sorted(set(test.y.tolist()))}, expected "
                        f"some of 0 to {new - 1} and some of the new one, {new}")


class _Taught:
    """The emulator of a network with a spare class."""

    def __init__(self, network: Network, learning: Learning, training: Samples) -> None:
        self._network = quantize(network, learning, None, training.x, training.y).network
        self._emulator, self._replays = Emulator(self._network), learning.replay is not None

    def learn(self, x: NDArray[np.float32], n_idle: int) -> Classify:
        """From the factory weights: what it says of samples then."""
        emulator = self._emulator
        emulator.reset()
        label = emulator.new_class("new")
        harness.learn_stream(emulator, input_x(self._network, x), np.full(len(x), label))
        if self._replays and self._network.class_means is None:
            emulator.idle(n_idle)
        return lambda given: emulator.classify(input_x(self._network, given))


def _in_float(learner: FloatLearner, x: NDArray[np.float32], label: int, n_idle: int) -> Classify:
    for sample in x:
        learner.learn(sample, label)
    if n_idle:
        learner.idle(n_idle)
    return lambda given: np.asarray(learner.model.run(given).classes)


def _row(method: str, k: int, classify: Classify, test: Samples, new: int) -> Row:
    hits, is_new = classify(test.x) == test.y, test.y == new
    old, fresh = (100 * float(hits[rows].mean()) for rows in (~is_new, is_new))
    harmonic = 2 * old * fresh / (old + fresh) if old and fresh else 0.0
    return Row(method, k, *(round(v, 3) for v in (100 * float(hits.mean()), old, fresh, harmonic)))
