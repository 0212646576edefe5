"""Where two targets part: the first step, population and index, or the first array and index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.scenario import Call, Scenario

from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import random_samples
from edge_dassdp.reference import Reference
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.target import Outcome, Target

COMPARED = ("class_idx", "loss_q8", "is_skipped", "is_updated", "n_replayed", "is_fallen_back",
            "is_held", "forward_digest", "learned_digest", "lessons_digest")
State = dict[str, NDArray[Any]]


def outcome_differs(expected: Outcome | None, found: Outcome | None) -> list[str]:
    """Names of the fields in which two outcomes differ."""
    if expected is None or found is None:
        return [] if expected is found else ["outcome"]
    names = [n for n in COMPARED if getattr(expected, n) != getattr(found, n)]
    return names + ([] if np.array_equal(expected.logits, found.logits) else ["logits"])


def first_difference(expected: State, found: State, names: Iterable[str] | None = None) -> str:
    """'' or the first array, index and values that differ."""
    if names is None and set(expected) != set(found):
        return f"arrays {sorted(set(expected) ^ set(found))} are in one state only"
    for name in expected if names is None else names:
        where = np.argwhere(expected[name] != found[name])
        if len(where):
            at = tuple(int(i) for i in where[0])
            index = at[0] if len(at) == 1 else at
            return (f"{name}[{index}] is {found[name][at]}, expected {expected[name][at]} "
                    f"({len(where)} of {expected[name].size} differ)")
    return ""


def assert_same(case: Scenario) -> Reference:
    """Outcomes, state and weights on the checked emulator are the reference's, which is given as it
    ended."""
    reference = Reference(case.quantized)
    with Emulator(case.quantized, checked=True) as emulator:
        for call in case.calls():
            assert not outcome_differs(call.run(reference), call.run(emulator))
        assert not first_difference(reference.named_state(), emulator.named_state())
        for q in case.quantized.plastic:
            np.testing.assert_array_equal(emulator.read_weights(q.name),
                                          reference.read_weights(q.name))
    return reference


def assert_runs(network: QNetwork, n: int = 4, title: str = "") -> None:
    """Any network: random samples, which it learns if it does, give the same on the checked
    emulator and the reference."""
    with Emulator(network, checked=True) as emulator:
        reference = Reference(network)
        for i, x in enumerate(random_samples(network, n)):
            call = Call("learn", x, i % network.n_classes) if network.plastic else Call("infer", x)
            differing = outcome_differs(call.run(reference), call.run(emulator))
            assert not differing, f"{title}, sample {i}: {', '.join(differing)} differ"


def locate(reference: Reference, target: Target, calls: Sequence[Call]) -> str:
    """Replay `calls` on both from the start and name the first difference of the last one."""
    for side in (reference, target):
        side.reset()
        for call in calls[:-1]:
            call.run(side)
    x = calls[-1].x
    for t_step in range(reference.network.n_steps):
        reference.infer(x, n_steps=t_step + 1)
        target.infer(x, n_steps=t_step + 1)
        expected, found = reference.named_state(), target.named_state()
        for p in reference.network.populations:
            text = first_difference(expected, found, (f"spk_{p.name}", f"v_{p.name}"))
            if text:
                return f"step {t_step}, population '{p.name}': {text}"
    for side in (reference, target):
        calls[-1].run(side)
    return first_difference(reference.named_state(), target.named_state()) or "nothing in the state"
