"""A network as the firmware of a board: predicted, built, and held against the prediction. Whoever
builds one comes here, so that all refuse what does not fit with the same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build import elf
from edge_dassdp.build.board import Board
from edge_dassdp.build.compile import Firmware, build_firmware
from edge_dassdp.build.stack import StackBound, stack_bound
from edge_dassdp.emit.model import emit
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import Ledger, ram_ledger
from edge_dassdp.qir import QNetwork
from edge_dassdp.wire.lock import Lock

MOST_LESSONS = (1 << 32) - 1


@dataclass(frozen=True)
class Build:
    """A firmware whose linked RAM is, symbol by symbol, the predicted one.

    stack covers the deepest call path with one interrupt on top; it fits the reserved stack.
    """

    firmware: Firmware
    predicted: Ledger
    linked: elf.Sizes
    stack: StackBound

    @property
    def elf(self) -> Path:
        """The linked file."""
        return self.firmware.elf

    @property
    def hex(self) -> Path:
        """The same for programmers that take Intel HEX."""
        return self.firmware.hex

    @property
    def ram_bytes(self) -> int:
        """Static RAM as linked, the reserved stack included."""
        return self.linked.ram_bytes

    @property
    def flash_bytes(self) -> int:
        """Code and constants as linked."""
        return self.linked.flash_bytes


def build_and_compare(network: QNetwork, board: Board, *, ram_budget: int | None = None,
                      flash_budget: int | None = None, name: str = "dassdp",
                      save_every: int = 0, lock: Lock | None = None) -> Build:
    """Predict, build, and hold the linked file against the prediction. Budgets in bytes. name: of
    the model in C. save_every: labelled samples after which it saves to flash by itself, 0: never.
    lock: the key that it is to be locked with.

    Raises EdgeError E402 if RAM, flash or stack exceed the board or a budget, E403 if a symbol or
    section differs from its prediction, E105 as `require_slots`, E301, E302 or E304 as
    `build_firmware`.
    """
    require_slots(board, save_every)
    predicted = predict_memory(network, board, ram_budget=ram_budget, flash_budget=flash_budget,
                               is_locked=lock is not None)
    firmware = build_firmware(emit(Plan.of(network), name, save_every=save_every, lock=lock), board)
    linked = elf.read_sizes(firmware.elf)
    _compare(predicted, linked)
    _keep_flash(predicted, linked.flash_bytes, flash_budget)
    bound = stack_bound(firmware)
    if bound.bytes > board.stack_bytes:
        raise EdgeError("E402", f"the stack overflows by {bound.bytes - board.stack_bytes:,} B",
                        cause=f"{board.name} reserves {board.stack_bytes:,} B, the deepest path "
                              f"takes {bound.bytes:,} B: {' -> '.join(bound.path)}",
                        help="raise stack_bytes in the board's board.toml")
    return Build(firmware, predicted, linked, bound)


def require_slots(board: Board, save_every: int) -> None:
    """Raises EdgeError E105 for a number of samples that none can be, or where the board has
    nowhere to save to."""
    if not 0 <= save_every <= MOST_LESSONS:
        raise EdgeError("E105", f"a save every {save_every} labelled samples",
                        help=f"0 for never, or 1 to {MOST_LESSONS:,}")
    if save_every and board.store is None:
        raise EdgeError("E105", f"{board.name} has no slots in flash to save to",
                        cause="its board.toml has no [store] table",
                        help="leave --save-every out, or add the table: docs/store.md")


def predict_memory(network: QNetwork, board: Board, *, ram_budget: int | None = None,
                   flash_budget: int | None = None, is_locked: bool = False) -> Ledger:
    """RAM to the byte, and flash, before anything is built. Budgets in bytes.

    Raises EdgeError E402 if RAM, or the model's constants in flash, exceed the board or a budget.
    """
    predicted = ram_ledger(Plan.of(network), board, ram_budget=ram_budget, is_locked=is_locked)
    _keep_flash(predicted, predicted.constant_bytes, flash_budget)
    return predicted


def _keep_flash(predicted: Ledger, needed: int, budget: int | None) -> None:
    size = predicted.board.flash.bytes
    limit = size if budget is None else min(budget, size)
    if needed > limit:
        raise EdgeError("E402", f"flash overflows by {needed - limit:,} B",
                        cause=f"budget {limit:,} B ({predicted.board.name}), needed {needed:,} B, "
                              f"of which model constants take {predicted.constant_bytes:,} B",
                        help="use fewer weight bits, a smaller network or a larger board")


def _compare(predicted: Ledger, linked: elf.Sizes) -> None:
    wanted, found = predicted.by_symbol(), linked.ram
    differences = [f"{name}: predicted {wanted.get(name, 0):,} B, linked {found.get(name, 0):,} B"
                   for name in sorted(wanted.keys() | found.keys())
                   if wanted.get(name) != found.get(name)]
    if linked.flash_bytes > predicted.flash_bound:
        differences.append(f"flash: predicted at most {predicted.flash_bound:,} B, linked "
                           f"{linked.flash_bytes:,} B")
    if predicted.ram_bytes != linked.ram_bytes:
        differences.append(f"RAM in all: predicted {predicted.ram_bytes:,} B, linked "
                           f"{linked.ram_bytes:,} B")
    if differences:
        raise EdgeError("E403", "predicted and linked memory disagree",
                        cause="; ".join(differences),
                        help="report it with the model, unless the runtime was edited")
