"""Every rule at every kind of place with every learner: it works or is refused with a reason, and
the learners agree in which. What the reference learns, checked C learns bit by bit."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from support.places import PLACES
from support.rule_examples import EXAMPLES
from support.wired_networks import Builder, pointwise

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.device import Device
from edge_dassdp.ir import Input, Network
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.reference import Reference
from edge_dassdp.rules import DASSDP, SSDP, ErrorSSDP, Learning, ReadoutDelta, Replay, Rule
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.twin.learner import FloatLearner
from edge_dassdp.twin.model import FloatModel

RULES: dict[str, Rule] = {
    **EXAMPLES, "published": DASSDP(0.02, 0.008, variant="published", batch=2),
    "ssdp": SSDP(0.02, 0.008), "ssdp_published": SSDP(0.02, 0.008, variant="published", batch=3)}
SYNCHRONY = ("sync", "published", "ssdp", "ssdp_published")
WORKS_ON_CHANNELS = ("channels", "channels, padded", "channels of several spikes",
                     "channels into the readout", "channels into a readout of spikes",
                     "channels into a readout of spikes and positions")
PAIRS = list(product(RULES, PLACES))


def samples(network: Network, n: int = 9) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(4)
    x = (rng.random((n, network.n_inputs)) < 0.4).astype(np.float32)
    return x, np.arange(n) % network.n_classes


@cache
def quantized(rule: str, place: str) -> QNetwork | EdgeError:
    network, name = PLACES[place]
    try:
        return quantize(network, Learning({name: RULES[rule]}, skip_below=0.0)).network
    except EdgeError as problem:
        return problem


@pytest.mark.parametrize("rule, place", PAIRS)
def test_integers_learn_or_refuse(rule: str, place: str) -> None:
    made, (network, name) = quantized(rule, place), PLACES[place]
    if isinstance(made, EdgeError):
        assert made.code in ("E203", "E201", "E202") and name in made.message
        return
    reference, (x, y) = Reference(made), samples(network)
    codes = input_x(made, x)
    for code, label in zip(codes, y, strict=True):
        reference.warm_up(code, int(label))
    reference.fit_gate()
    for code, label in zip(codes, y, strict=True):
        reference.learn(code, int(label))
    assert reference.read_weights(name).shape == reference.w[name].shape


@pytest.mark.parametrize("rule, place", PAIRS)
def test_float_learning_learns_what_integers_learn(rule: str, place: str) -> None:
    made, (network, name) = quantized(rule, place), PLACES[place]
    try:
        learner = FloatLearner(network, Learning({name: RULES[rule]}, skip_below=0.0))
    except EdgeError as problem:
        assert problem.code == "E203"
        assert RULES[rule].no_twin or isinstance(made, EdgeError)
        return
    if isinstance(made, EdgeError):
        assert made.code != "E203", "float learning stands where integers may not"
    x, y = samples(network)
    for sample, label in zip(x, y, strict=True):
        learner.warm_up(sample, int(label))
    learner.fit_gate()
    for sample, label in zip(x, y, strict=True):
        learner.learn(sample, int(label))
    assert learner.weights[name].shape == network.projection(name).weight.shape
    assert np.isfinite(learner.weights[name]).all()


@pytest.mark.parametrize("rule", RULES)
def test_channels_learn_by_synchrony_alone(rule: str) -> None:
    works = [place for place in PLACES if place.startswith("channels")
             and isinstance(quantized(rule, place), QNetwork)]
    assert works == (list(WORKS_ON_CHANNELS) if rule in SYNCHRONY else [])


@pytest.mark.parametrize("rule, place", [
    *product(SYNCHRONY, WORKS_ON_CHANNELS), *((rule, "matrix behind a volume") for rule in RULES
                                              if rule != "delta")])
def test_checked_c_learns_it_bit_by_bit(rule: str, place: str) -> None:
    """Warm-ups that no batch divides, and labels."""
    network, made = PLACES[place][0], quantized(rule, place)
    assert isinstance(made, QNetwork)
    x, y = samples(network, 11)
    with Emulator(made, checked=True) as target:
        device = Device(made, target)
        device.warm_up(x[:4], y[:4])
        verification = device.verify(x, y)
    assert verification.divergence is None and verification.samples == 11


# ---- records of channels are those of no neuron --------------------------------------------------

def refused(learning: Learning, network: Network, words: str) -> None:
    for learn in (quantize, FloatLearner):
        with pytest.raises(EdgeError, match=words) as caught:
            learn(network, learning)
        assert caught.value.code == "E203"


def test_a_readout_of_positions_that_is_read_by_membranes_is_refused() -> None:
    """Its neurons' membranes stood for the records of its channels, in C beyond their end."""
    network, name = PLACES["channels into a readout of positions"]
    for rule in SYNCHRONY:
        refused(Learning({name: RULES[rule]}), network, "the membranes of its positions")


def test_channels_on_an_error_s_way_back_are_refused() -> None:
    network = (Builder(Input("x", 18, 6, True, (2, 3, 3)), 6).conv("a", 4, (1, 1))
               .dense("p", 9, pre="x").dense("h", 10, pre="p").conv("b", 8, (1, 1), pre="a")
               .join("h", "b").out())
    refused(Learning({"a_b": DASSDP(0.02, 0.01), "p_h": ErrorSSDP()}), network,
            "errors come back through its neurons")


def test_replay_behind_channels_is_refused() -> None:
    network = pointwise((8, 8))
    rules = {"c1_c2": DASSDP(0.02, 0.01), "h_out": ReadoutDelta()}
    refused(Learning(rules, replay=Replay(flash=0)), network, "stored samples hold neurons")
    assert isinstance(quantize(network, Learning(rules)).network, QNetwork)


def test_neurons_that_fire_several_times_count_steps_in_float_as_in_integers() -> None:
    """A first spike is the first step with one, not that with most."""
    network, name = PLACES["matrix of neurons that fire several times"]
    learner = FloatLearner(network, Learning({name: ErrorSSDP()}))
    x, _ = samples(network)
    spikes = FloatModel(network).run(5 * x).spikes["a"]
    assert spikes.max() > 1
    for sample, fired in zip(5 * x, spikes, strict=True):
        seen = learner.run(sample)
        np.testing.assert_array_equal(seen.counts("a"), (fired > 0).sum(axis=0))
        assert seen.raster("a").dtype == bool
