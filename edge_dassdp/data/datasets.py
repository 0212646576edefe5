"""Labelled samples shipped with the examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.npz import read_npz, write_npz
from edge_dassdp.data.names import SPLITS

FORMAT = "edge_dassdp/dataset/1"


@dataclass(frozen=True, eq=False)
class Samples:
    """x: float32 (n_samples, n_inputs), standardized. y: int64 (n_samples,)."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Dataset:
    """train: what the network was trained on. stream: to learn on the device. test: to judge.

    x = (raw - mean) / std with one mean and std for all inputs; `dark` is x at raw = 0.
    """

    name: str
    train: Samples
    stream: Samples
    test: Samples
    mean: float
    std: float

    @property
    def dark(self) -> float:
        return -self.mean / self.std


def save_dataset(
    path: Path | str,
    name: str,
    raw: NDArray[np.uint8],
    labels: NDArray[Any],
    splits: dict[str, NDArray[Any]],
) -> None:
    """raw: uint8 (n, n_inputs). splits: row indices of train, stream, test; they are disjoint.

    mean and std are those of the training rows.
    """
    train = raw[splits["train"]].astype(np.float64)
    header = {"format": FORMAT, "name": name, "mean": float(train.mean()),
              "std": float(train.std())}
    indices = {split: splits[split].astype(np.uint16) for split in SPLITS}
    write_npz(path, header, {"raw": raw, "labels": labels.astype(np.uint8), **indices})


def load_dataset(path: Path | str) -> Dataset:
    """Reads what `save_dataset` wrote. Raises EdgeError E103 for another or a damaged file."""
    header, arrays = read_npz(path, FORMAT)
    try:
        mean, std = float(header["mean"]), float(header["std"])
        x = ((arrays["raw"].astype(np.float32) - mean) / std).astype(np.float32)
        y = arrays["labels"].astype(np.int64)
        if x.ndim != 2 or y.shape != x.shape[:1] or not np.isfinite(x).all():
            raise ValueError("samples and labels do not fit, or a sample is not finite")
        parts = {split: Samples(x[arrays[split]], y[arrays[split]]) for split in SPLITS}
        return Dataset(name=str(header["name"]), mean=mean, std=std, **parts)
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as problem:
        raise EdgeError("E103", f"{path} is damaged: {problem!r}") from None
