"""Labelled samples through a target, once and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.asked import checked_lessons
from edge_dassdp.targets.open import open_target
from edge_dassdp.targets.target import (
    LEARN,
    NO_LABEL,
    BatchOutcome,
    Progress,
    Target,
    was_carried_out,
)

UNKNOWN = -1
"""The class of a sample that was learned, and whose answer was lost."""
_AHEAD = 64
"""Samples that are run at once where one more is asked for."""


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

    predicted: (n,) the class given before each sample was learned, UNKNOWN where the link lost it.
    is_skipped, is_held, is_unsaved, is_updated: (n,) bool; held back by the device's gate; flash
    did not take the save that was due; weights were written. n_replayed: (n,) stored samples
    learned again behind each. logits: (n, n_classes), before each sample was learned.
    """

    predicted: NDArray[np.int64]
    is_skipped: NDArray[np.bool_]
    labels: NDArray[np.int64]
    is_held: NDArray[np.bool_]
    is_unsaved: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    is_updated: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    n_replayed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    logits: NDArray[np.int32] | None = None

    @classmethod
    def of(cls, pieces: Sequence[Stream]) -> Self:
        """Streams one behind the other."""
        empty = np.zeros(0, np.bool_)
        none = cls(np.zeros(0, np.int64), empty, np.zeros(0, np.int64), empty)
        whole = cls(*(np.concatenate([getattr(p, f.name) for p in (none, *pieces)])
                      for f in fields(cls) if f.name != "logits"))
        logits = [p.logits for p in pieces if p.logits is not None]
        return replace(whole, logits=np.concatenate(logits) if logits else None)

    @classmethod
    def told(cls, done: BatchOutcome, labels: NDArray[Any]) -> Self:
        """What came of labelled samples."""
        return cls(done.class_idx, done.is_skipped, labels.astype(np.int64), done.is_held,
                   done.is_unsaved, done.is_updated, done.n_replayed, done.logits)

    def __getitem__(self, rows: slice) -> Self:
        """A part of it."""
        return replace(self, **{f.name: values[rows] for f in fields(self)
                                if (values := getattr(self, f.name)) is not None})

    @property
    def hits(self) -> NDArray[np.bool_]:
        return np.asarray(self.predicted == self.labels)

    @property
    def held_errors(self) -> float | None:
        """Share of wrong classes among the samples held back, 0 to 1; None of none."""
        return float(1 - self.hits[self.is_held].mean()) if self.is_held.any() else None

    @property
    def n_unanswered(self) -> int:
        """Samples whose class the link lost; they count as wrong."""
        return int((self.predicted == UNKNOWN).sum())

    @property
    def accuracy(self) -> float | None:
        """Share of right classes, 0 to 1; None of no samples."""
        return float(self.hits.mean()) if len(self.labels) else None


def learn_stream(target: Target, x: NDArray[np.int8], labels: NDArray[Any],
                 progress: Progress | None = None, *, looks: bool = False) -> Stream:
    """Let a target learn from x (n, x_bytes) and labels (n,), each sample once, in order.
    looks: it observes each before, without its label.

    Where it fails in the middle, the error says how many it learned for certain.
    """
    pieces, n_done = [], 0
    try:
        at_once = len(x) if target.at_once > 1 else 1
        for piece in lessons(target, x, labels, at_once, looks=looks):
            pieces.append(piece)
            n_done += len(piece.labels)
            if progress:
                progress(n_done)
    except EdgeError as problem:
        if n_done:
            problem.message += f": {n_done:,} of {len(x):,} samples were learned for certain"
        raise
    return Stream.of(pieces)


def lessons(target: Target, x: NDArray[np.int8], labels: NDArray[Any],
            at_once: int = 0, *, looks: bool = False) -> Iterator[Stream]:
    """The same, a piece of the stream as soon as it is learned; all labels are looked at before.

    at_once: samples of a piece, by itself as many as the target likes. An error leaves the samples
    of the pieces before it learned for certain.
    """
    given, _ = checked_lessons(len(x), target.n_classes, labels, None)
    n = 1 if looks else at_once or target.at_once
    for begin in range(0, len(x), n):
        if looks:
            target.observe(x[begin], NO_LABEL)
        yield _learned(target, x[begin:begin + n], given[begin:begin + n])


def _learned(target: Target, x: NDArray[np.int8], labels: NDArray[np.int32]) -> Stream:
    try:
        done = target.run(x, labels, mode=LEARN)
    except EdgeError as problem:
        if len(x) != 1 or not was_carried_out(target, problem):
            raise
        no = np.zeros(1, np.bool_)
        return Stream(np.full(1, UNKNOWN), no, labels.astype(np.int64), no, no, no,
                      np.zeros(1, np.int64), np.zeros((1, target.n_classes), np.int32))
    return Stream.told(done, labels)


class Frozen:
    """A stream as factory weights answer it, on this computer; nothing of it is learned.

    x: int8 (n, x_bytes). labels: (n,). Samples are run when they are asked for.
    """

    def __init__(self, network: QNetwork, x: NDArray[np.int8], labels: NDArray[Any]) -> None:
        self._network = network
        self._x, self._labels = x, labels
        self._target: Target | None = None
        self._pieces: list[Stream] = []
        self._n_done = 0

    def first(self, n: int) -> Stream:
        """The first n samples, all where there are no more."""
        while self._n_done < min(n, len(self._x)):
            rows = slice(self._n_done, min(len(self._x), max(n, self._n_done + _AHEAD)))
            self._pieces.append(Stream.told(self._opened().run(self._x[rows]),
                                            self._labels[rows]))
            self._n_done = rows.stop
        return Stream.of(self._pieces)[:n]

    def _opened(self) -> Target:
        if self._target is None:
            self._target = here(self._network)
        return self._target


def here(network: QNetwork) -> Target:
    """A network on this computer: on the emulator, or without a C compiler on the reference, which
    has the same bits."""
    try:
        return open_target("emulator", network)
    except EdgeError as problem:
        if problem.code != "E301":
            raise
        return open_target("reference", network)
