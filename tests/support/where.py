"""The targets of the conformance suite, and which scenarios each of them holds."""

from __future__ import annotations

from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger

TARGETS = ("emulator-checked", "emulator", "qemu-microbit", "qemu-lm3s6965evb", "qemu-stm32f405",
           "qemu-mps2-an500", "qemu-mps2-an505", "qemu-mps3-an547")


def fits(target: str, scenario: str) -> bool:
    """A board's RAM holds the network; only the micro:bit's does not always."""
    if not target.startswith("qemu-"):
        return True
    try:
        plan, board = Plan.of(SCENARIOS[scenario].quantized), target.removeprefix("qemu-")
        ram_ledger(plan, load_board(board))
    except EdgeError as refusal:
        assert refusal.code == "E402"
        return False
    return True


WHERE = {name: tuple(s for s in SCENARIOS if fits(name, s)) for name in TARGETS}
