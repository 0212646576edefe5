"""Replay, guard, and what the misses of a device decide (docs/arithmetic.md, 12 to 14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray, round_shift
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.qir import QCusum, QErrorStep, QNetwork, QReplay
from edge_dassdp.qir.lesson import Record
from edge_dassdp.qir.packing import CUSUM_DTYPE, GUARD_DTYPE, REPLAY_DTYPE
from edge_dassdp.qir.stored import pack, stored_words, target_of, unpack

SEEN_MAX = QUANTITIES["seen_max"]
CATCH_UP = QUANTITIES["catch_up"]
SHARE_SHIFT = QUANTITIES["share_shift"]
Draw = Callable[[], int]
"""The next word of the random generator."""
Stored = tuple[dict[str, tuple[IntArray, IntArray]], int, IntArray | None]
"""Counts and latencies by population, label, and of values the targets."""


class Memory:
    """Stored samples of one device: those of flash, and the ring in RAM.

    counters: REPLAY_DTYPE. ring: uint32 (slots, words), slot a C + c holds place a of class c.
    seen: (n_kinds,) samples offered so far.
    """

    def __init__(self, network: QNetwork, replay: QReplay) -> None:
        self.network, self.rule = network, replay
        self.counters = np.zeros((), REPLAY_DTYPE)
        n_slots = replay.ring_per_class * network.n_kinds
        self.ring = np.zeros((n_slots, stored_words(network)), np.uint32)
        self.seen = np.zeros(network.n_kinds, np.int64)

    def store(self, records: dict[str, Record], label: int, draw: Draw,
              target_q11: IntArray) -> None:
        """Offer the sample in `records` to the ring; a reservoir draws."""
        k = self.rule.ring_per_class
        if k == 0:
            return
        seen = int(self.seen[label])
        place = seen % k
        if self.rule.is_reservoir and seen >= k:
            place = draw() % (seen + 1)
        if place < k:
            cut = [records[p.name] for p in self.network.cut]
            sample = pack(self.network, np.concatenate([r.count for r in cut]),
                          np.concatenate([r.latency for r in cut]), target_q11)
            self.ring[place * self.network.n_kinds + label] = np.frombuffer(sample, np.uint32)
        if self.rule.is_reservoir:
            self.seen[label] = min(seen + 1, SEEN_MAX)
        else:
            seen += 1
            self.seen[label] = seen if seen < SEEN_MAX // k * k else seen - k

    @property
    def n_stored(self) -> int:
        """Samples in the ring."""
        return int(np.minimum(self.seen, self.rule.ring_per_class).sum())

    def next_of(self, is_of_ring: bool) -> Stored | None:
        """The next one of the ring, or of flash."""
        return self.next_of_ring() if is_of_ring else self.next_of_flash()

    def next_of_ring(self) -> Stored | None:
        """What the next filled slot holds, None if all are empty."""
        n_slots, n_classes = len(self.ring), self.network.n_kinds
        for step in range(n_slots):
            slot = (int(self.counters["ring_idx"]) + step) % n_slots
            if slot // n_classes < self.seen[slot % n_classes]:
                self.counters["ring_idx"] = (slot + 1) % n_slots
                return self._stored(self.ring[slot].tobytes(), slot % n_classes)
        return None

    def next_of_flash(self) -> Stored | None:
        """The same of the samples in flash."""
        n = self.rule.labels.size
        if n == 0:
            return None
        i = int(self.counters["flash_idx"])
        self.counters["flash_idx"] = (i + 1) % n
        sample = pack(self.network, self.rule.counts[i], self.rule.first_spike_steps[i],
                      None if self.rule.targets_q11 is None else self.rule.targets_q11[i])
        return self._stored(sample, int(self.rule.labels[i]))

    def _stored(self, sample: bytes, label: int) -> Stored:
        return unpack(self.network, sample), label, target_of(self.network, sample)


def judge(guard: NDArray[np.void], hit: bool, factory_hit: bool, window: int, margin: int) -> bool:
    """Counts a labelled sample in `guard`, GUARD_DTYPE; True if the weights must fall back."""
    mask = (1 << window) - 1
    guard["hits_bits"] = (int(guard["hits_bits"]) << 1 | hit) & mask
    guard["factory_hits_bits"] = (int(guard["factory_hits_bits"]) << 1 | factory_hit) & mask
    guard["n_judged"] = min(int(guard["n_judged"]) + 1, window)
    lead = int(guard["factory_hits_bits"]).bit_count() - int(guard["hits_bits"]).bit_count()
    if guard["n_judged"] < window or lead < margin:
        return False
    n_fallbacks = int(guard["n_fallbacks"])
    guard[()] = np.zeros((), GUARD_DTYPE)
    guard["n_fallbacks"] = min(n_fallbacks + 1, QUANTITIES["fallbacks_max"])
    return True


def error_step_q8(step: QErrorStep, share_q8: int) -> int:
    """The factor of step sizes at a share of misses."""
    return min(256, max(step.floor_q8, share_q8 * step.gain_q4 >> 4))


def count_miss(learning: NDArray[Any], is_miss: bool) -> None:
    """The running share in `learning`, LEARNING_DTYPE, after a labelled sample: 249 at most."""
    share_q8 = int(learning["miss_share_q8"])
    learning["miss_share_q8"] = share_q8 + round_shift(256 * is_miss - share_q8, SHARE_SHIFT)


class Gate:
    """Whether one device learns. state: CUSUM_DTYPE."""

    def __init__(self, rule: QCusum) -> None:
        self.rule = rule
        self.state = np.zeros((), CUSUM_DTYPE)

    @property
    def is_open(self) -> bool:
        return bool(self.state["is_open"])

    def judge(self, is_miss: bool, n_stored: int) -> None:
        """Counts a labelled sample. n_stored: samples in the ring, which are due where it opens."""
        state, rule = self.state, self.rule
        total = int(state["sum_q10"]) + 1024 * is_miss - rule.allowed_q10
        state["sum_q10"] = total = min(rule.opens_q10, max(0, total))
        if not state["is_open"] and total == rule.opens_q10:
            state["is_open"], state["n_due"] = 1, n_stored
        elif rule.closes and total == 0:
            state["is_open"] = 0
        state["n_held"] += int(not state["is_open"])

    def take_due(self) -> int:
        """How many of the samples that are due are learned again now."""
        n = min(int(self.state["n_due"]), CATCH_UP)
        self.state["n_due"] -= n
        return n
