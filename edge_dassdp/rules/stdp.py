"""Pair-based STDP."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_real
from edge_dassdp.base.qformat import INT16_MAX, round_shift, scalar_to_int
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.qir import Offset, QRule, Site, Stage
from edge_dassdp.qir.checks import require as well_formed
from edge_dassdp.qir.checks import within
from edge_dassdp.qir.lesson import DW_MAX_Q8, Lesson
from edge_dassdp.qir.packing import columns
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.tables import StateField, Table
from edge_dassdp.rules import grains
from edge_dassdp.rules.base import BoolArray, Needs, Place, Rule, Sample, positive, require
from edge_dassdp.rules.cost import count_rows

MAX_SHIFT = 24


@dataclass(frozen=True)
class PairSTDP(Rule):
    """Pair-based STDP with exponential traces, all pairs, of one projection. No label, no error.

    Each step: X_j = X_j exp(-1/tau_plus) + s_j;
    dW[j,i] += scale * (a_plus * X_j * s_i - a_minus * s_j * Y_i);
    Y_i = Y_i exp(-1/tau_minus) + s_i; scale = max|W_factory|.
    a_plus, a_minus finite, as shares of scale; tau_plus, tau_minus > 0 in steps.
    Source: Morrison, Diesmann and Gerstner, Biological Cybernetics 98 (2008), 459-478.
    """

    word = "stdp"
    size = "a_plus"
    takes_numbers = True
    a_plus: float = 1e-4
    a_minus: float = 2e-4
    tau_plus: float = 4.0
    tau_minus: float = 4.0

    def __post_init__(self) -> None:
        for name in ("a_plus", "a_minus"):
            value = getattr(self, name)
            require(is_real(value), f"PairSTDP: {name} is {value}, expected a finite number")
        for name in ("tau_plus", "tau_minus"):
            positive(getattr(self, name), f"PairSTDP: {name}")

    @property
    def needs(self) -> Needs:
        return Needs(counts="none", rasters="both")

    def change(self, sample: Sample, network: Network, projection: Projection,
               err: FloatArray) -> FloatArray:
        pre, post = sample.spikes(projection.pre), sample.spikes(projection.post)
        return float(np.abs(projection.weight).max()) * pair_change(pre, post, self)

    def quantized(self, place: Place) -> tuple[QSTDP, tuple[Bound, ...]]:
        scale, n_steps = place.largest * 256, place.site.n_steps
        one, keep = zip(*(_trace(tau, n_steps) for tau in (self.tau_plus, self.tau_minus)),
                        strict=True)
        sides = [_amplitude(a * scale / o)
                 for a, o in zip((self.a_plus, self.a_minus), one, strict=True)]
        peaks = [trace_peak(o, k, n_steps) for o, k in zip(one, keep, strict=True)]
        peak = sum(update_peak(a, x, s) for (a, s), x in zip(sides, peaks, strict=True))
        single = max(update_peak(a, o, s) for (a, s), o in zip(sides, one, strict=True))
        if not 0 < single <= peak <= DW_MAX_Q8:
            raise EdgeError(
                "E201", f"projection '{place.site.name}': updates of PairSTDP have no fixed-point "
                f"form, one pair of spikes is {scale * max(self.a_plus, self.a_minus):.3g}"
                " in Q8 of a weight step",
                help="choose larger amplitudes" if single == 0 else
                "choose smaller amplitudes or time constants")
        made = QSTDP(one[0], one[1], keep[0], keep[1], sides[0][0], sides[1][0], sides[0][1],
                     sides[1][1])
        return made, (Bound(f"{place.site.name}: traces", max(peaks), 16), place.update(peak))


def pair_change(pre: BoolArray, post: BoolArray, rule: PairSTDP) -> FloatArray:
    """dW / scale of one sample; pre (n_steps, n_pre), post (n_steps, n_post) spike rasters."""
    x, y = np.zeros(pre.shape[1]), np.zeros(post.shape[1])
    change = np.zeros((pre.shape[1], post.shape[1]))
    keep_x, keep_y = math.exp(-1 / rule.tau_plus), math.exp(-1 / rule.tau_minus)
    for s_pre, s_post in zip(pre.astype(np.float64), post.astype(np.float64), strict=True):
        x = x * keep_x + s_pre
        y = y * keep_y
        change += rule.a_plus * np.outer(x, s_post) - rule.a_minus * np.outer(s_pre, y)
        y = y + s_post
    return change


def _trace(tau: float, n_steps: int) -> tuple[int, int]:
    """(one, keep_q15): the largest power of two that a spike may add to an int16 trace."""
    keep_q15 = scalar_to_int(32768 * math.exp(-1 / tau))
    one = 1 << 14
    while trace_peak(one, keep_q15, n_steps) > INT16_MAX:
        one >>= 1
    return one, keep_q15


def _amplitude(real: float) -> tuple[int, int]:
    """(amplitude, rshift): |amplitude| below 2^15 with the largest shift of at most MAX_SHIFT."""
    shift = MAX_SHIFT
    while shift > 0 and abs(real) * 2.0**shift >= 2**15 - 0.5:
        shift -= 1
    return scalar_to_int(max(-32767.0, min(32767.0, real * 2.0**shift))), shift


def trace_peak(one: int, keep_q15: int, n_steps: int) -> int:
    """The largest value of a trace: of a neuron that fires in every step."""
    trace = 0
    for _ in range(n_steps):
        trace = (trace * keep_q15 >> 15) + one
    return trace


def update_peak(amplitude: int, trace: int, rshift: int) -> int:
    """The largest |round(amplitude trace / 2^rshift)|."""
    return int(round_shift(abs(amplitude) * trace, rshift))


@dataclass(frozen=True, eq=False)
class QSTDP(QRule):
    """X = (X keep_pre_q15 >> 15) + pre_one s, likewise Y; dw_q8 = s_i round(amplitude_plus X_j /
    2^plus_rshift) - s_j round(amplitude_minus Y_i / 2^minus_rshift), Y before the spikes of its
    step."""

    word = "stdp"
    title = "PairSTDP"
    stage: ClassVar[Stage] = "sample"
    hooks: ClassVar[Mapping[str, str]] = {"learn": "dassdp_stdp_learn"}
    header = "stdp.h"
    pre_one: int
    post_one: int
    keep_pre_q15: int
    keep_post_q15: int
    amplitude_plus: int
    amplitude_minus: int
    plus_rshift: int
    minus_rshift: int

    def check(self, site: Site) -> None:
        where = f"the rule of '{site.name}': "
        well_formed(site.pre.keeps_raster and site.post.keeps_raster,
                    where + "its neurons keep no raster")
        peaks = 0
        for side, sign in (("pre", "plus"), ("post", "minus")):
            one, keep = getattr(self, f"{side}_one"), getattr(self, f"keep_{side}_q15")
            amplitude, rshift = getattr(self, f"amplitude_{sign}"), getattr(self, f"{sign}_rshift")
            within(keep, 0, 32768, where + f"keep_{side}_q15")
            within(one, 1, 32767, where + f"{side}_one")
            within(amplitude, -32767, 32767, where + f"amplitude_{sign}")
            within(rshift, 0, 24, where + f"{sign}_rshift")
            peak = trace_peak(one, keep, site.n_steps)
            well_formed(peak <= 32767, where + f"a trace may reach {peak}")
            peaks += update_peak(amplitude, peak, rshift)
        well_formed(peaks <= DW_MAX_Q8, where + f"an update may reach {peaks}")

    def state(self, site: Site) -> tuple[StateField, ...]:
        """Traces at the end of the last sample, X of pre, then Y of post: they begin at 0 anew."""
        return (StateField.plain("stdp", "int16_t", site.n_pre + site.n_post, "learning"),)

    def scratch(self, site: Site) -> Mapping[str, int]:
        n = columns(site.n_post)
        return {"sums": 2 * n, "row": 2 * n}

    def grain(self, site: Site) -> int:
        """What begins a step, or a row of it and those that it passes over."""
        step = 400 + 90 * site.n_pre + 90 * site.n_post
        return max(step, 300 + 45 * site.n_post + 25 * site.n_pre
                   + grains.row(site.n_post, site.weight_bits))

    def table(self, site: Site, offset: Offset) -> Table:
        return Table("dassdp_stdp_rule_t", f"constants_{site.name}", (
            *((f.name, getattr(self, f.name)) for f in fields(self)),
            ("traces_off", offset("stdp")), ("losses_off", offset("sums")),
            ("row_off", offset("row"))))

    def learn(self, lesson: Lesson, site: Site) -> None:
        """Over the rasters, step by step."""
        x, y = np.zeros(site.n_pre, np.int64), np.zeros(site.n_post, np.int64)
        for s_pre, s_post in zip(lesson.needed("pre_raster"), lesson.needed("post_raster"),
                                 strict=True):
            x = (x * self.keep_pre_q15 >> 15) + self.pre_one * s_pre
            y = y * self.keep_post_q15 >> 15
            rows = np.flatnonzero(s_pre | ((x != 0) & s_post.any()))
            gain = round_shift(self.amplitude_plus * x[rows], self.plus_rshift)
            loss = round_shift(self.amplitude_minus * y, self.minus_rshift)
            dw_q8 = gain[:, None] * s_post - s_pre[rows][:, None] * loss
            lesson.write_rows(rows, dw_q8, s_pre[rows][:, None] | s_post)
            y = y + self.post_one * s_post
        lesson.state["stdp"][:] = np.concatenate([x, y])

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        """Traces as pairs of latencies that a synchrony rule compares, rows likewise, weights half
        as these, half as columns of 16 bits: operations that cost the like on every core."""
        pre, post = lesson.needed("pre_raster"), lesson.needed("post_raster")
        answers = np.flatnonzero(post.any(axis=1))
        heard = np.zeros_like(pre)
        heard[answers] = np.logical_or.accumulate(pre, axis=0)[answers]
        n_rows = int((pre | heard).sum())
        tally["rules_applied"] += 1
        half = n_rows * site.n_post // 2
        tally["columns_16"] += half
        tally["sync_pairs"] += half + len(pre) * (site.n_pre + 2 * site.n_post)
        tally["sync_rows"] += n_rows
        count_rows(n_rows, site.n_post, site.weight_bits, tally)
