"""The example of a library whose outputs are values, run as it was generated."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.commands import ok
from support.valued import SETTINGS, fitted, learning, samples

import edge_dassdp as ed
from edge_dassdp.qir.samples import input_x, with_lesson
from edge_dassdp.reference import Reference

Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def network() -> ed.QNetwork:
    x, y = samples(200, 1)
    return ed.quantize(fitted(), learning(), SETTINGS, x=x, y=y)


@pytest.fixture(scope="module")
def made(network: ed.QNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("values")
    ed.save(network, folder / "angle.q.npz")
    ok("generate", folder / "angle.q.npz", "--for", "make", "-o", folder / "made")
    done = subprocess.run(["make", "-s", "CFLAGS=-O1 -Wall -Wextra -Wconversion -Werror"],
                          cwd=folder / "made", text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "made"


def expected(network: ed.QNetwork, x: Floats, y: Floats, learned: list[int]) -> str:
    """What the reference says, and has learned of some of them."""
    values, reference, said = network.values, Reference(network), []
    assert values is not None
    packed = with_lesson(network, input_x(network, x), y.astype(np.float64))[0]
    for i, sample in enumerate(packed):
        outcome = reference.learn(sample, 0) if i in learned else reference.infer(sample)
        told = values.centre + values.scale * (values.value_q11(outcome.logits) / 2**11)
        said.append(", ".join(f"{c} {np.float32(v):.6g}" for c, v in enumerate(told))
                    + ", learned" * bool(outcome.is_updated))
    return "\n".join([*said, f"learned state {reference.learned_digest():08x}", ""])


def line(*numbers: Floats) -> str:
    return ", ".join(repr(float(v)) for v in np.concatenate(numbers)) + "\n"


def test_lines_with_targets_are_learned_with_the_bits_of_the_reference(
        network: ed.QNetwork, made: Path) -> None:
    x, y = samples(24, 7, shift=1.2)
    targets = y.astype(np.float32)
    learned = [i for i in range(24) if i % 3]
    text = "".join(line(x[i], targets[i]) if i in learned else line(x[i]) for i in range(24))
    done = subprocess.run([made / "build" / "angle_example"], input=text, text=True,
                          capture_output=True, check=True)
    assert "learned" in done.stdout.splitlines()[1]
    assert done.stdout == expected(network, x, targets, learned)


@pytest.mark.parametrize("target", [float("nan"), float("inf"), 1e30, -1e9])
def test_a_target_that_is_none_is_refused_before_anything_runs(made: Path, target: float) -> None:
    x, y = samples(1, 7)
    bad = line(x[0], np.array([y[0, 0], target], np.float32))
    done = subprocess.run([made / "build" / "angle_example"], input=bad, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 1 and "refused: -3" in done.stderr


def test_page_and_figures_speak_of_values(made: Path, network: ed.QNetwork) -> None:
    page = (made / "README.md").read_text("utf-8")
    assert "2 values" in page and "angle_set_targets(&state, targets)" in page
    assert "class_names" not in page
    told = json.loads((made / "model.json").read_text("utf-8"))["models"]["angle"]
    values = network.values
    assert values is not None and told["classes"] == []
    assert told["value_outputs"] == {"outputs": ["0", "1"], "has_names": False,
                                     "centre": values.centre.tolist(),
                                     "scale": values.scale.tolist()}
