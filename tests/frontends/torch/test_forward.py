"""A module whose forward pass does more than its class is resolved or refused by name."""

from __future__ import annotations

import random
from copy import deepcopy

import numpy as np
import pytest
import snntorch
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.frontends.torch.back import load_into, to_state_dict
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.wayback import dequantize
from edge_dassdp.rules import Learning, ReadoutDelta

torch.set_num_threads(1)


class Doubled(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


def _parametrized(layer: nn.Module) -> nn.Module:
    parametrize.register_parametrization(layer, "weight", Doubled())
    return layer


def _globally(layer: nn.Module) -> nn.Module:
    prune.global_unstructured([(layer, "weight"), (layer, "bias")], prune.L1Unstructured, amount=9)
    return layer


WRAPS = {
    "l1": lambda layer: prune.l1_unstructured(layer, "weight", 0.5),
    "structured": lambda layer: prune.ln_structured(layer, "weight", 0.5, 2, 0),
    "global": _globally,
    "twice": lambda layer: prune.random_unstructured(
        prune.l1_unstructured(layer, "weight", 0.3), "weight", 0.3),
    "weight_norm": weight_norm, "spectral_norm": spectral_norm,
    "new weight_norm": parametrizations.weight_norm,
    "new spectral_norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal, "own": _parametrized,
}


def made(wrap: str) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(WRAPS[wrap](nn.Linear(8, 12)), snntorch.Leaky(0.9, init_hidden=True),
                         WRAPS[wrap](nn.Linear(12, 4)), snntorch.Leaky(0.9, init_hidden=True))


@pytest.mark.filterwarnings("ignore:.*weight_norm")
@pytest.mark.parametrize("wrap", WRAPS)
def test_made_weights_are_those_that_run(wrap: str) -> None:
    """Also right behind load_state_dict, where the tensor that hooks make is stale."""
    trained = made(wrap)
    with torch.no_grad():
        for p in trained.parameters():
            p.add_(0.3)
    fresh = made(wrap)
    fresh.load_state_dict(trained.state_dict())
    fresh.eval()
    before = deepcopy(fresh.state_dict())
    network = from_torch(fresh, n_steps=4)
    assert all(torch.equal(before[n], v) for n, v in fresh.state_dict().items())
    with torch.no_grad():
        used = (fresh[0](torch.eye(8)) - fresh[0](torch.zeros(1, 8))).numpy()
    np.testing.assert_allclose(network.projection("fc1").weight, used, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*weight_norm")
@pytest.mark.parametrize("wrap", WRAPS)
def test_learned_weights_are_used_or_refused(wrap: str) -> None:
    model = made(wrap).eval()
    network = from_torch(model, n_steps=4)
    integers = quantize(network, Learning({"fc2": ReadoutDelta()})).network
    q = integers.projection("fc2")
    back = dequantize(network, integers, {"fc2": np.where(q.w == 0, 0, q.w // 2 + 1)})
    factory = deepcopy(model.state_dict())
    try:
        load_into(model, back)
    except EdgeError as problem:
        assert problem.code == "E102" and "module 2 (Linear)" in str(problem)
        assert wrap in ("spectral_norm", "new spectral_norm", "orthogonal", "own")
        assert all(torch.equal(factory[n], v) for n, v in model.state_dict().items())
        return
    with torch.no_grad():
        used = (model[2](torch.eye(12)) - model[2](torch.zeros(1, 12))).numpy()
    np.testing.assert_allclose(used, back.projection("fc2").weight, atol=1e-5)
    load_into(model, network)
    again = made(wrap).eval()
    again.load_state_dict(to_state_dict(model, back))
    np.testing.assert_allclose(from_torch(again, n_steps=4).projection("fc2").weight,
                               back.projection("fc2").weight, rtol=1e-5)


@pytest.mark.parametrize("wrap", ["spectral_norm", "new spectral_norm"])
def test_weights_that_change_with_every_pass_are_refused(wrap: str) -> None:
    """A norm that has converged makes the same weight again, and passes."""
    model = made(wrap)
    before = deepcopy(model.state_dict())
    with pytest.raises(EdgeError, match=r"module [02] \(Linear\) makes another weight"):
        from_torch(model, n_steps=4)
    assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())


def _instance(m: nn.Module) -> None:
    m.forward = lambda *given: type(m).forward(m, *given)


ALTERED = {
    "forward hook": lambda m: m.register_forward_hook(lambda m, i, o: None),
    "forward pre-hook": lambda m: m.register_forward_pre_hook(lambda m, i: None),
    "forward of its own": _instance,
}


@pytest.mark.parametrize("place", [None, 0, 1, 2])
@pytest.mark.parametrize("word", ALTERED)
def test_hooks_and_forwards_of_an_instance_are_refused(word: str, place: int | None) -> None:
    model = nn.Sequential(nn.Linear(4, 3), snntorch.Leaky(0.9), nn.Dropout(0.1))
    ALTERED[word](model if place is None else model[place])
    with pytest.raises(EdgeError) as caught:
        from_torch(model, n_steps=4)
    assert caught.value.code == "E102" and word in str(caught.value) and caught.value.help
    assert ("the model (Sequential)" if place is None else f"module {place} (") in str(caught.value)


@pytest.mark.parametrize("kind", [nn.Linear, snntorch.Leaky, nn.Sequential])
def test_a_class_whose_forward_was_replaced_is_refused(
        kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(4, 3), snntorch.Leaky(0.9))
    plain = kind.forward  # type: ignore[attr-defined]
    monkeypatch.setattr(kind, "forward", lambda *given: plain(*given))
    with pytest.raises(EdgeError, match=r"E102.*forward was replaced"):
        from_torch(model, n_steps=4)


def test_hooks_around_all_modules_are_refused_and_those_of_gradients_are_not() -> None:
    model = nn.Sequential(nn.Linear(4, 3), snntorch.Leaky(0.9))
    handle = nn.modules.module.register_module_forward_hook(lambda m, i, o: None)
    try:
        with pytest.raises(EdgeError, match=r"E102.*around all modules"):
            from_torch(model, n_steps=4)
    finally:
        handle.remove()
    model[0].register_full_backward_hook(lambda m, i, o: None)
    assert from_torch(model, n_steps=4).projection("fc1")


def test_functions_replaced_behind_a_class_are_found_by_running(
        monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(4, 3), snntorch.Leaky(0.9))
    monkeypatch.setattr(snntorch.Leaky, "_base_state_function",
                        lambda self, x: 0.5 * self.mem + x)
    with pytest.raises(EdgeError, match=r"E107.*'lif1' is not what module 1 \(Leaky\)"):
        from_torch(model, n_steps=4)
    assert from_torch(model, n_steps=4, check=False).population("lif1").size == 3


def test_a_class_of_a_known_name_is_not_trusted() -> None:
    class Linear(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) ** 2

    Linear.__module__, Linear.__qualname__ = "torch.nn.modules.linear", "Linear"
    with pytest.raises(EdgeError, match=r"E102.*module 0 \(Linear\)"):
        from_torch([Linear(4, 3), snntorch.Leaky(0.9)], n_steps=4)


def test_wrappers_are_opened_and_lazy_layers_run_first() -> None:
    plain = nn.Sequential(nn.Linear(4, 3), snntorch.Leaky(0.9))
    for wrapped in (torch.compile(plain), nn.DataParallel(plain)):
        weight = from_torch(wrapped, n_steps=4).projection("fc1").weight
        np.testing.assert_array_equal(weight, plain[0].weight.detach().double().numpy().T)
    lazy = nn.Sequential(nn.LazyLinear(3), snntorch.Leaky(0.9, init_hidden=True))
    with pytest.raises(EdgeError, match="run a batch"):
        from_torch(lazy, n_steps=4)
    lazy(torch.zeros(1, 5))
    assert from_torch(lazy, n_steps=4).inputs[0].shape == (5,)


def test_the_model_and_all_randomness_stay_as_they_were() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5),
                          snntorch.Leaky(0.9, init_hidden=True)).train()
    model(torch.ones(2, 4))
    held = model[2].mem.clone()
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    drawn = torch.rand(1), np.random.rand(), random.random()
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    from_torch(model, n_steps=4)
    assert drawn == (torch.rand(1), np.random.rand(), random.random())
    assert torch.equal(model[2].mem, held) and all(m.training for m in model.modules())
