"""BCM, a rule of your own: Bienenstock, Cooper and Munro, Journal of Neuroscience 2 (1982), 32-48.

    edge-dassdp quantize model.npz --rules-from my_rule.py --rule fc2=bcm:eta=1e-4 -o model.q.npz
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_dassdp.rules.own import (
    DW_MAX_Q8,
    INT16_MAX,
    INT32_MAX,
    Bound,
    EdgeError,
    FloatArray,
    IntArray,
    Lesson,
    Needs,
    Network,
    Offset,
    Place,
    Projection,
    QRule,
    Rule,
    Sample,
    Site,
    StateField,
    Table,
    Twin,
    count_rows,
    positive,
    require,
    round_shift,
    scalar_to_int,
    well_formed,
    within,
)


@dataclass(frozen=True)
class BCM(Rule):
    """A neuron strengthens what drives it above a threshold that follows its own activity.

    dW[j,i] = eta * max|W_factory| * n_j * n_i * (n_i - theta_i) after every sample, n spikes in it;
    then theta_i += (n_i^2 / target - theta_i) / 2^memory, target at first: activity settles there.
    eta > 0, no unit. target: spikes of a sample, 0.5 to 255. memory: 0 to 10.
    """

    word = "bcm"
    eta: float = 1e-4
    target: float = 4.0
    memory: int = 4

    def __post_init__(self) -> None:
        positive(self.eta, "BCM: eta")
        require(0.5 <= self.target <= 255, f"BCM: target is {self.target}, expected 0.5 to 255")
        require(self.memory in range(11), f"BCM: memory is {self.memory}, expected 0 to 10")

    @property
    def needs(self) -> Needs:
        return Needs(counts="both")

    def check(self, network: Network, projection: Projection) -> None:
        readout = network.readout
        require(projection.post != readout.population or readout.kind == "spike_count",
                f"BCM on '{projection.name}': its readout is read by membranes, not by spikes")

    def twin(self, network: Network, projection: Projection) -> Twin:
        return BCMTwin(self, projection)

    def quantized(self, place: Place) -> tuple[QRule, tuple[Bound, ...]]:
        n_steps, name = place.site.n_steps, place.site.name
        target_q8, gain_q8 = scalar_to_int(256 * self.target), scalar_to_int(256 / self.target)
        peak = phi_peak(n_steps, gain_q8)
        real, shift = 16 * self.eta * place.largest, 24
        while shift > 0 and scalar_to_int(real * 2.0**shift) > _most(peak, shift):
            shift -= 1
        amplitude = scalar_to_int(real * 2.0**shift)
        if not 0 < amplitude <= _most(peak, shift):
            raise EdgeError("E201", f"projection '{name}': BCM's eta of {self.eta:.3g} has no "
                            "fixed-point form", help="choose another eta")
        made = QBCM(target_q8, gain_q8, self.memory, amplitude, shift, k_limit(n_steps))
        return made, (Bound(f"{name}: phi", peak, 32),
                      Bound(f"{name}: amplitude times phi", amplitude * peak, 32),
                      place.update(round_shift(made.k_max * n_steps, 4)))


def phi_peak(n_steps: int, gain_q8: int) -> int:
    """The largest |n (n - theta)| in Q8."""
    return n_steps * max(256 * n_steps, n_steps**2 * gain_q8)


def _most(peak: int, shift: int) -> int:
    """The largest amplitude whose product with phi is rounded in an int32."""
    return min(INT16_MAX, (INT32_MAX - (1 << shift >> 1)) // peak)


def k_limit(n_steps: int) -> int:
    """The largest factor, Q4, whose update with n_steps spikes fits."""
    return min(INT16_MAX, (16 * DW_MAX_Q8 - 8) // n_steps)


class BCMTwin(Twin):
    """BCM in real numbers, with its thresholds."""

    def __init__(self, rule: BCM, projection: Projection) -> None:
        self.rule, self.projection = rule, projection
        self.scale = float(np.abs(projection.weight).max())
        self.theta = np.full(projection.weight.shape[1], rule.target)

    def change(self, sample: Sample, err: FloatArray) -> FloatArray:
        pre, post = (sample.counts(p) for p in (self.projection.pre, self.projection.post))
        phi = post * (post - self.theta)
        self.theta += (post**2 / self.rule.target - self.theta) / 2**self.rule.memory
        return np.asarray(self.rule.eta * self.scale * np.outer(pre, phi))


@dataclass(frozen=True, eq=False)
class QBCM(QRule):
    """phi_q8 = n_i (256 n_i - target_q8 - theta_i), k_i = clip(round(amplitude phi / 2^k_rshift),
    +-k_max), dw_q8 = round(k_i n_j / 16); theta_q8 counts from the target."""

    word = "bcm"
    title = "BCM"
    stage = "sample"
    hooks = {"learn": "bcm_learn", "check": "bcm_check"}  # noqa: RUF012 - never changed
    header = "my_rule.h"
    sources = ("my_rule.c", "my_rule.h")
    target_q8: int
    gain_q8: int
    memory: int
    amplitude: int
    k_rshift: int
    k_max: int

    def check(self, site: Site) -> None:
        where = f"the rule of '{site.name}': "
        well_formed(site.pre.counts and site.post.counts, where + "its neurons keep no counts")
        within(self.target_q8, 128, 255 << 8, where + "target_q8")
        within(self.gain_q8, 1, 512, where + "gain_q8")
        within(self.memory, 0, 10, where + "memory")
        within(self.k_rshift, 0, 24, where + "k_rshift")
        peak = phi_peak(site.n_steps, self.gain_q8)
        within(self.amplitude, 1, _most(peak, self.k_rshift), where + "amplitude")
        within(self.k_max, 1, k_limit(site.n_steps), where + "k_max")

    def state(self, site: Site) -> tuple[StateField, ...]:
        return (StateField.plain("theta", "int32_t", site.n_post, "learning",
                                 is_persistent=True),)

    def fits(self, carried: Mapping[str, IntArray], site: Site) -> bool:
        theta_q8 = carried["theta"] + self.target_q8
        return bool((theta_q8 >= 0).all() and (theta_q8 <= site.n_steps**2 * self.gain_q8).all())

    def scratch(self, site: Site) -> Mapping[str, int]:
        return {"k": 2 * site.n_post, "row": 2 * site.n_columns}

    def table(self, site: Site, offset: Offset) -> Table:
        return Table("bcm_rule_t", f"constants_{site.name}", (
            ("target_q8", self.target_q8), ("gain_q8", self.gain_q8), ("memory", self.memory),
            ("amplitude", self.amplitude), ("k_rshift", self.k_rshift), ("k_max", self.k_max),
            ("theta_off", offset("theta")), ("k_off", offset("k")), ("row_off", offset("row"))))

    def learn(self, lesson: Lesson, site: Site) -> None:
        pre, post, theta = lesson.pre_record.count, lesson.post_record.count, lesson.state["theta"]
        phi = post * (256 * post - self.target_q8 - theta)
        k = np.clip(round_shift(self.amplitude * phi, self.k_rshift), -self.k_max, self.k_max)
        theta += round_shift(post**2 * self.gain_q8 - self.target_q8 - theta, self.memory)
        rows = np.flatnonzero(pre)
        lesson.write_rows(rows, round_shift(k * pre[rows][:, None], 4), k != 0)

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        n_rows, n_read = int((lesson.pre_record.count > 0).sum()), site.n_pre + site.n_post
        tally["rules_applied"] += 1
        tally["latencies_unpacked"] += n_read  # counts are read as latencies are
        tally["bits_unpacked"] += n_read * site.field_bits
        tally["factors"] += 2 * site.n_post  # k and theta
        tally["columns_16"] += n_rows * site.n_post  # a product, a shift and a store cost the like
        count_rows(n_rows, site.n_post, site.weight_bits, tally)
