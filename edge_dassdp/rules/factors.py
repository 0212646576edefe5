"""What rules with one error per postsynaptic neuron share: the factor k, its constants and proof,
and the update of whole classes of presynaptic neurons.

k_i = clip(round(err_i r / 2^k_rshift), +-k_max), r = min((amplitude L_q8 >> 8) // (1 + sum n^2),
r_max), L_q8 of the schedule, 256 without one; k counts in Q(row_rshift + 1) of a weight step. Where
long samples have many spikes r and k_rshift gain bits. Its derivation is in docs/arithmetic.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import INT16_MAX, INT32_MAX, IntArray, round_shift, scalar_to_int
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.qir import Offset, Site
from edge_dassdp.qir.checks import entries, within
from edge_dassdp.qir.lesson import DW_MAX_Q8, Lesson, Record
from edge_dassdp.qir.packing import by_word, columns, words
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.tables import Array, Table, Value
from edge_dassdp.rules.base import Place, Rule
from edge_dassdp.rules.cost import count_rows, planes_of_fired, planes_read, popcounts

AMPLITUDE_BITS = 22
MANY_SQUARED = QUANTITIES["many_squared"]
MAX_SHIFT = 24
MAX_ROW_SHIFT = 16
"""The largest of which DW_MAX_Q8 << row_rshift fits an int32."""
ONE_Q7 = 128
LONG = (("refine", "dassdp_long_refine"), ("list", "dassdp_planes_halves"),
        ("row", "dassdp_long_row"))
"""Fields of dassdp_long_t."""
QUARTER = 4
"""Of the largest error, which proofs are for: an error to be expected."""


@dataclass(frozen=True, eq=False)
class Factors:
    """The constants of k."""

    amplitude: int
    r_max: int
    k_max: int
    k_rshift: int
    row_rshift: int

    def k(self, err: IntArray, count: IntArray, site: Site, step_q8: int = 256) -> IntArray:
        """(n_post,) from errors (n_post,) and presynaptic spike counts (n_pre,)."""
        n_squared = 1 + int((count**2).sum())
        finer = self._finer(site) if n_squared >= MANY_SQUARED else 0
        r = min((self.amplitude * step_q8 >> 8 << finer) // n_squared, self.r_max)
        k = round_shift(err * r, self.k_rshift + finer)
        return np.asarray(np.clip(k, -self.k_max, self.k_max))

    def _finer(self, site: Site) -> int:
        """Bits that r gains in long samples with many spikes: it stays below 2^14 there, so that
        err r and half of 2^30 fit an int32."""
        return min(QUANTITIES["finer_bits"], 30 - self.k_rshift) if site.is_long else 0

    def limit(self, count: IntArray, site: Site) -> IntArray | int:
        """The largest |k| for counts of spikes above 0: `dassdp_factors_limit`."""
        return np.minimum(_k_max(self.row_rshift, count), self.k_max) if site.is_long \
            else self.k_max

    def reach(self, count: IntArray, site: Site) -> int:
        return self.largest(site.error_peak // QUARTER, count, site)

    def largest(self, err: int, count: IntArray, site: Site) -> int:
        """The largest update in Q8 by an error of `err`, of presynaptic spike counts (n_pre,)."""
        fired = count[count > 0]
        k = np.minimum(self.k(np.array([err]), count, site), self.limit(fired, site))
        return int(round_shift(k * fired * ONE_Q7, self.row_rshift).max(initial=0))

    def check_factors(self, site: Site, peak: int) -> None:
        """E101 unless k fits for errors up to `peak`, and so do its rows."""
        where = f"the rule of '{site.name}': "
        within(self.k_rshift, 0, MAX_SHIFT, where + "k_rshift")
        within(self.amplitude, 1, (1 << AMPLITUDE_BITS) - 1, where + "amplitude")
        within(self.r_max, 1, (INT32_MAX - (1 << self.k_rshift >> 1)) // peak, where + "r_max")
        within(self.row_rshift, 12, MAX_ROW_SHIFT, where + "row_rshift")
        most = 1 if site.is_long else site.count_peak
        within(self.k_max, 1, min(INT16_MAX, _k_max(self.row_rshift, most)), where + "k_max")

    def bounds(self, place: Place, peak: int) -> tuple[Bound, ...]:
        """What was proven, for errors up to `peak`."""
        product = peak * self.r_max + (1 << self.k_rshift >> 1)
        site = place.site
        row = round_shift(self.k_max * site.count_peak * ONE_Q7, self.row_rshift)
        row = DW_MAX_Q8 if site.is_long else row  # by `limit`
        return Bound(f"{place.site.name}: error times step", product, 32), place.update(row)

    def fields(self, site: Site, offset: Offset, g_q7: IntArray | None = None,
               **parts: str) -> tuple[tuple[str, Value], ...]:
        """Of dassdp_factors_t. parts: of the scratch, by the name of their offset."""
        table = None if g_q7 is None else Array("uint8_t", f"g_q7_{site.name}",
                                                np.concatenate([g_q7[:0:-1], g_q7]))
        longs = Table("dassdp_long_t", f"long_{site.name}", LONG) if site.is_long else None
        return tuple((f"factors.{name}", value) for name, value in (
            ("amplitude", self.amplitude), ("r_max", self.r_max), ("k_max", self.k_max),
            ("k_rshift", self.k_rshift), ("update.row_rshift", self.row_rshift),
            ("update.g_q7", table), ("longs", longs), ("k_off", offset("sums")),
            ("row_off", offset("row")),
            *((f"{name}_off", offset(part)) for name, part in parts.items())))


def factors_of(place: Place, rule: Rule, real: float, peak: int) -> dict[str, int]:
    """Constants of dw = real * err * n, |err| <= peak.

    Raises E201 where the amplitude has no fixed-point form, or is so small that even the largest
    error moves no weight of a sample's only spike, with which it moves most.
    """
    row_rshift, k_max = _row(place.site)
    name, size = type(rule).__name__, rule.size
    amplitude = real / place.step * 2.0 ** (row_rshift + 1)
    known = 0 < amplitude < 2.0**AMPLITUDE_BITS  # beside a product that left the floats' range
    shift = min(MAX_SHIFT, math.floor(AMPLITUDE_BITS - math.log2(amplitude))) if known else -1
    while shift >= 0 and scalar_to_int(amplitude * 2.0**shift) >= 1 << AMPLITUDE_BITS:
        shift -= 1
    if shift < 0 or scalar_to_int(amplitude * 2.0**shift) < 1:
        raise EdgeError("E201", f"projection '{place.site.name}': the amplitude of {name} "
                        f"has no fixed-point form ({amplitude:.3g} in Q{row_rshift + 1} of a "
                        "weight step)",
                        help=f"a smaller {size} or temperature, or weights of more bits")
    half = 1 << (shift - 1) if shift else 0
    made = Factors(scalar_to_int(amplitude * 2.0**shift),
                   min((INT32_MAX - half) // peak, (1 << AMPLITUDE_BITS) - 1), k_max, shift,
                   row_rshift)
    place.require_reach(made.largest(peak, np.ones(1, np.int64), place.site), f"updates of {name}",
                        f"a larger {size}, or leave it frozen")
    return asdict(made)


def _row(site: Site) -> tuple[int, int]:
    """(row_rshift, k_max) with |k n g| rounded >> row_rshift at most DW_MAX_Q8.

    k counts in Q(row_rshift + 1) of a weight step: 13 fraction bits, and more in long samples,
    whose many spikes make k small; 17 and a limit by spikes where records take half-words.
    """
    if site.is_long:
        return MAX_ROW_SHIFT, INT16_MAX
    for row_rshift in range(12, MAX_ROW_SHIFT):
        k_max = _k_max(row_rshift, site.count_peak)
        if 2 * k_max > INT16_MAX:
            return row_rshift, min(INT16_MAX, k_max)
    raise AssertionError("a byte holds the steps")


def _k_max(row_rshift: int, n_spikes: Any) -> Any:
    return ((DW_MAX_Q8 << row_rshift) - (1 << (row_rshift - 1))) // (n_spikes * ONE_Q7)


def check_g(g_q7: IntArray, site: Site) -> None:
    """E101 unless g is a table of latencies that are kept."""
    where = f"the rule of '{site.name}': "
    entries(g_q7, ((site.n_steps + 1,),), 0, ONE_Q7, where + "g_q7")


def scratch(site: Site) -> Mapping[str, int]:
    """Of an update by classes."""
    n = columns(site.n_post)
    return {"sums": 2 * n, "row": 2 * n, "bytes": n * site.record_bytes,
            "classes": 8 * words(site.n_pre)}


def learn_classes(factors: Factors, k: IntArray, g_q7: IntArray | None, lesson: Lesson,
                  site: Site) -> None:
    """dw_q8 = round(k_i n_j g_q7[dt] / 2^row_rshift), g = 1 without a table.

    Rows are written class by class, a class being the presynaptic neurons of one latency (with g)
    and count, which share their update row: latencies ascend, then the class's first neuron, then
    the neuron.
    """
    if k.any():
        rows, dw_q8 = _update(factors, k, g_q7, lesson, site)
        lesson.write_rows(rows, dw_q8, k != 0)


def _update(factors: Factors, k: IntArray, g_q7: IntArray | None, lesson: Lesson,
            site: Site) -> tuple[IntArray, IntArray]:
    """Rows in their order, (n,), and their updates, (n, n_post)."""
    pre = lesson.pre_record
    rows = np.flatnonzero(pre.count)
    latency = np.zeros_like(pre.latency) if g_q7 is None else pre.latency
    _, first, classes = np.unique((latency[rows] << 16) + pre.count[rows], return_index=True,
                                  return_inverse=True)
    rows = rows[np.lexsort((rows, first[classes], latency[rows]))]
    g: IntArray | int = ONE_Q7
    if g_q7 is not None:
        dt = np.abs(lesson.post_record.latency[None, :] - pre.latency[rows][:, None])
        g = g_q7[np.where(k != 0, dt, 0)]
    count = pre.count[rows][:, None]
    most = factors.limit(count, site)
    return rows, np.asarray(round_shift(np.clip(k, -most, most) * (count * g),
                                        factors.row_rshift))


def count_classes(factors: Factors, g_q7: IntArray | None, err: IntArray, lesson: Lesson,
                  site: Site, tally: dict[str, int]) -> None:
    """`dassdp_factors` and `dassdp_factors_write` of factors.c with errors (n_post,)."""
    n_bits, is_timed, pre = site.field_bits, g_q7 is not None, lesson.pre_record
    tally["rules_applied"] += 1
    tally["popcounts"] += popcounts(pre.count, n_bits)
    tally["factors"] += site.n_post
    k = factors.k(err, pre.count, site)
    if not k.any():
        return
    tally["latencies_unpacked"] += site.n_post * is_timed
    tally["bits_unpacked"] += site.n_post * n_bits * is_timed
    n_classes = _count_search(pre, is_timed, n_bits, tally)
    tally["classes"] += n_classes
    tally["class_columns"] += n_classes * columns(site.n_post)
    tally["timed_columns"] += n_classes * columns(site.n_post) * is_timed
    _, dw_q8 = _update(factors, k, g_q7, lesson, site)
    count_rows(int(dw_q8.any(axis=1).sum()), site.n_post, site.weight_bits, tally)


def _count_search(pre: Record, is_timed: bool, n_bits: int, tally: dict[str, int]) -> int:
    """Classes of presynaptic neurons, latency by latency while some are left. A class is that of
    the first neuron left; from its word on every word is visited, compared and listed."""
    counts, silent = by_word(pre.count[None])[0], (1 << n_bits) - 1
    inverted = by_word(np.where(pre.latency < 0, 0, pre.latency ^ silent)[None])[0]
    n_words, n_classes = len(counts), 0
    last = pre.latency if is_timed else np.zeros_like(pre.latency)
    n_latencies = int(last.max(where=pre.count > 0, initial=-1)) + 1
    n_visited, n_read = (n_latencies + 1) * n_words, int(planes_of_fired(pre.count, n_bits).sum())
    tally["popcounts"] += n_words
    for t_step in range(n_latencies):
        left = np.where(pre.latency == t_step, pre.count, 0) if is_timed else pre.count
        n_read += int((planes_read(inverted, t_step ^ silent, n_bits) if is_timed
                       else planes_of_fired(pre.count, n_bits)).sum())
        while left.any():
            first = int(np.flatnonzero(left)[0])
            n_classes += 1
            n_visited += n_words - first // 32
            n_read += n_bits + int(planes_read(counts, left[first], n_bits,
                                               by_word(left[None] > 0)[0]).sum())
            left = np.where(left == left[first], 0, left)
    tally["latencies_searched"] += n_latencies
    tally["class_words"] += n_visited
    tally["planes_read"] += n_read
    return n_classes
