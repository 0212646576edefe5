"""A device that knows its session no more says why, as far as it can know."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.devices import samples, stream, target

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.loopback import LoopbackStream


@pytest.mark.parametrize(("happens", "words"), [
    (LoopbackStream.press_reset, "it restarted by its reset pin"),
    (LoopbackStream.reboot, "its power was cut"),
    (target, "another host took it over")])
def test_a_lost_session_comes_with_its_reason(happens: Callable[[LoopbackStream], object],
                                              words: str) -> None:
    wire = stream()
    device = target(wire)
    x, labels = samples(3)
    device.learn(x[0], labels[0])
    happens(wire)
    with pytest.raises(EdgeError) as caught:
        device.learn(x[1], labels[1])
    assert caught.value.code == "E505" and words in caught.value.cause
    device.learn(x[2], labels[2])
    assert device.statistics().n_labelled == (2 if happens is target else 1)


def test_the_digest_of_hello_is_that_of_statistics_and_of_the_last_lesson() -> None:
    wire = stream()
    device = target(wire)
    factory = device.info.learned_digest
    x, labels = samples(5)
    digests = [device.learn(x[i], labels[i], digest=True).learned_digest for i in range(5)]
    assert device.statistics().learned_digest == digests[-1] != factory
    assert target(wire).info.learned_digest == digests[-1]
    wire.press_reset()
    again = target(wire).info
    assert (again.learned_digest, again.start.n_boots, again.start.cause) == (factory, 2, "pin")
