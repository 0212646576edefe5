"""A lesson in slices leaves what a whole one leaves: every rule, batch, replay, guard and gate."""

from __future__ import annotations

import pytest
from support import lanes
from support.differences import first_difference, outcome_differs
from support.finished import finished
from support.scenarios import SCENARIOS
from support.sliced import WHOLE, Sliced, budgets

PLASTIC = [name for name, case in SCENARIOS.items() if case.quantized.plastic]
BUDGETS = ["1", "random", *(["1500", "20000", str(WHOLE - 1)] if lanes.nightly else [])]


@pytest.mark.parametrize("kind", BUDGETS)
@pytest.mark.parametrize("scenario", PLASTIC)
def test_slices_give_the_bits_of_the_whole(scenario: str, kind: str) -> None:
    expected = finished(scenario)
    with Sliced(SCENARIOS[scenario].quantized, budgets(kind)) as emulator:
        for n_done, (call, outcome) in enumerate(zip(expected.calls, expected.outcomes,
                                                     strict=True)):
            differing = outcome_differs(outcome, call.run(emulator))
            assert not differing, f"call {n_done} ({call.op})"
        assert not first_difference(expected.reference.named_state(), emulator.named_state())
        if kind == "1":
            n_lessons = sum(call.op in ("learn", "idle") for call in expected.calls)
            assert emulator.n_slices > n_lessons
