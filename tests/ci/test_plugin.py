"""The pytest plugin, run by pytest in a folder of a user's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.served import served

import edge_dassdp as ed
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.ir import Input, Population, Projection, Readout
from edge_dassdp.plan import Plan
from edge_dassdp.targets.loopback import LoopbackStream

MODEL = ("--ed-model", "model.q.npz", "--ed-data", "data.npz")
GOLDEN = """
def test_bits(ed_device, ed_samples, ed_golden):
    ed_golden(ed_device, ed_samples.x, ed_samples.y)
"""


def told(done: Any, *words: str) -> None:
    """A test failed, and said so in its own words: no traceback of ours."""
    text = " ".join(done.stdout.split())
    assert done.returncode == 1, done.stdout + done.stderr
    for word in words:
        assert word in text, done.stdout
    for place in ("pytest_plugin.py", "edge_dassdp/ci", "INTERNALERROR", "EdgeError", "During"):
        assert place not in done.stdout, done.stdout


def refused(done: Any, words: str) -> None:
    """Nothing ran: one sentence."""
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert done.stderr.startswith("ERROR: ") and words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_golden_file_is_written_fails_once_and_holds_from_then_on(project: Path,
                                                                     asked: Any) -> None:
    path = project / "golden" / "test_bits.json"
    told(asked(*MODEL, test=GOLDEN), "was missing", "look at it, commit it, and run again")
    written = path.read_text()
    assert len(json.loads(written)["samples"]) == 24
    for target in ("emulator", "emulator-checked", "reference"):
        done = asked(*MODEL, "--ed-target", target)
        assert done.returncode == 0, done.stdout
    assert path.read_text() == written, "one file for all targets"

    changed = json.loads(written)
    changed["samples"][3]["class"] = 2 - changed["samples"][3]["class"] // 2
    path.write_text(json.dumps(changed))
    told(asked(*MODEL), "sample 3: class is", "Model and samples are the same", "--ed-update")
    assert asked(*MODEL, "--ed-update").returncode == 0
    assert path.read_text() == written

    for torn in (written[:200], "[]", '{"schema": "edge_dassdp/golden/1"}', ""):
        path.write_text(torn)
        told(asked(*MODEL), "golden", "--ed-update")
    path.unlink()
    told(asked(*MODEL, CI="true"), "is missing, and CI makes none")
    assert not path.exists()


def test_a_model_that_is_another_is_told_as_the_cause(project: Path, asked: Any) -> None:
    fewer = GOLDEN.replace("ed_samples.x, ed_samples.y", "ed_samples.x[:9], ed_samples.y[:9]")
    asked(*MODEL, test=GOLDEN)
    told(asked(*MODEL, test=fewer), "it holds 24 samples, there are 9", "The samples are other")
    told(asked(*MODEL, test=GOLDEN.replace(", ed_samples.y", "")), "One of them learns")
    other = ed.load_model(project / "model.q.npz")
    weights = other.projections[0].w.copy()
    weights[0] -= 1
    ed.save(replace(other, projections=(replace(other.projections[0], w=weights),
                                        *other.projections[1:])), project / "model.q.npz")
    told(asked(*MODEL, test=GOLDEN), "sample 0: ", "The model is another; where that is meant")


@pytest.mark.parametrize(("arguments", "env", "words"), [
    (("--ed-update",), {"CI": "true"}, "--ed-update where CI=true would accept"),
    (("--ed-update",), {"CI": "1"}, "--ed-update where CI=1"),
    (("--ed-target", "moon"), {}, "--ed-target moon is no target"),
    (("--ed-target", "qemu"), {}, "qemu:BOARD"),
    (("--ed-model", "none.npz"), {}, "--ed-model none.npz does not exist"),
    (("--ed-data", "none.npz"), {}, "--ed-data none.npz does not exist"),
    (("--ed-data", "."), {}, "--ed-data . is a folder"),
    (("--ed-model", "m" * 5000), {}, "does not exist"),
    (("--ed-split", "tset"), {}, "--ed-split tset is no split: choose train, stream, test")])
def test_what_is_refused_before_a_test_runs(arguments: tuple[str, ...], env: dict[str, str],
                                            words: str, asked: Any) -> None:
    refused(asked(*arguments, test=GOLDEN, **env), words)


@pytest.mark.parametrize(("test", "arguments", "words"), [
    ("def test_it(ed_emulator): pass", (), ["ed_model needs --ed-model FILE"]),
    ("def test_it(ed_samples): pass", MODEL[:2], ["ed_samples needs --ed-data FILE"]),
    ("def test_it(ed_qemu): pass", MODEL, ["ed_board needs --ed-board BOARD"]),
    ("def test_it(ed_model): pass", ("--ed-model", "data.npz"), ["error[E103]"]),
    ("def test_it(ed_samples): pass", (*MODEL[:2], "--ed-data", "model.q.npz"), ["error[E103]"]),
    ("def test_it(ed_device): pass", (*MODEL, "--ed-target", "qemu:toaster"), ["error[E401]"]),
    ("def test_it(ed_emulator, ed_samples, ed_golden):\n"
     "    ed_golden(ed_emulator, ed_samples.x[:0])", MODEL, ["there is no sample to compare on"]),
    ("from edge_dassdp.pytest_plugin import assert_accuracy\n"
     "def test_it(ed_emulator, ed_samples):\n"
     "    assert_accuracy(ed_emulator, ed_samples.x[:, :2], ed_samples.y, 0.5)", MODEL,
     ["samples have shape (24, 2)"]),
    ("from edge_dassdp.pytest_plugin import assert_accuracy\n"
     "def test_it(ed_emulator, ed_samples):\n"
     "    assert_accuracy(ed_emulator, ed_samples.x, ed_samples.y, 90)", MODEL,
     ["at_least is 90, expected a share", "90 % is 0.9"])])
def test_what_a_test_cannot_ask(test: str, arguments: tuple[str, ...], words: list[str],
                                asked: Any) -> None:
    done = asked(*arguments, test=test)
    told(done, *words)


ASSERTIONS = """
import pytest
from dataclasses import replace
import edge_dassdp as ed
from edge_dassdp.pytest_plugin import (
    assert_accuracy, assert_bit_exact, assert_instructions_below, assert_ram_below)

def test_accuracy(ed_emulator, ed_samples):
    assert_accuracy(ed_emulator, ed_samples.x, ed_samples.y, 1.0)
    assert_accuracy(ed_emulator, ed_samples.x, (ed_samples.y + 1) % 3, 0.25)

def test_ram(ed_model, ed_board):
    assert_ram_below(ed_model, ed_board, 16_000)
    assert_ram_below(ed_model, ed_board, 2_000)

def test_fixed_weights(ed_model, ed_samples):
    q, *others = ed_model.projections
    other = replace(ed_model, projections=(replace(q, w=q.w[::-1].copy()), *others))
    with ed.open(other) as device:
        device.network = ed_model
        assert_bit_exact(device, ed_samples.x)

def test_serial(ed_serial):
    raise AssertionError
"""


def test_an_assertion_tells_figure_limit_and_cause(asked: Any) -> None:
    done = asked(*MODEL, "--ed-board", "microbit", "-rs", test=ASSERTIONS)
    told(done, "accuracy on emulator is 0.0000, expected 0.2500 or more",
         "expected below 2,000 B; most of it: ", "on emulator and", "sample 0, inference, step 0",
         "operands: v = 0, r = 0, x = ", "by fc1 (currents)", "neuron 0 of 'h' in step 0: v =",
         "cause: all before that step agreed", "3 failed, 1 skipped",
         "no board: give --ed-serial PORT")


COUNTED = """
from edge_dassdp.pytest_plugin import assert_instructions_below
def test_bits(ed_device, ed_samples, ed_golden):
    ed_golden(ed_device, ed_samples.x, ed_samples.y)
def test_qemu(ed_qemu, ed_samples, ed_golden):
    ed_golden(ed_qemu, ed_samples.x, ed_samples.y, name="test_bits")
def test_few(ed_model, ed_board, ed_samples):
    assert_instructions_below(ed_model, ed_board, ed_samples.x[:4], 100_000, y=ed_samples.y[:4],
                              most_learning=100_000)
def test_many(ed_model, ed_board, ed_samples):
    assert_instructions_below(ed_model, ed_board, ed_samples.x[:4], 100)
def test_none(ed_model, ed_samples):
    assert_instructions_below(ed_model, "pico", ed_samples.x[:4], 100)
"""


def test_on_a_board_in_qemu(arm_toolchain: None, qemu: None, asked: Any) -> None:
    asked(*MODEL, test=GOLDEN)
    done = asked(*MODEL, "--ed-board", "microbit", "--ed-target", "emulator", "--ed-target",
                     "qemu:microbit", test=COUNTED)
    told(done, "2 failed, 4 passed", "instructions on microbit at most (mean", "expected below 100",
         "QEMU has no machine of pico")


def test_settings_may_stand_in_the_ini(project: Path, asked: Any) -> None:
    (project / "pytest.ini").write_text("[pytest]\ned_model = model.q.npz\ned_data = data.npz\n"
                                        "ed_targets =\n  reference\n  emulator\n")
    (project / "below").mkdir()
    asked(test=GOLDEN)
    done = asked("test_it.py", "--rootdir", ".", "-v")
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout
    assert "test_bits[reference]" in done.stdout and "test_bits[emulator]" in done.stdout


def test_the_plugin_loads_nothing_before_a_fixture_needs_it(asked: Any) -> None:
    test = "import sys\ndef test_it(): assert not {'numpy', 'cffi', 'typer'} & sys.modules.keys()"
    assert asked("-p", "no:hypothesispytest", test=test).returncode == 0


BOARD = """
from edge_dassdp.pytest_plugin import assert_bit_exact
def test_one(ed_serial, ed_samples):
    assert_bit_exact(ed_serial, ed_samples.x, ed_samples.y)
    assert ed_serial.statistics().n_labelled == len(ed_samples.x)
def test_other(ed_device, ed_samples):
    assert ed_device.statistics().n_labelled == 0, "it is back at factory weights"
    assert_bit_exact(ed_device, ed_samples.x)
"""


def test_a_board_on_a_port_is_put_back_to_factory_weights(
        made: tuple[ed.QNetwork, Any, Any], asked: Any) -> None:
    with served(LoopbackStream(build_emulator(emit(Plan.of(made[0]))))) as port:
        for _ in range(2):  # the second finds what the first taught
            done = asked(*MODEL, "--ed-serial", port, "--ed-target", f"serial:{port}", test=BOARD)
            assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout


def test_what_a_sensor_counts_becomes_values(project: Path, asked: Any) -> None:
    """A data file of raw counts, as the model's sensor description says."""
    rng = np.random.default_rng(4)
    network = ed.Network(
        (Input("x", 6, sensor=ed.Sensor(3, (0.01, 0.01, -0.02), data="counts")),),
        (Population("o", 3, 0.9, 1.0),), (Projection("fc", "x", "o", rng.normal(size=(6, 3))),),
        Readout("o", "spike_count"), 5)
    counts = rng.integers(-200, 200, (9, 6))
    model = ed.quantize(network, x=network.inputs[0].from_file(counts.astype(np.float32)),
                        settings=ed.Settings(drift="off"))
    with ed.open(model, "reference") as device:
        y = device.classify(counts.reshape(9, 2, 3))
    ed.save(model, project / "model.q.npz")
    np.savez(project / "data.npz", x=counts, y=y)
    test = ("from edge_dassdp.pytest_plugin import assert_accuracy\n"
            "def test_it(ed_emulator, ed_samples):\n"
            "    assert_accuracy(ed_emulator, ed_samples.x, ed_samples.y, 1.0)\n")
    done = asked(*MODEL, test=test)
    assert done.returncode == 0, done.stdout


VALUED = """
from edge_dassdp.pytest_plugin import assert_accuracy, assert_nrmse_below
def test_bits(ed_device, ed_samples, ed_golden):
    ed_golden(ed_device, ed_samples.x[:6], ed_samples.y[:6])
def test_good(ed_emulator, ed_samples):
    assert_nrmse_below(ed_emulator, ed_samples.x, ed_samples.y, 0.7)
def test_bad(ed_emulator, ed_samples):
    assert_nrmse_below(ed_emulator, ed_samples.x, ed_samples.y, 0.01)
def test_accuracy(ed_emulator, ed_samples):
    assert_accuracy(ed_emulator, ed_samples.x, ed_samples.y, 0.5)
def test_flat(ed_emulator, ed_samples):
    assert_nrmse_below(ed_emulator, ed_samples.x, ed_samples.y * 0 + ed_samples.y[0], 0.5)
def test_share(ed_emulator, ed_samples):
    assert_nrmse_below(ed_emulator, ed_samples.x, ed_samples.y, -1)
"""


def test_a_model_of_values_is_held_to_its_error(valued: Path, asked: Any) -> None:
    told(asked(*MODEL, "-k", "bits", test=VALUED), "was missing")
    held = json.loads((valued / "golden" / "test_bits.json").read_text())
    assert [s["class"] for s in held["samples"]] == [None] * 6
    done = asked(*MODEL, "--ed-target", "emulator", "--ed-target", "reference")
    told(done, "4 failed, 3 passed", "NRMSE on emulator is 0.", "expected below 0.0100; by output:",
         "values, and no classes", "the targets of output 0 are all one value", "most is -1")


def test_other_targets_are_told_as_the_cause(valued: Path, asked: Any) -> None:
    """They were told as a change of edge-dassdp."""
    asked(*MODEL, "-k", "bits", test=VALUED)
    told(asked(*MODEL, "-k", "bits", test=VALUED.replace("ed_samples.y[:6])",
                                                         "ed_samples.y[6:12])")),
         "The samples are others")


SPARE = """
def test_bits(ed_device, ed_samples, ed_golden):
    ed_golden(ed_device, ed_samples.x, ed_samples.y)
def test_taught(ed_emulator, ed_samples):
    taught = ed_emulator.new_class("wave")
    ed_emulator.learn(ed_samples.x[:1], [taught])
    ed_emulator.learn(ed_samples.x[:2], ["wave", "wave"])
"""


def test_a_model_with_spare_classes(spare: Path, asked: Any) -> None:
    asked(*MODEL, "-k", "bits", test=SPARE)
    done = asked(*MODEL)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout
    data = dict(np.load(spare / "data.npz"))
    np.savez(spare / "data.npz", x=data["x"], y=np.where(data["y"] == "b", "wave", data["y"]))
    told(asked(*MODEL), "wave")


def test_a_folder_that_cannot_be_made_for_a_golden_file(project: Path, asked: Any) -> None:
    (project / "golden").write_text("a file of that name")
    told(asked(*MODEL, test=GOLDEN), "golden/test_bits.json cannot be written")
