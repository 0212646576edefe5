"""Samples a second: the emulator against snnTorch on one thread, the digits network, inference.

    python benchmarks/emulator_speed.py [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import snntorch
import torch
from torch import nn

from edge_dassdp import assets, ir
from edge_dassdp.datasets import load_dataset
from edge_dassdp.quantize import Settings, input_x, quantize
from edge_dassdp.rules import Learning
from edge_dassdp.targets.emulator import Emulator

REPEATS = 7


def as_snntorch(network: ir.Network) -> nn.ModuleList:
    """The chain of Linear and Leaky that the network was imported from."""
    layers: list[nn.Module] = []
    for population, projection in zip(network.populations, network.projections, strict=True):
        linear = nn.Linear(*projection.weight.shape)
        linear.weight.data = torch.tensor(projection.weight.T, dtype=torch.float32)
        linear.bias.data = torch.tensor(projection.bias, dtype=torch.float32)
        layers += [linear, snntorch.Leaky(
            beta=float(population.beta[0]), threshold=float(population.threshold[0]),
            reset_mechanism=population.reset, reset_delay=population.reset_delay)]
    return nn.ModuleList(layers)


@torch.no_grad()
def run_snntorch(layers: nn.ModuleList, x: torch.Tensor, n_steps: int) -> torch.Tensor:
    """Classes by summed membrane of the last layer."""
    membranes = [layer.init_leaky() for layer in layers[1::2]]
    logits = torch.zeros(())
    for _ in range(n_steps):
        signal = x
        for i, (linear, leaky) in enumerate(zip(layers[::2], layers[1::2], strict=True)):
            signal, membranes[i] = leaky(linear(signal), membranes[i])
        logits = logits + membranes[-1]
    return logits.argmax(dim=-1)


def rate(run: Callable[[], object], n_samples: int) -> float:
    """Samples a second, the median of several runs after a warm-up."""
    run()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return n_samples / float(np.median(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    path = parser.parse_args().json
    torch.set_num_threads(1)
    folder = assets.folder("examples") / "digits"
    data = load_dataset(folder / "data.npz")
    network = ir.load(folder / "digits_seed0.npz")
    quantized = quantize(network, Learning.default(network), Settings(), data.train.x).network
    emulator = Emulator(quantized)
    x = np.concatenate([data.train.x, data.stream.x, data.test.x])
    x_q = np.tile(input_x(quantized, x), (30, 1))
    tensor, layers = torch.tensor(x), as_snntorch(network)
    few = tensor[:50]
    rates = {
        "emulator": rate(lambda: emulator.run(x_q), len(x_q)),
        "snntorch_batched": rate(lambda: run_snntorch(layers, tensor, network.n_steps), len(x)),
        "snntorch_unbatched": rate(
            lambda: [run_snntorch(layers, s[None], network.n_steps) for s in few], len(few)),
    }
    for name, value in rates.items():
        print(f"{name:20s} {value:12,.0f} samples/s   emulator is "
              f"{rates['emulator'] / value:8.1f} times that")
    if path:
        path.write_text(json.dumps(rates, indent=2) + "\n")


if __name__ == "__main__":
    main()
