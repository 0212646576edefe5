"""Labelled samples in files: plain values, with or without splits, and data sets of raw bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.labels import (
    ClassNames,
    Origin,
    class_labels,
    listed,
    numbered,
    renumbered,
    require_classes,
    require_complete,
)
from edge_dassdp.data.layouts import Plain, read_plain
from edge_dassdp.data.names import SPLITS, VALIDATION
from edge_dassdp.data.targets import in_order
from edge_dassdp.storage.foreign import reading
from edge_dassdp.storage.npz import read_npz, write_npz

FORMAT = "edge_dassdp/dataset/1"
WHOLE = ""
"""What `load_parts` calls a file without splits."""


@dataclass(frozen=True, eq=False)
class Samples:
    """x: finite float32 (n_samples, n_inputs). y: int64 (n_samples,), classes from 0 on; or targets
    of values, finite float64 (n_samples, n_outputs). classes: the names of 0, 1 and so on, where a
    file has names instead of numbers, or of the outputs. guess: how a file was read that does not
    say it. origin: where the labels stand in their file."""

    x: NDArray[np.float32]
    y: NDArray[Any]
    classes: tuple[str, ...] = ()
    guess: str = ""
    origin: Origin | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def are_values(self) -> bool:
        """Whether y are targets."""
        return self.y.ndim == 2

    def at(self, rows: Any) -> Samples:
        """Those of some rows: a slice, indices or truth values."""
        return replace(self, x=self.x[rows], y=self.y[rows],
                       origin=None if self.origin is None else self.origin.at(rows))

    def known_as(self, names: ClassNames, takes_more: bool = False) -> Samples:
        """With the numbers that its names have there; numbers stay. takes_more: new classes can be
        taught. Raises EdgeError E104 for a name that is not there, and for targets."""
        require_no_targets(self.are_values, "the file")
        origin = self.origin or Origin.of_array(len(self))
        y = renumbered(self.y, self.classes, names, origin, takes_more) if self.classes else self.y
        return replace(self, y=y, classes=names.names)


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
        every = Samples(x, y.astype(np.int64), origin=Origin.of_array(len(y), str(path), "labels"))
        parts = {split: every.at(rows[split]) for split in SPLITS}
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
    def title(self) -> str:
        """Its file, for people."""
        origin = self.samples.origin
        return origin.path if origin is not None and origin.path else "the file"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was made of a file's values and classes, for people."""
        names = self.samples.classes
        what = "outputs" if self.samples.are_values else "classes"
        return tuple(filter(None, (self.scaling, f"{what}: {numbered(names)}" * bool(names))))

    def apart(self, other: Part) -> list[str]:
        """A warning where another file scales its values otherwise."""
        if self.scaling == other.scaling:
            return []
        one_is, other_is = (part.scaling or "as they stand" for part in (self, other))
        return [f"two files are scaled otherwise: {one_is}; {other_is}"]


def agreed(known: ClassNames | None, n_classes: int, *parts: Part,
           takes_more: bool = False) -> tuple[Part, ...]:
    """Parts whose labels are the classes of one network, which knows them as `known`, or by numbers
    alone. takes_more: new classes can be taught. Raises EdgeError E104 for names that it does not
    know, or that are not all of its classes where it knows none, for names in one file and numbers
    in another, for numbers where it was given names, and for labels out of range and targets."""
    for part in parts:
        require_no_targets(part.samples.are_values, part.title)
    with_names = [part for part in parts if part.samples.classes]
    if known is None and with_names:
        known = _common(n_classes, with_names)
        if len(with_names) < len(parts):
            other = next(part for part in parts if not part.samples.classes)
            raise EdgeError("E104", f"{with_names[0].title} names classes, and {other.title} has "
                            "numbers", help="write names in both, or numbers in both")
    elif known is not None and not known.is_stated and len(with_names) < len(parts):
        other = next(part for part in parts if not part.samples.classes)
        raise EdgeError("E104", f"{other.title} has numbers for classes, and the model has names",
                        cause=f"it was quantized with a file of names: {known}",
                        help="write names in this file, too; or quantize with --classes "
                        "NAME,NAME,... in the order of the numbers (classes=[...] in Python), and "
                        "files may hold either")
    made = tuple(part if known is None or n_classes == 1 else
                 replace(part, samples=part.samples.known_as(known, takes_more)) for part in parts)
    for part in made:
        require_classes(part.samples.y, n_classes, part.samples.origin)
    return made


def agreed_values(known: Sequence[str], n_outputs: int, *parts: Part) -> tuple[Part, ...]:
    """Parts whose targets are those of the outputs of one network, in their order; it may know
    them by names, else the first file that has such does. Raises EdgeError E104 as `in_order`."""
    known = known or next((p.samples.classes for p in parts if p.samples.classes), ())
    return tuple(replace(part, samples=replace(
        part.samples, classes=tuple(known),
        y=in_order(part.samples.y, part.samples.classes, known, n_outputs, part.title)))
        for part in parts)


def require_no_targets(are_values: bool, title: str) -> None:
    """E104 where a file of targets is given to what has classes."""
    if are_values:
        raise EdgeError("E104", f"{title} has targets, which are values, and the outputs of the "
                        "network are classes", help="give the class of each sample; or, where its "
                        "outputs are meant as values, quantize it with --values (values=True of "
                        "Settings in Python): compare and tune count classes, and take none")


def _common(n_classes: int, parts: Sequence[Part]) -> ClassNames:
    """All names of some files, in the order of the alphabet."""
    names = sorted({name for part in parts for name in part.samples.classes})
    sets = list(dict.fromkeys(part.samples.classes for part in parts))
    if len(sets) > 1 and len(names) != n_classes:
        raise EdgeError("E104", "two files name other classes",
                        cause=f"{listed(sets[0])} in one, {listed(sets[1])} in the other",
                        help="give both the same classes, by the same names")
    require_complete(names, n_classes, parts[0].title)
    return ClassNames(tuple(names))


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
    y = plain.y if plain.are_targets else \
        class_labels(plain.y, len(plain.x), f"{path}: ")
    samples = Samples(plain.x, y, plain.classes, plain.guess, plain.origin or Origin.of_array(
        len(plain.x), str(path), "targets" if plain.are_targets else "y"))
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
