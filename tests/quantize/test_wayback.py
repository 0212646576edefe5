"""Learned weights go back into float networks, and come in again as the integers they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.lanes import often
from support.way_back import assert_same, learn, random_weights

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness import SNAPSHOT, read_snapshot
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.ir.geometry import Conv, Pool
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.biases import with_plastic_biases
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.quantize.wayback import dequantize, requantize, with_learned
from edge_dassdp.rules import SSDP, ErrorSSDP, Learning, ReadoutDelta, Rule
from edge_dassdp.storage.npz import write_npz
from edge_dassdp.targets.reference import ReferenceTarget

RULES: dict[str, Rule] = {"mix": SSDP(1e-2, 5e-3), "fc": ErrorSSDP(), "out": ReadoutDelta()}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A convolution, a 1 x 1 convolution, a matrix from a volume, and a readout with a gain."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="weights"))
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    hidden = draw(st.integers(1, 9))
    kind = draw(st.sampled_from(["spike_count", "membrane_sum"]))
    is_current = draw(st.booleans())

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0, 10.0 ** rng.uniform(-1.5, 0.5), shape)

    def neurons(name: str, shape: tuple[int, ...], **more) -> Population:
        n = int(np.prod(shape))
        each = n if rng.random() < 0.5 else 1
        return Population(name, n, rng.choice([0.0, 0.5, 0.9, 1.0], each),
                          rng.uniform(0.5, 1.5, each), shape=shape, **more)

    shared = int(rng.integers(1, 3))
    populations = (
        neurons("a", (4, height, width), gain=rng.uniform(0.1, 3)),
        neurons("b", (4 * shared, height, width), reset="zero", reset_delay=False, v_reset=-0.25),
        neurons("c", (hidden,), alpha=0.75, bias=0.125),
        neurons("d", (5,), gain=rng.uniform(0.1, 3, 5),
                reset="none" if kind == "membrane_sum" else "subtract"))
    fc = rng.normal(0, 0.5, (4 * shared * height * width, hidden))
    projections = (
        Projection("in", "x", "a", normal(4, 3, 3, 3), rng.normal(0, 0.1, 4),
                   Conv(padding=(1, 1))),
        Projection("mix", "a", "b", normal(4 * shared, 4, 1, 1), rng.normal(0, 0.1, 4 * shared),
                   Conv()),
        Projection("fc", "b", "c", fc, rng.normal(0, 0.1, hidden)),
        Projection("back", "c", "c", rng.normal(0, 0.3, (hidden, hidden)),
                   delay=rng.integers(0, 3, hidden)),
        Projection("pooled", "a", "c", rng.normal(0, 0.3, (4 * height * width, hidden)),
                   pool=Pool("sum", (1, 1), (1, 1))),
        Projection("out", "c", "d", normal(hidden, 5)))
    x = Input("x", 3 * height * width, shape=(3, height, width), spikes=not is_current)
    return Network((x,), populations, projections, Readout("d", kind), 6)


@st.composite
def learned_models(draw: st.DrawFn) -> tuple[Network, QNetwork, dict[str, np.ndarray]]:
    network = draw(networks())
    plastic = draw(st.sets(st.sampled_from(["mix", "out"]), min_size=1)) if draw(st.booleans()) \
        else {"fc", "out"}
    wide = {name: 16 for name in plastic if draw(st.booleans())}
    made = quantize(network, Learning({n: RULES[n] for n in sorted(plastic)}),
                    Settings(draw(st.sampled_from([4, 6, 8])), wide,
                                    per_neuron=draw(st.booleans()))).network
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="learned"))
    return network, made, random_weights(made, rng)


def as_float32(network: Network) -> Network:
    """Weights as every file format has them."""
    return replace(network, projections=tuple(
        replace(p, weight=p.weight.astype(np.float32)) for p in network.projections))


@settings(max_examples=often(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(learned_models())
def test_any_learned_weights_come_back_as_the_same_integers(tmp_path_factory, model) -> None:
    network, made, learned = model
    path = tmp_path_factory.mktemp("back") / "learned.npz"
    back = dequantize(network, made, learned)
    for stored in (back, as_float32(back)):
        ir.save(stored, path)
        assert_same(requantize(ir.load(path), made), with_learned(made, learned))
    frozen = [p for p in network.projections if p.name not in learned]
    assert all(back.projection(p.name) is p for p in frozen)
    assert requantize(network, made).sha256 == made.sha256


# ---- refusals ------------------------------------------------------------------------------------


def chain(rng: np.random.Generator, gain: float = 1.0) -> Network:
    populations = (Population("h", 8, 0.9, 1.0, gain=gain), Population("o", 3, 0.5, 1.0, "none"))
    projections = (Projection("fc1", "x", "h", rng.normal(0, 0.5, (6, 8)), rng.normal(0, 0.1, 8)),
                   Projection("fc2", "h", "o", rng.normal(0, 0.5, (8, 3)), rng.normal(0, 0.1, 3)))
    return Network((Input("x", 6),), populations, projections, Readout("o", "membrane_sum"), 7)


LEARNING = Learning({"fc2": ReadoutDelta(mu=0.5)})


def test_another_network_is_refused_by_what_differs() -> None:
    network = chain(np.random.default_rng(1))
    made = quantize(network, LEARNING).network
    h, o = network.populations
    fc1, fc2 = network.projections
    assert fc1.bias is not None
    others = {
        "leak of population 'h'": replace(network, populations=(replace(h, beta=0.8), o)),
        "threshold of population 'h'": replace(network, populations=(replace(h, threshold=1.1), o)),
        "reset of population 'h'": replace(network, populations=(replace(h, reset_delay=False), o)),
        "bias of population 'h'": replace(network, projections=(
            replace(fc1, bias=fc1.bias + 0.1), fc2)),
        "the weights of 'fc1', which is frozen": replace(network, projections=(
            replace(fc1, weight=1.5 * fc1.weight), fc2)),
        "n_steps": replace(network, n_steps=8),
        "spikes of input 'x'": replace(network, inputs=(Input("x", 6, spikes=True),)),
        "delay of projection 'fc2'": replace(network, projections=(fc1, replace(fc2, delay=1))),
        "the range of its 8 bits": replace(network, projections=(
            fc1, replace(fc2, weight=3 * fc2.weight))),
    }
    for what, other in others.items():
        with pytest.raises(EdgeError, match=what) as refused:
            requantize(other, made)
        assert refused.value.code == "E201"
    wider = replace(network, projections=(fc1, replace(fc2, weight=1.9 * fc2.weight)))
    assert np.abs(requantize(wider, made).projection("fc2").w).max() > 110


def test_weights_that_do_not_fit_the_model_are_refused() -> None:
    network = chain(np.random.default_rng(2))
    made = quantize(network, LEARNING).network
    w = made.projection("fc2").w
    for code, learned in (("E503", {"fc1": made.projection("fc1").w}), ("E105", {"fc9": w}),
                          ("E104", {"fc2": w.T}), ("E503", {"fc2": w.astype(int) + 300}),
                          ("E104", {"fc2": w.astype(float)})):
        with pytest.raises(EdgeError) as refused:
            dequantize(network, made, learned)
        assert refused.value.code == code


def test_a_snapshot_holds_what_goes_back(tmp_path: Path) -> None:
    network = chain(np.random.default_rng(3), gain=0.4)
    made = quantize(network, LEARNING, Settings(bits_of={"fc2": 16})).network
    learned, path = learn(made), tmp_path / "learned.npz"
    learning = np.frombuffer(ReferenceTarget(made).read_learning(), np.uint8)
    write_npz(path, {"format": SNAPSHOT, "model": made.sha256},
                 {"w_fc2": learned["fc2"], "learning": learning})
    back = dequantize(network, made, read_snapshot(made, path))
    assert_same(requantize(back, made), with_learned(made, learned))
    with pytest.raises(EdgeError, match="E504"):
        read_snapshot(requantize(back, made), path)
    write_npz(path, {"format": SNAPSHOT, "model": made.sha256}, {})
    with pytest.raises(EdgeError, match="E103"):
        read_snapshot(made, path)


def test_plastic_biases_come_back_as_biases() -> None:
    network = chain(np.random.default_rng(4))
    grown, learning = with_plastic_biases(network, LEARNING)
    made = quantize(grown, learning).network
    learned = learn(made)
    back = dequantize(network, made, learned)
    assert [p.name for p in back.projections] == ["fc1", "fc2"]
    scale = made.projection("fc2_bias").scale
    np.testing.assert_allclose(back.projection("fc2").bias, learned["fc2_bias"][0] * scale)
    for stored in (back, dequantize(grown, made, learned)):
        assert_same(requantize(stored, made), with_learned(made, learned))
