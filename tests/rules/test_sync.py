"""Gates and updates of synchrony rules, against real numbers and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from support.lessons import learning, lesson, site

from edge_dassdp.qir.lesson import Record
from edge_dassdp.rules.gate import GATE_DTYPE, fit_gate, gate_q12
from edge_dassdp.rules.sync import QSyncRule

RNG = np.random.default_rng(11)


def gate_from(s: np.ndarray, loss: np.ndarray) -> np.ndarray:
    gate = np.zeros((), GATE_DTYPE)
    for name, value in (("sum_s", s.sum()), ("sum_l", loss.sum()), ("sum_ss", (s**2).sum()),
                        ("sum_ll", (loss**2).sum()), ("sum_sl", (s * loss).sum()),
                        ("n_records", len(s))):
        gate[name] = value
    fit_gate(gate)
    return gate


@pytest.mark.parametrize("n", [5, 17, 300, 32767])
@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 2.0])
def test_gates_are_numpy_s_correlation(n: int, slope: float) -> None:
    s = RNG.integers(0, 32768, n).astype(np.int64)
    loss = np.clip(slope * s / 4 + RNG.normal(9000, 2000, n), 0, 32767).astype(np.int64)
    gate = gate_from(s, loss)
    k = -np.corrcoef(s, loss)[0, 1]
    assert abs(int(gate["k_q12"]) / 4096 - k) <= 2 / 4096
    for probe in (0, int(s.mean()), 32767):
        exact = np.clip(1 + k * (probe - s.mean()) / s.std(), 0, 2)
        assert abs(gate_q12(gate, probe) / 4096 - exact) <= 4 / 4096


def test_a_gate_without_spread_or_records_stays_at_one() -> None:
    for s, loss in (([], []), ([5], [9]), ([4, 4, 4], [1, 2, 3]), ([1, 2, 3], [7, 7, 7])):
        gate = gate_from(np.array(s, np.int64), np.array(loss, np.int64))
        assert int(gate["k_q12"]) == 0 and gate_q12(gate, 100) == 4096


def test_warm_up_sums_repeat_the_batch_s_loss_only_as_published() -> None:
    fired = [Record(np.array([1, 0, 2]), np.array([0, -1, 3])),
             Record(np.array([1, 1, 1]), np.array([0, 1, 2]))]
    for published, total in ((False, 2 * 100 + 3 * 301), (True, (2 + 3) * 201)):
        rule = QSyncRule(np.zeros((2, 9), np.int64), 0, True, 8, published, 0)
        gate = np.zeros((), GATE_DTYPE)
        post = [Record(np.array([1]), np.array([2]))] * 2
        rule.record(lesson(np.zeros((3, 1), np.int64), pre=fired, post=post,
                           losses=np.array([100, 301]), state={"gate": gate}),
                    site(3, 1, n_batch=2))
        assert int(gate["sum_sl"]) == total and int(gate["sum_s"]) == 5


def test_synchrony_updates_by_hand() -> None:
    """16-bit weights take the update as it is: sync at dt 1, silent at T - t, gate 1."""
    delta = np.array([np.arange(9) * -10, np.arange(9) * 1000 + 400]) << 4
    rule, w, state = QSyncRule(delta, 4, False, 8, False, 0), np.zeros((2, 2), np.int64), learning()
    pre = Record(np.array([2, 0]), np.array([3, -1]))
    post = Record(np.array([1, 0]), np.array([4, -1]))
    rule.learn(lesson(w, 16, state, pre=pre, post=post, state={"gate": np.zeros((), GATE_DTYPE)}),
               site(2, 2, 16))
    assert w.tolist() == [[1400, -50], [-40, 0]]
    assert int(state["n_updates"]) == 4 and int(state["n_vanished"]) == 1


def test_a_closed_gate_draws_nothing() -> None:
    rule = QSyncRule(np.ones((2, 9), np.int64), 0, True, 8, False, 0)
    gate, state = gate_from(np.array([0, 10]), np.array([0, 500])), learning()
    assert int(gate["k_q12"]) == -4096
    w, full = np.zeros((8, 8), np.int64), Record(np.ones(8, np.int64), np.zeros(8, np.int64))
    rule.learn(lesson(w, 8, state, pre=full, post=full, state={"gate": gate}), site(8, 8))
    assert int(gate["last_gate_q12"]) == 0 and int(state["rng"]) == 2463534242 and not w.any()
