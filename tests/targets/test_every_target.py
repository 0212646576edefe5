"""What every target has, whichever it is: a batch, a learning state, snapshots."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import INFER, LEARN, BatchOutcome, Target

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
                 "is_fallen_back", "forward_digest"):
        one, other = (getattr(batch, name) for batch in batches)
        np.testing.assert_array_equal(one, other, name)
        assert one.dtype == other.dtype, name


def test_a_batch_of_none_is_empty() -> None:
    network = SCENARIOS["graph"].quantized
    for target in (ReferenceTarget(network), Emulator(network)):
        done: BatchOutcome = target.run(np.zeros((0, network.x_bytes), np.int8))
        assert done.class_idx.shape == (0,) and done.is_updated.dtype == bool
