"""What a device has learned goes to the host and back, and learning continues as if nothing was."""

from __future__ import annotations

import numpy as np
import pytest
from support.devices import learned, samples, stream, target

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.link import LinkTarget

PLASTIC = ("fc2", "fc3")


def teach(device: LinkTarget, begin: int, end: int) -> None:
    x, labels = samples(end)
    for i in range(begin, end):
        device.learn(x[i], labels[i])


@pytest.mark.parametrize("kind", ["error", "gated"])
def test_learning_continues_from_a_snapshot_after_a_power_cut(kind: str) -> None:
    wire = stream(kind)
    device = target(wire, kind)
    x, labels = samples(20)
    if kind == "gated":
        for i in range(20):
            device.warm_up(x[i], labels[i])
        device.fit_gate()
    teach(device, 0, 33)  # in the middle of a batch
    weights = {name: device.read_weights(name) for name in PLASTIC}
    learning = device.read_learning()
    teach(device, 33, 60)
    expected = learned(device)

    wire.reboot()
    with pytest.raises(EdgeError, match="restarted") as caught:
        device.infer(x[0])
    assert caught.value.code == "E505"
    assert device.statistics().n_labelled == 0, "the device is as from the factory"
    for name, w in weights.items():
        device.write_weights(name, w)
    device.write_learning(learning)
    teach(device, 33, 60)
    assert learned(device) == expected


def test_reset_gives_the_factory_state() -> None:
    device = target(stream())
    factory = learned(device)
    teach(device, 0, 10)
    assert learned(device) != factory
    device.reset()
    assert learned(device) == factory


def test_weights_written_are_weights_read() -> None:
    device = target(stream())
    rng = np.random.default_rng(1)
    for name, bound, shape in (("fc2", 8, (20, 16)), ("fc3", 128, (16, 3))):
        w = rng.integers(-bound, bound, shape).astype(np.int16)
        device.write_weights(name, w)
        assert np.array_equal(device.read_weights(name), w)
        assert np.array_equal(device.named_state()[f"w_{name}"], w)
