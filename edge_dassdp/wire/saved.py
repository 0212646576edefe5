"""What a device's slots in flash hold, as its HELLO tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from edge_dassdp.base.errors import EdgeError


class Slots(IntEnum):
    """DASSDP_STORE_* of dassdp_store.h."""

    ABSENT = 0
    EMPTY = 1
    SAVED = 2
    BUILD = 3
    FOREIGN = 4
    DAMAGED = 5


_TEXTS = {
    Slots.ABSENT: "no slots in flash",
    Slots.EMPTY: "factory weights, nothing was saved to flash",
    Slots.SAVED: "weights from flash, save {n:,}",
    Slots.BUILD: "weights from flash, save {n:,} of another build of this model",
    Slots.FOREIGN: "factory weights: what flash holds, save {n:,}, is another model's or version's",
    Slots.DAMAGED: "factory weights: nothing that was saved to flash is whole"}


@dataclass(frozen=True)
class Saved:
    """slots: what they hold. n_saves: number of the newest save, they count from 1; 0 for none."""

    slots: Slots
    n_saves: int

    @property
    def is_there(self) -> bool:
        """Whether a start takes weights and learning state from flash."""
        return self.slots in (Slots.SAVED, Slots.BUILD)

    def require(self, name: str) -> None:
        """Raises EdgeError E503 where the device `name` has no slots."""
        if self.slots == Slots.ABSENT:
            raise EdgeError("E503", f"{name} has no slots in flash to save to",
                            cause="its board.toml has no [store] table",
                            help="--snapshot and --restore keep what is learned on this computer; "
                                 "docs/store.md tells what a board needs")

    def __str__(self) -> str:
        return _TEXTS[self.slots].format(n=self.n_saves)


NOTHING = Saved(Slots.ABSENT, 0)
EMPTY = Saved(Slots.EMPTY, 0)
