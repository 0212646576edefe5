"""Where everything lies in RAM: the state with its scratch, byte by byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan.routes import Route, routes
from edge_dassdp.plan.scratch import Scratch, lay_out
from edge_dassdp.plan.state import state_fields
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.tables import Group, Named, StateField

EXPORT_FRAME_BYTES = 52
"""Of an export beside weights and learning state: what stands before and behind them."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The state of a network. routes: of every projection, by name. fields: in order, with their
    offsets; a snapshot holds the bytes from persist_begin to persist_end."""

    network: QNetwork
    routes: Mapping[str, Route]
    scratch: Scratch
    fields: tuple[StateField, ...]
    persist_begin: int
    persist_end: int

    @classmethod
    def of(cls, network: QNetwork) -> Layout:
        found = routes(network)
        scratch = lay_out(network, found)
        fields, persist_end = state_fields(network, found, scratch)
        return cls(network, found, scratch, fields, 0, persist_end)

    @property
    def state_bytes(self) -> int:
        return self.fields[-1].offset + self.fields[-1].bytes

    @property
    def export_bytes(self) -> int:
        """What `dassdp_export` gives: what a slot in flash holds behind its header."""
        weights = sum(p.w.size * (2 if p.weight_bits == 16 else 1) for p in self.network.plastic)
        return EXPORT_FRAME_BYTES + weights + self.persist_end - self.persist_begin

    @cached_property
    def _by_name(self) -> dict[str, StateField]:
        return {f.name: f for f in self.fields}

    def offset(self, name: str) -> int:
        """Byte offset of a field, -1 if the model has none of that name."""
        found = self._by_name.get(name)
        return found.offset if found else -1

    def scratch_offset(self, name: str) -> int:
        """Byte offset of a part of the scratch from the start of the state, -1 if there is none."""
        found = self.scratch.offsets.get(name)
        return -1 if found is None else self.offset("scratch") + found

    def place(self, name: str) -> int:
        """Byte offset of a field, or of a part of the scratch, by its name."""
        return self.offset(name) if name in self._by_name else self.scratch_offset(name)

    def bytes_of(self, group: Group) -> int:
        return sum(f.bytes for f in self.fields if f.group == group)

    @property
    def learning_state_bytes(self) -> int:
        """What learning costs beyond weights and inference state, the larger scratch included."""
        return self.bytes_of("learning") + self.scratch.bytes - self.scratch.inference_bytes

    def decode(self, state: bytes) -> dict[str, NDArray[Any]]:
        """The state's bytes by name, as `Reference.named_state` has them: what a target may be
        compared by. Fields that name no reader are left out.

        Raises EdgeError E104 for another number of bytes.
        """
        if len(state) != self.state_bytes:
            raise EdgeError("E104", f"a state of {len(state)} bytes, expected {self.state_bytes}")
        named: dict[str, NDArray[Any]] = {}
        for field in self.fields:
            if field.read is None:
                continue
            values = field.read(state[field.offset : field.offset + field.bytes])
            if values.dtype.names is None:
                named[field.name] = values
            else:
                named |= {f"{field.name}.{name}": values[name] for name in values.dtype.names
                          if name != "reserved"}
        return named

    def encode(self, named: Named) -> bytes:
        """The persistent part of a named state, as a device holds it: the reverse of `decode`."""
        data = bytearray(self.persist_end)
        for field in self.fields:
            if field.is_persistent:
                data[field.offset : field.offset + field.bytes] = field.written(named)
        return bytes(data[self.persist_begin :])
