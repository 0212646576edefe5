"""The checks of a board file that need no compiler and no chip: what each objects to."""

from __future__ import annotations

from support import modm
from support.chip_facts import WIRED, chip, memory

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
    told = {"flash": (board.flash.origin, board.flash.bytes), "hz": board.clock_hz,
            "ram": (board.ram.origin, board.ram.bytes)}
    known = {**memory(name), "hz": WIRED[name].hz}
    wrong = [f"{key} is {value}, not {known[key]}" for key, value in told.items()
             if value != known[key]]
    uart = [p.name for p in chip(name).based_at(board.uart.base)]
    if board.uart.baud not in _BAUDS:
        wrong.append(f"no serial port has a baud rate of {board.uart.baud}")
    if name in modm.CHIPS and \
            modm.device(name).interrupts.get(uart[0] if uart else "") != board.uart.irq:
        wrong.append(f"interrupt {board.uart.irq} is not that of {uart}")
    return wrong


def unlike_clocks(name: str, board: Board) -> list[str]:
    found = running(board, chip(name), Wiring(WIRED[name].tx, WIRED[name].rx))
    return ["no rules"] if found is None else [*found.objections, *found.notes]


def text(name: str, board: Board) -> str:
    """What stands in the board's registers.txt."""
    return registers_text(board, chip(name), f"tests/boards/facts/{WIRED[name].facts}.svd")
