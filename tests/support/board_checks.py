"""The checks of a board file that need no compiler and no chip: what each objects to."""

from __future__ import annotations

from support import modm
from support.chip_facts import WIRED, chip, memory
from support.chips import CHIPS, CONTROLLERS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board_checks import check_board
from edge_dassdp.build.description import Board
from edge_dassdp.chips.clocks.model import running
from edge_dassdp.chips.clocks.registers import Wiring
from edge_dassdp.chips.registers import notes, objections, registers_text

CHECKS = ("fields", "names", "facts", "clocks")
"""In the order in which they are asked."""
_BAUDS = (9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_000_000)


def found_by(name: str, board: Board) -> str:
    """The first of CHECKS that objects to a board, which should be the one of that name; empty
    where none does."""
    try:
        check_board(board)
    except EdgeError:
        return "fields"
    if objections(board, chip(name)) or notes(board, chip(name)):
        return "names"
    if unlike_facts(name, board):
        return "facts"
    return "clocks" if unlike_clocks(name, board) else ""


def unlike_facts(name: str, board: Board) -> list[str]:
    """Memory and clock against what the data sheet gives, the interrupt against modm-devices."""
    told = {"flash": with_slots(board), "hz": board.clock_hz,
            "ram": (board.ram.origin, board.ram.bytes)}
    known = {**memory(name), "hz": WIRED[name].hz}
    wrong = [f"{key} is {value}, not {known[key]}" for key, value in told.items()
             if value != known[key]]
    wrong += unlike_controller(name, board)
    uart = [p.name for p in chip(name).based_at(board.uart.base)]
    if board.uart.baud not in _BAUDS:
        wrong.append(f"no serial port has a baud rate of {board.uart.baud}")
    if name in modm.CHIPS and \
            modm.device(name).interrupts.get(uart[0] if uart else "") != board.uart.irq:
        wrong.append(f"interrupt {board.uart.irq} is not that of {uart}")
    return wrong


def with_slots(board: Board) -> tuple[int, int]:
    """Origin and bytes of flash, with slots that follow."""
    slots = board.store.region if board.store else None
    end = slots.end if slots and slots.origin == board.flash.end else board.flash.end
    return board.flash.origin, end - board.flash.origin


def unlike_controller(name: str, board: Board) -> list[str]:
    """The slots against erase and write units, times and wear of the chip's flash."""
    known, store = CONTROLLERS.get(name), board.store
    if known is None or store is None:
        return [] if known is None or name not in CHIPS else ["it has no slots"]
    units = known.erase_units(CHIPS[name].flash[0])
    inside = [units.get(at) for at in range(store.origin, store.region.end, store.erase_bytes)]
    wrong = [] if set(inside) == {store.erase_bytes} else ["slots are no whole erase units"]
    n_writes = store.erase_bytes // known.write
    right = {"base": known.base, "endurance": known.endurance, "write_bytes": max(4, known.write)}
    wrong += [f"{key} is {getattr(store, key)}, not {value}" for key, value in right.items()
              if getattr(store, key) != value]
    least_ms = known.erase_ms + known.write_us * n_writes / 1000
    if not 0.9 * least_ms <= store.erase_ms <= 2 * least_ms:
        wrong.append(f"erase_ms is {store.erase_ms}, and it takes {least_ms:.0f}")
    if store.bank_bytes not in (known.bank, 0) or (known.kind in ("g4", "l4", "u5")
                                                   and not store.bank_bytes):
        wrong.append(f"banks have {known.bank} B")
    return wrong


def unlike_clocks(name: str, board: Board) -> list[str]:
    found = running(board, chip(name), Wiring(WIRED[name].tx, WIRED[name].rx))
    return ["no rules"] if found is None else [*found.objections, *found.notes]


def text(name: str, board: Board) -> str:
    """What stands in the board's registers.txt."""
    return registers_text(board, chip(name), f"tests/boards/facts/{WIRED[name].facts}.svd")
