"""registers.txt: every store and address of a board.toml by the names of its chip."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from edge_dassdp.build.description import WORD, Board, Counter, ResetCause, Slots, Store
from edge_dassdp.chips.chip import Chip
from edge_dassdp.chips.core import FIRST
from edge_dassdp.chips.names import Named, named_address, named_flags, named_store, places

BAUD: Mapping[str, Callable[[int], tuple[tuple[int, int], ...]]] = {
    "nrf_uart": lambda divider: ((0x524, divider),),
    "stm32_usart_v1": lambda divider: ((0x08, divider),),
    "stm32_usart_v2": lambda divider: ((0x0C, divider),),
    "pl011": lambda divider: ((0x24, divider >> 6), (0x28, divider & 63)),
    "cmsdk_uart": lambda divider: ((0x10, divider),)}
"""What the driver in firmware/port/uart stores of `baud_register`: offsets and values."""
_STM32 = {"key": (0x04, "KEYR"), "status": (0x0C, "SR"), "control": (0x10, "CR")}
_DOUBLE = {"key": (0x08, "KEYR"), "status": (0x10, "SR"), "control": (0x14, "CR")}
_QUAD = {"key": (0x08, "NSKEYR"), "status": (0x20, "NSSR"), "control": (0x28, "NSCR")}
CONTROLLERS: Mapping[str, Callable[[Slots], Mapping[str, tuple[int, str]]]] = {
    "nvmc": lambda _: {"ready": (0x400, "READY"), "config": (0x504, "CONFIG"),
                       "page": (0x508, "ERASEPAGE")},
    "stm32_pages": lambda _: {**_STM32, "page": (0x14, "AR")},
    "stm32_sectors": lambda _: _STM32,
    "stm32_ecc": lambda slots: _QUAD if slots.write_bytes == 16 else _DOUBLE,
    "stm32_h7": lambda slots: {
        f"{name}{bank + 1}": (0x100 * bank + offset, f"{register}{bank + 1}")
        for bank in (0, 1) for name, (offset, register) in {
            "key": (0x04, "KEYR"), "control": (0x0C, "CR"), "status": (0x10, "SR"),
            "clear": (0x14, "CCR")}.items()},
    "rp_rom": lambda _: {"enable": (0x08, "SSIENR"), "baud": (0x14, "BAUDR")}}
"""What the driver in firmware/port/flash reads and writes: offsets and names."""
KINDS = {"watchdog": "[IW]?WDG|DOG|WDT|WATCHDOG|TIMER",
          "software": "SFT|SREQ|SW|SYSRES|LOCKUP|FORCE", "pin": "PIN|PAD|EXT|RESETPIN|RUN",
          "power": "POR|PDR|BOR|PWR|LDO|POWER"}
"""What the names of flags begin with that tell why a chip was reset, in the order of trial."""


@dataclass(frozen=True)
class Entry:
    """where: the field of the board.toml. address: that it is about."""

    section: str
    where: str
    address: int
    named: Named

    def __str__(self) -> str:
        return f"{self.section} {self.where} (0x{self.address:08X} {self.named.text})"


def entries(board: Board, chip: Chip) -> Iterator[Entry]:
    """All that is stored or read, in the order of the file."""
    yield from _stores("setup", board.setup, chip)
    yield from _uart(board, chip)
    for counter in board.counter:
        yield from _counter(counter, chip)
    if board.reset_cause:
        yield from _reset_cause(board.reset_cause, chip)
    if board.watchdog:
        yield from _stores("watchdog", board.watchdog.setup, chip)
        yield from _stores("watchdog", board.watchdog.feed, chip, "feed ")
    if board.marker:
        yield from _stores("marker", board.marker.setup, chip)
        for name, store in (("set", board.marker.set), ("clear", board.marker.clear)):
            yield Entry("marker", name, store.address, named_store(chip, store))
    if board.store:
        yield from _slots(board.store, chip)
    for section, cleared in (("nmi", board.nmi), ("bus_fault", board.bus_fault)):
        if cleared:
            yield from _stores(section, cleared.clear, chip)


def objections(board: Board, chip: Chip) -> list[str]:
    """What is wrong with the registers of a board, a line each."""
    return [f"{entry}: {why}" for entry in entries(board, chip) for why in entry.named.objections]


def unlike_chip(board: Board, chip: Chip) -> str:
    """That the description is evidently another chip's, most addresses being none of its
    registers'; "" where it is not. The core's own are those of every chip."""
    asked = {entry.address for entry in entries(board, chip) if entry.address < FIRST}
    unknown = [address for address in asked if not places(chip, address)
               and not chip.based_at(address)]
    if 2 * len(unknown) <= len(asked) or len(asked) < 4:
        return ""
    return (f"{chip.name} seems to be another chip than that of {board.name}: {len(unknown)} of "
            f"{len(asked)} addresses are no register of it")


def notes(board: Board, chip: Chip) -> list[str]:
    """What may be wrong with them."""
    return [f"{entry}: {why}" for entry in entries(board, chip) for why in entry.named.notes]


def registers_text(board: Board, chip: Chip, file: str) -> str:
    """What stands in registers.txt. file: the name of the one that described the chip."""
    lines = [f"# What each store of {board.name}'s board.toml does, by the names of {chip.name};",
             "# written by `edge-dassdp board check`, to be kept beside it and reviewed.",
             f"# Resolved from {file}{f', version {chip.version}' if chip.version else ''}."]
    lines += [f"# {line}" for line in _wrapped(chip.origin)]
    section = ""
    for entry in entries(board, chip):
        if entry.section != section:
            section = entry.section
            lines += ["", section]
        wrong = "".join(f"   <-- {why}" for why in (*entry.named.objections, *entry.named.notes))
        where = f"{entry.where:<8} 0x{entry.address:08X}"
        lines.append(f"  {where}  {entry.named.text}{wrong}")
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int = 96) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return [line for line in lines if line]


def _stores(section: str, stores: tuple[Store, ...], chip: Chip, before: str = ""
            ) -> Iterator[Entry]:
    for i, store in enumerate(stores):
        yield Entry(section, f"{before}{i}", store.address, named_store(chip, store))


def _uart(board: Board, chip: Chip) -> Iterator[Entry]:
    uart, found = board.uart, chip.based_at(board.uart.base)
    if not found:
        yield Entry("uart", "base", uart.base, Named("nothing", (
            f"no peripheral of {chip.name} begins at 0x{uart.base:08X}",)))
        return
    numbers = {name: number for p in found for name, number in p.interrupts.items()}
    names = [name for name, number in numbers.items() if number == uart.irq]
    told = ", ".join(f"{number} ({name})" for name, number in numbers.items())
    why = f"its interrupts are {told}" if numbers else f"{chip.name} names no interrupt of it"
    yield Entry("uart", "base", uart.base, Named(
        f"{found[0].name}, interrupt {uart.irq}" + (f" ({names[0]})" if names else ""),
        () if names else (f"interrupt {uart.irq} is not its own: {why}",)))
    parts = BAUD[uart.driver](uart.baud_register) if uart.driver in BAUD else ()
    for offset, value in parts:
        address = uart.base + offset
        yield Entry("uart", "baud", address, named_store(chip, Store(address, value)))


def _counter(counter: Counter, chip: Chip) -> Iterator[Entry]:
    section = f"counter {counter.name}"
    yield from _stores(section, counter.setup, chip)
    yield Entry(section, "count", counter.count, named_address(chip, counter.count))
    if counter.capture:
        yield Entry(section, "capture", counter.capture,
                    named_store(chip, Store(counter.capture, 1)))


def _slots(store: Slots, chip: Chip) -> Iterator[Entry]:
    """The controller's registers by name, and where the slots lie."""
    parts = CONTROLLERS[store.driver](store) if store.driver in CONTROLLERS else {}
    if parts:
        found = chip.based_at(store.base)
        yield Entry("store", "base", store.base, Named(found[0].name) if found else Named(
            "nothing", (f"no peripheral of {chip.name} begins at 0x{store.base:08X}",)))
    for name, (offset, register) in parts.items():
        there = [place.register.name for place in places(chip, store.base + offset)]
        named = named_address(chip, store.base + offset)
        wrong = () if register in there or not there else (f"{register} is expected there",)
        yield Entry("store", name, store.base + offset,
                    Named(named.text, (*named.objections, *wrong)))
    if store.option:
        named = named_store(chip, replace(store.option, wait=True))
        yield Entry("store", "option", store.option.address, Named(
            named.text.replace("wait until", "only if"), named.objections, named.notes))
    banks = f", in banks of {store.bank_bytes:,} B" if store.bank_bytes else ""
    yield Entry("store", "slots", store.origin, Named(
        f"2 of {store.slot_bytes:,} B{banks}, erased by {store.erase_bytes:,} B in "
        f"{store.erase_ms:,} ms, {store.endurance:,} times, written by {store.write_bytes:,} B"))


def _reset_cause(cause: ResetCause, chip: Chip) -> Iterator[Entry]:
    section = "reset_cause"
    yield Entry(section, "register", cause.register, named_address(chip, cause.register))
    there = named_flags(chip, cause.register, WORD).text.split()
    for kind in KINDS:
        mask = getattr(cause, kind)
        named = named_flags(chip, cause.register, mask)
        taken = named.text.split() if mask else []
        wrong = [f"{name} tells of {kind_of(name)}" for name in taken
                 if kind_of(name) not in (kind, "")]
        odd = [f"{name} tells of no {kind} reset" for name in taken if not kind_of(name)]
        odd += [f"{name} is left out" for name in there
                if kind_of(name) == kind and name not in taken]
        yield Entry(section, kind, cause.register, Named(
            named.text, (*named.objections, *wrong), tuple(odd)))
    clear = named_store(chip, cause.clear)
    more = ("it is a wait, which clears nothing",) if cause.clear.wait else ()
    yield Entry(section, "clear", cause.clear.address, Named(
        clear.text, clear.objections + more, clear.notes))


def kind_of(flag: str) -> str:
    """What a flag of a reset register tells of, by its name; empty where that does not say."""
    name = flag.upper().removeprefix("HAD_")
    return next((kind for kind, words in KINDS.items() if re.match(words, name)), "")
