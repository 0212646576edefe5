"""A lesson in slices leaves what a whole one leaves: every rule, batch, replay, guard and gate."""

from __future__ import annotations

import pytest
from support import lanes
from support.differences import first_difference, outcome_differs
from support.finished import finished
from support.scenarios import SCENARIOS
from support.sliced import WHOLE, Sliced, budgets

MORE, VALUE, ORDER, ABSENT = 1, -3, -4, -7
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


@pytest.mark.parametrize("scenario", ["guard_all", "guard"])
def test_between_slices_nothing_else_runs_and_nothing_changes(scenario: str) -> None:
    """Every call that could change the state, or tell half of a lesson, waits for its end; what the
    model was built without is absent as ever."""
    case = SCENARIOS[scenario]
    absent = ("idle", "idle_begin") if case.quantized.replay is None else ("save", "rollback")
    x = next(call.x for call in case.calls() if call.op == "learn")
    with Sliced(case.quantized, budgets("1")) as emulator:
        result, w = emulator.new("dassdp_result_t *"), emulator.new("int32_t *")
        piece = emulator.new("uint8_t[8]")
        plastic = [q.name for q in case.quantized.projections].index(
            case.quantized.plastic[0].name)
        assert emulator.call("dassdp_learn_step", 1, result) == ORDER
        emulator._forward(x)
        assert emulator.call("dassdp_learn_begin", 0, -1) == 0
        assert emulator.call("dassdp_learn_step", 0, result) == VALUE
        assert emulator.call("dassdp_learn_step", 1, result) == MORE
        before, sample = emulator.memory(), emulator._ffi.from_buffer("int8_t[]", x)
        for name, *args in (
                ("begin", sample), ("step",), ("end", result), ("infer", sample, result),
                ("learn", 0, -1, result), ("learn_begin", 0, -1), ("warm_up", 0, -1, result),
                ("fit_gate",), ("idle", 1), ("idle_begin", 1), ("save",), ("rollback",),
                ("weight_get", plastic, 0, 0, w), ("weight_set", plastic, 0, 0, 0),
                ("check_learning",), ("export", 0, piece, 8), ("import", piece, 8)):
            expected = ABSENT if name in absent else ORDER
            assert emulator.call(f"dassdp_{name}", *args) == expected, name
        emulator.call("dassdp_note", sample)  # became part of the next lesson that was not noted
        assert emulator.call("dassdp_digest_learned", 7) == 0
        assert emulator.memory() == before
        while emulator.call("dassdp_learn_step", 1, result) == MORE:
            pass
        assert emulator.call("dassdp_learn_step", 1, result) == ORDER
        whole = Sliced(case.quantized, budgets(str(WHOLE)))
        whole.learn(x, 0)
        assert not first_difference(whole.named_state(), emulator.named_state())


def test_a_new_start_ends_a_lesson() -> None:
    case = SCENARIOS["graph"]
    with Sliced(case.quantized, budgets("1")) as emulator:
        fresh = emulator.memory()
        emulator._forward(next(case.calls()).x)
        emulator.call("dassdp_learn_begin", 0, -1)
        emulator.call("dassdp_learn_step", 1, emulator.new("dassdp_result_t *"))
        emulator.reset()
        assert emulator.memory() == fresh
