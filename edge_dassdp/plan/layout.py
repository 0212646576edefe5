"""Memory before the build: every byte of the state, and the RAM ledger of a firmware."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.ir import Input
from edge_dassdp.plan import paths
from edge_dassdp.plan.scratch import ROWS_MAX as ROWS_MAX
from edge_dassdp.plan.scratch import Scratch, lay_out
from edge_dassdp.qir import (
    QEIHL,
    QSTDP,
    QHomeostasis,
    QNetwork,
    QPopulation,
    QProjection,
    QSyncRule,
)
from edge_dassdp.qir.packing import columns, row_bytes, words
from edge_dassdp.qir.stored import stored_words
from edge_dassdp.wire.frames import LINK_STRUCT_BYTES, link_buffer_bytes

Group = Literal["weights", "inference", "learning", "padding"]
_SIZES = {"dassdp_gate_t": 48, "dassdp_learning_t": 24, "dassdp_replay_t": 12,
          "dassdp_guard_t": 12, "dassdp_eihl_t": 12, "uint32_t": 4, "int32_t": 4,
          "uint16_t": 2, "int16_t": 2, "uint8_t": 1, "int8_t": 1}
_ALIGNS = {"dassdp_gate_t": 8, "dassdp_learning_t": 4, "dassdp_replay_t": 4, "dassdp_guard_t": 4,
           "dassdp_eihl_t": 4}
_WORD = 4
CODE_BYTES = 26 * 1024
"""More flash than runtime, link and drivers take on any core, all rules linked."""
MORE_CODE_BYTES = 10 * 1024
"""More than convolutions, pools, delays, coded inputs and neurons with dynamics add to it."""
DESCRIPTOR_BYTES = 144
"""More than a population or projection takes in the model's tables."""


@dataclass(frozen=True)
class StateField:
    """One member of the generated state struct. offset in bytes; count elements of ctype."""

    name: str
    ctype: str
    count: int
    group: Group
    align: int
    offset: int = 0

    @property
    def bytes(self) -> int:
        return self.count * _SIZES[self.ctype]


@dataclass(frozen=True)
class LedgerLine:
    """Predicted bytes of static RAM of one owner."""

    what: str
    group: str
    bytes: int


class Layout:
    """Where everything lies in the state. Fields never overlap and leave no gap unnamed."""

    def __init__(self, network: QNetwork) -> None:
        self.network = network
        self.scratch = lay_out(network)
        self.persist_begin = 0
        persistent = _persistent(network)
        others = sorted(_others(network, self.scratch), key=lambda f: -f.align)
        placed, self.persist_end = _place(persistent, 0)
        rest, end = _place(others, self.persist_end)
        self.fields: tuple[StateField, ...] = tuple(placed + rest)
        padding = -end % 8
        if padding:
            self.fields += (StateField("padding_end", "uint8_t", padding, "padding", 1, end),)
        self.state_bytes = end + padding

    @cached_property
    def _by_name(self) -> dict[str, StateField]:
        return {f.name: f for f in self.fields}

    def offset(self, name: str) -> int:
        """Byte offset of a field, -1 if the model has none of that name."""
        found = self._by_name.get(name)
        return found.offset if found else -1

    def scratch_offset(self, name: str) -> int:
        """Byte offset of a part of the scratch from the start of the state, -1 if there is none."""
        found = self.scratch.offsets.get(name)
        return -1 if found is None else self.offset("scratch") + found

    def bytes_of(self, group: Group) -> int:
        return sum(f.bytes for f in self.fields if f.group == group)

    @property
    def learning_state_bytes(self) -> int:
        """What learning costs beyond weights and inference state, the larger scratch included."""
        return self.bytes_of("learning") + self.scratch.bytes - self.scratch.inference_bytes


def _sync(rule: object) -> bool:
    return isinstance(rule, QSyncRule)


def _slots(network: QNetwork) -> list[StateField]:
    """Counts and latencies in bit planes, one slot per sample of a batch."""
    fields = []
    for prefix in ("count", "latency"):
        for p in network.populations:
            if p.counts and (prefix == "count" or p.records != "none"):
                count = network.field_bits * words(p.n_recorded) * network.n_batch
                fields.append(_field(f"{prefix}_{p.name}", "uint32_t", count, "learning"))
    return fields


def _persistent(network: QNetwork) -> list[StateField]:
    """What a snapshot holds beside the weights, in this order: docs/arithmetic.md."""
    fields = [_field(f"gate_{p.name}", "dassdp_gate_t", 1, "learning")
              for p in network.plastic if _sync(p.rule)]
    fields += [_field(f"eihl_{p.name}", "dassdp_eihl_t", 1, "learning")
               for p in network.plastic if isinstance(p.rule, QEIHL)]
    if network.plastic:
        fields.append(_field("learning", "dassdp_learning_t", 1, "learning"))
    if network.replay is not None:
        fields.append(_field("replay", "dassdp_replay_t", 1, "learning"))
    if network.guard is not None and network.guard.margin:
        fields.append(_field("guard", "dassdp_guard_t", 1, "learning"))
    if network.replay is not None and network.replay.ring_per_class:
        n_slots = network.replay.ring_per_class * network.n_classes
        fields.append(_field("ring", "uint32_t", n_slots * stored_words(network), "learning"))
        fields.append(_field("ring_seen", "uint16_t", network.n_classes, "learning"))
    if network.n_batch > 1:
        fields.append(_field("losses", "uint16_t", network.n_batch, "learning"))
        fields += _slots(network)
    return fields


def _others(network: QNetwork, scratch: Scratch) -> list[StateField]:
    fields = [
        _aligned(f"w_{p.name}", "int16_t" if p.weight_bits == 16 else "uint8_t",
                 p.n_pre * columns(p.n_post), "weights")
        for p in network.plastic
    ]
    if network.guard is not None and network.guard.keeps_copy:
        fields += [replace(f, name=f"saved_{f.name[2:]}", group="learning") for f in fields]
        fields.append(_field("has_saved", "uint32_t", 1, "learning"))
    fields += [_field(f"stdp_{p.name}", "int16_t", p.n_pre + p.n_post, "learning")
               for p in network.plastic if isinstance(p.rule, QSTDP)]
    for p in network.populations:
        if p.touch_width is not None:
            count = network.n_steps * words(p.size)
            fields.append(_field(f"touch_{p.name}", "uint32_t", count, "learning"))
        membrane = f"int{p.membrane_bits}_t"
        fields.append(_aligned(f"v_{p.name}", membrane, columns(p.size), "inference"))
        fields.append(_field(f"spk_{p.name}", "uint32_t", words(p.size), "inference"))
        if p.analogue_bias is not None:
            fields.append(_aligned(f"base_{p.name}", membrane, columns(p.size), "inference"))
        if p.has_error:
            fields.append(_aligned(f"error_{p.name}", "int16_t", columns(p.size), "learning"))
        fields += _dynamics(p)
    for i in network.inputs:
        fields += _coded(network, i)
    fields.append(_field("logits", "int32_t", network.n_classes, "inference"))
    fields.append(_field("scratch", "uint32_t", scratch.bytes // 4, "inference"))
    fields.append(_field("progress", "uint16_t", 2, "inference"))
    if network.n_batch == 1:
        fields += _slots(network)
        if any(_sync(p.rule) for p in network.plastic):
            fields.append(_field("losses", "uint16_t", 1, "learning"))
    return fields


def _dynamics(p: QPopulation) -> list[StateField]:
    """Synaptic currents, numbers of spikes, and spikes of the steps that delays look back to."""
    fields = []
    if p.dynamics is not None and p.dynamics.leak_i_q15 is not None:
        fields.append(_field(f"i_{p.name}", "int32_t", columns(p.size), "inference"))
    if p.max_spikes > 1:
        fields.append(_aligned(f"multi_{p.name}", "uint8_t", -(-p.size // 4) * 4, "inference"))
    if p.n_history:
        fields.append(_field(f"history_{p.name}", "uint32_t", p.n_history * words(p.size),
                             "inference"))
    return fields


def _coded(network: QNetwork, i: Input) -> list[StateField]:
    """The same of an input whose spikes are made on the device, and what its coder remembers."""
    if not i.n_events and i.encoder is None:
        return []
    fields = [_field(f"coded_{i.name}", "uint32_t", words(i.size), "inference")]
    if i.counts:
        fields.append(_aligned(f"multi_{i.name}", "uint8_t", -(-i.size // 4) * 4, "inference"))
    if i.n_events or (i.encoder and i.encoder.kind == "rate"):
        fields.append(_field(f"coder_{i.name}", "uint32_t", 1, "inference"))
    elif i.encoder and i.encoder.kind == "delta":
        fields.append(_aligned(f"coder_{i.name}", "int16_t", i.n_raw, "inference"))
    depth = paths.input_history(network, i.name)
    if depth:
        fields.append(_field(f"history_{i.name}", "uint32_t", depth * words(i.size), "inference"))
    return fields


def _field(name: str, ctype: str, count: int, group: Group) -> StateField:
    return StateField(name, ctype, count, group, _ALIGNS.get(ctype, _SIZES[ctype]))


def _aligned(name: str, ctype: str, count: int, group: Group) -> StateField:
    """Kernels read it by words."""
    return StateField(name, ctype, count, group, _WORD)


def _place(fields: list[StateField], start: int) -> tuple[list[StateField], int]:
    """Offsets in order; gaps become padding fields."""
    placed: list[StateField] = []
    at = start
    for field in fields:
        gap = -at % field.align
        if gap:
            placed.append(StateField(f"padding_{at}", "uint8_t", gap, "padding", 1, at))
            at += gap
        placed.append(replace(field, offset=at))
        at += field.bytes
    return placed, at


@dataclass(frozen=True)
class Ledger:
    """Predicted static RAM of one firmware, to the byte, and its flash.

    constant_bytes: weights and per-neuron constants. flash_bound: with code and tables, at most.
    """

    board: Board
    lines: tuple[LedgerLine, ...]
    constant_bytes: int
    flash_bound: int
    learning_state_bytes: int

    @property
    def ram_bytes(self) -> int:
        """.data + .bss + the reserved stack."""
        return sum(line.bytes for line in self.lines)

    @property
    def static_bytes(self) -> int:
        """.data + .bss."""
        return self.ram_bytes - self.board.stack_bytes

    def by_symbol(self) -> dict[str, int]:
        """Bytes by symbol of the firmware, as its ELF must have them."""
        owners: dict[str, int] = {}
        for line in self.lines:
            symbol = line.what.partition(".")[0]
            owners[symbol] = owners.get(symbol, 0) + line.bytes
        owners.pop("stack")
        return owners


def ram_ledger(network: QNetwork, board: Board, *, ram_budget: int | None = None) -> Ledger:
    """Every byte of static RAM before the build.

    Raises EdgeError E402 if it exceeds the board's RAM, or the budget given.
    """
    layout = Layout(network)
    buffers = link_buffer_bytes(network.n_classes)
    lines = [LedgerLine(f"dassdp_state.{f.name}", f.group, f.bytes) for f in layout.fields]
    lines.append(LedgerLine("dassdp_link", "link", LINK_STRUCT_BYTES))
    lines.append(LedgerLine("dassdp_request", "link", -(-buffers.request // 4) * 4))
    lines.append(LedgerLine("dassdp_response", "link", -(-buffers.response // 4) * 4))
    lines += [LedgerLine(name, "port", size) for name, size in board.port_ram.items()]
    lines.append(LedgerLine("stack", "stack", board.stack_bytes))
    constants = constant_bytes(network)
    tables = DESCRIPTOR_BYTES * (len(network.populations) + len(network.projections))
    code = CODE_BYTES + (MORE_CODE_BYTES if _is_rich(network) else 0)
    ledger = Ledger(board, tuple(lines), constants, constants + tables + code,
                    layout.learning_state_bytes)
    limit = board.ram.bytes if ram_budget is None else min(ram_budget, board.ram.bytes)
    if ledger.ram_bytes > limit:
        largest = max(lines, key=lambda line: line.bytes)
        raise EdgeError(
            "E402", f"RAM overflows by {ledger.ram_bytes - limit:,} B",
            cause=f"budget {limit:,} B ({board.name}), needed {ledger.ram_bytes:,} B, of which "
                  f"{largest.what} takes {largest.bytes:,} B",
            help="make fewer projections plastic, store fewer samples, keep no copy of weights, or "
                 "use a larger board",
        )
    return ledger


def _is_rich(network: QNetwork) -> bool:
    """It runs what plain networks do not link."""
    return (any(paths.needs_path(network, q) for q in network.projections)
            or any(i.n_events or i.encoder for i in network.inputs)
            or any(p.dynamics is not None or p.n_history or p.records_channels
                   for p in network.populations))


def _image_bytes(network: QNetwork, q: QProjection) -> int:
    """Of the weights of a projection in flash."""
    scattered = paths.image_bytes(network, q)
    return q.n_pre * row_bytes(q.n_post, q.weight_bits) if scattered is None else scattered


def constant_bytes(network: QNetwork) -> int:
    """Weight images and per-neuron constants in flash, without descriptors and code; tables of
    paths count as constants."""
    total = sum(_image_bytes(network, q) + paths.table_bytes(network, q)
                for q in network.projections)
    total += sum(4 * columns(q.n_post) for q in network.projections
                 if paths.is_dense(network, q))
    total += sum(2 * 128 for i in network.inputs if i.encoder and i.encoder.kind == "latency")
    if network.schedule_q8 is not None:
        total += 2 * network.schedule_q8.size
    if network.replay is not None:
        total += replay_bytes(network, network.replay.labels.size)
    for p in network.populations:
        width = p.membrane_bits // 8
        total += 2 * p.leak_q15.size + width * (p.fire_at.size + p.reset_by.size)
        total += width * columns(p.size) if p.analogue_bias is None else 4 * p.size
        total += 0 if p.touch_width is None else width * p.touch_width.size
        total += sum(term.bytes for term in p.terms)
    for q in network.plastic:
        if q.factors is not None:
            total += 0 if q.factors.g_q7 is None else q.factors.g_q7.size
        if isinstance(q.rule, QHomeostasis):
            total += 2 * q.rule.targets_q7.size
        if isinstance(q.rule, QSyncRule):
            total += 4 * q.rule.delta.size
    return total


def replay_bytes(network: QNetwork, n_samples: int) -> int:
    """Flash that n stored samples take: bit planes and a label each."""
    return n_samples * (4 * stored_words(network) + 2)
