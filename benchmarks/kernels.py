"""Every kernel on every core: instructions, modelled cycles, and the right bits.

Arguments are what the runtime passes; results are compared with NumPy before a count is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from counting import (
    CORES,
    Case,
    Outcome,
    Record,
    Struct,
    compile_objects,
    link,
    run_qemu,
    run_unicorn,
)
from counting.build import flash_bytes
from counting.cases import Array, Value
from device import board_of, constant, new_folder

from edge_dassdp.build.project import firmware_project
from edge_dassdp.qir import QDynamics, QPopulation, ResetMode
from edge_dassdp.qir.lesson import xorshift32
from edge_dassdp.qir.packing import (
    nibbles_log2,
    pack_bits,
    pack_weights,
    row_bytes,
    unpack_weights,
    words,
)
from edge_dassdp.reference import neuron

SEED = 12
N_POST, N_MACS = 64, (24, 128)
MODEL = "published timings, zero wait states"


@dataclass(frozen=True)
class Job:
    """Cases that run in order; the last one is counted, of `work` operations. check(outcome) is
    true if the last outcome holds the right bits."""

    name: str
    what: str
    per: str
    work: int
    cases: tuple[Case, ...]
    check: Callable[[Outcome], bool]


def u8(value: int) -> np.uint8:
    return np.uint8(value)


def u16(value: int) -> np.uint16:
    return np.uint16(value)


def is_packed(bits: int) -> bool:
    """Rows of 4 bits, that spikes add up, stand two weights to a byte."""
    return bits == 4


def projection(image: Array, n_pre: int, n_post: int, bits: int) -> Struct:
    """dassdp_projection_t, as far as kernels read it."""
    return Struct((u16(0), u16(0), u8(0), u8(0), u8(bits), u8(nibbles_log2(bits, is_packed(bits))),
                   u16(n_pre), u16(n_post), row_bytes(n_post, bits, is_packed(bits)), u8(0), u16(0),
                   image, 0))


def weights(n_pre: int, n_post: int, bits: int, peak: int | None = None) -> tuple[Array, Array]:
    """Integers (n_pre, n_post), and their image."""
    peak = (1 << (bits - 1)) - 1 if peak is None else peak
    w = np.random.default_rng(SEED).integers(-peak, peak + 1, (n_pre, n_post))
    return w, np.frombuffer(pack_weights(w, bits, is_packed(bits)), np.uint8).copy()


def listing(image: Array, spikes: Array, row_bytes: int) -> tuple[Case, Array]:
    """The call that lists the rows of spikes; the list."""
    packed = constant(np.frombuffer(pack_bits(spikes), np.uint32).copy())
    cursor = Struct((packed, words(spikes.size), image, row_bytes))
    rows = np.zeros(96, np.uint32)
    return Case("rows", "dassdp_k_rows", (cursor, rows)), rows


def active(n: int, n_pre: int) -> Array:
    spikes = np.zeros(n_pre, bool)
    spikes[np.random.default_rng(SEED).choice(n_pre, n, replace=False)] = True
    return spikes


def accumulate(bits: int, n: int) -> Job:
    w, image = weights(96, N_POST, bits)
    spikes = active(n, 96)
    acc = np.zeros(N_POST, np.int32 if bits == 16 else np.int16)
    image = constant(image)
    lister, rows = listing(image, spikes, row_bytes(N_POST, bits, is_packed(bits)))
    kind = "p4" if is_packed(bits) else f"s{bits}"
    case = Case("accumulate", f"dassdp_k_accumulate_{kind}",
                (projection(image, 96, N_POST, bits), acc, rows, n, 0, image))
    expected = w[spikes].sum(axis=0)
    return Job(f"accumulate_{kind}", f"{bits}-bit weights, {N_POST} post, {n} active",
               "synaptic operation", n * N_POST, (lister, case),
               lambda o: bool((o.arrays[0] == expected).all()))


@dataclass(frozen=True)
class Neurons:
    """64 neurons of which a fifth fires; symbol: of dassdp_k_neuron_ or dassdp_k_dynamics_."""

    name: str
    what: str
    symbol: str
    reset: ResetMode = "subtract_delayed"
    membrane_bits: int = 16
    acc_bits: int = 16
    leak_q15: int | None = 29491  # None: one each
    leak_shift: int = 0
    dynamics: QDynamics | None = None
    stays: bool = False  # no input but for a sixth, without base

    def job(self) -> Job:
        rng, one, size = np.random.default_rng(SEED), np.ones(1, np.int64), N_POST
        fire_at, lshift = 1200, 2
        v, acc, base = (rng.integers(*ends, size) for ends in
                        ((-1200, 1500), (-150, 200), (-50, 50)))
        if self.stays:
            v, base = np.minimum(v, fire_at - 1), base * 0
            acc *= np.repeat(np.arange(size // 4) % 6 == 0, 4)
        leaks = rng.integers(20000, 32000, size) if self.leak_q15 is None else one * self.leak_q15
        p = QPopulation(
            name="p", size=size, reset=self.reset, leak_q15=leaks, leak_shift=self.leak_shift,
            fire_at=one * fire_at, reset_by=one * fire_at, bias=base, analogue_bias=None,
            acc_lshift=lshift, acc_rshift=0, analogue_rshift=0, membrane_bits=self.membrane_bits,
            acc_bits=self.acc_bits, analogue_bits=16, current_fits=True, saturates=True,
            records="none", records_membrane=False, counts=False, has_error=False,
            keeps_raster=False, touch_width=None, unit=np.ones(1), dynamics=self.dynamics)
        i = rng.integers(-9000, 20000, size) * (self.dynamics is not None)
        after = neuron.step(p, v, i, (acc << lshift) + base)
        spikes = np.frombuffer(pack_bits(after.spikes > 0), np.uint32)
        membrane = np.dtype(f"int{self.membrane_bits}")
        base = constant(base.astype(membrane))
        constants = [constant(values.astype(dtype)) for values, dtype in (
            (p.leak_factor_q15, np.uint16), (p.fire_at, membrane), (p.reset_by, membrane))]
        table = Struct((
            u16(size), u8(lshift), u8(0), u8(0), u8(p.leak_shift), u8(leaks.size > 1),
            *[u8(0)] * 6, u16(0), u16(0), *constants, base, *[0] * 18, self._table(membrane)))
        made, current = v.astype(membrane), i.astype(np.int32)
        case = Case("neurons", self.function, (
            table, made, np.zeros(words(size), np.uint32),
            constant(acc.astype(f"int{self.acc_bits}")), 0 if self.stays else base,
            *(() if self.dynamics is None else (current, np.zeros(size, np.uint8)))))

        def check(o: Outcome) -> bool:
            found = {a.dtype.str[1:]: a for a in reversed(o.arrays)}
            is_right = (o.arrays[0] == after.v).all() and (found["u4"] == spikes).all()
            return bool(is_right and (self.dynamics is None or self._is_right(o, after)))

        return Job(self.name, f"{self.what}, {size} neurons", "neuron and step", size, (case,),
                   check)

    @property
    def function(self) -> str:
        return f"dassdp_k_{'neuron' if self.dynamics is None else 'dynamics'}_{self.symbol}"

    def _table(self, membrane: np.dtype[Any]) -> Value:
        """dassdp_dynamics_t, as far as kernels read it."""
        d = self.dynamics
        if d is None:
            return 0
        arrays = [0 if values is None else constant(values.astype(dtype)) for values, dtype in (
            (d.leak_i_q15, np.uint16), (d.v_bias, membrane), (d.v_init, membrane),
            (d.v_min, membrane))]
        return Struct((0, 0, 0, 0, *arrays, *[u8(0)] * 4, u8(d.i_frac_bits), u8(d.max_spikes)))

    def _is_right(self, o: Outcome, after: neuron.Stepped) -> bool:
        *_, current, numbers = o.arrays
        assert self.dynamics is not None
        return bool((self.dynamics.leak_i_q15 is None or (current == after.i).all())
                    and (self.dynamics.max_spikes == 1 or (numbers == after.spikes).all()))


ZERO = np.zeros(1, np.int64)
SEVERAL = QDynamics(None, 0, ZERO, 255, ZERO, ZERO - 1200)
CURRENT = QDynamics(ZERO + 26214, 8, ZERO, 1, ZERO, None)
NEURONS = (
    Neurons("neuron_pairs", "LIF, soft reset", "pairs_subtract_delayed"),
    Neurons("neuron_shift", "leak by a shift", "pairs_shift_subtract_delayed", leak_shift=3),
    Neurons("neuron_each", "a leak each", "lean_v16_a16_subtract_delayed", leak_q15=None),
    Neurons("neuron_wide", "int32", "lean_v32_a16_subtract_delayed", membrane_bits=32),
    Neurons("neuron_wide_shift", "int32, leak by a shift", "lean_shift_v32_a16_subtract_delayed",
            membrane_bits=32, leak_shift=3),
    Neurons("neuron_several", "several spikes, a leak of 1, a floor",
            "lean_v32_a16_subtract_many", "subtract_once", membrane_bits=32, leak_q15=1 << 15,
            dynamics=SEVERAL),
    Neurons("neuron_silent", "no leak, a sixth with input", "lean_v32_a16_subtract_many",
            "subtract_once", membrane_bits=32, leak_q15=1 << 15, dynamics=SEVERAL, stays=True),
    Neurons("neuron_several_16", "int16: several spikes, a floor", "lean_v16_a16_subtract_many",
            "subtract_once", dynamics=SEVERAL),
    Neurons("neuron_current", "synaptic current", "current_v16_a16_zero_now", "zero_now",
            dynamics=CURRENT),
    Neurons("neuron_current_wide", "int32: synaptic current", "current_v32_a16_subtract_delayed",
            membrane_bits=32, dynamics=CURRENT),
    Neurons("neuron_a32", "behind 16-bit weights", "lean_v16_a32_subtract_delayed", acc_bits=32),
)


def active_list(n_words: int, n: int) -> Job:
    n_pre = 32 * n_words
    _, image = weights(n_pre, 8, 8)
    case, _ = listing(constant(image), active(n, n_pre), 8)
    return Job(f"rows_{n_words}_{n}", f"{n_words} words, {n} active", "call", 1, (case,),
               lambda o: o.result == n)


def analogue(bits: int) -> Job:
    """Into int16 where the sums are proven to fit: weights up to 10 times 24 inputs."""
    n_pre, n_post = N_MACS
    wide = bits == 32
    w, image = weights(n_pre, n_post, 8, None if wide else 10)
    x = np.random.default_rng(SEED).integers(-128, 128, n_pre).astype(np.int8)
    acc = np.zeros(n_post, np.int32 if wide else np.int16)
    case = Case("analogue", f"dassdp_k_analogue_a{bits}",
                (projection(constant(image), n_pre, n_post, 8), acc, constant(x), 0))
    expected = x.astype(np.int64) @ w
    return Job(f"analogue_a{bits}", f"analogue {n_pre} to {n_post}, int{bits} sums", "MAC",
               n_pre * n_post, (case,), lambda o: bool((o.arrays[0] == expected).all()))


def learn_rows(bits: int, n: int) -> Job:
    w, image = weights(96, N_POST, bits)
    rows_of = active(n, 96)
    dw_q8 = np.random.default_rng(SEED).integers(-600, 600, N_POST).astype(np.int16)
    lister, rows = listing(image, rows_of, row_bytes(N_POST, bits, is_packed(bits)))
    rng = np.array([2463534242], np.uint32)
    symbol = "p4" if is_packed(bits) else f"s{8 if bits == 8 else 4}"
    case = Case("learn", f"dassdp_k_learn_rows_{symbol}",
                (projection(image, 96, N_POST, bits), rows, n, constant(dw_q8), rng, image))
    expected, state, bound = w.copy(), 2463534242, 1 << (bits - 1)
    for j in np.flatnonzero(rows_of):
        for first in range(0, N_POST, 4):
            state = xorshift32(state)
            for byte, lane in enumerate((0, 2, 1, 3)):
                step = (int(dw_q8[first + lane]) + ((state >> (8 * byte)) & 255)) >> 8
                expected[j, first + lane] = np.clip(w[j, first + lane] + step, -bound, bound - 1)

    def check(o: Outcome) -> bool:
        found = unpack_weights(next(a for a in o.arrays if a.dtype == np.uint8).tobytes(), 96,
                               N_POST, bits, is_packed(bits))
        return bool((found == expected).all())

    name = "learn_rows_p4" if is_packed(bits) else f"learn_rows_s{bits}"
    return Job(name, f"stochastic rounding, {n} rows of {N_POST}", "touched weight", n * N_POST,
               (lister, case), check)


def update_row() -> Job:
    rng = np.random.default_rng(SEED)
    k = rng.integers(-3000, 3000, N_POST).astype(np.int16)
    latency = rng.integers(0, 25, N_POST).astype(np.uint8)
    g_q7 = np.round(128 * np.exp(-np.arange(26) ** 2 / 8)).astype(np.uint8)
    dw_q8 = np.zeros(N_POST, np.int16)
    window = g_q7[np.abs(np.arange(25) - 7)]
    case = Case("update", "dassdp_k_update_row",
                (12, dw_q8, constant(k), N_POST, 3, constant(latency), constant(window)))
    expected = (k.astype(np.int64) * 3 * window[latency] + 2048) >> 12
    return Job("update_row", "one update row of 64", "weight", N_POST, (case,),
               lambda o: right_row(o, expected))


def update_row_sums() -> Job:
    rng = np.random.default_rng(SEED)
    k = rng.integers(-3000, 3000, N_POST).astype(np.int16)
    sums = rng.integers(-400, 400, N_POST).astype(np.int16)
    case = Case("update", "dassdp_k_update_row_sums",
                (12, np.zeros(N_POST, np.int16), constant(k), constant(sums), N_POST))
    expected = (k.astype(np.int64) * sums + 2048) >> 12
    return Job("update_row_sums", "one update row of 64 from sums of traces", "weight", N_POST,
               (case,), lambda o: right_row(o, expected))


def update_row_placed() -> Job:
    """Of 64 columns every other one, as touch makes it where the others' k is 0."""
    rng = np.random.default_rng(SEED)
    k = rng.integers(-3000, 3000, N_POST // 2)
    sums = rng.integers(-400, 400, N_POST // 2).astype(np.int16)
    placed = (np.arange(0, N_POST, 2) << 17 | (k & 0xFFFF)).astype(np.uint32)
    case = Case("update", "dassdp_k_update_row_placed",
                (12, np.zeros(N_POST, np.int16), constant(placed), constant(sums), N_POST // 2))
    expected = np.zeros(N_POST, np.int64)
    expected[::2] = (k * sums + 2048) >> 12
    return Job("update_row_placed", "an update row of 64 from sums of traces of 32", "weight",
               N_POST // 2, (case,), lambda o: right_row(o, expected))


def right_row(outcome: Outcome, expected: Array) -> bool:
    """Its entries, and how many are not zero."""
    return bool((outcome.arrays[0] == expected).all()
                and outcome.result == np.count_nonzero(expected))


def jobs() -> Iterator[Job]:
    """All of them, the same on every core."""
    for bits in (16, 8, 7, 6, 4):
        for n in (8, 32, 64):
            yield accumulate(bits, n)
    yield from (n.job() for n in NEURONS)
    for n_words, n in ((4, 0), (4, 32), (12, 0)):
        yield active_list(n_words, n)
    yield analogue(16)
    yield analogue(32)
    yield learn_rows(8, 32)
    yield learn_rows(6, 32)
    yield learn_rows(4, 32)
    yield update_row()
    yield update_row_sums()
    yield update_row_placed()


def accumulate_layer(core: str, bits: int) -> Outcome:
    """256 to 128 with 51 active: instructions and cycles of the listing and of the sums."""
    w, image = weights(256, 128, bits)
    spikes, image = active(51, 256), constant(image)
    acc = np.zeros(128, np.int16)
    lister, rows = listing(image, spikes, 128)
    case = Case("accumulate", f"dassdp_k_accumulate_s{max(bits, 6)}",
                (projection(image, 256, 128, bits), acc, rows, 51, 0, image))
    listed, summed = Program(core).run([lister, case])
    assert (summed.arrays[0] == w[spikes].sum(axis=0)).all(), core
    cycles = None if summed.cycles is None else listed.cycles + summed.cycles
    return Outcome("layer", listed.instructions + summed.instructions, cycles, 0, ())


class Program:
    """The kernels of a core, compiled as the firmware compiles them."""

    def __init__(self, core: str) -> None:
        self.core, folder = core, new_folder()
        project = firmware_project({}, board_of(core))
        project.write(folder)
        self.flags = tuple(f for f in project.cflags if not f.startswith("-mcpu"))
        include = [folder / path.removeprefix("-I") for path in project.include_flags]
        sources = [folder / u for u in project.units if u.startswith("kernels/")]
        self._objects = compile_objects(CORES[core], sources, folder / "obj", self.flags, include)
        self._elf = folder / "kernels.elf"
        self.size = {o.stem.split("-", 1)[1]: flash_bytes(o) for o in self._objects}

    def run(self, cases: list[Case]) -> list[Outcome]:
        if self.core == "M55":
            return run_qemu(CORES[self.core], self._objects, cases)
        return run_unicorn(link(CORES[self.core], self._objects, self._elf), cases)


def measure(core: str) -> list[Record]:
    """Records of all kernels of a core. Raises AssertionError where a bit is wrong."""
    program, made = Program(core), list(jobs())
    outcomes = program.run([case for job in made for case in job.cases])
    records, at = [], 0
    for job in made:
        at += len(job.cases)
        outcome = outcomes[at - 1]
        assert job.check(outcome), f"{core}: {job.name} ({job.what}) has wrong bits"
        stem = job.cases[-1].function.removeprefix("dassdp_k_").removesuffix("_subtract_delayed")
        records.append(Record(job.name, core, job.what, outcome.instructions, job.per, job.work,
                              outcome.cycles, None if outcome.cycles is None else MODEL,
                              program.size.get(stem)))
    return records
