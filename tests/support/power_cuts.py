"""A micro:bit in QEMU whose power is cut at any store to flash, the unit under way torn.

`Machine.recorded` runs a request once, store by store, and says which there are; `Machine.cut_at`
runs up to one of them and cuts there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs, CsInsn
from capstone.arm import ARM_OP_MEM
from support.mortal import Dead, Mortal

from edge_dassdp.build.elf import opened, symbol_table
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.qemu import QemuProcess

ERASEPAGE, PAGE_BYTES, WORD_BYTES = 0x4001_E508, 1024, 4
"""Of the micro:bit's flash controller: what is stored there names a page, which is erased."""
_ENDS_S, _LOOK_S = 30.0, 0.01
_PC = 15


@dataclass(frozen=True)
class FlashStore:
    """One store: of a word, or one that erases a page."""

    address: int
    n_bytes: int

    @property
    def is_erase(self) -> bool:
        return self.n_bytes == PAGE_BYTES

    def torn(self, before: bytes, rng: random.Random) -> bytes:
        """What held `before`, when the power goes meanwhile: any bits are cleared that were set,
        or, of an erase, set that were cleared."""
        noise = rng.randbytes(len(before))
        if self.is_erase:
            return bytes(b | n for b, n in zip(before, noise, strict=True))
        return bytes(b & n for b, n in zip(before, noise, strict=True))


class Stores:
    """The stores to `watched`, (address, bytes) each, of a machine, one after the other."""

    def __init__(self, process: QemuProcess, watched: Sequence[tuple[int, int]]) -> None:
        self._process = process
        self._debugger = process.debugger
        self._watched = watched
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

    def skip(self) -> None:
        """Leave out the one that was reached."""
        registers = bytearray.fromhex(self._debugger.ask("g"))
        place = slice(4 * _PC, 4 * _PC + 4)
        pc = int.from_bytes(registers[place], "little")
        registers[place] = (pc + self._instruction(pc).size).to_bytes(4, "little")
        assert self._debugger.ask(f"G{registers.hex()}") == "OK"

    def which(self) -> FlashStore:
        """The one that was reached."""
        registers = self._registers()
        store = self._instruction(registers[_PC])
        memory = next(o for o in store.operands if o.type == ARM_OP_MEM).mem
        base, index = (registers[self._number(r)] if r else 0 for r in (memory.base, memory.index))
        address = base + index + memory.disp
        if address == ERASEPAGE:
            return FlashStore(registers[self._number(store.operands[0].reg)], PAGE_BYTES)
        return FlashStore(address, WORD_BYTES)

    def _instruction(self, pc: int) -> CsInsn:
        found = next(self._thumb.disasm(self._debugger.read(pc, 4), pc))
        assert found.mnemonic.startswith("str"), f"{found.mnemonic} {found.op_str}"
        return found

    def _wait(self) -> bool:
        """Whether it stands still before a store, rather than having answered."""
        end_s = time.monotonic() + _ENDS_S
        while not self._debugger.stops_within(_LOOK_S):
            assert time.monotonic() < end_s, "neither a store nor an answer"
            if self._process.uart.in_waiting:
                return False
        self._debugger.wait()
        return True

    def _watch(self, set_or_clear: str) -> None:
        for address, n_bytes in self._watched:
            assert self._debugger.ask(f"{set_or_clear}2,{address:x},{n_bytes:x}") == "OK"

    def _registers(self) -> list[int]:
        data = bytes.fromhex(self._debugger.ask("g"))
        return [int.from_bytes(data[i:i + 4], "little") for i in range(0, 4 * 16, 4)]

    def _number(self, register: int) -> int:
        name = self._thumb.reg_name(register)
        return {"sp": 13, "lr": 14, "pc": 15}.get(name) or int(name[1:])


class Machine:
    """A firmware in QEMU that saves to flash."""

    def __init__(self, process: QemuProcess, network: QNetwork) -> None:
        self.process = process
        self.network = network
        slots = process.board.store
        assert slots is not None
        self.origin, self.n_bytes = slots.origin, 2 * slots.slot_bytes
        with opened(process.elf) as file:
            self._state, = (s["st_value"] for s in symbol_table(file).iter_symbols()
                            if s.name == "dassdp_state")
        self._layout = Plan.of(network).layout
        self._port = Mortal(process.uart)

    def greet(self, happens: Callable[[], None] | None = None) -> LinkTarget:
        """A host that begins to talk to it. happens: while its first request waits for an answer;
        the machine stands still then, with the request on the line."""
        self._port = Mortal(self.process.uart)
        found = LinkTarget.of(self.network, self._port)
        if happens:
            self._port.stream = _Meddled(self.process, happens)
        return found

    def learned(self) -> bytes:
        """All that is to survive, as it lies in RAM: plastic weights and the learning state."""
        debugger = self.process.debugger
        debugger.stop()
        named = self._layout.decode(debugger.read(self._state, self._layout.state_bytes))
        debugger.run()
        plastic = {f"w_{p.name}" for p in self.network.plastic}
        return b"".join(value.tobytes() for name, value in named.items()
                        if name in plastic or name.startswith("learning."))

    def flash(self) -> bytes:
        """What both slots hold."""
        self.process.debugger.stop()
        held = self.process.debugger.read(self.origin, self.n_bytes)
        self.process.debugger.run()
        return held

    def boot_with(self, flash: bytes, seed: int) -> None:
        """Power comes back, and the slots hold `flash`."""
        self.process.debugger.stop()
        self.process.debugger.write(self.origin, flash)
        self.process.cut_power(seed)

    def recorded(self, ask: Callable[[], object]) -> list[FlashStore]:
        """The stores of a request; the host that sent it does not wait for the answer."""
        stores = self._asked(ask, (self.origin, self.n_bytes), (ERASEPAGE, WORD_BYTES))
        done: list[FlashStore] = []
        while stores.reach():
            done.append(stores.which())
            stores.carry_out()
        self.process.debugger.run()
        return done

    def cut_at(self, stores: Sequence[FlashStore], n: int, ask: Callable[[], object],
               rng: random.Random) -> None:
        """Cut the power at store n of a request's, from 0, in the middle of it; n of all of them:
        behind the last. Power is back then."""
        debugger = self.process.debugger
        if n == len(stores):
            assert not self._asked(ask).reach()
        else:
            store = stores[n]
            place = (ERASEPAGE if store.is_erase else store.address), WORD_BYTES
            found = self._asked(ask, place)
            for _ in range(n if store.is_erase else 0):  # no word is written twice
                assert found.reach()
                found.carry_out()
            assert found.reach() and found.which() == store
            held = debugger.read(store.address, store.n_bytes)
            debugger.write(store.address, store.torn(held, rng))
        self.process.cut_power(rng.getrandbits(32))

    def dies_after(self, n_writes: int, ask: Callable[[], object]) -> None:
        """The host that asks is no more when it has written so many times more."""
        self._port.n_writes, self._port.dies_waiting = n_writes, False
        with suppress(Dead):
            ask()

    def _asked(self, ask: Callable[[], object], *watched: tuple[int, int]) -> Stores:
        """The machine stands still, the request is on the line."""
        self.process.debugger.stop()
        self._port.n_writes, self._port.dies_waiting = 1, True
        with suppress(Dead):
            ask()
        return Stores(self.process, watched)


class _Meddled(Mortal):
    """The line to a machine to which something happens once, when a request was sent."""

    def __init__(self, process: QemuProcess, happens: Callable[[], None]) -> None:
        super().__init__(process.uart)
        self._process = process
        self._happens: Callable[[], None] | None = happens

    def write(self, data: bytes, /) -> int | None:
        happens, self._happens = self._happens, None
        if happens is None:
            return super().write(data)
        self._process.debugger.stop()
        n_written = super().write(data)
        happens()
        self._process.debugger.run()
        return n_written
