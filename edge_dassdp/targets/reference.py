"""The reference as a Target: what the others are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.plan import Plan
from edge_dassdp.qir.checks import checked_weights
from edge_dassdp.qir.lesson import Record
from edge_dassdp.qir.samples import require_streams
from edge_dassdp.reference import Reference
from edge_dassdp.reference.asked import check_snapshot, require_learns
from edge_dassdp.reference.carried import fields_of, restore
from edge_dassdp.reference.outcome import Decision, members
from edge_dassdp.targets.learning import checked_learning
from edge_dassdp.targets.streamed import (
    Windows,
    check_hop,
    checked_push,
    no_stream,
    waits_for_streams,
)
from edge_dassdp.targets.target import Target
from edge_dassdp.wire.saved import EMPTY, Saved, Slots


@waits_for_streams
class ReferenceTarget(Reference, Target):
    """The NumPy reference as a Target; its learning state goes to any device and back."""

    _in_flash = EMPTY
    _windows: Windows | None = None
    _slot: tuple[Mapping[str, NDArray[np.int16]], bytes] | None = None

    @property
    def n_classes(self) -> int:
        return self.network.n_classes

    def reset(self, *, factory: bool = False) -> None:
        super().reset()
        self._windows = None
        if factory:
            self._in_flash, self._slot = EMPTY, None

    @property
    def in_flash(self) -> Saved:
        return self._in_flash

    def store(self) -> Saved:
        require_learns(self.network)
        self._slot = ({p.name: self.read_weights(p.name) for p in self.network.plastic},
                      self.read_learning())
        self._in_flash = Saved(Slots.SAVED, self.in_flash.n_saves + 1)
        return self.in_flash

    def press_reset(self) -> None:
        """A new start: what was saved, or factory weights."""
        self.reset()
        if self._slot:
            self.restore(*self._slot)

    @property
    def is_streaming(self) -> bool:
        return self._windows is not None

    def open_stream(self, hop: int) -> None:
        check_hop(self.network, hop)
        self._windows = Windows(self, hop)

    def push(self, frame: NDArray[np.int8]) -> Decision | None:
        require_streams(self.network)
        piece = checked_push(self.network, frame)
        if self._windows is None:
            raise no_stream()
        return self._windows.push(piece)

    def close_stream(self) -> None:
        require_streams(self.network)
        self._windows = None

    def read_learning(self) -> bytes:
        return Plan.of(self.network).layout.encode(self.named_state())

    def write_learning(self, data: bytes) -> None:
        check_snapshot({}, data)
        self._restore(checked_learning(self.network, data))

    def restore(self, weights: Mapping[str, NDArray[np.int16]], learning: bytes) -> None:
        check_snapshot(weights, learning)
        state = checked_learning(self.network, learning)
        values = {name: checked_weights(self.network, name, w) for name, w in weights.items()}
        self._restore(state)
        self.w |= values

    def take_over(self, other: Target) -> None:
        """Stand where another target of the same network stands: its plastic weights, its learning
        state, and what its last sample left that the next may leave alone."""
        if not self.network.remembers:
            return
        for p in self.network.plastic:
            self.write_weights(p.name, other.read_weights(p.name))
        self.write_learning(other.read_learning())
        left = other.named_state()
        self.losses[:] = left.get("losses", 0)
        self.error = {name: left[f"error_{name}"].copy() for name in self.error}
        self._take_carried(left)
        if self.worn is not None:
            self.worn.take_windows(left)

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over a learning state, by the names of `named_state`; weights stay."""
        net = self.network
        for prefix, record in self.structs().items():
            for name in members(prefix, record):
                record[name.removeprefix(f"{prefix}.")] = state[name][0]
        self._take_carried(state, persistent_alone=True)
        if self.worn is not None:
            self.worn.restore(state)
        if self.classes is not None:
            self.classes.restore(state)
        if self.stored is not None and self.stored.ring.size:
            self.stored.ring[:] = state["ring"].reshape(self.stored.ring.shape)
            self.stored.seen[:] = state["ring_seen"]
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
