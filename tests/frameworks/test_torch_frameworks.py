"""Every supported neuron of every framework, run by the framework itself and by the importer's
network, over 40 steps of spike trains and of analogue inputs.

- ties: weights, inputs and constants on a coarse binary grid, so that all arithmetic is exact and
  membranes meet the threshold exactly
- grid: sums of currents are exact, leaks are not; only the order of operations decides
- gaussian: nothing is exact
"""

from __future__ import annotations

import itertools

import norse.torch as norse
import numpy as np
import pytest
import sinabs.layers as sinabs
import snntorch
import torch
from norse.torch.functional.leaky_integrator import LIParameters
from norse.torch.functional.lif import LIFParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from norse.torch.functional.reset import reset_subtract, reset_value
from rockpool.nn.combinators import Sequential as RockpoolSequential
from rockpool.nn.modules import LinearTorch
from spikingjelly.activation_based import functional, layer, surrogate
from support.agreement import assert_agrees
from support.torch_runs import (
    CASES,
    KINDS,
    N_HIDDEN,
    N_IN,
    N_OUT,
    N_STEPS,
    at_once,
    compare,
    fill,
    imported,
    inputs,
    leak,
    met_its_threshold,
    step_by_step,
    two_layers,
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

# ---- snnTorch ------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, spikes", CASES)
@pytest.mark.parametrize("name, reset, delay", SNN_CASES)
def test_snntorch(name, reset, delay, kind, spikes):
    options = {"reset_mechanism": reset, "init_hidden": True}
    if name != "Lapicque":
        options["reset_delay"] = delay
    modules, rng = two_layers(lambda n: SNN[name](n, leak(kind), options), kind)
    x = inputs(kind, spikes, rng)
    network, _, membranes = compare(modules, x, spikes, step_by_step(modules, x))
    assert kind != "ties" or met_its_threshold(network, membranes)


def test_snntorch_parameters_of_every_neuron():
    rng = np.random.default_rng(8)

    def make(n):
        beta, alpha = (torch.tensor(rng.uniform(0.2, 1.1, n), dtype=torch.float32) for _ in "ba")
        return snntorch.RSynaptic(alpha, beta, linear_features=n, init_hidden=True,
                                  learn_alpha=True, learn_beta=True, learn_threshold=True,
                                  threshold=torch.tensor(rng.uniform(0.5, 1.5, n)).float())

    modules, rng = two_layers(make, "gaussian")
    x = inputs("gaussian", False, rng)
    compare(modules, x, False, step_by_step(modules, x))


# ---- SpikingJelly --------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, spikes", CASES)
@pytest.mark.parametrize("step_mode", ["s", "m"])
@pytest.mark.parametrize("name, v_reset", list(itertools.product(SJ, SJ_RESETS)))
def test_spikingjelly(name, v_reset, step_mode, kind, spikes):
    tau = 2.0 if kind == "ties" else 3.7
    options = {"v_reset": v_reset, "step_mode": step_mode,
               "v_threshold": (0.25 if "decaying" in name else 1.0) + (v_reset == 0.125) / 8,
               "surrogate_function": surrogate.ATan()}
    rng = np.random.default_rng(6)
    modules = [layer.Linear(N_IN, N_HIDDEN, step_mode=step_mode), SJ[name](tau, options),
               layer.Linear(N_HIDDEN, N_OUT, step_mode=step_mode), SJ[name](tau, options)]
    fill(modules, kind, rng)
    x = inputs(kind, spikes, rng)
    model = nn.Sequential(*modules)
    run = step_by_step(model, x) if step_mode == "s" else \
        at_once(model, torch.tensor(x).transpose(0, 1), True)
    network, _, membranes = compare(model, x, spikes, run)
    assert kind != "ties" or met_its_threshold(network, membranes)
    functional.reset_net(model)


# ---- Norse ---------------------------------------------------------------------------------------

def norse_run(modules, x: np.ndarray):
    """Spikes of every neuron but a last that only integrates, whose membranes come second."""
    model = norse.SequentialState(*modules)
    neurons = [m for m in modules if not isinstance(m, nn.Linear)]
    values: dict[int, list[np.ndarray]] = {id(m): [] for m in neurons}
    hooks = [m.register_forward_hook(lambda m, _, out: values[id(m)].append(out[0].numpy().copy()))
             for m in neurons]
    state = None
    with torch.no_grad():
        for t_step in range(N_STEPS):
            _, state = model(torch.tensor(x[:, t_step]), state)
    for hook in hooks:
        hook.remove()
    return model, [np.stack(v, axis=1) for v in values.values()]


def norse_constants(kind: str, leaks: bool):
    """dt tau_mem_inv, dt tau_syn_inv, v_leak, v_reset."""
    rates = (0.5, 0.25) if kind == "ties" else (0.1, 0.3)
    return *(torch.tensor(r / 0.001 if kind != "ties" else r) for r in rates), \
        torch.tensor(0.25 if leaks else 0.0), torch.tensor(-0.5 if leaks else 0.0)


def norse_dt(kind: str) -> float:
    return 1.0 if kind == "ties" else 0.001


@pytest.mark.parametrize("kind, spikes", CASES)
@pytest.mark.parametrize("reset", [reset_value, reset_subtract])
@pytest.mark.parametrize("leaks", [False, True])
def test_norse_lif_box(reset, leaks, kind, spikes):
    mem, _, v_leak, v_reset = norse_constants(kind, leaks)
    p = LIFBoxParameters(tau_mem_inv=mem, v_leak=v_leak, v_reset=v_reset, v_th=torch.tensor(0.5),
                         reset_method=reset)
    modules, rng = two_layers(lambda n: norse.LIFBoxCell(p, dt=norse_dt(kind)), kind)
    x = inputs(kind, spikes, rng)
    model, run = norse_run(modules, x)
    network, _, membranes = compare(model, x, spikes, [s.astype(int) for s in run])
    assert kind != "ties" or met_its_threshold(network, membranes)


@pytest.mark.parametrize("kind, spikes", CASES)
@pytest.mark.parametrize("leaks", [False, True])
def test_norse_lif_and_li(leaks, kind, spikes):
    mem, syn, v_leak, v_reset = norse_constants(kind, leaks)
    p = LIFParameters(tau_syn_inv=syn, tau_mem_inv=mem, v_leak=v_leak, v_reset=v_reset,
                      v_th=torch.tensor(0.5))
    q = LIParameters(tau_syn_inv=syn, tau_mem_inv=mem, v_leak=v_leak)
    rng = np.random.default_rng(5)
    dt = norse_dt(kind)
    modules = [nn.Linear(N_IN, N_HIDDEN), norse.LIFCell(p, dt=dt), nn.Linear(N_HIDDEN, N_OUT),
               norse.LIFCell(p, dt=dt), nn.Linear(N_OUT, N_OUT), norse.LICell(q, dt=dt)]
    fill(modules, kind, rng)
    x = inputs(kind, spikes, rng)
    model, run = norse_run(modules, x)
    network, samples = imported(model, x, spikes)
    assert [p.name for p in network.populations] == ["lif1", "lif2", "out"]
    fired = {f"lif{k}": run[k - 1].astype(int) for k in (1, 2)}
    trace, membranes = assert_agrees(network, samples, fired)
    assert kind != "ties" or met_its_threshold(network, membranes)
    same = np.testing.assert_allclose if kind == "gaussian" else np.testing.assert_array_equal
    same(trace.membranes["out"], run[2], **({"atol": 1e-5} if kind == "gaussian" else {}))
    assert network.readout.kind == "membrane_sum"


def test_norse_over_sequences_is_the_same_network():
    rng = np.random.default_rng(4)
    modules = [norse.Lift(nn.Linear(N_IN, N_HIDDEN)), norse.LIF(), norse.Lift(
        nn.Linear(N_HIDDEN, N_OUT)), norse.LI()]
    fill([m.lifted_module for m in modules[::2]], "gaussian", rng)
    with torch.no_grad():
        modules[0].lifted_module.weight.mul_(6)
        modules[2].lifted_module.weight.mul_(6)
    x = inputs("gaussian", False, rng)
    model = norse.SequentialState(*modules, return_hidden=True)
    with torch.no_grad():
        hidden, _ = model(torch.tensor(x).transpose(0, 1))
    network, samples = imported(model, x, False)
    spikes = {"lif1": hidden[1].numpy().transpose(1, 0, 2).astype(int)}
    trace, _ = assert_agrees(network, samples, spikes)
    np.testing.assert_allclose(trace.membranes["out"], hidden[3].numpy().transpose(1, 0, 2),
                               atol=1e-5)


# ---- Sinabs --------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, spikes", CASES)
@pytest.mark.parametrize("name, how", list(itertools.product(SINABS, SINABS_SPIKES)))
def test_sinabs(name, how, kind, spikes):
    theta = 0.125 if name in ("LIF normed", "LIF squeezed") else 0.5
    options = SINABS_SPIKES[how] | {"spike_threshold": torch.tensor(theta)}
    modules, rng = two_layers(lambda n: SINABS[name](5.0, options), kind)
    x = inputs(kind, spikes, rng)
    is_squeezed = "squeezed" in name
    given = torch.tensor(x.reshape(-1, N_IN) if is_squeezed else x)
    network, trace, membranes = compare(
        modules, x, spikes, at_once(nn.Sequential(*modules), given, False))
    most = max(int(trace.spikes[p.name].max()) for p in network.populations)
    assert most == 1 if "single" in how or how == "zero" else most > 1
    if name.startswith("IAF") and kind == "ties" and "tau" not in name:
        assert met_its_threshold(network, membranes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["IAF", "LIF"])
def test_sinabs_recurrent(name, kind):
    def make(n):
        feedback = nn.Sequential(nn.Flatten(), nn.Linear(n, n, bias=False))
        fill(feedback, kind, np.random.default_rng(2), lowest=-2)
        with torch.no_grad():
            feedback[1].weight.mul_(0.125)
        options = {"rec_connect": feedback, "min_v_mem": -2.0}
        return sinabs.IAFRecurrent(**options) if name == "IAF" else \
            sinabs.LIFRecurrent(tau_mem=4.0, spike_threshold=torch.tensor(0.125), **options)

    rng = np.random.default_rng(5)
    modules = [nn.Linear(N_IN, N_HIDDEN), make(N_HIDDEN), nn.Linear(N_HIDDEN, N_OUT), make(N_OUT)]
    fill(modules[::2], kind, rng)
    x = inputs(kind, False, rng)
    network, _, _ = compare(modules, x, False,
                            at_once(nn.Sequential(*modules), torch.tensor(x), False))
    assert [p.name for p in network.projections] == ["fc1", "rec1", "fc2", "rec2"]


def test_sinabs_exp_leak_reads_out():
    rng = np.random.default_rng(3)
    modules = [nn.Linear(N_IN, N_HIDDEN), sinabs.IAF(), nn.Linear(N_HIDDEN, N_OUT),
               sinabs.ExpLeak(7.0, norm_input=True)]
    fill(modules, "grid", rng)
    x = inputs("grid", False, rng)
    with torch.no_grad():
        membranes = nn.Sequential(*modules)(torch.tensor(x)).numpy()
    network, samples = imported(modules, x, False)
    np.testing.assert_array_equal(FloatModel(network).run(samples).membranes["out"], membranes)


# ---- Rockpool ------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, spikes", CASES)
@pytest.mark.parametrize("name, how", list(itertools.product(ROCKPOOL, ROCKPOOL_OPTIONS)))
def test_rockpool(name, how, kind, spikes):
    rng = np.random.default_rng(6)
    options = dict(ROCKPOOL_OPTIONS[how])

    def make(n):
        if "bias" in options:
            options["bias"] = torch.full((n,), 0.0625)
        return ROCKPOOL[name](n, options | {"threshold": torch.full((n,), 0.5)})

    modules = [LinearTorch((N_IN, N_HIDDEN), has_bias=True), make(N_HIDDEN),
               nn.Linear(N_HIDDEN, N_OUT), make(N_OUT)]
    fill(modules, kind, rng, lowest=-2)
    model = RockpoolSequential(*modules)
    x = inputs(kind, spikes, rng)
    with torch.no_grad():
        _, _, record = model(torch.tensor(x), record=True)
    run = [record[f"{place}_{type(modules[place]).__name__}_output"].numpy().astype(int)
           for place in (1, 3)]
    network, _, membranes = compare(model, x, spikes, run)
    if kind == "ties" and name in ("LIFTorch decays", "LIFTorch bitshifts") and how != "biased":
        assert met_its_threshold(network, membranes)
