"""Our figures are those of the package `neurobench`, computed by it on the network's source."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import snntorch as snn
import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.static import ConnectionSparsity, Footprint
from neurobench.metrics.workload import ActivationSparsity, MembraneUpdates, SynapticOperations
from neurobench.models import SNNTorchModel
from torch import nn

import edge_dassdp as ed

torch.set_num_threads(1)
N_STEPS, N = 9, 7
HELD = {"init_hidden": True}
LAST = {"init_hidden": True, "output": True}
BOOKKEEPING = 12
"""Bytes of graded_spikes_factor and reset_mechanism_val, which snnTorch has in every layer of
neurons and no network of ours."""


def dense(neurons: Callable[..., nn.Module], last: nn.Module | None = None,
          bias: bool = True) -> list[nn.Module]:
    return [nn.Linear(11, 14, bias), neurons(**HELD), nn.Linear(14, 5, bias),
            last or neurons(**LAST)]


def pruned() -> list[nn.Module]:
    made = dense(lambda **how: snn.Leaky(0.9, **how))
    for layer in made[::2]:
        with torch.no_grad():
            layer.weight[torch.rand(layer.weight.shape) < 0.6] = 0
    return made


def spatial(*layers: nn.Module, n: int) -> list[nn.Module]:
    return [*layers, nn.Flatten(), nn.Linear(n, 5), snn.Leaky(0.8, **LAST)]


def lif(**how: Any) -> nn.Module:
    return snn.Leaky(0.85, threshold=0.4, **HELD | how)


VECTOR = (11,)
KINDS: dict[str, tuple[Callable[[], list[nn.Module]], tuple[int, ...]]] = {
    "Leaky": (lambda: dense(lambda **how: snn.Leaky(0.9, **how)), VECTOR),
    "Leaky, zero": (lambda: dense(lambda **how: snn.Leaky(0.9, reset_mechanism="zero", **how)),
                    VECTOR),
    "Leaky, at once": (lambda: dense(lambda **how: snn.Leaky(
        0.7, threshold=0.5, reset_delay=False, **how)), VECTOR),
    "Leaky, learned": (lambda: dense(lambda **how: snn.Leaky(
        0.9, learn_beta=True, learn_threshold=True, **how)), VECTOR),
    "integrators": (lambda: dense(lambda **how: snn.Leaky(1.0, **how), bias=False), VECTOR),
    "a readout that does not reset": (lambda: dense(
        lambda **how: snn.Leaky(0.9, **how), snn.Leaky(0.95, reset_mechanism="none", **LAST)),
        VECTOR),
    "no leak kept": (lambda: dense(lambda **how: snn.Leaky(0.0, threshold=0.2, **how)), VECTOR),
    "Synaptic": (lambda: dense(lambda **how: snn.Synaptic(0.6, 0.9, **how),
                               snn.Leaky(0.9, **LAST)), VECTOR),
    "Lapicque": (lambda: dense(lambda **how: snn.Lapicque(beta=0.5, **how)), VECTOR),
    "RLeaky": (lambda: [nn.Linear(11, 14), snn.RLeaky(0.9, linear_features=14, **HELD),
                        nn.Linear(14, 5), snn.Leaky(0.9, **LAST)], VECTOR),
    "RSynaptic": (lambda: [nn.Linear(11, 14), snn.RSynaptic(0.5, 0.9, linear_features=14, **HELD),
                           nn.Linear(14, 5), snn.Leaky(0.9, **LAST)], VECTOR),
    "one to one": (lambda: [nn.Linear(11, 14), snn.RLeaky(0.9, V=-0.3, all_to_all=False, **HELD),
                            nn.Linear(14, 5), snn.Leaky(0.9, **LAST)], VECTOR),
    "one to one, each": (lambda: [
        nn.Linear(11, 14), snn.RLeaky(0.9, V=torch.linspace(-1, 0.2, 14), all_to_all=False, **HELD),
        nn.Linear(14, 5), snn.Leaky(0.9, **LAST)], VECTOR),
    "pruned": (pruned, VECTOR),
    "Conv2d": (lambda: spatial(nn.Conv2d(2, 4, 3, stride=2, padding=1), lif(), n=64), (2, 8, 7)),
    "groups, dilated": (lambda: spatial(
        nn.Conv2d(2, 6, 3, padding=2, dilation=2), lif(), nn.Conv2d(6, 4, (1, 3), groups=2), lif(),
        n=160), (2, 8, 7)),
    "Conv1d": (lambda: spatial(nn.Conv1d(3, 4, 5, padding=2, stride=2), lif(), n=24), (3, 12)),
    "average pooling": (lambda: spatial(
        nn.Conv2d(2, 4, 3, padding=1), lif(), nn.AvgPool2d(2), nn.Conv2d(4, 3, 3), lif(), n=12),
        (2, 8, 8)),
    "max pooling of spikes": (lambda: spatial(
        nn.Conv2d(2, 4, 3, padding=1), lif(), nn.MaxPool2d(2), nn.Conv2d(4, 3, 3), lif(), n=12),
        (2, 8, 8)),
    "max pooling of currents": (lambda: spatial(
        nn.Conv2d(2, 4, 3, padding=1), nn.MaxPool2d(2, stride=1), lif(), n=196), (2, 8, 8)),
    "batch norm": (lambda: spatial(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), lif(), n=144), (2, 8, 8)),
    "RLeaky in space": (lambda: spatial(
        nn.Conv2d(2, 3, 3), snn.RLeaky(0.8, conv2d_channels=3, kernel_size=3, **HELD), n=108),
        (2, 8, 8)),
}
BATCHED = ("batch norm",)
"""Operations that are folded: what they hold is in weights."""


def drawn(kind: str) -> nn.Sequential:
    torch.manual_seed(len(kind))
    model = nn.Sequential(*KINDS[kind][0]()).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("weight") and value.dim() > 1:
                value.mul_(2.5)
    return model


def theirs(model: nn.Sequential, x: np.ndarray, batch: int = N) -> dict[str, Any]:
    data = torch.utils.data.TensorDataset(torch.tensor(x), torch.zeros(len(x)))
    benchmark = Benchmark(SNNTorchModel(model), torch.utils.data.DataLoader(data, batch), [], [], [
        [Footprint, ConnectionSparsity],
        [ActivationSparsity, MembraneUpdates, SynapticOperations]])
    said = io.StringIO()
    with contextlib.redirect_stdout(said), torch.no_grad():
        found = benchmark.run(quiet=True)
    assert "Error" not in said.getvalue()
    return found


def samples(kind: str, shape: tuple[int, ...], n_frames: int = N_STEPS) -> np.ndarray:
    rng = np.random.default_rng(3)
    size = (N, n_frames, *shape)
    x = rng.random(size) < 0.3 if kind == "spikes" else \
        np.where(rng.random(size) < 0.2, 0, rng.normal(0.2, 0.7, size))
    return np.asarray(x, np.float32)


def assert_equal(ours: ed.Metrics, found: dict[str, Any]) -> None:
    operations = found["SynapticOperations"]
    assert (ours.dense, ours.effective_macs, ours.effective_acs) == (
        operations["Dense"], operations["Effective_MACs"], operations["Effective_ACs"])
    assert ours.membrane_updates == found["MembraneUpdates"]
    assert abs(ours.activation_sparsity - found["ActivationSparsity"]) < 1e-9
    assert abs(round(ours.connection_sparsity, 4) - found["ConnectionSparsity"]) < 1e-9


@pytest.mark.parametrize("given", ["spikes", "currents"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_package_counts_the_same(kind: str, given: str) -> None:
    model, shape = drawn(kind), KINDS[kind][1]
    x = samples(given, shape)
    network = ed.from_torch(model, n_steps=N_STEPS, input_shape=shape, input_frames=N_STEPS,
                            spikes=given == "spikes")
    ours = ed.metrics(network, x)
    found = theirs(model, x)
    assert_equal(ours, found)
    assert 0.02 < 1 - ours.activation_sparsity < 0.98, "it fires"
    if kind not in BATCHED:
        others = sum(b.nbytes for n, b in model.named_buffers()
                     if n.rpartition(".")[2] in ("R", "C", "time_step"))
        others -= sum(4 for p in network.populations if (p.gain != 1).any())  # of R and C
        assert ours.footprint + BOOKKEEPING * len(network.populations) + others \
            == found["Footprint"]
