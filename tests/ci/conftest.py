"""A folder with a model that learns and its data, as a user has them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.commands import environment
from support.valued import SETTINGS, fitted, learning, samples

import edge_dassdp as ed
from edge_dassdp.ir import Input, Population, Projection, Readout

Run = Callable[..., subprocess.CompletedProcess[str]]


def three_classes(rng: np.random.Generator) -> ed.Network:
    return ed.Network(
        (Input("x", 4),),
        (Population("h", 9, np.array(0.9), np.array(1.0)),
         Population("o", 3, np.array(0.9), np.array(1.0))),
        (Projection("fc1", "x", "h", rng.normal(size=(4, 9))),
         Projection("fc2", "h", "o", rng.normal(size=(9, 3)))),
        Readout("o", "spike_count"), 6)


@pytest.fixture(scope="session")
def made() -> tuple[ed.QNetwork, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    network = three_classes(rng)
    model = ed.quantize(network, ed.Learning.default(network))
    x = rng.normal(size=(24, 4)).astype(np.float32)
    with ed.open(model, "reference") as device:
        return model, x, device.classify(x)


@pytest.fixture
def project(made: tuple[ed.QNetwork, np.ndarray, np.ndarray], tmp_path: Path) -> Path:
    model, x, y = made
    ed.save(model, tmp_path / "model.q.npz")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    return tmp_path


@pytest.fixture
def valued(project: Path) -> Path:
    """The same of a model of values."""
    x, y = samples(300, 1)
    model = ed.quantize(fitted(), learning(), SETTINGS, x=x, y=y)
    ed.save(model, project / "model.q.npz")
    np.savez(project / "data.npz", x=x[:60], targets=y[:60], target_names=["angle", "speed"])
    return project


@pytest.fixture
def spare(project: Path) -> Path:
    """The same of a model with spare classes, and names."""
    rng = np.random.default_rng(2)
    network = three_classes(rng)
    model = ed.quantize(network, ed.Learning.default(network), classes=["a", "b", "c"],
                        spare_classes=2)
    ed.save(model, project / "model.q.npz")
    np.savez(project / "data.npz", x=rng.normal(size=(12, 4)), y=list("abc" * 4))
    return project


@pytest.fixture
def asked(project: Path) -> Run:
    """pytest in that folder, in a process of its own, outside of CI unless it is said."""

    def run(*arguments: str, test: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        if test:
            (project / "test_it.py").write_text(test)
        given = environment({"CI": "", **env})
        given.pop("PYTEST_ADDOPTS", None)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "edge_dassdp.pytest_plugin", "-p",
             "no:cacheprovider", "--tb=short", *arguments], cwd=project, env=given, text=True,
            capture_output=True, timeout=600, check=False)

    return run
