"""What labels of training samples tell: classes that are not among them, outputs that stand in
another order than the numbers of the labels, and samples that the network itself does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.numbers import spread_rows
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.base.quoting import shell
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import ClassNames, classes_told, in_csv, lacking
from edge_dassdp.ir import Network
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference.confidence import logits
from edge_dassdp.twin.model import FloatModel

N_ASKED = 128
"""Samples, at most."""
LEAST, LEAST_OF_CLASS = 20, 2
"""Samples that an order is judged by, five a class at least, and of one class and its output."""
CLEARLY, MOSTLY = 0.3, 0.7
"""By how much another order must be right more often, and how often."""
LEAST_EXCHANGED = 5
"""Samples of each of two classes that are exchanged."""
LEAST_JUDGED, ALWAYS = 50, 0.95
"""Samples that chance is judged from, and the share of them that is nearly all."""


def training_labels(network: Network, model: QNetwork, x: NDArray[np.float32],
                    labels: NDArray[np.int64], accuracy: float | None = None) -> Iterator[str]:
    """Warnings. x: float32 (n, n_inputs); labels: int64 (n,) from 0 to n_classes - 1; accuracy: 0
    to 1 on others, None where it is not known."""
    yield from untrained(labels, model.n_known, model.class_names)
    yield from unknown(network, model, x, labels, accuracy)


def unknown(network: Network, model: QNetwork, x: NDArray[np.float32], labels: NDArray[np.int64],
            accuracy: float | None = None) -> list[str]:
    """A warning where the network does not know the samples: by their labels, or at all. All as in
    `training_labels`."""
    if model.n_classes < 2 or (accuracy is not None and accuracy > 1 - CLEARLY):
        return []
    some = spread_rows(len(x), N_ASKED)
    return misnumbered_by(model, input_x(model, x[some]), labels[some]) or [
        *at_chance(network, x[some], labels[some], model.class_names)]


def at_chance(network: Network, x: NDArray[np.float32], labels: NDArray[np.int64],
              names: ClassNames | None = None) -> Iterator[str]:
    """A warning where the float network is right no more often than by chance, or answers one class
    nearly always, and labels do not. Labels all alike judge nothing."""
    n, chance = len(labels), 1 / network.n_known
    if n < LEAST_JUDGED or (labels == labels[0]).all():
        return
    found = FloatModel(network).run(x).classes
    right, answer = float((found == labels).mean()), int(np.bincount(found).argmax())
    is_one = (found == answer).mean() >= ALWAYS > (labels == answer).mean() + CLEARLY / 2
    if is_one or right <= chance + 2 * np.sqrt(chance * (1 - chance) / n):
        one = f" and answers {classes_told([answer], names)} in nearly all" if is_one else ""
        yield (f"the float network itself is right in {100 * right:.0f} % of these samples of "
               f"{network.n_known} classes{one}: are they scaled as in training?")


def untrained(labels: NDArray[np.int64], n_classes: int,
              names: ClassNames | None = None) -> Iterator[str]:
    """A warning where no training sample is of a class."""
    missing = lacking(labels, n_classes)
    if missing.size and n_classes > 1:
        yield (f"no training sample is of {classes_told(missing, names)}: stored samples, drift "
               "alarm, profiles and temperature know nothing of it, and learning forgets it sooner;"
               " give training samples of all classes with --data (x and y in Python)")


def misnumbered(found: NDArray[np.int64], labels: NDArray[np.int64], n_classes: int,
                names: ClassNames | None = None, file: str | Path | None = None
                ) -> Iterator[str]:
    """A warning where another order of the outputs than that of the labels is right clearly more
    often. found: classes that a network gives samples, int64 (n,), before it learned. file: that
    has the labels, where the network is quantized already."""
    order = likelier(found, labels, n_classes)
    if order is None:
        return
    now, then = ((place[labels] == found).mean() for place in (np.arange(n_classes), order))
    of_file, anew = ("", "") if file is None else (f" of {file}", "quantize ")
    told = (f"labels{of_file} seem to be numbered in another order than the outputs of the network:"
            f" it gives {100 * now:.1f} % of the samples the class of their label, and "
            f"{100 * then:.1f} % ")
    if names is None:
        yield told + f"{_moved(order, None)}: number them as in the training of the network"
    else:
        by_output = [names.names[k] for k in np.argsort(order)]
        yield told + (f"with {anew}--classes {shell(in_csv(by_output))} (classes=[...] in Python), "
                      "their names in the order of the outputs")


def misnumbered_by(model: QNetwork, x: NDArray[np.int8], labels: NDArray[np.int64],
                   file: str | Path | None = None) -> list[str]:
    """`misnumbered` of what a model, with the weights that it has from quantization, gives N_ASKED
    of samples x, int8 (n, x_bytes), with labels (n,)."""
    found, labels = _asked(model, x, labels)
    return [*misnumbered(found, labels, model.n_known, model.class_names, file)]


def numbered_apart(model: QNetwork, training: Samples, parts: Mapping[str, Samples]
                   ) -> Iterator[str]:
    """A warning for each part, by what it is called, whose labels seem to count otherwise than
    those of training, as a model, with the weights that it has from quantization, knows both."""
    n = model.n_known
    outputs = likelier(*_asked(model, input_x(model, training.x), training.y), n)
    label_of = np.arange(n) if outputs is None else np.argsort(outputs)
    for what, part in parts.items():
        answers, labels = _asked(model, input_x(model, part.x), part.y)
        found = label_of[answers]
        order = likelier(found, labels, n)
        if order is not None:
            yield (f"labels of {what} seem to be numbered in another order than those of training: "
                   f"the network gives {100 * (found == labels).mean():.1f} % of its samples the "
                   f"class of their label, and {100 * (found == order[labels]).mean():.1f} % "
                   f"{_moved(order, model.class_names)}")


def _asked(model: QNetwork, x: NDArray[np.int8], labels: NDArray[np.int64]
           ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The outputs that a model gives some of the samples, and the labels of these."""
    some = spread_rows(len(x), N_ASKED)
    return logits(model, x[some])[:, : model.n_known].argmax(axis=1), labels[some]


def _moved(order: IntArray, names: ClassNames | None) -> str:
    """What would be right: `if 0 were 1, ...`."""
    of = names.names if names else [*map(str, range(len(order)))]
    return "if " + ", ".join(f"{of[k]} were {of[order[k]]}"
                             for k in np.flatnonzero(order != np.arange(len(order))))


def likelier(found: NDArray[np.int64], labels: NDArray[np.int64], n_classes: int
             ) -> IntArray | None:
    """The output that belongs to each class, (n_classes,), where that is another order: one that is
    right clearly more often, or pairs of classes, each answered as the other."""
    if len(labels) < max(LEAST, 5 * n_classes):
        return None
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (labels, found), 1)
    order = _of_most(counts)
    if order is None or _share(counts, order) < max(MOSTLY, CLEARLY + _share(
            counts, np.arange(n_classes))):
        return _exchanged(counts)
    return order


def _share(counts: IntArray, order: IntArray) -> float:
    """Of the samples, how many are right, with counts (label, output)."""
    return float(counts[np.arange(len(order)), order].sum() / counts.sum())


def _of_most(counts: IntArray) -> IntArray | None:
    """The order of the pairs of label and output that have most samples."""
    n_classes = len(counts)
    order, left = np.full(n_classes, -1), counts.copy()
    for _ in range(n_classes):  # the pair of most samples first
        label, output = np.unravel_index(left.argmax(), left.shape)
        if left[label, output] < LEAST_OF_CLASS:
            break
        order[label] = output
        left[label, :] = left[:, output] = 0
    unused = np.setdiff1d(np.arange(n_classes), order)
    if unused.size > 1 or n_classes - unused.size < 2:
        return None
    order[order < 0] = unused
    return order


def _exchanged(counts: IntArray) -> IntArray | None:
    """The order of classes in pairs, where most samples of both are answered as the other, and most
    of all are right then: a shift of the sensor that takes two for each other spoils others, too.
    """
    n_of = counts.sum(axis=1)
    shares = counts / np.maximum(n_of, 1)[:, None]
    is_mutual = np.minimum(shares, shares.T) >= MOSTLY
    has_enough = np.minimum.outer(n_of, n_of) >= LEAST_EXCHANGED
    labels, outputs = np.nonzero(is_mutual & has_enough)
    order = np.arange(len(counts))
    order[labels] = outputs
    return order if (labels != outputs).any() and _share(counts, order) >= MOSTLY else None
