"""Stored samples for latent replay: chosen on the host, packed at the input of the plastic part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.build.board import Board
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import Ledger, ram_ledger, replay_bytes
from edge_dassdp.qir import QNetwork, QReplay
from edge_dassdp.reference.model import IntegerModel
from edge_dassdp.rules import Replay

_SEED = 0
MOST_A_CLASS = 10
"""Stored samples of a class that `propose` gives a ring or the flash."""


def with_replay(network: QNetwork, replay: Replay, x: NDArray[np.int8] | None,
                labels: NDArray[np.int64] | None) -> QNetwork:
    """The network with `replay.flash` samples of x, int8 (n, x_bytes), and labels (n,).

    They are drawn class by class, the same number of each as far as x has them, and stored so that
    classes alternate. Raises EdgeError E104 where x and labels do not fit, E105 where flash samples
    are wanted and there is no x, no label, or too few samples.
    """
    chosen: IntArray = np.zeros(0, np.int64)
    if replay.flash:
        if x is None or labels is None:
            raise EdgeError("E105", f"replay of {replay.flash} samples from flash needs samples",
                            help="give labelled training samples, or flash=0")
        if labels.shape != (len(x),) or ((labels < 0) | (labels >= network.n_classes)).any():
            raise EdgeError("E104", f"{len(x)} replay samples and labels of shape {labels.shape}, "
                            f"classes 0 to {network.n_classes - 1}")
        chosen = choose(labels, replay.flash)
    size = sum(p.size for p in network.cut)
    counts = first = np.zeros((0, size), np.int64)
    if chosen.size and x is not None:
        counts, first = _pack(network, x[chosen])
    return replace(network, replay=QReplay(
        labels=labels[chosen].astype(np.int64) if labels is not None else chosen,
        counts=counts, first_spike_steps=first, ring_per_class=replay.ring_per_class,
        n_ring=replay.n_ring, n_flash=replay.n_flash, is_reservoir=replay.policy == "reservoir"))


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


def propose(network: QNetwork, rule: Replay, board: Board, *, n_available: int,
            ram_budget: int | None = None, flash_budget: int | None = None) -> Replay:
    """`rule` with the largest ring and number of flash samples that a board holds.

    network: quantized with any replay. n_available: labelled training samples. At most
    MOST_A_CLASS of each class, in either. ram_budget, flash_budget: bytes, None for all that the
    board has. Raises EdgeError E402 where the network does not fit even without a stored sample.
    """
    if network.replay is None:
        raise EdgeError("E105", "nothing to propose: the network has no replay")
    made = network.replay
    empty = replace(made, labels=made.labels[:0], counts=made.counts[:0],
                    first_spike_steps=made.first_spike_steps[:0])

    def ledger(ring_per_class: int) -> Ledger:
        trial = replace(network, replay=replace(empty, ring_per_class=ring_per_class))
        return ram_ledger(Plan.of(trial), board, ram_budget=ram_budget)

    flash = ledger(0).flash_bound
    ring = 0
    while ring < MOST_A_CLASS and _fits(ledger, ring + 1):
        ring += 1
    room = min(board.flash.bytes if flash_budget is None else flash_budget, board.flash.bytes)
    n_flash = (room - flash) // replay_bytes(network, 1)
    most = min(MOST_A_CLASS * network.n_classes, n_available)
    return replace(rule, ring_per_class=ring, flash=max(0, min(n_flash, most)))


def _fits(ledger: Callable[[int], Ledger], ring_per_class: int) -> bool:
    try:
        ledger(ring_per_class)
    except EdgeError as problem:
        if problem.code != "E402":
            raise
        return False
    return True
