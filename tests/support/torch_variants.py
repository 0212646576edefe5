"""Every neuron of every framework with the options that change it: makers by name."""

from __future__ import annotations

import sinabs.layers as sinabs
import snntorch
import torch
from rockpool.nn.modules import LIFNeuronTorch, LIFTorch
from rockpool.nn.modules.torch.lif_torch import PeriodicExponential
from sinabs.activation import (
    MaxSpike,
    MembraneReset,
    MultiSpike,
    SingleSpike,
)
from spikingjelly.activation_based import neuron
from support.torch_runs import N_SAMPLES, N_STEPS

SNN = {
    "Leaky": lambda n, b, o: snntorch.Leaky(b, **o),
    "Synaptic": lambda n, b, o: snntorch.Synaptic(b / 2, b, **o),
    "RLeaky": lambda n, b, o: snntorch.RLeaky(b, linear_features=n, **o),
    "RLeaky one to one": lambda n, b, o: snntorch.RLeaky(
        b, all_to_all=False, V=-torch.arange(n) / 16, **o),
    "RLeaky V": lambda n, b, o: snntorch.RLeaky(b, all_to_all=False, V=-0.25, **o),
    "RSynaptic": lambda n, b, o: snntorch.RSynaptic(b / 2, b, linear_features=n, **o),
    "RSynaptic one to one": lambda n, b, o: snntorch.RSynaptic(
        b / 2, b, all_to_all=False, V=torch.arange(n) / 16, **o),
    "Lapicque": lambda n, b, o: snntorch.Lapicque(
        **({"R": 1, "C": 2.0} if b == 0.5 else {"beta": b}), threshold=0.25, **o),
}
SNN_CASES = [(name, reset, delay) for name in SNN for reset in ("subtract", "zero", "none")
             for delay in (True, False) if delay or name[:4] not in ("RSyn", "Lapi")]

SJ_RESETS = (0.0, None, 0.125, -0.25)
SJ = {
    "IF": lambda tau, o: neuron.IFNode(**o),
    "LIF decaying": lambda tau, o: neuron.LIFNode(tau, decay_input=True, **o),
    "LIF": lambda tau, o: neuron.LIFNode(tau, decay_input=False, **o),
    "PLIF decaying": lambda tau, o: neuron.ParametricLIFNode(tau, decay_input=True, **o),
    "PLIF": lambda tau, o: neuron.ParametricLIFNode(tau, decay_input=False, **o),
}

SINABS = {
    "IAF": lambda tau, o: sinabs.IAF(**o),
    "IAF tau_syn": lambda tau, o: sinabs.IAF(tau_syn=tau, **o),
    "LIF": lambda tau, o: sinabs.LIF(tau, norm_input=False, **o),
    "LIF normed": lambda tau, o: sinabs.LIF(tau, norm_input=True, **o),
    "LIF tau_syn": lambda tau, o: sinabs.LIF(tau, tau_syn=tau / 2, norm_input=False, **o),
    "LIF tau_syn normed": lambda tau, o: sinabs.LIF(tau, tau_syn=tau / 2, **o),
    "LIF alphas": lambda tau, o: sinabs.LIF(tau, tau_syn=tau, train_alphas=True, **o),
    "IAF squeezed": lambda tau, o: sinabs.IAFSqueeze(batch_size=N_SAMPLES, **o),
    "LIF squeezed": lambda tau, o: sinabs.LIFSqueeze(
        tau_mem=tau, num_timesteps=N_STEPS, batch_size=N_SAMPLES, **o),
}
SINABS_SPIKES = {
    "multi": {"spike_fn": MultiSpike}, "single": {"spike_fn": SingleSpike},
    "at most 2": {"spike_fn": MaxSpike(2)}, "least": {"min_v_mem": -0.75},
    "single least": {"spike_fn": SingleSpike, "min_v_mem": -0.75},
    "zero": {"spike_fn": SingleSpike, "reset_fn": MembraneReset()},
}

ROCKPOOL = {
    "LIFTorch": lambda n, o: LIFTorch(n, tau_mem=0.01, tau_syn=0.004, **o),
    "LIFTorch recurrent": lambda n, o: LIFTorch(n, tau_mem=0.01, tau_syn=0.004, has_rec=True, **o),
    "LIFTorch decays": lambda n, o: LIFTorch(
        n, leak_mode="decays", alpha=torch.full((n,), 0.5), beta=torch.full((n, 1), 0.5), **o),
    "LIFTorch bitshifts": lambda n, o: LIFTorch(n, leak_mode="bitshifts", **o),
    "LIFNeuronTorch": lambda n, o: LIFNeuronTorch(n, tau_mem=0.01, **o),
}
ROCKPOOL_OPTIONS = {
    "": {}, "biased": {"bias": 0.0625}, "at most 1": {"max_spikes_per_dt": torch.tensor(1.0)},
    "at most 2": {"max_spikes_per_dt": torch.tensor(2.0)},
    "periodic": {"spike_generation_fn": PeriodicExponential},
}
