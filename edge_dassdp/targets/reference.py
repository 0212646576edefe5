"""The reference as a Target: what the others are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.lesson import Record
from edge_dassdp.qir.stored import unpack
from edge_dassdp.reference import Reference
from edge_dassdp.reference.carried import fields_of, restore
from edge_dassdp.reference.outcome import members
from edge_dassdp.targets.target import Target


class ReferenceTarget(Reference, Target):
    """The NumPy reference as a Target; its learning state goes to any device and back."""

    @property
    def n_classes(self) -> int:
        return self.network.n_classes

    def read_learning(self) -> bytes:
        return Plan.of(self.network).layout.encode(self.named_state())

    def write_learning(self, data: bytes) -> None:
        """Put a learning state back, or nothing of it.

        Raises EdgeError E104 for another number of bytes, E503 for generator, batch, guard, replay
        or a stored sample as no device leaves them.
        """
        layout = Plan.of(self.network).layout
        if len(data) != layout.persist_end - layout.persist_begin:
            raise EdgeError("E104", f"a learning state of {len(data)} bytes, expected "
                            f"{layout.persist_end - layout.persist_begin}")
        state = layout.decode(bytes(layout.persist_begin) + data
                              + bytes(layout.state_bytes - layout.persist_end))
        _check(self.network, state)
        self._restore(state)

    def take_over(self, other: Target) -> None:
        """Stand where another target of the same network stands: its plastic weights, its learning
        state, and what its last sample left that the next may leave alone."""
        if not self.network.plastic:
            return
        for p in self.network.plastic:
            self.write_weights(p.name, other.read_weights(p.name))
        self.write_learning(other.read_learning())
        left = other.named_state()
        self.losses[:] = left.get("losses", 0)
        self.error = {name: left[f"error_{name}"].copy() for name in self.error}
        self._take_carried(left)

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over a learning state, by the names of `named_state`; weights stay."""
        net = self.network
        for prefix, record in self.structs().items():
            for name in members(prefix, record):
                record[name.removeprefix(f"{prefix}.")] = state[name][0]
        self._take_carried(state, persistent_alone=True)
        if self.memory is not None and self.memory.ring.size:
            self.memory.ring[:] = state["ring"].reshape(self.memory.ring.shape)
            self.memory.seen[:] = state["ring_seen"]
        if net.n_batch > 1:
            self.losses[:] = state["losses"]
            for name, records in self.records.items():
                counts = state[f"count_{name}"].reshape(net.n_batch, -1)
                marked = state.get(f"latency_{name}", counts).reshape(net.n_batch, -1)
                latencies = np.where(marked == (1 << net.field_bits) - 1, -1, marked)
                records[:] = map(Record, counts.copy(), latencies)

    def _take_carried(self, state: Mapping[str, NDArray[Any]], *,
                      persistent_alone: bool = False) -> None:
        """What rules carry."""
        for q in self.network.plastic:
            for f in fields_of(self.network, q):
                if f.is_persistent or not persistent_alone:
                    restore(f"{f.name}_{q.name}", self.carried[q.name][f.name], state)


def _check(network: QNetwork, state: Mapping[str, NDArray[Any]]) -> None:
    """EdgeError E503 for a value out of its range."""
    if not network.plastic:
        raise EdgeError("E503", "the projection is not plastic",
                        cause="nothing in this network learns")
    for name, (low, high) in _limits(network).items():
        if not low <= int(state[name][0]) <= high:
            raise EdgeError("E503", "value out of range",
                            cause=f"{name} is {int(state[name][0])}, {low} to {high}")
    if "ring" in state and not _are_samples(network, state["ring"], state["ring_seen"]):
        raise EdgeError("E503", "value out of range", cause="a stored sample is damaged")


def _limits(network: QNetwork) -> dict[str, tuple[int, int]]:
    """Smallest and largest value by name."""
    limits = {"learning.rng": (1, 0xFFFFFFFF), "learning.batch_idx": (0, network.n_batch - 1),
              "learning.batch_kind": (0, 1)}
    if network.guard is not None and network.guard.margin:
        window = network.guard.window
        limits |= {"guard.n_judged": (0, window)}
        limits |= {f"guard.{name}": (0, (1 << window) - 1)
                   for name in ("hits_bits", "factory_hits_bits")}
    if network.replay is not None:
        n_slots = network.replay.ring_per_class * network.n_classes
        limits |= {"replay.flash_idx": (0, max(network.replay.labels.size, 1) - 1),
                   "replay.ring_idx": (0, max(n_slots, 1) - 1)}
    return limits


def _are_samples(network: QNetwork, ring: NDArray[Any], seen: NDArray[Any]) -> bool:
    """Every filled slot holds what a sample leaves: spikes find room from the first one on."""
    slots = ring.astype(np.uint32).reshape(-1, network.n_classes, ring.size // _n_slots(network))
    for place, row in enumerate(slots):
        for sample in row[seen > place]:
            for counts, latencies in unpack(network, sample.tobytes()).values():
                is_silent = (counts == 0) & (latencies < 0)
                has_room = (counts > 0) & (latencies >= 0) & (counts + latencies <= network.n_steps)
                if not (is_silent | has_room).all():
                    return False
    return True


def _n_slots(network: QNetwork) -> int:
    assert network.replay is not None
    return network.replay.ring_per_class * network.n_classes
