"""Instructions predicted on the reference against those executed, of networks no cost was fitted
to."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from support import wired_networks as wired
from support.rule_examples import EXAMPLES
from support.scenarios import SCENARIOS
from support.sensed import SensedScenario
from support.where import in_qemu

from edge_dassdp.build.board import load_board
from edge_dassdp.figures import prices
from edge_dassdp.figures.device import measure_on_device, predict
from edge_dassdp.figures.lesson import learning_work
from edge_dassdp.figures.prices import priced_cpus
from edge_dassdp.figures.work import inference_work
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.measured.known import Known
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import counts_x, input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.report.measured import measure_screen
from edge_dassdp.rules import (
    CUSUM,
    EIHL,
    SSDP,
    ErrorScaled,
    ErrorSSDP,
    Learning,
    ReadoutDelta,
    Replay,
    Rule,
)
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import COUNTER_BITS

N_SAMPLES, TOLERANCE = 10, 0.15
COUNTING = [name for name in in_qemu() if load_board(name).counter[-1].bits == COUNTER_BITS]
RULES: dict[str, Rule] = EXAMPLES | {
    "error": ErrorSSDP(), "eihl": EIHL(), "sync": SSDP(a_plus=0.01, a_base=0.004, batch=2)}


def weights(rng: np.random.Generator, n_pre: int, n_post: int, gain: float):
    return rng.normal(0, gain / np.sqrt(n_pre), (n_pre, n_post))


@cache
def network(case: str) -> QNetwork:
    """Of `chain`, by a rule, or frames of spikes."""
    if case == "spikes":
        return spikes()
    rules = {"hh": RULES[case], "ho": ReadoutDelta()}
    return quantize(chain(), Learning(rules, skip_below=0.3)).network


def chain() -> Network:
    """30-52-27-7 neurons, a skip past the second population."""
    rng = np.random.default_rng(42)
    return Network(
        (Input("x", 30),),
        (Population("h1", 52, 0.85, 1.0), Population("h2", 27, 0.9, 1.0, "zero"),
         Population("out", 7, 0.6, 1.0, "none")),
        (Projection("xh", "x", "h1", weights(rng, 30, 52, 1.5)),
         Projection("hh", "h1", "h2", weights(rng, 52, 27, 3.0)),
         Projection("skip", "h1", "out", weights(rng, 52, 7, 2.0)),
         Projection("ho", "h2", "out", weights(rng, 27, 7, 2.0))),
        Readout("out", "membrane_sum"), 12)


def spikes() -> QNetwork:
    """130-44-6 neurons, frames of spikes, 6-bit weights."""
    rng = np.random.default_rng(43)
    net = Network(
        (Input("x", 130, 9, spikes=True),),
        (Population("h", 44, 0.9, 1.0), Population("out", 6, 0.9, 1.0)),
        (Projection("xh", "x", "h", weights(rng, 130, 44, 2.5)),
         Projection("ho", "h", "out", weights(rng, 44, 6, 2.0))),
        Readout("out", "spike_count"), 9)
    return quantize(net, Learning({"ho": ReadoutDelta()}), Settings(weight_bits=6)).network


def samples(net: QNetwork):
    rng = np.random.default_rng(6)
    shape = N_SAMPLES, sum(i.n_values for i in net.inputs)
    x = rng.random(shape) < 0.2 if net.inputs[0].spikes else rng.normal(0, 1, shape)
    return input_x(net, x.astype(np.float32)), rng.integers(0, net.n_classes, N_SAMPLES)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("case", [*(w for w in sorted(Rule.known) if w != "delta"), "spikes"])
@pytest.mark.parametrize("board", COUNTING)
def test_instructions_are_predicted_within_the_tolerance(board, case):
    net = network(case)
    figures = measure_on_device(net, load_board(board), *samples(net))
    assert figures.predicted.inference == pytest.approx(figures.inference.mean, rel=TOLERANCE)
    assert figures.predicted.learning == pytest.approx(figures.learning.mean, rel=TOLERANCE)
    assert figures.predicted.written == pytest.approx(figures.written.mean, rel=TOLERANCE)


WIRED = {"convolutions": wired.convolutions, "several spikes a step": wired.sinabs_like,
         "the largest sums": wired.largest, "the largest of spikes": wired.largest_of_spikes}


@cache
def wired_network(case: str) -> QNetwork:
    return quantize(WIRED[case]()).network


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("case", WIRED)
@pytest.mark.parametrize("board", ["stm32f405", "microbit"])
def test_instructions_of_wired_networks_are_predicted_within_the_tolerance(board, case):
    net = wired_network(case)
    figures = measure_on_device(net, load_board(board), *samples(net))
    assert figures.predicted.inference == pytest.approx(figures.inference.mean, rel=TOLERANCE)


BESIDE: dict[str, dict[str, Any]] = {
    "a gate": {}, "steps by misses": {"schedule": ErrorScaled()},
    "a ring": {"replay": Replay(0, 3, 1)},
    "a reservoir and steps": {"replay": Replay(0, 4, 1, policy="reservoir"),
                              "schedule": ErrorScaled()}}


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "opens"])
@pytest.mark.parametrize("case", BESIDE)
@pytest.mark.parametrize("board", ["stm32f405", "microbit"])
def test_what_a_gate_holds_back_is_predicted_too(board: str, case: str, is_closed: bool) -> None:
    """What is done beside learning is all that is done where samples are held."""
    net = quantize(chain(), Learning({"hh": ErrorSSDP(), "ho": ReadoutDelta()}, gate=CUSUM(),
                                     **BESIDE[case])).network
    x, _ = samples(net)
    right = Emulator(net).classify(x)
    figures = measure_on_device(net, load_board(board), x,
                                right if is_closed else (right + 1) % net.n_classes)
    assert (figures.written is None) == is_closed
    assert figures.predicted.learning == pytest.approx(figures.learning.mean, rel=TOLERANCE)


@pytest.mark.usefixtures("arm_toolchain", "qemu")
@pytest.mark.parametrize("case", ["sensor", "sensor_line", "sensor_drift"])
@pytest.mark.parametrize("board", ["stm32f405", "microbit"])
def test_behind_a_sensor_the_sample_is_predicted(board: str, case: str) -> None:
    """Its readings come before: neither figure has them."""
    found = SCENARIOS[case]
    assert isinstance(found, SensedScenario)
    net, rng = found.quantized, np.random.default_rng(6)
    y = np.arange(N_SAMPLES) % (net.n_classes - 1)
    x = np.stack([counts_x(net, found.counts(rng, int(label))[None])[0] for label in y])
    figures = measure_on_device(net, load_board(board), x, y)
    assert figures.predicted.inference == pytest.approx(figures.inference.mean, rel=TOLERANCE)
    if net.plastic:
        assert figures.predicted.learning == pytest.approx(figures.learning.mean, rel=TOLERANCE)


def test_work_without_a_price_is_not_predicted(monkeypatch):
    """A table of prices that is older than an operation leaves its networks without a figure."""
    known = prices._costs()
    older = {cpu: {"instructions": {name: each for name, each in table["instructions"].items()
                                    if name != "runs_scattered"}}
             for cpu, table in known.items()}
    monkeypatch.setattr(prices, "_costs", lambda: older)
    plain, net, board = network("error"), wired_network("convolutions"), load_board("microbit")
    assert predict(plain, board, samples(plain)[0]).inference > 0
    assert predict(net, board, samples(net)[0]).inference is None


@pytest.mark.usefixtures("arm_toolchain")
def test_a_core_without_costs_shows_a_dash():
    board = replace(load_board("stm32f405"), cpu="cortex-m35p", qemu=None)
    assert board.cpu not in priced_cpus()
    net = network("error")
    figures = measure_on_device(net, board, *samples(net))
    assert figures.predicted.inference is None and figures.predicted.learning is None
    screen = io.StringIO()
    Console(width=120, file=screen).print(measure_screen(Known.of(figures), figures))
    line = next(line for line in screen.getvalue().splitlines()
                if line.startswith("instructions, inference"))
    assert line.split()[-4:] == ["–"] * 4


def test_a_silent_sample_costs_no_synaptic_operation_and_more_spikes_cost_more():
    net = network("error")
    x, _ = samples(net)
    loud, silent = x[:1], np.zeros_like(x[:1])
    assert inference_work(net, silent)[0].synaptic_ops == 0
    assert inference_work(net, loud)[0].synaptic_ops > 0
    board = load_board("microbit")
    assert predict(net, board, silent).inference < predict(net, board, loud).inference


def test_a_sample_without_a_label_does_no_error_work():
    net = network("error")
    x, _ = samples(net)
    work = learning_work(net, x[:1], [-1])[0]
    assert (work.lessons, work.updates, work.logits, work.rows_written) == (1, 0, 0, 0)


def test_spikes_of_an_input_are_summed_as_lists_of_narrow_rows():
    net = network("spikes")
    x = np.ones((1, 130 * 9), np.float32)
    x[:, : 130 * 8] = 0
    work = inference_work(net, input_x(net, x))[0]
    assert (work.synaptic_ops_6, work.synaptic_ops_8) == (work.synaptic_ops, 0)
    assert work.synaptic_ops >= 130 * 48  # 44 columns and 4 of padding
    assert work.list_columns >= 2 * 48  # two lists of at most 96 rows


def test_a_dense_projection_sums_the_rows_of_silent_neurons():
    net = network("spikes")
    always = replace(net, projections=tuple(
        replace(q, activity=1.0 if q.pre == "x" else None) for q in net.projections))
    loud = input_x(net, np.ones((1, 130 * 9), np.float32))
    sparse, dense = inference_work(net, loud)[0], inference_work(always, loud)[0]
    assert sparse.synaptic_ops - dense.synaptic_ops == 9 * 130 * 48
    assert dense.part_columns == 9 * 48
