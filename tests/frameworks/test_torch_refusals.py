"""Neurons of the frameworks whose forward pass has no equation here are refused by name."""

from __future__ import annotations

import norse.torch as norse
import pytest
import sinabs.layers as sinabs
import snntorch
import torch
from norse.torch.functional.lif import LIFParameters, default_bio_parameters
from norse.torch.functional.lif_box import LIFBoxParameters
from rockpool.nn.modules import LIFNeuronTorch, LIFTorch
from sinabs.activation import (
    MaxSpike,
    MembraneReset,
    MembraneSubtract,
    SingleSpike,
)
from spikingjelly.activation_based import neuron, surrogate

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch import from_torch

nn = torch.nn

REFUSED = [
    ("reset_delay", lambda: snntorch.RSynaptic(0.5, 0.9, linear_features=6, reset_delay=False)),
    ("no power of two", lambda: snntorch.Lapicque(R=5, C=1.0)),
    ("inhibition", lambda: snntorch.Synaptic(0.5, 0.9, inhibition=True)),
    ("state_quant", lambda: snntorch.RLeaky(0.9, linear_features=6, state_quant=lambda v: v)),
    ("(Alpha)", lambda: snntorch.Alpha(0.9, 0.5)),
    ("surrogate_function", lambda: neuron.IFNode(surrogate_function=surrogate.ATan(spiking=False))),
    ("(QIFNode)", lambda: neuron.QIFNode()),
    ("reset_method", lambda: norse.LIFBoxCell(LIFBoxParameters(reset_method=lambda z, v, r, t: v))),
    ("adjoint", lambda: norse.LIFCell(LIFParameters(method="adjoint"))),
    ("dt tau_mem_inv", lambda: norse.LIFCell(dt=1.0)),
    ("(LSNNCell)", lambda: norse.LSNNCell()),
    ("min_v_mem", lambda: sinabs.ExpLeak(5.0, min_v_mem=-1.0)),
    ("reset_value", lambda: sinabs.IAF(spike_fn=SingleSpike, reset_fn=MembraneReset(0.5))),
    ("several times a step and resets to zero", lambda: sinabs.IAF(reset_fn=MembraneReset())),
    ("subtract_value", lambda: sinabs.IAF(reset_fn=MembraneSubtract(0.5))),
    ("MaxSpike of 300", lambda: sinabs.IAF(spike_fn=MaxSpike(300))),
    ("rec_connect with a bias", lambda: sinabs.IAFRecurrent(nn.Linear(6, 6))),
    ("(ALIF)", lambda: sinabs.ALIF(5.0, 5.0)),
    ("2 synapses", lambda: LIFTorch((12, 6))),
    ("noise_std", lambda: LIFTorch(6, noise_std=0.1)),
    ("max_spikes_per_dt of 300", lambda: LIFNeuronTorch(6, max_spikes_per_dt=torch.tensor(300.0))),
]


@pytest.mark.filterwarnings("ignore:Inhibition")
@pytest.mark.parametrize("word, make", REFUSED, ids=[word for word, _ in REFUSED])
def test_what_has_another_forward_pass_is_refused_by_name(word, make):
    module = make()
    with pytest.raises(EdgeError) as caught:
        from_torch([nn.Linear(4, 12 if "synapses" in word else 6), module], n_steps=4)
    assert caught.value.code == "E102" and caught.value.help
    assert word in str(caught.value)
    assert f"module 1 ({type(module).__name__})" in str(caught.value)


@pytest.mark.parametrize("module, word", [
    (neuron.IFNode(v_threshold=0.5, v_reset=1.0), "v_reset must lie below the threshold"),
    (norse.LIFCell(default_bio_parameters, dt=0.1), "threshold must be positive"),
    (sinabs.IAF(min_v_mem=0.5), "v_min must not lie above"),
    (sinabs.LIF(torch.full((5,), 3.0)), "tau_mem has shape (5,), expected a scalar or (6,)"),
])
def test_values_that_no_population_has_are_refused_with_the_module(module, word):
    with pytest.raises(EdgeError) as caught:
        from_torch([nn.Linear(4, 6), module], n_steps=4)
    assert caught.value.code == "E101"
    assert f"module 1 ({type(module).__name__}): " in str(caught.value)
    assert word in str(caught.value)


def test_what_stands_behind_membranes_and_shared_states_are_refused():
    with pytest.raises(EdgeError, match="only the last neurons"):
        from_torch([nn.Linear(4, 6), norse.LICell(), nn.Linear(6, 2)], n_steps=4)
    shared = neuron.IFNode()
    with pytest.raises(EdgeError, match="share its state"):
        from_torch([nn.Linear(4, 4), shared, nn.Linear(4, 4), shared], n_steps=4)
    cell = norse.LIFCell()
    assert len(from_torch([nn.Linear(4, 4), cell, nn.Linear(4, 4), cell], n_steps=4).populations) \
        == 2
    with pytest.raises(EdgeError, match="does not spike"):
        from_torch([nn.Linear(4, 6), sinabs.ExpLeak(3.0)], n_steps=4, readout="spike_count")


@pytest.mark.parametrize("make", [neuron.QIFNode, neuron.KLIFNode, norse.LSNNCell,
                                  lambda: snntorch.Alpha(0.9, 0.5)])
def test_the_help_names_what_its_framework_has_instead(make):
    """Not the surrogate functions within a module, nor an order."""
    with pytest.raises(EdgeError) as caught:
        from_torch([nn.Linear(4, 6), make()], n_steps=4)
    assert caught.value.help.startswith("supported of ")
    assert any(name in caught.value.help for name in ("LIFNode", "LIFCell", "Leaky"))
    assert "from_torch(" not in caught.value.help and "surrogate" not in caught.value.help


def test_thresholds_of_every_neuron_are_read_or_refused():
    """SpikingJelly 2.0 fails at them itself."""
    module = neuron.IFNode(v_reset=None)
    module.v_threshold = nn.Parameter(torch.rand(6) + 0.5)
    with pytest.raises(EdgeError, match=r"E107.*module 1 \(IFNode\) fails"):
        from_torch([nn.Linear(4, 6), module], n_steps=4)
    network = from_torch([nn.Linear(4, 6), module], n_steps=4, check=False)
    assert network.populations[0].threshold.tolist() == module.v_threshold.double().tolist()
