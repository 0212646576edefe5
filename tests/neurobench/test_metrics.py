"""NeuroBench's metrics of networks that its package does not run: counted by hand, and counted
anew, value by value, on the device's own order of neurons."""

from __future__ import annotations

import contextlib
import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support import drawn, space
from support.scenario import Scenario

import edge_dassdp as ed
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Input, Population, Projection, Readout
from edge_dassdp.ir.geometry import Conv, Pool
from edge_dassdp.neurobench import measure
from edge_dassdp.qir import QPopulation, QProjection
from edge_dassdp.qir.order import result_volume
from edge_dassdp.qir.samples import input_x
from edge_dassdp.qir.sums import _pooled, convolved
from edge_dassdp.reference.model import IntegerModel
from edge_dassdp.twin.model import FloatModel


def test_a_delay_and_several_spikes_a_step_by_hand() -> None:
    a = Population("a", 2, 1.0, 1.0, "subtract", reset_delay=False, strict=False,
                   looks_back=False, max_spikes=0)
    b = Population("b", 3, 0.0, 1.0, "none")
    network = ed.Network(
        (Input("x", 2),), (a, b),
        (Projection("in", "x", "a", np.array([[2.0, 1.0], [0.0, 1.0]]), np.zeros(2)),
         Projection("ab", "a", "b", np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), delay=2)),
        Readout("b", "membrane_sum"), 4)
    found = ed.metrics(network, [[1.5, 0.0], [1.0, 1.0]])
    # sample 0: a fires 3, 3, 3, 3 and 1, 2, 1, 2 times; sample 1: 2 and 2 times in every step. b
    # hears the first two steps in the last two: membranes 4, 3, 0 and 5, 3, 0; 4, 2, 0 twice.
    assert found.row() == {
        "n_samples": 2, "footprint": 4 * (10 + 2 + 2 * 2), "connection_sparsity": 4 / 10,
        "activation_sparsity": 1 - (8 + 4 + 8 + 4) / (2 * 4 * 5), "dense": 4 * (4 + 6),
        "effective_macs": (4 * 2 + 4 * 3 + 2 * 2 * 3) / 2, "effective_acs": 0.0,
        "membrane_updates": (5 + 3 + 2 + 1 + 5 + 1 + 1) / 2}


class Heard(IntegerModel):
    """What each projection hears in each step, as the device has it."""

    heard: dict[str, list[NDArray[np.int64]]]

    def begin(self, x: NDArray[np.int8]) -> None:
        super().begin(x)
        self.heard = defaultdict(list)
        self.membranes: dict[str, list[NDArray[np.int64]]] = defaultdict(list)
        self.fired: dict[str, list[NDArray[np.int64]]] = defaultdict(list)

    def _step_population(self, p: QPopulation, t_step: int) -> None:
        for q in self.network.into(p.name):
            self.heard[q.name].append(np.array(
                self._frame(q.pre, t_step) if q.is_analogue else self._arriving(q, t_step)))
        super()._step_population(p, t_step)
        self.membranes[p.name].append(self.v[p.name].copy())
        self.fired[p.name].append(np.array(self.spikes[p.name]))


def result(q: QProjection, post: tuple[int, int, int]) -> tuple[int, int, int]:
    return result_volume(q) if q.result_pool else post


def pooled(q: QProjection, x: NDArray[np.int64]) -> tuple[QProjection, NDArray[np.int64]]:
    """What is heard behind the pool, each value 1 where it is not 0, and the rest of `q`."""
    if q.pool is None:
        return q, (x != 0).astype(np.int64)
    made, volume = _pooled(q, x)
    return replace(q, pool=None, volume=volume), (made != 0).astype(np.int64)


def scenarios() -> Iterator[Scenario]:
    """As many as are asked for, without those that the product refuses."""
    for index in itertools.count():
        with contextlib.suppress(EdgeError):
            made = drawn.scenario(space.draw(11, index))
            assert made.quantized.populations
            yield made


DRAWN = list(itertools.islice(scenarios(), 24))


@pytest.mark.parametrize("scenario", DRAWN, ids=lambda s: s.name)
def test_every_kind_of_model_value_by_value(scenario: Scenario) -> None:
    model, rng = scenario.quantized, np.random.default_rng(1)
    x = np.stack([scenario.sample(rng) for _ in range(3)])
    found = ed.metrics(model, x)
    slow = Heard(model)
    slow.begin(input_x(model, x))
    for t_step in range(model.n_steps):
        slow.step(t_step)
    operations = 0
    for q in model.projections:
        if one_to_one(q):
            continue
        post = model.population(q.post).shape
        for heard in slow.heard[q.name]:
            rest, ones = pooled(q, heard)
            w = (q.w != 0).astype(np.int64)
            operations += int(convolved(rest, ones, w, result(q, post)).sum())
    assert (found.effective_macs + found.effective_acs) * 3 == pytest.approx(operations, abs=1e-6)
    updates = spiked = places = 0
    for p in model.populations:
        real = slice(None) if p.natural is None else p.natural >= 0
        v, s = (np.stack(of[p.name])[:, :, real] for of in (slow.membranes, slow.fired))
        updates += v[0].size + int((v[1:] != v[:-1]).sum())
        spiked += int((s > 0).sum())
        places += s.size
    assert found.membrane_updates == updates / 3
    assert found.activation_sparsity == pytest.approx(1 - spiked / places, abs=1e-12)
    assert found.effective_macs + found.effective_acs <= found.dense
    assert 0 < found.footprint <= found.flash_bytes + 4 * sum(
        p.size for p in model.populations) and found.ram_bytes > 0


def one_to_one(q: QProjection) -> bool:
    if q.conv is None:
        return q.w.shape[0] == q.w.shape[1] > 1 and not q.w[~np.eye(len(q.w), dtype=bool)].any()
    return q.w.size == len(q.w) and q.conv == Conv(groups=len(q.w))


def test_a_float_network_and_its_integers_count_alike() -> None:
    """Where rounding changes no spike, all but footprint and weights that became 0 is the same."""
    rng = np.random.default_rng(2)

    def weights(*shape: int) -> NDArray[np.float64]:
        """In 64ths, as a step of 8 bits is where the largest is 127 of them."""
        made = rng.integers(-60, 61, shape) / 64.0
        made.flat[0] = 127 / 64
        return np.where(rng.random(shape) < 0.3, 0.0, made)

    network = ed.Network(
        (Input("x", 2 * 6 * 6, 5, spikes=True, shape=(2, 6, 6)),),
        (Population("a", 4 * 3 * 3, 1.0, 1.0, shape=(4, 3, 3)), Population("out", 3, 1.0, 1.0)),
        (Projection("conv", "x", "a", weights(4, 2, 3, 3), conv=Conv((2, 2), (1, 1))),
         Projection("back", "a", "a", weights(36, 36)),
         Projection("fc", "a", "out", weights(4, 3), pool=Pool("max", (3, 3), (3, 3)))),
        Readout("out", "spike_count"), 5)
    for q in network.projections:
        q.weight.flat[0] = 127 / 64
    x = (rng.random((9, network.n_inputs)) < 0.3).astype(np.float32)
    model = ed.quantize(network)
    trace = FloatModel(network).run(x)
    assert 0.05 < trace.spikes["a"].mean() < 0.95
    floats, integers = ed.metrics(network, x), ed.metrics(model, x)
    for name in ("dense", "effective_macs", "effective_acs", "membrane_updates",
                 "connection_sparsity", "activation_sparsity"):
        assert getattr(floats, name) == getattr(integers, name), name
    assert floats.effective_macs == 0 < floats.effective_acs
    assert integers.footprint < floats.footprint / 3


def test_no_number_depends_on_how_many_samples_run_at_a_time(monkeypatch: pytest.MonkeyPatch
                                                             ) -> None:
    scenario = DRAWN[5]
    x = np.stack([scenario.sample(np.random.default_rng(n)) for n in range(7)])
    for model in (scenario.network, scenario.quantized):
        whole = ed.metrics(model, x)
        monkeypatch.setattr(measure, "_CHUNK", 2)
        assert ed.metrics(model, x) == whole
        monkeypatch.undo()


@pytest.mark.parametrize(("x", "words"), [
    (np.zeros((0, 5)), "there is no sample"), (np.full((2, 5), 1e300), "beyond float32"),
    (np.full((2, 5), np.nan), "NaN"), (np.zeros((2, 4)), "expected (n, 5)"),
    ("text", "no array of numbers")])
def test_samples_that_are_none(x: object, words: str) -> None:
    network = ed.Network((Input("x", 5),), (Population("out", 3, 0.0, 1.0, "none"),),
                         (Projection("fc", "x", "out", np.ones((5, 3))),),
                         Readout("out", "membrane_sum"), 4)
    for model in (network, ed.quantize(network)):
        with pytest.raises(EdgeError) as refused:
            ed.metrics(model, x)
        assert refused.value.code == "E104" and words in str(refused.value)
