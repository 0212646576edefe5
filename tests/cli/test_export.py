"""export: learned weights into the file that a network came from, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import nir
import numpy as np
import pytest
from support.commands import ok, refused
from support.nir_graphs import BRAILLE, SNNTORCH
from support.way_back import learn

from edge_dassdp import ir, qir
from edge_dassdp.harness import SNAPSHOT
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.storage.npz import write_npz
from edge_dassdp.targets.reference import ReferenceTarget

NIR = ("--source", SNNTORCH, "--n-steps", "40")


def snapshot(model: Path) -> dict[str, np.ndarray]:
    """What the reference learned, as `learn --snapshot` writes it beside the model."""
    network = qir.load(model)
    learned = learn(network, n=10)
    arrays = {f"w_{name}": w for name, w in learned.items()}
    learning = ReferenceTarget(network).read_learning()
    write_npz(model.parent / "learned.npz", {"format": SNAPSHOT, "model": network.sha256},
                 arrays | {"learning": np.frombuffer(learning, np.uint8)})
    return learned


@pytest.fixture
def work(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    populations = (Population("h", 8, 0.9, 1.0), Population("o", 3, 0.0, 1.0, "none"))
    projections = (Projection("fc1", "x", "h", rng.normal(0, 0.5, (6, 8))),
                   Projection("fc2", "h", "o", rng.normal(0, 0.5, (8, 3)), rng.normal(0, 0.1, 3)))
    ir.save(Network((Input("x", 6),), populations, projections, Readout("o", "membrane_sum"), 7),
            tmp_path / "model.npz")
    return tmp_path


def test_into_a_float_network(work: Path) -> None:
    model, out = work / "model.q.npz", work / "out.npz"
    ok("quantize", work / "model.npz", "-o", model, "--rule", "fc2=delta:mu=1.0")
    learned = snapshot(model)
    before = (work / "model.npz").read_bytes()
    screen = ok("export", model, work / "learned.npz", "--into", work / "model.npz", "-o", out)
    assert "fc2" in screen and "of 24 weights changed" in screen
    assert screen.splitlines()[-1] == f"next: edge-dassdp inspect {out}"
    assert (work / "model.npz").read_bytes() == before
    made, scale = ir.load(out), qir.load(model).projection("fc2").scale
    np.testing.assert_allclose(made.projection("fc2").weight, learned["fc2"] * scale)
    np.testing.assert_array_equal(made.projection("fc1").weight,
                                  ir.load(work / "model.npz").projection("fc1").weight)


def test_into_the_quantized_network(work: Path) -> None:
    model, out = work / "model.q.npz", work / "out.q.npz"
    ok("quantize", work / "model.npz", "-o", model, "--rule", "fc2=delta:mu=1.0")
    learned = snapshot(model)
    told = json.loads(ok("export", model, work / "learned.npz", "-o", out, "--json"))
    made = qir.load(out)
    assert told["data"]["learned_sha256"] == made.sha256 != qir.load(model).sha256
    np.testing.assert_array_equal(made.projection("fc2").w, learned["fc2"])
    n_changed = int((learned["fc2"] != qir.load(model).projection("fc2").w).sum())
    assert told["data"]["n_changed"] == n_changed > 0


def test_into_a_nir_file(tmp_path: Path) -> None:
    model, out = tmp_path / "model.q.npz", tmp_path / "out.nir"
    ok("quantize", BRAILLE, *NIR, "-o", model, "--rule", "fc2=delta:mu=1.0", "--bits", "fc2=16")
    learned = snapshot(model)
    screen = ok("export", model, tmp_path / "learned.npz", "--into", BRAILLE, *NIR, "-o", out)
    assert f"next: edge-dassdp inspect {out} --source" in screen
    before, after = nir.read(BRAILLE).nodes, nir.read(out).nodes
    scale = qir.load(model).projection("fc2").scale / 256
    np.testing.assert_allclose(after["fc2"].weight, (learned["fc2"] * scale).T, rtol=1e-6)
    np.testing.assert_array_equal(after["fc1"].weight, before["fc1"].weight)
    assert "n_steps" in refused("E201", "export", model, tmp_path / "learned.npz", "--into",
                                BRAILLE, *NIR[:-1], "41", "-o", out)


def test_what_export_refuses(work: Path) -> None:
    model, kept = work / "model.q.npz", work / "learned.npz"
    ok("quantize", work / "model.npz", "-o", model, "--rule", "fc2=delta:mu=1.0",
       "--plastic-biases")
    snapshot(model)
    ok("export", model, kept, "--into", work / "model.npz", "-o", work / "out.npz")
    assert ir.load(work / "out.npz").projection("fc2").bias is not None
    for name in ("out.nir", "state.pt"):
        assert "load_into" in refused("E105", "export", model, kept, "--into", work / "model.npz",
                                      "-o", work / name)
    refused("E103", "export", model, work / "model.npz", "-o", work / "out.npz")
    other = work / "other.q.npz"
    ok("quantize", work / "model.npz", "-o", other, "--rule", "fc2=delta:mu=0.5")
    assert "another model" in refused("E504", "export", other, kept, "-o", work / "out.q.npz")
