"""What stands beside the device's learning on the watch, in the emulator: the device's bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import harness
from edge_dassdp.data.watch import Scenario
from edge_dassdp.demo.adaptation import Trial
from edge_dassdp.demo.watch_stream import N_FIT, factory_profile
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.target import Target

Seen = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Samples to the samples that the network is given in their place."""


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials over one stream, which `seed` drew."""

    scenario: Scenario
    seed: int

    def shares(self, target: Target, network: QNetwork) -> tuple[float, float]:
        """Accuracies 0 to 1 on the shifted test windows, behind the profile in use, and on the
        original ones, behind the factory's."""
        test, original = self.scenario.test, self.scenario.original
        shifted = harness.accuracy(target, input_x(network, test.x), test.y)
        with factory_profile(target, network):
            return shifted, harness.accuracy(target, input_x(network, original.x), original.y)

    def learning(self, method: str, network: QNetwork) -> Trial:
        """From factory weights over the whole stream, behind the factory profile."""
        samples, emulator = self.scenario.stream, Emulator(network)
        before, _ = self.shares(emulator, network)
        learned = harness.learn_stream(emulator, input_x(network, samples.x), samples.y)
        return Trial(method, self.seed, before, *self.shares(emulator, network), learned.hits)

    def oriented(self, method: str, network: QNetwork) -> Trial:
        """Factory weights behind the profile that is fitted first."""
        stream, emulator = self.scenario.stream, Emulator(network)
        before, _ = self.shares(emulator, network)
        device = harness.Device(network, emulator)
        device.fit_profile(stream.x[:N_FIT], stream.y[:N_FIT])
        hits = device.classify(stream.x) == stream.y
        return Trial(method, self.seed, before, *self.shares(emulator, network), hits)

    def frozen(self, method: str, network: QNetwork, seen: Seen = lambda x: x) -> Trial:
        """Factory weights, shifted windows as `seen` gives them; original ones as they are."""
        stream, test = self.scenario.stream, self.scenario.test
        emulator = Emulator(network)
        _, original = self.shares(emulator, network)
        shifted = harness.accuracy(emulator, input_x(network, seen(test.x)), test.y)
        hits = emulator.classify(input_x(network, seen(stream.x))) == stream.y
        return Trial(method, self.seed, shifted, shifted, original, hits)
