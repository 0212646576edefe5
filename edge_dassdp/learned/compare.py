"""What has been learned, looked at: by itself, beside another, and merged with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import round_divide
from edge_dassdp.learned.portable import Learned
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.outcome import Statistics
from edge_dassdp.targets.learning import taught_in
from edge_dassdp.targets.reference import ReferenceTarget

MOST_TOLD = 5
"""Largest differences that are told."""


@dataclass(frozen=True)
class Weights:
    """Of a projection beside the factory's: how many weights there are, differ, and stand at an end
    of their range; the least and the largest."""

    name: str
    n: int
    n_changed: int
    n_saturated: int
    low: int
    high: int


@dataclass(frozen=True)
class State:
    """What a device has learned. profile: kind of the sensor's in use, None without a sensor.
    taught: names of classes that were taught."""

    statistics: Statistics
    weights: tuple[Weights, ...]
    profile: int | None
    taught: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A weight, by natural index, in two states."""

    pre: int
    post: int
    first: int
    second: int


@dataclass(frozen=True)
class Changes:
    """Of a projection: weights, those that differ, their largest difference, and where it is
    largest."""

    name: str
    n: int
    n_differ: int
    most: int
    largest: tuple[Change, ...]


@dataclass(frozen=True)
class Field:
    """A field of the learning state that differs: its values, or how many of an array do."""

    name: str
    n: int
    n_differ: int
    first: int
    second: int


@dataclass(frozen=True)
class Difference:
    weights: tuple[Changes, ...]
    learning: tuple[Field, ...]

    @property
    def n_differ(self) -> int:
        """Weights."""
        return sum(w.n_differ for w in self.weights)

    @property
    def is_same(self) -> bool:
        return not self.n_differ and not self.learning


def named_learning(network: QNetwork, learning: bytes) -> dict[str, NDArray[Any]]:
    """A learning state by the names that `Target.named_state` has for it."""
    layout = Plan.of(network).layout
    state = layout.decode(bytes(layout.persist_begin) + learning
                          + bytes(layout.state_bytes - layout.persist_begin - len(learning)))
    kept = {f.name for f in layout.fields if f.is_persistent}
    return {name: values for name, values in state.items() if name.partition(".")[0] in kept}


def look(network: QNetwork, learned: Learned) -> State:
    """What a snapshot of this network says."""
    reference = ReferenceTarget(network)
    if network.remembers:
        reference.restore(learned.weights, learned.learning)
    weights = []
    for p in network.plastic:
        w, bound = learned.weights[p.name].astype(np.int64), 1 << (p.weight_bits - 1)
        weights.append(Weights(p.name, w.size, int((w != p.w).sum()),
                               int(((w == -bound) | (w == bound - 1)).sum()),
                               int(w.min(initial=0)), int(w.max(initial=0))))
    profile = None if reference.worn is None else int(reference.worn.state["selected"])
    return State(reference.statistics(), tuple(weights), profile,
                 tuple(taught_in(network, learned.learning)))


def compare(network: QNetwork, first: Learned, second: Learned) -> Difference:
    """In what two states of this network differ; slots of a batch that hold no sample of it yet do
    not count: an inference writes them, too."""
    weights = tuple(changes(p.name, first.weights[p.name], second.weights[p.name])
                    for p in network.plastic)
    named = [named_learning(network, learned.learning) for learned in (first, second)]
    n_filled = min((int(n["learning.batch_idx"][0]) for n in named if network.plastic), default=0)
    fields = []
    for name, values in named[0].items():
        other = named[1][name]
        if name == "losses" or name.startswith(("count_", "latency_")):
            values, other = (v.reshape(network.n_batch, -1)[:n_filled].ravel()
                             for v in (values, other))
        fields.append(_field(name, values, other))
    return Difference(weights, tuple(f for f in fields if f.n_differ))


def changes(name: str, first: NDArray[Any], second: NDArray[Any]) -> Changes:
    """Of a projection with integer weights (n_pre, n_post) in two states."""
    apart = np.abs(first.astype(np.int64) - second)
    order = np.argsort(-apart, axis=None, kind="stable")[:MOST_TOLD]
    largest = [Change(int(j), int(i), int(first[j, i]), int(second[j, i]))
               for j, i in zip(*np.unravel_index(order, apart.shape), strict=True) if apart[j, i]]
    return Changes(name, apart.size, int((apart > 0).sum()), int(apart.max(initial=0)),
                   tuple(largest))


def _field(name: str, first: NDArray[Any], second: NDArray[Any]) -> Field:
    differs = np.flatnonzero(first != second)
    at = int(differs[0]) if differs.size else 0
    return Field(name, first.size, differs.size, *(int(v.flat[at]) if v.size else 0
                                                   for v in (first, second)))


def n_lessons(network: QNetwork, learned: Learned) -> int:
    """Lessons of a state; of one that was written before they were counted its labelled ones."""
    named = named_learning(network, learned.learning)
    return max(int(named[f"learning.{n}"][0]) for n in ("n_lessons", "n_labelled"))


def merge(network: QNetwork, states: Sequence[Learned]) -> Learned:
    """Weights: their mean by lessons, as many each as it has had, or all alike where none has had
    any, halves rounded upwards. Learning state: that of the first. Raises EdgeError E105 where
    nothing is plastic, or other classes were taught."""
    if not network.plastic:
        raise EdgeError("E105", "this model is frozen, there is nothing to merge",
                        help="quantize it without --frozen")
    if len({tuple(taught_in(network, s.learning).items()) for s in states}) > 1:
        raise EdgeError("E105", "these states were taught other classes",
                        cause="; ".join(", ".join(taught_in(network, s.learning)) or "none"
                                        for s in states),
                        help="merge states with the same classes, taught in the same order; or "
                        "forget the others first")
    shares = [n_lessons(network, s) for s in states]
    shares = shares if any(shares) else [1] * len(states)
    mean = np.frompyfunc(lambda total: round_divide(total, sum(shares)), 1, 1)
    return Learned({p.name: mean(sum(
        n * s.weights[p.name].astype(object) for n, s in zip(shares, states, strict=True))
    ).astype(np.int16) for p in network.plastic}, states[0].learning)
