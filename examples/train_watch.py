"""Trains the networks in examples/watch: shoulder exercises, 24-128-64-7, 25 time steps.

    pip install 'edge-dassdp[torch,watch]'
    python train_watch.py --out watch

Writes data.npz (all recordings, unless it is there) and watch_seed0.npz, watch_seed1.npz, ... Who
trains which network stands in edge_dassdp/data/watch.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from chain import build, fit, initialize
from torch import nn

from edge_dassdp import ir
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.watch import (
    N_FRAMES,
    SCENARIOS,
    WatchData,
    load_watch,
    save_watch,
    scenario,
    training,
)
from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.twin.model import FloatModel

SIZES, BETA = (24, 128, 64, 7), 0.75
"""The leak is 1 - 1/4, a shift on the device."""
GAINS = (1.0, 1.2, 0.5)
"""Of each layer's first weights, `chain.initialize`. A readout that begins small ends in smaller
logits: under a shift the network is less sure of itself and has fewer silent neurons."""
STEPS_PER_STD = 128
TRAIN_HOP = 15
"""Samples between two training windows: phases of a movement, as augmentation."""


def recordings(path: Path) -> WatchData:
    """All 140 of seglearn's watch set in steps of a 128th of a standard deviation; written once."""
    if path.exists():
        return load_watch(path)
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


def train(samples: Samples, seed: int, epochs: int,
          augment: Callable[[torch.Tensor], torch.Tensor] | None = None) -> nn.Sequential:
    """From `GAINS` by AdamW, with a little noise, for the classes that there are. augment: as of
    `chain.fit`."""
    torch.manual_seed(seed)
    model = build((*SIZES[:-1], int(samples.y.max()) + 1), BETA)
    initialize(model, GAINS)
    x, y = torch.tensor(samples.x).reshape(-1, N_FRAMES, SIZES[0]), torch.tensor(samples.y)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    fit(model, x, y, optimizer, n_steps=N_FRAMES, epochs=epochs, noise=0.1,
        augment=augment)
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
    data = recordings(options.out / "data.npz")
    for seed in range(options.seeds):
        begin = time.perf_counter()
        samples, scale = training(seed, data, TRAIN_HOP)
        network = from_torch(train(samples, seed, options.epochs), n_steps=N_FRAMES,
                             input_frames=N_FRAMES, logits="sum")
        ir.save(network.with_sensor(scale.sensor), options.out / f"watch_seed{seed}.npz")
        model, shares = FloatModel(network), []
        for name in SCENARIOS:
            test = scenario(name, seed, data).test
            shares.append(f"{name} {(model.run(test.x).classes == test.y).mean():.3f}")
        print(f"seed {seed}: accuracy {', '.join(shares)}, {time.perf_counter() - begin:.0f} s",
              flush=True)


if __name__ == "__main__":
    main()
