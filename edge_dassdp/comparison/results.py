"""What came of a comparison: means, differences seed by seed, and what they say in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.comparison.methods import DELTA, FROZEN
from edge_dassdp.comparison.statistics import (
    LEAST,
    Estimate,
    Interval,
    bootstrap,
    mean_std,
    paired,
)
from edge_dassdp.comparison.study import Row
from edge_dassdp.neurobench import Metrics

COLUMNS = ("before", "online", "shifted", "original")


@dataclass(frozen=True)
class Difference:
    """Points of accuracy, method - other, seed by seed: mean ± standard error, and an interval of
    the mean, None of fewer than three seeds, and of two networks."""

    other: str
    estimate: Estimate
    interval: Interval | None


@dataclass(frozen=True)
class Line:
    """A method over its seeds. means: of COLUMNS by name, those that were judged. against: shifted
    accuracy against others, by their names. kept: without the shift, against the frozen network.
    confusion: (n_classes, n_classes) test samples of all seeds. refused: why it has none."""

    method: str
    n: int
    means: dict[str, Estimate] = field(default_factory=dict)
    against: dict[str, Difference] = field(default_factory=dict)
    kept: Difference | None = None
    written: float = 0.0
    replayed: float = 0.0
    confusion: NDArray[np.int64] | None = None
    refused: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """methods: in their order, the frozen network first. rows: of every method and seed. networks:
    SHA-256 of each as it is quantized. classes: names, or numbers as text. sizes: samples of each
    part. warnings: what stands in the way of trusting it. metrics: NeuroBench's of each network as
    it is quantized, on samples to judge by.
    """

    methods: tuple[str, ...]
    rows: tuple[Row, ...]
    networks: tuple[str, ...]
    classes: tuple[str, ...]
    sizes: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    metrics: tuple[Metrics, ...] = ()

    @property
    def baseline(self) -> str | None:
        """What the others are compared with beside the frozen network: the simplest that learns,
        the delta rule if it is among them, else the first. None where there is one alone."""
        learn = [m for m in self.methods if m != FROZEN and self._of(m)]
        simple = [m for m in learn if m.partition(":")[0] == DELTA]
        return (simple or learn)[0] if len(learn) > 1 else None

    @property
    def lines(self) -> list[Line]:
        return [self._line(method) for method in self.methods]

    @property
    def sentences(self) -> list[str]:
        """What helps and what does not, one of each method; frozen first."""
        return [*self._heads(), *(self._said(line) for line in self.lines
                                  if line.method != FROZEN)]

    @property
    def interval(self) -> Interval | None:
        """The first that was drawn, for its name; None without any."""
        return next((d.interval for line in self.lines for d in line.against.values()
                     if d.interval), None)

    def _of(self, method: str) -> dict[int, Row]:
        return {r.seed: r for r in self.rows if r.method == method and not r.refused}

    def _line(self, method: str) -> Line:
        found = self._of(method)
        if not found:
            refused = next((r.refused for r in self.rows if r.method == method), "it was not run")
            return Line(method, 0, refused=refused)
        rows = list(found.values())
        means = {c: mean_std([getattr(r, c) for r in rows]) for c in COLUMNS
                 if getattr(rows[0], c) is not None}
        others = [o for o in (FROZEN, self.baseline) if o is not None and o != method
                  and method != FROZEN]
        return Line(method, len(rows), means,
                    {o: d for o in others if (d := self.difference(method, o))},
                    None if method == FROZEN else self.difference(method, FROZEN, "original"),
                    float(np.mean([r.written for r in rows])),
                    float(np.mean([r.replayed for r in rows])),
                    np.sum([np.array(r.confusion) for r in rows], axis=0))

    def difference(self, method: str, other: str, column: str = "shifted") -> Difference | None:
        """Over the seeds that both have; None without any, or where the column was not judged."""
        mine, theirs = self._of(method), self._of(other)
        seeds = sorted(mine.keys() & theirs.keys())
        if not seeds or getattr(mine[seeds[0]], column) is None:
            return None
        one, two = ([getattr(rows[s], column) for s in seeds] for rows in (mine, theirs))
        each = [a - b for a, b in zip(one, two, strict=True)]
        return Difference(other, paired(one, two),
                          bootstrap(each, [mine[s].network for s in seeds]))

    def _heads(self) -> Iterator[str]:
        frozen = self._line(FROZEN)
        if frozen.n:
            yield (f"frozen: {frozen.means['shifted'].mean:.1f} % of the test samples, before and "
                   f"after, over {frozen.n} seeds of {len(self.networks)} "
                   f"network{'s' * (len(self.networks) > 1)}")
        if frozen.n < LEAST:
            yield f"fewer than {LEAST} seeds: no interval is drawn, and nothing is said of chance"
        elif 1 < len(self.networks) < LEAST:
            yield (f"{len(self.networks)} networks: no interval is drawn, for they say too little "
                   f"of others trained alike, and nothing is said of chance; give {LEAST} or more")
        elif len(self.networks) == 1:
            yield ("seeds are orders of the stream and rounding: they say nothing of other "
                   f"networks trained alike; give {LEAST} or more")
        if self.interval:
            yield ("differences are seed by seed, in brackets the "
                   f"{self.interval.name} of their mean")
        apart = [m for m in self.methods if self._is_apart(m)]
        if apart:
            yield (f"before learning {', '.join(apart)} answer{'s' * (len(apart) == 1)} some "
                   "samples otherwise than frozen: integers of weights that learn leave room to "
                   "grow, so their steps are coarser, and what learns in float has none")

    def _is_apart(self, method: str) -> bool:
        """From the frozen network, before it learned."""
        mine, frozen = self._of(method), self._of(FROZEN)
        return any(mine[s].before != frozen[s].before for s in mine.keys() & frozen.keys())

    def _said(self, line: Line) -> str:
        if line.refused:
            return f"{line.method}: refused: {line.refused}"
        told = [_verdict(d) for d in line.against.values()]
        if line.kept is not None:
            told.append(f"without the shift {_points(line.kept)}")
        return f"{line.method}: {'; '.join(told)}"


def _verdict(d: Difference) -> str:
    """Whether it helps, against one other."""
    if d.interval is None:
        return f"{_points(d)} against {d.other}, of {d.estimate.n} seed{'s' * (d.estimate.n > 1)}"
    word = "no difference shown from" if d.interval.holds_zero else \
        "better than" if d.interval.low > 0 else "worse than"
    return f"{word} {d.other}, {_points(d)}"


def _points(d: Difference) -> str:
    if d.interval is None:
        return f"{d.estimate.mean:+.1f} points"
    return f"{d.estimate.mean:+.1f} [{d.interval.low:+.1f}, {d.interval.high:+.1f}] points"


def spread(estimate: Estimate | None) -> str:
    """mean ± std; – where there is none."""
    if estimate is None:
        return "–"
    return f"{estimate.mean:.1f}" + (f" ± {estimate.spread:.1f}" if estimate.n > 1 else "")


def signed(difference: Difference | None) -> str:
    """mean [low, high]; ± standard error without an interval."""
    if difference is None:
        return "–"
    made = difference.estimate
    if difference.interval is None:
        return f"{made.mean:+.1f}" + (f" ± {made.spread:.1f}" if made.n > 1 else "")
    return f"{made.mean:+.1f} [{difference.interval.low:+.1f}, {difference.interval.high:+.1f}]"


def heads(found: Sequence[Line], baseline: str | None) -> list[str]:
    """Of the columns of `cells`."""
    judged = any("original" in line.means for line in found)
    return ["method", "seeds", "before", "during", "after", "after vs frozen",
            *([f"after vs {baseline}"] if baseline else []),
            *(["unshifted", "unshifted vs frozen"] if judged else [])]


def cells(line: Line, found: Sequence[Line], baseline: str | None) -> list[str]:
    """A row of the table, as text."""
    if line.refused:
        return [line.method, "0", "refused",
                *[""] * (len(heads(found, baseline)) - 3)]
    means, judged = line.means, any("original" in other.means for other in found)
    return [line.method, str(line.n), spread(means["before"]), spread(means["online"]),
            spread(means["shifted"]), signed(line.against.get(FROZEN)),
            *([signed(line.against.get(baseline))] if baseline else []),
            *([spread(means.get("original")), signed(line.kept)] if judged else [])]
