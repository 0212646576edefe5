"""What a network is and what it would take, before anything is built: graph, resolved equations,
parameters, synaptic operations, what learns by default, and which boards hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.build.board import Board
from edge_dassdp.ir import Input, Network, geometry
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool
from edge_dassdp.plan import Plan
from edge_dassdp.plan.budget import held
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.qir import (
    QNetwork,
    QPopulation,
    QProjection,
)
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference.neuron import integer_equation
from edge_dassdp.rules import Learning, Replay
from edge_dassdp.rules.beside import NOTHING, Beside

_UNBOUNDED = 1 << 40


@dataclass(frozen=True)
class PopulationView:
    """shape: (n,), (channels, length) or (channels, height, width), without padding. n_constants:
    numbers that its neurons have of their own, 1 each where all neurons share it."""

    name: str
    shape: tuple[int, ...]
    equation: str
    n_constants: int

    @property
    def size(self) -> int:
        return geometry.size(self.shape)


@dataclass(frozen=True)
class ProjectionView:
    """kind: what joins `pre` and `post`, for people. weight_bits: as quantized. rule: its default
    plasticity rule, "" where it stays as it is.

    operations: synaptic operations if every presynaptic neuron fires once in a step, an upper bound
    for single spikes; or multiply-accumulates where `is_analogue`, in every step or, if they are
    constant, `once` a sample. operations_per_event: of one spike, the mean over presynaptic
    neurons; borders of convolutions are exact in both.
    """

    name: str
    pre: str
    post: str
    kind: str
    n_weights: int
    n_biases: int
    weight_bits: int
    is_recurrent: bool
    is_analogue: bool
    once: bool
    operations: int
    operations_per_event: float
    rule: str


@dataclass(frozen=True)
class BoardView:
    """Bytes, predicted. ram_needed: with stack, learning by default if anything does; ram_frozen:
    if nothing learned, None where that is no other choice. flash_bound: at most, flash_constants:
    weights and constants alone."""

    name: str
    ram_bytes: int
    ram_needed: int
    ram_frozen: int | None
    flash_bytes: int
    flash_bound: int
    flash_constants: int

    @property
    def problem(self) -> str:
        """What does not fit, "" where all does."""
        over = [f"{what} overflows by {needed - held:,} B" for what, needed, held in (
            ("RAM", self.ram_needed, self.ram_bytes),
            ("flash", self.flash_constants, self.flash_bytes)) if needed > held]
        return ", ".join(over)

    @property
    def is_flash_certain(self) -> bool:
        """The bound fits, not only what is known of it."""
        return self.flash_bound <= self.flash_bytes

    @property
    def fits_frozen(self) -> bool:
        return self.ram_frozen is not None and self.ram_frozen <= self.ram_bytes \
            and self.flash_constants <= self.flash_bytes


@dataclass(frozen=True)
class Inspection:
    """resets: the ways in which its neurons reset. frozen_because: why nothing learns by default,
    "" if something does. refused: why it cannot be quantized, None if it can; if not,
    `boards` is empty. classes: their names, where the model knows any. has_classes: False where
    outputs are values. n_steps: 0 where nobody said how many. beside: the rules, by default if
    nobody said what.
    """

    inputs: tuple[Input, ...]
    populations: tuple[PopulationView, ...]
    projections: tuple[ProjectionView, ...]
    readout: str
    readout_kind: str
    n_steps: int
    resets: str
    frozen_because: str
    refused: EdgeError | None
    boards: tuple[BoardView, ...]
    classes: tuple[str, ...] = ()
    has_classes: bool = True
    beside: Beside = NOTHING

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of inputs and populations in order."""
        return (*(i.shape for i in self.inputs), *(p.shape for p in self.populations))

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return sum(q.n_weights + q.n_biases for q in self.projections)

    @property
    def weight_bits(self) -> int:
        """Bits of all weights."""
        return sum(q.n_weights * q.weight_bits for q in self.projections)

    @property
    def operations(self) -> int:
        """Synaptic operations of a step in which all neurons fire, currents left out."""
        return sum(q.operations for q in self.projections if not q.is_analogue)


def inspect_network(network: Network, boards: Sequence[Board]) -> Inspection:
    """Of a float network, as `quantize` would make it with its default settings and rules, and no
    samples: on each board as much is replayed as it holds."""
    frozen = learning = refused = None
    why = ""
    try:
        frozen = quantize(network).network
    except EdgeError as problem:
        refused = problem
    rules: dict[str, str] = {}
    try:
        chosen = Learning.default(network)
        rules = {name: type(rule).__name__ for name, rule in chosen.rules.items()}
        learning = quantize(network, chosen).network if frozen else None
    except EdgeError as problem:
        rules, why = {}, problem.message
    made, other = learning or frozen, frozen if learning else None
    bits = {q.name: q.weight_bits for q in made.projections} if made else {}
    place = _places(network.populations)
    shapes = {i.name: i.shape for i in network.inputs}
    shapes |= {p.name: p.shape for p in network.populations}
    projections = tuple(
        _view(_Wire(q.name, q.pre, q.post, shapes[q.pre], q.weight.shape, q.conv, q.pool,
                    q.delay, q.result_pool), network.inputs, place,
              bits.get(q.name, Settings.weight_bits), 0 if q.bias is None else q.bias.size,
              rules.get(q.name, ""))
        for q in network.projections)
    resets = dict.fromkeys(_reset(p) for p in network.populations if p.reset != "none")
    return Inspection(
        network.inputs,
        tuple(PopulationView(p.name, p.shape, p.equation, p.n_constants)
              for p in network.populations),
        projections, network.readout.population, network.readout.kind, network.n_steps,
        " and ".join(resets) or "none", why, refused,
        tuple(_on_board(_holding(made, b), other, b) for b in boards) if made else (),
        beside=Beside.of(made) if made else NOTHING)


def inspect_quantized(network: QNetwork, boards: Sequence[Board]) -> Inspection:
    """Of a quantized one, as it is."""
    shapes = {i.name: i.shape for i in network.inputs}
    shapes |= {p.name: p.natural_shape for p in network.populations}
    place = _places(network.populations)
    projections = tuple(
        _view(_Wire(q.name, q.pre, q.post, shapes[q.pre], _natural_weights(q, shapes), q.conv,
                    q.pool, q.delay, q.result_pool), network.inputs, place, q.weight_bits, 0,
              "" if q.rule is None else q.rule.title)
        for q in network.projections)
    resets = dict.fromkeys(p.reset.replace("_", ", ") for p in network.populations
                           if p.reset != "none")
    return Inspection(
        network.inputs,
        tuple(PopulationView(p.name, shapes[p.name], integer_equation(p), _n_integers(p))
              for p in network.populations),
        projections, network.readout, network.readout_kind, network.n_steps,
        " and ".join(resets) or "none",
        "" if network.plastic else "it was quantized without rules", None,
        tuple(_on_board(network, None, b) for b in boards), network.classes,
        network.values is None, Beside.of(network))


@dataclass(frozen=True)
class _Wire:
    """A projection in natural order. shape: of its source; weights: (n_pre, n_post) behind the
    pool, or those of a kernel."""

    name: str
    pre: str
    post: str
    shape: tuple[int, ...]
    weights: tuple[int, ...]
    conv: Conv | None
    pool: Pool | None
    delay: IntArray | None
    result_pool: MaxPool | None

    def operations(self, pool: Pool | None) -> int:
        """Synapses that an event of every source neuron meets."""
        shape = geometry.volume(self.shape)
        events = np.ones((1, geometry.size(shape)))
        if pool is not None:
            events, shape = pool.apply(events, shape), pool.out(shape)
        if self.conv is None:
            return int(events.sum()) * self.weights[1]
        return int(self.conv.apply(events, np.ones(self.weights), shape).sum())

    def kind(self, is_recurrent: bool) -> str:
        parts = []
        if self.pool is not None:
            parts.append(f"{self.pool.kind} pool " + _window(self.pool.kernel, self.pool.stride,
                                                             self.pool.padding))
        parts.append("dense" if self.conv is None else self._convolution(self.conv))
        if self.result_pool is not None:
            parts.append("max pool of currents " + _window(
                self.result_pool.kernel, self.result_pool.stride, self.result_pool.padding))
        if self.delay is not None:
            low, high = int(self.delay.min()), int(self.delay.max())
            parts.append(f"delay {low}" if low == high else f"delays {low} to {high}")
        return ", ".join([*parts, *["recurrent"] * is_recurrent])

    def _convolution(self, conv: Conv) -> str:
        c_out, c_group, height, width = self.weights
        is_depthwise = conv.groups > 1 and c_group == 1
        if is_depthwise and c_out == conv.groups and conv == Conv(groups=c_out) \
                and (height, width) == (1, 1):
            return "one to one"
        text = "conv " + _window((height, width), conv.stride, conv.padding)
        if conv.dilation != (1, 1):
            text += f" dilation {_pair(conv.dilation)}"
        if conv.groups > 1:
            text += " depthwise" if is_depthwise else f" groups {conv.groups}"
        return text


def _window(kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]) -> str:
    text = f"{kernel[0]}x{kernel[1]}"
    text += f"/{_pair(stride)}" if stride != (1, 1) else ""
    return text + (f" pad {_pair(padding)}" if padding != (0, 0) else "")


def _pair(values: tuple[int, int]) -> str:
    return str(values[0]) if values[0] == values[1] else f"{values[0]}x{values[1]}"


def _view(wire: _Wire, inputs: tuple[Input, ...], place: dict[str, int], weight_bits: int,
          n_biases: int, rule: str) -> ProjectionView:
    source = next((i for i in inputs if i.name == wire.pre), None)
    is_analogue = source is not None and not source.spikes
    is_recurrent = place.get(wire.pre, -1) >= place[wire.post]
    each = wire.operations(replace(wire.pool, kind="sum") if wire.pool else None)
    return ProjectionView(
        wire.name, wire.pre, wire.post, wire.kind(is_recurrent), geometry.size(wire.weights),
        n_biases, weight_bits, is_recurrent, is_analogue,
        once=is_analogue and source is not None and source.n_frames == 1,
        operations=wire.operations(wire.pool),
        operations_per_event=each / geometry.size(wire.shape),
        rule=rule)


def _places(populations: Sequence[ir.Population | QPopulation]) -> dict[str, int]:
    return {p.name: index for index, p in enumerate(populations)}


def _reset(p: ir.Population) -> str:
    return f"{p.reset}, {'delayed' if p.reset_delay else 'at once'}"


def _n_integers(p: QPopulation) -> int:
    values = (p.leak_q15, p.fire_at, p.reset_by, p.bias, p.analogue_bias,
              *(term.values for term in p.terms))
    return sum(1 if (v == v[0]).all() else v.size for v in values if v is not None)


def _natural_weights(q: QProjection, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    if q.conv is None:
        before = geometry.volume(shapes[q.pre])
        before = q.pool.out(before) if q.pool else before
        return geometry.size(before), geometry.size(shapes[q.post])
    return q.w.shape if q.w.ndim == 4 else (q.w.shape[1], q.w.shape[0], 1, 1)


def _holding(network: QNetwork, board: Board) -> QNetwork:
    """With the largest ring, up to its own, that a board holds."""
    stored = network.replay
    if stored is None:
        return network
    rule = Replay(0, stored.ring_per_class, stored.n_ring, stored.n_flash)
    try:
        kept = held(network, rule, board)
    except EdgeError as problem:
        if problem.code != "E402":
            raise
        kept = None
    return replace(network, replay=None if kept is None else replace(
        stored, ring_per_class=kept.ring_per_class))


def _on_board(network: QNetwork, frozen: QNetwork | None, board: Board) -> BoardView:
    ample = replace(board, ram=replace(board.ram, bytes=_UNBOUNDED))
    ledger = ram_ledger(Plan.of(network), ample)
    return BoardView(board.name, board.ram.bytes, ledger.ram_bytes,
                     ram_ledger(Plan.of(frozen), ample).ram_bytes if frozen else None,
                     board.flash.bytes, ledger.flash_bound, ledger.constant_bytes)
