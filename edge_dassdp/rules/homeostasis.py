"""Homeostatic scaling: a normalized delta rule on the spike count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_real
from edge_dassdp.base.qformat import IntArray, round_shift, to_int
from edge_dassdp.ir import Network, Projection
from edge_dassdp.qir import Offset, QRule, Site, Stage
from edge_dassdp.qir.checks import entries
from edge_dassdp.qir.checks import require as well_formed
from edge_dassdp.qir.lesson import Lesson
from edge_dassdp.qir.ranges import RECORDED_MAX, Bound
from edge_dassdp.qir.tables import Array, Table
from edge_dassdp.rules import factors, grains
from edge_dassdp.rules.base import Needs, Place, Rule, positive, require
from edge_dassdp.rules.delta import QDeltaRule


@dataclass(frozen=True)
class Homeostasis(Rule):
    """Homeostatic scaling: every neuron returns to the activity that it had in the factory.

    dW[j,i] = eta * mean(theta_post) * (target_i - n_i) / T * n_j / (1 + |n|^2)
    on every sample learned, labelled or not: a normalized delta rule on the spike count. Its aim is
    that of synaptic scaling (Turrigiano et al., Nature 391, 1998), its form is not multiplicative.
    eta > 0, no unit. target: spikes of a sample, 0 to 4095, of all neurons, or None for each
    neuron's mean on the calibration samples.
    """

    word = "homeostasis"
    size = "eta"
    takes_numbers = True
    no_twin = "its targets are counts of the integer network on calibration samples"
    eta: float = 0.1
    target: float | None = None

    def __post_init__(self) -> None:
        positive(self.eta, "Homeostasis: eta")
        require(self.target is None or (is_real(self.target) and 0 <= self.target <= RECORDED_MAX),
                f"Homeostasis: target is {self.target}, expected 0 to {RECORDED_MAX:,} spikes or "
                "None")

    @property
    def needs(self) -> Needs:
        return Needs(mean_counts=self.target is None)

    def check(self, network: Network, projection: Projection) -> None:
        readout = network.readout
        require(projection.post != readout.population or readout.kind == "spike_count",
                f"Homeostasis on '{projection.name}': '{readout.population}' is read by its "
                "membranes, not by its spikes")

    def quantized(self, place: Place) -> tuple[QHomeostasis, tuple[Bound, ...]]:
        n_steps = place.site.n_steps
        if self.target is not None:
            target = np.full(place.site.n_post, float(self.target))
        elif place.mean_counts is not None:
            target = place.mean_counts
        else:
            raise EdgeError("E105", f"Homeostasis on '{place.site.name}' needs calibration samples "
                            "for its targets", help="give samples (--data), or a target")
        bits, most = frac_bits(place.site), _spikes_most(place.site)
        real, peak = self.eta * place.threshold / n_steps / 2.0**bits, most << bits
        made = QDeltaRule(**factors.factors_of(place, self, real, peak))
        targets_q7 = np.minimum(to_int(128 * target), 128 * most)
        return QHomeostasis(made, targets_q7), made.bounds(place, peak)


def _spikes_most(site: Site) -> int:
    """Spikes of a postsynaptic neuron in a sample."""
    return site.n_steps * site.post.recorded_a_step


def frac_bits(site: Site) -> int:
    """Of errors, 7 or as many as leave all spikes of a sample in an int16."""
    return min(7, 15 - site.field_bits)


@dataclass(frozen=True, eq=False)
class QHomeostasis(QRule):
    """QDeltaRule's update with err_i = targets_q7_i - (n_i << 7) in place of an error, no schedule;
    in samples of more than 255 steps with `frac_bits` instead of 7, to which targets are rounded.

    targets_q7: (n_post,), 0 to 128 times the spikes that a sample may have.
    """

    word = "homeostasis"
    title = "Homeostasis"
    stage: ClassVar[Stage] = "sample"
    hooks: ClassVar[Mapping[str, str]] = {"learn": "dassdp_homeostasis_learn"}
    header = "homeostasis.h"
    factors: QDeltaRule
    targets_q7: IntArray

    def check(self, site: Site) -> None:
        where = f"the rule of '{site.name}': "
        well_formed(site.pre.counts and site.post.counts and not site.post.records_membrane,
                    where + "its neurons keep no counts of spikes")
        well_formed(isinstance(self.factors, QDeltaRule),
                    where + "homeostasis knows no latencies and no touch")
        self.factors.check_factors(site, _spikes_most(site) << frac_bits(site))
        entries(self.targets_q7, ((site.n_post,),), 0, 128 * _spikes_most(site),
                where + "targets_q7")

    def reach(self, count: IntArray, site: Site) -> int:
        """By a quarter of the highest target, or of all spikes where it is 0."""
        highest = int(self._targets(site).max()) or _spikes_most(site) << frac_bits(site)
        return self.factors.largest(highest // factors.QUARTER, count, site)

    def scratch(self, site: Site) -> Mapping[str, int]:
        return self.factors.scratch(site)

    def grain(self, site: Site) -> int:
        return grains.listed(site) + grains.by_classes(site)

    def table(self, site: Site, offset: Offset) -> Table:
        bits = frac_bits(site)
        targets = Array("int16_t", f"targets_{site.name}", self._targets(site))
        return Table("dassdp_homeostasis_rule_t", f"constants_{site.name}", (
            *self.factors.table(site, offset).fields, ("targets", targets),
            ("frac_bits", bits)))

    def _targets(self, site: Site) -> IntArray:
        return np.asarray(round_shift(self.targets_q7, 7 - frac_bits(site)))

    def _lacking(self, lesson: Lesson, site: Site) -> IntArray:
        """Spikes that neurons lack, (n_post,), with `frac_bits`."""
        return np.asarray(self._targets(site) - (lesson.post_record.count << frac_bits(site)))

    def learn(self, lesson: Lesson, site: Site) -> None:
        self.factors.learn_from(self._lacking(lesson, site), lesson, site)

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        tally["latencies_unpacked"] += site.n_post  # counts, from as many planes
        tally["bits_unpacked"] += site.n_post * site.field_bits
        self.factors.count_from(self._lacking(lesson, site), lesson, site, tally)
