"""Spikes for a viewer of traces: those of the raster, each on the track of its neuron."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import answer, ok, refused

from edge_dassdp import qir
from edge_dassdp.qir.samples import input_x
from edge_dassdp.runs.folder import results_of
from edge_dassdp.runs.raster import rasters
from edge_dassdp.targets.reference import ReferenceTarget

N = 3


@pytest.fixture(scope="module")
def traced(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trace")
    ok("trace", work / "model.q.npz", "--data", work / "data.npz", "--limit", str(N), "--perfetto",
       folder / "t.json", "--step-us", "250", "--run", folder / "run")
    return folder


@pytest.fixture(scope="module")
def raster(work: Path) -> dict[str, Any]:
    """Of the reference."""
    network = qir.load(work / "model.q.npz")
    x = input_x(network, np.load(work / "data.npz")["x"][:N].astype(np.float32))
    return rasters([ReferenceTarget(network)], network, x)


def tracks(events: list[dict[str, Any]]) -> dict[tuple[int, int], tuple[str, str]]:
    """Population and neuron of each process and thread, as a viewer names them."""
    process = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    return {(e["pid"], e["tid"]): (process[e["pid"]], e["args"]["name"]) for e in events
            if e["name"] == "thread_name"}


def test_a_trace_has_the_spikes_of_the_raster(traced: Path, raster: dict[str, Any]) -> None:
    events = json.loads((traced / "t.json").read_text("utf-8"))["traceEvents"]
    named = tracks(events)
    assert len({tid for _, tid in named}) == len(named), "no two tracks are one"
    found = sorted((*named[e["pid"], e["tid"]], e["ts"], e["dur"]) for e in events
                   if e["name"] == "spike")
    places = [(p["name"], f"neuron {i}") for p in raster["populations"] for i in range(p["size"])]
    expected = sorted((*places[neuron], step * 250, 250)
                      for step, neuron in raster["spikes"]["reference"])
    assert found == expected and found
    assert all(e["ph"] in "XM" for e in events)
    assert set(named.values()) == {track[:2] for track in found} | {("samples", "sample")}


def test_samples_have_a_track_with_their_labels(work: Path, traced: Path,
                                                raster: dict[str, Any]) -> None:
    events = json.loads((traced / "t.json").read_text("utf-8"))["traceEvents"]
    named = tracks(events)
    samples = [(e["name"], e["ts"], e["dur"]) for e in events
               if e["ph"] == "X" and named[e["pid"], e["tid"]][0] == "samples"]
    lasts = raster["n_steps"] * 250
    y = np.load(work / "data.npz")["y"][:N]
    assert samples == [(f"sample {i}: class {y[i]}", i * lasts, lasts) for i in range(N)]


def test_the_answer_counts_what_is_in_the_file(traced: Path, raster: dict[str, Any]) -> None:
    spikes = raster["spikes"]["reference"]
    data = results_of(traced / "run")["data"]
    assert data["n_spikes"] == len(spikes) == sum(p["n_spikes"] for p in data["populations"])
    assert sum(p["n_firing"] for p in data["populations"]) == len({j for _, j in spikes})
    kept = json.loads((traced / "run" / "raster.json").read_text())
    assert kept["spikes"]["emulator"] == spikes, "a report shows them, too"


def test_time_is_steps_and_says_so(work: Path, tmp_path: Path) -> None:
    found = answer("trace", work / "model.q.npz", "--data", work / "data.npz", "--limit", "1",
                   "--perfetto", tmp_path / "t.json")
    assert found["data"]["step_us"] == 1000
    held = json.loads((tmp_path / "t.json").read_text())
    assert "steps" in held["otherData"]["time"] and held["displayTimeUnit"] == "ms"


def test_a_trace_of_nothing_is_refused(work: Path, tmp_path: Path) -> None:
    assert "nowhere" in refused("E103", "trace", work / "model.q.npz", "--data",
                                work / "data.npz", "--perfetto", tmp_path / "nowhere" / "t.json")
