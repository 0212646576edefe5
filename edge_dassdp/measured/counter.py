"""What the ticks of a board are: cycles of its core, or periods of a clock, or nothing.

A core counts its cycles in DWT.CYCCNT, or in SysTick where that runs on the core's clock (Armv7-M
Architecture Reference Manual, C1.8 and B3.3); any other counter is a timer. QEMU has no CYCCNT, so
where that stands still nothing is called cycles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_dassdp.build.board import Board, Counter
from edge_dassdp.wire.info import DeviceInfo

_CYCCNT, _SYSTICK_CSR, _SYSTICK_CVR = 0xE000_1004, 0xE000_E010, 0xE000_E018
_CLKSOURCE = 0x4
_SLACK_S, _SLACK = 2e-3, 1.05
"""By which a count may exceed the time of this computer: of its clock, and of a chip's."""


@dataclass(frozen=True)
class Ticks:
    """The counter behind the ticks of a board.

    name: as its board.toml has it, "" if it is not known. is_cycles: it counts cycles of the core.
    hz: at which it counts by board.toml, None if that is not known, or is not what it does. bits:
    of its width. reading: ticks that a reading takes, of which each step has two. untold: what it
    cannot tell, a sentence each.
    """

    name: str
    is_cycles: bool
    hz: int | None
    bits: int
    reading: int
    untold: tuple[str, ...]


def counts_cycles(counter: Counter) -> bool:
    """Whether it is one of those by which a core counts its own cycles."""
    on_core = any(store.address == _SYSTICK_CSR and store.value & _CLKSOURCE
                  for store in counter.setup)
    return counter.count == _CYCCNT or (counter.count == _SYSTICK_CVR and on_core)


def ticks_of(board: Board | None, info: DeviceInfo, timed: Sequence[tuple[int, float]]) -> Ticks:
    """What the ticks of a board are, by what it said of itself.

    timed: ticks, and seconds of this computer in which they passed, of each request.
    """
    idx = info.counter_idx
    counter = board.counter[idx] if board and idx < len(board.counter) else None
    name, is_cycles = (counter.name, counts_cycles(counter)) if counter else ("", False)
    hz = board.clock_hz if board and counter else None
    untold = [] if counter else ["which counter gives its ticks"]
    if not info.tick_bits:
        untold = ["cycles: it has no counter"]
    elif not any(ticks for ticks, _ in timed) and timed:
        untold.append(f"cycles: its counter {name}".rstrip() + " reads the same all the time")
    elif counter and board:
        still = [c.name for c in board.counter[:idx] if counts_cycles(c)]
        is_cycles = is_cycles and not still
        untold += [f"cycles by {c}, which counts those of the core: it stands still here, as in an "
                   "emulator" for c in still]
        if doubt := _too_fast(name, board.clock_hz, timed):
            hz, is_cycles = None, False
            untold.append(doubt)
        else:
            untold += _of_clock(name, is_cycles, board.clock_hz, info.tick_bits, timed)
    return Ticks(name, is_cycles, hz, info.tick_bits, info.reading_ticks, tuple(untold))


def _too_fast(name: str, hz: int, timed: Sequence[tuple[int, float]]) -> str:
    """Why a counter does not count at `hz`, "" where it may."""
    ticks = max((ticks for ticks, s in timed if ticks / hz > _SLACK * s + _SLACK_S), default=0)
    if not ticks:
        return ""
    return (f"cycles and time: {ticks:,} ticks of {name} would take {ticks / hz:.3g} s at {hz:,} "
            "Hz, and the answer was here sooner: it does not count at the core's clock, as that of "
            "an emulator does not")


def _of_clock(name: str, is_cycles: bool, hz: int, bits: int,
              timed: Sequence[tuple[int, float]]) -> list[str]:
    found = [] if is_cycles else [f"cycles: ticks of {name} are periods of a clock; by board.toml "
                                  f"it is the core's, {hz:,} Hz"]
    if any(s * hz >= 1 << bits for _, s in timed):
        found.append(f"whether {name} wrapped: it has {bits} bits, and at {hz:,} Hz some requests "
                     "may have taken more")
    return found
