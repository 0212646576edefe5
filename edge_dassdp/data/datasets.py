"""Labelled samples in files: plain values, with or without splits, and data sets of raw bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.layouts import Plain, read_plain
from edge_dassdp.data.names import SPLITS, VALIDATION
from edge_dassdp.storage.foreign import reading
from edge_dassdp.storage.npz import read_npz, write_npz

FORMAT = "edge_dassdp/dataset/1"
_MOST_NAMED = 20
"""Classes that a sentence lists."""
WHOLE = ""
"""What `load_parts` calls a file without splits."""


@dataclass(frozen=True, eq=False)
class Samples:
    """x: float32 (n_samples, n_inputs). y: int64 (n_samples,). classes: their names in order, where
    a file has names instead of numbers. guess: how a file was read that does not say it."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    classes: tuple[str, ...] = ()
    guess: str = ""

    def __len__(self) -> int:
        return len(self.y)

    def at(self, rows: Any) -> Samples:
        """Those of some rows: a slice, indices or truth values."""
        return replace(self, x=self.x[rows], y=self.y[rows])


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
        help = "one output has no classes: give 0 for each sample; what is read out is " \
            "compared with the float network" if n_classes == 1 else ""
        if n_classes > 1 and labels.min() == 1 and labels.max() == n_classes:
            help = "classes count from 0: give y - 1"
        raise EdgeError("E104", f"labels run from {labels.min()} to {labels.max()}, the network "
                        f"has classes 0 to {n_classes - 1}", help=help)


def require_names(samples: Samples, n_classes: int) -> None:
    """E104 unless classes that a file names are as many as those of a network: the number of a name
    is its place among all of them."""
    names = samples.classes
    if names and len(names) != n_classes and n_classes > 1:
        raise EdgeError("E104", f"the file names {len(names)} classes, the network has {n_classes}",
                        cause=f"a class is numbered by its place among {', '.join(names[:8])}"
                        + ", ..." * (len(names) > 8),
                        help="write the numbers of the classes instead of their names")


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

    @property
    def notes(self) -> tuple[str, ...]:
        """What was made of a file's values and classes, for people."""
        names = self.samples.classes
        numbered = ", ".join(f"{k} {name}" for k, name in enumerate(names[:_MOST_NAMED]))
        classes = f"classes: {numbered}" + ", ..." * (len(names) > _MOST_NAMED)
        return tuple(filter(None, (self.scaling, classes * bool(names))))

    def apart(self, other: Part) -> list[str]:
        """A warning where another file scales its values otherwise. Raises EdgeError E104 where it
        names other classes."""
        one, two = self.samples.classes, other.samples.classes
        if one and two and one != two:
            raise EdgeError("E104", "two files name other classes",
                            cause=f"{', '.join(one[:_MOST_NAMED])} in one, "
                            f"{', '.join(two[:_MOST_NAMED])} in the other",
                            help="give both all classes, by the same names")
        if self.scaling == other.scaling:
            return []
        one_is, other_is = (part.scaling or "as they stand" for part in (self, other))
        return [f"two files are scaled otherwise: {one_is}; {other_is}"]


def load_part(path: Path | str, split: str) -> Part:
    """A split of a data set of `save_dataset`, or of a plain .npz, .csv or .npy (docs/data.md).

    A plain .npz holds x (n, n_inputs) and y (n,), and may hold `train`, `stream`, `test` and
    `validation`: rows of each split, as integers or as truth values (n,), none in two of them; x is
    taken as it is. Raises EdgeError E103 for another file, E104 for arrays that do not fit or no
    samples, E105 for a split that does not exist.
    """
    if split not in (*SPLITS, VALIDATION):
        raise _no_split(split)
    parts = load_parts(path)
    whole = parts.get(WHOLE)
    if split == VALIDATION and split not in parts:
        raise _no_split(split)
    if whole is None and split not in parts:
        raise EdgeError("E105", f"{path} has no split '{split}'",
                        help=f"add '{split}', its rows, to the file, which has "
                        f"{', '.join(parts)}; or leave all splits out, and it is taken whole")
    part = whole or parts[split]
    if len(part.samples) == 0:
        raise EdgeError("E104", f"{path} holds no samples" + f" of split '{split}'" * (not whole))
    return part


def _no_split(split: str) -> EdgeError:
    return EdgeError("E105", f"there is no split '{split}'", help=f"choose {', '.join(SPLITS)}")


def load_parts(path: Path | str) -> dict[str, Part]:
    """Every split of a file by its name, or all of one without splits as WHOLE. Raises EdgeError
    E103 for another file, E104 for arrays that do not fit."""
    plain = read_plain(Path(path))
    if plain is not None:
        return _plain(path, plain)
    data = load_dataset(path)
    scaling = "" if (data.mean, data.std) == (0.0, 1.0) else \
        f"x = (raw - {data.mean:.4g}) / {data.std:.4g}, as {Path(path).name} states"
    return {split: Part(getattr(data, split), data.dark, scaling=scaling) for split in SPLITS}


def _plain(path: Path | str, plain: Plain) -> dict[str, Part]:
    samples = Samples(plain.x, class_labels(plain.y, len(plain.x), f"{path}: "), plain.classes,
                      plain.guess)
    if not plain.rows:
        return {WHOLE: Part(samples, is_whole=True)}
    return {split: Part(samples.at(rows))
            for split, rows in _splits(path, plain.rows, len(samples)).items()}


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
