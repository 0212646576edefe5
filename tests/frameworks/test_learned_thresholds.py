"""Thresholds that were learned below 0: which neuron, its value, how many, and what to do; what
does it is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import norse.torch as norse
import pytest
import sinabs.layers as sinabs
import snntorch
import torch
from norse.torch.functional.lif import LIFParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from rockpool.nn.modules import LIFNeuronTorch, LIFTorch
from spikingjelly.activation_based import neuron

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.frontends.onnx import from_onnx
from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.ir import Network

LEARNED = torch.tensor([1.0, 0.5, 1.0, -1.5, 2.0, 0.0, 1.0, 1.0])


def spiking_jelly(kind: Any, v: torch.Tensor) -> Any:
    module = kind(v_reset=None)
    module.v_threshold = torch.nn.Parameter(v)
    return module


MODULES: dict[str, Callable[[torch.Tensor], Any]] = {
    "Leaky": lambda v: snntorch.Leaky(0.9, threshold=v, learn_threshold=True),
    "Synaptic": lambda v: snntorch.Synaptic(0.5, 0.9, threshold=v, learn_threshold=True),
    "RLeaky": lambda v: snntorch.RLeaky(0.9, linear_features=8, threshold=v,
                                        learn_threshold=True),
    "Lapicque": lambda v: snntorch.Lapicque(0.9, threshold=v, learn_threshold=True),
    "IFNode": lambda v: spiking_jelly(neuron.IFNode, v),
    "LIFNode": lambda v: spiking_jelly(neuron.LIFNode, v),
    "LIFCell": lambda v: norse.LIFCell(LIFParameters(v_th=v)),
    "LIFBoxCell": lambda v: norse.LIFBoxCell(LIFBoxParameters(v_th=v)),
    "IAF": lambda v: sinabs.IAF(spike_threshold=v),
    "LIF": lambda v: sinabs.LIF(5.0, spike_threshold=v),
    "LIFTorch": lambda v: LIFTorch(8, threshold=v),
    "LIFNeuronTorch": lambda v: LIFNeuronTorch(8, threshold=v),
}


def says_it_all(problem: EdgeError, cure: str = "clamp thresholds while they are trained") -> bool:
    return "neuron 3" in problem.cause and "-1.5" in problem.cause and "2" in problem.cause \
        and cure in problem.help


@pytest.mark.parametrize("name", MODULES)
def test_of_live_modules(name: str) -> None:
    def imported(thresholds: torch.Tensor) -> Network:
        return from_torch([torch.nn.Linear(4, 8), MODULES[name](thresholds)], n_steps=4,
                          check=not name.endswith("Node"))

    with pytest.raises(EdgeError, match=rf"module 1 \({name}\): threshold must be") as refused:
        imported(LEARNED)
    assert refused.value.code == "E101" and says_it_all(refused.value)
    found = imported(LEARNED.clone().clamp_(min=0.01)).populations[0]
    assert found.threshold[3] == pytest.approx(0.01)


@pytest.mark.parametrize("kind", ["IF", "LIF", "CubaLIF"])
def test_of_nir_files(kind: str) -> None:
    def graph(thresholds: torch.Tensor) -> nir.NIRGraph:
        ones = torch.ones(8).numpy()
        values = {"r": ones, "v_threshold": thresholds.numpy(), "v_reset": -2 * ones}
        if kind != "IF":
            values |= {"v_leak": 0 * ones}
            values |= {"tau": ones} if kind == "LIF" else {
                "tau_syn": ones, "tau_mem": ones, "w_in": ones}
        return nir.NIRGraph.from_list(nir.Linear(torch.ones(8, 4).numpy()),
                                      getattr(nir, kind)(**values))

    with pytest.raises(EdgeError, match="v_threshold must be positive") as refused:
        from_nir(graph(LEARNED), n_steps=4, profile="nir,dt=0.1")
    assert refused.value.code == "E101" and says_it_all(refused.value)
    assert from_nir(graph(LEARNED.clamp(min=0.01)), n_steps=4, profile="nir,dt=0.1").populations


def test_of_onnx_files(tmp_path: Path) -> None:
    class Step(torch.nn.Module):
        def __init__(self, thresholds: torch.Tensor) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(4, 8)
            self.lif = snntorch.Leaky(0.9, threshold=thresholds)

        def forward(self, x: torch.Tensor, mem: torch.Tensor) -> Any:
            return self.lif(self.fc(x), mem)

    def imported(thresholds: torch.Tensor) -> Network:
        path = tmp_path / "step.onnx"
        torch.onnx.export(Step(thresholds).eval(), (torch.ones(1, 4), torch.ones(1, 8)), str(path),
                          dynamo=False)
        return from_onnx(path, n_steps=4)

    with pytest.raises(EdgeError) as refused:
        imported(LEARNED)
    assert refused.value.code == "E102" and says_it_all(refused.value)
    assert imported(LEARNED.clamp(min=0.01)).populations[0].threshold[3] == pytest.approx(0.01)
