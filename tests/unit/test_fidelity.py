"""What `measure_fidelity` says is what the two models did."""

from __future__ import annotations

import numpy as np
import pytest
from scenarios import layers

from edge_dassdp.errors import EdgeError
from edge_dassdp.fidelity import measure_fidelity
from edge_dassdp.floatmodel import FloatModel
from edge_dassdp.quantize import Settings, input_x, quantize
from edge_dassdp.reference import Reference
from edge_dassdp.rules import Learning

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def network():
    return layers()


@pytest.fixture(scope="module")
def x(network) -> np.ndarray:
    return RNG.normal(0, 1, (150, network.n_inputs)).astype(np.float32)


def test_flips_and_accuracies_are_those_of_the_two_models(network, x) -> None:
    quantized = quantize(network, Learning.default(network), Settings(), x)
    floats = FloatModel(network).run(x)
    integers = Reference(quantized.network)
    y = floats.classes.copy()
    y[:30] = (y[:30] + 1) % network.n_classes
    found = measure_fidelity(network, quantized, x, y)
    assert found.n_samples == 150
    assert found.float_accuracy == pytest.approx(0.8)
    classes = integers.classify(input_x(quantized.network, x))
    assert found.integer_accuracy == pytest.approx((classes == y).mean())
    assert found.agreement == pytest.approx((classes == floats.classes).mean())
    by_sample = np.zeros(2)
    for sample in range(150):  # one sample at a time, where the module goes in chunks
        integers.begin(input_x(quantized.network, x[sample : sample + 1]))
        for t_step in range(network.n_steps):
            integers.step(t_step)
            for i, name in enumerate(("h1", "h2")):
                by_sample[i] += (integers.spikes[name][0]
                                 != floats.spikes[name][sample, t_step]).sum()
    sizes = np.array([network.population(n).size for n in ("h1", "h2")])
    flipped = [p.flipped for p in found.populations]
    assert flipped[:2] == pytest.approx(by_sample / (150 * network.n_steps * sizes))
    assert flipped[2] is None  # a summed membrane: its spikes mean nothing


def test_fewer_bits_flip_more_spikes(network, x) -> None:
    flipped = []
    for bits in (8, 6, 4):
        quantized = quantize(network, None, Settings(weight_bits=bits), x)
        flipped.append(measure_fidelity(network, quantized, x).populations[1].flipped)
    assert 0 < flipped[0] < flipped[1] < flipped[2]


def test_every_proof_has_its_population(network) -> None:
    quantized = quantize(network, Learning.default(network))
    found = measure_fidelity(network, quantized)
    assert found.n_samples == 0 and found.integer_accuracy is None
    shown = [b for p in found.populations for b in p.proofs]
    assert sorted(b.what for b in shown) == sorted(b.what for b in quantized.proofs)
    assert {q.name: q.is_plastic for p in found.populations for q in p.projections} == {
        "fc1": False, "fc2": True, "fc3": True}


def test_scales_per_neuron_are_a_range_and_nothing_clips(network) -> None:
    quantized = quantize(network, None, Settings(per_neuron=True))
    first = measure_fidelity(network, quantized).populations[0].projections[0]
    assert first.scale_min < first.scale_max
    assert first.clipped == 0.0


def test_wrong_shapes_are_refused(network, x) -> None:
    quantized = quantize(network, None)
    for samples, labels in ((x[:, 1:], None), (x, np.zeros(3)), (x[:0], None)):
        with pytest.raises(EdgeError) as refusal:
            measure_fidelity(network, quantized, samples, labels)
        assert refusal.value.code == "E104"
