"""Networks for a table of scikit-learn, and its samples under a shift, for `edge-dassdp compare`.

    python examples/train_table.py wine runs/wine [--networks 3] [--seed 0]

Half of the rows train the networks, a quarter is the stream, a quarter judges. Stream and test come
from another instrument: gains and offsets of each column, and a fifth of them dead, drawn from the
seed. Needs the extras `torch` and `examples`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from chain import build, fit
from sklearn import datasets

import edge_dassdp as ed
from edge_dassdp.data.shifts import WornSensor

N_STEPS, EPOCHS, HIDDEN, BETA = 8, 40, (64, 32), 0.75
TABLES = ("wine", "breast_cancer")


def trained(x: np.ndarray, y: np.ndarray, seed: int) -> ed.Network:
    """A network for standardized rows (n, n_columns)."""
    torch.manual_seed(seed)
    model = build((x.shape[1], *HIDDEN, int(y.max()) + 1), BETA)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    fit(model, torch.tensor(x)[:, None], torch.tensor(y), optimizer, n_steps=N_STEPS,
        epochs=EPOCHS, noise=0.1)
    return ed.from_torch(model, n_steps=N_STEPS, logits="sum")


def prepare(table: str, folder: Path, n_networks: int, seed: int) -> None:
    """Writes net<k>.npz, train.csv, stream.csv, test.csv and unshifted.csv."""
    raw = getattr(datasets, f"load_{table}")()
    names = [str(name).replace(" ", "_") for name in raw.target_names]
    rows = np.random.default_rng(seed).permutation(len(raw.target))
    train, stream, test = np.split(rows, (len(rows) // 2, 3 * len(rows) // 4))
    mean, std = raw.data[train].mean(axis=0), raw.data[train].std(axis=0)
    x, y = ((raw.data - mean) / std).astype(np.float32), raw.target.astype(np.int64)
    worn = WornSensor.draw(x.shape[1], seed, dark=0.0)
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(n_networks):
        ed.save(trained(x[train], y[train], k), folder / f"net{k}.npz")
    for name, values, of in (("train", x[train], train), ("unshifted", x[test], test),
                             ("stream", worn.apply(x[stream]), stream),
                             ("test", worn.apply(x[test]), test)):
        head = [str(n).replace(" ", "_") for n in raw.feature_names]
        lines = [",".join([*(f"{v:.6g}" for v in row), names[y[i]]])
                 for row, i in zip(values, of, strict=True)]
        (folder / f"{name}.csv").write_text("\n".join([",".join([*head, "label"]), *lines]) + "\n",
                                            "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--networks", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of the rows, and of the shift")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    prepare(asked.table, asked.folder, asked.networks, asked.seed)


if __name__ == "__main__":
    main()
