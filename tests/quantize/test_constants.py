"""Every constant of a neuron has an integer form, or is refused with its neuron, its value and what
to do; whatever is quantized is read as it was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.differences import assert_runs
from support.scenarios import RESETS, layers

from edge_dassdp import qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.ir.geometry import Conv
from edge_dassdp.qir.samples import random_samples
from edge_dassdp.quantize import Settings, quantize
from edge_dassdp.quantize.wayback import requantize
from edge_dassdp.reference import Reference
from edge_dassdp.rules import ErrorSSDP, Learning, ReadoutDelta

WIDE = Settings(membrane_bits=32, threshold_bits=14, weight_bits=16)
MULTI = {"reset_delay": False, "looks_back": False, "strict": False, "max_spikes": 0}


def network(*, spikes: bool = True, scale: float = 1.0, **fields: Any) -> Network:
    """Four hidden neurons and three classes; `fields` of the hidden population."""
    rng = np.random.default_rng(0)
    hidden: dict[str, Any] = {"beta": 0.9, "threshold": 1.0, **fields}
    return Network(
        (Input("x", 8, 1, spikes),),
        (Population("h", 4, **hidden), Population("out", 3, 0.9, 1.0, reset="none")),  # type: ignore[arg-type]
        (Projection("a", "x", "h", scale * rng.normal(0, 1, (8, 4))),
         Projection("b", "h", "out", rng.normal(0, 1, (4, 3)))),
        Readout("out", "membrane_sum"), 4)


def refused(net: Network, settings: Settings | None = None, code: str = "E201") -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        quantize(net, settings=settings)
    assert caught.value.code == code and caught.value.help
    return caught.value


@pytest.mark.parametrize(("name", "fields"), [
    ("v_min", {"v_min": [-1.0, -1.0, -1e6, -1.0]}),
    ("v_init", {"v_init": [0.0, 0.0, -1e6, 0.0]}),
    ("v_bias", {"alpha": 0.5, "bias": [0.0, 0.0, -1e6, 0.1]}),
    ("bias", {"bias": [0.0, 0.1, 1e6, 0.0]}),
    ("threshold", {"threshold": [1.0, 1.0, 1e6, 1.0]}),
])
def test_a_constant_that_no_int32_holds_is_refused_with_its_neuron(
        name: str, fields: dict[str, Any]) -> None:
    problem = refused(network(**fields), WIDE)
    value = next(v for key, v in fields.items() if key in name)[2]
    assert f"population 'h': the {name} of neuron 2, {value:.6g}, has no" in problem.message
    assert "membrane units" in problem.cause and "threshold bits" in problem.help


@pytest.mark.parametrize("value", [-1e3, -2e4, -3e4, -1e5])
@pytest.mark.parametrize("name", ["v_min", "v_init", "bias"])
@pytest.mark.parametrize("reset", sorted(RESETS))
def test_constants_near_the_end_of_an_int32_run_or_are_refused(
        name: str, value: float, reset: str) -> None:
    kind, delay = RESETS[reset]
    net = network(**{name: value, "reset": kind, "reset_delay": delay})
    try:
        q = quantize(net, settings=WIDE).network
    except EdgeError as problem:
        assert problem.code in ("E201", "E202") and abs(value) > 2e3
        return
    assert_runs(q)


@pytest.mark.parametrize("membrane_bits", [None, 16, 32])
@pytest.mark.parametrize("threshold_bits", [None, 4, 6, 8, 14])
@pytest.mark.parametrize("fields", [MULTI, {}, {"reset": "zero"}, {"reset": "none"}],
                         ids=["several", "subtract", "zero", "none"])
def test_a_threshold_below_one_unit_is_refused_with_its_neuron(
        fields: dict[str, Any], threshold_bits: int | None, membrane_bits: int | None) -> None:
    net = network(spikes=False, scale=30.0, threshold=[1.0, 1e-4, 1.0, 1e-5], **fields)
    problem = refused(net, Settings(threshold_bits=threshold_bits, membrane_bits=membrane_bits))
    assert "the threshold of neuron 1, 0.0001, as of 1 more, has no integer form" in problem.message
    assert "rounds to 0 membrane units" in problem.cause and "raise it" in problem.help


def test_a_threshold_that_nothing_fires_at_may_be_anything() -> None:
    net = network()
    summed = replace(net.populations[1], threshold=np.full(3, 1e-4))
    assert_runs(quantize(replace(net, populations=(net.populations[0], summed))).network)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e-12, 1e-9, 1e-6, 1e6, 1e12, 1e20])
@pytest.mark.parametrize("spikes", [True, False], ids=["spikes", "currents"])
def test_a_network_in_other_units_is_the_same_network(spikes: bool, scale: float) -> None:
    """Weights and thresholds of a hidden population times a power of ten."""
    here, there = (quantize(network(spikes=spikes, scale=s, threshold=s)).network
                   for s in (1.0, scale))
    for x in random_samples(here, 3):
        one, other = Reference(here).infer(x), Reference(there).infer(x)
        np.testing.assert_allclose(one.logits, other.logits, atol=abs(one.logits).max() / 20)


@pytest.mark.parametrize("scale", [0.0, 1e-320, 1e-100, 1e-30, 1e-15, 1e-12])
@pytest.mark.parametrize("spikes", [True, False], ids=["spikes", "currents"])
def test_weights_that_are_nothing_beside_their_threshold_leave_the_bias(
        spikes: bool, scale: float) -> None:
    q = quantize(network(spikes=spikes, scale=scale, bias=[0.0, 0.3, 0.6, 2.0])).network
    assert_runs(q)
    reference, counts = Reference(q), np.zeros(4, np.int64)
    reference.begin(random_samples(q, 1))
    for t_step in range(q.n_steps):
        reference.step(t_step)
        counts += reference.spikes["h"][0]
    assert counts.tolist() == [0, 1, 2, 4] and not q.projection("a").w.any()


def test_fewer_threshold_bits_are_taken_where_more_do_not_fit() -> None:
    """Unless they are set."""
    net = network(v_init=-7e5)
    refused(net, Settings(threshold_bits=10))
    assert_runs(quantize(net).network)


def channels() -> Network:
    """A matrix into a population of three channels, which is padded to four."""
    rng = np.random.default_rng(0)
    scales = np.logspace(-1, 0.5, 48)
    return Network(
        (Input("x", 32, 1, True, (2, 4, 4)),),
        (Population("c", 48, 0.9, 1.0, shape=(3, 4, 4)),  # type: ignore[arg-type]
         Population("out", 3, 0.9, 1.0, reset="none")),  # type: ignore[arg-type]
        (Projection("k", "x", "c", rng.normal(0, 1, (3, 2, 3, 3)), conv=Conv(padding=(1, 1))),
         Projection("back", "out", "c", rng.normal(0, 1, (3, 48)) * scales),
         Projection("o", "c", "out", rng.normal(0, 0.3, (48, 3)))),
        Readout("out", "membrane_sum"), 4)


@pytest.mark.parametrize("weight_bits", [4, 8, 16])
def test_a_scale_per_neuron_follows_the_neurons_onto_the_device(
        tmp_path: Path, weight_bits: int) -> None:
    net = channels()
    q = quantize(net, settings=Settings(per_neuron=True, weight_bits=weight_bits)).network
    qir.save(q, tmp_path / "q.npz")
    assert qir.load(tmp_path / "q.npz").sha256 == q.sha256
    assert_runs(q)
    assert requantize(net, q).sha256 == q.sha256


@pytest.mark.parametrize("sizes", [(20, 40, 24, 16, 6), (20, 200, 300, 90, 6), (4, 5, 1, 700, 2)])
@pytest.mark.parametrize("bits", [
    {"fc2": 16, "fc3": 16, "fc4": 16}, {"fc3": 16}, {"fc2": 16, "fc3": 8, "fc4": 16}], ids=str)
def test_an_error_goes_back_through_16_bits(tmp_path: Path, sizes: tuple[int, ...],
                                            bits: dict[str, int]) -> None:
    """Between hidden layers, wide ones, too."""
    rules = {"fc2": ErrorSSDP(), "fc3": ErrorSSDP(), "fc4": ReadoutDelta()}
    q = quantize(layers(sizes), Learning(rules), Settings(bits_of=bits)).network
    qir.save(q, tmp_path / "q.npz")
    assert qir.load(tmp_path / "q.npz").sha256 == q.sha256


def test_what_its_own_reader_would_refuse_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours ends in a sentence with a code, not in a file."""
    q = quantize(network()).network
    broken = replace(q, populations=(replace(q.populations[0], acc_lshift=31), q.populations[1]))
    with pytest.raises(EdgeError) as caught:
        qir.file.require_readable(broken)
    assert caught.value.code == "E204" and caught.value.exit_status == 101
    assert "acc_lshift is 31" in caught.value.cause and "report" in caught.value.help
