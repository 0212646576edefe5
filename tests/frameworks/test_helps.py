"""Every refusal of the frameworks beside snnTorch, and what its help says, done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import norse.torch as norse
import numpy as np
import pytest
import sinabs.layers as sinabs
import torch
from norse.torch.functional.lif import LIFParameters
from norse.torch.functional.lif_box import LIFBoxParameters
from norse.torch.functional.reset import reset_subtract
from rockpool.nn.modules import LIFNeuronTorch, LIFTorch
from rockpool.nn.modules.torch.lif_torch import StepPWL
from sinabs.activation import MaxSpike, MembraneReset, MembraneSubtract, SingleSpike
from spikingjelly.activation_based import functional, neuron, surrogate
from support.helps import FRONTENDS, Help, unprovoked
from support.nir_graphs import chain, lif
from torch import nn

from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.frontends.torch import from_torch

FILES = ("norse", "rockpool", "sinabs", "spikingjelly", "steps")
L = nn.Linear


def read(*modules: Any, **how: Any) -> Callable[[], object]:
    return lambda: from_torch(list(modules), n_steps=4, **how)


def one(module: Any, n: int = 6) -> Callable[[], object]:
    return read(L(4, n), module)


def squeezed(n_steps: int) -> Any:
    return sinabs.LIFSqueeze(tau_mem=5.0, num_timesteps=n_steps)


def stored(text: str, **values: float) -> Callable[[], object]:
    node = lif(3, **{"r": 1.0, "tau": 0.01} | values)
    return lambda: from_nir(chain((3,), node), n_steps=4, profile=text)


def box(**how: Any) -> Any:
    return norse.LIFBoxCell(LIFBoxParameters(**how))


class Half(StepPWL):  # type: ignore[misc]
    """Fires at half the threshold."""

    @staticmethod
    def forward(ctx: Any, x: Any, threshold: Any = 1.0, window: Any = 0.5, most: Any = 2.0) -> Any:
        return StepPWL.forward(ctx, 2 * x, threshold, window, most)


class Two(MaxSpike):
    """Of one's own."""

    def __init__(self) -> None:
        super().__init__(2)


NORSE: dict[str, Help] = {
    "reset": Help(one(box(reset_method=lambda z, v, r, t: v)), "use reset_value or reset_subtract",
                  one(box(reset_method=reset_subtract))),
    "method": Help(one(norse.LIFCell(LIFParameters(method="adjoint"))), "use one of super",
                   one(norse.LIFCell(LIFParameters(method="super")))),
    "rate": Help(one(norse.LIFCell(dt=1.0)), "dt must not exceed", one(norse.LIFCell(dt=1e-3))),
    "file's dt": Help(stored("norse"), "norse,dt=0.001", stored("norse,dt=0.001")),
    "file's long step": Help(stored("norse,dt=0.001", tau=1e-5), "1e-6",
                             stored("norse,dt=0.000001", tau=1e-5)),
    "another's recurrence": Help(one(norse.LIFRecurrentCell(6, 6)), "LIFBoxCell, LIFCell",
                                 one(norse.LIFCell())),
}
ROCKPOOL: dict[str, Help] = {
    "synapses": Help(one(LIFTorch((12, 6)), 12), "LIFTorch(n)", one(LIFTorch(6))),
    "noise": Help(one(LIFTorch(6, noise_std=0.1)), "noise_std=0", one(LIFTorch(6, noise_std=0.0))),
    "most": Help(one(LIFNeuronTorch(6, max_spikes_per_dt=torch.tensor(300.0))), "use 1 to 255",
                 one(LIFNeuronTorch(6, max_spikes_per_dt=torch.tensor(255.0)))),
    "no limit": Help(one(LIFNeuronTorch(6, max_spikes_per_dt=torch.tensor(300.0))),
                     "leave it out for no limit", one(LIFNeuronTorch(6))),
    "spikes": Help(one(LIFTorch(6, spike_generation_fn=Half)), "use StepPWL",
                   one(LIFTorch(6, spike_generation_fn=StepPWL))),
}


def bias(value: bool) -> Any:
    return sinabs.IAFRecurrent(nn.Linear(6, 6, bias=value))


class Other(MembraneSubtract):
    """A reset of one's own."""


CONV = nn.Conv2d(1, 2, 1)
SINABS: dict[str, Help] = {
    "recurrent bias": Help(one(bias(True)), "use bias=False", one(bias(False))),
    "least": Help(one(sinabs.ExpLeak(5.0, min_v_mem=-1.0)), "leave min_v_mem out",
                  one(sinabs.ExpLeak(5.0))),
    "spike_fn": Help(one(sinabs.IAF(spike_fn=Two())), "spike_fn=sinabs.activation.SingleSpike",
                     one(sinabs.IAF(spike_fn=SingleSpike))),
    "most": Help(one(sinabs.IAF(spike_fn=MaxSpike(300))), "use 1 to 255",
                 one(sinabs.IAF(spike_fn=MaxSpike(255)))),
    "subtract": Help(one(sinabs.IAF(reset_fn=MembraneSubtract(0.5))), "leave subtract_value out",
                     one(sinabs.IAF(reset_fn=MembraneSubtract()))),
    "reset_fn": Help(one(sinabs.IAF(reset_fn=Other())),
                     "reset_fn=sinabs.activation.MembraneSubtract()",
                     one(sinabs.IAF(reset_fn=MembraneSubtract()))),
    "reset_value": Help(one(sinabs.IAF(spike_fn=SingleSpike, reset_fn=MembraneReset(0.5))),
                        "use MembraneReset()",
                        one(sinabs.IAF(spike_fn=SingleSpike, reset_fn=MembraneReset()))),
    "many to zero": Help(one(sinabs.IAF(reset_fn=MembraneReset())), "use SingleSpike",
                         one(sinabs.IAF(spike_fn=SingleSpike, reset_fn=MembraneReset()))),
    "norm_input": Help(stored("sinabs", tau=9.0), "sinabs,norm_input=true",
                       stored("sinabs,norm_input=true", tau=9.0)),
    "recurrent shape": Help(
        read(CONV, sinabs.LIFRecurrent(tau_mem=5.0, rec_connect=nn.Sequential(
            nn.Flatten(), L(18, 18, bias=False), nn.Unflatten(1, (2, 3, 3)))),
            input_shape=(1, 3, 3)), "flatten what has to be flat before its neurons",
        read(CONV, nn.Flatten(),
             sinabs.LIFRecurrent(tau_mem=5.0, rec_connect=L(18, 18, bias=False)),
             input_shape=(1, 3, 3))),
}


def jelly(**how: Any) -> Callable[[], object]:
    return one(neuron.IFNode(**how))


def precise(precision: Any) -> Any:
    made = neuron.IFNode()
    made._neuron_precision = precision
    return made


SPIKINGJELLY: dict[str, Help] = {
    "surrogate": Help(jelly(surrogate_function=surrogate.ATan(spiking=False)), "spiking=True",
                      jelly(surrogate_function=surrogate.ATan(spiking=True))),
    "precision": Help(one(precise("fp16")), "back to None", one(precise(None))),
    "other neurons": Help(one(neuron.QIFNode()), "supported of SpikingJelly are IFNode",
                          one(neuron.IFNode())),
    "neurons of one's own": Help(one(type("Mine", (neuron.BaseNode,), {})()),
                                 "supported of SpikingJelly are IFNode", one(neuron.IFNode())),
    "file's r of IF": Help(lambda: from_nir(chain((3,), integrating(1.0)), n_steps=4,
                                            profile="spikingjelly"), "or 'nir' with a dt",
                           lambda: from_nir(chain((3,), integrating(1.0)), n_steps=4,
                                            profile="nir,dt=1")),
    "file's leak": Help(stored("spikingjelly", v_leak=0.2), "or 'nir' with a dt",
                        stored("nir,dt=0.001", v_leak=0.2)),
    "file's r": Help(stored("spikingjelly", r=7.0), "or 'nir' with a dt",
                     stored("nir,dt=0.001", r=7.0)),
}


def integrating(r: float) -> Any:
    import nir

    return nir.IF(r=np.full(3, r), v_threshold=np.ones(3), v_reset=np.zeros(3))


def modes(*modes: str, same: bool = False) -> Callable[[], object]:
    model = nn.Sequential(L(4, 6), neuron.IFNode(step_mode=modes[0]), L(6, 3),
                          neuron.IFNode(step_mode=modes[1]))
    if same:
        functional.set_step_mode(model, "m")
    return lambda: from_torch(model, n_steps=4)


STEPS: dict[str, Help] = {
    "other length": Help(one(squeezed(7)), "import it with n_steps=7",
                         lambda: from_torch([L(4, 6), squeezed(7)], n_steps=7)),
    "built": Help(one(squeezed(7)), "or build it for 4 steps",
                  one(squeezed(4))),
    "modes": Help(modes("s", "m"), "functional.set_step_mode(model, 'm')",
                  modes("s", "m", same=True)),
    "frameworks": Help(read(L(4, 6), neuron.IFNode(step_mode="m"), L(6, 3), norse.LIFCell()),
                       "use neurons of one framework",
                       read(L(4, 6), norse.LIFCell(), L(6, 3), norse.LIFCell())),
}
HELPS = {f"{group}: {name}": entry for group, helps in (
    ("norse", NORSE), ("rockpool", ROCKPOOL), ("sinabs", SINABS), ("spikingjelly", SPIKINGJELLY),
    ("steps", STEPS)) for name, entry in helps.items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HELPS)
def test_what_the_help_says_works(name: str) -> None:
    HELPS[name].check()


@pytest.mark.filterwarnings("ignore")
def test_every_refusal_has_an_entry() -> None:
    assert unprovoked([FRONTENDS / "torch" / f"{name}.py" for name in FILES], HELPS) == []
