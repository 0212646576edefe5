"""What is seen of a device that learns: of a labelled stream while it runs, and of its counters."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.values import QValues
from edge_dassdp.harness import (
    Frozen,
    Stream,
    ValueStream,
    drift_of,
    profiles_of,
    rolling_accuracy,
)
from edge_dassdp.qir import QNetwork
from edge_dassdp.report.lines import NONE, percent
from edge_dassdp.report.live import Panel, Row
from edge_dassdp.report.screens import checkpoints
from edge_dassdp.sensor.monitor import DriftReport
from edge_dassdp.targets.target import Statistics, Target

_LINES = 10
_BARS = "▁▂▃▄▅▆▇█"
_SPARKS = 60
_ASKED_S = 1.0
"""A device that learns is asked for its counters no more often."""
_MOST_CLASSES = 16


class Measure(Protocol):
    """What a stream is judged by, over its last samples."""

    @property
    def title(self) -> str: ...

    def last(self, stream: Stream) -> float | None:
        """None where there is nothing to judge."""

    def text(self, figure: float) -> str: ...

    def is_worse(self, figure: float, other: float) -> bool: ...


@dataclass(frozen=True)
class Accuracy:
    """Share of right classes among the last `window` samples."""

    window: int

    @property
    def title(self) -> str:
        return f"accuracy({self.window})"

    def last(self, stream: Stream) -> float | None:
        return stream[-self.window:].accuracy

    def text(self, figure: float) -> str:
        return percent(figure, 1)

    def is_worse(self, figure: float, other: float) -> bool:
        return figure < other


@dataclass(frozen=True, eq=False)
class Error:
    """NRMSE of the values of the last `window` samples. targets: of the stream, from its first
    sample on, (n, n_outputs)."""

    window: int
    values: QValues
    targets: NDArray[np.float64]

    @property
    def title(self) -> str:
        return f"NRMSE({self.window})"

    def last(self, stream: Stream) -> float | None:
        n = len(stream.labels)
        try:
            return ValueStream.of(self.values, stream, self.targets[:n]).last(
                self.window).mean_nrmse
        except EdgeError:
            return None  # all of these answers were lost

    def text(self, figure: float) -> str:
        return f"{figure:.3f}"

    def is_worse(self, figure: float, other: float) -> bool:
        return figure > other


@dataclass(frozen=True)
class Reading:
    """What a device and its link count. profile: of its sensor, in use; frames, retries,
    recovered: None without a link."""

    statistics: Statistics
    drift: DriftReport | None
    profile: str | None
    frames: int | None
    retries: int | None
    recovered: int | None


class Counters:
    """Of a device, which is asked and in no way changed."""

    def __init__(self, device: Target, network: QNetwork) -> None:
        self.network = network
        self._device = device
        self._last: Reading | None = None
        self._asked_s = 0.0

    def read(self) -> Reading:
        """Now. Raises EdgeError E502, E504 where the link or the device fails."""
        device, last = self._device, self._last
        drift = drift_of(device, self.network)
        profile = last.profile if last else None
        is_known = last is not None and _taken(last.drift) == _taken(drift)
        if self.network.sensor is not None and not is_known:
            profile = profiles_of(device, self.network).selected.kind.name.lower()
        self._last = Reading(device.statistics(), drift, profile, device.link_frames,
                             device.link_retries, device.link_recovered)
        self._asked_s = time.monotonic()
        return self._last

    def recent(self) -> Reading:
        """At most a second old. Raises what `read` does: a device that has restarted must not go
        on learning as if it had not, so nothing is hidden."""
        if self._last is None or time.monotonic() - self._asked_s >= _ASKED_S:
            return self.read()
        return self._last


def _taken(drift: DriftReport | None) -> int:
    """Profiles that a device took by itself."""
    return drift.n_profiles if drift else 0


def of_counters(found: Reading, network: QNetwork) -> list[Row]:
    """Gate, guard, saturation, sensor and link, as far as a model has them."""
    s, rows = found.statistics, []
    if network.cusum is not None:
        rows.append(Row("gate", f"{'open' if s.is_open else 'closed'}, {s.n_held:,} held back"))
    if (guard := network.guard) is not None and guard.margin:
        rows.append(Row("guard", f"{s.hits} right of the last {guard.window}, {s.factory_hits} by "
                        f"factory weights, fell back {s.n_fallbacks:,}",
                        s.factory_hits > s.hits, in_line=False))
    n = sum(p.w.size for p in network.plastic)
    rows.append(Row("saturated", percent(s.n_saturated / n, 1) if n else NONE))
    if s.n_x_saturated:
        rows.append(Row("inputs clipped", f"{s.n_x_saturated:,}", in_line=False))
    if found.profile is not None:
        rows.append(Row("profile", found.profile))
    if (drift := found.drift) is not None:
        far = f", distance {drift.median:.2f}" if drift.median else ""
        rows.append(Row("drift", f"{'ALARM' if drift.alarm else 'no alarm'}{far}", drift.alarm))
    if found.frames is not None:
        lost = (found.retries or 0) + (found.recovered or 0)
        text = f"{found.frames:,} frames {found.retries or 0:,} retries"
        if found.recovered:
            text += f" {found.recovered:,} sessions renewed"
        if bad := (s.frames_bad or 0) + (s.rx_lost or 0):
            text += f" {bad:,} errors on the device"
        rows.append(Row("link", text, lost > found.frames // 10))
    return rows


class Monitor:
    """A labelled stream on a console; to be called with the number of samples done.

    stream: of the samples so far, from where it was begun or taken up. n: samples in all. frozen:
    the same samples by factory weights, shown beside. counters: of the device. names: of the
    classes, for hits by class; without them none are shown. after_s: where no panel can be, lines
    tell only of what takes longer.
    """

    def __init__(self, console: Console, stream: Callable[[], Stream], n: int, measure: Measure, *,
                 frozen: Frozen | None = None, counters: Counters | None = None,
                 names: Sequence[str] = (), after_s: float = 0.0) -> None:
        self._panel = Panel(console)
        self._stream = stream
        self._n = n
        self._measure = measure
        self._frozen = frozen
        self._counters = counters
        self._names = names
        self._stops = checkpoints(n, _LINES)
        self._lines_from_s = time.monotonic() + after_s

    def __enter__(self) -> Self:
        self._panel.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._panel.__exit__(kind, problem, trace)

    def __call__(self, done: int) -> None:
        is_due = bool(self._stops) and done >= self._stops[0]
        self._stops = [stop for stop in self._stops if stop > done]
        self._panel.show(lambda: self.rows(done), is_last=done >= self._n,
                         is_line_due=is_due and time.monotonic() >= self._lines_from_s)

    def rows(self, done: int) -> list[Row]:
        """What is shown after `done` samples."""
        stream = self._stream()
        rows = [Row("samples", f"{done:,} of {self._n:,}"), *self._judged(stream),
                Row("written", f"{int(stream.is_updated.sum()):,}"),
                Row("skipped", f"{int(stream.is_skipped.sum()):,}"),
                Row("replayed", f"{int(stream.n_replayed.sum()):,}")]
        if stream.is_held.any():
            rows.append(Row("held back", f"{int(stream.is_held.sum()):,}"))
        if stream.n_unanswered:
            rows.append(Row("unanswered", f"{stream.n_unanswered:,}"))
        if self._counters:
            rows += of_counters(self._counters.recent(), self._counters.network)
        return rows + self._by_class(stream)

    def _judged(self, stream: Stream) -> list[Row]:
        """The last samples, with those of factory weights beside them, and how it came to that."""
        m = self._measure
        figure = m.last(stream)
        if figure is None:
            return []
        other = m.last(self._frozen.first(len(stream.labels))) if self._frozen else None
        is_worse = other is not None and m.is_worse(figure, other)
        rows = [Row(m.title, m.text(figure), is_worse)]
        if other is not None:
            rows.append(Row("frozen", m.text(other) + ", which is better" * is_worse, is_worse))
        if isinstance(m, Accuracy):
            rolled = rolling_accuracy(stream.hits, m.window)
            rows.append(Row("", sparkline(rolled, _SPARKS), is_worse, in_line=False))
        return rows

    def _by_class(self, stream: Stream) -> list[Row]:
        """Hits of each class that came, of the samples of it."""
        if not self._names:
            return []
        came = [c for c in np.unique(stream.labels) if c < len(self._names)]
        told = []
        for c in came[:_MOST_CLASSES]:
            hits = stream.hits[stream.labels == c]
            told.append(f"{self._names[c]} {_bar(float(hits.mean()))} {hits.sum()}/{len(hits)}")
        more = f", and {len(came) - _MOST_CLASSES} more" if len(came) > _MOST_CLASSES else ""
        return [Row("hits by class", ", ".join(told) + more, in_line=False)]


class Watch:
    """A device on a console, from counter to counter; what ran before is told, too. Where no panel
    can be, a line tells of every change. is_shown: False keeps it quiet."""

    def __init__(self, console: Console, counters: Counters, *, is_shown: bool = True) -> None:
        self.last: Reading | None = None
        self.n = 0
        self._first: Reading | None = None
        self._counters = counters
        self._panel = Panel(console) if is_shown else None

    @property
    def n_learned(self) -> int:
        """Labelled samples since the first reading, learned or held back."""
        if self._first is None or self.last is None:
            return 0
        return self.last.statistics.n_taken - self._first.statistics.n_taken

    def __enter__(self) -> Self:
        if self._panel:
            self._panel.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._panel:
            self._panel.__exit__(kind, problem, trace)

    def read(self) -> Reading:
        """Ask the device, and show it. Raises what `Counters.read` does."""
        before, found = self.last, self._counters.read()
        self.last, self.n = found, self.n + 1
        self._first = self._first or found
        if self._panel:
            is_news = before is None or _learned(before) != _learned(found)
            self._panel.show(lambda: self._rows(found), is_line_due=is_news, is_last=True)
        return found

    def _rows(self, found: Reading) -> list[Row]:
        s = found.statistics
        since = f", {self.n_learned:,} of them since" if self.n_learned else ""
        return [Row("labelled", f"{s.n_taken:,}{since}"), Row("skipped", f"{s.n_skipped:,}"),
                Row("replayed", f"{s.n_replayed:,}"),
                Row("weight updates", f"{s.n_updates:,}, of them {s.n_vanished:,} vanished"),
                *of_counters(found, self._counters.network),
                Row("digest", f"{s.learned_digest:08x}", in_line=False)]


def _learned(found: Reading) -> tuple[Statistics, DriftReport | None]:
    """What the link itself does not change."""
    return replace(found.statistics, frames_good=None, frames_bad=None, rx_lost=None,
                   stack_used=None), found.drift


def sparkline(shares: NDArray[np.float64], width: int) -> str:
    """Shares (n,), 0 to 1, as at most `width` bars, the last one that of the last share."""
    last = len(shares) - 1
    places = np.linspace(0, last, min(last + 1, width)).round().astype(np.int64)
    return "".join(_bar(float(shares[i])) for i in places)


def _bar(share: float) -> str:
    return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]
