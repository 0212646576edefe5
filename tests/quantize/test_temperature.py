"""A readout of K times the weights with K times the temperature learns the same, in every bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from support.chains import chain, samples

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Network, Sensor
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.reference.confidence import probabilities
from edge_dassdp.rules import ErrorSSDP, ErrorTouch, Learning, ReadoutDelta, Rule
from edge_dassdp.twin.learner import FloatLearner
from edge_dassdp.twin.model import FloatModel

STATED = Settings(temperature="stated")


def at(network: Network, temperature: float) -> Network:
    readout = dataclasses.replace(network.readout, temperature=temperature)
    return dataclasses.replace(network, readout=readout)


def louder(network: Network, k: float) -> Network:
    """Readout weights, and with them logits, times k; the temperature, too."""
    readout = network.readout
    populations = [dataclasses.replace(p, threshold=k * p.threshold)
                   if p.name == readout.population else p for p in network.populations]
    projections = [dataclasses.replace(q, weight=k * q.weight,
                                       bias=None if q.bias is None else k * q.bias)
                   if q.post == readout.population else q for q in network.projections]
    return at(dataclasses.replace(network, populations=tuple(populations),
                                  projections=tuple(projections)), k * readout.temperature)


@pytest.mark.parametrize("hidden", [ErrorTouch(32.0), ErrorSSDP()])
@pytest.mark.parametrize("k", [2.0**-6, 32.0])
def test_mu_means_the_same_for_every_scale_of_the_logits(hidden: Rule, k: float) -> None:
    learning = Learning({"ab": hidden, "bo": ReadoutDelta(0.8)})
    plain = quantize(chain(3), learning, STATED).network
    other = quantize(louder(chain(3), k), learning, STATED).network
    assert plain.sha256 == other.sha256
    x, y = samples(40), np.arange(40) % 4
    learned = []
    for network in (plain, other):
        device = Reference(network)
        for sample, label in zip(input_x(network, x), y, strict=True):
            device.learn(sample, int(label))
        learned.append(device.w["ab"])
    np.testing.assert_array_equal(*learned)
    assert not np.array_equal(learned[0], plain.projection("ab").w)


def test_the_float_twin_says_the_same() -> None:
    rules = {"ab": ErrorTouch(32.0), "bo": ReadoutDelta(0.8)}
    plain, other = FloatLearner(chain(3), rules), FloatLearner(louder(chain(3), 32.0), rules)
    for sample, label in zip(samples(40), np.arange(40) % 4, strict=True):
        for learner in (plain, other):
            learner.learn(sample, int(label))
    np.testing.assert_allclose(plain.weights["ab"], other.weights["ab"], atol=1e-5)
    np.testing.assert_allclose(32 * plain.weights["bo"], other.weights["bo"], atol=1e-4)


def known(network: Network, temperature: float, n: int = 400
          ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Samples with labels drawn as a softmax at that temperature has them."""
    x, rng = samples(n, seed=8), np.random.default_rng(8)
    p = probabilities(FloatModel(network).run(x).logits.astype(np.float64), temperature)
    return x, (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def test_labels_decide_and_what_is_given_is_kept() -> None:
    net = at(louder(chain(3), 200.0), 1.0)
    x, y = known(net, 200.0)
    learning = Learning.default(net, len(x))
    fitted = quantize(net, learning, Settings(), x, y)
    assert fitted.confidence is not None and 100 < fitted.confidence.temperature < 400
    assert fitted.confidence.error_after < 0.1 < fitted.confidence.error_before
    for setting, temperature in (("stated", 1.0), (7.0, 7.0)):
        kept = quantize(net, learning, Settings(temperature=setting), x, y)
        assert kept.confidence is not None and kept.confidence.temperature == temperature
        assert kept.confidence.best == fitted.confidence.best
        assert kept.network.softmax_scale / 2**kept.network.softmax_shift > \
            10 * fitted.network.softmax_scale / 2**fitted.network.softmax_shift


def test_labels_of_others_are_refused() -> None:
    """Whatever reads them: the temperature, or a sensor's class means."""
    net, sensor = chain(3), Sensor(1, (0.01,), (0.0,))
    for wrong in (np.full(30, 4), np.zeros(29, np.int64), np.zeros(30)):
        for network, learning in ((net, Learning.default(net)), (net.with_sensor(sensor), None)):
            with pytest.raises(EdgeError) as caught:
                quantize(network, learning, Settings(), samples(30), wrong)
            assert caught.value.code == "E104"


@pytest.mark.parametrize("wrong", ["warm", 0, -1.0, float("nan"), None])
def test_what_is_no_temperature_is_refused(wrong: object) -> None:
    with pytest.raises(EdgeError, match="temperature") as caught:
        Settings(temperature=wrong)  # type: ignore[arg-type]
    assert caught.value.code == "E105"


def test_what_teaches_nothing_is_a_warning_with_what_mends_it() -> None:
    net = at(louder(chain(3), 2000.0), 1.0)
    x, y = known(net, 1000.0)
    learning = Learning.default(net, len(x))
    for said, arguments in (
            (("0 or 1", "--data", "--logits mean"), {"learning": Learning.default(net)}),
            (("surer", "--temperature fit"), {"learning": learning, "x": x, "y": y,
                                              "settings": STATED}),
            (("one class",), {"learning": learning, "x": x, "y": 0 * y})):
        with pytest.warns(UserWarning) as caught:
            ed.quantize(net, **arguments)  # type: ignore[arg-type]
        text = " ".join(str(w.message) for w in caught)
        assert all(word in text for word in said), text
