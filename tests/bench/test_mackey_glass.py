"""The series that docs/regression.md follows is that of the equation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import mackey_glass
from benchmarks.mackey_glass import BETA_MG, GAMMA, PAST, STEP, N, series


def test_it_is_the_closed_form_as_long_as_the_past_is_constant() -> None:
    for tau in (17.0, 23.0, 30.0):
        t = np.arange(int(tau / STEP) + 1) * STEP
        level = BETA_MG * PAST / (1 + PAST**N) / GAMMA
        wanted = level + (PAST - level) * np.exp(-GAMMA * t)
        np.testing.assert_allclose(series(tau, len(t)), wanted, rtol=1e-7)


def test_a_finer_step_gives_the_same_points(monkeypatch: pytest.MonkeyPatch) -> None:
    coarse = series(17.0, 150)
    monkeypatch.setattr(mackey_glass, "PER_UNIT", 40)
    np.testing.assert_allclose(coarse, series(17.0, 150), atol=2e-5)
    assert 0.2 < coarse[50:].min() < 0.5 and 1.1 < coarse[50:].max() < 1.5


def test_the_page_has_the_results() -> None:
    found = json.loads(mackey_glass.RESULTS.read_text("utf-8"))
    page = mackey_glass.PAGE.read_text("utf-8")
    assert "\n".join(mackey_glass.table(found)) in page
    assert len(set(found["digests"].values())) == 1 and len(found["digests"]) == 2
    mean = {name: np.mean([seed[name][0] for seed in found["seeds"]]) for name in found["seeds"][0]}
    assert mean["touch"] < mean["delta"] < 0.5 * mean["frozen"]
