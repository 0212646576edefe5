"""Memory before the build: every byte of the state, and the RAM ledger of a firmware."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from edge_dassdp.board import Board
from edge_dassdp.errors import EdgeError
from edge_dassdp.messages import CHUNK_BYTES
from edge_dassdp.packing import columns, row_bytes, words
from edge_dassdp.protocol import LINK_STRUCT_BYTES, link_buffer_bytes
from edge_dassdp.qir import QEIHL, QSTDP, QErrorRule, QHomeostasis, QNetwork, QSyncRule
from edge_dassdp.stored import stored_words

Group = Literal["weights", "inference", "learning", "padding"]
_SIZES = {"dassdp_gate_t": 48, "dassdp_learning_t": 24, "dassdp_replay_t": 12,
          "dassdp_guard_t": 12, "dassdp_eihl_t": 12, "uint32_t": 4, "int32_t": 4,
          "uint16_t": 2, "int16_t": 2, "uint8_t": 1, "int8_t": 1}
_ALIGNS = {"dassdp_gate_t": 8, "dassdp_learning_t": 4, "dassdp_replay_t": 4, "dassdp_guard_t": 4,
           "dassdp_eihl_t": 4}
_WORD = 4
ROWS_MAX = 96
"""Capacity of a list of rows (kernels.h)."""
_STEPS_LISTED = 32
"""Of a spike train, at a time (rule_touch.c)."""
CODE_BYTES = 26 * 1024
"""More flash than runtime, link and drivers take on any core, all rules linked."""
DESCRIPTOR_BYTES = 128
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
class Scratch:
    """Parts of the scratch array, byte offsets from its start by name: see dassdp_model_t of
    dassdp.h. inference_bytes: as large as it would be if nothing learned.
    """

    offsets: dict[str, int]
    inference_bytes: int
    bytes: int


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
        self.scratch = _scratch(network)
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
                count = network.field_bits * words(p.size) * network.n_batch
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


def _keeps_sample(network: QNetwork) -> bool:
    """Whether the state holds the sample: read in every step, or longer than one message."""
    is_read_again = any(i.n_frames > 1 or i.spikes for i in network.inputs)
    return is_read_again or network.x_bytes > CHUNK_BYTES


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
    fields.append(_field("logits", "int32_t", network.n_classes, "inference"))
    fields.append(_field("scratch", "uint32_t", scratch.bytes // 4, "inference"))
    fields.append(_field("progress", "uint16_t", 2, "inference"))
    if network.n_batch == 1:
        fields += _slots(network)
        if any(_sync(p.rule) for p in network.plastic):
            fields.append(_field("losses", "uint16_t", 1, "learning"))
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


def _scratch(network: QNetwork) -> Scratch:
    """Parts that are needed at the same time never overlap; the sample and what learning needs once
    it has run do."""
    listed = [q.n_pre for q in network.projections if not q.is_analogue]
    if network.readout_kind == "spike_count":
        listed.append(network.n_classes)
    if any(q.factors and q.factors.touch_columns for q in network.plastic):
        listed.append(min(_STEPS_LISTED, network.n_steps))
    offsets = {"rows": 0}
    begin = _after(offsets, 4 * min(ROWS_MAX, max(listed, default=0)), {})
    rasters = _raster_parts(network)
    is_early = any(p.keeps_raster for p in network.populations)
    both = _after(offsets, begin, rasters if is_early else {})
    inference = _after(offsets, both, _inference_parts(network))
    learning = _after(offsets, both, _learning_parts(network))
    x = {"x": network.x_bytes} if _keeps_sample(network) else {}
    sample = _after(offsets, inference, x)
    late = max(inference, learning)
    late = late if is_early else _after(offsets, late, rasters)
    return Scratch(offsets, inference_bytes=sample - (both - begin), bytes=max(sample, late))


def _after(offsets: dict[str, int], begin: int, parts: dict[str, int]) -> int:
    """Places parts one behind the other; returns their end."""
    for name, size in parts.items():
        offsets[name] = begin
        begin += -(-size // _WORD) * _WORD
    return begin


def _raster_parts(network: QNetwork) -> dict[str, int]:
    """Spikes of every step of the populations that are run again, or that touch or STDP reads."""
    rerun = {p.name for p in network.cut} if network.reruns else set()
    return {f"raster_{p.name}": 4 * words(p.size) * network.n_steps for p in network.populations
            if p.keeps_raster or p.name in rerun}


def _inference_parts(network: QNetwork) -> dict[str, int]:
    """Bytes of each part of the scratch while the network runs."""
    sums = part = bits = 0
    for p in network.populations:
        wide = p.acc_bits == 32 or (p.analogue_bias is not None and p.analogue_bits == 32)
        sums = max(sums, columns(p.size) * (4 if wide else 2))
        bits = max(bits, 4 * words(p.size) * p.records_membrane)
    for q in network.projections:
        wide = network.population(q.post).acc_bits == 32 and q.weight_bits != 16
        if not q.is_analogue and (q.is_dense or wide):
            part = max(part, 2 * columns(q.n_post))
        bits = max(bits, 4 * words(q.n_pre) * q.is_dense)
    return {"sums": sums, "part": part, "words": bits}


def _learning_parts(network: QNetwork) -> dict[str, int]:
    """The same while it learns; k, or the sums of a batch, lie where the sums of a step did."""
    sizes = {"sums": 0, "row": 0, "classes": 0, "bytes": 0, "gates": 0, "touches": 0, "steps": 0,
             "traces": 0}
    for q in network.plastic:
        n = columns(q.n_post)
        if _sync(q.rule):
            needs = {"sums": 4 * n, "row": 2 * n, "bytes": n, "gates": 2 * network.n_batch}
        elif isinstance(q.rule, QErrorRule) and q.rule.touch_columns:
            wide = q.rule.touch_columns
            needs = {"sums": 2 * n, "row": 2 * wide, "touches": 2 * wide,
                     "steps": 128 * words(network.n_steps), "traces": network.n_steps * wide}
        elif isinstance(q.rule, QSTDP):
            needs = {"sums": 2 * n, "row": 2 * n}
        else:
            needs = {"sums": 2 * n, "row": 2 * n, "bytes": n, "classes": 8 * words(q.n_pre)}
        sizes = {name: max(size, needs.get(name, 0)) for name, size in sizes.items()}
    return sizes


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
    ledger = Ledger(board, tuple(lines), constants, constants + tables + CODE_BYTES,
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


def constant_bytes(network: QNetwork) -> int:
    """Weight images and per-neuron constants in flash, without descriptors and code."""
    total = sum(p.n_pre * row_bytes(p.n_post, p.weight_bits) for p in network.projections)
    total += sum(4 * columns(p.n_post) for p in network.projections if p.is_dense)
    if network.schedule_q8 is not None:
        total += 2 * network.schedule_q8.size
    if network.replay is not None:
        total += replay_bytes(network, network.replay.labels.size)
    for p in network.populations:
        width = p.membrane_bits // 8
        total += 2 * p.leak_q15.size + width * (p.fire_at.size + p.reset_by.size)
        total += width * columns(p.size) if p.analogue_bias is None else 4 * p.size
        total += 0 if p.touch_width is None else width * p.touch_width.size
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
