"""Targets in files: numbers in place of classes, for networks whose outputs are values.

An .npz holds `targets` (n, n_outputs), and may hold `target_names`; a table has a column
`target:NAME` for each output. A file has classes or targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import finite
from edge_dassdp.data.labels import are_names, listed

TARGET = "target:"
"""What the name of a column of targets begins with."""
_HELP = "give targets: columns target:NAME of a table, or targets (n, n_outputs) of an .npz"


def both(path: Path | str, what: str) -> EdgeError:
    """The refusal of a file with classes and targets."""
    return EdgeError("E104", f"{path} holds {what}", cause="samples have classes, or targets of "
                     "values, and not both", help="leave one of them out: of two networks make two "
                     "files")


def of_array(path: Path | str, targets: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Targets of n samples, (n, n_outputs). Raises EdgeError E104 for anything else."""
    if targets.dtype.kind not in "fiu" or targets.ndim != 2 or len(targets) != n \
            or not targets.shape[1]:
        cause = "truth values are classes: give y.astype(int)" if targets.dtype.kind == "b" else ""
        raise EdgeError("E104", f"{path}: targets are {targets.dtype} of shape {targets.shape}, "
                        f"expected numbers ({n}, n_outputs)", cause=cause, help=_HELP)
    return finite(targets, f"{path}: targets")


def names_of(path: Path | str, names: NDArray[Any] | None, n_outputs: int) -> tuple[str, ...]:
    """Of the outputs. Raises EdgeError E104 for what are no names."""
    if names is None:
        return ()
    found = tuple(str(name).strip() for name in np.ravel(names))
    if names.dtype.kind != "U" or len(found) != n_outputs or not are_names(found):
        raise EdgeError("E104", f"{path}: target_names are {names.dtype} of shape {names.shape}, "
                        f"expected {n_outputs} different texts", help="name each output once")
    return found


def in_order(y: NDArray[Any], names: Sequence[str], known: Sequence[str], n_outputs: int,
             title: str) -> NDArray[np.float64]:
    """Targets (n, n_outputs) of a file in the order of the outputs that a model has, which may know
    them by names. Raises EdgeError E104 for classes, and for other targets than it has."""
    if y.ndim != 2:
        raise EdgeError("E104", f"{title} has classes, and the outputs of the model are values",
                        help=_HELP)
    if names and known and sorted(names) != sorted(known):
        raise EdgeError("E104", f"{title} has targets of {listed(names)}, and the model has values "
                        f"of {listed(known)}", help="give a column target:NAME for each of these")
    if y.shape[1] != n_outputs:
        raise EdgeError("E104", f"{title} has {y.shape[1]} targets a sample, and the network has "
                        f"{n_outputs} output{'s' * (n_outputs > 1)}", help=_HELP)
    if not (names and known):
        return np.asarray(y, np.float64)
    place = {name: c for c, name in enumerate(names)}
    return np.asarray(y[:, [place[name] for name in known]], np.float64)
