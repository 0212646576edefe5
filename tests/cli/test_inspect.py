"""inspect, and quantize of what other libraries wrote: nothing is built, nothing is guessed."""

from __future__ import annotations

import itertools
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snntorch
import torch
from support.commands import ROOT, answer, ok, refused, shown

import edge_dassdp as ed
from edge_dassdp import ir, qir
from edge_dassdp.base.errors import CODES
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.figures.inspection import inspect_network, inspect_quantized
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool, identity
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import Learning, Schedule

DIGITS = ROOT / "examples" / "digits" / "digits_seed0.npz"
BRAILLE = ROOT / "examples" / "nir" / "braille_noDelay_bias_zero.nir"
CNN = ROOT / "examples" / "nir" / "cnn_sinabs.nir"
SNNTORCH = ("--source", "snntorch,reset=subtract,reset_delay=true", "--n-steps", "40")


def next_command(screen: str) -> list[str]:
    """Of the last line of a screen, without the name of the program."""
    last = screen.splitlines()[-1]
    assert last.startswith("next: edge-dassdp ")
    return shlex.split(last)[2:]


def geometry() -> ir.Network:
    """Spikes of 2 x 7 x 6 through every kind of wiring."""
    rng = np.random.default_rng(5)
    a = ir.Population("a", 4 * 4 * 3, 0.9, 1.0, shape=(4, 4, 3))
    b = ir.Population("b", 4 * 3 * 2, 0.9, 1.0, shape=(4, 3, 2))
    same, ones = identity(4)
    projections = (
        ir.Projection("strided", "x", "a", rng.normal(size=(4, 2, 3, 3)),
                      conv=Conv((2, 2), (1, 1))),
        ir.Projection("back", "a", "a", ones, conv=same),
        ir.Projection("depthwise", "a", "b", rng.normal(size=(4, 1, 2, 2)), conv=Conv(groups=4),
                      delay=np.arange(48) % 4),
        ir.Projection("summed", "a", "b", rng.normal(size=(4, 4, 1, 1)), conv=Conv(),
                      result_pool=MaxPool((2, 2), (1, 1))),
        ir.Projection("late", "x", "out", rng.normal(size=(2 * 3 * 3, 3)), bias=np.ones(3),
                      pool=Pool("sum", (3, 2), (2, 2)),
                      delay=np.array([2])),
        ir.Projection("largest", "a", "out", rng.normal(size=(4 * 3 * 2, 3)),
                      pool=Pool("max", (2, 2), (1, 1))),
        ir.Projection("all", "b", "out", rng.normal(size=(24, 3))),
    )
    out = ir.Population("out", 3, 0.9, 1.0, "none")
    source = ir.Input("x", 2 * 7 * 6, 9, spikes=True, shape=(2, 7, 6))
    return ir.Network((source,), (a, b, out), projections, ir.Readout("out", "membrane_sum"), 9)


def windows(shape: tuple[int, int], kernel: tuple[int, int], stride: int, padding: int) -> int:
    """Places of an input, with repetition, that the windows of one channel hold."""
    n = [(s + 2 * padding - k) // stride + 1 for s, k in zip(shape, kernel, strict=True)]
    return sum(0 <= y * stride + ky - padding < shape[0] and 0 <= x * stride + kx - padding
               < shape[1] for y, x, ky, kx in itertools.product(*map(range, (*n, *kernel))))


# ---- what it says --------------------------------------------------------------------------------


def test_a_float_network_without_any_tool(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    screen = ok("inspect", DIGITS, PATH="/nonexistent", CC="", EDGE_DASSDP_CACHE=str(cache))
    for words in ("64→96→64→10", "8 steps", "input input: 64 currents, int8", "microbit",
                  "v = 0.9*v + i - 1*r; s = [v > 1]", "6,144 MAC", "fits",
                  "ErrorTouch", "ReadoutDelta", "plastic in", "P predicted"):
        assert words in screen
    assert not cache.exists()
    data = answer("inspect", DIGITS)["data"]
    assert data["n_parameters"] == 64 * 96 + 96 * 64 + 64 * 10 + 96 + 64 + 10
    assert data["weight_bits"] == 8 * (64 * 96 + 96 * 64 + 64 * 10)
    assert data["operations"] == 96 * 64 + 64 * 10
    assert [q["operations_per_event"] for q in data["projections"]] == [96, 64, 10]
    assert [(q["is_analogue"], q["once"]) for q in data["projections"]] == [
        (True, True), (False, False), (False, False)]
    assert [b["name"] for b in data["boards"]] == sorted(list_boards())


def test_its_memory_is_the_ledger_of_what_quantize_writes(tmp_path: Path) -> None:
    data = answer("inspect", DIGITS, "--board", "microbit")["data"]
    [board] = data["boards"]
    for output, options, needed in (("l.npz", (), "ram_needed"), ("f.npz", ("--frozen",),
                                                                  "ram_frozen")):
        ok("quantize", DIGITS, "-o", tmp_path / output, *options)
        ledger = ram_ledger(Plan.of(qir.load(tmp_path / output)), load_board("microbit"))
        assert board[needed] == ledger.ram_bytes
    assert board["fits"] and board["fits_frozen"] and board["ram_frozen"] < board["ram_needed"]


def test_operations_of_every_wiring_borders_counted() -> None:
    network = geometry()
    found = {q.name: q for q in inspect_network(network, ()).projections}
    strided = windows((7, 6), (3, 3), 2, 1) * 2 * 4
    pooled = windows((7, 6), (3, 2), 2, 0) * 2 * 3
    largest = windows((4, 3), (2, 2), 1, 0) * 4 * 3
    assert {name: (q.kind, q.operations, q.operations_per_event) for name, q in found.items()} == {
        "strided": ("conv 3x3/2 pad 1", strided, strided / 84),
        "back": ("one to one, recurrent", 48, 1),
        "depthwise": ("conv 2x2 depthwise, delays 0 to 3", 4 * 24, 4 * 24 / 48),
        "summed": ("conv 1x1, max pool of currents 2x2", 4 * 48, 4),
        "late": ("sum pool 3x2/2, dense, delay 2", pooled, pooled / 84),
        "largest": ("max pool 2x2, dense", 24 * 3, largest / 48),
        "all": ("dense", 72, 3),
    }
    assert [q.name for q in found.values() if q.is_recurrent] == ["back"]


@pytest.mark.parametrize("network", [geometry(), ir.load(DIGITS)])
def test_a_quantized_network_has_the_same_graph(network: ir.Network) -> None:
    boards = [load_board("stm32f405")]
    learning = Learning.default(network)
    before = inspect_network(network, boards)
    after = inspect_quantized(quantize(network, learning).network, boards)
    assert [replace(q, n_biases=0) for q in before.projections] == list(after.projections)
    assert before.shapes == after.shapes
    assert before.boards[0].ram_needed == after.boards[0].ram_needed


def test_the_integer_equation_is_in_membrane_units(tmp_path: Path) -> None:
    ok("quantize", DIGITS, "-o", tmp_path / "d.q.npz")
    screen = ok("inspect", tmp_path / "d.q.npz")
    network = qir.load(tmp_path / "d.q.npz")
    first = network.populations[0]
    assert (f"v = round(29491*v/2^15) + x - {first.reset_by[0]}*r; s = [v >= {first.fire_at[0]}]"
            in " ".join(screen.split()))
    assert "quantized network" in screen
    assert next_command(screen)[:2] == ["build", str(tmp_path / "d.q.npz")]
    found = answer("inspect", tmp_path / "d.q.npz")
    assert found["inputs"]["model_sha256"] == network.sha256


def test_what_cannot_learn_is_said_and_the_next_command_knows(tmp_path: Path) -> None:
    network = ir.Network((ir.Input("x", 5),), (ir.Population("out", 3, 0.0, 1.0, "none"),),
                         (ir.Projection("fc", "x", "out", np.ones((5, 3))),),
                         ir.Readout("out", "membrane_sum"), 4)
    ir.save(network, tmp_path / "flat.npz")
    screen = ok("inspect", tmp_path / "flat.npz")
    assert "nothing learns by default" in screen
    command = next_command(screen)
    assert command[-1] == "--frozen"
    ok(*command, cwd=tmp_path)
    assert (tmp_path / "flat.q.npz").is_file()


def test_what_cannot_be_quantized_is_shown_and_refused(tmp_path: Path) -> None:
    network = ir.load(DIGITS)
    fc2 = network.projection("fc2")
    large = [replace(q, weight=1e12 * q.weight) if q is fc2 else q for q in network.projections]
    ir.save(replace(network, projections=tuple(large)), tmp_path / "large.npz")
    done = shown("inspect", tmp_path / "large.npz")
    assert done.returncode == CODES["E202"].exit
    assert "s = [v > 1]" in done.stdout and "too large" in done.stderr


# ---- files of other libraries --------------------------------------------------------------------


def test_a_nir_file_without_a_source_lists_what_each_choice_makes() -> None:
    text = refused("E106", "inspect", BRAILLE, "--n-steps", "40")
    assert text in refused("E106", "inspect", BRAILLE).replace(
        "\n  and, with --n-steps, how many steps a sample has", ""), "all that is asked, at once"
    for words in ("--source", "snntorch,reset=subtract,reset_delay=true: i = 0.55*i + x; v = 0.9*v",
                  "snntorch,reset=zero,reset_delay=false:", "rockpool:"):
        assert words in text
    for command in (("inspect", BRAILLE), ("inspect", BRAILLE, "--source", "snntorch"),
                    ("quantize", BRAILLE, "-o", "never.npz", "--source", "snntorch")):
        assert "--n-steps" in refused("E106", *command)


def test_a_nir_file_resolved(tmp_path: Path) -> None:
    screen = ok("inspect", BRAILLE, *SNNTORCH)
    for words in ("NIR", "12→38→7", "source profile snntorch (subtract, delayed)",
                  "i = 0.55*i + x; v = 0.9*v + i - 1*r; s = [v > 1]",
                  "40 frames of 12 spikes, each 0 or 1"):
        assert words in " ".join(screen.split())
    data = answer("inspect", BRAILLE, *SNNTORCH)["data"]
    assert data["kind"] == "nir" and data["source"] == SNNTORCH[1]
    assert [q["kind"] for q in data["projections"]] == ["dense", "dense, recurrent", "dense"]
    assert data["n_parameters"] == 12 * 38 + 38 * 38 + 38 * 7 + 38 + 38 + 7
    assert all(b["fits"] for b in data["boards"])


def test_from_a_nir_file_to_a_classified_sample(tmp_path: Path) -> None:
    """The next commands, as they are printed."""
    events = ("--events", "200")
    command = next_command(ok("inspect", BRAILLE, *SNNTORCH, *events))
    assert [w in command for w in (*SNNTORCH, *events)] == [True] * 6
    ok(*command, cwd=tmp_path)
    made = tmp_path / "braille_noDelay_bias_zero.q.npz"
    assert {q.name for q in qir.load(made).plastic} == {"lif1_w_rec", "fc2"}
    x = np.random.default_rng(1).random((6, 40 * 12)) < 0.2
    np.savez(tmp_path / "data.npz", x=x.astype(np.float32), y=np.arange(6))
    found = answer("learn", made, "--data", tmp_path / "data.npz", "--target", "reference")
    assert found["data"]["n_samples"] == 6


def test_a_convolutional_network_on_the_boards_that_hold_it() -> None:
    options = ("--source", "sinabs", "--n-steps", "300")
    done = shown("inspect", CNN, *options, "--board", "microbit")
    assert done.returncode == CODES["E402"].exit
    assert "RAM overflows by" in done.stdout and "error[E402]: microbit: RAM" in done.stderr
    data = answer("inspect", CNN, *options)["data"]
    kinds = [q["kind"] for q in data["projections"]]
    assert kinds == ["conv 5x5/2 pad 1", "conv 3x3 pad 1", "sum pool 2x2/2, conv 3x3 pad 1",
                     "sum pool 2x2/2, dense", "dense"]
    assert data["projections"][0]["operations"] == windows((34, 34), (5, 5), 2, 1) * 2 * 16
    fits = {b["name"]: b["fits"] for b in data["boards"]}
    assert fits["mps2-an505"] and not fits["microbit"]
    assert data["frozen_because"] == ""
    many = answer("inspect", CNN, "--source", "sinabs", "--n-steps", "4096")["data"]
    assert "4,095" in many["frozen_because"]


@pytest.mark.parametrize(("options", "words"), [
    (("--input", "currents"), "input input: 12 currents, int8"),
    (("--input", "currents", "--frames"), "40 frames of 12 currents"),
    (("--input", "spikes", "--no-frames"), "input input: 12 spikes"),
    (("--events", "900"), "lists of up to 900 spikes of 12, each at most once in one of 40"),
    (("--events", "900", "--counts"), "each up to 255 times"),
    (("--encoder", "latency"), "12 values, int8 with 7 fraction bits, made spikes by a latency"),
    (("--encoder", "delta:step=9,frac_bits=5"), "40 frames of 6 values, int8 with 5"),
])
def test_how_the_input_comes(options: tuple[str, ...], words: str) -> None:
    screen = ok("inspect", BRAILLE, *SNNTORCH, *options, "--board", "stm32f405")
    assert words in " ".join(screen.split())
    assert all(word in next_command(screen) for word in options)


class Step(torch.nn.Module):
    """One time step of a snnTorch network."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc1, self.lif1 = torch.nn.Linear(12, 9), snntorch.Leaky(beta=0.9)
        self.fc2, self.lif2 = torch.nn.Linear(9, 4), snntorch.Leaky(beta=0.8)

    def forward(self, x: Any, mem1: Any, mem2: Any) -> tuple[Any, Any, Any]:
        spikes, mem1 = self.lif1(self.fc1(x), mem1)
        spikes, mem2 = self.lif2(self.fc2(spikes), mem2)
        return spikes, mem1, mem2


@pytest.mark.filterwarnings("ignore")
def test_an_onnx_step_says_its_neurons_itself(tmp_path: Path) -> None:
    path = tmp_path / "step.onnx"
    torch.onnx.export(Step().eval(), tuple(torch.zeros(1, n) for n in (12, 9, 4)), str(path),
                      dynamo=False)
    screen = ok("inspect", path, "--n-steps", "9")
    for words in ("ONNX", "12→9→4", "v = 0.9*v + i - 1*r; s = [v > 1]", "12 currents, int8"):
        assert words in screen
    ok(*next_command(screen)[:1], path, *next_command(screen)[2:], cwd=tmp_path)
    assert qir.load(tmp_path / "step.q.npz").n_steps == 9
    refused("E105", "inspect", path, "--n-steps", "9", "--source", "snntorch")
    assert "--n-steps" in refused("E106", "inspect", path)


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "options", "code", "words"), [
    (DIGITS, ("--n-steps", "8"), "E105", "says itself how it runs"),
    (Path("nowhere.npz"), (), "E103", "nowhere.npz does not exist"),
    (Path("nowhere.nir"), SNNTORCH, "E103", "nowhere.nir does not exist"),
    (BRAILLE, ("--source", "brian", "--n-steps", "9"), "E105", "norse, rockpool, sinabs"),
    (BRAILLE, ("--source", "snntorch,colour=red", "--n-steps", "9"), "E105", "colour=red"),
    (BRAILLE, (*SNNTORCH, "--dt", "-1"), "E105", "dt is -1"),
    (BRAILLE, (*SNNTORCH, "--input", "watts"), "E105", "choose spikes or currents"),
    (BRAILLE, (*SNNTORCH, "--input", "currents", "--encoder", "rate"), "E105", "make spikes"),
    (BRAILLE, (*SNNTORCH, "--encoder", "morse"), "E101", "latency, rate or delta"),
    (BRAILLE, (*SNNTORCH, "--encoder", "rate:speed=3"), "E105", "encoder 'rate' has no setting"),
    (BRAILLE, (*SNNTORCH, "--encoder", "rate:seed=few"), "E105", "expected a int"),
    (BRAILLE, (*SNNTORCH, "--counts"), "E101", "n_events"),
    (BRAILLE, (*SNNTORCH, "--readout", "vote"), "E105", "spike_count or membrane_sum"),
])
def test_refusals(tmp_path: Path, file: Path, options: tuple[str, ...], code: str,
                  words: str) -> None:
    output = tmp_path / "never.npz"
    for verb in (("inspect", file), ("quantize", file, "-o", output)):
        assert words in refused(code, *verb, *options)
    assert not output.exists()


def test_a_damaged_file_is_named_by_its_kind(tmp_path: Path) -> None:
    for name, options in (("a.nir", SNNTORCH), ("a.onnx", ("--n-steps", "9")), ("a.npz", ())):
        (tmp_path / name).write_text("hello")
        assert name in refused("E103", "inspect", tmp_path / name, *options)


def test_a_quantized_network_is_not_quantized_again(tmp_path: Path) -> None:
    made = tmp_path / "d.q.npz"
    ok("quantize", DIGITS, "-o", made)
    text = refused("E103", "quantize", made, "-o", tmp_path / "again.npz")
    assert "is a quantized network" in text and f"edge-dassdp build {made}" in text
    refused("E105", "inspect", made, "--n-steps", "8")


def test_a_nir_file_is_not_built_before_it_is_quantized() -> None:
    text = refused("E103", "build", BRAILLE, "--board", "microbit")
    assert "quantize it first" in text and str(BRAILLE) in text


def test_an_unknown_board() -> None:
    assert "microbit" in refused("E401", "inspect", DIGITS, "--board", "arduino")


def test_a_refusal_under_json_is_an_envelope() -> None:
    done = shown("inspect", BRAILLE, "--n-steps", "9", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == found["exit"] == CODES["E106"].exit
    assert found["diagnostics"][0]["code"] == "E106" and found["data"] == {}


# ---- NeuroBench's metrics, and steps that nobody said --------------------------------------------


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("samples")
    x, y = rng.random((12, 64)), np.arange(12) % 10
    for name, values in (("data", x), ("large", 1e300 * x), ("none", x[:0])):
        np.savez(folder / f"{name}.npz", x=values, y=y[:len(values)])
    np.savez(folder / "fits.npz", x=rng.random((4, 36)) < 0.2, y=y[:4])
    return folder


def test_metrics_on_samples_of_either_kind_of_network(samples: Path, tmp_path: Path) -> None:
    ok("quantize", DIGITS, "-o", tmp_path / "d.q.npz")
    x = np.load(samples / "data.npz")["x"]
    for file, model in ((DIGITS, ed.load(DIGITS)),
                        (tmp_path / "d.q.npz", ed.load_model(tmp_path / "d.q.npz"))):
        found = ed.metrics(model, x).row()
        assert answer("inspect", file, "--data", samples / "data.npz")["data"]["metrics"] == found
        screen = ok("inspect", file, "--data", samples / "data.npz", "--board", "microbit")
        assert f"{found['footprint']:,} B" in screen and "mean over 12 samples" in screen
        assert f"{found['effective_acs']:,.1f}" in screen
        few = answer("inspect", file, "--data", samples / "data.npz", "--limit", "5")
        assert few["data"]["metrics"] == ed.metrics(model, x[:5]).row()
    assert answer("inspect", DIGITS)["data"]["metrics"] is None


@pytest.mark.parametrize(("name", "words"), [
    ("large", "expected numbers that float32 holds"), ("none", "holds no samples")])
def test_samples_without_metrics(samples: Path, name: str, words: str) -> None:
    assert words in refused("E104", "inspect", DIGITS, "--data", samples / f"{name}.npz")


def test_without_steps_it_lists_what_it_can(samples: Path) -> None:
    source = SNNTORCH[:2]
    done = shown("inspect", BRAILLE, *source, "--data", samples / "fits.npz")
    assert done.returncode == CODES["E106"].exit
    for words in ("12→38→7", "steps not given", "v = 0.9*v + i - 1*r", "2,249 parameters"):
        assert words in done.stdout
    assert "--n-steps" in done.stderr and "next:" not in done.stdout
    assert "metrics of fits.npz are counted then" in " ".join(done.stderr.split())
    assert "microbit" not in done.stdout, "memory depends on steps"
    found = json.loads(shown("inspect", BRAILLE, *source, "--json").stdout)
    assert found["data"]["n_steps"] is None and found["data"]["n_parameters"] == 2249
    assert "expected (n, 12)" in refused("E104", "inspect", BRAILLE, *source, "--data",
                                         samples / "data.npz"), "it was not looked at"
    refused("E103", "inspect", BRAILLE, *source, "--data", samples / "gone.npz")


def test_what_stands_beside_the_rules_is_shown(work: Path) -> None:
    """Schedule, replay and guard, and which board `--replay auto` filled."""
    model = work / "beside.q.npz"
    screen = ok("quantize", work / "model.npz", "-o", model, "--data", work / "data.npz",
                "--schedule", "120,0.3", "--replay", "auto,2", "--guard", "4,32", "--board",
                "microbit")
    assert "as many samples as microbit has room for" in screen
    assert next_command(screen) == ["build", str(model), "--board", "microbit"]
    told = " ".join(ok("inspect", model).split())
    found = answer("inspect", model)["data"]["beside"]
    assert found["schedule"] == {"floor": 77 / 256, "ends_at": 288}
    assert found["guard"]["margin"] == 4 and found["replay"]["n_ring"] == 2 and not found["gate"]
    for text in (screen, told):
        assert "steps shrink to 0.3 in 288 labelled samples" in " ".join(text.split())
        assert "fall back" in text or "falls back" in text
    assert f"{found['replay']['flash']:,} training samples in flash" in told


@pytest.mark.parametrize("samples", [1, 37, 120, 4096])
@pytest.mark.parametrize("floor", [0.05, 0.3, 0.5, 1.0])
def test_a_schedule_ends_where_its_table_does(samples: int, floor: float) -> None:
    schedule = Schedule(samples, floor)
    assert schedule.factor(schedule.ends_at) == floor
    assert schedule.ends_at == 0 or schedule.factor(schedule.ends_at - 16) > floor


def test_the_next_command_keeps_what_was_given(work: Path) -> None:
    model, data = str(work / "model.q.npz"), str(work / "data.npz")
    assert next_command(ok("inspect", work / "model.npz", "--board", "microbit", "--data", data)) \
        == ["quantize", str(work / "model.npz"), "--data", data, "--board", "microbit", "-o",
            "model.q.npz"]
    assert next_command(ok("run", model, "--data", data, "--limit", "5")) == [
        "verify", model, "--target", "emulator", "--data", data, "--split", "test", "--limit", "5"]
    assert next_command(ok("learn", model, "--data", data, "--limit", "5", "--shift-seed", "2")) \
        == ["verify", model, "--target", "emulator", "--data", data, "--shift-seed", "2",
            "--limit", "5", "--learn"]
