"""Every refusal of the importer of live modules, and what its help says, done.

Those of other frameworks than snnTorch stand in tests/frameworks, those of the way back beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import norse.torch as norse
import numpy as np
import pytest
import snntorch
import torch
from snntorch import surrogate
from support.helps import FRONTENDS, Help, unprovoked, without
from support.nir_graphs import chain as nir_chain
from support.nir_graphs import lif as nir_lif
from torch import nn

from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.frontends.torch import from_torch

torch.set_num_threads(1)
OF_OTHERS = ("norse", "rockpool", "sinabs", "spikingjelly", "steps", "back", "writing")
L = nn.Linear


def lif(**how: Any) -> Any:
    return snntorch.Leaky(0.9, **how)


def read(*modules: Any, **how: Any) -> Callable[[], object]:
    return lambda: from_torch(list(modules), n_steps=4, **how)


def whole(model: Any, **how: Any) -> Callable[[], object]:
    return lambda: from_torch(model, n_steps=4, **how)


def space(*modules: Any, **how: Any) -> Callable[[], object]:
    return read(*modules, **{"input_shape": (2, 8, 8)} | how)


PLAIN = read(L(4, 3), lif())


class Net(nn.Module):
    def __init__(self, *, activation: bool = False) -> None:
        super().__init__()
        self.fc, self.lif = L(4, 3), lif()
        if activation:
            self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif(self.fc(x))[0]


class Own(snntorch.Leaky):
    """A subclass that computes the same."""


NET, PART = Net(), Net(activation=True)


def loaded() -> None:
    module = nn.Sequential(L(4, 3), lif())
    module.load_state_dict(nn.Sequential(L(4, 3), lif()).state_dict())
    from_torch(module, n_steps=4)


MODELS: dict[str, Help] = {
    "weights": Help(whole(nn.Sequential(L(4, 3), lif()).state_dict()), "load_state_dict", loaded),
    "path": Help(whole("net.pth"), "load_state_dict", loaded),
    "script": Help(whole(torch.jit.script(nn.Sequential(L(4, 3)))), "that was scripted",
                   whole(nn.Sequential(L(4, 3)))),
    "number": Help(whole(7), "supported are torch.nn Linear", PLAIN),
    "neurons": Help(whole(lif()), "put it in a list: from_torch([module])",
                    read(lif(), input_shape=(3,))),
    "a layer": Help(whole(L(4, 3)), "put it in a list: from_torch([module])", read(L(4, 3))),
    "net": Help(whole(NET), "from_torch([net.fc, net.lif])", read(NET.fc, NET.lif)),
    "list": Help(whole(nn.ModuleList([NET.fc, NET.lif])), "from_torch([net[0], net[1]])",
                 read(NET.fc, NET.lif)),
    "dict": Help(whole(nn.ModuleDict({"a": NET.fc, "b": NET.lif})), "from_torch([net.a, net.b])",
                 read(NET.fc, NET.lif)),
    "part": Help(whole(PART), "without net.act (ReLU), which is not supported",
                 read(PART.fc, PART.lif)),
    "block": Help(read(L(4, 4), NET), "[..., block.fc, block.lif, ...]",
                  read(L(4, 4), NET.fc, NET.lif)),
    "subclass": Help(read(L(4, 3), Own(0.9)), "use Leaky itself", PLAIN),
    "other neurons": Help(read(L(4, 3), snntorch.Alpha(0.9, 0.5)),
                          "supported of snnTorch are Leaky, Synaptic", PLAIN),
    "other neurons alone": Help(whole(snntorch.Alpha(0.9, 0.5)),
                                "supported of snnTorch are Leaky, Synaptic", PLAIN),
    "activation": Help(read(L(4, 3), nn.ReLU(), lif()), "leave it out", PLAIN),
    "attention": Help(read(L(4, 4), nn.MultiheadAttention(4, 2), lif()), "use Linear and Conv2d",
                      PLAIN),
    "recurrence": Help(read(L(4, 3), nn.LSTM(3, 3), lif()), "recurrent neurons of a framework",
                       read(L(4, 3), snntorch.RLeaky(0.9, linear_features=3))),
    "norm": Help(read(L(4, 3), nn.LayerNorm(3), lif()), "use BatchNorm1d",
                 read(L(4, 3), nn.BatchNorm1d(3).eval(), lif())),
    "unflatten": Help(read(nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 2, 3), lif()),
                      "input_shape=(channels, height, width), and leave it out",
                      read(nn.Conv2d(1, 2, 3), lif(), input_shape=(1, 4, 4))),
    "nothing": Help(read(), "supported are torch.nn Linear", PLAIN),
    "first": Help(read(lif()), "input_shape=(64,)", read(lif(), input_shape=(64,))),
    "no torch": Help(lambda: _without_torch(), "pip install 'edge-dassdp[torch]'", PLAIN),
    "readout": Help(read(L(4, 3), lif(), readout="rate"), "choose spike_count",
                    read(L(4, 3), lif(), readout="spike_count")),
    "membranes that reset": Help(read(L(4, 3), lif(), readout="membrane_sum"),
                                 "choose spike_count", read(L(4, 3), lif(), readout="spike_count")),
    "membranes": Help(read(L(4, 3), lif(), readout="membrane_sum"), "neurons that do not reset",
                      read(L(4, 3), lif(reset_mechanism="none"), readout="membrane_sum")),
    "many": Help(read(nn.Conv2d(1, 2, 1), lif(), input_shape=(1, 200, 200)), "pool before it",
                 read(nn.AvgPool2d(4), nn.Conv2d(1, 2, 1), lif(), input_shape=(1, 200, 200))),
    "large": Help(read(L(4, 3), lif(threshold=2e30)), "finite numbers",
                  read(L(4, 3), lif(threshold=2.0))),
    "frames": Help(read(L(4, 3), lif(), input_frames=3), "n_steps for one of each",
                   read(L(4, 3), lif(), input_frames=4)),
    "threshold": Help(read(L(4, 3), lif(threshold=-1.0)), "clamp thresholds",
                      read(L(4, 3), lif(threshold=0.01))),
}
SHARED = lif(init_hidden=True)


def _without_torch() -> None:
    with without("torch"):
        from_torch([], n_steps=4)


def recurrent(out: int) -> Any:
    made = snntorch.RLeaky(0.9, linear_features=3)
    made.recurrent = nn.Linear(3, out)
    return made


CHAIN: dict[str, Help] = {
    "behind membranes": Help(read(L(4, 3), norse.LICell(), L(3, 2)), "only the last neurons",
                             read(L(4, 3), norse.LIFCell(), L(3, 2), norse.LICell())),
    "spikes of membranes": Help(read(L(4, 3), norse.LICell(), readout="spike_count"),
                                "choose membrane_sum",
                                read(L(4, 3), norse.LICell(), readout="membrane_sum")),
    "twice": Help(read(L(3, 3), SHARED, L(3, 3), SHARED), "a module of its own",
                  read(L(3, 3), lif(), L(3, 3), lif())),
    "behind max pooling": Help(
        space(nn.Conv2d(2, 2, 3), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3), lif()),
        "put neurons behind the max pooling",
        space(nn.Conv2d(2, 2, 3), nn.MaxPool2d(2), lif(), nn.Conv2d(2, 2, 3), lif())),
    "pooled spikes": Help(space(lif(), nn.MaxPool2d(2, dilation=2), nn.Flatten(), L(18, 3), lif()),
                          "use dilation=1", space(lif(), nn.MaxPool2d(2), nn.Flatten(), L(32, 3),
                                                  lif())),
    "recurrent size": Help(read(L(4, 3), recurrent(2)), "as many values as there are neurons, 3",
                           read(L(4, 3), recurrent(3))),
    "recurrent kind": Help(read(L(4, 3), _odd := recurrent(3)), "use Linear itself", PLAIN),
    "too large a kernel": Help(space(nn.Conv2d(2, 2, 9), lif()), "a smaller kernel",
                               space(nn.Conv2d(2, 2, 3), lif())),
}
_odd.recurrent = type("Mine", (nn.Linear,), {})(3, 3)


def norm(n: int = 3, **how: Any) -> Any:
    return nn.BatchNorm1d(n, **how).eval()


def holding(value: float, dtype: Any = torch.float32) -> Any:
    layer = L(4, 3).to(dtype)
    with torch.no_grad():
        layer.weight[0, 0] = value
    return layer


def changed(make: Callable[[], Any], name: str, value: Any) -> Any:
    made = make()
    setattr(made, name, value)
    return made


LAYER: dict[str, Help] = {
    "flatten first": Help(space(nn.AvgPool2d(2), L(32, 3), lif()), "put an nn.Flatten() before it",
                          space(nn.AvgPool2d(2), nn.Flatten(), L(32, 3), lif())),
    "inputs": Help(read(L(4, 3), lif(), L(4, 2), lif()), "build it for 3 inputs",
                   read(L(4, 3), lif(), L(3, 2), lif())),
    "outputs": Help(read(L(4, 3), lif(), L(4, 2), lif()), "the layer before it for 4 outputs",
                    read(L(4, 4), lif(), L(4, 2), lif())),
    "padding_mode": Help(space(nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), lif()),
                         "use zeros", space(nn.Conv2d(2, 2, 3, padding=1, padding_mode="zeros"),
                                            lif())),
    "same": Help(space(nn.Conv2d(2, 2, 2, padding="same"), lif()), "an odd kernel",
                 space(nn.Conv2d(2, 2, 3, padding="same"), lif())),
    "same, number": Help(space(nn.Conv2d(2, 2, 2, padding="same"), lif()), "a number as padding",
                         space(nn.Conv2d(2, 2, 2, padding=1), lif())),
    "statistics": Help(read(L(4, 3), norm(track_running_stats=False), lif()),
                       "use track_running_stats=True", read(L(4, 3), norm(), lif())),
    "training": Help(read(L(4, 3), norm().train(), lif()), "call model.eval()",
                     read(L(4, 3), norm(), lif())),
    "channels": Help(read(L(4, 3), norm(5), lif()), "build it for 3",
                     read(L(4, 3), norm(3), lif())),
    "norm first": Help(read(norm(4), L(4, 3), lif()), "input_shape=(n,) or (channels, length)",
                       read(norm(4), L(4, 3), lif(), input_shape=(4,))),
    "norm first, channels": Help(read(norm(4), nn.Conv1d(4, 3, 3), lif()), "(channels, length)",
                                 read(norm(4), nn.Conv1d(4, 3, 3), lif(), input_shape=(4, 9))),
    "norm in space": Help(space(norm(2), nn.Conv2d(2, 3, 3), lif()), "the layer for values of",
                          space(nn.BatchNorm2d(2).eval(), nn.Conv2d(2, 3, 3), lif())),
    "volume": Help(read(nn.Conv2d(2, 3, 3), lif()), "input_shape=(channels, height, width)",
                   space(nn.Conv2d(2, 3, 3), lif())),
    "part of the dimensions": Help(space(nn.Flatten(1, 2), L(8, 3), lif()),
                                   "nn.Flatten() without arguments",
                                   space(nn.Flatten(), L(128, 3), lif())),
    "padding of means": Help(
        space(nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.Flatten(), L(50, 3), lif()),
        "use count_include_pad=True",
        space(nn.AvgPool2d(2, padding=1), nn.Flatten(), L(50, 3), lif())),
    "divisor": Help(space(nn.AvgPool2d(2, divisor_override=3), nn.Flatten(), L(32, 3), lif()),
                    "divisor_override=1 for sums",
                    space(nn.AvgPool2d(2, divisor_override=1), nn.Flatten(), L(32, 3), lif())),
    "indices": Help(space(lif(), nn.MaxPool2d(2, return_indices=True), nn.Flatten(), L(32, 3)),
                    "return_indices=False", space(lif(), nn.MaxPool2d(2), nn.Flatten(), L(32, 3))),
    "ceil": Help(space(nn.AvgPool2d(3, ceil_mode=True), nn.Flatten(), L(18, 3), lif()),
                 "use ceil_mode=False", space(nn.AvgPool2d(3), nn.Flatten(), L(8, 3), lif())),
    "adaptive": Help(space(nn.AdaptiveAvgPool2d(3), nn.Flatten(), L(18, 3), lif()),
                     "a kernel that fits",
                     space(nn.AvgPool2d(4, 2), nn.Flatten(), L(18, 3), lif())),
    "nan": Help(read(holding(np.nan), lif()), "finite numbers", read(holding(0.5), lif())),
    "meta": Help(read(L(4, 3, device="meta"), lif()),
                 "to_empty(device='cpu'), then load_state_dict", lambda: _from_meta()),
    "quantized": Help(read(changed(lambda: L(4, 3), "weight", nn.Parameter(
        torch.quantize_per_tensor(torch.ones(3, 4), 0.1, 0, torch.qint8), requires_grad=False)),
        lif()), "import the float model", PLAIN),
    "complex": Help(read(L(4, 3).to(torch.complex64), lif()), "make it real",
                    read(L(4, 3).to(torch.complex64).to(torch.float32), lif())),
    "sparse": Help(read(changed(lambda: L(4, 3), "weight", nn.Parameter(
        torch.ones(3, 4).to_sparse(), requires_grad=False)), lif()), "tensor.to_dense()",
        read(changed(lambda: L(4, 3), "weight", nn.Parameter(
            torch.ones(3, 4).to_sparse().to_dense())), lif())),
    "beta of others": Help(read(L(4, 3), snntorch.Leaky(torch.ones(5))),
                           "one for each neuron: (3,)",
                           read(L(4, 3), snntorch.Leaky(torch.ones(3)))),
}


def _from_meta() -> None:
    layer = L(4, 3, device="meta").to_empty(device="cpu")
    layer.load_state_dict(L(4, 3).state_dict())
    read(layer, lif())()


def hooked(register: str) -> tuple[Any, Any]:
    layer = L(4, 3)
    return layer, getattr(layer, register)(lambda *a: None)


def removed(register: str) -> Callable[[], object]:
    layer, handle = hooked(register)
    handle.remove()
    return read(layer, lif())


def all_hooked() -> None:
    handle = nn.modules.module.register_module_forward_hook(lambda *a: None)
    try:
        PLAIN()
    finally:
        handle.remove()


def replaced() -> None:
    """A function in the place of a class's forward, put back."""
    before = nn.Linear.forward
    nn.Linear.forward = lambda self, x: before(self, x)  # type: ignore[method-assign]
    try:
        PLAIN()
    finally:
        nn.Linear.forward = before  # type: ignore[method-assign]


def run_once() -> None:
    made = nn.LazyLinear(3)
    made(torch.ones(2, 4))
    read(made, lif())()


def spectral(training: bool) -> Any:
    return nn.utils.spectral_norm(L(4, 3)).train(training)


def fails() -> Any:
    made = L(4, 3).double()
    made.bias = nn.Parameter(made.bias.detach().float())
    return made


FORWARD: dict[str, Help] = {
    "hook": Help(read(hooked("register_forward_hook")[0], lif()), "its handle has a remove method",
                 removed("register_forward_hook")),
    "pre-hook": Help(read(hooked("register_forward_pre_hook")[0], lif()), "remove the hook",
                     removed("register_forward_pre_hook")),
    "hook of all": Help(all_hooked, "remove the hook", PLAIN),
    "lazy": Help(read(nn.LazyLinear(3), lif()), "run a batch through the model first", run_once),
    "own forward": Help(read(changed(lambda: L(4, 3), "forward", lambda x: x), lif()), "remove it",
                        PLAIN),
    "class": Help(replaced, "put the forward of Linear back", PLAIN),
    "spectral norm": Help(read(spectral(True), lif()), "call model.eval()",
                          read(spectral(False), lif())),
    "fails": Help(read(fails(), lif()), "mend what its forward pass cannot take",
                  read(fails().double(), lif())),
    "fails, unchecked": Help(read(fails(), lif()), "or pass check=False",
                             read(fails(), lif(), check=False)),
}


def leaky(kind: Callable[..., Any] = snntorch.Leaky, *values: float, **how: Any
          ) -> Callable[[], object]:
    return read(L(4, 3), kind(*(values or (0.9,)), **how))


def graded(factor: float) -> Callable[[], object]:
    """The factor in the weights behind it."""
    behind = L(3, 2, bias=False)
    with torch.no_grad():
        behind.weight *= factor
    return read(L(4, 3), lif(), behind, lif())


def other_reset(again: str) -> Any:
    made = lif(reset_mechanism=again)
    made.load_state_dict(lif(reset_mechanism="zero").state_dict())
    return made


def stored(text: str) -> Callable[[], object]:
    return lambda: from_nir(nir_chain((3,), nir_lif(3)), n_steps=4, profile=text)


SNNTORCH: dict[str, Help] = {
    "file's reset": Help(stored("snntorch"), "snntorch,reset=none", stored("snntorch,reset=none")),
    "file's delay": Help(stored("snntorch,reset=zero"), "snntorch,reset=zero,reset_delay=true",
                         stored("snntorch,reset=zero,reset_delay=true")),
    "graded": Help(read(L(4, 3), lif(graded_spikes_factor=2.0), L(3, 2), lif()),
                   "multiply the weights behind it", graded(2.0)),
    "state_quant": Help(leaky(state_quant=lambda v: v), "state_quant=False",
                        leaky(state_quant=False)),
    "inhibition": Help(leaky(inhibition=True), "inhibition=False", leaky(inhibition=False)),
    "reset": Help(read(L(4, 3), other_reset("subtract")), "reset_mechanism='zero'",
                  read(L(4, 3), other_reset("zero"))),
    "spike_grad": Help(leaky(spike_grad=lambda v: v), "snntorch.surrogate, as fast_sigmoid()",
                       leaky(spike_grad=surrogate.fast_sigmoid())),
    "reset_delay": Help(leaky(snntorch.RSynaptic, 0.5, 0.9, linear_features=3, reset_delay=False),
                        "reset_delay=True",
                        leaky(snntorch.RSynaptic, 0.5, 0.9, linear_features=3, reset_delay=True)),
    "rounded": Help(read(L(4, 3), snntorch.Lapicque(R=5, C=1.0)), "use R=1 and time_step=1",
                    read(L(4, 3), snntorch.Lapicque(beta=0.9, R=1, time_step=1))),
}
HELPS = {f"{group}: {name}": entry for group, helps in (
    ("model", MODELS), ("chain", CHAIN), ("layer", LAYER), ("forward", FORWARD),
    ("snntorch", SNNTORCH)) for name, entry in helps.items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HELPS)
def test_what_the_help_says_works(name: str) -> None:
    HELPS[name].check()


@pytest.mark.filterwarnings("ignore")
def test_every_refusal_has_an_entry() -> None:
    paths = [path for path in (FRONTENDS / "torch").glob("*.py") if path.stem not in OF_OTHERS]
    assert unprovoked(paths, HELPS) == []
