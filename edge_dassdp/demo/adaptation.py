"""Learning after a shift, measured: each method over the same stream, before and after.

Device methods run in the emulator, so their figures are the device's; host methods run in float
and stand beside them for comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import harness
from edge_dassdp.data.datasets import Dataset, Samples
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.ir import Network
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import DASSDP, SSDP, ErrorSSDP, Learning, PairSTDP, ReadoutDelta, Rule
from edge_dassdp.targets.emulator import WARM_UP, Emulator
from edge_dassdp.twin.learner import FloatLearner

N_WARM_UP = 100
"""Unshifted training samples that the gate's statistics are fitted on."""

DEMO_MU = 4.0
"""ErrorSSDP's mu on digits: the best of 2, 4, 8 by accuracy during the stream, in float."""

SSDP_A_PLUS, SSDP_A_BASE = 1e-4, 5e-5
"""Amplitudes of the SSDP paper's vision code, for the gate and for gate 1 alike."""


@dataclass(frozen=True, eq=False)
class Task:
    """One network, one shift, one order of the stream: what a seed stands for."""

    network: Network
    data: Dataset
    shift: WornSensor
    seed: int

    @property
    def stream(self) -> Samples:
        """The shifted stream in this seed's order."""
        order = np.random.default_rng(self.seed).permutation(len(self.data.stream))
        return Samples(self.shift.apply(self.data.stream.x[order]), self.data.stream.y[order])

    @property
    def test(self) -> Samples:
        return Samples(self.shift.apply(self.data.test.x), self.data.test.y)


@dataclass(frozen=True, eq=False)
class Trial:
    """Accuracies 0 to 1 of one method on one task.

    before, after: on the shifted test samples. original: on the unshifted ones, after.
    hits: (n_stream,) whether each sample was classified right before it was learned.
    """

    method: str
    seed: int
    before: float
    after: float
    original: float
    hits: NDArray[np.bool_]

    @property
    def online(self) -> float:
        """Accuracy over the stream, each sample classified before it was learned."""
        return float(self.hits.mean())


@dataclass(frozen=True)
class Method:
    """A way to adapt."""

    key: str
    title: str
    run: Callable[[Task], Trial]


def learning_of(network: Network, hidden: Rule | None, seed: int = 2463534242) -> Learning:
    """ReadoutDelta on the readout and `hidden` where `Learning.default` learns before it."""
    rules: dict[str, Rule] = {}
    for name in Learning.default(network).rules:
        if network.projection(name).post == network.readout.population:
            rules[name] = ReadoutDelta()
        elif hidden is not None:
            rules[name] = hidden
    return Learning(rules, seed=seed)


def ours(network: Network) -> Learning:
    """Error-modulated SSDP on the hidden projection, the delta rule on the readout."""
    return learning_of(network, ErrorSSDP(mu=DEMO_MU))


def quantized(task: Task, learning: Learning) -> QNetwork:
    return quantize(task.network, learning, Settings(), task.data.train.x).network


def _on_device(key: str, learning: Callable[[Network], Learning]) -> Callable[[Task], Trial]:
    def run(task: Task) -> Trial:
        network = quantized(task, learning(task.network))
        emulator = Emulator(network)
        test = input_x(network, task.test.x)
        before = harness.accuracy(emulator, test, task.test.y)
        if any(r.needs.warm_up for r in learning(task.network).rules.values()):
            warm_up = task.data.train
            emulator.run(input_x(network, warm_up.x[:N_WARM_UP]), warm_up.y[:N_WARM_UP],
                         mode=WARM_UP)
            emulator.fit_gate()
        stream = task.stream
        learned = harness.learn_stream(emulator, input_x(network, stream.x), stream.y)
        return Trial(key, task.seed, before, harness.accuracy(emulator, test, task.test.y),
                     harness.accuracy(emulator, input_x(network, task.data.test.x),
                                      task.data.test.y), learned.hits)
    return run


def _frozen(task: Task) -> Trial:
    network = quantized(task, ours(task.network))
    emulator = Emulator(network)
    stream, test = task.stream, task.test
    shifted = harness.accuracy(emulator, input_x(network, test.x), test.y)
    original = harness.accuracy(emulator, input_x(network, task.data.test.x), task.data.test.y)
    hits = emulator.classify(input_x(network, stream.x)) == stream.y
    return Trial("frozen", task.seed, shifted, shifted, original, hits)


def _in_float(key: str, learner_of: Callable[[Network], FloatLearner]) -> Callable[[Task], Trial]:
    def run(task: Task) -> Trial:
        learner, stream, test = learner_of(task.network), task.stream, task.test

        def score(samples: Samples) -> float:
            return float((learner.model.run(samples.x).classes == samples.y).mean())

        before = score(test)
        hits = np.array([learner.learn(x, int(y)) == y
                         for x, y in zip(stream.x, stream.y, strict=True)])
        return Trial(key, task.seed, before, score(test), score(task.data.test), hits)
    return run


METHODS: tuple[Method, ...] = (
    Method("frozen", "frozen", _frozen),
    Method("readout_delta", "readout delta alone",
           _on_device("readout_delta", lambda n: learning_of(n, None))),
    Method("ssdp", "delta + SSDP (gate 1)",
           _on_device("ssdp", lambda n: learning_of(n, SSDP(SSDP_A_PLUS, SSDP_A_BASE)))),
    Method("dassdp", "delta + DA-SSDP (gated)",
           _on_device("dassdp", lambda n: learning_of(n, DASSDP(SSDP_A_PLUS, SSDP_A_BASE)))),
    Method("pair_stdp", "delta + pair STDP (host, float)",
           _in_float("pair_stdp", lambda n: FloatLearner(n, learning_of(n, PairSTDP())))),
    Method("ours_float", "ours in float (host)",
           _in_float("ours_float", lambda n: FloatLearner(n, ours(n)))),
    Method("ours", "delta + error-modulated SSDP (ours)", _on_device("ours", ours)),
)
