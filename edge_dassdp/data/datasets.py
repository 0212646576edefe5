"""Labelled samples in files: plain arrays, with or without splits, and data sets of raw bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.names import SPLITS
from edge_dassdp.storage.foreign import reading, unread
from edge_dassdp.storage.npz import Arrays, read_npz, write_npz

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


def class_labels(y: NDArray[Any], n: int, where: str = "") -> NDArray[np.int64]:
    """Labels of n samples, int64 (n,). Raises EdgeError E104, with what makes them integers, for
    anything else; its message begins with `where` they come from."""
    if y.shape == (n,) and y.dtype.kind in "iu":
        if n and int(y.max()) > np.iinfo(np.int64).max:
            raise EdgeError("E104", f"{where}a label is {int(y.max())}, which is no class")
        return y.astype(np.int64)
    cure = "give one integer a sample, its class from 0 on; where there is one output, 0"
    if y.ndim == 2 and y.shape[0] == n:
        cure = "give y.ravel()" if y.shape[1] == 1 else "give y.argmax(axis=1)"
    elif y.shape == (n,) and (y.dtype.kind == "b" or (
            y.dtype.kind == "f" and bool((y % 1 == 0).all()))):
        cure = "give y.astype(int)"
    elif y.shape == (n,) and y.dtype.kind in "USO":
        cure = "give np.unique(y, return_inverse=True)[1], numbers in the order of the names"
    raise EdgeError("E104", f"{where}labels are {y.dtype} of shape {y.shape}, expected integers "
                    f"({n},)", help=cure)


def require_classes(labels: NDArray[np.int64], n_classes: int) -> None:
    """E104 unless they are classes of a network."""
    if labels.size and not 0 <= labels.min() <= labels.max() < n_classes:
        raise EdgeError("E104", f"labels run from {labels.min()} to {labels.max()}, the network "
                        f"has classes 0 to {n_classes - 1}", help="" if n_classes > 1 else
                        "one output has no classes: give 0 for each sample; what is read out is "
                        "compared with the float network")


def save_dataset(
    path: Path | str,
    name: str,
    raw: NDArray[np.uint8],
    labels: NDArray[Any],
    splits: dict[str, NDArray[Any]],
    *,
    standardize: bool = True,
) -> None:
    """raw: uint8 (n, n_inputs). splits: row indices of train, stream, test; they are disjoint.

    A sample is x = (raw - mean) / std with mean and std of the training rows, or x = raw without
    `standardize`: as the network was trained.
    """
    train = raw[splits["train"]].astype(np.float64)
    mean, std = (float(train.mean()), float(train.std())) if standardize else (0.0, 1.0)
    header = {"format": FORMAT, "name": name, "mean": mean, "std": std}
    indices = {split: splits[split].astype(np.uint16) for split in SPLITS}
    write_npz(path, header, {"raw": raw, "labels": labels.astype(np.uint8), **indices})


def load_dataset(path: Path | str) -> Dataset:
    """Reads what `save_dataset` wrote. Raises EdgeError E103 for another or a damaged file."""
    header, arrays = read_npz(path, FORMAT)
    with reading(path, "dataset"):
        mean, std = float(header["mean"]), float(header["std"])
        if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
            raise ValueError(f"a mean of {mean} and a standard deviation of {std}")
        raw, y = arrays["raw"], arrays["labels"]
        if raw.dtype != np.uint8 or raw.ndim != 2 or y.shape != raw.shape[:1] \
                or y.dtype.kind not in "iu":
            raise ValueError("its samples are no rows of bytes, or it has not a label for each")
        x = ((raw.astype(np.float32) - mean) / std).astype(np.float32)
        if not np.isfinite(x).all():
            raise ValueError("a sample is not finite")
        rows = _splits(path, {split: arrays[split] for split in SPLITS}, len(x))
        parts = {split: Samples(x[rows[split]], y.astype(np.int64)[rows[split]])
                 for split in SPLITS}
        return Dataset(name=str(header["name"]), mean=mean, std=std, **parts)


@dataclass(frozen=True, eq=False)
class Part:
    """Samples of a file. dark: what an input shows at raw 0, None where it is not known. is_whole:
    the file has no splits, so every split is all of it. scaling: what was done to the file's values
    to get x, empty for nothing.
    """

    samples: Samples
    dark: float | None = None
    is_whole: bool = False
    scaling: str = ""


def load_part(path: Path | str, split: str) -> Part:
    """A split of a data set of `save_dataset`, or of a plain .npz.

    A plain .npz holds x (n, n_inputs) and y (n,), and may hold `train`, `stream` and `test`: rows
    of each split, as integers or as truth values (n,), none in two of them; x is taken as it is.
    Raises EdgeError E103 for another file, E104 for arrays that do not fit or no samples, E105 for
    a split that does not exist.
    """
    if split not in SPLITS:
        raise EdgeError("E105", f"there is no split '{split}'", help=f"choose {', '.join(SPLITS)}")
    part = _plain(path, split)
    if part is None:
        data = load_dataset(path)
        scaling = "" if (data.mean, data.std) == (0.0, 1.0) else \
            f"x = (raw - {data.mean:.4g}) / {data.std:.4g}, as {Path(path).name} states"
        part = Part(getattr(data, split), data.dark, scaling=scaling)
    if len(part.samples) == 0:
        raise EdgeError("E104", f"{path} holds no samples")
    return part


def _plain(path: Path | str, split: str) -> Part | None:
    """Of an .npz without a header, None for one with a header."""
    arrays = Arrays(path, "dataset")
    if arrays.has_header:
        return None
    if "x" not in arrays:
        raise unread(path, "dataset", "it holds no x")
    with reading(path, "dataset"):
        raw, y = arrays["x"], arrays.get("y")
        x = raw.astype(np.float32) if raw.dtype.kind in "fiub" else None
        rows = {name: arrays[name] for name in SPLITS if name in arrays}
    if x is None:
        raise EdgeError("E104", f"{path}: x is of {raw.dtype}, expected real numbers")
    if x.ndim != 2:
        raise EdgeError("E104", f"{path}: x has shape {x.shape}, expected (n, n_inputs)")
    if y is None:
        raise EdgeError("E104", f"{path} holds x and no y",
                        help="add y, (n,) integers: the class of each sample; 0 for all where "
                        "there is one output, or nothing is to be judged")
    samples = Samples(x, class_labels(y, len(x), f"{path}: "))
    if not rows:
        return Part(samples, is_whole=True)
    found = _splits(path, rows, len(x))
    if split not in found:
        raise EdgeError("E105", f"{path} has no split '{split}'",
                        help=f"add '{split}', its rows, to the file, which has "
                        f"{', '.join(found)}; or leave all splits out, and it is taken whole")
    return Part(Samples(samples.x[found[split]], samples.y[found[split]]))


def _splits(path: Path | str, rows: dict[str, NDArray[Any]], n: int) -> dict[str, NDArray[Any]]:
    """The rows of each split, as integers. Raises EdgeError E104."""
    found = {}
    for name, given in rows.items():
        is_mask = given.dtype == bool and given.shape == (n,)
        indices = np.flatnonzero(given) if is_mask else given
        if indices.ndim != 1 or indices.dtype.kind not in "iu" or not (
                (indices >= 0) & (indices < n)).all():
            raise EdgeError("E104", f"{path}: split '{name}' does not name rows of x",
                            cause=f"it is {given.dtype} of shape {given.shape}, x has {n:,} rows",
                            help="give indices of rows, or a truth value for each")
        found[name] = indices
    every = np.concatenate(list(found.values()))
    if len(np.unique(every)) != len(every):
        raise EdgeError("E104", f"{path}: a row is in two splits, or twice in one",
                        help="what is learned from must not be judged on")
    return found
