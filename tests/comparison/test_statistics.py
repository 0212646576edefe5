"""Bootstrap intervals: of networks and their seeds, the same every time, never of too few."""

from __future__ import annotations

import numpy as np
import pytest

from edge_dassdp.comparison.statistics import bootstrap


def test_an_interval_is_as_wide_as_that_of_the_mean() -> None:
    values = np.random.default_rng(3).normal(2.0, 1.0, 40)
    found = bootstrap(values.tolist(), list(range(40)))
    error = values.std(ddof=1) / np.sqrt(40)
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error * 2)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error * 2)
    assert not found.holds_zero and (found.n, found.n_networks) == (40, 40)
    assert found == bootstrap(values.tolist(), list(range(40)))


def test_seeds_of_one_network_are_no_networks() -> None:
    """Three networks that differ much: their seeds, however many, do not make the mean certain."""
    values = [0.0, 0.1, -0.1, 0.0, 10.0, 10.1, 9.9, 10.0, 20.0, 20.1, 19.9, 20.0]
    by_network = bootstrap(values, [0] * 4 + [1] * 4 + [2] * 4)
    assert by_network.low < 0.1 and by_network.high > 19.9 and by_network.n_networks == 3
    assert bootstrap(values, list(range(12))).low > 4.0


def test_two_networks_have_no_interval() -> None:
    assert bootstrap([0.0, 0.1, -0.1, 0.0, 10.0, 10.1, 9.9, 10.0], [0] * 4 + [1] * 4) is None


def test_fewer_than_three_values_have_no_interval() -> None:
    assert bootstrap([1.0, 2.0], [0, 1]) is None
    assert bootstrap([1.0, 1.0, 1.0], [0, 1, 2]).low == 1.0


def test_few_are_not_called_95_percent_without_a_word() -> None:
    assert bootstrap([1.0, 2.0, 3.0], [0, 1, 2]).name == "bootstrap interval of only 3 seeds"
    assert bootstrap([1.0] * 10, [0] * 10).name.endswith("of one network alone")
    assert bootstrap([1.0] * 9, [0, 1, 2] * 3).name == (
        "bootstrap interval of only 3 networks, 9 seeds")
    assert bootstrap([1.0] * 10, [0, 1, 2, 3, 4] * 2).name == (
        "95 % bootstrap interval over 5 networks, 10 seeds")


def test_no_difference_holds_zero() -> None:
    assert bootstrap([0.0] * 5, [0] * 5).holds_zero
