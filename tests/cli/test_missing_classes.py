"""Training samples that lack a class of the network: told where they are taken, and where it shows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, refused, shown
from support.scenarios import SCENARIOS
from support.sensed import SensedScenario

import edge_dassdp as ed
from edge_dassdp import ir

LACKED = "no training sample is of class"


@pytest.mark.parametrize("verb", ["quantize", "tune"])
def test_classes_without_training_samples_are_told(work: Path, tmp_path: Path, verb: str) -> None:
    given = np.load(work / "data.npz")
    command = ([verb, work / "model.npz", "-o", tmp_path / f"{verb}.out"]
               + (["--trials", "1", "--rule", "fc3=delta"] if verb == "tune" else []))
    for lacked, told in (((2,), "class 2:"), ((0, 3), "es 0, 3:"), ((), "")):
        kept = ~np.isin(given["y"], lacked)
        np.savez(tmp_path / "few.npz", x=given["x"][kept], y=given["y"][kept])
        done = shown(*command, "--data", tmp_path / "few.npz")
        assert done.returncode == 0, done.stderr
        assert told in done.stderr and (LACKED[:-6] in done.stderr) is bool(lacked)
    np.savez(tmp_path / "few.npz", x=given["x"][given["y"] != 2], y=given["y"][given["y"] != 2])
    done = shown(*command, "--data", tmp_path / "few.npz", "--classes", "walk,run,sit,ride")
    assert f"{LACKED} 2 (sit)" in done.stderr


def test_python_tells_it(work: Path) -> None:
    given = np.load(work / "data.npz")
    kept = given["y"] != 1
    network = ed.load(work / "model.npz")
    with pytest.warns(UserWarning, match=f"{LACKED} 1: stored samples"):
        ed.quantize(network, ed.Learning.default(network), x=given["x"][kept], y=given["y"][kept])


@pytest.fixture
def sensed(tmp_path: Path) -> Path:
    """A network, its sensor, and turned samples of all of its five classes."""
    case = SCENARIOS["sensor"]
    assert isinstance(case, SensedScenario)
    rng, y = np.random.default_rng(3), np.arange(60) % 5
    ir.save(case.network, tmp_path / "net.npz")
    for name, turned in (("straight", False), ("turned", True)):
        x = np.stack([case.natural(case.counts(rng, int(c), turned)) for c in y])
        np.savez(tmp_path / f"{name}.npz", x=x, y=y)
    return tmp_path


def model_of(folder: Path, *classes: int) -> Path:
    """Trained on samples of these alone."""
    given = np.load(folder / "straight.npz")
    kept = np.isin(given["y"], classes)
    np.savez(folder / "train.npz", x=given["x"][kept], y=given["y"][kept])
    shown("quantize", folder / "net.npz", "--data", folder / "train.npz", "--frozen", "--classes",
          "ant,bee,cat,dog,eel", "-o", folder / "net.q.npz")
    return folder / "net.q.npz"


@pytest.mark.parametrize("verb", [("profile",), ("learn", "--fit-profile", "10")])
def test_a_profile_says_which_class_the_training_lacked(sensed: Path, verb: tuple[str, ...]
                                                        ) -> None:
    given = np.load(sensed / "turned.npz")
    model = model_of(sensed, 0, 1, 2)
    if verb[0] == "learn":
        shown("quantize", sensed / "net.npz", "--data", sensed / "train.npz", "--plastic", "fc3",
              "-o", model)
    for classes, told in (((1, 3), "lacked class 3"), ((3, 4), "lacked classes 3")):
        kept = np.isin(given["y"], classes)
        np.savez(sensed / "few.npz", x=given["x"][kept], y=given["y"][kept])
        said = refused("E105", verb[0], model, "--data", sensed / "few.npz", *verb[1:])
        assert f"its training data {told}" in said and "training samples of all classes" in said
        assert "or give samples of those that it had" in said


def test_what_a_profile_passed_over_is_told(sensed: Path) -> None:
    model = model_of(sensed, 0, 1, 2)
    text = ok("profile", model, "--data", sensed / "turned.npz")
    assert "not fitted to samples of classes 3 (dog), 4 (eel), which the training data lacked" \
        in text
    found = answer("profile", model, "--data", sensed / "turned.npz")["data"]
    assert found["fitted"]["n_samples"] == 60
    said = refused("E105", "profile", model_of(sensed, 4), "--data", sensed / "turned.npz")
    assert "lacked classes 0 (ant), 1 (bee), 2 (cat), 3 (dog)" in said
    assert "or give samples" not in said


def test_a_search_among_few_classes_names_them(sensed: Path) -> None:
    given = np.load(sensed / "straight.npz")
    kept = given["y"] < 3
    np.savez(sensed / "few.npz", x=given["x"][kept], y=given["y"][kept])
    said = refused("E105", "quantize", sensed / "net.npz", "--data", sensed / "few.npz", "--drift",
                   "profile", "--frozen", "-o", sensed / "q.npz")
    assert "the training samples are of classes 0, 1, 2 alone" in said
