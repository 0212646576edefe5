"""A model of which one field is another, its SHA-256 made right again, is refused, or it runs the
same in NumPy and in C under the sanitizers: there is no third way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from support.fleet import DivergenceError, Model, Yard
from support.lanes import often
from support.mutations import changed_model
from support.scenario import Scenario
from support.scenarios import SCENARIOS

from edge_dassdp import qir
from edge_dassdp.base.errors import EXIT_INTERNAL, EdgeError
from edge_dassdp.emit import proven
from edge_dassdp.qir import QNetwork

N_MODELS = often(200)
MOST_STEPS = 300
"""Of those that run: the others are slow, and proven all the same."""


def running(scenario: Scenario, network: QNetwork) -> Scenario:
    """The calls of a scenario, of another model."""
    made = replace(scenario)
    made.__dict__["quantized"] = network
    return made


def accepted(path: Path, scenario: Scenario) -> QNetwork | None:
    """None where it is refused, or the same model."""
    try:
        network = proven.load(path)
    except EdgeError as refused:
        assert refused.code == "E103" and refused.exit_status != EXIT_INTERNAL
        return None
    is_other = network.sha256 != scenario.quantized.sha256
    return network if is_other and network.n_steps <= MOST_STEPS else None


def test_a_changed_model_is_refused_or_runs_the_same(tmp_path: Path) -> None:
    rng, names, counts = np.random.default_rng(12), sorted(SCENARIOS), Counter[str]()
    models: list[Model] = []
    yard = Yard(tmp_path / "yard")
    for i in range(N_MODELS):
        scenario = SCENARIOS[names[rng.integers(len(names))]]
        qir.save(scenario.quantized, tmp_path / "true.q.npz")
        changed = changed_model(tmp_path / "true.q.npz", tmp_path / "m.q.npz", rng)
        network = accepted(tmp_path / "m.q.npz", scenario)
        counts["accepted" if network else "refused"] += 1
        if network is None:
            continue
        assert changed.is_right
        model = yard.model(f"{i}: {scenario.name}, {changed.what}", running(scenario, network))
        try:
            assert model.expected
        except EdgeError as refused:  # of a sample: its events are too many for the input
            assert refused.code == "E104", f"{model.title}\n{refused}"
            continue
        models.append(model)
    assert counts["accepted"] >= N_MODELS // 20 and counts["refused"] >= N_MODELS // 4, counts
    yard.prepare()
    for begin in range(0, len(models), 40):
        folder = tmp_path / f"batch{begin}"
        folder.mkdir()
        batch = models[begin : begin + 40]
        try:
            yard.run(yard.link(yard.compile(batch, folder), folder / "fleet.elf"), batch)
        except DivergenceError as problem:
            raise AssertionError(str(problem)) from None
