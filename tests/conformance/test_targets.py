"""One test body, targets are parameters: every target gives the reference's bits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from support.differences import first_difference, locate, outcome_differs
from support.finished import finished
from support.scenario import Scenario
from support.scenarios import SCENARIOS
from support.where import TARGETS, chosen

from edge_dassdp.build.board import load_board
from edge_dassdp.build.compile import Firmware, build_firmware
from edge_dassdp.emit import emit
from edge_dassdp.learned.portable import Learned, encode
from edge_dassdp.plan import Plan
from edge_dassdp.reference import Reference
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.targets.target import Target


@cache
def firmware(scenario: str, board: str) -> Firmware:
    return build_firmware(emit(Plan.of(SCENARIOS[scenario].quantized)), load_board(board))


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The target named by the test's parameters, running the scenario named there."""
    name, scenario = request.param
    network = SCENARIOS[scenario].quantized
    for tools in ("arm_toolchain", "qemu") if name.startswith("qemu-") else ():
        request.getfixturevalue(tools)
    with (Qemu.start(network, firmware(scenario, name.removeprefix("qemu-")))
          if name.startswith("qemu-") else
          Emulator(network, checked=name == "emulator-checked")) as made:
        yield made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Scenario by scenario, so that one worker quantizes it and runs its reference once."""
    if "scenario" not in metafunc.fixturenames:
        return
    nightly = metafunc.config.getoption("nightly")
    runs = {target: chosen(target, nightly=nightly) for target in TARGETS}
    metafunc.parametrize(("target", "scenario"), indirect=["target"], argvalues=[
        pytest.param((target, scenario), scenario, id=f"{target}-{scenario}", marks=[
            pytest.mark.xdist_group(scenario),
            *([pytest.mark.cross] if target.startswith("qemu-") else ())])
        for scenario in SCENARIOS for target in TARGETS if scenario in runs[target]])


def test_every_bit_is_the_reference_s(target: Target, scenario: str) -> None:
    case, expected = SCENARIOS[scenario], finished(scenario)
    for n_done, (call, outcome) in enumerate(zip(expected.calls, expected.outcomes, strict=True)):
        differing = outcome_differs(outcome, call.run(target))
        if differing:
            where = locate(Reference(case.quantized), target, expected.calls[:n_done + 1])
            pytest.fail(f"{target.name}, call {n_done} ({call.op}): {', '.join(differing)} "
                        f"differ; {where}")
    assert_same_state(case, expected.reference, target)


def assert_same_state(case: Scenario, reference: Reference, target: Target) -> None:
    text = first_difference(reference.named_state(), target.named_state())
    assert not text, f"{target.name}, at the end: {text}"
    for p in case.quantized.plastic:
        np.testing.assert_array_equal(target.read_weights(p.name), reference.read_weights(p.name))
    counters = ("n_labelled", "n_skipped", "n_updates", "n_vanished", "n_saturated",
                "n_replayed", "n_replay_skipped", "n_fallbacks", "hits", "factory_hits",
                "n_x_saturated", "n_held", "is_open")
    if isinstance(target, Emulator):
        learning = Plan.of(case.quantized).layout.encode(reference.named_state())
        assert target.exported() == encode(case.quantized, Learned(
            {p.name: reference.read_weights(p.name) for p in case.quantized.plastic}, learning))
    found, expected = target.statistics(), reference.statistics()
    assert [getattr(found, n) for n in counters] == [getattr(expected, n) for n in counters]


def test_a_difference_is_named_by_step_population_and_index() -> None:
    case = SCENARIOS["graph"]
    w = case.quantized.projection("bc").w.astype(np.int64)
    w[5, 7] += 1

    class Damaged(Reference):
        def reset(self) -> None:
            super().reset()
            self.w["bc"] = w.copy()

    reference, damaged = Reference(case.quantized), Damaged(case.quantized)
    calls = list(case.calls())
    differing = (outcome_differs(c.run(reference), c.run(damaged)) for c in calls)
    n_done = next(i for i, names in enumerate(differing, 1) if names)
    text = locate(reference, damaged, calls[:n_done])
    assert "step " in text and "population 'c': " in text and "v_c[7] is " in text


def test_a_snapshot_taken_inside_a_batch_continues_bit_by_bit() -> None:
    case = SCENARIOS["described_4"]
    calls = list(case.calls())
    first, second = (Emulator(case.quantized, checked=True) for _ in range(2))
    for call in calls[:15]:
        call.run(first)
    for p in case.quantized.plastic:
        second.write_weights(p.name, first.read_weights(p.name))
    second.write_learning(first.read_learning())
    for call in calls[15:]:
        assert outcome_differs(call.run(first), call.run(second)) == []
