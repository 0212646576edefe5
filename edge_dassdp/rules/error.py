"""Error-modulated synchrony, and what the rules of hidden projections share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray, to_int
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.ir.credit import has_error, path_gain, readout_gain
from edge_dassdp.qir import Offset, QRule, Site, Stage
from edge_dassdp.qir.checks import require as well_formed
from edge_dassdp.qir.lesson import Lesson
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.tables import Table
from edge_dassdp.rules import factors, grains
from edge_dassdp.rules.base import (
    BoolArray,
    Needs,
    Place,
    Rule,
    Sample,
    in_steps,
    positive,
    require,
)
from edge_dassdp.rules.factors import Factors

EVER = 1e6
"""A sigma, in steps, under which all latencies are synchronous: a neuron that fires in every step
has no first spike that would mean something."""


@dataclass(frozen=True)
class ErrorSSDP(Rule):
    """Error-modulated SSDP: synchrony as eligibility, one back-projected error per neuron.

    d_i = sum over forward projections i -> q of sum_q err_q * W[i,q], weights as before the
    update; err = e at the readout, and q_q * d_q at a hidden population.
    dW[j,i] = mu * mean(theta_post) / (lambda * kappa * (1 + |n|^2))
              * d_i * q_i * n_j * exp(-dt^2 / (2 sigma^2)), first-spike steps,
    lambda = `credit.path_gain` of the postsynaptic population, kappa = `credit.readout_gain`.
    mu > 0, no unit; sigma > 0 in steps.
    """

    word = "error"
    takes_numbers = True
    mu: float = 8.0
    sigma: float = 2.0

    def __post_init__(self) -> None:
        positive(self.mu, "ErrorSSDP: mu")
        in_steps(self.sigma, "ErrorSSDP: sigma")

    @property
    def needs(self) -> Needs:
        return Needs(error=True, latency="first")

    def check(self, network: Network, projection: Projection) -> None:
        check_hidden(network, projection, f"ErrorSSDP on '{projection.name}'")

    def of_bias(self, share: float) -> ErrorSSDP:
        return replace(self, mu=share * self.mu, sigma=EVER)

    def change(self, sample: Sample, network: Network, projection: Projection,
               err: FloatArray) -> FloatArray:
        pre, post = (first_spike_step(sample.raster(name))
                     for name in (projection.pre, projection.post))
        n = sample.counts(projection.pre)
        return hidden_scale(network, projection, self.mu, n) * np.asarray(
            np.outer(n, err) * synchrony(pre, post, self.sigma))

    def quantized(self, place: Place) -> tuple[QErrorRule, tuple[Bound, ...]]:
        made = error_rule(place, self, self.mu, self.sigma)
        return made, made.bounds(place, place.error_peak)


def check_hidden(network: Network, projection: Projection, where: str) -> None:
    """E203 unless an error comes back to the end of a hidden projection."""
    require(projection.post != network.readout.population, f"{where}: it ends at the readout",
            help="use ReadoutDelta for projections into the readout")
    require(has_error(network, projection.post),
            f"{where}: no forward path leads from '{projection.post}' to the readout")
    require(0 < path_gain(network, projection.post) * readout_gain(network) < math.inf,
            f"{where}: no error comes back through the weights from '{projection.post}' to the "
            "readout, which are all 0 or far from 1")


def hidden_scale(network: Network, projection: Projection, mu: float, n: FloatArray) -> float:
    """mu * mean(theta_post) / (lambda * kappa * (1 + |n|^2)); n (n_pre,)."""
    theta = float(network.population(projection.post).threshold.mean())
    gain = path_gain(network, projection.post) * readout_gain(network)
    return mu * theta / (gain * float(1.0 + n @ n))


def hidden_step(place: Place, mu: float) -> float:
    """The real factor of one unit of error: mu * mean(theta_post) / (lambda * kappa)."""
    gain = path_gain(place.network, place.projection.post) * readout_gain(place.network)
    return mu * place.threshold / gain * place.error_unit


def first_spike_step(raster: BoolArray) -> NDArray[np.int64]:
    """(n_steps, size) -> (size,): step of the first spike, n_steps if silent."""
    return np.where(raster.any(axis=0), raster.argmax(axis=0), len(raster))


def synchrony(t_pre: NDArray[np.int64], t_post: NDArray[np.int64], sigma: float) -> FloatArray:
    """g[j,i] = exp(-(t_i - t_j)^2 / (2 sigma^2)): (n_pre, n_post)."""
    dt = t_post[None, :] - t_pre[:, None]
    return np.asarray(np.exp(-(dt**2) / (2.0 * sigma**2)))


def error_rule(place: Place, rule: Rule, mu: float, sigma: float) -> QErrorRule:
    dt = np.arange(place.site.n_steps + 1)
    made = factors.factors_of(place, rule, hidden_step(place, mu), place.error_peak)
    return QErrorRule(**made, g_q7=to_int(128.0 * np.exp(-(dt**2) / (2 * sigma**2))))


@dataclass(frozen=True, eq=False)
class QErrorRule(Factors, QRule):
    """dw_q8 = round(k_i n_j g_q7[dt] / 2^row_rshift). g_q7: (n_steps + 1,), 0 to 128."""

    word = "error"
    title = "ErrorSSDP"
    stage: ClassVar[Stage] = "error"
    hooks: ClassVar[Mapping[str, str]] = {"learn": "dassdp_error_learn"}
    header = "error.h"
    g_q7: IntArray

    def filed(self) -> Mapping[str, Any]:
        return {**super().filed(), "touch_columns": 0}

    @classmethod
    def unfiled(cls, values: Mapping[str, Any]) -> QErrorRule | None:
        rest = {name: value for name, value in values.items() if name != "touch_columns"}
        return cls(**rest) if values["g_q7"] is not None and not values["touch_columns"] else None

    def check(self, site: Site) -> None:
        where = f"the rule of '{site.name}': "
        well_formed(site.pre.counts and site.post.has_error,
                    where + "its neurons keep no counts or no error")
        self.check_factors(site, site.error_peak)
        factors.check_g(self.g_q7, site)
        well_formed(site.post.counts and not site.into_readout
                    and "none" not in (site.pre.records, site.post.records),
                    where + "its neurons keep no latencies")

    def scratch(self, site: Site) -> Mapping[str, int]:
        return factors.scratch(site)

    def grain(self, site: Site) -> int:
        return grains.by_classes(site)

    def table(self, site: Site, offset: Offset) -> Table:
        return Table("dassdp_error_rule_t", f"constants_{site.name}",
                     self.fields(site, offset, self.g_q7, classes="classes", latencies="bytes"))

    def learn(self, lesson: Lesson, site: Site) -> None:
        k = self.k(lesson.needed("error"), lesson.pre_record.count, site, lesson.step_q8)
        factors.learn_classes(self, k, self.g_q7, lesson, site)

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        factors.count_classes(self, self.g_q7, lesson.needed("error"), lesson, site, tally)
