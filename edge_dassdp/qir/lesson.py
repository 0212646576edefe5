"""A lesson: what one sample, or a full batch, leaves behind for the rule of one projection.

The reference makes lessons, rules learn from them, the cost model counts them. All of it is in
integers, in the draw order of every target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray, saturate
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.qir.packing import LANES, columns
from edge_dassdp.qir.ranges import weight_range

DW_MAX_Q8 = QUANTITIES["dw_max_q8"]
"""Largest update in Q8: |dw| + 255 still fits an int16 lane."""
BoolArray = NDArray[np.bool_]


@dataclass
class Record:
    """What a sample leaves behind in a population: counts, and a latency per neuron, -1 silent."""

    count: IntArray
    latency: IntArray

    @classmethod
    def empty(cls, n: int, clear: bool = True) -> Record:
        """As after `begin` (silent); or all zero bytes, as after a reset."""
        return cls(np.zeros(n, np.int64), np.full(n, -1 if clear else 0, np.int64))

    def copy(self) -> Record:
        return Record(self.count.copy(), self.latency.copy())

    def add(self, events: BoolArray, t_step: int, *, keep_last: bool,
            numbers: IntArray | None = None) -> None:
        """A step's events; numbers: how many each is, None for 1."""
        news = events if keep_last else events & (self.count == 0)
        self.latency = np.where(news, t_step, self.latency)
        self.count = self.count + (events if numbers is None else numbers)

    def steps(self, silent_step: int) -> IntArray:
        return np.where(self.latency < 0, silent_step, self.latency)


def xorshift32(state: int) -> int:
    """Marsaglia 2003, shifts 13, 17, 5."""
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    state ^= (state << 5) & 0xFFFFFFFF
    return state


def draw(learning: NDArray[Any], n: int) -> IntArray:
    """The next n words of the generator in `learning`, LEARNING_DTYPE."""
    words, state = [0] * n, int(learning["rng"])
    for i in range(n):
        state = words[i] = xorshift32(state)
    learning["rng"] = state
    return np.array(words, np.int64)


class Carried(dict[str, NDArray[Any]]):
    """What a rule carries from sample to sample, by the field names of its `state`."""

    def __missing__(self, name: str) -> NDArray[Any]:
        raise EdgeError("E203", f"a rule asks for '{name}', which its `state` does not declare",
                        help=f"declare a StateField of that name; there are: {', '.join(self)}"
                        if self else "declare a StateField of that name")


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a rule reads of a sample, and what it changes, all in place.

    w: weights (n_pre, n_post), which `write_rows` alone changes; weight_bits: 4 to 8, or 16 in Q8
    of an 8-bit step. pre, post: a Record for each sample of the batch; slot: that of the sample
    that just ended. pre_raster, post_raster: spikes (n_steps, neurons), touches: membranes near
    threshold (n_steps, n_post), error: (n_post,) in units of its population, each None unless the
    rule's needs ask for it. losses: (n_batch,) in Q8 bits, fewer in the last record of a warm-up.
    step_q8: the schedule's factor, 256 without one. learning: the counters and the generator,
    LEARNING_DTYPE (). state: what the rule carries, arrays by the field names of its `state`, 0
    after a reset.
    """

    w: IntArray
    weight_bits: int
    pre: Sequence[Record]
    post: Sequence[Record]
    slot: int
    pre_raster: BoolArray | None
    post_raster: BoolArray | None
    touches: BoolArray | None
    error: IntArray | None
    losses: IntArray
    step_q8: int
    learning: NDArray[Any]
    state: Mapping[str, NDArray[Any]]

    @property
    def pre_record(self) -> Record:
        """Of the sample that just ended."""
        return _recorded(self.pre, self.slot)

    @property
    def post_record(self) -> Record:
        return _recorded(self.post, self.slot)

    def needed(self, name: str) -> NDArray[Any]:
        """pre_raster, post_raster, touches or error, which the rule's `needs` asked for.

        Raises EdgeError E203 where they did not.
        """
        found: NDArray[Any] | None = getattr(self, name)
        if found is None:
            raise EdgeError("E203", f"a rule reads the {name} of a sample, which nothing keeps",
                            help="ask for it in the rule's `needs`")
        return found

    def draw(self, n: int) -> IntArray:
        """The next n words of the generator, 1 to 2^32 - 1."""
        return draw(self.learning, n)

    def write_rows(self, rows: IntArray, dw_q8: IntArray, tried: Any = True,
                   block: slice = slice(None)) -> None:
        """w[rows, block] += dw_q8 / 256 by stochastic rounding, row by row, saturating.

        rows: (n,) presynaptic neurons in the order of writing. dw_q8: (n, columns of the block), at
        most DW_MAX_Q8. tried: which of these count as updates, a mask that broadcasts to dw_q8;
        those among them that are 0 count as vanished. block: columns from a multiple of 8 on.
        A word is drawn for every group of four columns of the image, byte b for column LANES[b];
        16-bit weights draw nothing. A row of zeros is skipped and draws nothing.
        """
        mask = np.broadcast_to(tried, dw_q8.shape)
        self.learning["n_updates"] += int(mask.sum())
        self.learning["n_vanished"] += int((mask & (dw_q8 == 0)).sum())
        peak = int(np.abs(dw_q8).max(initial=0))
        if peak > DW_MAX_Q8:
            raise EdgeError("E202", f"a rule writes an update of {peak:,} in Q8 of a weight step, "
                            f"more than the {DW_MAX_Q8:,} that rows hold",
                            help="prove smaller constants in the rule's `quantized`")
        changed = (dw_q8 != 0).any(axis=1)
        _add(self.w[:, block], self.weight_bits, rows[changed], dw_q8[changed], self.learning)


def _recorded(records: Sequence[Record], slot: int) -> Record:
    if not records:
        raise EdgeError("E203", "a rule reads counts of neurons that keep none",
                        help="ask for them in the rule's `needs`")
    return records[slot]


def _add(w: IntArray, weight_bits: int, rows: IntArray, dw_q8: IntArray,
         learning: NDArray[Any]) -> None:
    """w[rows] += dw_q8 / 256 in place; w (n_pre, columns of a block)."""
    if weight_bits == 16:
        w[rows] = saturate(w[rows] + dw_q8, 16)
        return
    n_groups = columns(w.shape[1]) // 4
    words = draw(learning, rows.size * n_groups).reshape(rows.size, n_groups)
    dither = np.zeros((rows.size, n_groups, 4), np.int64)
    for b, lane in enumerate(LANES):
        dither[:, :, lane] = (words >> (8 * b)) & 255
    padded = dither.reshape(rows.size, 4 * n_groups)[:, : w.shape[1]]
    w[rows] = np.clip(w[rows] + ((dw_q8 + padded) >> 8), *weight_range(weight_bits))
