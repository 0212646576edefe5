"""Labels: the integers of classes, and the names that files call them by.

A name has the number that the model knows it by. Where the model knows none, that is its place
among all names of the files of a command, in the order of the alphabet.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError

Labels = NDArray[np.int64]
MOST_LETTERS = 100
"""Of a name."""
_MOST_NAMED = 20
"""Classes that a sentence lists."""
_SPARE = re.compile(r"\(spare \d+\)")


@dataclass(frozen=True)
class ClassNames:
    """names: of the classes 0, 1 and so on, each once. is_stated: their order was given, so files
    may hold their numbers, too; else it is that of the alphabet, from a file of names."""

    names: tuple[str, ...]
    is_stated: bool = False

    def __str__(self) -> str:
        return numbered(self.names)

    def of(self, label: int) -> str:
        """The number of a class with its name."""
        return f"{label} ({self.names[label]})"


@dataclass(frozen=True, eq=False)
class Origin:
    """Where labels stand. path: of their file, "" for an array. before, behind: what is said around
    the number of a row. rows: int64 (n,), lines of a text from 1, places of an array from 0. how: a
    table's columns were taken, for people."""

    path: str
    before: str
    behind: str
    rows: NDArray[np.int64]
    how: str = ""

    @classmethod
    def of_array(cls, n: int, path: str = "", name: str = "y") -> Origin:
        return cls(path, f"{name}[", "] is", np.arange(n))

    def at(self, rows: Any) -> Origin:
        return replace(self, rows=self.rows[rows])

    def told(self, place: int, value: object) -> str:
        """What stands in the file for the sample at that place."""
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.before}{self.rows[place]}{self.behind} {value}"


def numbered(names: Sequence[str]) -> str:
    """Names with their numbers, for people."""
    told = ", ".join(f"{k} {in_csv([name])}" for k, name in enumerate(names[:_MOST_NAMED]))
    return told + ", ..." * (len(names) > _MOST_NAMED)


def in_csv(names: Sequence[str]) -> str:
    """Names as `parsed` reads them: with a comma or a quote in quotes."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + ", ..." * (len(names) > _MOST_NAMED)


def spare_name(class_idx: int) -> str:
    """What stands in place of a name for an output whose class was not taught."""
    return f"(spare {class_idx})"


def require_own_names(names: Sequence[str]) -> None:
    """E105 for a name that stands for a class that was not taught."""
    for name in filter(_SPARE.fullmatch, names):
        raise EdgeError("E105", f"a class cannot be called '{name}'", cause="so an output is shown "
                        "whose class was not taught", help="give the class a name of its own")


def are_names(names: Sequence[object]) -> bool:
    """Whether each is a text that can be shown, and stands there once."""
    return all(isinstance(name, str) and name == name.strip() and 0 < len(name) <= MOST_LETTERS
               and name.isprintable() for name in names) and len(set(names)) == len(names)


def stated(names: Sequence[str], n_classes: int | None = None) -> ClassNames:
    """Names in the order of the classes that somebody gave. Raises EdgeError E105 unless they are
    names, each once, and one for each of n_classes."""
    if not are_names(names):
        raise EdgeError("E105", f"names of classes are {listed([*map(repr, names)])}, expected "
                        f"texts of 1 to {MOST_LETTERS} letters, each once",
                        help="give a name for each output of the network, in their order")
    found = tuple(map(str, names))
    require_own_names(found)
    if n_classes is not None and len(found) != n_classes:
        raise EdgeError("E105", f"{len(found)} names of classes, the network has {n_classes} "
                        f"output{'s' * (n_classes > 1)}", cause=numbered(found),
                        help="give a name for each output of the network, in their order")
    return ClassNames(found, is_stated=True)


def parsed(text: str, n_classes: int | None = None) -> ClassNames:
    """NAME,NAME,...; a name with a comma stands in double quotes. Raises as `stated`."""
    return stated([name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])],
                  n_classes)


def require_complete(names: Sequence[str], n_classes: int, where: str = "the file") -> None:
    """E104 unless names that a file brings are as many as the classes of a network: the number of a
    name is its place among all of them. E105 as `require_own_names`."""
    require_own_names(names)
    if n_classes == 1 < len(names):
        raise EdgeError("E104", f"{where} names {len(names)} classes, the network has one output",
                        cause=listed(names), help="one output has no classes: write 0 for each "
                        "sample; what is read out is compared with the float network")
    if len(names) != n_classes and n_classes > 1:
        raise EdgeError(
            "E104", f"{where} names {len(names)} classes, the network has {n_classes}",
            cause=f"a class is numbered by its place among {listed(names)}",
            help="give the names of all outputs in their order, quantize --classes NAME,NAME,... "
            "(classes=[...] in Python), and each file may hold some of them; or write the numbers "
            "of the classes instead of their names")


TEACH = ("a new class is taught by its name, learn --new-class {} (Device.new_class); one that was "
         "taught is put back with what was learned, --restore SNAPSHOT (Device.load)")
"""What to do about a class of that name, where a device can be taught more."""


def renumbered(y: Labels, names: Sequence[str], known: ClassNames, origin: Origin,
               takes_more: bool = False) -> Labels:
    """Labels (n,) that count in `names`, as the numbers that `known` has for them. takes_more: new
    classes can be taught. Raises EdgeError E104 for a name that it does not know."""
    place = {name: k for k, name in enumerate(known.names)}
    table = np.array([place.get(name, -1) for name in names], np.int64)
    strange = np.flatnonzero(table[y] < 0)
    if strange.size:
        name = names[int(y[strange[0]])]
        near = get_close_matches(name, [n for n in known.names if not _SPARE.fullmatch(n)], 1)
        helps = [f"did you mean {near[0]}?"] if near else []
        helps += [TEACH.format(name)] if takes_more else []
        raise EdgeError(
            "E104", f"{origin.told(int(strange[0]), repr(name))}, which is no class of the model",
            cause=f"its classes are {numbered(known.names)}",
            help=" Else ".join(helps) or "call classes as the model does, leave such samples out, "
            "or quantize anew with samples of all classes")
    return table[y]


def labels_of(y: NDArray[Any], n: int, known: ClassNames | None,
              takes_more: bool = False) -> Labels:
    """Labels of n samples, int64 (n,), of integers, or of names where there are known ones.
    takes_more: as of `renumbered`. Raises EdgeError E104 for anything else."""
    is_text = y.shape == (n,) and (y.dtype.kind in "US" or (
        y.dtype.kind == "O" and all(isinstance(v, str) for v in y)))
    if known is not None and not is_text and y.dtype.kind in "USO":
        raise EdgeError("E104", f"labels are {y.dtype} of shape {y.shape}, expected names or "
                        f"integers ({n},)", cause=f"classes are {known}",
                        help="give one of these for each sample")
    if not is_text or known is None:
        return class_labels(y, n)
    names, place = np.unique(y.astype(str), return_inverse=True)
    return renumbered(place.astype(np.int64), names.tolist(), known, Origin.of_array(n),
                      takes_more)


def class_labels(y: NDArray[Any], n: int, where: str = "") -> Labels:
    """Labels of n samples, int64 (n,). Raises EdgeError E104, with what makes them integers, for
    anything else; its message begins with `where` they come from."""
    if y.shape == (n,) and y.dtype.kind in "iu":
        if n and int(y.max()) > np.iinfo(np.int64).max:
            raise EdgeError("E104", f"{where}a label is {int(y.max())}, which is no class")
        return y.astype(np.int64)
    cure, told = "give one integer a sample, its class from 0 on; where there is one output, 0", ""
    if y.ndim == 2 and y.shape[0] == n:
        cure = "give y.ravel()" if y.shape[1] == 1 else "give y.argmax(axis=1)"
    elif y.shape == (n,) and (y.dtype.kind == "b" or (
            y.dtype.kind == "f" and bool((y % 1 == 0).all()))):
        cure = "give y.astype(int)"
    elif y.shape == (n,) and y.dtype.kind == "f":
        bad = int(np.flatnonzero(~(y % 1 == 0))[0])
        told = f"y[{bad}] is {y[bad]:.6g}, which is no class"
    elif y.shape == (n,) and y.dtype.kind in "USO":
        cure = ("give np.unique(y, return_inverse=True)[1], numbers in the order of the names; "
                "or names to a model that knows them: quantize(..., classes=[...])")
    raise EdgeError("E104", f"{where}labels are {y.dtype} of shape {y.shape}, expected integers "
                    f"({n},)", cause=told, help=cure)


def require_classes(labels: Labels, n_classes: int, origin: Origin | None = None) -> None:
    """E104, with the first place of a label (n,) that is none of the classes 0 to n_classes - 1."""
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if not wrong.size:
        return
    first, origin = int(wrong[0]), origin or Origin.of_array(len(labels))
    low, high = int(labels.min()), int(labels.max())
    help = f"give each sample its class, 0 to {n_classes - 1}; the network has an output for each"
    if n_classes == 1:
        help = "one output has no classes: give 0 for each sample; what is read out is compared " \
            "with the float network"
    elif low == 1 and high == n_classes:
        help = "classes count from 0: give y - 1, of a table its column of classes less 1"
    elif low < 0:
        help = f"leave out samples without a class, and give the others 0 to {n_classes - 1}"
    raise EdgeError("E104", f"{origin.told(first, labels[first])}, and the network has classes 0 "
                    f"to {n_classes - 1}", cause=f"{wrong.size:,} of {labels.size:,} labels are no "
                    f"class of it; they run from {low} to {high}", help=help)


def classes_told(classes: Sequence[int] | Labels, names: ClassNames | None) -> str:
    """Numbers of classes, with their names where there are such."""
    told = [str(int(k)) if names is None else names.of(int(k)) for k in classes]
    return ("class " if len(told) == 1 else "classes ") + listed(told)


def first_of_each(labels: Labels, n: int) -> Labels:
    """Places of the first n labels of each class, or of all where there are fewer, ascending."""
    return np.sort(np.concatenate([np.flatnonzero(labels == k)[:n] for k in np.unique(labels)]))


def lacking(labels: Labels, n_classes: int) -> Labels:
    """Classes of a network that no label (n,) is of, ascending."""
    return np.setdiff1d(np.arange(n_classes), labels)
