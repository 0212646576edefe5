"""Labelled samples through a target, once and in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.targets.target import LEARN, Progress, Target


def rolling_accuracy(hits: NDArray[Any], window: int) -> NDArray[np.float64]:
    """Mean over the last `window` samples, fewer at the start. hits: (..., n); the same shape."""
    total = np.cumsum(np.asarray(hits, np.float64), axis=-1)
    before = np.zeros_like(total)
    before[..., window:] = total[..., :-window]
    return np.asarray((total - before) / np.minimum(np.arange(1, total.shape[-1] + 1), window))


def accuracy(target: Target, x: NDArray[np.int8], labels: NDArray[Any]) -> float:
    """Share of x (n, x_bytes) that is classified as its label, 0 to 1."""
    return float((target.classify(x) == labels).mean())


@dataclass(frozen=True)
class Stream:
    """A labelled stream that was learned from, once.

    predicted: (n,) the class given before each sample was learned. is_skipped: (n,) bool.
    """

    predicted: NDArray[np.int64]
    is_skipped: NDArray[np.bool_]
    labels: NDArray[np.int64]

    @property
    def hits(self) -> NDArray[np.bool_]:
        return np.asarray(self.predicted == self.labels)


def learn_stream(target: Target, x: NDArray[np.int8], labels: NDArray[Any],
                 progress: Progress | None = None) -> Stream:
    """Let a target learn from x (n, x_bytes) and labels (n,), each sample once, in order."""
    done = target.run(x, labels, mode=LEARN, progress=progress)
    return Stream(done.class_idx, done.is_skipped, np.asarray(labels, np.int64))
