"""What a device says of itself when it is greeted, and what the link knows of its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.text import printable
from edge_dassdp.wire.saved import Saved, Slots
from edge_dassdp.wire.start import Start


@dataclass(frozen=True)
class ProjectionInfo:
    """What the link must know of a projection; weight_bits: 4 to 8, or 16."""

    name: str
    n_pre: int
    n_post: int
    weight_bits: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of one weight on the wire."""
        return np.dtype("<i2" if self.weight_bits == 16 else "<i1")


@dataclass(frozen=True)
class DeviceInfo:
    """What the device says of itself. Hashes in hexadecimal; learned_digest: CRC-32 over plastic
    weights and learning state, as it greeted. counter_idx: which of its board's counters gives the
    ticks, 255 for none of them; reading_ticks: how many a reading of it takes. locked: not 0 where
    only who has its key can change what it has learned. saved: what its slots in flash hold."""

    board: str
    model_hash: str
    build_hash: str
    protocol: int
    abi: int
    tick_bits: int
    x_bytes: int
    n_classes: int
    n_steps: int
    n_projections: int
    state_bytes: int
    persist_bytes: int
    learned_digest: int
    counter_idx: int
    reading_ticks: int
    locked: int
    start: Start
    saved: Saved

    @classmethod
    def of(cls, hello: Mapping[str, Any]) -> Self:
        """From the fields of HELLO."""
        return cls(
            board=printable(hello["board"].rstrip(b"\0").decode("ascii", "backslashreplace")),
            model_hash=hello["model_hash"].hex(), build_hash=hello["build_hash"].hex(),
            persist_bytes=hello["persist_end"] - hello["persist_begin"], start=Start.of(hello),
            saved=Saved(Slots(min(hello["store"], max(Slots))), hello["n_saves"]),
            **{name: hello[name] for name in (
                "protocol", "abi", "tick_bits", "x_bytes", "n_classes", "n_steps",
                "n_projections", "state_bytes", "learned_digest", "counter_idx", "reading_ticks",
                "locked")})

    def require_sound(self) -> None:
        """Raises EdgeError E504 for a firmware that is damaged, or faults at each start."""
        if self.start.is_damaged:
            raise EdgeError("E504", f"the firmware in the flash of board {self.board} is damaged",
                            cause="its CRC is not the one that it was linked with, it is "
                                  f"{self.start.image_crc:08x}; the board runs nothing of it",
                            help="Flash it again. If that does not last, the flash is worn out.")
        if self.start.is_faulting:
            raise EdgeError("E504", f"the firmware of board {self.board} faults at each start",
                            cause=f"it restarted {self.start}, and runs nothing any more",
                            help="Press its reset button to let it try once more. If it faults "
                                 "again, flash it again; own code in it may be at fault.")

    def require_model(self, model_hash: str | None, build_hash: int | None,
                      n_projections: int) -> None:
        """Raises EdgeError E504 for a device that runs something else, saying what to rebuild or
        reflash. None, and no projections, stand for any."""
        for what, found, expected in (
                ("another model", self.model_hash, model_hash),
                ("another build of this model", self.build_hash,
                 None if build_hash is None else f"{build_hash:016x}")):
            if expected is not None and found != expected:
                raise EdgeError("E504", f"board {self.board} runs {what}",
                                cause=f"it reports {found[:16]}, expected {expected[:16]}",
                                help=f"Build the firmware for {self.board} and flash it again, "
                                     "or name the model that it runs.")
        if n_projections and self.n_projections != n_projections:
            raise EdgeError("E504", f"board {self.board} runs another model",
                            cause=f"it has {self.n_projections} projections, expected "
                                  f"{n_projections}")
