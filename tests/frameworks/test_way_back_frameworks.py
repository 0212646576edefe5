"""Learned weights go back into the modules of every framework, and come in as the same integers."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import norse.torch as norse
import numpy as np
import pytest
import sinabs.layers as sinabs
import snntorch
import torch
from rockpool.nn.combinators import Sequential as RockpoolSequential
from rockpool.nn.modules import LIFNeuronTorch, LinearTorch
from sinabs.from_torch import from_model
from spikingjelly.activation_based import layer, neuron
from support.way_back import assert_same, random_weights
from torch import nn

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.frontends.torch.back import load_into, to_state_dict
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.wayback import dequantize, requantize, with_learned
from edge_dassdp.rules import ErrorSSDP, Learning, ReadoutDelta

torch.set_num_threads(1)


def spikingjelly() -> nn.Module:
    return nn.Sequential(layer.Linear(6, 8), neuron.LIFNode(2.0), layer.Linear(8, 8, bias=False),
                         neuron.LIFNode(2.0), layer.Linear(8, 3))


def norse_cells() -> nn.Module:
    return norse.SequentialState(nn.Linear(6, 8), norse.LIFBoxCell(), nn.Linear(8, 8),
                                 norse.LIFBoxCell(), nn.Linear(8, 3))


def sinabs_model() -> nn.Module:
    relu = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    return from_model(relu, input_shape=(6,), batch_size=1, add_spiking_output=False)


def sinabs_lif() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), sinabs.LIF(tau_mem=10.0), nn.Linear(8, 8),
                         sinabs.LIF(tau_mem=10.0), nn.Linear(8, 3))


def rockpool() -> nn.Module:
    return RockpoolSequential(LinearTorch((6, 8)), LIFNeuronTorch((8,), dt=1e-3),
                              LinearTorch((8, 8), has_bias=False), LIFNeuronTorch((8,), dt=1e-3),
                              LinearTorch((8, 3)))


@pytest.mark.parametrize("build", [spikingjelly, norse_cells, sinabs_model, sinabs_lif, rockpool])
def test_what_was_learned_comes_back(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    model = build()
    network = from_torch(model, n_steps=8)
    names = [p.name for p in network.projections]
    assert len(names) == 3
    made = quantize(network, Learning({names[1]: ErrorSSDP(), names[2]: ReadoutDelta()})).network
    learned = random_weights(made, np.random.default_rng(1))
    back = dequantize(network, made, learned)
    factory = deepcopy(model.state_dict())
    state = to_state_dict(model, back)
    load_into(model, back)
    after = model.state_dict()
    assert all(torch.equal(state[n], after[n]) for n in after)
    assert sum(not torch.equal(factory[n], after[n]) for n in after) == 2
    assert_same(requantize(from_torch(model, n_steps=8), made), with_learned(made, learned))


def test_what_was_learned_behind_max_pooling_of_currents_comes_back() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), snntorch.Leaky(0.5), nn.Flatten(),
                          nn.Linear(36, 8), snntorch.Leaky(0.5), nn.Linear(8, 3))
    network = from_torch(model, n_steps=8, input_shape=(1, 8, 8))
    first, *rest = [p.name for p in network.projections]
    made = quantize(network, Learning({rest[0]: ErrorSSDP(), rest[1]: ReadoutDelta()})).network
    learned = random_weights(made, np.random.default_rng(1))
    load_into(model, dequantize(network, made, learned))
    again = from_torch(model, n_steps=8, input_shape=(1, 8, 8))
    assert_same(requantize(again, made), with_learned(made, learned))
    pooled = network.projection(first)
    assert again.projection(first).result_pool == pooled.result_pool
    assert np.array_equal(again.projection(first).weight, pooled.weight)


def test_recurrent_weights_that_neurons_hold_are_refused() -> None:
    torch.manual_seed(2)
    model = [nn.Linear(6, 8), snntorch.RLeaky(0.9, V=0.5, all_to_all=False), nn.Linear(8, 3)]
    network = from_torch(model, n_steps=8)
    own = network.projection("rec1")
    changed = deepcopy(network)
    object.__setattr__(changed.projection("rec1"), "weight", own.weight + 0.25)
    with pytest.raises(EdgeError, match=r"E102.*'rec1' has weights that a module of neurons holds"):
        load_into(model, changed)
