"""What quantization promises: formats, exact thresholds, refusals, and accuracy kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.scenarios import graph, layers

from edge_dassdp import ir, qir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Dataset, load_dataset
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import DASSDP, ErrorSSDP, Learning, ReadoutDelta
from edge_dassdp.rules.error import QErrorRule
from edge_dassdp.twin.model import FloatModel

NET = layers()
BOTH = Learning.default(NET)
DIGITS = assets.folder("examples") / "digits"


def with_population(name: str, **fields: Any) -> ir.Network:
    pops = tuple(replace(p, **fields) if p.name == name else p for p in NET.populations)
    return replace(NET, populations=pops)


@pytest.mark.parametrize(("fields", "words"), [
    ({"weight_bits": 3}, "weight_bits: 3"), ({"weight_bits": 9}, "weight_bits: 9"),
    ({"bits_of": {"fc2": 12}}, "fc2: 12"), ({"headroom": 0.5}, "headroom"),
    ({"headroom": 65.0}, "headroom"), ({"threshold_bits": 3}, "threshold_bits"),
    ({"threshold_bits": 15}, "threshold_bits"), ({"leak": "none"}, "leak is 'none'"),
    ({"membrane_bits": 8}, "membrane_bits"), ({"x_frac_bits": 25}, "x_frac_bits"),
    ({"x_frac_bits": -25}, "x_frac_bits"), ({"input_scale": "each"}, "input_scale is 'each'"),
    ({"x_frac_bits": 3, "input_scale": "feature"}, "x_frac_bits"),
])
def test_settings_out_of_range_are_refused_by_name(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(EdgeError) as caught:
        Settings(**fields)
    assert caught.value.code == "E105" and words in caught.value.message


@pytest.mark.parametrize(("learning", "settings", "calibration", "code", "words"), [
    (None, Settings(bits_of={"fc9": 8}), None, "E105", "fc9"),
    (None, Settings(bits_of={"fc1": 16}), None, "E105", "'fc1' hears currents"),
    (None, None, np.zeros((3, 19)), "E104", "(3, 19)"),
    (None, None, np.full((3, 20), np.nan), "E104", "NaN"),
    (Learning({"fc1": ErrorSSDP()}), None, None, "E203", "'fc1'"),
    (Learning({"fc3": ReadoutDelta(mu=1e9)}), None, None, "E201", "'fc3'"),
    (Learning({"fc2": DASSDP(a_plus=0.9)}), None, None, "E201", "'fc2'"),
    (Learning({"fc2": DASSDP(batch=2), "fc3": DASSDP(batch=3)}), None, None, "E203", "[2, 3]"),
])
def test_what_cannot_be_quantized_is_refused_by_name(
    learning: Learning | None, settings: Settings | None, calibration: Any, code: str, words: str,
) -> None:
    with pytest.raises(EdgeError) as caught:
        quantize(NET, learning, settings, calibration)
    assert caught.value.code == code and words in caught.value.message


@pytest.mark.parametrize("bits", [4, 5, 6, 7, 8])
def test_weights_are_off_by_half_a_step_at_most(bits: int) -> None:
    q = quantize(NET, settings=Settings(weight_bits=bits)).network
    for p, source in zip(q.projections, NET.projections, strict=True):
        assert p.weight_bits == bits and np.abs(p.w).max() < 1 << (bits - 1)
        assert np.abs(p.w * p.scale - source.weight).max() <= p.scale[0] * 0.5001


def test_sixteen_bits_are_in_q8_of_an_eight_bit_step() -> None:
    q = quantize(NET, BOTH, Settings(bits_of={"fc2": 16})).network.projection("fc2")
    assert np.abs(q.w / 256 * q.scale - NET.projection("fc2").weight).max() <= q.scale[0] / 511
    assert 127 < np.abs(q.w).max() <= 32767


@pytest.mark.parametrize("headroom", [1.0, 2.0, 4.0])
def test_plastic_weights_may_grow_by_the_headroom(headroom: float) -> None:
    q = quantize(NET, BOTH, Settings(headroom=headroom)).network
    for p in q.plastic:
        largest = np.abs(NET.projection(p.name).weight).max()
        assert p.scale[0] * 127 == pytest.approx(headroom * largest)
    frozen = q.projection("fc1")
    assert frozen.scale[0] * 127 == pytest.approx(np.abs(NET.projection("fc1").weight).max())


def test_every_projection_into_a_population_shares_its_unit() -> None:
    q = quantize(graph(frames=True, kind="membrane_sum")).network
    frac_bits = {i.name: b for i, b in zip(q.inputs, q.x_frac_bits, strict=True)}
    for p in q.populations:
        for projection in q.into(p.name):
            if projection.is_analogue:
                step = p.unit * 2.0 ** (frac_bits[projection.pre] - p.analogue_rshift)
            else:
                step = p.unit * 2.0 ** (p.acc_lshift - p.acc_rshift)
            np.testing.assert_allclose(projection.scale, step)


def test_per_neuron_scales_stand_where_nothing_learns() -> None:
    q = quantize(NET, Learning({"fc3": ReadoutDelta()}), Settings(per_neuron=True)).network
    assert [p.scale.size for p in q.projections] == [40, 24, 1]
    assert (np.abs(q.projection("fc1").w).max(axis=0) == 127).all()
    assert q.population("h1").fire_at.size == 40


def test_a_neuron_without_weights_does_not_spoil_per_neuron_scales() -> None:
    dead = NET.projection("fc2").weight.copy()
    dead[:, 5] = 0.0
    net = replace(NET, projections=tuple(replace(p, weight=dead) if p.name == "fc2" else p
                                         for p in NET.projections))
    q = quantize(net, settings=Settings(per_neuron=True)).network
    assert not q.projection("fc2").w[:, 5].any()


@pytest.mark.parametrize("strict", [True, False])
def test_thresholds_compare_exactly_as_the_real_numbers_do(strict: bool) -> None:
    for theta in (0.37, 1.0, 2.5, 3.25):
        q = quantize(with_population("h2", threshold=np.full(24, theta), strict=strict)).network
        p = q.population("h2")
        real = p.unit[0]
        for v in range(int(p.fire_at[0]) - 3, int(p.fire_at[0]) + 4):
            fires = v * real > theta if strict else v * real >= theta
            assert fires == (v >= p.fire_at[0])
        assert abs(int(p.reset_by[0]) * real - theta) <= real / 2


def test_a_membrane_that_meets_the_threshold_fires_only_without_strict() -> None:
    one = ir.Network(
        (ir.Input("x", 1),), (ir.Population("a", 1, 0.5, 1.0), ir.Population(
            "out", 1, 0.0, 127 / 64, "none")),
        (ir.Projection("xa", "x", "a", np.array([[1.0]])),
         ir.Projection("ao", "a", "out", np.array([[127 / 64]]))),
        ir.Readout("out", "spike_count"), 1)
    for strict, expected in ((True, 0), (False, 1)):
        net = replace(one, populations=(one.populations[0],
                                        replace(one.populations[1], strict=strict)))
        q = quantize(net, settings=Settings(x_frac_bits=4)).network
        assert Reference(q).infer(np.array([127], np.int8)).logits[0] == expected


@pytest.mark.parametrize(("beta", "leak", "shift"), [
    (0.75, "auto", 2), (0.5, "auto", 1), (0.9375, "auto", 4), (0.9, "auto", 0),
    (0.75, "q15", 0), (0.9, "shift", 3), (0.8, "shift", 2), (1.0, "auto", 0), (0.3, "shift", 0),
])
def test_a_leak_is_a_shift_where_exact_or_asked_for(beta: float, leak: str, shift: int) -> None:
    p = quantize(with_population("h1", beta=np.full(40, beta)), settings=Settings(leak=leak)
                 ).network.population("h1")
    assert p.leak_shift == shift and p.leak_q15.tolist() == [int(beta * 32768 + 0.5)]


def test_unequal_leaks_stay_per_neuron() -> None:
    p = quantize(with_population("h1", beta=np.linspace(0.5, 1, 40))).network.population("h1")
    assert p.leak_shift == 0 and p.leak_q15.size == 40 and p.leak_q15[-1] == 32768


@pytest.mark.parametrize(("peak", "bits"), [(0.2, 8), (0.5, 6), (2.0, 4), (2.5, 4), (900.0, -4),
                                            (1e6, -14)])
def test_inputs_keep_twice_the_calibration_s_range(peak: float, bits: int) -> None:
    x = np.zeros((4, 20), np.float32)
    x[1, 3] = -peak
    net = with_population("h1", threshold=np.full(40, max(1.0, peak / 1000)))
    assert quantize(net, calibration=x).network.x_frac_bits == (bits,)
    assert quantize(net, settings=Settings(x_frac_bits=3), calibration=x).network.x_frac_bits \
        == (3,)


def test_each_input_has_its_own_scale() -> None:
    net = graph(frames=False, kind="membrane_sum")
    x = np.concatenate([np.full((2, 13), 0.4), np.full((2, 7), 3.0)], axis=1).astype(np.float32)
    q = quantize(net, calibration=x).network
    assert q.x_frac_bits == (7, 4)
    assert input_x(q, x)[0].tolist() == [51] * 13 + [48] * 7


def test_samples_of_another_shape_are_refused() -> None:
    q = quantize(NET).network
    for bad in (np.zeros((2, 19)), np.full((1, 20), np.inf)):
        with pytest.raises(EdgeError) as caught:
            input_x(q, bad)
        assert caught.value.code == "E104"


def test_a_saved_network_is_the_same_network(tmp_path) -> None:
    q = quantize(graph(frames=True, kind="spike_count"), Learning({"bc": ErrorSSDP()})).network
    qir.save(q, tmp_path / "q.npz")
    again = qir.load(tmp_path / "q.npz")
    before, after = q.projection("bc").rule, again.projection("bc").rule
    assert isinstance(before, QErrorRule) and isinstance(after, QErrorRule)
    assert again.sha256 == q.sha256 and after.k_rshift == before.k_rshift


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(DIGITS / "data.npz")


def spikes_of(q: QNetwork, x: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    reference = Reference(q)
    reference.begin(input_x(q, x))
    seen: dict[str, list[np.ndarray]] = {p.name: [] for p in q.populations}
    for t_step in range(q.n_steps):
        reference.step(t_step)
        for name, spikes in reference.spikes.items():
            seen[name].append(spikes.copy())
    return reference.end(), {name: np.stack(s, axis=1) for name, s in seen.items()}


@pytest.mark.parametrize("seed", range(5))
def test_digits_keep_their_accuracy_within_half_a_point(data: Dataset, seed: int) -> None:
    net = ir.load(DIGITS / f"digits_seed{seed}.npz")
    q = quantize(net, Learning.default(net), calibration=data.train.x).network
    x = np.concatenate([data.test.x, data.stream.x])
    y = np.concatenate([data.test.y, data.stream.y])
    exact = FloatModel(net).run(x)
    classes, spikes = spikes_of(q, x)
    assert abs((classes == y).mean() - (exact.classes == y).mean()) <= 0.005
    assert (classes == exact.classes).mean() > 0.98
    for p in net.populations[:-1]:
        assert (spikes[p.name] != exact.spikes[p.name]).mean() < 0.05, p.name
