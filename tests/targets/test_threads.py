"""Inference in threads gives the bits of one thread, in order, and leaves the same state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.emulator import LEARN, Emulator, n_cores

NAMES = ("graph_frames_count", "described_4", "discards", "pairs_subtract_now", "spikes_6",
         "graph_16", "frozen")
FIELDS = ("class_idx", "logits", "forward_digest", "learned_digest")


def assert_same_state(one: Emulator, other: Emulator) -> None:
    expected, found = one.named_state(), other.named_state()
    assert expected.keys() == found.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_threads_give_the_bits_of_one(name: str, checked: bool) -> None:
    network = SCENARIOS[name].quantized
    calls = [call for call in SCENARIOS[name].calls() if call.op != "fit_gate"]
    x = np.stack([call.x for call in calls])
    one, three = (Emulator(network, checked=checked, n_threads=n) for n in (1, 3))
    for emulator in (one, three):
        for call in SCENARIOS[name].calls():
            call.run(emulator)
    for samples in (x, x[::-1], x[:2], x[:1], x[:0]):
        expected, found = one.run(samples, digest=True), three.run(samples, digest=True)
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
        assert_same_state(one, three)
        assert three.statistics() == one.statistics()
    np.testing.assert_array_equal(three.classify(x), one.classify(x))


def test_learning_goes_on_from_where_threads_left() -> None:
    case = SCENARIOS["described_4"]
    x = np.stack([call.x for call in case.calls() if call.op == "learn"])
    labels = np.arange(len(x)) % case.quantized.n_classes
    one, two = (Emulator(case.quantized, n_threads=n) for n in (1, 2))
    for _ in range(2):
        for emulator in (one, two):
            emulator.run(x)
        learned = [e.run(x, labels, mode=LEARN, digest=True).learned_digest for e in (one, two)]
        np.testing.assert_array_equal(*learned)
    assert_same_state(one, two)


@pytest.mark.parametrize("where", [0, 3])
def test_an_overflow_in_any_thread_is_reported(where: int,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a proof were wrong."""
    monkeypatch.setattr("edge_dassdp.emit.model.require_proven", lambda network: None)
    network = SCENARIOS["frozen"].quantized
    first, second, *others = network.populations
    unproven = replace(network, populations=(first, replace(second, acc_lshift=29), *others))
    x = np.zeros((4, network.x_bytes), np.int8)
    x[where] = next(SCENARIOS["frozen"].calls()).x
    with pytest.raises(EdgeError, match="left its proven range") as caught:
        Emulator(unproven, checked=True, n_threads=2).run(x)
    assert caught.value.code == "E506"


def test_zero_threads_are_all_cores_and_fewer_are_refused() -> None:
    network = SCENARIOS["frozen"].quantized
    assert Emulator(network, n_threads=0).n_threads == n_cores() >= 1
    with pytest.raises(EdgeError, match="-1 threads") as caught:
        Emulator(network, n_threads=-1)
    assert caught.value.code == "E105"
