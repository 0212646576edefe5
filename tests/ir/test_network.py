"""What a network accepts, refuses, prints and stores."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir.geometry import Conv, MaxPool
from edge_dassdp.storage.npz import write_npz
from edge_dassdp.twin.model import FloatModel


def small(**changes) -> ir.Network:
    """input(3) -> a(4) <-> a, a -> out(2), and a skip input -> out."""
    rng = np.random.default_rng(0)
    parts = {
        "inputs": (ir.Input("x", 3),),
        "populations": (ir.Population("a", 4, 0.9, 1.0),
                     ir.Population("out", 2, [0.5, 0.25], 1.0, reset="none")),
        "projections": (
            ir.Projection("xa", "x", "a", rng.normal(size=(3, 4)), np.ones(4)),
            ir.Projection("aa", "a", "a", rng.normal(size=(4, 4)) / 4),
            ir.Projection("ao", "a", "out", rng.normal(size=(4, 2))),
            ir.Projection("xo", "x", "out", rng.normal(size=(3, 2)), np.array([0.5, -0.5])),
        ),
        "readout": ir.Readout("out", "membrane_sum"),
        "n_steps": 5,
    }
    return ir.Network(**{**parts, **changes})


def test_save_and_load_give_the_same_network(tmp_path):
    network = small()
    ir.save(network, tmp_path / "n.npz")
    again = ir.load(tmp_path / "n.npz")
    assert [p.name for p in again.projections] == ["xa", "aa", "ao", "xo"]
    assert again.projection("aa").bias is None
    assert (again.readout.population, again.readout.kind) == ("out", "membrane_sum")
    assert again.n_steps == 5
    x = np.random.default_rng(1).normal(size=(8, 3))
    before, after = FloatModel(network).run(x), FloatModel(again).run(x)
    np.testing.assert_array_equal(before.spikes["a"], after.spikes["a"])
    np.testing.assert_array_equal(before.logits, after.logits)


def test_a_file_is_the_same_bytes_every_time(tmp_path):
    for name in ("one.npz", "two.npz"):
        ir.save(small(), tmp_path / name)
    hashes = {hashlib.sha256(f.read_bytes()).hexdigest() for f in tmp_path.iterdir()}
    assert len(hashes) == 1


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "plain.npz", a=np.ones(3))
    write_npz(tmp_path / "other.npz", {"format": "something/1"}, {})
    write_npz(tmp_path / "empty.npz", {"format": "edge_dassdp/network/1"}, {})
    for name in ("missing", "text", "plain", "other", "empty"):
        with pytest.raises(EdgeError) as caught:
            ir.load(tmp_path / f"{name}.npz")
        assert caught.value.code == "E103" and name in str(caught.value)


@pytest.mark.parametrize("changes, words", [
    ({"n_steps": 0}, "n_steps is 0"),
    ({"n_steps": 65536}, "n_steps is 65536"),
    ({"inputs": ()}, "at least one input"),
    ({"inputs": (ir.Input("x", 3, 2),)}, "2 frames"),
    ({"inputs": (ir.Input("a b", 3),)}, "'a b' is not a name"),
    ({"inputs": (ir.Input("a", 3),)}, "used twice"),
    ({"readout": ir.Readout("b", "spike_count")}, "unknown population 'b'"),
    ({"readout": ir.Readout("a", "membrane_sum")}, "which resets"),
    ({"projections": (ir.Projection("p", "y", "a", np.ones((3, 4))),)}, "unknown 'y'"),
    ({"projections": (ir.Projection("p", "x", "x", np.ones((3, 3))),)}, "no population"),
    ({"projections": (ir.Projection("p", "x", "a", np.ones((4, 3))),)}, "expected (3, 4)"),
    ({"projections": (ir.Projection("p", "x", "a", np.ones((3, 4))),)}, "'out'"),
    ({"projections": (ir.Projection("p", "x", "a", np.ones((4, 3, 1, 1)), conv=Conv(padding=(1, 1)),
                                    result_pool=MaxPool((2, 2), (1, 1))),)}, "a volume (4, 2, 2)"),
    ({"projections": (ir.Projection("p", "x", "a", np.ones((4, 3, 1, 1)), conv=Conv(),
                                    result_pool=MaxPool((2, 2), (1, 1))),)}, "does not fit"),
])
def test_what_does_not_fit_is_refused_by_name(changes, words):
    with pytest.raises(EdgeError) as caught:
        small(**changes)
    assert caught.value.code == "E101" and words in str(caught.value)


@pytest.mark.parametrize("make, words", [
    (lambda: ir.Population("p", 2, 1.1, 1.0), "beta must lie"),
    (lambda: ir.Population("p", 2, 0.5, 0.0), "threshold must be positive"),
    (lambda: ir.Population("p", 2, [0.5] * 3, 1.0), "(3,)"),
    (lambda: ir.Population("p", 2, float("nan"), 1.0), "NaN"),
    (lambda: ir.Population("p", 2, 0.5, 1.0, reset="hard"), "'hard'"),
    (lambda: ir.Projection("w", "a", "b", np.ones(3)), "(3,)"),
    (lambda: ir.Projection("w", "a", "b", np.full((2, 2), np.inf)), "infinity"),
    (lambda: ir.Projection("w", "a", "b", np.ones((2, 2)), np.ones(3)), "bias"),
    (lambda: ir.Projection("w", "a", "b", np.ones((2, 2)), result_pool=MaxPool((1, 1), (1, 1))),
     "has none"),
    (lambda: MaxPool((2, 2), (1, 1), (2, 0)), "padded by"),
    (lambda: MaxPool((2, 0), (1, 1)), "its kernel"),
    (lambda: MaxPool((2, 2), (1, 1), ceil_mode=1), "no truth value"),
])
def test_bad_nodes_are_refused(make, words):
    with pytest.raises(EdgeError) as caught:
        make()
    assert caught.value.code == "E101" and words in str(caught.value)


def test_an_unknown_projection_is_answered_with_the_known_ones():
    with pytest.raises(EdgeError, match="xa, aa, ao, xo"):
        small().projection("fc9")


@pytest.mark.parametrize("options, equation", [
    ({}, "v = 0.9*v + i - 1*r; s = [v > 1]"),
    ({"reset": "zero"}, "v = 0.9*(1-r)*v + i; s = [v > 1]"),
    ({"reset": "none"}, "v = 0.9*v + i; s = [v > 1]"),
    ({"strict": False, "reset_delay": False}, "v = 0.9*v + i - 1*r; s = [v >= 1]; v -= (s-r)*1"),
    ({"strict": False, "reset_delay": False, "looks_back": False, "max_spikes": 0},
     "v = 0.9*v + i; s = floor(v/1) where v >= 1; v -= s*1"),
    ({"alpha": 0.5, "reset": "zero", "cancels_input": True, "bias": 0.25},
     "i = 0.5*i + x; v = (1-r)*(0.9*v + i + 0.25); s = [v > 1]"),
    ({"reset": "zero", "reset_delay": False}, "v = 0.9*v + i; s = [v > 1]; v = 0 where s"),
])
def test_the_equation_is_printed_as_it_runs(options, equation):
    assert ir.Population("p", 3, 0.9, 1.0, **options).equation == equation


def reference_run(network: ir.Network, x: np.ndarray):
    """The graph semantics of ir.py, neuron by neuron in float64, for subtract and none."""
    n_steps = network.n_steps
    place = {p.name: k for k, p in enumerate(network.populations)}
    v = {p.name: np.zeros((n_steps, p.size)) for p in network.populations}
    s = {p.name: np.zeros((n_steps, p.size)) for p in network.populations}
    for t in range(n_steps):
        for p in network.populations:
            i = np.zeros(p.size)
            for q in (q for q in network.projections if q.post == p.name):
                if q.pre not in place:
                    source = x
                elif place[q.pre] < place[p.name]:
                    source = s[q.pre][t]
                else:
                    source = s[q.pre][t - 1] if t else np.zeros(q.weight.shape[0])
                i += source @ q.weight + (0 if q.bias is None else q.bias)
            old = v[p.name][t - 1] if t else np.zeros(p.size)
            r = (old > p.threshold) * (p.reset == "subtract")
            v[p.name][t] = p.beta * old + i - r * p.threshold
            s[p.name][t] = v[p.name][t] > p.threshold
    return s, v


def test_recurrent_and_skip_projections_follow_the_graph_semantics():
    rng = np.random.default_rng(4)
    network = small()
    feedback = ir.Projection("oa", "out", "a", rng.normal(size=(2, 4)))
    network = small(projections=(*network.projections, feedback), n_steps=9)
    x = rng.normal(size=(20, 3)).astype(np.float32)
    trace = FloatModel(network).run(x)
    for k in range(len(x)):
        s, v = reference_run(network, x[k].astype(np.float64))
        np.testing.assert_array_equal(trace.spikes["a"][k], s["a"].astype(bool))
        np.testing.assert_array_equal(trace.spikes["out"][k], s["out"].astype(bool))
        np.testing.assert_allclose(trace.membranes["out"][k], v["out"], atol=1e-4)
        np.testing.assert_allclose(trace.logits[k], v["out"].sum(0), atol=1e-4)
    assert trace.spikes["a"].any() and trace.spikes["out"].any()


def test_the_lowest_class_wins_a_tie():
    network = ir.Network(
        (ir.Input("x", 1),), (ir.Population("p", 3, 0.5, 1.0, strict=False),),
        (ir.Projection("w", "x", "p", np.array([[0.25, 1.0, 1.0]])),),
        ir.Readout("p", "spike_count"), 4)
    trace = FloatModel(network).run([[1.0], [0.0]])
    assert trace.classes.tolist() == [1, 0]
    assert trace.spikes["p"][0, 0].tolist() == [False, True, True]  # v = theta, not strict


@pytest.mark.parametrize("x", [np.ones(3), np.ones((2, 4)), [[1.0, np.nan, 0.0]]])
def test_samples_of_the_wrong_shape_are_refused(x):
    with pytest.raises(EdgeError) as caught:
        FloatModel(small()).run(x)
    assert caught.value.code == "E104"
