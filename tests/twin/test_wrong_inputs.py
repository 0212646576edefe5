"""Wrong input of float learning and inference is refused with a code, never by a bare error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.chains import N_STEPS, chain, samples

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.rules import DASSDP, SSDP, Learning, Replay
from edge_dassdp.twin.learner import FloatLearner
from edge_dassdp.twin.model import FloatModel

NET, X = chain(), samples(1)[0]
RULES = Learning.default(NET).rules
LEARNER, GATED = FloatLearner(NET, RULES), FloatLearner(NET, {"ab": DASSDP()})
REPLAYING = FloatLearner(NET, Learning(RULES, replay=Replay(flash=0)))


def with_flash(training: Any) -> FloatLearner:
    return FloatLearner(NET, Learning(RULES, replay=Replay(flash=5)), training=training)


def before(raster: Any, name: str = "a") -> Any:
    return FloatModel(NET).rerun({name: raster}, ("b", "out"))


WRONG: dict[str, tuple[str, Callable[[Any], Any], tuple[Any, ...]]] = {
    "a label to learn": ("E104", lambda v: LEARNER.learn(X, v), (
        4, -1, "1", 1.0, 1.5, True, np.float32(1), np.nan, np.array(1), [1], 10**30)),
    "a label of the warm-up": ("E104", lambda v: GATED.warm_up(X, v), (
        4, -1, "1", 1.5, None, True)),
    "a loss": ("E104", lambda v: GATED.warm_up(X, 1, v), ("a", np.nan, np.inf, True, [1.0])),
    "a sample": ("E104", LEARNER.infer, (
        "abc", None, 3.0, [[1, 2], [3]], X[:3], X[None], np.nan * X, {}, X + 1j, ["a"] * 6,
        ["1"] * 6, np.full(6, 1e300))),
    "samples": ("E104", FloatModel(NET).run, ("abc", None, X, [[1, 2], [3]], X[None] + 1j)),
    "idle steps": ("E105", REPLAYING.idle, (-1, "3", 2.5, None, True)),
    "a headroom": ("E105", lambda v: FloatLearner(NET, RULES, headroom=v), (
        0, -1, 0.5, np.nan, np.inf, "2", None, True)),
    "rules": ("E203", lambda v: FloatLearner(NET, v), (
        None, [], {}, {"ab": 3}, [("ab", SSDP())], "ab", SSDP(), {"ab": SSDP})),
    "a projection with a rule": ("E105", lambda v: FloatLearner(NET, {v: SSDP()}), ("zz", 3, "a")),
    "a network": ("E101", lambda v: FloatLearner(v, RULES), (3, None, "net")),
    "samples of flash": ("E105", with_flash, (None, (X, [1]), 3, "a")),
    "labels of flash": ("E104", lambda v: with_flash(Samples(np.repeat(X[None], 5, 0), v)), (
        np.full(5, 9), np.full(5, -1), np.zeros(5))),
    "a population": ("E105", LEARNER.run(X).raster, ("zz", "x", 3)),
    "a population's counts": ("E105", LEARNER.run(X).counts, ("zz", "x", "ab")),
    "a population's touches": ("E105", lambda v: LEARNER.run(X).touched(v, 0.2), ("zz", "x")),
    "a population with an error": ("E105", lambda v: LEARNER.credit(
        LEARNER.run(X), v, np.zeros(4)), ("zz",)),
    "an error": ("E104", lambda v: LEARNER.credit(LEARNER.run(X), "b", v), (np.zeros(3), 1.0)),
    "a projection": ("E105", lambda v: LEARNER.change(LEARNER.run(X), v, np.zeros(4)), (
        "zz", "xa")),
    "a projection to add to": ("E105", lambda v: LEARNER.add(v, np.zeros((9, 8))), ("zz", 3)),
    "a change": ("E104", lambda v: LEARNER.add("ab", v), (np.zeros((2, 2)), 1.0)),
    "a raster": ("E104", before, (np.zeros((1, N_STEPS, 3), bool), np.zeros((1, 2, 9), bool))),
}


@pytest.mark.parametrize("what, value", [(what, value) for what, (*_, values) in WRONG.items()
                                         for value in values], ids=lambda v: repr(v)[:30])
def test_it_is_refused_and_changes_nothing(what: str, value: Any) -> None:
    code, call, _ = WRONG[what]
    weights = {name: w.copy() for name, w in LEARNER.weights.items()}
    with pytest.raises(EdgeError) as caught:
        call(value)
    assert caught.value.code == code and caught.value.message
    for name, w in LEARNER.weights.items():
        np.testing.assert_array_equal(w, weights[name])


def test_rasters_that_are_missing_are_named() -> None:
    for rasters in ({}, {"x": np.zeros((1, N_STEPS, 6), bool)}):
        with pytest.raises(EdgeError, match="raster of 'a'"):
            FloatModel(NET).rerun(rasters, ("b", "out"))


def test_no_samples_are_no_error() -> None:
    trace = FloatModel(NET).run(np.zeros((0, 6)))
    assert trace.logits.shape == (0, NET.n_classes) and trace.classes.shape == (0,)


def test_integers_of_numpy_are_labels() -> None:
    assert FloatLearner(NET, RULES).learn(X, np.int64(1)) == FloatLearner(NET, RULES).learn(X, 1)
