"""What the command line refuses: one sentence, a code, its exit status, and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from support.commands import ok, refused, shown
from support.tiny import N_CLASSES, N_INPUTS
from typer.testing import CliRunner

from edge_dassdp.cli.output import Answer, Output, verb


def test_a_missing_file(work: Path) -> None:
    text = refused("E103", "run", work / "nowhere.npz", "--data", work / "data.npz")
    assert "nowhere.npz does not exist" in text


def test_the_wrong_kind_of_file(work: Path) -> None:
    text = refused("E103", "build", work / "model.npz", "--board", "microbit")
    assert "quantize it first" in text
    (work / "text.npz").write_text("hello")
    refused("E103", "run", work / "text.npz", "--data", work / "data.npz")
    refused("E103", "run", work / "model.q.npz", "--data", work / "text.npz")
    refused("E103", "run", work / "model.q.npz", "--data", work / "model.npz")
    refused("E103", "quantize", work / "data.npz", "-o", work / "never.npz")


def test_a_place_that_cannot_be_written(work: Path) -> None:
    text = refused("E103", "quantize", work / "model.npz", "-o", work / "no" / "such" / "m.npz")
    assert "there is no folder" in text


@pytest.mark.parametrize(("x", "y", "words"), [
    (np.zeros((5, 11), np.float32), np.zeros(5, int), "(5, 11)"),
    (np.zeros((5, N_INPUTS), np.float32), np.zeros(4, int), "(4,)"),
    (np.zeros((5, N_INPUTS), np.float32), np.full(5, N_CLASSES), "classes 0 to 3"),
    (np.zeros((5, N_INPUTS), np.float32), np.zeros(5, float), "float64"),
    (np.full((5, N_INPUTS), np.nan, np.float32), np.zeros(5, int), "NaN"),
    (np.zeros((0, N_INPUTS), np.float32), np.zeros(0, int), "no samples"),
])
def test_data_that_do_not_fit(work: Path, tmp_path: Path, x: np.ndarray, y: np.ndarray,
                              words: str) -> None:
    np.savez(tmp_path / "bad.npz", x=x, y=y)
    assert words in refused("E104", "run", work / "model.q.npz", "--data", tmp_path / "bad.npz")


def test_an_unknown_board_target_or_split(work: Path) -> None:
    text = refused("E401", "build", work / "model.q.npz", "--board", "arduino")
    assert "lm3s6965evb, microbit, " in text
    arguments = ("run", work / "model.q.npz", "--data", work / "data.npz")
    assert "qemu:BOARD" in refused("E105", *arguments, "--target", "esp32")
    assert "train, stream, test" in refused("E105", *arguments, "--split", "validation")
    refused("E105", *arguments, "--log", work / "never.log")
    refused("E105", *arguments, "--target", "serial:/dev/ttyS0@fast")


def test_a_port_that_does_not_exist(work: Path) -> None:
    text = refused("E501", "run", work / "model.q.npz", "--data", work / "data.npz", "--target",
                   "serial:/dev/nowhere")
    assert "there is no such port" in text


def test_a_budget_that_is_too_small(work: Path, arm_toolchain: None) -> None:
    build = ("build", work / "model.q.npz", "--board", "microbit")
    assert "RAM overflows by" in refused("E402", *build, "--ram-budget", "2000")
    assert "flash overflows by" in refused("E402", *build, "--flash-budget", "2000")


def test_a_missing_compiler(work: Path, tmp_path: Path) -> None:
    nothing = {"PATH": "/nonexistent", "CC": "", "EDGE_DASSDP_CACHE": str(tmp_path)}
    refused("E301", "run", work / "model.q.npz", "--data", work / "data.npz", **nothing)
    text = refused("E301", "build", work / "model.q.npz", "--board", "microbit", **nothing)
    assert "arm-none-eabi-gcc is not installed" in text and "apt install" in text


def test_a_frozen_model_does_not_learn(work: Path) -> None:
    text = refused("E105", "learn", work / "frozen.q.npz", "--data", work / "data.npz")
    assert "this model is frozen" in text and "without --frozen" in text
    assert "accuracy" in ok("run", work / "frozen.q.npz", "--data", work / "data.npz")


def test_a_snapshot_of_another_model(work: Path) -> None:
    other, snapshot = work / "other.q.npz", work / "other.npz"
    ok("quantize", work / "model.npz", "-o", other, "--plastic", "fc3")
    ok("learn", other, "--data", work / "data.npz", "--snapshot", snapshot)
    refused("E504", "run", work / "model.q.npz", "--data", work / "data.npz", "--restore", snapshot)


@pytest.mark.parametrize(("options", "code", "words"), [
    (("--rule", "fc2=magic"), "E105",
     "dassdp, delta, eihl, error, homeostasis, ssdp, stdp, sync, touch"),
    (("--rule", "fc2=delta"), "E203", "not at the readout"),
    (("--rule", "fc2=dassdp:warp=9"), "E105", "no setting 'warp'"),
    (("--rule", "fc2=dassdp:batch=many"), "E105", "expected a int"),
    (("--rule", "fc2"), "E105", "NAME=VALUE"),
    (("--plastic", "fc9"), "E105", "there is no projection 'fc9'"),
    (("--plastic", "fc1"), "E203", "does not spike"),
    (("--bits", "fc2=many"), "E105", "--bits fc2=8"),
    (("--weight-bits", "3"), "E105", "choose 4 to 8, or 16"),
    (("--weight-bits", "few"), "E105", "--weight-bits 8"),
    (("--weight-bits", "auto"), "E105", "with --data"),
    (("--frozen", "--plastic", "fc2"), "E105", "excludes"),
    (("--frozen", "--guard", "4"), "E105", "excludes"),
    (("--rule", "fc2=homeostasis"), "E105", "calibration samples"),
    (("--rule", "fc2=stdp:a_plus=9"), "E201", "PairSTDP"),
    (("--schedule", "fast"), "E105", "1 to 2 numbers"),
    (("--schedule", "error:"), "E105", "1 to 2 numbers"),
    (("--schedule", "error:99"), "E203", "gain is 99.0, expected 0.25 to 15"),
    (("--schedule", "error:nan"), "E105", "not finite"),
    (("--gate", "2.7"), "E105", "cusum:2.7,0.08"),
    (("--gate", "cusum:2,x"), "E105", "1 to 2 numbers"),
    (("--gate", "cusum:2,1.5"), "E203", "allowed is 1.5, expected 0.01 to 0.9"),
    (("--gate", "cusum:2,0.1,shuts"), "E105", "1 to 2 numbers"),
    (("--gate", "shut,stays"), "E105", "it is no gate"),
    (("--frozen", "--gate", "cusum"), "E105", "excludes"),
    (("--guard", "2.5"), "E105", "no whole number"),
    (("--replay", "10,2"), "E105", "needs samples"),
    (("--replay", "10,reservoir"), "E105", "2 to 3 numbers"),
    (("--replay", "10,2,reservoirs"), "E105", "2 to 3 numbers"),
    (("--replay", "auto"), "E105", "a board with --board"),
    (("--leak", "none"), "E105", "auto, q15 or shift"),
])
def test_settings_out_of_range(work: Path, tmp_path: Path, options: tuple[str, ...], code: str,
                               words: str) -> None:
    output = tmp_path / "never.npz"
    assert words in refused(code, "quantize", work / "model.npz", "-o", output, *options)
    assert not output.exists()


def test_a_refusal_under_json_is_an_envelope_too(work: Path) -> None:
    done = shown("run", work / "nowhere.npz", "--data", work / "data.npz", "--json")
    found = json.loads(done.stdout)
    assert not found["ok"] and found["exit"] == done.returncode == 2
    [diagnostic] = found["diagnostics"]
    assert diagnostic["code"] == "E103" and "does not exist" in diagnostic["message"]


@pytest.mark.parametrize("arguments", [
    ("run", "model.q.npz", "--limit", "0"),
    ("quantize", "model.npz", "-o", "q.npz", "--spare-classes", "-1"),
    ("quantize", "model.npz", "-o", "q.npz", "--spare-classes", "many"),
])
def test_a_value_out_of_the_range_of_an_option_has_a_code(work: Path,
                                                          arguments: tuple[str, ...]) -> None:
    verb, *_, option, _ = arguments
    text = " ".join(refused("E105", *arguments, cwd=work).split())
    assert f"'{option}'" in text and f"help: Usage: edge-dassdp {verb} [OPTIONS]" in text
    found = json.loads(shown(*arguments, "--json", cwd=work).stdout)
    assert found["exit"] == 2 and found["diagnostics"][0]["code"] == "E105"


def test_usage_errors_exit_with_2(work: Path) -> None:
    for arguments in (("run",), ("fly",), ("run", work / "model.q.npz", "--limit", "0")):
        done = shown(*arguments)
        assert done.returncode == 2 and "Usage:" in done.stderr


def test_debug_shows_where(work: Path) -> None:
    done = shown("run", work / "nowhere.npz", "--data", work / "data.npz", "--debug")
    assert done.returncode == 2 and "Traceback" in done.stderr


@pytest.mark.parametrize(("problem", "status", "words"), [
    (KeyboardInterrupt(), 130, "interrupted"),
    (ZeroDivisionError("by zero"), 101, "internal error: ZeroDivisionError: by zero"),
    (PermissionError(13, "Permission denied", "m.npz"), 2, "m.npz cannot be read or written"),
])
def test_what_escapes_a_verb_has_its_status(problem: BaseException, status: int,
                                            words: str) -> None:
    broken = typer.Typer()

    def fail(out: Output) -> Answer:
        raise problem

    verb(broken, "fail")(fail)
    done = CliRunner().invoke(broken, [])
    assert done.exit_code == status
    assert words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("tea",), "E105", "choose digits or watch"),
    (("watch", "--scenario", "Z"), "E105", "choose one of A, Ap, B, C, D, E, N"),
    (("watch", "--board", "pentium"), "E401", "microbit"),
    (("watch", "--seed", "10"), "E105", "choose 0 to 9"),
    (("watch", "--seeds", "2"), "E105", "demo watch has no --seeds"),
    (("digits", "--scenario", "A"), "E105", "demo digits has no --scenario"),
])
def test_demo_refuses(tmp_path: Path, arguments: tuple[str, ...], code: str, words: str) -> None:
    assert words in refused(code, "demo", *arguments, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("option", "value", "words"), [
    ("--schedule", "nan,inf", "not finite"), ("--schedule", "120,inf", "not finite"),
    ("--schedule", "1e999", "not finite"), ("--schedule", "120.5", "no whole number"),
    ("--schedule", "a,b", "expected 1 to 2 numbers"), ("--replay", "inf,3", "not finite"),
    ("--replay", "auto,nan", "not finite"), ("--guard", "4,nan", "not finite"),
    ("--guard", "4,1.5", "no whole number")])
def test_numbers_with_commas_between_say_what_they_take(work: Path, tmp_path: Path, option: str,
                                                        value: str, words: str) -> None:
    text = refused("E105", "quantize", work / "model.npz", "-o", tmp_path / "m.npz", "--data",
                   work / "data.npz", option, value)
    assert words in text and "help:  give" in text and f"{option} " in text.partition("help:")[2]
