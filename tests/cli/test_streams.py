"""quantize --hop, run --hop: samples as one stream without end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.commands import ok, refused

from edge_dassdp import ir

N_STEPS, N_INPUTS = 6, 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of frames, 20 samples of it of two classes, and its model with a hop of 2."""
    made, rng = tmp_path_factory.mktemp("streams"), np.random.default_rng(4)
    ir.save(ir.Network(
        (ir.Input("x", N_INPUTS, N_STEPS),),
        (ir.Population("h", 8, 0.9, 1.0), ir.Population("out", 2, 0.9, 1.0, "none")),
        (ir.Projection("xh", "x", "h", rng.normal(0, 1, (N_INPUTS, 8))),
         ir.Projection("ho", "h", "out", rng.normal(0, 1, (8, 2)))),
        ir.Readout("out", "membrane_sum"), N_STEPS), made / "net.npz")
    np.savez(made / "data.npz", x=rng.normal(0, 1, (20, N_INPUTS * N_STEPS)).astype(np.float32),
             y=np.repeat([0, 1], 10))
    ok("quantize", made / "net.npz", "-o", made / "net.q.npz", "--hop", "2",
       "--data", made / "data.npz")
    return made


@pytest.mark.parametrize("target", ["reference", "emulator"])
def test_every_decision_is_a_line_and_the_summary_the_last(folder: Path, target: str) -> None:
    out = ok("run", folder / "net.q.npz", "--data", folder / "data.npz", "--target", target,
             "--hop", "3", "--json")
    *lines, summary = map(json.loads, out.splitlines())
    assert [line["frame"] for line in lines] == list(range(5, 120, 3))
    assert {line["label"] for line in lines} == {0, 1, None}
    result = summary["data"]
    assert (result["n_frames"], result["n_decisions"], result["hop"]) == (120, 39, 3)
    judged = [line for line in lines if line["label"] is not None]
    assert result["n_windows_of_one_class"] == len(judged)
    assert result["accuracy"] == pytest.approx(
        np.mean([line["class_idx"] == line["label"] for line in judged]))
    assert "of the" in ok("run", folder / "net.q.npz", "--data", folder / "data.npz", "--hop", "2")


def test_what_no_stream_can_be_is_refused(folder: Path) -> None:
    model, data = folder / "net.q.npz", folder / "data.npz"
    for hop, says in (("1", "a hop of 1 frames cannot be"), ("7", "a hop of 7 frames cannot be"),
                      ("0", "a hop of 0")):
        assert says in refused("E105", "run", model, "--data", data, "--hop", hop)
    for hop in ("7", "0", "-1"):
        refused("E105", "quantize", folder / "net.npz", "-o", folder / "no.q.npz", "--hop", hop)
    ok("quantize", folder / "net.npz", "-o", folder / "plain.q.npz")
    assert "without --hop" in refused("E503", "run", folder / "plain.q.npz", "--data", data,
                                    "--hop", "2")
