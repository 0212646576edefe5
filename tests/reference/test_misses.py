"""Steps by the share of misses, and the gate, against their equations in real numbers."""

from __future__ import annotations

import numpy as np
import pytest

from edge_dassdp.qir import QCusum, QErrorStep
from edge_dassdp.qir.packing import LEARNING_DTYPE
from edge_dassdp.reference.memory import CATCH_UP, Gate, count_miss, error_step_q8
from edge_dassdp.rules import CUSUM, ErrorScaled

STEP = QErrorStep(32, 13, 26)


def shares(misses: np.ndarray, start: int = 26) -> np.ndarray:
    learning = np.zeros((), LEARNING_DTYPE)
    learning["miss_share_q8"] = start
    found = []
    for miss in misses:
        count_miss(learning, bool(miss))
        found.append(int(learning["miss_share_q8"]))
    return np.array(found)


@pytest.mark.parametrize("rate", [0.0, 0.03, 0.1, 0.3, 0.6, 1.0])
def test_the_byte_follows_the_mean_of_misses(rate: float) -> None:
    misses = np.random.default_rng(1).random(4000) < rate
    found, mean = shares(misses), 0.1
    for k, miss in enumerate(misses):
        mean += (miss - mean) / 16
        assert abs(found[k] / 256 - mean) < 0.06, k
    assert abs(found.mean() / 256 - rate) < 0.035, "in the mean it stays within its rest"


def test_it_rests_at_8_and_249_from_everywhere() -> None:
    for start in range(250):
        assert shares(np.zeros(300, bool), start)[-1] == min(8, start)
        assert shares(np.ones(300, bool), start)[-1] == 249


def test_factors_are_those_of_the_specification() -> None:
    spec = ErrorScaled()
    for share in range(250):
        assert abs(error_step_q8(STEP, share) / 256 - spec.factor(share / 256)) < 1 / 200
    assert error_step_q8(STEP, 0) == 13 and error_step_q8(STEP, 249) == 256


def opened_at(misses: np.ndarray, rule: QCusum) -> int:
    gate = Gate(rule)
    for k, miss in enumerate(misses):
        gate.judge(bool(miss), 0)
        if gate.is_open:
            return k
    return len(misses)


@pytest.mark.parametrize("opens_at", [1.5, 2.7, 5.0])
def test_it_opens_where_the_sum_in_real_numbers_does(opens_at: float) -> None:
    rng = np.random.default_rng(2)
    rule = QCusum(round(1024 * opens_at), 82, False)
    for rate in (0.03, 0.1, 0.3, 0.8):
        misses = rng.random(400) < rate
        total, expected = 0.0, len(misses)
        for k, miss in enumerate(misses):
            total = max(0.0, total + miss - 82 / 1024)
            if total >= round(1024 * opens_at) / 1024:
                expected = k
                break
        assert opened_at(misses, rule) == expected


def test_errors_within_what_is_allowed_seldom_open_it_and_a_shift_soon_does() -> None:
    rng, rule = np.random.default_rng(3), QCusum(2765, 82, False)
    quiet = [opened_at(rng.random(120) < 0.03, rule) for _ in range(1000)]
    shifted = [opened_at(rng.random(120) < 0.4, rule) for _ in range(200)]
    assert np.mean(np.array(quiet) < 120) < 0.06, "about one stream in 25"
    assert max(shifted) < 60 and np.mean(shifted) < 12


@pytest.mark.parametrize("closes", [False, True])
def test_it_closes_where_asked_once_misses_are_rare_again(closes: bool) -> None:
    gate = Gate(QCusum(2765, 82, closes))
    for _ in range(3):
        gate.judge(True, 7)
    assert gate.is_open and int(gate.state["n_due"]) == 7 and int(gate.state["n_held"]) == 2
    for _ in range(33):
        gate.judge(False, 0)
    assert gate.is_open
    gate.judge(False, 0)
    assert gate.is_open is not closes and int(gate.state["n_held"]) == 2 + closes


def test_a_full_ring_is_caught_up_with_in_parts() -> None:
    gate = Gate(QCusum(512, 82, False))
    gate.judge(True, 2 * CATCH_UP + 3)
    assert [gate.take_due() for _ in range(4)] == [CATCH_UP, CATCH_UP, 3, 0]


def test_the_constants_of_a_specification_are_in_range() -> None:
    for spec in (CUSUM(), CUSUM(0.5, 0.01), CUSUM(60.0, 0.9, True)):
        assert 0 < 1024 * spec.opens_at < 1 << 16
