"""Classes that are taught on a device, told from those that it knew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data import datasets
from edge_dassdp.data.datasets import Part
from edge_dassdp.data.labels import TEACH, ClassNames, Origin, listed, spare_name
from edge_dassdp.qir import QNetwork

FORGETS = ("the model has no class means and replays no samples of the old classes, so a new class "
           "takes their place whole: quantize it with --class-means and --data")
NOTHING_TAUGHT: Mapping[str, int] = MappingProxyType({})


def forgets(network: QNetwork) -> bool:
    """Whether weights learn a new class, and nothing of the old ones beside it."""
    replay = network.replay
    if network.class_means is not None:
        return False
    return replay is None or replay.labels.size == 0 or replay.n_flash == 0


def with_taught(network: QNetwork, taught: Mapping[str, int],
                parts: Sequence[Part] = ()) -> ClassNames | None:
    """The names of all outputs: those of a model, with those that were taught. None where the model
    knows none, and nothing was taught or the parts of files hold numbers."""
    if network.class_names is None and (not taught or (
            parts and not any(part.samples.classes for part in parts))):
        return None
    names = [*(network.classes or map(str, range(network.n_known))),
             *map(spare_name, range(network.n_known, network.n_classes))]
    for name, class_idx in taught.items():
        names[class_idx] = name
    is_stated = network.class_names is None or network.class_names.is_stated
    return ClassNames(tuple(names), is_stated)


def named_classes(network: QNetwork, taught: Mapping[str, int]) -> tuple[str, ...]:
    """Of each output, as far as the model and its device know names; else none."""
    names = with_taught(network, taught)
    return () if names is None else names.names


def require_taught(network: QNetwork, taught: Mapping[str, int] | None, labels: NDArray[Any],
                   origin: Origin | None = None) -> None:
    """EdgeError E104 where a label (n,) is of a class that is spare, and nothing was taught as it.
    taught: None where nothing can have been."""
    known = [*range(network.n_known), *(taught or {}).values()]
    wrong = np.flatnonzero(~np.isin(labels, known))
    if not wrong.size:
        return
    first, told = int(wrong[0]), origin or Origin.of_array(len(labels))
    raise EdgeError(
        "E104", f"{told.told(first, labels[first])}, which is a spare class that was not taught",
        cause=f"the network has classes 0 to {network.n_known - 1}"
        + (f", taught are {listed([*taught])}" if taught else ", and none was taught"),
        help="leave such samples out, or give each the class that it is of" if taught is None else
        f"{TEACH.format('NAME')}; else give each sample the class that it is of")


def require_named(unnamed: Mapping[str, int], labels: NDArray[Any], origin: Origin | None) -> None:
    """EdgeError E104 where a number among labels (n,) of a file is that of a class that was taught,
    which nobody names. unnamed: index by name of those."""
    names = {class_idx: name for name, class_idx in unnamed.items()}
    stray = np.flatnonzero(np.isin(labels, [*names]))
    if stray.size:
        first, told = int(stray[0]), origin or Origin.of_array(len(labels))
        name = names[int(labels[first])]
        raise EdgeError(
            "E104", f"{told.told(first, labels[first])}, the number of a spare class that was "
            f"taught as '{name}'", cause="a number that no class of the training has may be a "
            "mistake, and would be learned as it",
            help=f"write '{name}' in place of the number, or say that it is meant: --new-class "
            f"{name}")


def agreed(network: QNetwork, *parts: Part,
           taught: Mapping[str, int] | None = None) -> tuple[Part, ...]:
    """Samples of files with the labels, or the targets, that a model and its device know. taught:
    index by name of classes that were taught; None of what begins with those of the training, and
    can be given no more. Raises EdgeError E104 as `datasets.agreed` and
    `datasets.agreed_values`, and for classes that are spare."""
    if network.values is not None:
        return datasets.agreed_values(network.values.names, network.n_classes, *parts)
    if not network.spare_classes:
        return datasets.agreed(network.class_names, network.n_classes, *parts)
    made = datasets.agreed(with_taught(network, taught or {}, parts), network.n_classes, *parts,
                           takes_more=taught is not None)
    for part in made:
        require_taught(network, taught, part.samples.y, part.samples.origin)
    return made
