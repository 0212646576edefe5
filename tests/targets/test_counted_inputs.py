"""Input values at an end of int8 are counted on the device, whoever quantized them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from support.devices import network as linked_network
from support.devices import samples as linked_samples
from support.devices import stream as linked_stream
from support.devices import target as linked_target
from support.scenarios import SCENARIOS

from edge_dassdp.qir import QNetwork, input_bytes
from edge_dassdp.targets.emulator import LEARN, Emulator
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Target

MADE: dict[str, Callable[[QNetwork], Target]] = {
    "reference": ReferenceTarget, "emulator": Emulator,
    "emulator-checked": lambda network: Emulator(network, checked=True),
    "threads": lambda network: Emulator(network, n_threads=3)}
ENDS = (127, -127, -128)


def any_bytes(network: QNetwork, n: int) -> NDArray[np.int8]:
    """Every value of int8 is as frequent in these samples."""
    x = np.random.default_rng(3).integers(-128, 128, (n, network.x_bytes))
    return np.asarray(x, np.int8)


def n_at_ends(network: QNetwork, x: NDArray[np.int8]) -> int:
    """Input by input."""
    n = 0
    for i in network.inputs:
        if not i.spikes or i.encoder:
            at = network.x_offsets[i.name]
            n += int(np.isin(x[:, at : at + input_bytes(i)], ENDS).sum())
    return n


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("name", ["frozen", "graph", "graph_frames_count", "encoded_latency",
                                  "encoded_rate", "encoded_delta"])
def test_currents_and_codes_of_encoders_are_counted(
        name: str, make: Callable[[QNetwork], Target]) -> None:
    network = SCENARIOS[name].quantized
    target, x = make(network), any_bytes(network, 40)
    expected = n_at_ends(network, x)
    assert expected > 3
    assert target.statistics().n_x_saturated == 0
    target.run(x)
    assert target.statistics().n_x_saturated == expected
    target.infer(x[0], n_steps=1)
    assert target.statistics().n_x_saturated == expected + n_at_ends(network, x[:1])
    target.reset()
    assert target.statistics().n_x_saturated == 0


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
@pytest.mark.parametrize("name", ["sinabs", "spikes_6"])
def test_spikes_and_events_are_no_values(name: str, make: Callable[[QNetwork], Target]) -> None:
    network = SCENARIOS[name].quantized
    assert all(i.spikes and not i.encoder for i in network.inputs)
    target = make(network)
    target.run(np.full((4, network.x_bytes), 127, np.int8))
    assert target.statistics().n_x_saturated == 0


def test_the_three_ends_count_and_their_neighbours_do_not() -> None:
    network = SCENARIOS["frozen"].quantized
    target = Emulator(network, checked=True)
    for value in range(-128, 128):
        target.reset()
        x = np.zeros(network.x_bytes, np.int8)
        x[-1] = value
        target.infer(x)
        assert target.statistics().n_x_saturated == int(value in ENDS), value


def test_samples_learned_again_are_no_new_inputs() -> None:
    name = next(n for n, case in SCENARIOS.items()
                if case.quantized.replay is not None and any(not i.spikes for i in
                                                             case.quantized.inputs))
    network = SCENARIOS[name].quantized
    target, x = Emulator(network), any_bytes(network, 20)
    labels = np.arange(20) % network.n_classes
    target.run(x, labels, mode=LEARN)
    target.idle(5)
    assert target.statistics().n_replayed > 0
    assert target.statistics().n_x_saturated == n_at_ends(network, x) > 0


def test_the_count_comes_over_the_link() -> None:
    network, device = linked_network("error"), linked_target(linked_stream())
    x = np.array(linked_samples(3)[0])
    x[:, -2:] = 127
    for sample in x:
        device.infer(sample)
    assert device.statistics().n_x_saturated == n_at_ends(network, x) > 0
    device.reset()
    assert device.statistics().n_x_saturated == 0
