"""EIHL: inhibition and excitation in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.base.qformat import scalar_to_int
from edge_dassdp.ir import Network, Projection
from edge_dassdp.qir import Offset, QRule, Site, Stage
from edge_dassdp.qir.checks import require as well_formed
from edge_dassdp.qir.checks import within
from edge_dassdp.qir.lesson import DW_MAX_Q8, Lesson
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.tables import StateField, Table
from edge_dassdp.rules import grains
from edge_dassdp.rules.base import Needs, Place, Rule, in_steps, positive, require
from edge_dassdp.rules.cost import count_rows
from edge_dassdp.rules.error import QErrorRule, check_hidden, error_rule

CONTRACTION, ERROR_DRIVEN = 0, 1
EIHL_DTYPE = np.dtype([
    ("n_connected", "<u4"), ("b_q16", "<u4"), ("n_samples", "<u2"), ("kind", "<u2"),
])
"""dassdp_eihl_t of eihl.h."""


@dataclass(frozen=True)
class EIHL(Rule):
    """Inhibition and excitation in turn, after EIHL: a reconstruction, its text was not available.

    Contraction: with every sample learned from its label b grows by growth * max|W_factory|, from 0
    at the start of the phase to most * max|W_factory|, and w <- sign(w) max(|w| - b, 0).
    Error-driven: the update of `ErrorSSDP`. Contraction comes first. After every `period` such
    samples the non-zero weights are counted; contraction ends if they are fewer than at its start,
    the error-driven phase if they are more. Replayed samples count, skipped ones do not.
    mu, sigma: of `ErrorSSDP`. growth, most: above 0 to 1. period: 1 to 4,096 samples.
    """

    word = "eihl"
    takes_numbers = True
    no_twin = "its phases end by a count of integer weights that are not 0"
    mu: float = 8.0
    sigma: float = 2.0
    growth: float = 2e-4
    most: float = 0.02
    period: int = 16

    def __post_init__(self) -> None:
        positive(self.mu, "EIHL: mu")
        in_steps(self.sigma, "EIHL: sigma")
        for name in ("growth", "most"):
            value = getattr(self, name)
            require(is_real(value) and 0 < value <= 1,
                    f"EIHL: {name} is {value}, expected above 0 to 1")
        require(is_int(self.period) and 1 <= self.period <= 4096,
                f"EIHL: period is {self.period}, expected 1 to 4,096")

    @property
    def needs(self) -> Needs:
        return Needs(error=True, latency="first")

    def check(self, network: Network, projection: Projection) -> None:
        check_hidden(network, projection, f"EIHL on '{projection.name}'")

    def quantized(self, place: Place) -> tuple[QEIHL, tuple[Bound, ...]]:
        error, largest = error_rule(place, self, self.mu, self.sigma), place.largest * 65536
        growth, most = scalar_to_int(self.growth * largest), scalar_to_int(self.most * largest)
        if growth < 1:
            raise EdgeError("E201", f"projection '{place.site.name}': EIHL's growth of "
                            f"{self.growth:.3g} is below 2^-17 of a weight step",
                            help="choose a larger growth")
        most = min(max(most, growth), DW_MAX_Q8 << 8)
        place.require_reach(most >> 8, "contractions of EIHL", "a larger `most`")
        return QEIHL(error, min(growth, most), most, self.period), (
            *error.bounds(place, place.error_peak),
            Bound(f"{place.site.name}: contraction", most >> 8, 16))


@dataclass(frozen=True, eq=False)
class QEIHL(QRule):
    """By turns QErrorRule's update and a contraction, dw_q8 = -sign(w) min(b_q16 >> 8, |w_q8|);
    b_q16 grows by growth_q16 with every sample of a phase, up to most_q16, both in Q16 of a weight
    step. After every `period` samples the phase may end."""

    word = "eihl"
    title = "EIHL"
    stage: ClassVar[Stage] = "error"
    hooks: ClassVar[Mapping[str, str]] = {"learn": "dassdp_eihl_learn",
                                          "check": "dassdp_eihl_check"}
    header = "eihl.h"
    error: QErrorRule
    growth_q16: int
    most_q16: int
    period: int

    def check(self, site: Site) -> None:
        where = f"the rule of '{site.name}': "
        well_formed(isinstance(self.error, QErrorRule), where + "it knows no latencies")
        self.error.check(site)
        within(self.most_q16, 1, DW_MAX_Q8 << 8, where + "most_q16")
        within(self.growth_q16, 1, self.most_q16, where + "growth_q16")
        within(self.period, 1, 4096, where + "period")

    def state(self, site: Site) -> tuple[StateField, ...]:
        """Where its phase stands."""
        return (StateField.record("eihl", "dassdp_eihl_t", EIHL_DTYPE),)

    def fits(self, carried: Mapping[str, NDArray[Any]], site: Site) -> bool:
        phase = carried["eihl"]
        return bool(phase["kind"] <= ERROR_DRIVEN and phase["n_samples"] < self.period
                    and phase["b_q16"] <= self.most_q16)

    def scratch(self, site: Site) -> Mapping[str, int]:
        return self.error.scratch(site)

    def grain(self, site: Site) -> int:
        """By classes, or a row that shrinks or of which weights are counted."""
        row = 300 + 60 * site.n_post + grains.row(site.n_post, site.weight_bits)
        return max(grains.by_classes(site), row)

    def table(self, site: Site, offset: Offset) -> Table:
        return Table("dassdp_eihl_rule_t", f"constants_{site.name}", (
            *self.error.table(site, offset).fields, ("growth_q16", self.growth_q16),
            ("most_q16", self.most_q16), ("period", self.period), ("phase_off", offset("eihl"))))

    def learn(self, lesson: Lesson, site: Site) -> None:
        """One sample of its phase."""
        phase = lesson.state["eihl"]
        if phase["n_samples"] == 0 and phase["b_q16"] == 0:
            phase["n_connected"] = np.count_nonzero(lesson.w)
        phase["b_q16"] = min(int(phase["b_q16"]) + self.growth_q16, self.most_q16)
        if phase["kind"] == CONTRACTION:
            _contract(lesson, site, int(phase["b_q16"]) >> 8)
        else:
            self.error.learn(lesson, site)
        phase["n_samples"] += 1
        if phase["n_samples"] >= self.period:
            phase["n_samples"] = 0
            _end_phase(phase, int(np.count_nonzero(lesson.w)))

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        """Weights that are counted or contracted as three in four that a synchrony rule decides on,
        and a factor: operations that cost the like on every core."""
        phase, quarter = lesson.state["eihl"], site.n_pre * site.n_post // 4
        n_looks = int(phase["b_q16"] == 0) + int(phase["n_samples"] + 1 >= self.period)
        n_looks += int(phase["kind"] == CONTRACTION)
        tally["sync_columns"] += 3 * n_looks * quarter
        tally["factors"] += n_looks * quarter
        if phase["kind"] != CONTRACTION:
            self.error.count(lesson, site, tally)
            return
        tally["rules_applied"] += 1
        tally["sync_rows"] += site.n_pre
        count_rows(site.n_pre, site.n_post, site.weight_bits, tally)


def _contract(lesson: Lesson, site: Site, b_q8: int) -> None:
    """w <- sign(w) max(|w| - b, 0), all rows ascending."""
    w = lesson.w
    w_q8 = np.abs(w) if lesson.weight_bits == 16 else np.abs(w) << 8
    lesson.write_rows(np.arange(site.n_pre), -np.sign(w) * np.minimum(w_q8, b_q8), w != 0)


def _end_phase(phase: Any, n_connected: int) -> None:
    """The other phase begins where connectivity changed its way; changes `phase`, EIHL_DTYPE."""
    before, kind = int(phase["n_connected"]), int(phase["kind"])
    ends = n_connected < before if kind == CONTRACTION else n_connected > before
    if ends:
        phase[()] = np.zeros((), EIHL_DTYPE)
        phase["kind"] = ERROR_DRIVEN if kind == CONTRACTION else CONTRACTION
