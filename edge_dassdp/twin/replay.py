"""Latent replay of float learning: what is stored of a sample, and which comes next.

The twin of docs/arithmetic.md, 13, apart from the random places of a reservoir.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Network
from edge_dassdp.qir.stored import rebuild
from edge_dassdp.quantize.replay import choose
from edge_dassdp.rules import Replay
from edge_dassdp.twin.model import FloatModel

SEEN_MAX = QUANTITIES["seen_max"]
"""Of a reservoir: later samples are as likely as this one to be stored."""


def cut_of(network: Network, part: Sequence[str]) -> tuple[str, ...]:
    """Populations outside `part` that project into it, in order."""
    entering = {p.pre for p in network.projections if p.post in part} - set(part)
    return tuple(p.name for p in network.populations if p.name in entering)


@dataclass(frozen=True, eq=False)
class StoredSample:
    """By population of the cut: spike counts and first-spike steps, int64 (size,); label.

    The step of a silent neuron has no meaning.
    """

    counts: dict[str, IntArray]
    latencies: dict[str, IntArray]
    label: int

    @classmethod
    def of(cls, rasters: Mapping[str, NDArray[np.bool_]], label: int) -> StoredSample:
        """rasters: population -> (n_steps, size)."""
        return cls({name: r.sum(axis=0) for name, r in rasters.items()},
                   {name: r.argmax(axis=0) for name, r in rasters.items()}, label)

    def rasters(self, n_steps: int) -> dict[str, NDArray[np.bool_]]:
        """Rebuilt spike trains, population -> (n_steps, size)."""
        return {name: rebuild(n, self.latencies[name], n_steps) for name, n in self.counts.items()}


def flash_samples(model: FloatModel, cut: Sequence[str], replay: Replay,
                  training: Samples | None) -> list[StoredSample]:
    """The samples that `replay.with_replay` chooses from the same x and labels, as `model` runs
    them. Raises E105 where flash is wanted and samples are missing, E104 for a label that is no
    class."""
    if not replay.flash:
        return []
    if not isinstance(training, Samples):
        raise EdgeError("E105", f"replay of {replay.flash} samples from flash needs samples",
                        help="give training=Samples(x, y), or flash=0")
    labels, n_classes = np.asarray(training.y), model.network.n_classes
    if labels.dtype.kind not in "iu" or not ((labels >= 0) & (labels < n_classes)).all():
        raise EdgeError("E104", f"a label of the training samples is no class 0 to {n_classes - 1}")
    rows = choose(training.y, replay.flash)
    spikes = model.run(training.x[rows]).spikes
    return [StoredSample.of({name: spikes[name][k] for name in cut}, int(training.y[row]))
            for k, row in enumerate(rows)]


class FloatReplay:
    """The ring and the flash of one learner.

    seed: of a reservoir's random places. `n_replayed` counts the samples given out.
    """

    def __init__(self, rule: Replay, n_classes: int, flash: list[StoredSample], seed: int) -> None:
        self.rule, self.flash = rule, flash
        self.ring: list[StoredSample | None] = [None] * (rule.ring_per_class * n_classes)
        self.n_replayed = 0
        self._n_classes = n_classes
        self._seen = [0] * n_classes
        self._ring_idx = self._flash_idx = 0
        self._rng = np.random.default_rng(seed)

    def store(self, sample: StoredSample) -> None:
        """Offers a labelled sample to the ring."""
        k, seen = self.rule.ring_per_class, self._seen[sample.label]
        if k == 0:
            return
        self._seen[sample.label] += 1
        place = seen % k
        if self.rule.policy == "reservoir" and seen >= k:
            place = int(self._rng.integers(min(seen, SEEN_MAX) + 1))
        if place < k:
            self.ring[place * self._n_classes + sample.label] = sample

    @property
    def n_stored(self) -> int:
        """Samples in the ring."""
        return sum(sample is not None for sample in self.ring)

    def after_sample(self, n_due: int = 0) -> Iterator[StoredSample]:
        """n_due + n_ring samples of the ring, then n_flash of flash, as far as there are any."""
        for _ in range(n_due + self.rule.n_ring):
            yield from self._next_of_ring()
        for _ in range(self.rule.n_flash):
            yield from self._next_of_flash()

    def idle(self, n: int) -> Iterator[StoredSample]:
        """n samples, of ring and flash in turn, or of the one that has any."""
        for _ in range(n):
            has_ring = any(sample is not None for sample in self.ring)
            if has_ring and (self.n_replayed % 2 == 0 or not self.flash):
                yield from self._next_of_ring()
            else:
                yield from self._next_of_flash()

    def _next_of_ring(self) -> Iterator[StoredSample]:
        n_slots = len(self.ring)
        for step in range(n_slots):
            slot = (self._ring_idx + step) % n_slots
            sample = self.ring[slot]
            if sample is not None:
                self._ring_idx = (slot + 1) % n_slots
                self.n_replayed += 1
                yield sample
                return

    def _next_of_flash(self) -> Iterator[StoredSample]:
        if self.flash:
            sample = self.flash[self._flash_idx]
            self._flash_idx = (self._flash_idx + 1) % len(self.flash)
            self.n_replayed += 1
            yield sample
