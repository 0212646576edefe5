"""What every rule comes with: a scenario, the contract, a float twin near its integers, a price.

A rule without an example here, or without a scenario, fails.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scenarios import SCENARIOS, layers

from edge_dassdp.figures.lesson import learning_work
from edge_dassdp.figures.prices import price_all, priced_cpus
from edge_dassdp.qir import QNetwork, QRule, load, save
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import (
    DASSDP,
    EIHL,
    ErrorSSDP,
    ErrorTouch,
    Homeostasis,
    Learning,
    PairSTDP,
    ReadoutDelta,
    Rule,
)
from edge_dassdp.rules.plugins import check_integers, check_rule

EXAMPLES: dict[str, Rule] = {
    "delta": ReadoutDelta(4.0), "error": ErrorSSDP(200.0), "touch": ErrorTouch(100.0),
    "eihl": EIHL(growth=0.004, period=4), "sync": DASSDP(0.02, 0.008),
    "stdp": PairSTDP(0.004, 0.006), "homeostasis": Homeostasis(2.0, 2.0),
}
NET = layers((12, 40, 21, 5), n_steps=25, frames=True, readout_beta=0.9)
WORDS = sorted(Rule.known)
TWINS = [word for word in WORDS if not Rule.known[word].no_twin]


def projection_of(word: str) -> str:
    return "fc3" if word == "delta" else "fc2"


@cache
def network_of(word: str) -> QNetwork:
    """The example of a rule on 16-bit weights, which round nothing at random."""
    name = projection_of(word)
    learning = Learning({name: EXAMPLES[word]}, skip_below=0.0)
    return quantize(NET, learning, Settings(bits_of={name: 16})).network


def samples(n: int) -> NDArray[np.int8]:
    x = np.random.default_rng(9).normal(0, 1, (n, NET.n_inputs)).astype(np.float32)
    return input_x(network_of("delta"), x)


@dataclass(frozen=True)
class Activity:
    """What the reference saw of a sample, as a float twin reads it."""

    reference: Reference

    def raster(self, population: str) -> NDArray[np.bool_]:
        kept = self.reference.rasters.get(population)
        if kept is not None:
            return kept
        record = self.reference.records[population][0]
        raster = np.zeros((NET.n_steps, record.count.size), bool)
        fired = np.flatnonzero(record.count)
        raster[record.latency[fired], fired] = True  # its first spike, which is what twins ask for
        return raster

    spikes = raster

    def counts(self, population: str) -> NDArray[np.float64]:
        return self.reference.records[population][0].count.astype(float)

    def touched(self, population: str, width: float) -> NDArray[np.bool_]:
        return self.reference.touches[population]

    def fired(self, population: str, variant: str) -> NDArray[np.bool_]:
        return self.reference.records[population][0].count > 0


def error_behind(reference: Reference, word: str) -> NDArray[np.float64]:
    """Of the sample that was just learned, at the end of the rule's projection, in real numbers."""
    network = reference.network
    q = network.projection(projection_of(word))
    if not reference.error:
        return np.zeros(q.n_post)
    e = reference.error["out"] / 256
    if q.post == "out":
        return np.asarray(e)
    out = network.projection("fc3")
    touched = reference.touches.get(q.post)
    active = reference.records[q.post][0].count > 0 if touched is None else touched.any(axis=0)
    return np.where(active, (out.w * out.scale) @ e, 0)


@pytest.mark.parametrize("word", WORDS)
def test_it_has_an_example_and_a_scenario(word: str) -> None:
    assert type(EXAMPLES[word]) is Rule.known[word]
    assert any(q.rule.word == word for s in SCENARIOS.values() for q in s.quantized.plastic)


@pytest.mark.parametrize("word", WORDS)
def test_it_keeps_the_contract(word: str) -> None:
    q = network_of(word).projection(projection_of(word))
    check_rule(type(EXAMPLES[word]))
    check_integers(type(q.rule))
    assert (q.rule.word, q.rule.title) == (word, type(EXAMPLES[word]).__name__)
    assert EXAMPLES[word].needs.error == (q.stage == "error")


@pytest.mark.parametrize("word", WORDS)
def test_a_file_keeps_it(word: str, tmp_path: Any) -> None:
    network = network_of(word)
    save(network, tmp_path / "model.q.npz")
    again = load(tmp_path / "model.q.npz")
    assert again.sha256 == network.sha256
    assert [type(q.rule) for q in again.plastic] == [type(q.rule) for q in network.plastic]


@pytest.mark.parametrize("word", TWINS)
def test_its_integers_are_its_float_twin_to_their_rounding(word: str) -> None:
    reference, name = Reference(network_of(word)), projection_of(word)
    q, rule = reference.network.projection(name), EXAMPLES[word]
    moved, wanted = [], []
    for i, x in enumerate(samples(12)):
        reference.reset()
        reference.learn(x, i % 5)
        change = rule.twin(NET, NET.projection(name)).change(
            Activity(reference), error_behind(reference, word))
        moved.append(reference.w[name] - q.w)
        wanted.append(np.asarray(change) / float(q.scale[0]) * 256)
    got, expected = np.array(moved, float), np.array(wanted)
    fits = np.abs(q.w + expected) < 32000  # the others saturate
    assert np.abs(expected).max() > 20
    assert np.corrcoef(got[fits], expected[fits])[0, 1] > 0.99
    slope = (got[fits] * expected[fits]).sum() / (expected[fits] ** 2).sum()
    assert abs(slope - 1) < 0.1, slope  # traces of touches round down


@pytest.mark.parametrize("word", WORDS)
def test_it_is_priced_or_says_that_it_is_not(word: str) -> None:
    network = network_of(word)
    rule = network.projection(projection_of(word)).rule
    work = learning_work(network, samples(5), range(5))
    cpu = min(priced_cpus())
    is_priced = type(rule).count is not QRule.count
    assert (price_all(work, cpu) is not None) == is_priced


def test_a_rule_without_a_count_has_no_price(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of("stdp")
    monkeypatch.setattr(type(network.projection("fc2").rule), "count", QRule.count)
    work = learning_work(network, samples(2), [0, 1])
    assert price_all(work, min(priced_cpus())) is None
    assert replace(work[0], unpriced=0).rows_written == 0
