"""Samples a second: the emulator against snnTorch, inference, side by side in one process.

    python benchmarks/emulator_speed.py [--json FILE]

Three networks: 256-128-64-10 with about a fifth of its neurons active, from frames of spikes and
from constant currents, and the digits network. Both sides run the same network, steps and samples;
snnTorch takes the batch that suits it best, without gradients, and computes constant currents once,
as the emulator does. Runs alternate and the shortest of each counts, for other programs only slow
a run down.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import snntorch
import torch
from torch import nn

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.build.host import host_compiler, host_help
from edge_dassdp.build.tools import version
from edge_dassdp.data.datasets import load_dataset
from edge_dassdp.ir import FloatArray, Input, Network, Population, Projection, Readout
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.targets.emulator import Emulator, n_cores

RESULTS = Path(__file__).parent / "results" / "emulator_speed.json"
SIZES = (256, 128, 64, 10)
GAINS = (1.2, 1.15, 1.0)
DENSITY = 0.2
N_STEPS = 25
N_SAMPLES = 2048
N_UNBATCHED = 10
BATCHES = (128, 256, 512, 1024, 2048)
REPEATS = 10


@dataclass(frozen=True)
class Work:
    """A network and the samples x, float (n, n_values), that it runs."""

    name: str
    network: Network
    x: FloatArray

    @property
    def has_frames(self) -> bool:
        return self.network.inputs[0].n_frames > 1

    def tensor(self, n: int) -> torch.Tensor:
        """The first n samples: (n, size), or (n_steps, n, size) of frames."""
        x = torch.tensor(self.x[:n], dtype=torch.float32)
        if not self.has_frames:
            return x
        return x.reshape(n, self.network.n_steps, -1).transpose(0, 1).contiguous()


def random_network(*, spikes: bool) -> Network:
    """256-128-64-10 of random weights, scaled so that about a fifth of each layer is active."""
    rng = np.random.default_rng(0)
    populations, projections, pre = [], [], "x"
    for i, (n_pre, n_post) in enumerate(pairwise(SIZES)):
        is_last = i == len(SIZES) - 2
        name, scale = f"p{i + 1}", GAINS[i] / np.sqrt(n_pre * DENSITY)
        populations.append(Population(name, n_post, 0.9, 1.0, "none" if is_last else "subtract"))
        projections.append(Projection(f"fc{i + 1}", pre, name,
                                      rng.normal(0, scale, (n_pre, n_post)), np.zeros(n_post)))
        pre = name
    return Network((Input("x", SIZES[0], N_STEPS if spikes else 1, spikes),), tuple(populations),
                   tuple(projections), Readout(pre, "membrane_sum"), N_STEPS)


def works() -> list[Work]:
    rng = np.random.default_rng(1)
    frames = (rng.random((N_SAMPLES, N_STEPS * SIZES[0])) < DENSITY).astype(np.float64)
    currents = rng.normal(0, 0.18, (N_SAMPLES, SIZES[0]))
    folder = assets.folder("examples") / "digits"
    data = load_dataset(folder / "data.npz")
    digits = np.concatenate([data.train.x, data.stream.x, data.test.x])
    return [Work("256-128-64-10, frames of spikes", random_network(spikes=True), frames),
            Work("256-128-64-10, constant currents", random_network(spikes=False), currents),
            Work("digits", ir.load(folder / "digits_seed0.npz"), digits[:N_SAMPLES])]


def as_snntorch(network: Network) -> nn.ModuleList:
    """The chain of Linear and Leaky that the network stands for."""
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
    """Classes by summed membrane of the last layer; x as of `Work.tensor`."""
    membranes = [layer.init_leaky() for layer in layers[1::2]]
    constant = layers[0](x) if x.ndim == 2 else None
    logits = torch.zeros(())
    for t_step in range(n_steps):
        signal = layers[0](x[t_step]) if constant is None else constant
        for i, leaky in enumerate(layers[1::2]):
            current = layers[2 * i](signal) if i else signal
            signal, membranes[i] = leaky(current, membranes[i])
        logits = logits + membranes[-1]
    return logits.argmax(dim=-1)


def shortest(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each, the shortest of several runs that take turns, after a warm-up."""
    best = dict.fromkeys(runs, float("inf"))
    for repeat in range(REPEATS + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if repeat:
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def activity(network: QNetwork, x: Any) -> dict[str, float]:
    """Share of each population that spikes in a step."""
    reference = Reference(network)
    reference.begin(x)
    rates = {p.name: 0.0 for p in network.populations}
    for t_step in range(network.n_steps):
        reference.step(t_step)
        for name in rates:
            rates[name] += float(reference.spikes[name].mean()) / network.n_steps
    return rates


def measure(work: Work, n_threads: int) -> dict[str, float]:
    """Samples a second of both sides on n_threads, and snnTorch's best batch."""
    torch.set_num_threads(n_threads)
    network, layers = work.network, as_snntorch(work.network)
    quantized = quantize(network, None, Settings(), work.x[:256]).network
    x = input_x(quantized, work.x)
    emulator = Emulator(quantized, n_threads=n_threads)
    batches = {n: work.tensor(n) for n in BATCHES if n <= len(x)}
    singles = [work.tensor(N_UNBATCHED).narrow(-2, i, 1) for i in range(N_UNBATCHED)]
    seconds = shortest(
        {"emulator": lambda: emulator.run(x),
         "unbatched": lambda: [run_snntorch(layers, s, network.n_steps) for s in singles]}
        | {str(n): lambda t=t: run_snntorch(layers, t, network.n_steps)
           for n, t in batches.items()})
    rates = {n: n / seconds[str(n)] for n in batches}
    best = max(rates, key=rates.__getitem__)
    return {"emulator": len(x) / seconds["emulator"], "snntorch_batched": rates[best],
            "snntorch_batch": best, "snntorch_unbatched": N_UNBATCHED / seconds["unbatched"]}


def compare(work: Work) -> dict[str, Any]:
    """Figures of one network: prints them and returns them."""
    quantized = quantize(work.network, None, Settings(), work.x[:256]).network
    x = input_x(quantized, work.x)
    expected = run_snntorch(as_snntorch(work.network), work.tensor(len(x)),
                            work.network.n_steps).numpy()
    same = float((Emulator(quantized).classify(x) == expected).mean())
    rates = activity(quantized, x[:64])
    shares = ", ".join(f"{name} {100 * rate:.0f} %" for name, rate in rates.items())
    print(f"{work.name}: {work.network.n_steps} steps, {len(x):,} samples; active a step: "
          f"{shares}; classes as snnTorch's: {100 * same:.1f} %")
    found: dict[str, Any] = {"n_steps": work.network.n_steps, "n_samples": len(x),
                             "activity": {k: round(v, 3) for k, v in rates.items()},
                             "same_class": round(same, 4), "by_threads": {}}
    for n_threads in sorted({1, n_cores()}):
        done = measure(work, n_threads)
        ratios = {f"times_{kind}": round(done["emulator"] / done[f"snntorch_{kind}"], 1)
                  for kind in ("batched", "unbatched")}
        print(f"  {n_threads} thread{'s' if n_threads > 1 else ''}: emulator "
              f"{done['emulator']:,.0f} samples/s; snnTorch {done['snntorch_batched']:,.0f} in "
              f"batches of {done['snntorch_batch']}, {done['snntorch_unbatched']:,.0f} one by one: "
              f"{ratios['times_batched']} and {ratios['times_unbatched']} times")
        found["by_threads"][n_threads] = {k: round(v) for k, v in done.items()} | ratios
    return found


def machine() -> dict[str, str | int | float]:
    """What the figures depend on."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines()
             if line.startswith("model name")] if info.exists() else []
    return {"cpu": names[0] if names else platform.processor(), "cores": n_cores(),
            "architecture": platform.machine(), "system": platform.system(),
            "compiler": version(tuple(host_compiler()), host_help()),
            "python": platform.python_version(), "numpy": np.__version__,
            "torch": torch.__version__, "snntorch": snntorch.__version__,
            "load": round(os.getloadavg()[0], 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=RESULTS)
    path = parser.parse_args().json
    where = machine()
    print(", ".join(f"{k} {v}" for k, v in where.items()))
    results = {"machine": where, "networks": {work.name: compare(work) for work in works()}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
