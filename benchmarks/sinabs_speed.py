"""Samples a second: the emulator against Sinabs, on the convolutional network that Sinabs ships.

    python benchmarks/sinabs_speed.py

NIR's reference file, 300 steps of random events, about 1 % of the inputs a step, on one thread.
Sinabs takes the batch that suits it best; runs alternate, and the shortest of each counts.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import nir
import numpy as np
import torch
from emulator_speed import machine, shortest
from sinabs.layers import StatefulLayer
from sinabs.nir import from_nir as sinabs_from_nir

from edge_dassdp.base import assets
from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.targets.emulator import Emulator

RESULTS = Path(__file__).parent / "results" / "sinabs_speed.json"
N_STEPS, N_SAMPLES, RATE, SHAPE = 300, 16, 0.01, (2, 34, 34)
BATCHES = (1, 4, 8, 16)


def compare() -> dict[str, object]:
    """Samples a second of each."""
    torch.set_num_threads(1)
    path = assets.folder("examples/nir") / "cnn_sinabs.nir"
    network = from_nir(path, profile="sinabs", n_steps=N_STEPS, n_events=10_000, counts=True)
    made = quantize(network).network
    rng = np.random.default_rng(0)
    x = (rng.random((N_SAMPLES, N_STEPS, *SHAPE)) < RATE).astype(np.float32)
    theirs = sinabs_from_nir(nir.read(path), num_timesteps=N_STEPS)
    with Emulator(made) as emulator:
        ours = partial(_emulated, emulator, input_x(made, x.reshape(N_SAMPLES, -1)))
        runs = {"emulator": ours} | {f"{n} at once": partial(_sinabs, theirs, x, n)
                                     for n in BATCHES}
        seconds = shortest(runs)
    mine = seconds.pop("emulator")
    best = min(seconds, key=lambda name: seconds[name])
    return {"n_steps": N_STEPS, "n_samples": N_SAMPLES, "rate": RATE,
            "emulator": round(N_SAMPLES / mine, 1),
            "sinabs": {name: round(N_SAMPLES / s, 1) for name, s in seconds.items()},
            "best": best, "times": round(seconds[best] / mine, 1)}


def _emulated(emulator: Emulator, x: np.ndarray) -> list[int]:
    return [emulator.infer(sample).class_idx for sample in x]


def _sinabs(model: torch.nn.Module, x: np.ndarray, n: int) -> list[int]:
    found: list[int] = []
    with torch.no_grad():
        for batch in np.split(x, len(x) // n):
            for module in model.modules():
                if isinstance(module, StatefulLayer):
                    module.reset_states()
            spikes, _ = model(torch.tensor(batch.reshape(-1, *SHAPE)))
            found += spikes.reshape(n, N_STEPS, -1).sum(1).argmax(1).tolist()
    return found


if __name__ == "__main__":
    results = {"machine": machine(), "N-MNIST CNN": compare()}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))
