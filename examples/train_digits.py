"""Trains the networks in examples/digits: handwritten digits, 64-96-64-10, 8 time steps.

    pip install 'edge-dassdp[torch,examples]'
    python train_digits.py --out digits

Writes data.npz (all samples and the split) and digits_seed0.npz, digits_seed1.npz, ...
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from chain import build, fit
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from edge_dassdp import ir
from edge_dassdp.data.datasets import Dataset, load_dataset, save_dataset
from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.twin.model import FloatModel

N_STEPS, SIZES, BETA = 8, (64, 96, 64, 10), 0.9
N_STREAM, N_TEST, SPLIT_SEED = 500, 400, 20240501


def write_data(path: Path) -> Dataset:
    """All 1797 samples with a stratified split: 897 train, 500 stream, 400 test."""
    digits = load_digits()
    raw, labels = digits.data.astype(np.uint8), digits.target
    rest, test = train_test_split(np.arange(len(raw)), test_size=N_TEST, stratify=labels,
                                  random_state=SPLIT_SEED)
    train, stream = train_test_split(rest, test_size=N_STREAM, stratify=labels[rest],
                                     random_state=SPLIT_SEED)
    save_dataset(path, "digits", raw, labels,
                 {"train": np.sort(train), "stream": stream, "test": np.sort(test)})
    return load_dataset(path)


def train(data: Dataset, seed: int, epochs: int) -> nn.Sequential:
    """Adam, pixel noise."""
    torch.manual_seed(seed)
    model = build(SIZES, BETA)
    x, y = torch.tensor(data.train.x)[:, None], torch.tensor(data.train.y)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
    fit(model, x, y, optimizer, n_steps=N_STEPS, epochs=epochs, noise=0.3)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="number of networks (default 5)")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training rows")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "digits",
                        help="folder to write to")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    data = write_data(options.out / "data.npz")
    for seed in range(options.seeds):
        begin = time.perf_counter()
        network = from_torch(train(data, seed, options.epochs), n_steps=N_STEPS, logits="sum")
        ir.save(network, options.out / f"digits_seed{seed}.npz")
        trace = FloatModel(network).run(data.test.x)
        rates = ", ".join(f"{name} {trace.spikes[name].mean():.2f}" for name in trace.spikes)
        print(f"seed {seed}: test accuracy {(trace.classes == data.test.y).mean():.4f}, spikes per "
              f"neuron and step: {rates}, {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
