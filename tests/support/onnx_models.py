"""Networks of snnTorch neurons as single time steps, as tests/data/onnx/make.py exports them.

Weights lie on a binary grid, so that sums of currents are exact whatever their order, and spikes
and membranes can be compared to the last bit; thresholds lie on it, too, so that membranes meet
them. Equal constants stand in different layers, which exporters merge.
"""

from __future__ import annotations

import warnings

import numpy as np
import onnx
import snntorch
import torch
from torch import nn

RESETS = (("subtract", True), ("zero", True), ("none", True), ("subtract", False),
          ("zero", False))
INPUT = (2, 6, 6)


def fill(module: nn.Module, seed: int) -> None:
    """Weights and biases in eighths."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.Conv1d):
                layer.weight.copy_(torch.tensor(rng.integers(-6, 9, layer.weight.shape) / 8))
                if layer.bias is not None:
                    layer.bias.copy_(torch.tensor(rng.integers(-3, 5, layer.bias.shape) / 8))


class Step(nn.Module):
    """forward(x, *states) -> (spikes, *new states); `shapes` are those of x and of the states
    without the batch, `neurons` the numbers of states of each layer of neurons."""

    shapes: tuple[tuple[int, ...], ...]
    neurons: tuple[int, ...]


class Volume(Step):
    """Convolutions, pooling of both kinds, batch normalization, Leaky, Synaptic, a readout."""

    shapes = (INPUT, (3, 6, 6), (2, 2, 2), (6,), (6,), (4,))
    neurons = (1, 1, 2, 1)

    def __init__(self, reset: str, delay: bool) -> None:
        super().__init__()
        how = {"reset_mechanism": reset, "reset_delay": delay}
        self.conv1 = nn.Conv2d(2, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3, eps=0.0)
        leaks = torch.tensor([0.5, 0.75, 1.0])[:, None, None]
        self.lif1 = snntorch.Leaky(leaks, threshold=0.5, learn_beta=True, **how)
        self.conv2 = nn.Conv2d(3, 2, 2)
        self.lif2 = snntorch.Leaky(0.9, **how)
        self.fc1 = nn.Linear(2, 6)
        self.lif3 = snntorch.Synaptic(0.5, 0.75, threshold=1.0, **how)
        self.fc2 = nn.Linear(6, 4, bias=False)
        self.out = snntorch.Leaky(0.0, reset_mechanism="none")
        fill(self, 3)
        with torch.no_grad():
            self.norm.weight.copy_(torch.tensor([1.0, 2.0, 0.5]))
            self.norm.bias.copy_(torch.tensor([0.25, 0.0, -0.25]))
            self.norm.running_mean.copy_(torch.tensor([0.0, 0.5, 0.25]))
            self.norm.running_var.copy_(torch.tensor([1.0, 4.0, 0.25]))

    def forward(self, x, mem1, mem2, syn3, mem3, mem4):
        x, mem1 = self.lif1(self.norm(self.conv1(x)), mem1)
        x, mem2 = self.lif2(self.conv2(nn.functional.avg_pool2d(x, 2)), mem2)
        x = torch.flatten(nn.functional.max_pool2d(x, 2), 1)
        x, syn3, mem3 = self.lif3(self.fc1(x), syn3, mem3)
        x, mem4 = self.out(self.fc2(x), mem4)
        return x, mem1, mem2, syn3, mem3, mem4


class Maxima(Step):
    """Max pooling of currents between convolutions and neurons, past the end and padded, too."""

    shapes = (INPUT, (3, 3, 3), (4, 2, 2), (4,))
    neurons = (1, 1, 1)

    def __init__(self, reset: str, delay: bool) -> None:
        super().__init__()
        how = {"reset_mechanism": reset, "reset_delay": delay}
        self.conv1, self.conv2 = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 2)
        self.lif1 = snntorch.Leaky(0.5, threshold=0.5, **how)
        self.lif2 = snntorch.Leaky(0.75, threshold=0.5, **how)
        self.fc, self.out = nn.Linear(16, 4), snntorch.Leaky(0.0, reset_mechanism="none")
        fill(self, 6)

    def forward(self, x, mem1, mem2, mem3):
        x, mem1 = self.lif1(nn.functional.max_pool2d(self.conv1(x), 2), mem1)
        x = nn.functional.max_pool2d(self.conv2(x), 3, 2, 1, ceil_mode=True)
        x, mem2 = self.lif2(x, mem2)
        x, mem3 = self.out(self.fc(torch.flatten(x, 1)), mem3)
        return x, mem1, mem2, mem3


class Chain(Step):
    """Layers of one size and equal constants, whose states only structure tells apart; states come
    out in another order than they go in. A skip adds two currents, spikes meet neurons directly."""

    shapes = ((5,), (5,), (5,), (5,), (5,))
    neurons = (1, 1, 2)

    def __init__(self, reset: str, delay: bool) -> None:
        super().__init__()
        how = {"threshold": 0.5, "reset_mechanism": reset, "reset_delay": delay}
        self.fc1, self.fc2, self.fc3 = (nn.Linear(5, 5) for _ in range(3))
        self.lif1 = snntorch.Leaky(0.5, **how)
        self.lif2 = snntorch.Leaky(0.5, **how)
        self.lif3 = snntorch.Synaptic(0.5, 0.5, **how)
        fill(self, 4)

    def forward(self, x, mem1, mem2, syn3, mem3):
        first, mem1 = self.lif1(self.fc1(x), mem1)
        second, mem2 = self.lif2(self.fc2(first) + first, mem2)
        third, syn3, mem3 = self.lif3(self.fc3(second) + self.fc1(first), syn3, mem3)
        return third, mem1, mem2, syn3, mem3


class Recurrent(Step):
    """RLeaky: its spikes go in again; the second layer has one weight for each neuron."""

    shapes = ((5,), (6,), (6,), (4,), (4,))
    neurons = (2, 2)

    def __init__(self, reset: str, delay: bool) -> None:
        super().__init__()
        how = {"reset_mechanism": reset, "reset_delay": delay}
        self.fc1, self.fc2 = nn.Linear(5, 6), nn.Linear(6, 4)
        self.lif1 = snntorch.RLeaky(0.5, linear_features=6, **how)
        self.lif2 = snntorch.RLeaky(0.75, all_to_all=False, V=-0.25, **how)
        fill(self, 5)

    def forward(self, x, spikes1, mem1, spikes2, mem2):
        spikes1, mem1 = self.lif1(self.fc1(x), spikes1, mem1)
        spikes2, mem2 = self.lif2(self.fc2(spikes1), spikes2, mem2)
        return spikes2 * 1.0, spikes1, mem1, spikes2, mem2


class Branches(Step):
    """Two ways of equal layers that meet, one of which skips; nothing orders their neurons."""

    shapes = ((5,), (6,), (6,), (4,))
    neurons = (1, 1, 1)

    def __init__(self, reset: str, delay: bool) -> None:
        super().__init__()
        how = {"threshold": 0.5, "reset_mechanism": reset, "reset_delay": delay}
        self.fc1, self.fc2 = nn.Linear(5, 6), nn.Linear(5, 6)
        self.fc3, self.fc4 = nn.Linear(6, 4), nn.Linear(6, 4)
        self.lif1, self.lif2 = snntorch.Leaky(0.5, **how), snntorch.Leaky(0.5, **how)
        self.lif3 = snntorch.Leaky(0.75, **how)
        fill(self, 6)

    def forward(self, x, mem1, mem2, mem3):
        one, mem1 = self.lif1(self.fc1(x), mem1)
        two, mem2 = self.lif2(self.fc2(x), mem2)
        three, mem3 = self.lif3(self.fc3(one) + self.fc4(two), mem3)
        return three, mem1, mem2, mem3


class Feedback(Step):
    """RLeaky or RSynaptic, one weight for all pairs or one for each neuron, then a Leaky; the
    spikes that go in again are the second input."""

    def __init__(self, kind: str, all_to_all: bool, reset: str, delay: bool) -> None:
        super().__init__()
        how = {"reset_mechanism": reset, "reset_delay": delay}
        how |= {"linear_features": 6} if all_to_all else {"all_to_all": False, "V": 0.375}
        self.fc1, self.fc2 = nn.Linear(5, 6), nn.Linear(6, 4)
        self.lif1 = snntorch.RLeaky(0.75, **how) if kind == "RLeaky" \
            else snntorch.RSynaptic(0.5, 0.75, **how)
        self.lif2 = snntorch.Leaky(0.5)
        self.neurons = (2 if kind == "RLeaky" else 3, 1)
        self.shapes = ((5,), *((6,),) * self.neurons[0], (4,))
        fill(self, 7)

    def forward(self, x, spikes1, *states):
        spikes1, *inner = self.lif1(self.fc1(x), spikes1, *states[:-1])
        spikes2, mem2 = self.lif2(self.fc2(spikes1), states[-1])
        return (spikes2, spikes1, *inner, mem2)


def run(model: Step, x: np.ndarray) -> list[np.ndarray]:
    """Every output at every step, (n samples, n_steps, *shape), of frames x (n samples, n_steps,
    *shape), one sample at a time as exported."""
    outputs = []
    with torch.no_grad():
        for sample in torch.tensor(x):
            states = [torch.zeros(1, *shape) for shape in model.shapes[1:]]
            steps = []
            for frame in sample:
                spikes, *states = model(frame[None], *states)
                steps.append([v[0].numpy().copy() for v in (spikes, *states)])
            outputs.append([np.stack(values) for values in zip(*steps, strict=True)])
    return [np.stack(values) for values in zip(*outputs, strict=True)]


def frames(shape: tuple[int, ...], *, analogue: bool, seed: int, n: int = 6,
           n_steps: int = 14) -> np.ndarray:
    """Spikes, or numbers in quarters."""
    rng = np.random.default_rng(seed)
    size = (n, n_steps, *shape)
    values = rng.integers(-4, 7, size) / 4 if analogue else rng.random(size) < 0.4
    return values.astype(np.float32)


def export(model: Step, path: str, *, dynamo: bool, names: list[str] | None = None) -> None:
    """One step with a batch of one, by either exporter, without the stack traces that dynamo
    writes. names: of the inputs; outputs are y and the states' names with _new."""
    arguments = tuple(torch.zeros(1, *shape) for shape in model.shapes)
    how = {"dynamo": True, "external_data": False} if dynamo else {
        "dynamo": False, "opset_version": 17}
    if names:
        how |= {"input_names": names,
                "output_names": ["y", *(f"{name}_new" for name in names[1:])]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), arguments, path, **how)
    exported = onnx.load(path)
    graph = exported.graph
    for part in (exported, graph, *graph.node, *graph.initializer, *graph.input, *graph.output,
                 *graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(exported, path)
