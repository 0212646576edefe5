"""Slots of the micro:bit's flash, made by hand and damaged."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Self
from zlib import crc32

_HEADER = struct.Struct("<8I")
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True)
class Slot:
    """A save: its header, whose two sums are those of `data` and of it, and the export."""

    magic: int
    sequence: int
    model: int
    build: tuple[int, int]
    data: bytes

    @classmethod
    def of(cls, flash: bytes) -> Self:
        """A whole one."""
        magic, sequence, model, low, high, n_bytes, *sums = _HEADER.unpack_from(flash)
        made = cls(magic, sequence, model, (low, high), flash[HEADER_BYTES:][:n_bytes])
        assert sums == [crc32(made.data), crc32(flash[:HEADER_BYTES - 4])]
        return made

    def but(self, **changes: object) -> Self:
        return replace(self, **changes)  # type: ignore[arg-type]

    def flash(self, slot_bytes: int, n_bytes: int | None = None) -> bytes:
        """All of the slot. n_bytes: what the header says of its length."""
        said = len(self.data) if n_bytes is None else n_bytes
        told = _HEADER.pack(self.magic, self.sequence, self.model, *self.build, said,
                            crc32(self.data), 0)[:-4]
        made = told + struct.pack("<I", crc32(told)) + self.data
        return made.ljust(slot_bytes, b"\xff")
