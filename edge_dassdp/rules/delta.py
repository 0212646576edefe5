"""The delta rule of the readout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.ir.credit import forward_projections, readout_gain
from edge_dassdp.qir import Offset, QRule, Site, Stage
from edge_dassdp.qir.checks import require as well_formed
from edge_dassdp.qir.lesson import Lesson
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.tables import Table
from edge_dassdp.rules import factors, grains
from edge_dassdp.rules.base import Needs, Place, Rule, Sample, positive, require
from edge_dassdp.rules.factors import Factors


@dataclass(frozen=True)
class ReadoutDelta(Rule):
    """Normalized delta rule of a forward projection into the readout.

    dW[j,c] = mu / kappa * n_j * e_c / (1 + |n|^2), kappa = `credit.readout_gain`.
    mu > 0, no unit: the share of the error one sample removes.
    """

    word = "delta"
    takes_numbers = True
    mu: float = 0.4

    def __post_init__(self) -> None:
        positive(self.mu, "ReadoutDelta: mu")

    @property
    def needs(self) -> Needs:
        return Needs(error=True, counts="pre")

    def check(self, network: Network, projection: Projection) -> None:
        where, readout = f"ReadoutDelta on '{projection.name}'", network.readout.population
        require(projection.post == readout, f"{where}: it ends at '{projection.post}', not at "
                f"the readout '{readout}'", help="use ErrorSSDP for hidden projections")
        require(projection in forward_projections(network, projection.pre),
                f"{where}: it does not run forward into the readout")

    def of_bias(self, share: float) -> ReadoutDelta:
        return replace(self, mu=share * self.mu)

    def change(self, sample: Sample, network: Network, projection: Projection,
               err: FloatArray) -> FloatArray:
        n = sample.counts(projection.pre)
        return np.asarray(self.mu / readout_gain(network) / (1.0 + n @ n) * np.outer(n, err))

    def quantized(self, place: Place) -> tuple[QDeltaRule, tuple[Bound, ...]]:
        real = self.mu / readout_gain(place.network) * place.error_unit
        made = QDeltaRule(**factors.factors_of(place, self, real, place.error_peak))
        return made, made.bounds(place, place.error_peak)


@dataclass(frozen=True, eq=False)
class QDeltaRule(Factors, QRule):
    """dw_q8 = round(k_i n_j 128 / 2^row_rshift). Files of format 4 hold it as a QErrorRule without
    g_q7."""

    word = "delta"
    title = "ReadoutDelta"
    stage: ClassVar[Stage] = "error"
    hooks: ClassVar[Mapping[str, str]] = {"learn": "dassdp_delta_learn"}
    header = "delta.h"

    @classmethod
    def node(cls) -> str:
        return "QErrorRule"

    def filed(self) -> Mapping[str, Any]:
        return {**asdict(self), "g_q7": None, "touch_columns": 0}

    @classmethod
    def unfiled(cls, values: Mapping[str, Any]) -> QDeltaRule | None:
        rest = {name: value for name, value in values.items()
                if name not in ("g_q7", "touch_columns")}
        return cls(**rest) if values["g_q7"] is None and not values["touch_columns"] else None

    def check(self, site: Site) -> None:
        well_formed(site.pre.counts and site.post.has_error,
                    f"the rule of '{site.name}': its neurons keep no counts or no error")
        self.check_factors(site, site.error_peak)

    def scratch(self, site: Site) -> Mapping[str, int]:
        return factors.scratch(site)

    def grain(self, site: Site) -> int:
        return grains.by_classes(site)

    def table(self, site: Site, offset: Offset) -> Table:
        return Table("dassdp_delta_rule_t", f"constants_{site.name}",
                     self.fields(site, offset, classes="classes", latencies="bytes"))

    def learn(self, lesson: Lesson, site: Site) -> None:
        self.learn_from(lesson.needed("error"), lesson, site, lesson.step_q8)

    def learn_from(self, err: IntArray, lesson: Lesson, site: Site, step_q8: int = 256) -> None:
        """The same from other errors, (n_post,)."""
        k = self.k(err, lesson.pre_record.count, site, step_q8)
        factors.learn_classes(self, k, None, lesson, site)

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        self.count_from(lesson.needed("error"), lesson, site, tally)

    def count_from(self, err: IntArray, lesson: Lesson, site: Site,
                   tally: dict[str, int]) -> None:
        factors.count_classes(self, None, err, lesson, site, tally)
