"""The command line as a user runs it: a tiny network, every verb, every refusal."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.commands import ROOT, answer, ok, refused, run, shown
from support.failing_tools import sh, with_fake
from support.tiny import N_CLASSES, N_INPUTS

import edge_dassdp
from edge_dassdp import ir, qir


def test_version_and_help_name_every_verb() -> None:
    assert ok("--version").strip() == f"edge-dassdp {edge_dassdp.__version__}"
    text = ok("--help")
    for name in ("inspect", "quantize", "generate", "build", "run", "learn", "verify", "measure",
                 "flash", "demo", "boards", "devices", "doctor", "explain"):
        assert name in text
        assert "--json" in ok(name, "--help")


@pytest.mark.parametrize("arguments", [
    ("--version",), ("inspect", "model.npz"), ("quantize", "model.npz", "-o", "process.q.npz"),
    ("run", "model.q.npz", "--data", "data.npz"), ("export", "model.q.npz", "no.npz", "-o", "e"),
    ("learn", "model.q.npz", "--data", "data.npz", "--json"), ("boards",), ("explain", "E402"),
    ("verify", "model.q.npz", "--data", "data.npz", "--target", "emulator"), ("devices",),
    ("doctor",), ("demo", "tea"),
], ids=lambda arguments: arguments[0].strip("-"))
def test_a_process_says_what_is_tested_in_this_one(work: Path, arguments: tuple[str, ...]) -> None:
    done, here = run(*arguments, cwd=work), shown(*arguments, cwd=work)
    assert (done.returncode, done.stdout) == (here.returncode, here.stdout)
    assert done.stderr == here.stderr


@pytest.mark.parametrize("arguments", [
    ("generate", "--board", "microbit", "-o", "process"), ("build", "--board", "microbit"),
    ("measure", "--board", "microbit"),
    ("flash", "--board", "stm32f405", "--dry-run", "--via", "command"),
], ids=lambda arguments: arguments[0])
def test_a_process_does_for_a_board_what_is_tested_in_this_one(
        work: Path, arguments: tuple[str, ...], arm_toolchain: None, qemu: None,
        tmp_path: Path) -> None:
    verb, *options = arguments
    path = with_fake(tmp_path, "openocd", sh())
    done, here = (call(verb, "model.q.npz", *options, cwd=work, PATH=path) for call in (run, shown))
    assert (done.returncode, done.stdout) == (here.returncode, here.stdout) == (0, here.stdout)


def test_quantize_shows_proofs_and_fidelity(work: Path) -> None:
    screen = ok("quantize", work / "model.npz", "-o", work / "shown.q.npz", "--data",
                work / "data.npz")
    for words in ("fc2", "plastic", "h2: synaptic sum", "int16", "spikes flipped", "accuracy",
                  "next: edge-dassdp build"):
        assert words in screen
    data = answer("quantize", work / "model.npz", "-o", work / "shown.q.npz", "--data",
                  work / "data.npz", warns="the float network itself is right in")["data"]
    assert data["plastic"] == ["fc2", "fc3"] and data["n_samples"] == 60
    assert all(0 <= p["flipped"] < 0.2 for p in data["populations"][:2])
    assert all(b["peak"] <= b["limit"] for p in data["populations"] for b in p["proofs"]
               if not (p["saturates"] and b["what"].endswith("membrane")))


def quantize_digits(output: Path, *more: str) -> tuple[str | Path, ...]:
    folder = ROOT / "examples" / "digits"
    return ("quantize", folder / "digits_seed0.npz", "-o", output, "--data", folder / "data.npz",
            "--limit", "200", *more)


def test_quantize_names_kernels_their_reasons_and_the_price_of_narrow_weights(
        tmp_path: Path) -> None:
    output = tmp_path / "digits.q.npz"
    screen = ok(*quantize_digits(output))
    for words in ("input input: 64 currents, int8", "analogue: int32 sums, once a sample",
                  "of 96 rows active a step", "int16 in pairs", "0.000 %", "8 (chosen)",
                  "rows added in bytes", "M0 P", "M55 P"):
        assert words in screen
    data = answer(*quantize_digits(output))["data"]
    assert [(w["weight_bits"], w["byte_rows"]) for w in data["widths"]] == [(8, 1), (7, 2), (6, 4)]
    assert data["widths"][0]["accuracy"] == data["integer_accuracy"] and not data["auto"]
    narrow = answer(*quantize_digits(output, "--weight-bits", "6", "--no-compare-bits"))["data"]
    assert narrow["integer_accuracy"] == data["widths"][2]["accuracy"] and not narrow["widths"]
    kernels = {q["name"]: q["kernel"] for p in narrow["populations"] for q in p["projections"]}
    assert kernels == {"fc1": "dassdp_k_analogue_a32", "fc2": "dassdp_k_accumulate_s6",
                       "fc3": "dassdp_k_accumulate_s6"}
    assert narrow["populations"][0]["kernel"] == "dassdp_k_neuron_pairs_subtract_delayed"


def test_quantize_picks_the_narrowest_weights_that_will_do(tmp_path: Path) -> None:
    output = tmp_path / "digits.q.npz"
    data = answer(*quantize_digits(output, "--weight-bits", "auto", "--no-compare-bits"))["data"]
    will_do = [w["weight_bits"] for w in data["auto"]
               if w["accuracy"] >= data["auto"][0]["accuracy"] - 0.005]
    assert data["weight_bits"] == min(will_do)
    fc2 = data["populations"][1]["projections"][0]
    assert fc2["weight_bits"] == data["weight_bits"]
    screen = ok(*quantize_digits(output, "--weight-bits", "auto"))
    assert f"auto took {data['weight_bits']}-bit weights" in screen


def test_an_input_of_spikes_is_said_and_takes_nothing_else(work: Path, tmp_path: Path) -> None:
    network = ir.load(work / "model.npz")
    model, data, output = (tmp_path / name for name in ("spikes.npz", "s.npz", "spikes.q.npz"))
    ir.save(replace(network, inputs=(ir.Input("x", N_INPUTS, network.n_steps, spikes=True),)),
            model)
    rng = np.random.default_rng(3)
    x = (rng.random((40, N_INPUTS * network.n_steps)) < 0.9).astype(np.float32)
    np.savez(data, x=x, y=rng.integers(0, N_CLASSES, 40))
    screen = ok("quantize", model, "-o", output, "--data", data, "--frozen")
    assert "input x: 6 frames of 12 spikes, each 0 or 1" in screen
    assert "dense: 90 % active" in screen
    np.savez(data, x=x / 2, y=np.zeros(40, int))
    assert "takes spikes, each 0 or 1" in refused("E104", "run", output, "--data", data)
    assert "takes spikes, each 0 or 1" in refused("E104", "quantize", model, "-o", output,
                                                  "--data", data)


def test_quantize_takes_rules_and_bits_by_projection(work: Path) -> None:
    target = work / "rules.q.npz"
    data = answer("quantize", work / "model.npz", "-o", target, "--plastic", "fc3", "--rule",
                  "fc2=dassdp:a_plus=0.002,batch=2", "--bits", "fc2=16")["data"]
    bits = {p["name"]: p["weight_bits"] for pop in data["populations"] for p in pop["projections"]}
    assert data["plastic"] == ["fc2", "fc3"] and bits == {"fc1": 8, "fc2": 16, "fc3": 8}
    ok("learn", target, "--data", work / "data.npz", "--warm-up", "8")


@pytest.mark.parametrize("rule", ["touch", "stdp:a_plus=0.002,a_minus=0.003", "homeostasis",
                                  "homeostasis:target=2", "eihl:period=4"])
def test_quantize_takes_every_rule_with_schedule_replay_and_guard(work: Path, rule: str) -> None:
    target = work / "memory.q.npz"
    ok("quantize", work / "model.npz", "-o", target, "--data", work / "data.npz", "--plastic",
       "fc3", "--rule", f"fc2={rule}", "--schedule", "100,0.4", "--replay", "8,2", "--guard", "4")
    model = qir.load(target)
    assert model.schedule_q8 is not None and model.schedule_q8[-1] == round(256 * 0.4)
    assert model.replay is not None and model.replay.labels.size == 8
    assert model.guard is not None and (model.guard.margin, model.guard.window) == (4, 32)
    ok("learn", target, "--data", work / "data.npz")


def test_replay_fills_a_board_and_a_device_learns_on_while_idle(work: Path) -> None:
    target = work / "filled.q.npz"
    ok("quantize", work / "model.npz", "-o", target, "--data", work / "data.npz", "--rule",
       "fc2=touch:columns=16", "--replay", "auto,2", "--board", "microbit", "--guard", "0",
       "--plastic-biases")
    assert {p.name for p in qir.load(target).plastic} == {"fc2", "fc2_bias"}
    replay = qir.load(target).replay
    assert replay is not None and replay.n_ring == 2
    assert replay.labels.size > 8 and replay.ring_per_class > 3
    data = answer("learn", target, "--data", work / "data.npz", "--limit", "10", "--idle", "5",
                  "--save", "--rollback", warns="copy")["data"]
    assert data["idle_steps"] == 5 and data["statistics"]["n_replayed"] >= 5 + 10


def test_learning_raises_accuracy_and_a_snapshot_keeps_it(work: Path) -> None:
    snapshot = work / "snapshot.npz"
    learned = answer("learn", work / "model.q.npz", "--data", work / "data.npz",
                     "--test", work / "test.npz", "--snapshot", snapshot)["data"]
    assert learned["after"] > learned["before"]
    plain, restored = (answer("run", work / "model.q.npz", "--data", work / "test.npz", *more)
                       for more in ((), ("--restore", snapshot)))
    assert plain["data"]["accuracy"] == learned["before"]
    assert restored["data"]["accuracy"] == learned["after"]
    assert plain["inputs"]["model_sha256"] == restored["inputs"]["model_sha256"]


def test_streams_are_one_object_a_line(work: Path) -> None:
    lines = ok("learn", work / "model.q.npz", "--data", work / "data.npz", "--limit", "5",
               "--json").splitlines()
    found = [json.loads(line) for line in lines]
    assert [f["sample"] for f in found[:-1]] == [0, 1, 2, 3, 4]
    assert {f["schema"] for f in found} == {"edge_dassdp/learn/1"}


def test_one_word_changes_the_target(work: Path) -> None:
    results = [answer("run", work / "model.q.npz", "--data", work / "data.npz", "--target", t)
               for t in ("reference", "emulator", "emulator-checked")]
    assert len({r["data"]["accuracy"] for r in results}) == 1


def test_threads_change_no_figure_and_are_the_emulator_s(work: Path) -> None:
    samples = ("run", work / "model.q.npz", "--data", work / "data.npz")
    one, all_cores = (answer(*samples, "--threads", n)["data"] for n in ("1", "0"))
    assert one == all_cores
    refused("E105", *samples, "--threads", "2", "--target", "reference")


def test_a_shift_changes_the_samples(work: Path) -> None:
    a, b, again = (answer("run", work / "model.q.npz", "--data", work / "data.npz",
                          "--shift-seed", s)["data"]["accuracy"] for s in ("1", "2", "1"))
    assert a == again and a != b


def test_verify_passes_bit_exact(work: Path) -> None:
    arguments = ("verify", work / "model.q.npz", "--data", work / "data.npz", "--learn",
                 "--target", "emulator", "--target", "emulator-checked", "--limit", "20")
    assert "PASS bit-exact" in ok(*arguments)
    data = answer(*arguments)["data"]
    assert data["bit_exact"] and data["learning_steps"] == 20 and data["divergence"] is None


def test_a_name_begins_all_that_a_model_is_called_in_c(work: Path, arm_toolchain: None) -> None:
    model, board = work / "model.q.npz", ("--board", "stm32f405")
    answer("generate", model, *board, "-o", work / "gestures", "--name", "gestures")
    header = (work / "gestures" / "generated" / "gestures_model.h").read_text(encoding="utf-8")
    assert "gestures_state_t" in header and "extern const dassdp_model_t gestures_model" in header
    named = answer("build", model, *board, "--name", "gestures")["data"]["linked"]
    assert named["by_symbol"] == answer("build", model, *board)["data"]["linked"]["by_symbol"]
    refused("E105", "build", model, *board, "--name", "Gestures!")


def test_generate_writes_a_project_that_make_builds(work: Path, arm_toolchain: None) -> None:
    data = answer("generate", work / "model.q.npz", "--board", "stm32f405", "-o",
                  work / "project")["data"]
    subprocess.run(["make", "-C", work / "project"], check=True, capture_output=True)
    assert (work / "project" / "firmware.elf").is_file()
    assert data["predicted"]["ram_bytes"] == sum(data["predicted"]["by_owner"].values())


def test_build_links_what_was_predicted(work: Path, arm_toolchain: None) -> None:
    data = answer("build", work / "model.q.npz", "--board", "microbit", "-o", work / "out")["data"]
    assert data["linked"]["by_symbol"] == data["predicted"]["by_symbol"]
    assert data["linked"]["ram_bytes"] == data["predicted"]["ram_bytes"]
    assert data["stack"]["path"][0] == "dassdp_reset_handler"
    assert (work / "out" / "firmware.hex").read_text().startswith(":")
    screen = ok("build", work / "model.q.npz", "--board", "microbit")
    assert "deepest call path" in screen and f"{data['linked']['ram_bytes']:,}" in screen


def test_measure_counts_and_holds_its_bounds(work: Path, arm_toolchain: None, qemu: None) -> None:
    data = answer("measure", work / "model.q.npz", "--board", "stm32f405", "--data",
                  work / "data.npz", "--limit", "8")["data"]
    assert 0 < data["stack_painted_bytes"] <= data["stack"]["bytes"]
    inference, learning = data["instructions"]["inference"], data["instructions"]["lesson"]
    assert inference["n_samples"] == learning["n_samples"] == 8
    assert 0 < inference["mean"] <= inference["max"]
    screen = ok("measure", work / "model.q.npz", "--board", "stm32f405")
    assert "- cycles and time on a board" in screen


def test_qemu_is_one_more_word_and_logs_its_link(work: Path, arm_toolchain: None,
                                                  qemu: None) -> None:
    on_qemu = answer("run", work / "model.q.npz", "--data", work / "data.npz", "--target",
                     "qemu:stm32f405", "--limit", "10", "--log", work / "link.log")["data"]
    emulated = answer("run", work / "model.q.npz", "--data", work / "data.npz", "--limit", "10")
    assert on_qemu["accuracy"] == emulated["data"]["accuracy"]
    assert on_qemu["link"]["frames"] >= 11
    assert all({"t_s", "to", "hex"} <= json.loads(line).keys()
               for line in (work / "link.log").read_text().splitlines())


def test_flash_names_its_command_and_the_missing_tool(work: Path, arm_toolchain: None,
                                                       tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("flash", work / "model.q.npz", "--board", "stm32f405", "--via", "command")
    with monkeypatch.context() as context:
        context.setenv("PATH", with_fake(tmp_path, "openocd", sh()))
        data = answer(*command, "--dry-run")["data"]
    assert data["command"][0] == "openocd" and Path(data["elf"]).is_file()
    for tool in ("gcc", "objcopy", "objdump"):
        found = shutil.which(f"arm-none-eabi-{tool}")
        assert found
        (tmp_path / f"arm-none-eabi-{tool}").symlink_to(found)
    text = refused("E301", *command, PATH=str(tmp_path))
    assert "openocd is not installed" in text
    assert refused("E301", *command, "--dry-run", PATH=str(tmp_path)) == text
    told = shown(*command, "--dry-run", PATH=str(tmp_path)).stdout
    assert "would run openocd" in told and "next:" not in told


def test_boards_doctor_explain_devices() -> None:
    assert {"stm32f405", "microbit"} <= {b["name"] for b in answer("boards")["data"]["boards"]}
    assert "a memory budget is broken" in ok("explain", "E402")
    assert answer("explain", "e402")["data"]["exit_status"] == 1
    assert "devices" in answer("devices")["data"]
    done = shown("doctor", PATH="/nonexistent")
    assert done.returncode == 3 and "apt install gcc-arm-none-eabi" in done.stdout


def test_demo_watch_answers_in_json(tmp_path: Path) -> None:
    data = answer("demo", "watch", "--no-firmware", "--out", tmp_path / "run")["data"]
    assert data["schema"] == "edge_dassdp/demo_watch/1"
    assert data == json.loads((tmp_path / "run" / "results.json").read_text())
    assert data["scenario"]["name"] == "Ap" and data["board"] == "stm32f405"
    methods = data["accuracy"]["methods"]
    assert methods["touch"]["shifted_after"] > methods["frozen"]["shifted_after"]
