"""The temperature of the softmax: fitted to labels that refute it, and to no others."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_dassdp.reference.confidence import (
    Confidence,
    calibration_error,
    fit,
    likelihood_loss,
    of_labelled,
    of_random,
    probabilities,
)


def drawn(n: int = 4000, n_classes: int = 5) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and labels drawn from their softmax: calibrated at a temperature of 1."""
    rng = np.random.default_rng(1)
    z = rng.normal(0, 2, (n, n_classes))
    p = probabilities(z, 1.0)
    return z, (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


@pytest.mark.parametrize("scale", [0.01, 1.0, 25.0])
def test_the_fit_finds_what_logits_were_multiplied_by(scale: float) -> None:
    z, y = drawn()
    assert fit(scale * z, y) == pytest.approx(scale, rel=0.06)
    found = of_labelled(scale * z, y, 1.0)
    assert found.temperature == pytest.approx(scale, rel=0.06)
    assert found.error_after is not None and found.error_after < 0.03
    assert found.loss_after <= found.loss_before
    if scale == 1.0:
        assert found.temperature == 1.0 and "agree" in found.why
    else:
        assert not found.why and found.error_before > 4 * found.error_after


def test_the_fit_is_the_least_loss() -> None:
    z, y = drawn(300)
    best = fit(z, y)
    for other in (0.9 * best, 1.1 * best):
        assert likelihood_loss(z, y, best) < likelihood_loss(z, y, other)


def test_who_is_always_right_is_no_surer_than_the_samples_can_tell() -> None:
    y = np.arange(100) % 4
    found = of_labelled(1000.0 * np.eye(4)[y], y, 1.0)
    p = probabilities(1000.0 * np.eye(4)[y], found.temperature).max(axis=1)
    assert found.best is not None and p == pytest.approx(1 - 1 / 101, abs=0.003)


def test_calibration_error_by_hand() -> None:
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    error = calibration_error(p, np.array([0, 1, 0, 1]))
    assert error == pytest.approx((2 * abs(0.9 - 0.5) + 2 * abs(0.6 - 1.0)) / 4)


@pytest.mark.parametrize("labels, why", [
    (np.zeros(200, np.int64), "one class"),
    (np.random.default_rng(7).integers(0, 5, 200), "nothing to do")])
def test_labels_that_tell_nothing_change_nothing(labels: NDArray[np.int64], why: str) -> None:
    z, _ = drawn(200)
    found = of_labelled(25 * z, labels, 3.0)
    assert found.temperature == 3.0 and found.best is None and why in found.why


def test_what_is_given_is_kept_and_what_samples_would_have_it_is_told() -> None:
    z, y = drawn()
    found = of_labelled(25 * z, y, 1.0, "it was given")
    assert found.temperature == 1.0 and found.why == "it was given"
    assert found.best == pytest.approx(25, rel=0.06)


@pytest.mark.parametrize("scale, certain, flat", [(1e3, 1.0, 0.0), (1e-3, 0.0, 1.0)])
def test_ends_are_seen_without_labels(scale: float, certain: float, flat: float) -> None:
    z, _ = drawn(50)
    found: Confidence = of_random(scale * z, 1.0)
    assert found.certain == pytest.approx(certain, abs=0.05)
    assert (found.flat, found.has_labels) == (flat, False)
