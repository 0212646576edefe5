"""RAM and flash before the build: what every byte of a firmware is for."""

from __future__ import annotations

from dataclasses import dataclass

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.plan.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.stored import stored_words
from edge_dassdp.qir.tables import Array, Rows, Table
from edge_dassdp.wire.frames import LINK_STORE_BYTES, LINK_STRUCT_BYTES, link_buffer_bytes
from edge_dassdp.wire.messages import POOL_BYTES

CODE_BYTES = 26 * 1024
"""More flash than runtime, link and drivers take on any core, all rules linked."""
MORE_CODE_BYTES = 10 * 1024
"""More than convolutions, pools, delays, coded inputs, sensors and neurons with dynamics add."""
CLASS_CODE_BYTES = 4 * 1024
"""More than class means and spare classes add."""
PACKED_CODE_BYTES = 2 * 1024
"""More than the kernels of 4-bit rows, two weights to a byte, add."""
STREAM_CODE_BYTES = 4 * 1024
"""More than streams add."""
LOCK_CODE_BYTES = 2 * 1024
"""More than the lock, SHA-256 and the key add to a locked build."""
STORE_CODE_BYTES = 4 * 1024
"""More than slots in flash add: store, driver, export and import."""
DESCRIPTOR_BYTES = 144
"""More than a population or projection takes in the model's tables."""
STEP_CODE_BYTES = 400
"""More than the step that is generated for a population takes."""
_STRUCT_BYTES = {"dassdp_path_t": 400, "dassdp_delay_t": 4, "dassdp_taps_t": 8,
                 "dassdp_largest_t": 64}
"""More than a struct takes, with those that it alone points to; others are within
DESCRIPTOR_BYTES."""


@dataclass(frozen=True)
class LedgerLine:
    """Predicted bytes of static RAM of one owner."""

    what: str
    group: str
    bytes: int


@dataclass(frozen=True)
class Ledger:
    """Predicted static RAM of one firmware, to the byte, and its flash.

    constant_bytes: weights and per-neuron constants. flash_bound: with code and tables, at most.
    save_bytes: of a slot in flash that a save takes, 0 where the board has none.
    """

    board: Board
    lines: tuple[LedgerLine, ...]
    constant_bytes: int
    flash_bound: int
    learning_state_bytes: int
    save_bytes: int

    @property
    def ram_bytes(self) -> int:
        """.data + .bss + the reserved stack."""
        return sum(line.bytes for line in self.lines)

    def by_symbol(self) -> dict[str, int]:
        """Bytes by symbol of the firmware, as its ELF must have them."""
        owners: dict[str, int] = {}
        for line in self.lines:
            symbol = line.what.partition(".")[0]
            owners[symbol] = owners.get(symbol, 0) + line.bytes
        owners.pop("stack")
        return owners

    def by_field(self) -> dict[str, dict[str, dict[str, int]]]:
        """Of symbols that are structs, and of each group of their fields: bytes by field."""
        made: dict[str, dict[str, dict[str, int]]] = {}
        for line in self.lines:
            symbol, _, field = line.what.partition(".")
            if field:
                made.setdefault(symbol, {}).setdefault(line.group, {})[field] = line.bytes
        return made


def ram_ledger(plan: Plan, board: Board, *, ram_budget: int | None = None,
               is_locked: bool = False) -> Ledger:
    """Every byte of static RAM before the build, of a locked one where it is such.

    Raises EdgeError E402 if it exceeds the board's RAM, or the budget given.
    """
    network, layout = plan.network, plan.layout
    buffers = link_buffer_bytes(network.n_classes)
    lines = [LedgerLine(f"dassdp_state.{f.name}", f.group, f.bytes) for f in layout.fields]
    has_slots = LINK_STORE_BYTES if board.store else 0
    lines.append(LedgerLine("dassdp_link", "link", LINK_STRUCT_BYTES + has_slots))
    lines.append(LedgerLine("dassdp_request", "link", -(-buffers.request // 4) * 4))
    lines.append(LedgerLine("dassdp_response", "link", -(-buffers.response // 4) * 4))
    lines += [LedgerLine("dassdp_pool", "link", POOL_BYTES)] * is_locked
    lines += [LedgerLine(name, "port", size) for name, size in board.port_ram.items()]
    if board.store:
        lines.append(LedgerLine("dassdp_unit", "port", board.store.write_bytes))
    lines.append(LedgerLine("stack", "stack", board.stack_bytes))
    constants = constant_bytes(plan)
    code = CODE_BYTES + (MORE_CODE_BYTES if _is_rich(plan) else 0) + LOCK_CODE_BYTES * is_locked
    code += STORE_CODE_BYTES if board.store else 0
    code += CLASS_CODE_BYTES if network.keeps_classes else 0
    code += PACKED_CODE_BYTES if any(map(network.is_packed, network.projections)) else 0
    code += STREAM_CODE_BYTES if network.hop else 0
    made = Ledger(board, tuple(lines), constants, constants + described_bytes(network) + code,
                  layout.learning_state_bytes,
                  board.store.head_bytes + layout.export_bytes if board.store else 0)
    limit = board.ram.bytes if ram_budget is None else min(ram_budget, board.ram.bytes)
    if made.ram_bytes > limit:
        largest = max(lines, key=lambda line: line.bytes)
        raise EdgeError(
            "E402", f"RAM overflows by {made.ram_bytes - limit:,} B",
            cause=f"budget {limit:,} B ({board.name}), needed {made.ram_bytes:,} B, of which "
                  f"{largest.what} takes {largest.bytes:,} B",
            help="make fewer projections plastic, store fewer samples, keep no copy of weights, or "
                 "use a larger board",
        )
    if board.store:
        check_slots(layout.export_bytes, board)
    return made


def described_bytes(network: QNetwork) -> int:
    """More than descriptors and the generated step of a model take in flash."""
    return (DESCRIPTOR_BYTES * (len(network.populations) + len(network.projections))
            + STEP_CODE_BYTES * len(network.populations))


def check_slots(export_bytes: int, board: Board) -> None:
    """Raises EdgeError E402 where a slot of the board does not hold what a model learns."""
    if board.store is None or export_bytes <= board.store.room:
        return
    raise EdgeError(
        "E402", f"a slot in flash overflows by {export_bytes - board.store.room:,} B",
        cause=f"what the model learns takes {export_bytes:,} B, a slot of {board.name} holds "
              f"{board.store.room:,} B",
        help="raise store.slot_bytes in the board's board.toml and lower flash.bytes by twice as "
             "much, make fewer projections plastic, or leave [store] out: then nothing is saved")


def _is_rich(plan: Plan) -> bool:
    """It runs what plain networks do not link."""
    return (any(route.has_path for route in plan.routes.values())
            or any(i.is_coded or i.sensor for i in plan.network.inputs)
            or any(p.dynamics is not None or p.n_history or p.records_channels
                   for p in plan.network.populations))


def constant_bytes(plan: Plan) -> int:
    """Weight images and per-neuron constants in flash, without descriptors and code; tables of
    paths count as constants."""
    return sum(map(_bytes, plan.tables.constants))


def _bytes(constant: Array | Table | Rows) -> int:
    if isinstance(constant, Array):
        return constant.bytes
    n = len(constant.rows) if isinstance(constant, Rows) else 1
    return n * _STRUCT_BYTES.get(constant.ctype, 0)


def replay_bytes(network: QNetwork, n_samples: int) -> int:
    """Flash that n stored samples take: bit planes and a label each."""
    return n_samples * (4 * stored_words(network) + 2)
