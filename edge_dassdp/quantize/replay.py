"""What of training samples goes to flash: stored ones for latent replay, packed at the input of the
plastic part, and means of classes (docs/arithmetic.md, 13 and 21)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.base.values import Targets
from edge_dassdp.qir import QClassMeans, QExamples, QNetwork, QReplay
from edge_dassdp.quantize.activity import CHUNK, counts
from edge_dassdp.reference.classes import directions
from edge_dassdp.reference.model import IntegerModel
from edge_dassdp.rules import Replay
from edge_dassdp.rules.classes import hidden_of

_SEED = 0


def with_replay(network: QNetwork, replay: Replay, x: NDArray[np.int8] | None,
                labels: NDArray[np.int64] | None, targets: Targets | None = None) -> QNetwork:
    """The network with `replay.flash` samples of x, int8 (n, x_bytes), and labels (n,).

    They are drawn class by class, the same number of each as far as x has them, and stored so that
    classes alternate; of values, with targets (n, n_outputs), at random. Raises EdgeError E105
    where flash samples are wanted and there is no x, no label, or too few samples.
    """
    chosen: IntArray = np.zeros(0, np.int64)
    if targets is not None and network.values is not None:
        labels = np.zeros(len(targets), np.int64)
    if replay.flash:
        if x is None or labels is None:
            raise EdgeError("E105", f"replay of {replay.flash} samples from flash needs samples",
                            help="give labelled training samples, or flash=0")
        chosen = choose(labels, replay.flash)
    size = sum(p.size for p in network.cut)
    stored = first = np.zeros((0, size), np.int64)
    if chosen.size and x is not None:
        stored, first = _pack(network, x[chosen])
    target_q11 = None if network.values is None or targets is None else \
        network.values.in_q11(targets[chosen]).astype(np.int64)
    return replace(network, replay=QReplay(
        labels=labels[chosen].astype(np.int64) if labels is not None else chosen,
        counts=stored, first_spike_steps=first, ring_per_class=replay.ring_per_class,
        n_ring=replay.n_ring, n_flash=replay.n_flash, is_reservoir=replay.policy == "reservoir",
        targets_q11=target_q11))


def choose(labels: NDArray[np.int64], n: int) -> IntArray:
    """Indices of n samples: one of each class in turn, drawn at random within a class."""
    if len(labels) < n:
        raise EdgeError("E105", f"replay of {n} samples from flash, but only {len(labels)} are "
                        "there", help="give more training samples, or store fewer")
    rng = np.random.default_rng(_SEED)
    turns = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        turns[members] = np.arange(members.size)
    return np.asarray(np.lexsort((labels, turns))[:n])


def _pack(network: QNetwork, x: NDArray[np.int8]) -> tuple[IntArray, IntArray]:
    """Counts and first-spike steps, each (n, neurons of the cut)."""
    model, n_steps = IntegerModel(network), network.n_steps
    size = sum(p.size for p in network.cut)
    counts = np.zeros((len(x), size), np.int64)
    first = np.full((len(x), size), n_steps, np.int64)
    model.begin(x)
    for t_step in range(n_steps):
        model.step(t_step)
        spikes = np.concatenate([model.spikes[p.name] for p in network.cut], axis=1)
        first = np.where(spikes & (counts == 0), t_step, first)
        counts += spikes
    return counts, first


def with_counts(network: QNetwork) -> QNetwork:
    """The network with counts of the population whose means are kept. Raises EdgeError E203 where
    it keeps none of its neurons, E202 where their squares leave 30 bits."""
    name = hidden_of(network, [q.name for q in network.plastic])
    p = network.population(name)
    refuse_unless("E203", not p.records_channels and p.natural is None,
                  f"class means of '{name}': it is a volume of channels",
                  help="leave out class means, or put a layer of a vector before the readout")
    peak = network.n_steps * p.recorded_a_step
    if p.size * peak**2 >= 1 << 30:
        raise EdgeError("E202", f"class means of '{name}': {p.size:,} counts up to {peak:,} have a "
                        "sum of squares beyond 30 bits",
                        help="leave out class means, or use fewer steps")
    return replace(network, populations=tuple(
        replace(q, counts=True) if q.name == name else q for q in network.populations))


def with_class_means(network: QNetwork, x: NDArray[np.int8] | None,
                     labels: NDArray[np.int64] | None) -> QNetwork:
    """The network with means of x, int8 (n, x_bytes), and labels (n,). Raises EdgeError E105
    without labelled samples."""
    if x is None or labels is None or not len(x):
        raise EdgeError("E105", "class means are those of labelled samples, and there are none",
                        help="give the training samples with --data (x and y in Python)")
    name = hidden_of(network, [q.name for q in network.plastic])
    found = np.concatenate([directions(counts(network, x[first : first + CHUNK])[name])
                            for first in range(0, len(x), CHUNK)])
    means = np.zeros((network.n_classes, found.shape[1]), np.int64)
    seen = np.zeros(network.n_classes, np.int64)
    for label in range(network.n_classes):
        of_class = found[(labels == label) & found.any(axis=1)]
        if len(of_class):
            means[label] = (2 * of_class.sum(axis=0) + len(of_class)) // (2 * len(of_class))
            seen[label] = QUANTITIES["mean_samples"]
    examples = _examples(found, labels, means, seen) if network.spare_classes else None
    return replace(network, class_means=QClassMeans(name, means, seen, examples))


def _examples(found: IntArray, labels: NDArray[np.int64], means: IntArray,
              seen: IntArray) -> QExamples | None:
    """Of directions (n, size) with labels (n,): as many of each class, without silent ones."""
    fired = np.flatnonzero(found.any(axis=1))
    if not fired.size:
        return None
    chosen = fired[choose(labels[fired], min(fired.size, QUANTITIES["examples_max"]))]
    away = ((found[chosen][:, None] - means) ** 2).sum(axis=2)
    own = away[np.arange(chosen.size), labels[chosen]]
    return QExamples(found[chosen], away[:, seen > 0].min(axis=1), int(own.sum()) // chosen.size)
