"""What every target has, whichever it is: a batch, a learning state, snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from support.devices import network as linked_network
from support.devices import stream as linked_stream
from support.devices import target as linked_target
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.stream import learn_stream
from edge_dassdp.harness.verify import verify
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.open import open_target
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import (
    INFER,
    LEARN,
    NO_LABEL,
    WARM_UP,
    BatchOutcome,
    Target,
)

PLASTIC = sorted(name for name, case in SCENARIOS.items() if case.quantized.plastic)


def taught(target: Target, name: str) -> Target:
    for call in SCENARIOS[name].calls():
        call.run(target)
    return target


@pytest.mark.parametrize("name", PLASTIC)
def test_the_reference_keeps_the_learning_state_as_the_device_does(name: str) -> None:
    network = SCENARIOS[name].quantized
    reference = taught(ReferenceTarget(network), name)
    emulator = taught(Emulator(network), name)
    assert reference.read_learning() == emulator.read_learning()
    fresh = ReferenceTarget(network)
    fresh.write_learning(emulator.read_learning())
    assert fresh.read_learning() == emulator.read_learning()


def test_learning_continues_bit_by_bit_on_another_target() -> None:
    case = SCENARIOS["described_4"]
    calls = list(case.calls())
    reference, emulator = ReferenceTarget(case.quantized), Emulator(case.quantized)
    for call in calls[:15]:
        call.run(emulator)
    for p in case.quantized.plastic:
        reference.write_weights(p.name, emulator.read_weights(p.name))
    reference.write_learning(emulator.read_learning())
    for call in calls[15:]:
        call.run(emulator)
        call.run(reference)
    assert reference.read_learning() == emulator.read_learning()
    for p in case.quantized.plastic:
        assert np.array_equal(reference.read_weights(p.name), emulator.read_weights(p.name))


def test_the_reference_refuses_what_no_device_leaves_and_takes_nothing_of_it() -> None:
    network = SCENARIOS["guard_all"].quantized
    reference = taught(ReferenceTarget(network), "guard_all")
    before = reference.read_learning()
    for data, code in ((b"abc", "E104"), (bytes(len(before)), "E503"),
                       (b"\xff" * len(before), "E503")):
        with pytest.raises(EdgeError) as caught:
            reference.write_learning(data)
        assert caught.value.code == code and reference.read_learning() == before


@pytest.mark.parametrize("mode", [INFER, LEARN])
def test_a_batch_is_the_same_in_one_call_of_the_c_and_sample_by_sample(mode: int) -> None:
    case = SCENARIOS["guard_all"]
    rng = np.random.default_rng(2)
    x = np.concatenate([input_x(case.quantized, case.sample(rng)) for _ in range(8)])
    labels = np.arange(8) % case.quantized.n_classes
    told: list[int] = []
    batches = [target.run(x, labels, mode=mode, digest=True, progress=told.append)
               for target in (ReferenceTarget(case.quantized), Emulator(case.quantized))]
    assert told == [*range(1, 9), 8]
    for name in ("class_idx", "logits", "loss_q8", "is_skipped", "is_updated", "n_replayed",
                 "is_fallen_back", "is_held", "forward_digest"):
        one, other = (getattr(batch, name) for batch in batches)
        np.testing.assert_array_equal(one, other, name)
        assert one.dtype == other.dtype, name


def test_a_batch_of_none_is_empty() -> None:
    network = SCENARIOS["graph"].quantized
    for target in (ReferenceTarget(network), Emulator(network)):
        done: BatchOutcome = target.run(np.zeros((0, network.x_bytes), np.int8))
        assert done.class_idx.shape == (0,) and done.is_updated.dtype == bool


SPECS = ["reference", "emulator", "emulator-checked", "link"]
NO_LABELS: list[tuple[Any, str]] = [
    (2.7, "E104"), (2.0, "E104"), (np.float64(2.0), "E104"), ("2", "E104"), (None, "E104"),
    (True, "E104"), (np.True_, "E104"), (np.array([2]), "E104"), ([2], "E104"), (1j, "E104"),
    (float("nan"), "E104"), (-2, "E503"), (3, "E503"), (np.int64(3), "E503"), (70_000, "E503"),
    (2**40, "E503")]
"""What no class of three is, and how it is refused."""


@pytest.fixture(params=SPECS)
def any_target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Every target of this computer, of the same network."""
    network = linked_network("error")
    with linked_target(linked_stream()) if request.param == "link" else \
            open_target(request.param, network) as target:
        yield target


@pytest.mark.usefixtures("arm_toolchain", "qemu")
def test_a_board_refuses_what_every_target_refuses() -> None:
    with open_target("qemu:microbit", linked_network("error")) as board:
        test_every_target_refuses_the_same_labels_and_losses(board)
    with open_target("qemu:microbit", linked_network("error")) as board:
        test_every_target_refuses_the_same_samples_weights_and_steps(board)


@cache
def sample() -> np.ndarray:
    return np.arange(linked_network("error").x_bytes, dtype=np.int8)


def refusal(call: Any, *args: Any, **options: Any) -> tuple[str, str, str, str]:
    with pytest.raises(EdgeError) as caught:
        call(*args, **options)
    return caught.value.code, caught.value.message, caught.value.cause, caught.value.help


def everything(target: Target) -> tuple[bytes, ...]:
    """That it has learned."""
    plastic = linked_network("error").plastic
    return (target.read_learning(), *(target.read_weights(q.name).tobytes() for q in plastic))


def test_every_target_refuses_the_same_labels_and_losses(any_target: Target) -> None:
    """With the sentence of the reference, before anything was learned."""
    reference = ReferenceTarget(linked_network("error"))
    for target in (reference, any_target):
        target.learn(sample(), 1)
    before = everything(any_target)
    for value, code in NO_LABELS:
        for lesson in ("learn", "warm_up"):
            said = refusal(getattr(any_target, lesson), sample(), value)
            assert said == refusal(getattr(reference, lesson), sample(), value)
            assert said[0] == code and said[3]
            if value != -2:
                said = refusal(getattr(any_target, lesson), sample(), 1, loss_q8=(
                    value if code == "E104" else 40_000))
                assert said[0] == code
        row = [1, value] if np.ndim(value) == 0 else value
        said = refusal(any_target.run, np.stack([sample()] * 2), row, mode=LEARN)
        assert said == refusal(reference.run, np.stack([sample()] * 2), row, mode=LEARN)
    assert "without a label needs a loss" in refusal(any_target.warm_up, sample())[1]
    assert everything(any_target) == before
    for label in (2, np.int64(0), np.uint8(1), NO_LABEL):
        assert any_target.learn(sample(), label).class_idx == \
            reference.learn(sample(), label).class_idx
    assert everything(any_target) == everything(reference)


def test_every_target_refuses_the_same_samples_weights_and_steps(any_target: Target) -> None:
    reference = ReferenceTarget(linked_network("error"))
    x, w = sample(), np.zeros(linked_network("error").projection("fc2").w.shape, np.int16)
    before = everything(any_target)
    for wrong in (x[:-1], x[None], x.astype(np.float32), x.astype(np.int16), x.view(np.uint8),
                  x.tolist(), None):
        for call in ("infer", "learn", "warm_up"):
            said = refusal(getattr(any_target, call), wrong, *([1] if call != "infer" else []))
            assert said == refusal(getattr(reference, call), wrong,
                                   *([1] if call != "infer" else []))
            assert said[0] == "E104" and said[3]
    for wrong in (w.T, w.astype(np.float32), w + 8, w - 9, w + 300):
        assert refusal(any_target.write_weights, "fc2", wrong)[0] == \
            refusal(reference.write_weights, "fc2", wrong)[0]
    for n in (-1, 2.5, None, "1"):
        assert refusal(any_target.idle, n) == refusal(reference.idle, n)
    assert everything(any_target) == before


def test_a_stream_and_a_comparison_take_no_label_for_another_one() -> None:
    network = linked_network("error")
    x = np.stack([sample()] * 2)
    for row in ([1, 2.7], ["1", "2"], [1, None], [True, False], [1, 3], [1]):
        assert refusal(learn_stream, ReferenceTarget(network), x, row)[0] in ("E104", "E503")
        assert refusal(verify, ReferenceTarget(network), [Emulator(network)], network, x,
                       row)[0] in ("E104", "E503")


def test_a_bad_label_in_a_batch_stops_it_before_the_first_sample() -> None:
    network: QNetwork = linked_network("error")
    for target in (ReferenceTarget(network), Emulator(network)):
        before = everything(target)
        for mode in (LEARN, WARM_UP):
            assert refusal(target.run, np.stack([sample()] * 3), [0, 1, 3], mode=mode)[0] == "E503"
        assert everything(target) == before
