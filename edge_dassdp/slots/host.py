"""The slots of the emulator: an array of this process that behaves as flash does."""

from __future__ import annotations

from typing import Any

from edge_dassdp.wire.saved import Saved, Slots


class HostSlots:
    """Of one state of the model in `library`, which `ffi` has loaded.

    flash: a dassdp_host_flash_t; tests have it fail. last: a dassdp_saved_t, what counts now.
    """

    def __init__(self, ffi: Any, library: Any) -> None:
        self._lib = library
        self.slots = library.dassdp_host_slots()
        self._bytes = ffi.new("uint64_t[]", [2**64 - 1] * (self.slots.slot_bytes // 4))
        self.flash = ffi.new("dassdp_host_flash_t *",
                             {"bytes": ffi.cast("uint8_t *", self._bytes)})
        self.last = ffi.new("dassdp_saved_t *")

    @property
    def saved(self) -> Saved:
        return Saved(Slots(self.last.state), self.last.n_saves)

    def use(self) -> None:
        """What this thread calls next finds this flash."""
        self._lib.dassdp_host_flash_use(self.flash)

    def load(self, state: Any) -> int:
        self.use()
        return int(self._lib.dassdp_store_load(self.slots, state, self.last))

    def save(self, state: Any) -> int:
        self.use()
        return int(self._lib.dassdp_store_save(self.slots, state, self.last))

    def erase(self) -> int:
        self.use()
        return int(self._lib.dassdp_store_erase(self.slots, self.last))
