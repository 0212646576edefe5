"""Where class means do not tell a rotation from its mirror image, hits do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scenarios import SCENARIOS
from support.sensed import SensedScenario

import edge_dassdp as ed
from edge_dassdp.sensor.choice import best
from edge_dassdp.sensor.orientation import Verdict
from edge_dassdp.sensor.profile import Kind


def worn(case: SensedScenario, n: int, classes: int, turned: bool
         ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng, y = np.random.default_rng(0), np.arange(n) % classes
    return np.stack([case.counts(rng, int(c), turned) for c in y]), y


@pytest.mark.parametrize("name", ["sensor", "sensor_frozen"])
@pytest.mark.parametrize("spec", ["reference", "emulator"])
def test_a_rotation_and_its_mirror_image_are_tried(spec: str, name: str) -> None:
    case = SCENARIOS[name]
    assert isinstance(case, SensedScenario)
    x, y = worn(case, 12, 2, turned=True)
    with ed.open(case.quantized, spec) as device:
        found = device.fit_profile(x, y)
        assert found.orientation.verdict == Verdict.UNDECIDED
        turns = [c.profile for c in found.tried if c.profile.kind == Kind.ORIENTATION]
        assert [p.det for p in turns] == [1, -1]
        hits = [c.n_hits for c in found.tried]
        assert found.chosen == found.tried[best(hits, 12)]
        assert device.profile.selected == found.chosen.profile
        assert device.accuracy(x, y) == found.chosen.n_hits / 12


def test_three_classes_decide_and_only_the_decided_is_tried() -> None:
    case = SCENARIOS["sensor"]
    assert isinstance(case, SensedScenario)
    with ed.open(case.quantized, "reference") as device:
        found = device.fit_profile(*worn(case, 16, 4, turned=True))
        assert found.orientation.verdict == Verdict.TAKEN
        assert sum(c.profile.kind == Kind.ORIENTATION for c in found.tried) == 1
