"""A device that learns only where its misses pile up says so, whatever it is asked by."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.commands import answer, ok, shown

from edge_dassdp import qir

SHIFT = 2.0
REPLAY = ("--replay", "8,3,2")


@pytest.fixture(scope="module")
def taught(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data.npz and shifted.npz, and `gate`: a network that classifies the first, behind a gate."""
    folder = tmp_path_factory.mktemp("gate")
    ok("quantize", work / "model.npz", "-o", folder / "first.q.npz", "--data", work / "data.npz")
    x = np.load(work / "data.npz")["x"]
    lines = ok("run", folder / "first.q.npz", "--data", work / "data.npz", "--split", "train",
               "--json").splitlines()
    y = np.array([json.loads(line)["class_idx"] for line in lines[:-1]])
    for name, labels in (("data", y), ("shifted", (y + 1) % 4)):
        np.savez(folder / f"{name}.npz", x=x, y=labels)
    return folder


def quantized(work: Path, taught: Path, *options: str) -> Path:
    output = taught / "made.q.npz"
    ok("quantize", work / "model.npz", "-o", output, "--data", taught / "data.npz", *options)
    return output


@pytest.mark.parametrize("more", [(), REPLAY], ids=["no replay", "replay"])
def test_no_shift_changes_nothing_and_says_so(work: Path, taught: Path,
                                              more: tuple[str, ...]) -> None:
    model = quantized(work, taught, "--gate", "cusum", *more)
    learn = ("learn", model, "--data", taught / "data.npz", *(("--idle", "9") if more else ()))
    data = answer(*learn)["data"]
    assert data["gate"] == {"is_open": False, "n_held": 60, "error_share": 0.0}
    assert data["statistics"]["n_updates"] == data["idle_steps"] == 0
    assert data["statistics"]["n_labelled"] == 0 and data["accuracy"] == 1
    assert "gate closed: nothing learned of 60 samples, error share 0.0 %" in ok(*learn)
    told = [json.loads(line) for line in ok(*learn, "--json").splitlines()]
    assert all(line["held"] for line in told[:-1])


def test_a_shift_opens_it_and_the_rest_is_learned(work: Path, taught: Path) -> None:
    model = quantized(work, taught, "--gate", "cusum:2.7,0.08", *REPLAY)
    data = answer("learn", model, "--data", taught / "shifted.npz")["data"]
    assert data["gate"] == {"is_open": True, "n_held": 2, "error_share": 1.0}
    assert data["statistics"]["n_labelled"] == 58 and data["statistics"]["n_updates"] > 0
    screen = ok("learn", model, "--data", taught / "shifted.npz")
    assert "gate open: 2 samples held back before, error share 100.0 %" in screen


def test_a_network_without_a_gate_has_none(work: Path) -> None:
    data = answer("learn", work / "model.q.npz", "--data", work / "data.npz")["data"]
    assert data["gate"] is None
    assert "gate" not in ok("learn", work / "model.q.npz", "--data", work / "data.npz")


def test_options_become_constants(work: Path, taught: Path) -> None:
    model = qir.load(quantized(work, taught, "--schedule", "error:3,0.1", "--gate",
                               "cusum:2,0.5", "--replay", "8,10,1,reservoir"))
    assert model.schedule_q8 is None and model.error_step == qir.QErrorStep(48, 26, 26)
    assert model.cusum == qir.QCusum(2048, 512, True)
    assert model.replay is not None and model.replay.is_reservoir
    assert (model.replay.ring_per_class, model.replay.n_ring) == (10, 1)
    filled = qir.load(quantized(work, taught, "--replay", "auto,2,reservoir", "--board",
                                "microbit")).replay
    assert filled is not None and filled.is_reservoir and filled.n_ring == 2
    plain = qir.load(quantized(work, taught, "--schedule", "error", "--gate", "cusum,stays"))
    assert plain.error_step == qir.QErrorStep(32, 13, 26)
    assert plain.cusum == qir.QCusum(2765, 82, False)


@pytest.mark.parametrize(("options", "told"), [
    (("--gate", "cusum"), ["CUSUM gate: learns once wrong classes are 2.7 more than 8 % of the "
                           "samples, until they are no more"]),
    (("--gate", "cusum:3,0.2,stays"), ["3 more than 20 % of the samples, and from then on"]),
    (("--guard", "4,16"), ["guard: keeps a copy of its weights, falls back to factory weights that "
                           "have 4 hits more in 16 samples"]),
    (("--guard", "0"), ["guard: keeps a copy of its weights"]),
    (("--rule", "fc3=dassdp"), ["fc3 by DASSDP behind a dopamine gate that --warm-up fits"]),
    (("--rule", "fc3=dassdp:gated=false"), ["fc3 by DASSDP"])])
def test_the_screen_of_quantize_says_what_holds_learning_back(
        work: Path, taught: Path, options: tuple[str, ...], told: list[str]) -> None:
    screen = ok("quantize", work / "model.npz", "-o", taught / "said.q.npz", *options)
    assert all(text in screen for text in told)
    for word, option in (("CUSUM gate", "--gate"), ("guard:", "--guard"), ("falls", "4,16"),
                         ("--warm-up fits", "fc3=dassdp")):
        assert (word in screen) is (option in options), word


def test_a_gate_that_would_open_on_nothing_is_told(work: Path, taught: Path) -> None:
    done = shown("quantize", work / "model.npz", "-o", taught / "told.q.npz", "--data",
                 taught / "shifted.npz", "--gate", "cusum")
    assert "opens on nothing: give --gate cusum:2.7,0.90" in done.stderr
    assert "opens on nothing" not in shown(
        "quantize", work / "model.npz", "-o", taught / "told.q.npz", "--data",
        taught / "data.npz", "--gate", "cusum").stderr


def test_all_targets_agree_behind_a_gate(work: Path, taught: Path) -> None:
    model = quantized(work, taught, "--schedule", "error", "--gate", "cusum:2,0.3", *REPLAY)
    assert "PASS" in ok("verify", model, "--target", "emulator", "--data",
                        taught / "shifted.npz", "--learn")
