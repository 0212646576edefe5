"""SSDP and DA-SSDP: synchrony, under a dopamine gate or without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import hold_fields
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.base.qformat import INT32_MAX, IntArray, round_shift, scalar_to_int, to_int
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.qir import Offset, QRule, Site, Stage
from edge_dassdp.qir.checks import entries, within
from edge_dassdp.qir.checks import require as well_formed
from edge_dassdp.qir.lesson import DW_MAX_Q8, Lesson
from edge_dassdp.qir.packing import columns, words
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.tables import Array, StateField, Table
from edge_dassdp.rules import grains
from edge_dassdp.rules.base import (
    BoolArray,
    Code,
    Needs,
    Place,
    Rule,
    Sample,
    SynchronyRule,
    Twin,
    in_steps,
    require,
)
from edge_dassdp.rules.cost import count_rows, planes_of_fired
from edge_dassdp.rules.error import first_spike_step, synchrony
from edge_dassdp.rules.gate import (
    GATE_DTYPE,
    ONE_Q12,
    Gate,
    add_record,
    fit_gate,
    gate_q12,
    is_gate,
)

Variant = Literal["described", "published"]
GATE_MAX_Q12 = 2 * ONE_Q12


@dataclass(frozen=True)
class DASSDP(SynchronyRule):
    """SSDP under a dopamine gate fitted in a warm-up; needs no label once the gate is fitted.

    sync = p_j q_i, g = exp(-dt^2 / (2 sigma^2))
    Delta_ij = a_plus * sync * g - a_base * (1 - sync) * g
    S = mean_ij(sync); warm-up records (S, L), L the cross-entropy, and changes no weight;
    mu, sd = mean and population standard deviation of S, k = -corr(S, L), 0 without records
    G = clamp(1 + k (S - mu) / sd, 0, 2)   (G = 1 if not `gated`, if k is 0 or sd is 0)
    dW = clamp(mean over `batch` samples of G * Delta, -1, 1), applied when the batch is full.

    variant 'described' (the text): t = first spike, p, q = any spike, t = T if silent.
    variant 'published' (the code): t = last spike; t of a silent neuron is T for a projection
    into the readout and 0 elsewhere; L is the mean over the batch, the same for each of its
    samples. A readout whose membrane is summed fires at a step where v > 0; 'published' takes
    its flag from sum of v > 0 and its time from the steps. On a 1 x 1 convolution the neurons are
    channels, which fire where one of their positions does.
    Warm-up samples count batch by batch; the fit takes an incomplete batch as it stands.
    a_plus, a_base finite, in weight units (a negative a_plus reverses the sign of the rule);
    sigma > 0 in steps; batch 1 to 64 samples.
    """

    word = "sync"
    size = "a_plus"
    takes_numbers = True
    learns_channels = True
    a_plus: float = 1.5e-3
    a_base: float = 5e-4
    sigma: float = 1.0
    gated: bool = True
    variant: Variant = "described"
    batch: int = 1

    def __post_init__(self) -> None:
        where = type(self).__name__
        for name in ("a_plus", "a_base"):
            value = getattr(self, name)
            require(is_real(value), f"{where}: {name} is {value}, expected a finite number")
        in_steps(self.sigma, f"{where}: sigma")
        hold_fields(self, "E203", f"{where}: ")
        require(self.variant in ("described", "published"),
                f"{where}: variant '{self.variant}' is not described or published")
        require(isinstance(self.gated, bool), f"{where}: gated is {self.gated}, expected a bool")
        require(is_int(self.batch) and 1 <= self.batch <= 64,
                f"{where}: batch is {self.batch}, expected 1 to 64")

    @property
    def needs(self) -> Needs:
        return Needs(latency="last" if self.variant == "published" else "first",
                     batch=self.batch, warm_up=self.gated)

    @property
    def repeats_loss(self) -> bool:
        return self.variant == "published"

    def delta(self, n_steps: int) -> FloatArray:
        g = np.exp(-(np.arange(n_steps + 1) ** 2) / (2 * self.sigma**2))
        return np.stack([-self.a_base * g, self.a_plus * g])

    def code(self, n_steps: int, into_readout: bool) -> Code:
        is_published = self.variant == "published"
        return Code(last=is_published, by_mean=is_published and into_readout,
                    silent=0 if is_published and not into_readout else n_steps)

    def twin(self, network: Network, projection: Projection) -> DopamineSSDP:
        return DopamineSSDP(network, projection, self)

    def quantized(self, place: Place) -> tuple[QSyncRule, tuple[Bound, ...]]:
        name, step, n_steps = place.site.name, place.step, place.site.n_steps
        delta = self.delta(n_steps)
        largest = float(np.abs(delta).max())
        most = min(1.0, (DW_MAX_Q8 - self.batch) / 256 * step)  # the table's rounding adds up
        if largest == 0 or 2 * largest > most:
            raise EdgeError("E201", f"projection '{name}': an update of {largest:.3g} lies outside "
                            f"(0, {most / 2:.3g}]",
                            help="choose a_plus and a_base so that the largest is inside")
        steps_q8 = delta / (step * self.batch) * 256
        shift = _shift(self.batch, float(np.abs(steps_q8).max()))
        table = to_int(steps_q8 * 2.0**shift)
        gate = GATE_MAX_Q12 if self.gated else ONE_Q12
        place.require_reach(round_shift(self.batch * gate * int(np.abs(table).max()), 12 + shift),
                            f"updates of {type(self).__name__}", "a larger a_plus or a_base, "
                            f"from {step / (512 * gate / ONE_Q12):.2g} on")
        made = QSyncRule(
            delta=table, delta_rshift=shift, is_gated=self.gated,
            silent_step=self.code(n_steps, place.site.into_readout).silent,
            repeat_loss=self.repeats_loss,
            sync_rshift=max(0, (place.site.n_pre * place.site.n_post).bit_length() - 15))
        total = self.batch * GATE_MAX_Q12 * int(np.abs(table).max())
        return made, (Bound(f"{name}: sum of the batch", total + (1 << (11 + shift)), 32),
                      place.update(round_shift(total, 12 + shift)))


def _shift(batch: int, largest: float) -> int:
    """Fraction bits of the table, at most 16, so that the sum of a batch fits an int32."""
    shift = 16
    while shift > 0 and (batch * GATE_MAX_Q12 * scalar_to_int(largest * 2.0**shift)
                         + (1 << (11 + shift)) > INT32_MAX):
        shift -= 1
    return shift


@dataclass(frozen=True)
class SSDP(DASSDP):
    """SSDP (arXiv 2505.14841): `DASSDP` with the gate held at 1 and the constants of its vision
    code. As published, too, t of a silent neuron is T everywhere."""

    a_plus: float = 1e-4
    a_base: float = 5e-5
    gated: bool = field(default=False, init=False)

    def code(self, n_steps: int, into_readout: bool) -> Code:
        return replace(super().code(n_steps, into_readout), silent=n_steps)


Rule.makers |= {"dassdp": DASSDP, "ssdp": SSDP}


def last_spike_step(raster: BoolArray, silent: int) -> NDArray[np.int64]:
    """(n_steps, size) -> (size,): step of the last spike, `silent` if there is none."""
    last = len(raster) - 1 - raster[::-1].argmax(axis=0)
    return np.where(raster.any(axis=0), last, silent)


class DopamineSSDP(Twin):
    """State of one `DASSDP` projection: warm-up records, gate, and the batch under way."""

    def __init__(self, network: Network, projection: Projection, rule: DASSDP) -> None:
        self.rule = rule
        self._pre, self._post = projection.pre, projection.post
        into_readout = projection.post == network.readout.population
        self._code = rule.code(network.n_steps, into_readout)
        self._waiting: list[tuple[int, float]] = []
        self._batch: list[tuple[FloatArray, int]] = []
        self.gate = Gate()

    def eligibility(self, sample: Sample) -> tuple[FloatArray, int]:
        """Delta (n_pre, n_post) and S of one sample, as a number of pairs."""
        rule, pre, post = self.rule, sample.raster(self._pre), sample.raster(self._post)
        if self._code.last:
            t_pre, t_post = (last_spike_step(r, self._code.silent) for r in (pre, post))
        else:
            t_pre, t_post = first_spike_step(pre), first_spike_step(post)
        sync = np.outer(sample.fired(self._pre, rule.variant),
                        sample.fired(self._post, rule.variant))
        g = synchrony(t_pre, t_post, rule.sigma)
        return np.where(sync, rule.a_plus, -rule.a_base) * g, int(sync.sum())

    def record(self, sample: Sample, loss: float) -> None:
        """Keeps (S, L) until the batch is full; a batch to learn from is given up."""
        self._batch.clear()
        self._waiting.append((self.eligibility(sample)[1], loss))
        if len(self._waiting) == self.rule.batch:
            self._flush()

    def _flush(self) -> None:
        """'published' replaces L by its mean over the batch."""
        if self._waiting:
            pairs, losses = map(list, zip(*self._waiting, strict=True))
            if self.rule.repeats_loss:
                losses = [float(np.mean(losses))] * len(losses)
            self.gate.record(pairs, losses)
            self._waiting.clear()

    def fit(self) -> None:
        """Ends the warm-up, with an incomplete batch as it stands."""
        self._flush()
        self.gate.fit()

    def change(self, sample: Sample, err: FloatArray | None = None) -> FloatArray | None:
        """The batch's weight change (n_pre, n_post) if this sample completes it; a batch of the
        warm-up is given up."""
        self._waiting.clear()
        self._batch.append(self.eligibility(sample))
        if len(self._batch) < self.rule.batch:
            return None
        deltas, pairs = map(list, zip(*self._batch, strict=True))
        self._batch.clear()
        gates = self.gate(pairs) if self.rule.gated else [1.0] * len(pairs)
        gated = [g * delta for g, delta in zip(gates, deltas, strict=True)]
        return np.asarray(np.clip(np.mean(gated, axis=0), -1.0, 1.0))


@dataclass(frozen=True, eq=False)
class QSyncRule(QRule):
    """dw_q8 = round(sum_b gate_q12 delta[sync, dt] / 2^(12 + delta_rshift)).

    delta: (2, n_steps + 1), already divided by the batch.
    """

    word = "sync"
    title = "DASSDP"
    stage: ClassVar[Stage] = "batch"
    hooks: ClassVar[Mapping[str, str]] = {
        name: f"dassdp_sync_{name}" for name in ("learn", "check", "record", "fit")}
    header = "sync.h"
    delta: IntArray
    delta_rshift: int
    is_gated: bool
    silent_step: int
    repeat_loss: bool
    sync_rshift: int

    def check(self, site: Site) -> None:
        where = f"the rule of '{site.name}': "
        for p in (site.pre, site.post):
            well_formed(p.counts and p.records != "none", where + "its neurons keep no latencies")
        within(self.delta_rshift, 0, 16, where + "delta_rshift")
        half = 1 << (11 + self.delta_rshift)
        most = min(INT32_MAX - half, DW_MAX_Q8 << (12 + self.delta_rshift)) \
            // (site.n_batch * GATE_MAX_Q12)
        entries(self.delta, ((2, site.n_steps + 1),), -most, most, where + "delta")
        within(self.silent_step, 0, site.n_steps, where + "silent_step")
        within(self.sync_rshift, max(0, (site.n_pre * site.n_post).bit_length() - 15), 31,
               where + "sync_rshift")
        well_formed(isinstance(self.is_gated, bool) and isinstance(self.repeat_loss, bool),
                    where + "a flag is unknown")

    def state(self, site: Site) -> tuple[StateField, ...]:
        return (StateField.record("gate", "dassdp_gate_t", GATE_DTYPE),)

    def fits(self, carried: Mapping[str, NDArray[Any]], site: Site) -> bool:
        return is_gate(carried["gate"])

    def scratch(self, site: Site) -> Mapping[str, int]:
        n = columns(site.n_post)
        return {"sums": 4 * n, "row": 2 * n, "bytes": n * site.record_bytes,
                "gates": 2 * site.n_batch}

    def grain(self, site: Site) -> int:
        """The gates of a batch, or a sample of it in a row, the last one with what is written."""
        gates = 400 + site.n_batch * (3000 + 60 * site.field_bits
                                      * (words(site.n_pre) + words(site.n_post)))
        sample = 800 + 45 * site.n_post + grains.listed(site)
        return max(gates, sample + 30 * site.n_post + grains.row(site.n_post, site.weight_bits))

    def table(self, site: Site, offset: Offset) -> Table:
        delta = Array("int32_t", f"delta_{site.name}", self.delta.ravel())
        return Table("dassdp_sync_rule_t", f"constants_{site.name}", (
            ("delta", delta), ("delta_rshift", self.delta_rshift),
            ("is_gated", int(self.is_gated)), ("silent_step", self.silent_step),
            ("repeat_loss", int(self.repeat_loss)), ("sync_rshift", self.sync_rshift),
            ("gate_off", offset("gate")), ("sums_off", offset("sums")), ("row_off", offset("row")),
            ("latencies_off", offset("bytes")), ("gates_off", offset("gates"))))

    def synchrony(self, lesson: Lesson, slot: int) -> int:
        """S = n_pre n_post of one sample, scaled to 15 bits."""
        n_pre, n_post = (int((side[slot].count > 0).sum()) for side in (lesson.pre, lesson.post))
        return (n_pre * n_post) >> self.sync_rshift

    def record(self, lesson: Lesson, site: Site) -> None:
        """Add the batch's (S, L) pairs to the warm-up sums, as many as there are losses."""
        losses = lesson.losses
        mean = (int(losses.sum()) + losses.size // 2) // losses.size
        for slot in range(losses.size):
            add_record(lesson.state["gate"], self.synchrony(lesson, slot),
                       mean if self.repeat_loss else int(losses[slot]))

    def fit(self, lesson: Lesson, site: Site) -> None:
        fit_gate(lesson.state["gate"])

    def _gates(self, lesson: Lesson) -> list[int]:
        """G of each sample, Q12."""
        return [gate_q12(lesson.state["gate"], self.synchrony(lesson, b)) if self.is_gated
                else ONE_Q12 for b in range(len(lesson.pre))]

    def _dw_q8(self, lesson: Lesson, gates: list[int]) -> IntArray:
        """(n_pre, n_post) from the slots of a full batch."""
        total = np.zeros(lesson.w.shape, np.int64)
        for g, pre, post in zip(gates, lesson.pre, lesson.post, strict=True):
            sync = (pre.count > 0)[:, None] & (post.count > 0)[None, :]
            dt = np.abs(pre.steps(self.silent_step)[:, None]
                        - post.steps(self.silent_step)[None, :])
            total += g * self.delta[sync.astype(np.int64), dt]
        return np.asarray(round_shift(total, 12 + self.delta_rshift))

    def learn(self, lesson: Lesson, site: Site) -> None:
        gates = self._gates(lesson)
        lesson.state["gate"]["last_gate_q12"] = gates[-1]
        if any(gates):
            lesson.write_rows(np.arange(site.n_pre), self._dw_q8(lesson, gates))

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        """Every pair is compared in every sample, unless all gates are shut: sync.c."""
        n_bits, n_batch = site.field_bits, site.n_batch
        fired = [[planes_of_fired(record.count, n_bits) for record in side]
                 for side in (lesson.pre, lesson.post)]
        tally["rules_applied"] += 1
        tally["planes_read"] += int(sum(n.sum() for n in [*fired[0], *fired[1]])) * self.is_gated
        tally["popcounts"] += n_batch * (words(site.n_pre) + words(site.n_post)) * self.is_gated
        gates = self._gates(lesson)
        if not any(gates):
            return
        for record, n_pre, n_post in zip(lesson.pre, *fired, strict=True):
            n_active = int((record.count > 0).sum())
            tally["planes_read"] += (int(n_pre[np.arange(site.n_pre) // 32].sum())
                                     + site.n_pre * n_bits + n_active * int(n_post.sum()))
        n_unpacked = site.n_post * (n_batch * site.n_pre if n_batch > 1 else 1)
        tally["latencies_unpacked"] += n_unpacked
        tally["bits_unpacked"] += n_bits * n_unpacked
        tally["sync_columns"] += site.n_pre * site.n_post
        tally["sync_rows"] += n_batch * site.n_pre
        tally["sync_pairs"] += n_batch * site.n_pre * site.n_post
        n_rows = int(self._dw_q8(lesson, gates).any(axis=1).sum())
        count_rows(n_rows, site.n_post, site.weight_bits, tally)
