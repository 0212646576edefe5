"""A warm-up in float and in integers from the same spikes: one rule for batches that are not full.

Every sample of it counts at the latest at the fit; a change from warm-up to learning or back gives
up the batch under way, in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from support.places import PLACES
from support.scenarios import layers

from edge_dassdp.ir import Network
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import DASSDP, SSDP, Learning
from edge_dassdp.rules.sync import DopamineSSDP
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.twin.learner import FloatLearner

SITES = {"hidden": (layers((12, 30, 21, 5), frames=True, readout_beta=0.9), "fc2"),
         "readout": (layers((12, 30, 21, 5), frames=True, readout_beta=0.9), "fc3"),
         "channels": PLACES["channels"]}
BOTH = pytest.mark.parametrize("variant", ["described", "published"])


@dataclass(frozen=True)
class Seen:
    """What the reference keeps of a sample, as a float twin reads it."""

    reference: Reference
    slot: int

    def raster(self, population: str) -> NDArray[np.bool_]:
        record = self.reference.records[population][self.slot]
        raster = np.zeros((self.reference.network.n_steps, record.count.size), bool)
        heard = np.flatnonzero(record.latency >= 0)
        raster[record.latency[heard], heard] = True  # first or last, the one that is kept
        return raster

    spikes = raster

    def counts(self, population: str) -> NDArray[np.float64]:
        return self.reference.records[population][self.slot].count.astype(float)

    def touched(self, population: str, width: float) -> NDArray[np.bool_]:
        return self.reference.touches[population]

    def fired(self, population: str, variant: str) -> NDArray[np.bool_]:
        return np.asarray(self.reference.records[population][self.slot].count > 0)


@dataclass
class Pair:
    """The integers of one projection, and its float twin on their spikes."""

    reference: Reference
    twin: DopamineSSDP
    name: str

    def warm_up(self, x: NDArray[np.int8], label: int) -> None:
        slot = self._next_slot(1)
        loss_q8 = self.reference.warm_up(x, label).loss_q8
        self.twin.record(Seen(self.reference, slot), loss_q8 / 256)

    def learn(self, x: NDArray[np.int8]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """(integers, float) changes of the weights in 1/256 of a step where there are some."""
        before, slot = self.reference.w[self.name].copy(), self._next_slot(0)
        self.reference.learn(x)
        moved = self.reference.w[self.name] - before
        change = self.twin.change(Seen(self.reference, slot))
        assert (change is None) == (int(self.reference.learning["batch_idx"]) != 0)
        scale = float(self.reference.network.projection(self.name).scale[0])
        return None if change is None else (moved.astype(float), change / scale * 256)

    def fit(self) -> None:
        self.reference.fit_gate()
        self.twin.fit()

    def _next_slot(self, kind: int) -> int:
        learning = self.reference.learning
        return int(learning["batch_idx"]) if learning["batch_kind"] == kind else 0

    @property
    def losses_std(self) -> float:
        gate = self.twin.gate
        return max(0.0, gate.n * gate.ll - gate.l**2) ** 0.5 / max(1, gate.n)

    def agree(self) -> int:
        """Records of either gate, once n, k, mean and deviation are the same to their rounding:
        deviations of integers are whole numbers, rounded down."""
        gate, twin = self.reference.carried[self.name]["gate"], self.twin.gate
        rule = self.reference.network.projection(self.name).rule
        unit = 1 << int(vars(rule)["sync_rshift"])
        assert int(gate["n_records"]) == twin.n
        root_s, root_l = int(gate["root_s"]), twin.n * 256 * self.losses_std
        off = 2 / max(1, root_s) + 2 / max(1.0, root_l)
        assert twin.k == pytest.approx(int(gate["k_q12"]) / 4096, abs=3 / 4096 + off)
        if twin.n:
            assert twin.mean == pytest.approx(unit * int(gate["sum_s"]) / twin.n, abs=unit)
            assert twin.std == pytest.approx(unit * int(gate["root_s"]) / twin.n, abs=unit)
        return twin.n


def pair(site: str, rule: DASSDP) -> tuple[Pair, NDArray[np.int8], QNetwork]:
    network, name = SITES[site]
    made = quantize(network, Learning({name: rule}), Settings(bits_of={name: 16})).network
    twin = rule.twin(network, network.projection(name))
    return Pair(Reference(made), twin, name), input_x(made, samples(network)), made


def samples(network: Network, n: int = 40) -> NDArray[np.float32]:
    rng = np.random.default_rng(6)
    x = rng.normal(0, 1, (n, network.n_inputs)) * rng.uniform(0.2, 2, (n, 1))
    return ((x > 0.4) if network.inputs[0].spikes else x).astype(np.float32)


@BOTH
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("n_samples", [0, 1, 3, 4, 10, 13])
def test_a_warm_up_of_any_length_fits_the_same_gate(site, variant, n_samples):
    both, x, _ = pair(site, DASSDP(0.02, 0.008, variant=variant, batch=4))
    for k in range(n_samples):
        both.warm_up(x[k], k % 4)
    both.fit()
    assert both.agree() == n_samples
    for k in range(n_samples, 17):
        both.warm_up(x[k], k % 4)
    both.fit()
    assert both.agree() == 17


@BOTH
@pytest.mark.parametrize("site", SITES)
def test_changes_between_warm_up_and_learning_give_up_the_same_samples(site, variant):
    both, x, _ = pair(site, DASSDP(0.02, 0.008, variant=variant, batch=3))
    stream, changed = iter(x), 0
    for n_warm, fits, n_learn in ((7, False, 2), (5, True, 4), (2, False, 7), (4, True, 8)):
        for k in range(n_warm):
            both.warm_up(next(stream), k % 4)
        if fits:
            both.fit()
        for _ in range(n_learn):
            moved = both.learn(next(stream))
            if moved is not None:
                np.testing.assert_allclose(moved[0], moved[1], atol=0.02 * np.abs(moved[1]).max()
                                           + 1)
                changed += 1
    assert both.agree() == 6 + 5 + 0 + 4 and changed == 5


@BOTH
def test_firmware_counts_a_warm_up_that_no_batch_divides(variant):
    _, x, made = pair("hidden", DASSDP(0.02, 0.008, variant=variant, batch=4))
    with Emulator(made, checked=True) as target:
        both = (Reference(made), target)
        for n_samples in (6, 3):
            for k in range(n_samples):
                for each in both:
                    each.warm_up(x[k], k % 4)
            for each in both:
                each.fit_gate()
            states = [each.named_state() for each in both]
            assert int(states[0]["gate_fc2.n_records"][0]) == {6: 6, 3: 9}[n_samples]
            for name, values in states[0].items():
                np.testing.assert_array_equal(values, states[1][name], err_msg=name)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("rule", [DASSDP, SSDP])
@BOTH
def test_float_learning_moves_weights_as_integers_do(site, rule, variant):
    """Each in its own spikes, from warm-up to weights: they go the same way."""
    made_of = rule(0.002, 0.0008, variant=variant, batch=3)
    both, codes, _ = pair(site, made_of)
    network, name = SITES[site]
    learner, x = FloatLearner(network, {name: made_of}), samples(network)
    for k in range(20):
        both.reference.warm_up(codes[k], k % 4)
        learner.warm_up(x[k], k % 4)
    both.reference.fit_gate()
    learner.fit_gate()
    for k in range(20, 38):
        both.reference.learn(codes[k])
        learner.learn(x[k], None)
    q = both.reference.network.projection(name)
    moved = (both.reference.w[name] - q.w) * float(q.scale[0]) / 256
    change = learner.weights[name] - network.projection(name).weight
    change = change if change.ndim == 2 else change[:, :, 0, 0].T
    twin = learner.twins[name]
    assert isinstance(twin, DopamineSSDP) and twin.gate.n == 20
    assert np.corrcoef(moved.ravel(), change.ravel())[0, 1] > 0.9
