"""A network beside a source that computes the same, or something else."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.compare import N_STEPS, SCALES, Did, Source, compare
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.twin.model import FloatModel


def network(seed: int = 1, weight: float = 0.4) -> Network:
    """Two populations, the second with a recurrence, and a readout."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(0.1, weight, shape)

    return Network(
        (Input("x", 6, N_STEPS),),
        (Population("a", 8, np.float64(0.9), np.float64(1.0)),
         Population("b", 5, np.float64(0.7), np.float64(0.5), alpha=np.float64(0.5)),
         Population("out", 3, np.float64(0.8), np.float64(1.0), reset="none")),
        (Projection("fc1", "x", "a", drawn(6, 8), drawn(8)),
         Projection("fc2", "a", "b", drawn(8, 5)),
         Projection("rec", "b", "b", drawn(5, 5) / 4),
         Projection("fc3", "b", "out", drawn(5, 3))),
        Readout("out", "membrane_sum"), N_STEPS)


def source(other: Network, shows: str = "spikes membranes", hidden: str = "",
           calls: list[float] | None = None) -> Source:
    """What another network does with the same inputs."""
    def run(x):
        if calls is not None:
            calls.append(float(np.abs(x["x"]).max()))
        trace = FloatModel(other).run(x["x"].reshape(len(x["x"]), -1))
        return {p.name: Did(trace.spikes[p.name] if "spikes" in shows else None,
                            trace.membranes[p.name] if "membranes" in shows else None,
                            f"module {place}")
                for place, p in enumerate(other.populations) if p.name != hidden}
    return run


def changed(part: str, **values) -> Network:
    """The network with other values of one population or projection."""
    base = network()
    return replace(base, **{kind: tuple(replace(n, **values) if n.name == part else n
                                        for n in getattr(base, kind))
                            for kind in ("populations", "projections")})


@pytest.mark.parametrize("hidden", ["", "a", "b", "out"])
@pytest.mark.parametrize("shows", ["spikes", "membranes", "spikes membranes"])
def test_a_network_is_what_it_is(shows: str, hidden: str) -> None:
    compare(network(), source(network(), shows, hidden))


@pytest.mark.parametrize("shows", ["spikes", "spikes membranes"])
@pytest.mark.parametrize(("part", "values", "named"), [
    ("fc1", {"weight": network().projection("fc1").weight * 1.25}, "a"),
    ("fc1", {"bias": None}, "a"),
    ("rec", {"weight": np.zeros((5, 5))}, "b"),
    ("a", {"beta": np.float64(0.5)}, "a"),
    ("a", {"reset": "zero"}, "a"),
    ("a", {"reset_delay": False}, "a"),
    ("b", {"threshold": np.float64(0.6)}, "b"),
    ("b", {"alpha": None}, "b"),
])
def test_the_first_difference_is_named(shows: str, part: str, values: dict[str, object],
                                       named: str) -> None:
    with pytest.raises(EdgeError) as caught:
        compare(network(), source(changed(part, **values), shows))
    text = str(caught.value)
    assert caught.value.code == "E107" and "check=False" in text
    place = [p.name for p in network().populations].index(named)
    assert f"population '{named}' is not what module {place} computes" in text
    assert "in step " in text and "of sample " in text and "in the source" in text


def test_the_last_membranes_differ() -> None:
    with pytest.raises(EdgeError, match="population 'out'"):
        compare(network(), source(changed("out", beta=np.float64(0.81))))


def test_values_that_are_no_numbers_differ() -> None:
    def run(x):
        did = dict(source(network())(x))
        did["b"] = Did(did["b"].spikes, did["b"].membranes * np.nan)
        return did

    with pytest.raises(EdgeError, match="population 'b'"):
        compare(network(), run)


def test_inputs_grow_until_every_population_fires() -> None:
    """Membranes alone would not show how neurons reset."""
    faint = network(weight=0.01)
    calls: list[float] = []
    compare(faint, source(faint, "spikes", calls=calls))
    assert len(calls) > 1 and all(after > 2 * before for before, after in pairwise(calls))
    other = replace(faint, populations=tuple(
        replace(p, reset="zero") if p.name == "a" else p for p in faint.populations))
    with pytest.raises(EdgeError, match="population 'a'"):
        compare(faint, source(other, "spikes"))
    dead = replace(faint, projections=tuple(replace(p, weight=0 * p.weight, bias=None)
                                            for p in faint.projections))
    calls = []
    compare(dead, source(dead, calls=calls))
    assert len(calls) == len(SCALES)


@pytest.mark.parametrize("seed", range(20))
def test_sums_in_another_order_are_no_difference(seed: int) -> None:
    """The source adds in float64: its sums differ in the last bits, and ties fall otherwise."""
    base = network(seed)
    rounded = replace(base, projections=tuple(
        replace(p, weight=p.weight * (1 + 2.0**-22 * np.sign(p.weight))) for p in base.projections))
    compare(base, source(rounded))


def test_a_tie_decided_otherwise_is_no_difference() -> None:
    """Membranes that meet the threshold exactly, and a source that rounds up."""
    tied = replace(
        network(), inputs=(Input("x", 6, N_STEPS, spikes=True),),
        populations=(Population("a", 6, np.float64(1.0), np.float64(1.0)),),
        projections=(Projection("fc1", "x", "a", np.eye(6) / 2),),
        readout=Readout("a", "spike_count"))
    above = replace(tied, projections=(replace(
        tied.projections[0], weight=np.eye(6) * (0.5 + 2.0**-24)),))
    compare(tied, source(above))
    with pytest.raises(EdgeError, match="population 'a'"):
        compare(tied, source(replace(tied, projections=(replace(
            tied.projections[0], weight=np.eye(6) * 0.501),))))
