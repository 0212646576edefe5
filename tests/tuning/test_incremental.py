"""A class taught from few samples: what is right of it, and of the old ones."""

from __future__ import annotations

import numpy as np
import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.comparison.comparators import BackpropLearner
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.rules import Learning
from edge_dassdp.tuning.incremental import METHODS, NearestMean, taught

N_INPUTS, N_OLD = 6, 2


def network() -> Network:
    """Hidden neurons k and k + 6 follow input k; the classes read the first two of them."""
    hidden = np.tile(np.eye(N_INPUTS), 2).astype(np.float32)
    out = np.zeros((2 * N_INPUTS, N_OLD), np.float32)
    for label in range(N_OLD):
        out[[label, label + N_INPUTS], label] = 0.5
    return Network((Input("x", N_INPUTS),),
                   (Population("h", 2 * N_INPUTS, 0.75, 1.0),
                    Population("o", N_OLD, 0.0, 1.0, reset="none")),
                   (Projection("a", "x", "h", hidden), Projection("b", "h", "o", out)),
                   Readout("o", "membrane_sum"), 10)


def samples(n: int, *classes: int, seed: int = 0) -> Samples:
    """Input `label` is large."""
    y = np.resize(classes, n).astype(np.int64)
    x = np.random.default_rng(seed).normal(0.2, 0.1, (n, N_INPUTS))
    x[np.arange(n), y] += 1.5
    return Samples(x.astype(np.float32), y)


def backprop(grown: Network, learning: Learning, training: Samples) -> BackpropLearner:
    return BackpropLearner(grown, learning, training=training)


def test_a_new_class_is_known_from_few_and_the_old_ones_stay() -> None:
    made = list(taught(network(), samples(60, 0, 1), samples(5, 2, seed=1),
                       samples(60, 0, 1, 2, seed=2), k=(1, 5), learner=backprop))
    assert [(r.method, r.k) for r in made] == [(method, k) for k in (1, 5) for method in METHODS]
    for r in made:
        assert r.all == pytest.approx((2 * r.old + r.new) / 3, abs=0.01)
        assert r.harmonic == pytest.approx(2 * r.old * r.new / max(r.old + r.new, 1), abs=0.01)
        assert r.old > 90
    assert all(r.new == 0 if r.method == "frozen" else r.new > 90 for r in made[len(METHODS):])


def test_the_nearest_mean_is_of_classes_that_fired() -> None:
    given = samples(20, 0, 2)
    near = NearestMean(network(), "h", given)
    assert np.isinf(near.means[1]).all()
    assert near.classify(given.x).tolist() == given.y.tolist()
    with pytest.raises(EdgeError, match="no samples"):
        NearestMean(network(), "h", Samples(given.x[:0], given.y[:0]))


@pytest.mark.parametrize(("training", "test", "k", "words"), [
    ((0, 1), (0, 1, 2), (6,), "there are 5"), ((0, 1), (0, 1, 2), (0,), "there are 5"),
    ((0, 1, 2), (0, 1, 2), (1,), "those that the network knows"),
    ((0, 1), (0, 1), (1,), "the new one, 2"), ((0, 1), (2,), (1,), "the new one, 2"),
    ((0, 1), (0, 2, 3), (1,), "the new one, 2"),
])
def test_what_cannot_be_taught_or_judged(training: tuple[int, ...], test: tuple[int, ...],
                                         k: tuple[int, ...], words: str) -> None:
    with pytest.raises(EdgeError, match=words):
        list(taught(network(), samples(30, *training), samples(5, 2), samples(30, *test), k=k))
