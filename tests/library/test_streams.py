"""The example of a library whose model has streams, run as it was generated."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.commands import ok
from support.streamed import streamed

import edge_dassdp as ed
from edge_dassdp.harness import Device
from edge_dassdp.targets.reference import ReferenceTarget


@pytest.mark.parametrize("kind", ["currents", "spikes", "events", "counts"])
def test_frames_from_standard_input_decide_as_the_reference_does(kind: str,
                                                                 tmp_path: Path) -> None:
    network, rng = streamed(kind, 12), np.random.default_rng(2)
    ed.save(network, tmp_path / "net.q.npz")
    ok("generate", tmp_path / "net.q.npz", "--for", "make", "-o", tmp_path / "made")
    subprocess.run(["make", "-s"], cwd=tmp_path / "made", check=True, capture_output=True)
    frames = rng.normal(0, 1, (30, 12)).astype(np.float32).round(3) if kind == "currents" \
        else rng.integers(0, 2, (30, 12))
    lines = "".join(" ".join(map(str, frame)) + "\n" for frame in frames.tolist())
    done = subprocess.run([tmp_path / "made" / "build" / "net_example"], input=lines, text=True,
                          capture_output=True, check=True)
    with Device(network, ReferenceTarget(network)).stream() as stream:
        expected = [d.class_idx for f in frames if (d := stream.push(f)) is not None]
    assert done.stdout.split() == list(map(str, expected)) and len(expected) == 8
