"""Flash as a cut of the power leaves it: at any store of what a firmware writes, torn or whole.

`recorded` runs it once, store by store. `FlashLog.cut_at` then gives the bytes at any of them: what
is laid into flash (`boot_with`) is what a cut there leaves, without running up to it.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs
from capstone.arm import ARM_OP_MEM

from edge_dassdp.targets.qemu import QemuProcess
from edge_dassdp.targets.qemu.debugger import Debugger

ERASEPAGE, PAGE_BYTES, WORD_BYTES = 0x4001_E508, 1024, 4
"""Of the micro:bit's flash controller: what is stored there names a page, which is erased."""
_ENDS_S = 30.0
_PC = 15


@dataclass(frozen=True)
class FlashStore:
    """One store: a word, or a page that an erase clears. before, after: its bytes."""

    address: int
    before: bytes
    after: bytes

    @property
    def is_erase(self) -> bool:
        return len(self.after) == PAGE_BYTES

    def torn(self, rng: random.Random) -> bytes:
        """Its bytes when the power goes meanwhile: some bits are cleared that were set, or, of an
        erase, some set that were cleared."""
        noise = rng.randbytes(len(self.before))
        if self.is_erase:
            return bytes(b | n for b, n in zip(self.before, noise, strict=True))
        return bytes(b & n for b, n in zip(self.before, noise, strict=True))


@dataclass(frozen=True)
class FlashLog:
    """What one save does to the flash from `origin` on, which held `before`."""

    origin: int
    before: bytes
    stores: tuple[FlashStore, ...]

    def cut_at(self, n: int, rng: random.Random | None = None) -> bytes:
        """The flash when the power goes at store n, from 0; n of all of them: behind the last.
        rng: that store is torn; None: it was not begun."""
        flash = bytearray(self.before)
        for store in self.stores[:n]:
            self._put(flash, store.address, store.after)
        if rng is not None and n < len(self.stores):
            self._put(flash, self.stores[n].address, self.stores[n].torn(rng))
        return bytes(flash)

    def _put(self, flash: bytearray, address: int, data: bytes) -> None:
        flash[address - self.origin:address - self.origin + len(data)] = data


class Stores:
    """The stores to flash [origin, origin + n_bytes) of a machine, one after the other."""

    def __init__(self, process: QemuProcess, origin: int, n_bytes: int) -> None:
        self._process = process
        self._debugger: Debugger = process.debugger
        self._ranges = ((origin, n_bytes), (ERASEPAGE, WORD_BYTES))
        self._thumb = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
        self._thumb.detail = True

    def reach(self) -> bool:
        """Run up to the next one, which is not done; False: the firmware answered before. The
        machine stands still then."""
        self._debugger.stop()
        self._watch("Z")
        self._debugger.run()
        is_there = self._wait()
        self._debugger.stop()
        self._watch("z")
        return is_there

    def carry_out(self) -> None:
        """Do the one that was reached."""
        self._debugger.ask("s")

    def place(self) -> tuple[int, int]:
        """Address and number of bytes that the one that was reached is about to change."""
        registers = self._registers()
        pc = registers[_PC]
        store = next(self._thumb.disasm(self._debugger.read(pc, 4), pc))
        assert store.mnemonic.startswith("str"), f"{store.mnemonic} {store.op_str}"
        memory = next(o for o in store.operands if o.type == ARM_OP_MEM).mem
        base, index = (registers[self._number(r)] if r else 0 for r in (memory.base, memory.index))
        address = base + index + memory.disp
        if address == ERASEPAGE:
            return registers[self._number(store.operands[0].reg)], PAGE_BYTES
        return address, WORD_BYTES

    def _wait(self) -> bool:
        """Whether it stands still before a store, rather than having answered."""
        end_s = time.monotonic() + _ENDS_S
        while not self._debugger.has_stopped:
            assert time.monotonic() < end_s, "neither a store nor an answer"
            if self._process.uart.in_waiting:
                return False
        self._debugger.wait()
        return True

    def _watch(self, set_or_clear: str) -> None:
        for address, n_bytes in self._ranges:
            assert self._debugger.ask(f"{set_or_clear}2,{address:x},{n_bytes:x}") == "OK"

    def _registers(self) -> list[int]:
        data = bytes.fromhex(self._debugger.ask("g"))
        return [int.from_bytes(data[i:i + 4], "little") for i in range(0, 4 * 16, 4)]

    def _number(self, register: int) -> int:
        name = self._thumb.reg_name(register)
        return {"sp": 13, "lr": 14, "pc": 15}.get(name) or int(name[1:])


def recorded(process: QemuProcess, origin: int, n_bytes: int) -> FlashLog:
    """What a request that was just sent, and not answered yet, does to flash."""
    debugger, stores = process.debugger, Stores(process, origin, n_bytes)
    debugger.stop()
    before = debugger.read(origin, n_bytes)
    done: list[FlashStore] = []
    while stores.reach():
        address, size = stores.place()
        was = debugger.read(address, size)
        stores.carry_out()
        done.append(FlashStore(address, was, debugger.read(address, size)))
    log = FlashLog(origin, before, tuple(done))
    assert log.cut_at(len(done)) == debugger.read(origin, n_bytes), "a store was missed"
    debugger.run()
    return log


def cut_at(process: QemuProcess, origin: int, n_bytes: int, n: int, seed: int) -> bytes:
    """Really cut the power before store n of a request that was just sent; the flash then."""
    stores = Stores(process, origin, n_bytes)
    for _ in range(n):
        assert stores.reach()
        stores.carry_out()
    assert stores.reach()
    left = process.debugger.read(origin, n_bytes)
    process.cut_power(seed)
    return left


def boot_with(process: QemuProcess, origin: int, flash: bytes, seed: int) -> None:
    """Power comes back after a cut that left `flash`."""
    process.debugger.stop()
    process.debugger.write(origin, flash)
    process.cut_power(seed)
