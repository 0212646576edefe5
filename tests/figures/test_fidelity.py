"""What `measure_fidelity` says is what the two models did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.scenarios import layers

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Dataset, load_dataset
from edge_dassdp.figures import prices
from edge_dassdp.figures.fidelity import Fidelity, measure_fidelity
from edge_dassdp.figures.widths import Width, compare_widths, narrowest
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import Learning
from edge_dassdp.twin.model import FloatModel

pytestmark = pytest.mark.xdist_group("fidelity")

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
    by_sample, steps = np.zeros(2), [set(), set()]
    for sample in range(150):  # one sample at a time, where the module goes in chunks
        integers.begin(input_x(quantized.network, x[sample : sample + 1]))
        for t_step in range(network.n_steps):
            integers.step(t_step)
            for i, name in enumerate(("h1", "h2")):
                differ = (integers.spikes[name][0] != floats.spikes[name][sample, t_step]).sum()
                by_sample[i] += differ
                steps[i] |= {t_step} if differ else set()
    sizes = np.array([network.population(n).size for n in ("h1", "h2")])
    flipped = [p.flipped for p in found.populations]
    assert flipped[:2] == pytest.approx(by_sample / (150 * network.n_steps * sizes))
    assert [p.diverges_at for p in found.populations] == [min(steps[0]), min(steps[1]), None]
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


# ---- kernels and their reasons -------------------------------------------------------------------


def reasons(found: Fidelity) -> dict[str, str]:
    return {q.name: q.reason for p in found.populations for q in p.projections}


def membranes(network: ir.Network, settings: Settings, learning: Learning | None = None) -> str:
    return measure_fidelity(network, quantize(network, learning, settings)).populations[0].membrane


def test_without_samples_nothing_is_said_of_activity(network) -> None:
    found = reasons(measure_fidelity(network, quantize(network, Learning.default(network))))
    assert found["fc1"] == "analogue: int32 sums, once a sample"
    assert found["fc2"] == found["fc3"] == "event-driven: activity not measured (no --data)"


def test_a_busy_projection_is_dense_unless_it_learns() -> None:
    network = layers(spikes=True)
    x = (RNG.random((64, network.n_inputs)) < 0.95).astype(np.float32)
    frozen = quantize(network, None, Settings(), x).network
    first = measure_fidelity(network, quantize(network, None, Settings(), x)).populations[0]
    active = input_x(frozen, x)  # 20 spikes of a word, constant over the steps
    share = np.unpackbits(active.view(np.uint8), axis=1).sum(axis=1).mean() / 20
    assert first.projections[0].activity == pytest.approx(share, abs=1e-4)
    assert first.projections[0].reason == (
        f"dense: {100 * share:.0f} % active, silent rows are taken off the sum of all rows")
    few = (RNG.random((64, network.n_inputs)) < 0.1).astype(np.float32)
    text = reasons(measure_fidelity(network, quantize(network, None, Settings(), few)))["fc1"]
    assert text.startswith("event-driven: ") and text.endswith(" of 20 rows active a step")


def test_a_busy_projection_that_learns_stays_event_driven() -> None:
    network = layers(spikes=True)
    fc1 = replace(network.projections[0], weight=np.abs(network.projections[0].weight))
    network = replace(network, projections=(fc1, *network.projections[1:]))
    x = np.ones((4, network.n_inputs), np.float32)
    learns, frozen = (
        measure_fidelity(network, quantize(network, learning, Settings(), x)).populations[1]
        for learning in (Learning.default(network), None))
    assert learns.projections[0].activity > 0.9
    assert learns.projections[0].reason.endswith("plastic, so there is no constant sum of all rows")
    assert frozen.projections[0].reason.startswith("dense: ")


def test_what_runs_in_pairs_and_what_keeps_others_from_it() -> None:
    assert membranes(layers(), Settings()) == "int16 in pairs"
    assert membranes(layers(beta=1.0, n_steps=2), Settings()).endswith("a leak of 1")
    assert "a leak per neuron" in membranes(layers(beta=RNG.uniform(0.5, 0.9, 40),
                                                   sizes=(20, 40, 6)), Settings())
    assert membranes(layers(beta=0.875), Settings()) == "int16 in pairs"
    assert membranes(layers(beta=1 - 2.0**-20, n_steps=2), Settings()).endswith("a leak of 1")
    assert membranes(layers(spikes=True), Settings(membrane_bits=32)) == "int32: as asked for"
    assert membranes(layers(), Settings(threshold_bits=14)) == \
        "int32: the current may leave int16"
    wide = layers()
    second = measure_fidelity(wide, quantize(
        wide, Learning.default(wide), Settings(bits_of={"fc2": 16}))).populations[1]
    assert "int32 sums" in second.membrane or second.membrane.startswith("int32")


@pytest.mark.parametrize(("bits", "rows"), [(8, 1), (7, 2), (6, 4), (5, 4), (4, 16)])
def test_rows_added_in_bytes_by_width(network, bits: int, rows: int) -> None:
    found = measure_fidelity(network, quantize(network, None, Settings(weight_bits=bits)))
    assert [q.byte_rows for p in found.populations for q in p.projections] == [None, rows, rows]


@pytest.mark.parametrize("reset", ["subtract_delayed", "subtract_now"])
def test_saturated_is_the_share_of_membranes_that_clipped(reset: str) -> None:
    network = layers(spikes=True, gain=10.0, n_steps=20, hidden=(reset,))
    x = (RNG.random((60, network.n_inputs)) < 0.9).astype(np.float32)
    quantized = quantize(network, None, Settings(), x)
    found = measure_fidelity(network, quantized, x)
    wide = replace(quantized.network, populations=tuple(
        replace(p, membrane_bits=32, saturates=False) for p in quantized.network.populations))
    reference, unbound = Reference(quantized.network), Reference(wide)
    clipped = np.zeros(2)
    for reference_x in input_x(quantized.network, x):
        for target in (reference, unbound):
            target.begin(reference_x[None])
        for t_step in range(network.n_steps):
            unbound.v = {name: v.copy() for name, v in reference.v.items()}
            unbound.spikes = {name: s.copy() for name, s in reference.spikes.items()}
            for target in (reference, unbound):
                target.step(t_step)
            clipped[0] += (reference.v["h1"] != unbound.v["h1"]).mean()
            clipped[1] += (reference.v["h2"] != unbound.v["h2"]).mean()
    shares = [p.saturated for p in found.populations[:2]]
    assert max(shares) > 0.01
    assert shares == pytest.approx(clipped / (60 * network.n_steps))
    assert measure_fidelity(network, quantized).populations[0].saturated is None


def test_what_is_proven_not_to_saturate_is_not_counted(network, x) -> None:
    proven = measure_fidelity(network, quantize(network, None, Settings(membrane_bits=32)), x)
    assert [p.saturated for p in proven.populations] == [None] * 3


# ---- digits --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits() -> tuple[ir.Network, Dataset]:
    folder = assets.folder("examples") / "digits"
    return ir.load(folder / "digits_seed0.npz"), load_dataset(folder / "data.npz")


@pytest.fixture(scope="module")
def widths(digits) -> tuple[Width, ...]:
    network, data = digits
    return compare_widths(network, Learning.default(network), Settings(), data.train, data.test)


def test_digits_run_event_driven_and_never_clip(digits) -> None:
    network, data = digits
    made = quantize(network, Learning.default(network), Settings(), data.train.x)
    found = measure_fidelity(network, made, data.test.x, data.test.y)
    assert reasons(found)["fc2"] == "event-driven: 31 of 96 rows active a step"
    assert [p.membrane for p in found.populations] == ["int16 in pairs"] * 3
    assert [p.saturated for p in found.populations] == [0.0, 0.0, None]


def test_widths_are_the_networks_of_these_bits(digits, widths) -> None:
    network, data = digits
    assert [(w.weight_bits, w.byte_rows) for w in widths] == [(8, 1), (7, 2), (6, 4)]
    for width in widths:
        made = quantize(network, Learning.default(network),
                        Settings(weight_bits=width.weight_bits), data.train.x)
        found = measure_fidelity(network, made, data.test.x, data.test.y)
        assert width.accuracy == found.integer_accuracy
        assert width.sums.keys() == width.inference.keys() == prices.priced_cpus()
        assert all(0.1 < price < 20 for price in width.sums.values())


def test_narrowest_stays_within_the_tolerance(widths) -> None:
    eight, seven, six = widths
    assert narrowest((Width(8, 1, 0.98), Width(7, 2, 0.975), Width(6, 4, 0.96)), 0.5) == 7
    assert narrowest((Width(8, 1, 0.98), Width(7, 2, refused="no"), Width(6, 4, 0.99)), 0) == 6
    assert narrowest((eight, seven, six), 100) == 6
    with pytest.raises(EdgeError) as refusal:
        narrowest((Width(8, 1, refused="its weights are too large"), seven), 0.5)
    assert refusal.value.code == "E105" and "too large" in refusal.value.cause


def test_a_width_that_is_refused_says_why(digits) -> None:
    network, data = digits
    found = compare_widths(network, None, Settings(), data.train, data.test, (16, 8))
    assert "16-bit" in found[0].refused and found[0].accuracy is None
    assert found[1].accuracy > 0.9
