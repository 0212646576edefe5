"""Learned weights go into the modules of a model, and `from_torch` reads the same integers."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import snntorch
import torch
from support.way_back import assert_same, learn, random_weights
from torch import nn

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.frontends.torch.back import load_into, to_state_dict
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.biases import with_plastic_biases
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.quantize.wayback import dequantize, requantize, with_learned
from edge_dassdp.rules import SSDP, ErrorSSDP, Learning, ReadoutDelta

torch.set_num_threads(1)


def readout(n_in: int, n_out: int) -> list[nn.Module]:
    return [nn.Linear(n_in, n_out), snntorch.Leaky(0.5, reset_mechanism="none")]


def chain() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), snntorch.Leaky(0.9), nn.Dropout(0.1),
                         nn.Sequential(nn.Linear(8, 8), snntorch.Leaky(0.8)), *readout(8, 3))


def normalized() -> nn.Sequential:
    """Factors beside the weights that learn: batch norms, of either sign, and mean pooling."""
    torch.manual_seed(1)
    norms = nn.BatchNorm2d(8), nn.BatchNorm1d(12)
    for norm in norms:
        nn.init.uniform_(norm.weight, -1.5, 1.5)
        nn.init.uniform_(norm.bias, -0.1, 0.1)
        nn.init.uniform_(norm.running_mean, -0.1, 0.1)
        nn.init.uniform_(norm.running_var, 0.2, 2.0)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.AvgPool2d(2), snntorch.Leaky(0.9),
        nn.Conv2d(4, 8, 1), norms[0], snntorch.Leaky(0.9),
        nn.Flatten(), nn.Linear(8 * 9, 12, bias=False), norms[1], snntorch.Leaky(0.9),
        *readout(12, 4))
    return model.eval()


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    assert before.keys() == after.keys()
    assert all(before[n].dtype == after[n].dtype for n in before)
    return {n for n in before if not torch.equal(before[n], after[n])}


@pytest.mark.parametrize("bits", [8, 16])
def test_what_a_chain_learned_comes_back_through_its_state_dict(bits: int, tmp_path: Path) -> None:
    model = chain()
    network = from_torch(model, n_steps=8)
    learning = Learning({"fc2": ErrorSSDP(mu=30.0), "fc3": ReadoutDelta(mu=1.0)})
    made = quantize(network, learning, Settings(bits_of={"fc2": bits, "fc3": bits})).network
    learned = learn(made)
    back = dequantize(network, made, learned)

    factory = deepcopy(model.state_dict())
    torch.save(to_state_dict(model, back), tmp_path / "learned.pt")
    assert not changed(factory, model.state_dict())
    again = chain()
    again.load_state_dict(torch.load(tmp_path / "learned.pt"))
    assert changed(factory, again.state_dict()) == {"3.0.weight", "4.weight"}
    assert_same(requantize(from_torch(again, n_steps=8), made), with_learned(made, learned))

    load_into(model, back)
    assert not changed(again.state_dict(), model.state_dict())
    load_into(model, network)  # and the factory's
    assert not changed(factory, model.state_dict())


@pytest.mark.parametrize("plastic", [{"conv2": SSDP()}, {"fc3": ErrorSSDP(mu=30.0)}])
@pytest.mark.parametrize("bits", [8, 16])
def test_factors_beside_the_weights_are_divided_out(plastic: dict[str, object], bits: int) -> None:
    model = normalized()

    def imported(model: nn.Module):
        return from_torch(model, n_steps=6, input_shape=(2, 8, 8), spikes=True)

    network = imported(model)
    names = [*plastic, "fc4"]
    made = quantize(network, Learning({**plastic, "fc4": ReadoutDelta()}),
                    Settings(bits_of=dict.fromkeys(names, bits))).network
    learned = random_weights(made, np.random.default_rng(2))
    factory = deepcopy(model.state_dict())
    load_into(model, dequantize(network, made, learned))
    own = {"conv2": "3.weight", "fc3": "7.weight", "fc4": "10.weight"}
    assert changed(factory, model.state_dict()) == {own[name] for name in names}
    assert_same(requantize(imported(model), made), with_learned(made, learned))


def test_recurrent_weights_and_modules_in_a_list() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(3)
            self.fc1 = nn.Linear(5, 8)
            self.lif1 = snntorch.RLeaky(0.9, linear_features=8)
            self.fc2 = nn.Linear(8, 3)

    net = Net()
    modules = [net.fc1, net.lif1, net.fc2]
    network = from_torch(modules, n_steps=6)
    made = quantize(network, Learning({"rec1": ErrorSSDP(mu=30.0), "fc2": ReadoutDelta()})).network
    learned = random_weights(made, np.random.default_rng(4))
    factory = deepcopy(net.state_dict())
    back = dequantize(network, made, learned)
    load_into(modules, back)
    assert changed(factory, net.state_dict()) == {"lif1.recurrent.weight", "fc2.weight"}
    assert_same(requantize(from_torch(modules, n_steps=6), made), with_learned(made, learned))
    with pytest.raises(EdgeError, match=r"E105"):
        to_state_dict(modules, back)


def test_learned_biases_are_biases_of_the_module() -> None:
    model = chain()
    network = from_torch(model, n_steps=8)
    grown, learning = with_plastic_biases(network, Learning({"fc3": ReadoutDelta(mu=1.0)}))
    made = quantize(grown, learning).network
    learned = learn(made)
    back = dequantize(network, made, learned)
    bare = chain()
    bare[4] = nn.Linear(8, 3, bias=False)
    with pytest.raises(EdgeError, match=r"E102.*learned a bias"):
        load_into(bare, back)
    factory = deepcopy(model.state_dict())
    load_into(model, back)
    assert changed(factory, model.state_dict()) == {"4.weight", "4.bias"}
    assert_same(requantize(from_torch(model, n_steps=8), made), with_learned(made, learned))


def test_what_cannot_go_back_is_refused_and_nothing_written() -> None:
    torch.manual_seed(5)
    stacked = nn.Sequential(nn.Linear(6, 8), snntorch.Leaky(0.9), nn.Linear(8, 5),
                            *readout(5, 3))
    network = from_torch(stacked, n_steps=8)
    (name,) = [p.name for p in network.projections if p.pre == "lif1"]
    made = quantize(network, Learning({name: ReadoutDelta()})).network
    back = dequantize(network, made, random_weights(made, np.random.default_rng(6)))
    factory = deepcopy(stacked.state_dict())
    with pytest.raises(EdgeError, match=r"E102.*folded of 'fc2' and 'fc2_2'"):
        load_into(stacked, back)
    assert not changed(factory, stacked.state_dict())
    with pytest.raises(EdgeError, match=r"E105.*not of this model"):
        load_into(chain(), back)


def test_a_constant_before_the_weights_would_change_a_bias() -> None:
    """BatchNorm between neurons and a Linear adds shift @ weight to what the Linear gives."""
    torch.manual_seed(10)
    norm = nn.BatchNorm1d(8)
    nn.init.uniform_(norm.bias, 0.1, 0.2)
    model = nn.Sequential(nn.Linear(6, 8), snntorch.Leaky(0.9), norm, *readout(8, 3)).eval()
    network = from_torch(model, n_steps=8)
    made = quantize(network, Learning({"fc2": ReadoutDelta()})).network
    back = dequantize(network, made, random_weights(made, np.random.default_rng(11)))
    factory = deepcopy(model.state_dict())
    with pytest.raises(EdgeError, match=r"E102.*'fc2' would change"):
        to_state_dict(model, back)
    assert not changed(factory, model.state_dict())


def test_a_shared_module_takes_one_learned_weight() -> None:
    torch.manual_seed(7)
    both = nn.Linear(8, 8)
    modules = [nn.Linear(6, 8), snntorch.Leaky(0.9), both, snntorch.Leaky(0.9), both,
               snntorch.Leaky(0.9), *readout(8, 3)]
    network = from_torch(modules, n_steps=8)
    made = quantize(network, Learning({"fc2": ErrorSSDP(), "fc4": ReadoutDelta()})).network
    back = dequantize(network, made, random_weights(made, np.random.default_rng(8)))
    factory = both.weight.clone()
    with pytest.raises(EdgeError, match=r"E102.*'fc3' would change"):
        load_into(modules, back)
    assert torch.equal(factory, both.weight)


@pytest.mark.parametrize(("dtype", "bits", "holds"), [
    (torch.float64, 16, True), (torch.bfloat16, 8, False), (torch.float16, 16, False)])
def test_numbers_too_coarse_for_the_integers_are_refused(
        dtype: torch.dtype, bits: int, holds: bool) -> None:
    model = chain().to(dtype)
    network = from_torch(model, n_steps=8)
    made = quantize(network, Learning({"fc3": ReadoutDelta()}),
                    Settings(bits_of={"fc3": bits})).network
    learned = random_weights(made, np.random.default_rng(9))
    back = dequantize(network, made, learned)
    if not holds:
        with pytest.raises(EdgeError, match=r"E104.*cannot hold"):
            load_into(model, back)
        return
    load_into(model, back)
    assert_same(requantize(from_torch(model, n_steps=8), made), with_learned(made, learned))
