"""Error-modulated touch: which membranes came near their threshold, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.base.qformat import IntArray, round_shift
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.qir import Offset, QRule, Site, Stage
from edge_dassdp.qir.checks import require as well_formed
from edge_dassdp.qir.lesson import Lesson
from edge_dassdp.qir.packing import COLUMN_ALIGN, by_word, columns, words
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.tables import Table
from edge_dassdp.rules import factors, grains
from edge_dassdp.rules.base import BoolArray, Needs, Place, Rule, Sample, positive, require
from edge_dassdp.rules.cost import count_rows, planes_of_fired, popcounts
from edge_dassdp.rules.error import check_hidden, hidden_scale, hidden_step
from edge_dassdp.rules.factors import Factors

TOUCH = QUANTITIES["touch"]
"""What a touch adds to its trace; the trace F - (F >> 2) + TOUCH stays at 4 TOUCH or below, in a
signed byte."""
_STEPS_LISTED = 32
"""Of a spike train, at a time (touch.c)."""


@dataclass(frozen=True)
class ErrorTouch(Rule):
    """Error-modulated plasticity with a touch eligibility: which membranes came near threshold.

    M_i[t] = 1 where |v_i[t] - theta_i| < width * theta_i, v before the reset of step t;
    F_i[t] = (3/4) F_i[t+1] + M_i[t], F_i[T] = 0;
    dW[j,i] = mu * mean(theta_post) / (lambda * kappa * (1 + |n|^2))
              * d_i * sum over steps t where j fired of F_i[t], for i with any M_i;
    d_i, lambda, kappa as in `ErrorSSDP`, but masked by touch instead of spikes.
    A box surrogate derivative with a filtered trace: of the family of e-prop (Bellec et al.,
    Nature Communications 11, 2020) and TESS (arXiv 2502.01837), no synchrony rule.
    mu > 0, no unit; width > 0 to 1, a share of the threshold. columns: postsynaptic neurons whose
    traces the device holds at a time, rounded up to a multiple of 8: n_steps bytes each, and the
    fewer the slower; None: as many as find room where the sample was.
    """

    word = "touch"
    takes_numbers = True
    mu: float = 16.0
    width: float = 0.2
    columns: int | None = None

    def __post_init__(self) -> None:
        positive(self.mu, "ErrorTouch: mu")
        require(is_real(self.width) and 0 < self.width <= 1,
                f"ErrorTouch: width is {self.width}, expected above 0 to 1")
        require(self.columns is None or (is_int(self.columns) and 1 <= self.columns <= 65535),
                f"ErrorTouch: columns is {self.columns}, expected 1 to 65,535 or None")

    @property
    def needs(self) -> Needs:
        return Needs(error=True, rasters="pre", touch=self.width)

    def check(self, network: Network, projection: Projection) -> None:
        where = f"ErrorTouch on '{projection.name}'"
        post = network.population(projection.post)
        require(post.reset == "none" or post.reset_delay,
                f"{where}: '{post.name}' resets at once, so the membrane that came near its "
                "threshold is not kept", help="train it with a delayed reset, or use ErrorSSDP")
        check_hidden(network, projection, where)

    def of_bias(self, share: float) -> ErrorTouch:
        return replace(self, mu=share * self.mu)

    def change(self, sample: Sample, network: Network, projection: Projection,
               err: FloatArray) -> FloatArray:
        trace = touch_trace(sample.touched(projection.post, self.width))
        pre = sample.raster(projection.pre).astype(np.float64)
        scale = hidden_scale(network, projection, self.mu, sample.counts(projection.pre))
        return np.asarray(scale * (pre.T @ trace * err))

    def quantized(self, place: Place) -> tuple[QTouchRule, tuple[Bound, ...]]:
        site = place.site
        room = max(place.room, 512) // site.n_steps // COLUMN_ALIGN * COLUMN_ALIGN
        wanted = room if self.columns is None else columns(self.columns)
        made = factors.factors_of(place, self, hidden_step(place, self.mu) * 128.0 / TOUCH,
                                  place.error_peak)
        rule = QTouchRule(**made, touch_columns=min(columns(site.n_post),
                                                    max(COLUMN_ALIGN, wanted)))
        return rule, rule.bounds(place, place.error_peak)


def touch_trace(touched: BoolArray) -> FloatArray:
    """F[t] = 3/4 F[t+1] + M[t] from the marks M (n_steps, size): the same shape."""
    trace = np.zeros((len(touched) + 1, touched.shape[1]))
    for t_step in range(len(touched) - 1, -1, -1):
        trace[t_step] = 0.75 * trace[t_step + 1] + touched[t_step]
    return trace[:-1]


def touch_traces(touches: NDArray[np.bool_]) -> IntArray:
    """The same in integers: F - (F >> 2) + TOUCH M, backward in time."""
    traces = np.zeros(touches.shape, np.int64)
    f = np.zeros(touches.shape[1], np.int64)
    for t_step in reversed(range(len(touches))):
        f = traces[t_step] = f - (f >> 2) + TOUCH * touches[t_step]
    return traces


@dataclass(frozen=True, eq=False)
class QTouchRule(Factors, QRule):
    """dw_q8 = round(k_i sum_t F_i[t] / 2^row_rshift) over the steps of j's spikes, written in
    blocks of touch_columns columns, a multiple of 8. Files of format 4 hold it as a QErrorRule."""

    word = "touch"
    title = "ErrorTouch"
    stage: ClassVar[Stage] = "error"
    hooks: ClassVar[Mapping[str, str]] = {"learn": "dassdp_touch_learn"}
    header = "touch.h"
    touch_columns: int

    @classmethod
    def node(cls) -> str:
        return "QErrorRule"

    def filed(self) -> Mapping[str, Any]:
        return {**asdict(self), "g_q7": None}

    @classmethod
    def unfiled(cls, values: Mapping[str, Any]) -> QTouchRule | None:
        rest = {name: value for name, value in values.items() if name != "g_q7"}
        return cls(**rest) if values["touch_columns"] and values["g_q7"] is None else None

    def check(self, site: Site) -> None:
        where = f"the rule of '{site.name}': "
        well_formed(site.pre.counts and site.post.has_error,
                    where + "its neurons keep no counts or no error")
        self.check_factors(site, site.error_peak)
        well_formed(is_int(self.touch_columns) and 8 <= self.touch_columns <= 65536
                    and self.touch_columns % 8 == 0, where + "touch_columns is no multiple of 8")
        well_formed(site.pre.keeps_raster and site.post.touch_width is not None
                    and not site.into_readout, where + "its neurons keep no raster or no touch")

    def scratch(self, site: Site) -> Mapping[str, int]:
        wide, n_steps = self.touch_columns, site.n_steps
        sums = (6 if site.is_long else 2) * wide
        return {"rows": 4 * min(_STEPS_LISTED, n_steps), "sums": 2 * columns(site.n_post),
                "row": 2 * wide, "touches": sums, "steps": 128 * words(n_steps),
                "traces": n_steps * wide}

    def grain(self, site: Site) -> int:
        """Factors, a trace of four columns, the steps of 32 neurons, or the row of one whose spikes
        are as many as steps."""
        wide, n_steps = self.touch_columns, site.n_steps
        row = 600 + 45 * wide + n_steps * (45 + 3 * wide) + 300 * words(n_steps)
        return max(grains.factors(site), 100 + 65 * n_steps, 200 + 4600 * words(n_steps),
                   row + grains.row(wide, site.weight_bits))

    def table(self, site: Site, offset: Offset) -> Table:
        parts = ((f"{name}_off", offset(name)) for name in ("touches", "steps", "traces"))
        return Table("dassdp_touch_rule_t", f"constants_{site.name}",
                     (*self.fields(site, offset), ("columns", self.touch_columns), *parts))

    def _update(self, lesson: Lesson, site: Site) -> tuple[IntArray, IntArray]:
        """Factors k (n_post,), and the update rows of the presynaptic neurons that fired, in order,
        (n, n_post)."""
        count = lesson.pre_record.count
        k = self.k(lesson.needed("error"), count, site, lesson.step_q8)
        spikes = lesson.needed("pre_raster")[:, count > 0].T.astype(np.int64)
        summed = spikes @ touch_traces(lesson.needed("touches"))
        most = self.limit(count[count > 0][:, None], site)
        dw_q8 = round_shift(np.clip(k, -most, most) * summed, self.row_rshift)
        return k, np.asarray(dw_q8)

    def _blocks(self, site: Site) -> Iterator[slice]:
        for begin in range(0, site.n_post, self.touch_columns):
            yield slice(begin, min(begin + self.touch_columns, columns(site.n_post)))

    def _traced(self, k: IntArray, site: Site) -> int:
        """Columns of a block that touch.c holds traces for: those alone whose k is not 0, where
        their places find room behind the traces."""
        width, least = columns(k.size), columns(int((k != 0).sum()))
        is_placed = (not site.is_long and width <= 1 << 15
                     and 4 * least <= site.n_steps * (width - least))
        return least if is_placed else width

    def learn(self, lesson: Lesson, site: Site) -> None:
        """Block of columns by block, row by row."""
        k, dw_q8 = self._update(lesson, site)
        rows = np.flatnonzero(lesson.pre_record.count)
        for block in self._blocks(site):
            lesson.write_rows(rows, dw_q8[:, block], k[block] != 0, block)

    def count(self, lesson: Lesson, site: Site, tally: dict[str, int]) -> None:
        """touch.c, block of columns by block."""
        count, raster, n_bits = (lesson.pre_record.count, lesson.needed("pre_raster"),
                                 site.field_bits)
        tally["rules_applied"] += 1
        tally["popcounts"] += popcounts(count, n_bits)
        tally["factors"] += site.n_post
        k, dw_q8 = self._update(lesson, site)
        n_rows, n_spikes = int((count > 0).sum()), int(raster[:, count > 0].sum())
        for block in self._blocks(site):
            if not k[block].any():
                continue
            width = self._traced(k[block], site)
            tally["trace_columns"] += site.n_steps * width
            tally["planes_read"] += int(planes_of_fired(count, n_bits).sum())
            fired = by_word(count[None])[0].any(axis=1).sum()
            tally["words_transposed"] += int(fired) * words(site.n_steps)
            tally["steps_searched"] += n_rows * words(site.n_steps)
            tally["trace_rows"] += n_spikes
            tally["trace_ops"] += n_spikes * width
            tally["touch_rows"] += n_rows
            tally["touch_columns"] += n_rows * width
            n_written = int(dw_q8[:, block].any(axis=1).sum())
            count_rows(n_written, k[block].size, site.weight_bits, tally)
