"""Nodes of the quantized network: populations, projections, what a rule is, and what decides on
the kernels that they run on (edge_dassdp.plan.kernels names them)."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool, Volume
from edge_dassdp.qir.lesson import Lesson
from edge_dassdp.qir.packing import columns
from edge_dassdp.qir.ranges import RICH_BITS
from edge_dassdp.qir.tables import StateField, Table, Term

Stage = Literal["error", "sample", "batch"]
"""When a rule runs: with the error of a label, on every sample learned, when a batch is full."""
ResetMode = Literal[
    "none", "subtract_delayed", "subtract_now", "zero_delayed", "zero_now",
    "subtract_once", "zero_delayed_all"
]
"""The last two exist with `QDynamics` alone."""
Records = Literal["none", "first", "last"]


@dataclass(frozen=True, eq=False)
class QDynamics:
    """What neurons have beyond a leak, a threshold and a plain reset; docs/arithmetic.md 16.

    leak_i_q15: leak of the synaptic current, (1,) or (size,), None without one; the current counts
    in membrane units of i_frac_bits more bits. v_bias: (1,) or (size,) membrane units per step that
    no synapse filters. max_spikes: 1 to 255 spikes a step, each takes reset_by. v_init: (1,) or
    (size,) membranes before the first step. v_min: the lowest stored membrane, the same shapes, or
    None.
    """

    leak_i_q15: IntArray | None
    i_frac_bits: int
    v_bias: IntArray
    max_spikes: int
    v_init: IntArray
    v_min: IntArray | None

    def arrays(self, membrane_bits: int) -> tuple[Term, ...]:
        """Its constants, as every side goes through them; membrane_bits: 16 or 32."""
        v_type, most = f"int{membrane_bits}_t", (1 << (min(membrane_bits, RICH_BITS) - 1)) - 1
        return (
            Term("leak_i_q15", "leak of the synapse", "uint16_t", self.leak_i_q15, 0, 1 << 15,
                 is_optional=True),
            Term("v_bias", "bias", v_type, self.v_bias, -most, most),
            Term("v_init", "start", v_type, self.v_init, -most, most),
            Term("v_min", "least membrane", v_type, self.v_min, -most, 0, is_optional=True))


@dataclass(frozen=True, eq=False)
class QPopulation:
    """LIF neurons in integers; docs/arithmetic.md gives the step operation by operation.

    leak_q15, fire_at, reset_by: shape (1,) where all neurons share the value, else (size,).
    leak_shift: 0, or k for v - round(v / 2^k) in place of leak_q15. bias: (size,) membrane units
    per step.
    analogue_bias: (size,) in units of the analogue sum, None without analogue input.
    membrane_bits, acc_bits: 16 or 32; analogue_bits: of the analogue sum without its bias.
    current_fits: what a step adds to the leaked membrane is proven to fit int16. saturates: int16
    membranes that are not proven to stay in range, and clip where they would not. records: which
    spike a latency remembers; records_membrane: v > 0 stands for a spike; counts: spikes are
    counted for learning. keeps_raster: the spikes of every step are kept until the sample is
    learned. touch_width: a membrane with |v - reset_by| < touch_width touched its threshold, shape
    of fire_at, None where no rule asks. unit: real value of a membrane unit, (1,) or (size,).
    shape: (channels, height, width); where there is more than one place, neurons lie place by place
    and the channels of a place side by side, padded to a multiple of 4. natural: the index that
    each neuron has in the float network, -1 for padding, None where both are the same. n_history:
    steps whose spikes are kept for delays. records_channels: records are those of channels: one
    fired where it fired anywhere. counts_numbers: records count all spikes of neurons that fire
    several times a step, else the steps in which they fired.
    """

    name: str
    size: int
    reset: ResetMode
    leak_q15: IntArray
    leak_shift: int
    fire_at: IntArray
    reset_by: IntArray
    bias: IntArray
    analogue_bias: IntArray | None
    acc_lshift: int
    acc_rshift: int
    analogue_rshift: int
    membrane_bits: int
    acc_bits: int
    analogue_bits: int
    current_fits: bool
    saturates: bool
    records: Records
    records_membrane: bool
    counts: bool
    has_error: bool
    keeps_raster: bool
    touch_width: IntArray | None
    unit: NDArray[np.float64]
    shape: Volume = (0, 0, 0)
    natural: IntArray | None = None
    dynamics: QDynamics | None = None
    n_history: int = 0
    records_channels: bool = False
    counts_numbers: bool = field(default=False, metadata={"is_filed_if_set": True})

    @property
    def recorded_a_step(self) -> int:
        """Spikes of a neuron that its record counts, at most."""
        return self.max_spikes if self.counts_numbers else 1

    @property
    def terms(self) -> tuple[Term, ...]:
        """Constants of its dynamics, none of plain neurons."""
        return () if self.dynamics is None else self.dynamics.arrays(self.membrane_bits)

    @property
    def max_spikes(self) -> int:
        """In one step."""
        return 1 if self.dynamics is None else self.dynamics.max_spikes

    @property
    def natural_shape(self) -> tuple[int, ...]:
        """(n,) or (channels, height, width), without the padding of channels."""
        n = self.size if self.natural is None else int((self.natural >= 0).sum())
        places = self.shape[1] * self.shape[2]
        return (n,) if places == 1 else (n // places, *self.shape[1:])

    @property
    def n_recorded(self) -> int:
        """Entries of its records: neurons, or channels without their padding."""
        return self.natural_shape[0] if self.records_channels else self.size

    @property
    def leak_factor_q15(self) -> IntArray:
        """The leak as a factor, shape of leak_q15; beside a shift the same leak of an int16 but for
        halves: floor((v (2^15 - floor(2^(15 - k))) + 2^14 - 1) / 2^15)."""
        one = np.full_like(self.leak_q15, 1 << 15)
        return one - (one >> self.leak_shift) if self.leak_shift else self.leak_q15

    @property
    def unpaired_because(self) -> tuple[str, ...]:
        """What keeps it from the kernels for two int16 neurons at a time (kernels.h), for people;
        empty where they apply."""
        obstacles = (
            (self.dynamics is not None, "more than a leak and a reset"),
            (self.membrane_bits == 32, "int32 membranes"),
            (self.acc_bits == 32, "int32 sums"),
            (not self.current_fits, "the current may leave int16"),
            (self.acc_rshift > 0, "sums in fractions of a membrane unit"),
            (self.leak_q15.size > 1, "a leak per neuron"),
            (self.fire_at.size > 1, "a threshold per neuron"),
            (int(self.leak_factor_q15[0]) == 1 << 15, "a leak of 1"),
        )
        return tuple(what for holds, what in obstacles if holds)

    @property
    def runs_in_pairs(self) -> bool:
        """The kernels for two int16 neurons at a time apply."""
        return not self.unpaired_because

    @property
    def is_lean(self) -> bool:
        """The lean kernels apply, one neuron at a time (kernels.h): sums that are shifted one way
        (narrow ones to the left), and leaks or thresholds that are shared; of dynamics all
        constants, a bias beside a synaptic current alone, a floor without one."""
        shifts_one_way = self.acc_rshift == 0 or (self.acc_bits == 32 and self.acc_lshift == 0)
        each = [self.leak_q15.size > 1, self.fire_at.size > 1]
        if self.dynamics is None:
            return shifts_one_way and not all(each)
        d = self.dynamics
        each += [c is not None and c.size > 1 for c in (d.leak_i_q15, d.v_bias, d.v_min)]
        if not shifts_one_way or any(each):
            return False
        if d.leak_i_q15 is None:
            return not d.v_bias.any()
        return d.v_min is None and int(abs(d.v_bias[0])) << d.i_frac_bits < 1 << (RICH_BITS - 1)

    @property
    def stays(self) -> bool:
        """A neuron that gets no input and did not fire in the step before is as it was, and lean
        kernels of dynamics pass it by: no leak, no current of its own, no spike from the start."""
        d = self.dynamics
        return (d is not None and self.is_lean and d.leak_i_q15 is None
                and self.leak_shift == 0 and int(self.leak_q15[0]) == 1 << 15
                and self.analogue_bias is None and not self.bias.any()
                and bool((d.v_init < self.fire_at).all())
                and (d.v_min is None or bool((d.v_init >= d.v_min).all())))


@dataclass(frozen=True, eq=False)
class Site:
    """Where a rule stands: what it may ask of the projection that it changes, and of its network.

    n_pre, n_post: rows and columns of its weights. pre, post: the populations that it joins.
    field_bits: bit planes of a count or latency. into_readout: `post` is read for the classes.
    error_peak: the largest error of a neuron of `post`, 0 where none comes back.
    """

    name: str
    n_pre: int
    n_post: int
    weight_bits: int
    pre: QPopulation
    post: QPopulation
    n_steps: int
    n_batch: int
    field_bits: int
    into_readout: bool
    error_peak: int

    @property
    def count_peak(self) -> int:
        """The most spikes that the record of a presynaptic neuron counts."""
        return self.n_steps * self.pre.recorded_a_step

    @property
    def record_bytes(self) -> int:
        """Of a latency or count where C lists them."""
        return 2 if self.is_long else 1

    @property
    def is_long(self) -> bool:
        """Records take half-words."""
        return self.field_bits > QUANTITIES["byte_bits"]

    @property
    def n_columns(self) -> int:
        """Of an update row: n_post, padded as the weight image is."""
        return columns(self.n_post)


Offset = Callable[[str], int]
"""Bytes from the start of the device's state to a field of a rule's `state` or a part of its
`scratch`, by name."""


class QRule(ABC):
    """A plasticity rule in integers: what its constants are, and all that it does with them.

    A frozen dataclass of integers, integer arrays and the like; a file holds its fields as a node
    named after the class. word: of its C files and on the command line. title: for people. stage:
    when it runs. hooks: C functions by what calls them: `learn`, and where it has them `check` (of
    a state that came from outside), `record` and `fit` (of a warm-up). header: what declares them
    and the struct of its constants. sources: C files of a rule from outside this package, which
    lie beside its Python file.
    """

    known: ClassVar[dict[str, list[type[QRule]]]] = {}
    word: ClassVar[str]
    title: ClassVar[str]
    stage: ClassVar[Stage]
    hooks: ClassVar[Mapping[str, str]]
    header: ClassVar[str]
    sources: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not inspect.isabstract(cls):
            held = QRule.known.setdefault(cls.node(), [])
            others = [other for other in held if _path(other) != _path(cls)]
            if others and "unfiled" not in vars(cls):
                raise EdgeError("E203", f"{others[0].__module__} and {cls.__module__} both define "
                                f"{cls.__name__}, by which files name it",
                                help="give yours another name")
            held[:] = [*others, cls]

    @classmethod
    def is_own(cls) -> bool:
        """It stands outside this package."""
        return not cls.__module__.startswith("edge_dassdp.")

    @classmethod
    def node(cls) -> str:
        """The name of its node in a file."""
        return cls.__name__

    def filed(self) -> Mapping[str, Any]:
        """Its fields as a file holds them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def unfiled(cls, values: Mapping[str, Any]) -> QRule | None:
        """The reverse of `filed`; None where these are the fields of another rule."""
        return cls(**values)

    @abstractmethod
    def check(self, site: Site) -> None:
        """EdgeError E101 unless every target can run it there: what a file must hold to."""

    def state(self, site: Site) -> tuple[StateField, ...]:
        """What it carries from sample to sample, 0 after a reset; snapshots hold what is
        persistent."""
        return ()

    def fits(self, carried: Mapping[str, NDArray[Any]], site: Site) -> bool:
        """Whether it may go on from this: the persistent fields of its state, from outside. What
        the hook `check` says on a device."""
        return True

    def scratch(self, site: Site) -> Mapping[str, int]:
        """Bytes that it needs while it runs, by part."""
        return {}

    @abstractmethod
    def table(self, site: Site, offset: Offset) -> Table:
        """The constant struct that its C functions read."""

    def grain(self, site: Site) -> int:
        """Instructions of the largest piece that its `learn` hook does between two looks at the
        slice of a lesson, at most, on any core; 0 for a rule that runs to its end at once."""
        return 0

    @abstractmethod
    def learn(self, lesson: Lesson, site: Site) -> None:
        """The definition of right: learn from a sample, or from a full batch."""

    def record(self, lesson: Lesson, site: Site) -> None:  # noqa: B027 - most have none
        """A full batch of a warm-up."""

    def fit(self, lesson: Lesson, site: Site) -> None:  # noqa: B027 - most have none
        """The end of a warm-up."""

    def reach(self, count: IntArray, site: Site) -> int | None:
        """The largest update in Q8 that a sample of these presynaptic spike counts (n_pre,) brings
        by an error to be expected, None where it does not depend on counts."""
        return None

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        """Add what `learn` is about to cost, by operation of figures.work. A rule that does not
        say so has no price."""
        tally["unpriced"] += 1


def _path(rule: type[QRule]) -> tuple[str, str]:
    return rule.__module__, rule.__qualname__


DENSE_ROWS = 8


@dataclass(frozen=True, eq=False)
class QProjection:
    """w: (n_pre, n_post) integers of `weight_bits` bits: 4 to 8, or 16 in Q8 of an 8-bit step.

    scale: real value of an 8-bit step, (1,) or one for each column of w. volume: (channels,
    height, width) of its source as it lies on the device. pool: its spikes are pooled first. conv:
    w is a kernel (c_out, c_in / groups, height, width) instead, or (c_in, c_out) for a 1 x 1
    convolution of all channels. delay: steps that spikes of each source neuron come later, (1,) or
    (size of the source,), or None. result_pool: of the sums of a convolution the largest of each
    window is added to those of its population.
    """

    name: str
    pre: str
    post: str
    is_analogue: bool
    weight_bits: int
    w: NDArray[np.int16]
    scale: NDArray[np.float64]
    feedback_rshift: int = 0
    feedback_gain_q14: int = 1 << 14
    rule: QRule | None = None
    activity: float | None = None
    volume: Volume = (0, 0, 0)
    pool: Pool | None = None
    conv: Conv | None = None
    delay: IntArray | None = None
    result_pool: MaxPool | None = field(default=None, metadata={"is_filed_if_set": True})

    @property
    def steps(self) -> NDArray[np.float64]:
        """The real value of 1, as it multiplies w: one, or one for each column."""
        step = self.scale / (256 if self.weight_bits == 16 else 1)
        return step[:, None, None, None] if self.w.ndim == 4 else step

    @property
    def is_plain(self) -> bool:
        """A matrix between all neurons, in the step that it belongs to."""
        return self.conv is None and self.pool is None and self.delay is None

    @property
    def is_dense(self) -> bool:
        """More rows are active than silent: the silent ones are taken off the sum of all rows.

        That sum is constant, so nothing plastic is dense; subtracting costs DENSE_ROWS rows.
        """
        return (self.activity is not None and not self.is_analogue and self.rule is None
                and self.is_plain and self.w.ndim == 2
                and self.n_pre * (2 * self.activity - 1) > DENSE_ROWS)

    @property
    def n_pre(self) -> int:
        """Rows of weights: neurons (pooled ones behind a pool), or channels of a convolution."""
        return int(self.w.shape[0] if self.w.ndim == 2 else self.w.shape[1])

    @property
    def n_post(self) -> int:
        """Columns of weights: neurons, or channels of a convolution."""
        return int(self.w.shape[1] if self.w.ndim == 2 else self.w.shape[0])

    @property
    def is_plastic(self) -> bool:
        return self.rule is not None

    @property
    def stage(self) -> Stage | None:
        """When its rule runs."""
        return None if self.rule is None else self.rule.stage
