"""Samples in other units than those of the training: the feature is named, and what to do."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support import tiny
from support.commands import refused, shown

import edge_dassdp as ed
from edge_dassdp.quantize import quantize
from edge_dassdp.twin.model import FloatModel


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("unscaled")
    tiny.write(made)
    return made


def sized(folder: Path, kind: str, feature: int | None) -> NDArray[np.float32]:
    """The samples with a feature, None for all, of another size."""
    x = np.load(folder / "data.npz")["x"].astype(np.float64)
    part = x if feature is None else x[:, feature : feature + 1]
    part += float(kind[1:]) if kind[0] == "+" else 0.0
    part *= float(kind[1:]) if kind[0] == "*" else 1.0
    return x.astype(np.float32)


@pytest.mark.parametrize("input_scale", ["auto", "uniform", "feature"])
@pytest.mark.parametrize("kind", ["*1e6", "*1e9", "*1e30", "+1e9", "+-1e20", "+3e38"])
@pytest.mark.parametrize("feature", [None, 3])
def test_a_feature_that_is_far_too_large_is_named(folder: Path, kind: str, feature: int | None,
                                                  input_scale: str) -> None:
    x = sized(folder, kind, feature)
    with pytest.raises(ed.EdgeError) as caught:
        ed.quantize(ed.load(folder / "model.npz"), None, ed.Settings(input_scale=input_scale), x=x)
    problem = caught.value
    assert problem.code in ("E201", "E202")
    assert "training samples reach" in problem.message and " in x[" in problem.message
    assert feature is None or "x[3]" in problem.message
    assert "scale the samples as in the training of the network" in problem.help
    assert ("--input-scale feature" in problem.help) is (input_scale == "uniform")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("verb", ["quantize", "tune"])
def test_no_verb_warns_of_arithmetic(folder: Path, tmp_path: Path, verb: str) -> None:
    for kind in ("*1e30", "+3e38"):
        np.savez(tmp_path / "d.npz", x=sized(folder, kind, 3), y=np.load(folder / "data.npz")["y"])
        done = shown(verb, folder / "model.npz", "--data", tmp_path / "d.npz", "-o",
                     tmp_path / "out")
        assert "training samples reach" in done.stderr and "RuntimeWarning" not in done.stderr


def test_the_network_is_blamed_for_what_is_its_own(folder: Path) -> None:
    """Thresholds near 0, and samples of an ordinary size."""
    network = ed.load(folder / "model.npz")
    first = replace(network.populations[0], threshold=np.full(16, 1e-25))
    with pytest.raises(ed.EdgeError, match="the threshold of neuron 0"):
        quantize(replace(network, populations=(first, *network.populations[1:])), None, None,
                 np.load(folder / "data.npz")["x"])


@pytest.mark.parametrize("verb", ["quantize", "tune"])
def test_values_that_no_step_holds_are_told_with_the_feature(folder: Path, tmp_path: Path,
                                                             verb: str) -> None:
    """And nothing is said of weights, which follow from it."""
    command = (verb, folder / "model.npz", "-o", tmp_path / "out",
               *(("--trials", "1") if verb == "tune" else ()))
    for kind, feature, options, named in (
            ("*1e-9", None, (), "0 in x"), ("*1e-30", None, (), "0 in x"),
            ("*1e-9", 3, ("--input-scale", "feature"), "0 in x[3]")):
        np.savez(tmp_path / "d.npz", x=sized(folder, kind, feature),
                 y=np.load(folder / "data.npz")["y"])
        done = shown(*command, "--data", tmp_path / "d.npz", *options)
        assert done.returncode == 0, done.stderr
        assert f"({named})" in done.stderr and "scale them up" in done.stderr
        assert "became 0" not in done.stderr and done.stderr.count("127 steps") == 1


def test_a_constant_feature_of_any_size_is_no_defect(folder: Path, tmp_path: Path) -> None:
    """What never moves is a bias, or refused for its size: never an error of ours."""
    network, y = ed.load(folder / "model.npz"), np.load(folder / "data.npz")["y"]
    for value in (1e5, 1e15, 1e20, 3e38):
        x = sized(folder, "+0", None)
        x[:, 3] = value
        np.savez(tmp_path / "d.npz", x=x, y=y)
        text = refused("E201", "quantize", folder / "model.npz", "--data", tmp_path / "d.npz",
                       "-o", tmp_path / "q.npz") if value > 1e5 else ""
        assert "x[3]" in text or value == 1e5
        fc1 = network.projection("fc1")
        weight = np.where(np.arange(12)[:, None] == 3, 1.0 / value, fc1.weight)
        quantize(replace(network, projections=(replace(fc1, weight=weight),
                                               *network.projections[1:])), None, None, x)


@pytest.mark.parametrize("verb", ["quantize", "tune", "python"])
def test_samples_that_the_float_network_does_not_know_are_told(folder: Path, tmp_path: Path,
                                                               verb: str) -> None:
    """As in values of another unit, which have steps as fine; and nothing is said of the others."""
    network = ed.load(folder / "model.npz")
    x = np.random.default_rng(5).normal(0, 1.2, (2000, tiny.N_INPUTS)).astype(np.float32)
    y = FloatModel(network).run(x).classes
    kept = np.concatenate([np.flatnonzero(y == k)[:20] for k in range(tiny.N_CLASSES)])
    x, y = x[kept], y[kept]
    for factor, is_told in ((1.0, False), (1e-4, True)):
        given = (x * factor).astype(np.float32)
        np.savez(tmp_path / "d.npz", x=given, y=y)
        if verb == "python":
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                ed.quantize(network, x=given, y=y)
            said = " ".join(str(w.message) for w in caught)
        else:
            said = shown(verb, folder / "model.npz", "--data", tmp_path / "d.npz", "-o",
                         tmp_path / "out", *(("--trials", "1") if verb == "tune" else ())).stderr
        assert ("the float network itself is right in" in said) is is_told, said
        assert ("of 4 classes and answers class" in said) is is_told
        assert said.count("are they scaled as in training?") == is_told
        assert not is_told or "hardly any shift" not in said
