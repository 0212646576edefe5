"""Runs of a comparison: a seed is an order, a rounding and a network, and nothing else."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import tiny

import edge_dassdp as ed
from edge_dassdp.comparison import asked, plots
from edge_dassdp.comparison.execute import execute
from edge_dassdp.comparison.methods import parsed
from edge_dassdp.comparison.results import Comparison
from edge_dassdp.comparison.study import Row, Run, Runner, Study, rounding_seed
from edge_dassdp.comparison.trial import Given, OnDevice
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.report.plots import svg


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny")
    tiny.write(made)
    return made


@pytest.fixture(scope="module")
def given(folder: Path) -> Given:
    train, test = (ed.samples(folder / f"{name}.npz") for name in ("data", "test"))
    return Given(train, ed.Samples(1.3 * test.x[:40], test.y[:40]),
                 ed.Samples(1.3 * test.x[40:], test.y[40:]), test)


@pytest.fixture(scope="module")
def study(folder: Path, given: Given) -> Study:
    return asked.study([ed.load(folder / "model.npz")], given,
                       parsed(["delta", "touch", "ssdp:a_plus=0.01,a_base=0.001", "backprop"]),
                       settings=Settings(), memory=lambda base: base)


def test_a_rounding_seed_in_the_state_is_that_of_the_model(folder: Path, given: Given) -> None:
    network = ed.load(folder / "model.npz")
    learning = ed.Learning.default(network, len(given.training))

    def learned(made: ed.Learning, seed: int | None) -> dict[str, bytes]:
        model = quantize(network, made, Settings(), given.training.x, given.training.y).network
        trial = OnDevice(model)
        trial.learn(given, seed)
        return {name: trial.emulator.read_weights(name).tobytes() for name in made.rules}

    assert learned(learning, 77) == learned(replace(learning, seed=77), None)
    assert learned(learning, 77) != learned(learning, 78)


def test_a_row_depends_on_its_seed_alone(study: Study) -> None:
    runs = study.runs(3)
    forward = {(r.method, r.seed): r for r in execute(study, runs, n_jobs=1)}
    runner = Runner(study)
    backward = {(r.method, r.seed): r for r in map(runner.row, reversed(runs))}
    assert forward == backward
    two = {(r.method, r.seed): r for r in execute(study, runs, n_jobs=2)}
    assert two == forward
    assert all(not r.refused for r in forward.values())
    touched = [r for r in forward.values() if r.method == "touch"]
    assert len({r.online for r in touched}) > 1, "orders differ"


def test_a_confusion_counts_every_test_sample(study: Study) -> None:
    row = Runner(study).row(Run(2, 0))
    counts = np.array(row.confusion)
    assert counts.sum() == len(study.given.test) and counts.shape == (4, 4)
    assert row.shifted == pytest.approx(100 * np.trace(counts) / counts.sum(), abs=1e-3)
    assert (counts.sum(axis=1) == np.bincount(study.given.test.y, minlength=4)).all()


def test_the_stream_of_a_seed(study: Study) -> None:
    one, other = study.stream(0), study.stream(1)
    assert not np.array_equal(one.x, other.x)
    assert sorted(map(bytes, one.x)) == sorted(map(bytes, other.x))
    few = replace(study, per_class=2).stream(0)
    assert np.bincount(few.y).tolist() == [2] * 4
    places = [int(np.flatnonzero((one.x == row).all(axis=1))[0]) for row in few.x]
    assert places == sorted(places), "in the order of the seed"
    assert len(replace(study, limit=5).stream(0)) == 5
    kept = replace(study, order="kept").stream(3)
    assert np.array_equal(kept.x, study.given.stream.x)


def test_networks_take_turns(study: Study) -> None:
    several = replace(study, networks=study.networks * 3)
    assert [several.network_of(seed) for seed in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert len({rounding_seed(seed) for seed in range(100)}) == 100


def test_a_method_that_cannot_stand_says_why_and_the_others_go_on(study: Study) -> None:
    methods = parsed(["ssdp:a_plus=1e-9,a_base=1e-9", "delta"])
    made = asked.study(study.networks, study.given, methods, settings=Settings(),
                       memory=lambda base: base)
    rows = list(execute(made, made.runs(1), n_jobs=1))
    assert [bool(r.refused) for r in rows] == [False, True, False]
    assert "move no weight" in rows[1].refused


def test_a_profile_of_no_sensor_is_refused_at_the_start(study: Study) -> None:
    for text in ("profile+delta", "unlabelled"):
        with pytest.raises(ed.EdgeError, match="fits a profile of a sensor, and the network has"):
            asked.study(study.networks, study.given, parsed(["delta", text]), settings=Settings(),
                        memory=lambda base: base)


def test_figures_of_methods_that_cannot_stand_are_drawn_without_a_word() -> None:
    made = Comparison(("frozen", "delta"), (
        Row("frozen", 0, 0, 50.0, 50.0, 50.0, confusion=((1, 1), (1, 1))),
        Row("delta", 0, 0, refused="it cannot")), ("a",), ("0", "1"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for draw in (plots.accuracy, plots.differences, plots.confusions):
            assert svg(draw(made), "test")


def test_what_begins_from_other_steps_than_the_frozen_network_is_told() -> None:
    rows = [Row("frozen", 0, 0, 76.7, 71.0, 76.7), Row("delta", 0, 0, 76.7, 80.0, 86.0),
            Row("touch", 0, 0, 76.4, 81.0, 87.0), Row("error", 0, 0, 76.4, 81.0, 87.0)]
    [told] = [s for s in Comparison(("frozen", "delta", "touch", "error"), tuple(rows), ("a",),
                                    ("0", "1")).sentences if "before learning" in s]
    assert told.startswith("before learning touch, error answer some samples otherwise than frozen")
    same = Comparison(("frozen", "delta"), tuple(rows[:2]), ("a",), ("0", "1"))
    assert not any("before learning" in s for s in same.sentences)
