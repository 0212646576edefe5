"""Learned weights go into a NIR file, and `from_nir` reads the same integers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import pytest
from support.nir_graphs import BRAILLE, SNNTORCH
from support.way_back import assert_same, learn, random_weights

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.nir import from_nir, to_nir
from edge_dassdp.ir import Network
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.quantize.wayback import dequantize, requantize, with_learned
from edge_dassdp.rules import SSDP, ErrorSSDP, Learning, ReadoutDelta, Rule


def lif(*shape: int) -> nir.LIF:
    """beta = 1 - dt / tau = 0.9 and gain 1, as snnTorch writes Leaky(0.9)."""
    one = np.ones(shape, np.float32)
    return nir.LIF(tau=1e-3 * one, r=10 * one, v_leak=0 * one, v_threshold=one)


def graph() -> nir.NIRGraph:
    """Convolution, a 1 x 1 convolution behind a scale, a matrix from a volume, a recurrent one."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(0, 1.5 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)

    nodes = {
        "input": nir.Input(np.array([2, 6, 6])), "output": nir.Output(np.array([3])),
        "conv1": nir.Conv2d((6, 6), normal(4, 2, 3, 3), 1, 0, 1, 1, normal(4, 10)[:, 0]),
        "lif1": lif(4, 4, 4),
        "scale": nir.Scale(np.broadcast_to(rng.uniform(0.5, 2, (4, 1, 1)), (4, 4, 4))),
        "conv2": nir.Conv2d((4, 4), normal(8, 4, 1, 1), 1, 0, 1, 1, np.zeros(8, np.float32)),
        "lif2": lif(8, 4, 4),
        "flatten": nir.Flatten({"input": np.array([8, 4, 4])}, 0, -1),
        "fc3": nir.Affine(normal(12, 128), normal(12, 50)[:, 0]), "lif3": lif(12),
        "rec3": nir.Linear(normal(12, 12)),
        "fc4": nir.Linear(normal(3, 12)), "lif4": lif(3)}
    chain = ["input", "conv1", "lif1", "scale", "conv2", "lif2", "flatten", "fc3", "lif3", "fc4",
             "lif4", "output"]
    edges = [*pairwise(chain), ("lif3", "rec3"), ("rec3", "lif3")]
    return nir.NIRGraph(nodes, edges)


def read(source: object) -> Network:
    return from_nir(source, n_steps=8, profile=SNNTORCH)


def test_what_the_braille_network_learned_comes_back(tmp_path: Path) -> None:
    def imported(path: Path) -> Network:
        return from_nir(path, n_steps=60, profile=SNNTORCH)

    network = imported(BRAILLE)
    rules: dict[str, Rule] = {"fc2": ReadoutDelta(mu=1.0)}
    made = quantize(network, Learning(rules), Settings(bits_of={"fc2": 16})).network
    learned = learn(made, n=10)
    back = dequantize(network, made, learned)
    nir.write(tmp_path / "learned.nir", to_nir(BRAILLE, {"fc2": back.projection("fc2").weight}))
    assert_same(requantize(imported(tmp_path / "learned.nir"), made), with_learned(made, learned))


@pytest.mark.parametrize("rules", [
    {"conv2": SSDP(0.2, 0.1)},
    {"fc3": ErrorSSDP(mu=30.0), "rec3": ErrorSSDP(mu=30.0), "fc4": ReadoutDelta(mu=1.0)}])
@pytest.mark.parametrize("bits", [8, 16])
def test_what_was_learned_comes_back_through_a_file(rules: dict[str, Rule], bits: int,
                                                    tmp_path: Path) -> None:
    nir.write(tmp_path / "model.nir", graph())
    network = read(tmp_path / "model.nir")
    made = quantize(network, Learning(rules), Settings(bits_of=dict.fromkeys(rules, bits))).network
    for learned in (learn(made), random_weights(made, np.random.default_rng(1))):
        back = dequantize(network, made, learned)
        weights = {name: back.projection(name).weight for name in rules}
        nir.write(tmp_path / "learned.nir", to_nir(tmp_path / "model.nir", weights))
        again = read(tmp_path / "learned.nir")
        assert_same(requantize(again, made), with_learned(made, learned))
    with pytest.raises(EdgeError, match="leak of population"):
        requantize(from_nir(tmp_path / "learned.nir", n_steps=8, profile=SNNTORCH, dt=2e-4),
                   made)
