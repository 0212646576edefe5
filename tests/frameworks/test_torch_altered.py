"""What is changed behind the classes of each framework is refused by name, or found by running."""

from __future__ import annotations

import norse.torch as norse
import pytest
import sinabs.layers as sinabs
import snntorch
from rockpool.nn.modules import LIFTorch
from snntorch.functional import probe
from spikingjelly.activation_based import neuron
from torch import nn

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch import from_torch

NEURONS = {
    "snntorch": lambda: snntorch.Leaky(0.9), "spikingjelly": lambda: neuron.LIFNode(),
    "norse": lambda: norse.LIFCell(), "sinabs": lambda: sinabs.LIF(5.0),
    "rockpool": lambda: LIFTorch(6),
}


@pytest.mark.parametrize("name", NEURONS)
def test_hooks_and_forwards_are_refused(name: str) -> None:
    def hooked(module: nn.Module) -> None:
        module.register_forward_hook(lambda m, i, o: None)

    def own(module: nn.Module) -> None:
        object.__setattr__(module, "forward", lambda *given: given[0])

    def replaced(module: nn.Module) -> None:
        kind = type(module)
        module.__class__ = type(kind.__name__, (kind,), {"__module__": kind.__module__})

    for alter in (hooked, own, replaced):
        module = NEURONS[name]()
        assert from_torch([nn.Linear(4, 6), module], n_steps=4).populations[0].size == 6
        alter(module)
        with pytest.raises(EdgeError, match=r"E102.*module 1 \("):
            from_torch([nn.Linear(4, 6), module], n_steps=4)


def test_a_monitor_stays_and_records_nothing_of_the_import() -> None:
    model = nn.Sequential(nn.Linear(4, 6), snntorch.Leaky(0.9))
    watching = probe.OutputMonitor(model, snntorch.Leaky)
    assert from_torch(model, n_steps=4).populations[0].size == 6
    assert watching.records == [] and model[1]._forward_hooks
