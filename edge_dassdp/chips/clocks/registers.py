"""Registers from a reset on, as a list of stores leaves them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from edge_dassdp.build.description import Board, Counter, Store, Uart

SYSTICK, RELOAD, CURRENT = 0xE000_E010, 0xE000_E014, 0xE000_E018
DEMCR, DWT_CTRL, CYCCNT, DWT_LAR = 0xE000_EDFC, 0xE000_1000, 0xE000_1004, 0xE000_1FB0
_PIN = re.compile(r"P[A-K]\d+|P\d\.\d\d|(?<=GP)\d+")
Levels = dict[str, tuple[int, int]]
"""Of pins by name: what a pin would be driven to, and whether it is; those of (0, 0) left out."""


class Registers:
    """Words by address; 0 where nothing is known. reset: as they were. waits: those that
    came. written: addresses of stores. wrong: what was wrong with a store by itself."""

    def __init__(self, reset: Mapping[int, int]) -> None:
        self.reset = reset
        self._words = dict(reset)
        self.waits: list[Store] = []
        self.written: set[int] = set()
        self.wrong: list[str] = []

    def __getitem__(self, address: int) -> int:
        return self._words.get(address, 0)

    def __setitem__(self, address: int, word: int) -> None:
        self._words[address] = word & 0xFFFF_FFFF

    def bits(self, address: int, lsb: int, width: int = 1) -> int:
        return self[address] >> lsb & ((1 << width) - 1)

    def put(self, address: int, lsb: int, width: int, value: int) -> None:
        mask = ((1 << width) - 1) << lsb
        self[address] = self[address] & ~mask | value << lsb & mask

    def was(self, address: int, lsb: int, width: int = 1) -> int:
        """As `bits`, after reset."""
        return self.reset.get(address, 0) >> lsb & ((1 << width) - 1)

    def were_awaited(self, address: int, mask: int) -> bool:
        """Whether a wait asked for one of some bits."""
        return any(wait.address == address and wait.mask & mask for wait in self.waits)


@dataclass
class Running:
    """What a board does after its set-up. core_hz, uart_hz: 0 where that is not known. objections:
    what is wrong; notes: what these rules do not follow."""

    core_hz: float = 0
    uart_hz: float = 0
    baud: float = 0
    objections: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def object_unless(self, holds: object, why: str) -> None:
        if not holds:
            self.objections.append(why)


@dataclass(frozen=True)
class Wiring:
    """The pins of a board's serial line, as its chip's manual calls them; empty: not known."""

    tx: str = ""
    rx: str = ""


class Family(ABC):
    """Rules of chips that are alike."""

    def takes(self, now: Registers, address: int) -> bool:
        """Whether a store gets there: registers whose clock is off do not change."""
        return True

    def store(self, now: Registers, store: Store) -> None:
        now[store.address] = now[store.address] & ~store.mask | store.value

    def settle(self, now: Registers) -> None:  # noqa: B027 - some do nothing
        """What the chip itself does after a store, when it has had the time."""

    @abstractmethod
    def clocks(self, now: Registers, uart: Uart, found: Running) -> None:
        """core_hz, uart_hz and baud of `found`, and what is wrong with clocks and their waits."""

    @abstractmethod
    def pins(self, now: Registers, uart: Uart, wiring: Wiring, found: Running) -> None:
        """What is wrong with the pins of the serial line."""

    def levels(self, now: Registers) -> Levels:
        """The pins that the program itself drives."""
        return {}

    def counts(self, now: Registers, counter: Counter) -> Iterator[str]:
        """Why a counter of the chip does not count core cycles from 0 to 2^bits - 1."""
        yield f"0x{counter.count:08X} is no counter that these rules know"

    def run(self, now: Registers, stores: Iterable[Store]) -> Iterator[str]:
        """Carry stores out; waits that would not end."""
        for store in stores:
            if store.wait:
                now.waits.append(store)
                if now[store.address] & store.mask != store.value:
                    yield f"0x{store.address:08X} never reads 0x{store.value:X} of " \
                        f"0x{store.mask:X}: it waits for ever"
            elif self.takes(now, store.address):
                now.written.add(store.address)
                self.store(now, store)
            if now.bits(SYSTICK, 0) and now[RELOAD]:
                now[SYSTICK] = now[SYSTICK] | 1 << 16
            self.settle(now)


def run(family: Family, board: Board, reset: Mapping[int, int], wiring: Wiring) -> Running:
    """What a board does after its set-up."""
    now, found = Registers(reset), Running()
    found.objections += family.run(now, board.setup)
    family.clocks(now, board.uart, found)
    family.pins(now, board.uart, wiring, found)
    if wiring.tx and (others := sorted(family.levels(now).keys() - {wiring.tx})):
        found.notes.append(f"{', '.join(others)} are driven beside {wiring.tx}")
    for counter in board.counter:
        _count(family, now, counter, board.cpu, found)
    _mark(family, now, board, wiring, found)
    found.objections += now.wrong
    if found.core_hz:
        found.object_unless(abs(found.core_hz / board.clock_hz - 1) <= 0.01,
                            f"clock_hz says {board.clock_hz:,}, the core runs at "
                            f"{found.core_hz:,.0f} Hz")
    if found.baud:
        found.object_unless(abs(found.baud / board.uart.baud - 1) <= 0.01,
                            f"uart.baud says {board.uart.baud:,}, the divider makes "
                            f"{found.baud:,.0f}")
    return found


def _count(family: Family, now: Registers, counter: Counter, cpu: str, found: Running) -> None:
    wrong = list(family.run(now, counter.setup))
    if counter.count == CYCCNT:
        if not now.bits(DEMCR, 24) or not now.bits(DWT_CTRL, 0):
            wrong.append("CYCCNT is not turned on")
        if cpu == "cortex-m7" and DWT_LAR not in now.written:
            wrong.append("DWT is not unlocked (LAR)")
        wrong += unlike(counter, 32)
    elif counter.count == CURRENT:
        if now[SYSTICK] & 5 != 5 or now[RELOAD] != (1 << 24) - 1:
            wrong.append("SysTick does not count core cycles from 2^24 - 1 on")
        if now[SYSTICK] & 2:
            wrong.append("SysTick interrupts")
        if CURRENT not in now.written:
            wrong.append("SysTick is not cleared before it counts")
        wrong += unlike(counter, 24, down=True)
    else:
        wrong += family.counts(now, counter)
    found.objections += [f"counter {counter.name}: {why}" for why in wrong]


def _mark(family: Family, now: Registers, board: Board, wiring: Wiring, found: Running) -> None:
    """The marker is a pin that nothing else drives: low, then high and low; no other changes."""
    if board.marker is None:
        return
    named, before = _PIN.search(board.marker.pin), family.levels(now)
    if named is None:
        found.notes.append(f"marker.pin: '{board.marker.pin}' names no pin of the chip")
        return
    pin = f"GPIO{named[0]}" if named[0].isdecimal() else named[0]
    found.object_unless(pin not in before, f"marker: {pin} is driven already")
    for stores, level, what in ((board.marker.setup, 0, "low by setup"),
                                ((board.marker.set,), 1, "high by set"),
                                ((board.marker.clear,), 0, "low by clear")):
        found.objections += [f"marker: {why}" for why in family.run(now, stores)]
        found.object_unless(family.levels(now) == before | {pin: (level, 1)},
                            f"marker: {pin} is not driven {what}, or not alone")
    family.pins(now, board.uart, wiring, found)


def unlike(counter: Counter, bits: int, *, down: bool = False, capture: int = 0) -> Iterator[str]:
    """How a counter is described as another than it is."""
    if (counter.bits, counter.down, counter.capture) != (bits, down, capture):
        yield f"it has {bits} bits, counts {'down' if down else 'up'} and " + (
            f"is captured by 0x{capture:08X}" if capture else "needs no capture")
