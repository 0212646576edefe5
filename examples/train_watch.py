"""Trains the networks in examples/watch: shoulder exercises, 24-128-64-7, 25 time steps.

    pip install 'edge-dassdp[torch,examples]'
    python train_watch.py --out watch

Writes data.npz (all recordings) and watch_seed0.npz, watch_seed1.npz, ... Who trains which network
stands in edge_dassdp/watch.py.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import snntorch
import torch
from torch import nn

from edge_dassdp import ir
from edge_dassdp.datasets import Samples
from edge_dassdp.floatmodel import FloatModel
from edge_dassdp.frontends.torch import from_sequential
from edge_dassdp.watch import (
    N_FRAMES,
    SCENARIOS,
    WatchData,
    load_watch,
    save_watch,
    scenario,
    training,
)

SIZES, BETA = (24, 128, 64, 7), 0.75
"""The leak is 1 - 1/4, a shift on the device."""
STEPS_PER_STD = 128
TRAIN_HOP = 15
"""Samples between two training windows: phases of a movement, as augmentation."""


def write_data(path: Path) -> WatchData:
    """All 140 recordings of seglearn's watch set in steps of a 128th of a standard deviation."""
    from seglearn.datasets import load_watch as load_seglearn

    watch = load_seglearn()
    whole = np.concatenate(watch["X"])
    step = whole.std(axis=0) / STEPS_PER_STD
    columns = {"label": watch["y"], "wearer": watch["subject"], "side": watch["side"]}
    save_watch(path, np.round(whole / step).astype(np.int16), step,
               np.cumsum([0] + [len(recording) for recording in watch["X"]]),
               {name: np.asarray(column) for name, column in columns.items()},
               {"channels": list(watch["X_labels"]), "exercises": list(watch["y_labels"])})
    return load_watch(path)


def build() -> nn.Sequential:
    """Two hidden layers with snnTorch's default reset, a readout that sums its current."""
    hidden = [
        layer
        for n_in, n_out in pairwise(SIZES[:-1])
        for layer in (nn.Linear(n_in, n_out), snntorch.Leaky(beta=BETA))
    ]
    readout = (nn.Linear(SIZES[-2], SIZES[-1]), snntorch.Leaky(0.0, reset_mechanism="none"))
    return nn.Sequential(*hidden, *readout)


def summed_membrane(model: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    """Logits (n_samples, n_classes) of x (n_samples, n_frames, 24)."""
    states = {place: module.reset_mem() for place, module in enumerate(model)
              if isinstance(module, snntorch.Leaky)}
    total = torch.zeros(len(x), SIZES[-1])
    for t_step in range(N_FRAMES):
        value = x[:, t_step]
        for place, module in enumerate(model):
            if place in states:
                value, states[place] = module(value, states[place])
            else:
                value = module(value)
        total = total + states[len(model) - 1]
    return total


def train(samples: Samples, seed: int, epochs: int) -> nn.Sequential:
    """Cross-entropy on the summed membrane, AdamW with a cosine schedule, a little noise."""
    torch.manual_seed(seed)
    model = build()
    x, y = torch.tensor(samples.x).reshape(-1, N_FRAMES, SIZES[0]), torch.tensor(samples.y)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            noisy = x[rows] + 0.1 * torch.randn(len(rows), N_FRAMES, SIZES[0])
            loss = nn.functional.cross_entropy(summed_membrane(model, noisy), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="number of networks (default 10)")
    parser.add_argument("--epochs", type=int, default=16, help="passes over the training windows")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "watch",
                        help="folder to write to")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    data = write_data(options.out / "data.npz")
    for seed in range(options.seeds):
        begin = time.perf_counter()
        samples, _ = training(seed, data, TRAIN_HOP)
        network = from_sequential(train(samples, seed, options.epochs), n_steps=N_FRAMES,
                                  input_frames=N_FRAMES)
        ir.save(network, options.out / f"watch_seed{seed}.npz")
        model, shares = FloatModel(network), []
        for name in SCENARIOS:
            test = scenario(name, seed, data).test
            shares.append(f"{name} {(model.run(test.x).classes == test.y).mean():.3f}")
        print(f"seed {seed}: accuracy {', '.join(shares)}, {time.perf_counter() - begin:.0f} s",
              flush=True)


if __name__ == "__main__":
    main()
