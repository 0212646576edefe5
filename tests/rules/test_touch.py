"""Touch: traces and updates by hand, and blocks of columns, which change nothing but the draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.lessons import learning, lesson, site

from edge_dassdp.qir.lesson import Record
from edge_dassdp.rules.touch import TOUCH, QTouchRule, touch_trace, touch_traces

RULE = QTouchRule(amplitude=1 << 12, r_max=1 << 21, k_max=32767, k_rshift=0, row_rshift=12,
                  touch_columns=8)


def test_traces_by_hand() -> None:
    touches = np.array([[1, 0], [0, 0], [1, 1]], bool)
    assert touch_traces(touches).tolist() == [[49, 18], [24, 24], [31, 31]]
    np.testing.assert_allclose(touch_trace(touches), [[1.5625, 0.5625], [0.75, 0.75], [1, 1]])


def test_traces_stay_in_a_signed_byte() -> None:
    assert touch_traces(np.ones((4095, 3), bool)).max() == 4 * TOUCH <= 127


def test_an_update_by_hand() -> None:
    """16-bit weights take it as it is: k = err 4096 // (1 + 2^2), times F at the spikes of j."""
    pre = np.array([[1, 0], [0, 0], [1, 0]], bool)
    touches = np.array([[0, 0], [0, 1], [1, 1]], bool)
    w, state = np.zeros((2, 2), np.int64), learning()
    given = {"pre_raster": pre, "touches": touches, "error": np.array([20, -3]),
             "pre": Record(np.array([2, 0]), np.array([0, -1]))}
    RULE.learn(lesson(w, 16, state, **given), site(2, 2, 16, n_steps=3))
    f, r = touch_traces(touches), (1 << 12) // 5
    k = np.clip(np.array([20, -3]) * r, -32767, 32767)
    assert w.tolist() == [((k * (f[0] + f[2]) + 2048) >> 12).tolist(), [0, 0]]
    assert int(state["n_updates"]) == 2 and int(state["rng"]) == 2463534242


@pytest.mark.parametrize("bits", [8, 16])
def test_blocks_of_columns_change_only_the_draws(bits: int) -> None:
    rng = np.random.default_rng(4)
    pre, touches = rng.random((9, 6)) < 0.4, rng.random((9, 21)) < 0.3
    given = {"pre_raster": pre, "touches": touches, "error": rng.integers(-99, 99, 21),
             "pre": Record(pre.sum(axis=0), np.zeros(6, np.int64))}
    written, draws = [], []
    for columns in (8, 16, 24):
        w, state = np.zeros((6, 21), np.int64), learning()
        rule = replace(RULE, touch_columns=columns)
        rule.learn(lesson(w, bits, state, **given), site(6, 21, bits, n_steps=9))
        written.append(w)
        draws.append((int(state["rng"]), int(state["n_updates"]), int(state["n_vanished"])))
    if bits == 16:
        assert all((w == written[0]).all() for w in written)
    assert len({counted[1:] for counted in draws}) == 1
    assert np.abs(written[0]).max() > 0
