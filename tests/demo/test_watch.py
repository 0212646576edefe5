"""The watch demonstration, run whole on both boards: what it shows is what results.json says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.demo.watch import Options, run_watch

pytestmark = pytest.mark.xdist_group("watch")

RAM_BYTES = {"stm32f405": 131_072, "microbit": 16_384}
MACHINES = {"stm32f405": "qemu:netduinoplus2", "microbit": "qemu:microbit"}


def run(folder: Path, **options) -> tuple[dict, str]:
    """What results.json and the screen of a run hold."""
    with (folder / "screen.txt").open("w") as screen:
        run_watch(Options(folder, **options), Console(file=screen, width=110))
    return (json.loads((folder / "results.json").read_text()),
            (folder / "screen.txt").read_text())


@pytest.fixture(scope="module", params=RAM_BYTES)
def moved(request, arm_toolchain, qemu, tmp_path_factory):
    """A run on a board: its name, results and screen."""
    folder = tmp_path_factory.mktemp("watch")
    return folder, request.param, *run(folder, board=request.param)


def test_the_firmware_learned_the_whole_stream_bit_for_bit(moved):
    _, board, results, screen = moved
    exact = results["bit_exact"]
    assert exact["differences"] == 0 and "PASS bit-exact" in screen
    assert exact["compared_targets"] == ["reference", "emulator", MACHINES[board]]
    assert exact["learning_steps"] == results["scenario"]["stream"] > 50
    assert results["link"]["frames"] > exact["samples"]
    learned = results["learning"]
    assert learned["n_labelled"] + learned["n_held"] == exact["samples"]
    assert learned["n_replayed"] >= 4 * learned["n_labelled"] > 0
    assert 0 < learned["n_written"] <= learned["n_labelled"] - learned["n_skipped"]


def test_an_inference_and_a_lesson_are_counted_on_the_board(moved):
    _, board, results, screen = moved
    counted = results["instructions"]
    assert counted["target"] == f"qemu:{board}" and "Measured on the firmware" in screen
    inference, lesson = counted["inference"], counted["lesson"]
    assert 0 < inference["mean"] <= inference["max"] < lesson["mean"] <= lesson["max"]
    for told in (inference, lesson):
        assert 0.9 < told["predicted"] / told["mean"] < 1.1


def test_the_device_takes_its_orientation_before_it_learns(moved):
    *_, results, screen = moved
    found, methods = results["orientation"], results["accuracy"]["methods"]
    assert (found["profile"], found["determinant"], found["windows"]) == ("orientation", -1, 14)
    hits = {tried["profile"]: tried["hits"] for tried in found["tried"]}
    assert hits["orientation"] > hits["factory"]
    words = " ".join(screen.split())
    assert "the device fits a profile of its sensor: orientation profile" in words
    assert f"It is worn {found['worn']}." in words and "mirrored" in found["worn"]
    oriented, frozen = methods["oriented"], methods["frozen"]
    assert oriented["shifted_after"] >= frozen["shifted_after"] + 25
    assert oriented["original_after"] == frozen["original_after"]


def test_an_unshifted_wearer_is_left_alone(moved):
    *_, results, screen = moved
    alone = results["unshifted"]
    assert alone["profile"] == "factory" and alone["stream"] > 200
    assert alone["after"] >= alone["before"] - 1
    assert alone["n_written"] < alone["stream"] / 4
    exact = alone["bit_exact"]
    assert exact["differences"] == 0 and exact["learning_steps"] == alone["stream"]
    assert exact["compared_targets"] == results["bit_exact"]["compared_targets"]
    assert screen.count("PASS bit-exact") == 2 and "It is worn as in training." in screen


def test_accuracy_comes_back_and_the_old_wrist_is_kept(moved):
    *_, results, screen = moved
    methods = results["accuracy"]["methods"]
    assert list(methods) == ["touch", "unoriented", "synchrony", "oriented", "frozen", "mirrored"]
    touch, frozen = methods["touch"], methods["frozen"]
    assert touch["shifted_after"] >= frozen["shifted_after"] + 35
    assert touch["in_the_stream"] > frozen["in_the_stream"]
    assert touch["original_after"] >= 90 > frozen["shifted_after"] == frozen["shifted_before"]
    assert methods["mirrored"]["shifted_after"] >= frozen["shifted_after"] + 25
    mirrored = methods["mirrored"]["shifted_after"]
    assert f"to {mirrored:.1f} %" in " ".join(screen.split())
    accuracy = results["accuracy"]
    assert abs(accuracy["original_integer"] - accuracy["original_float"]) <= 1


def test_it_fits_the_board_as_predicted(moved):
    folder, board, results, screen = moved
    ram, flash, replay = results["ram"], results["flash"], results["replay"]
    assert ram["measured"]["by_symbol"] == ram["predicted"]["by_symbol"]
    assert ram["measured"]["ram_bytes"] <= RAM_BYTES[board]
    assert flash["linked"] <= flash["bound_predicted"]
    assert results["stack"]["bound"] <= ram["measured"]["stack_reserved"]
    assert replay["flash"] == 70 and replay["flash_bytes"] <= 11.5 * 1024
    assert replay["ring_per_class"] == (3 if board == "stm32f405" else 1)
    named = results["ram_learning_state"]
    assert replay["ring_bytes"] == named["ring"] + named["ring_seen"] <= 3.4 * 1024
    assert f"{replay['flash_bytes']:,} B" in screen and f"ring {named['ring']}" in screen
    for name in ("learning_curve.png", "model.q.npz", f"link-{board}.log",
                 f"project-{board}/Makefile"):
        assert (folder / name).stat().st_size > 0


def test_without_firmware_the_emulator_runs(tmp_path):
    results, screen = run(tmp_path, scenario="B", seed=1, firmware=False)
    assert "Firmware left out, as asked" in screen
    assert results["bit_exact"]["compared_targets"] == ["reference", "emulator"]
    assert results["link"]["targets"] == {} and "ram" not in results
    methods = results["accuracy"]["methods"]
    assert list(methods) == ["touch", "unoriented", "synchrony", "oriented", "frozen"]
    assert methods["touch"]["shifted_after"] > methods["frozen"]["shifted_after"]


def test_where_nothing_shifted_there_is_no_second_wearer(tmp_path):
    results, screen = run(tmp_path, scenario="N", firmware=False)
    assert results["orientation"]["profile"] == "factory" and results["unshifted"] is None
    assert "nothing shifted:" not in screen


def test_without_arm_tools_it_says_so_and_goes_on(tmp_path, monkeypatch):
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("cc", "as", "ld"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(tools))
    results, screen = run(tmp_path)
    assert "arm-none-eabi-gcc and qemu-system-arm not found" in screen
    assert results["bit_exact"]["differences"] == 0 and "ram" not in results


@pytest.mark.parametrize(("options", "code", "words"), [
    ({"scenario": "Z"}, "E105", "A, Ap, B"),
    ({"board": "pentium"}, "E401", "microbit"),
    ({"seed": 10}, "E105", "choose 0 to 9"),
    ({"seed": -1}, "E105", "choose 0 to 9"),
])
def test_what_is_not_there_is_refused_before_anything_is_written(tmp_path, options, code, words):
    with pytest.raises(EdgeError) as refusal:
        run_watch(Options(tmp_path / "run", **options), Console(quiet=True))
    assert refusal.value.code == code and refusal.value.exit_status == 2
    assert words in refusal.value.help
    assert not (tmp_path / "run").exists()
