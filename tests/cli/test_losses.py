"""Values that clip and weights that become 0 are on the screen and in --json, of every verb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import ok, shown

from edge_dassdp import ir


@pytest.fixture(scope="module")
def raw(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples in units a hundred times those that the network was quantized for."""
    net = ir.load(work / "model.npz")
    rng = np.random.default_rng(4)
    path = tmp_path_factory.mktemp("raw") / "raw.npz"
    x = 100 * rng.normal(size=(30, net.n_inputs)).astype(np.float32)
    np.savez(path, x=x, y=rng.integers(0, net.n_classes, 30))
    return path


def envelope(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ok(*arguments, "--json").splitlines()[-1])
    return found


VERBS = {"run": (), "learn": (), "verify": ("--target", "emulator", "--learn")}


@pytest.mark.parametrize("verb", VERBS)
def test_clipped_samples_are_said(verb: str, work: Path, raw: Path) -> None:
    command = (verb, work / "model.q.npz", "--data", raw, *VERBS[verb])
    found = envelope(*command)
    inputs = found["data"]["clipping"]
    assert inputs["n_clipped"] > 0.8 * inputs["n_values"] > 0 and inputs["share"] > 0.8
    assert inputs["worst"] and {*inputs["worst"][0]} == {"input", "feature", "share"}
    assert "clipped" in found["diagnostics"][0]["message"]
    assert found["diagnostics"][0]["severity"] == "warning"
    screen = shown(*command)
    assert "warning: " in screen.stderr and "clipped at the ends of int8" in screen.stderr


def test_learn_says_what_the_target_counted(work: Path, raw: Path) -> None:
    command = ("learn", work / "model.q.npz", "--data", raw)
    counted = envelope(*command)["data"]["statistics"]["n_x_saturated"]
    assert counted > 0
    assert f"{counted:,} input values stood at an end of int8" in " ".join(
        shown(*command).stdout.split())


def test_samples_to_judge_on_are_looked_at_as_well(work: Path, raw: Path) -> None:
    found = envelope("learn", work / "model.q.npz", "--data", work / "data.npz", "--test", raw)
    data = found["data"]
    assert data["judged_clipping"]["share"] > 0.8 and data["clipping"]["share"] < 0.01
    assert any("to judge on" in d["message"] for d in found["diagnostics"])


def test_fitting_samples_bring_no_warning(work: Path) -> None:
    found = envelope("run", work / "model.q.npz", "--data", work / "data.npz")
    assert found["data"]["clipping"]["share"] < 0.01 and not found["diagnostics"]


def test_quantize_says_what_became_0(work: Path, tmp_path: Path) -> None:
    net = ir.load(work / "model.npz")
    name = next(p.name for p in net.projections if p.pre != "x")
    net.projection(name).weight[0, 0] = 1e3
    ir.save(net, tmp_path / "m.npz")
    for data in ((), ("--data", work / "data.npz", "--no-compare-bits")):
        command = ("quantize", tmp_path / "m.npz", "-o", tmp_path / "m.q.npz", *data)
        found = envelope(*command)
        q = next(q for p in found["data"]["populations"] for q in p["projections"]
                 if q["name"] == name)
        assert q["vanished"] > 0.9
        assert any(f"'{name}' became 0" in d["message"] and d["severity"] == "warning"
                   for d in found["diagnostics"])
        screen = shown(*command)
        assert "became 0" in screen.stdout and "warning: " in screen.stderr


def test_steps_by_feature_are_in_the_answer(work: Path, tmp_path: Path) -> None:
    net = ir.load(work / "model.npz")
    command = ("quantize", work / "model.npz", "-o", tmp_path / "m.q.npz", "--data",
               work / "data.npz", "--no-compare-bits", "--input-scale", "feature")
    source = envelope(*command)["data"]["inputs"][0]
    assert len(source["x_frac_bits"]) == len(source["x_zero"]) == net.inputs[0].n_raw
    assert "fraction bits by feature" in ok(*command)
    assert "input_scale is 'each'" in shown(*command[:-1], "each").stderr
