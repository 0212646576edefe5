"""Membranes of the importer's neurons against those of their frameworks, bit for bit."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import norse.torch as norse
import numpy as np
import pytest
import torch
from norse.torch.functional.leaky_integrator import LIParameters
from norse.torch.functional.lif import LIFParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from norse.torch.functional.reset import reset_subtract, reset_value
from support.torch_runs import (
    N_SAMPLES,
    N_STEPS,
    imported,
)
from support.torch_variants import (
    ROCKPOOL,
    ROCKPOOL_OPTIONS,
    SINABS,
    SINABS_SPIKES,
    SJ,
    SJ_RESETS,
    SNN,
    SNN_CASES,
)

from edge_dassdp.twin.model import FloatModel

nn = torch.nn

N_ALONE = 129


def of_snntorch(module, x: torch.Tensor) -> list[np.ndarray]:
    membranes = []
    for step in x.transpose(0, 1):
        module(step)
        membranes.append(module.mem.numpy().copy())
    return membranes


def of_spikingjelly(module, x: torch.Tensor) -> list[np.ndarray]:
    return [(module(step), module.v.numpy().copy())[1] for step in x.transpose(0, 1)]


def of_norse(module, x: torch.Tensor) -> list[np.ndarray]:
    state, membranes = None, []
    for step in x.transpose(0, 1):
        _, state = module(step, state)
        membranes.append(state.v.numpy().copy())
    return membranes


def of_sinabs(module, x: torch.Tensor) -> list[np.ndarray]:
    module.record_states = True
    module(x)
    return list(module.recordings["v_mem"].transpose(0, 1).numpy())


def of_rockpool(module, x: torch.Tensor) -> list[np.ndarray]:
    return list(module(x, record=True)[2]["vmem"].transpose(0, 1).numpy())


def alone() -> dict[str, tuple[nn.Module, Callable]]:
    found: dict[str, tuple[nn.Module, Callable]] = {}
    for name, reset, delay in SNN_CASES:
        if not name.startswith("R"):
            options = {"reset_mechanism": reset, "init_hidden": True}
            options |= {} if name == "Lapicque" else {"reset_delay": delay}
            found[f"{name} {reset} {delay}"] = SNN[name](N_ALONE, 0.9, options), of_snntorch
    for name, v_reset in itertools.product(SJ, SJ_RESETS):
        found[f"{name} {v_reset}"] = SJ[name](3.7, {"v_reset": v_reset}), of_spikingjelly
    rates = {"tau_mem_inv": torch.tensor(130.0), "v_leak": torch.tensor(0.1)}
    for reset in (reset_value, reset_subtract):
        found[reset.__name__] = norse.LIFBoxCell(LIFBoxParameters(
            **rates, v_reset=torch.tensor(-0.3), reset_method=reset)), of_norse
    rates["tau_syn_inv"] = torch.tensor(270.0)
    found["LIFCell"] = norse.LIFCell(LIFParameters(**rates, v_reset=torch.tensor(-0.3))), of_norse
    found["LICell"] = norse.LICell(LIParameters(**rates)), of_norse
    for name, how in itertools.product(SINABS, SINABS_SPIKES):
        if "squeezed" not in name:
            found[f"sinabs {name} {how}"] = SINABS[name](5.0, dict(SINABS_SPIKES[how])), of_sinabs
    for name, how in itertools.product(ROCKPOOL, ROCKPOOL_OPTIONS):
        if "recurrent" not in name:
            found[f"{name} {how}"] = ROCKPOOL[name](N_ALONE, dict(ROCKPOOL_OPTIONS[how])), \
                of_rockpool
    return found


ALONE = alone()


@pytest.mark.parametrize("name", list(ALONE))
def test_membranes_are_the_same_bits(name):
    """Behind a layer that passes its inputs on, where no sums can differ."""
    rng = np.random.default_rng(9)
    module, run = ALONE[name]
    x = rng.normal(0.2, 1.1, size=(N_SAMPLES, N_STEPS, N_ALONE)).astype(np.float32)
    x[:, 3, :9], x[:, 9, :9] = 1.0, 2.5
    passing = nn.Linear(N_ALONE, N_ALONE, bias=False)
    with torch.no_grad():
        passing.weight.copy_(torch.eye(N_ALONE))
        membranes = np.stack(run(module, torch.tensor(x)), axis=1)
    network, samples = imported([passing, module], x, False)
    ours = FloatModel(network).run(samples).membranes[network.populations[0].name]
    np.testing.assert_array_equal(ours, membranes)
