"""The main job, run whole: what the demo promises is what results.json says."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from edge_dassdp.demo.digits import BOARDS, Options, run_demo

pytestmark = pytest.mark.xdist_group("digits")


@pytest.fixture(scope="module")
def run_folder(arm_toolchain, qemu, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    with (folder / "screen.txt").open("w") as screen:
        run_demo(Options(folder), Console(file=screen, width=110))
    return folder


@pytest.fixture(scope="module")
def results(run_folder):
    return json.loads((run_folder / "results.json").read_text())


def test_every_target_agrees_over_the_whole_stream(results):
    exact = results["bit_exact"]
    assert exact["differences"] == 0
    assert exact["compared_targets"] == ["reference", "emulator", "emulator-checked",
                                         "qemu:netduinoplus2", "qemu:microbit"]
    assert exact["learning_steps"] == exact["samples"] == 500
    assert exact["values_compared"] > 1e7


def test_accuracy_comes_back(results):
    accuracy = results["accuracy"]
    assert abs(accuracy["integer"]["mean"] - accuracy["float"]["mean"]) <= 0.5
    learned = accuracy["shifted_learned"]
    assert learned["mean"] >= accuracy["shifted_frozen"]["mean"] + 20
    assert abs(learned["mean"] - accuracy["shifted_learned_float"]["mean"]) <= 1.5
    assert len(learned["seeds"]) == 5 and learned["std"] > 0
    assert set(accuracy["shifted_baselines"]) == {"readout_delta", "ssdp", "dassdp", "pair_stdp"}
    stream = accuracy["in_the_stream"]
    assert stream["ours"]["mean"] > stream["readout_delta"]["mean"] > stream["frozen"]["mean"]


@pytest.mark.parametrize("board", BOARDS)
def test_memory_is_as_predicted(results, board):
    made = results["boards"][board]
    ram, stack, flash = made["ram"], made["stack"], made["flash"]
    assert ram["measured"]["by_symbol"] == ram["predicted"]["by_symbol"]
    assert ram["measured"]["ram_bytes"] == ram["predicted"]["ram_bytes"] <= 16_384
    assert ram["learning_state_bytes"] == sum(results["ram_learning_state"].values()) < 600
    assert stack["painted"] <= stack["bound"] <= 1.25 * stack["painted"]
    assert flash["linked"] <= flash["bound_predicted"]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("what", ["inference", "lesson"])
def test_instructions_are_near_the_prediction(results, board, what):
    counted = results["boards"][board]["instructions"][what]
    assert 0.9 < counted["predicted"] / counted["mean"] < 1.1


def test_what_was_saved_survives_a_power_cut_and_nothing_else_does(results, run_folder):
    told = results["power_cut"]
    factory, learned = told["factory"], told["learned"]
    assert learned["accuracy"] > factory["accuracy"] + 20
    for name in ("accuracy", "n_labelled", "learned_digest"):
        assert told["cut_saved"][name] == learned[name]
        assert told["cut_unsaved"][name] == factory[name]
    assert (told["n_saves"], learned["n_labelled"]) == (1, 500)
    screen = (run_folder / "screen.txt").read_text()
    assert "weights from flash, save 1" in screen.partition("6. The power goes")[2]


def test_the_run_folder_holds_everything(run_folder, results):
    for name in ("results.json", "learning_curve.png", "ram.png", "model.q.npz",
                 *(f"link-{b}.log" for b in BOARDS), *(f"project-{b}/Makefile" for b in BOARDS)):
        assert (run_folder / name).stat().st_size > 0
    assert results["link"]["frames"] >= 1000
    screen = (run_folder / "screen.txt").read_text()
    assert "PASS bit-exact" in screen and "worn sensor: 13 of 64 inputs dead" in screen
