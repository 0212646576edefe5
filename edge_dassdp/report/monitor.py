"""A labelled stream while it runs: a panel that renews itself on a terminal, elsewhere a line now
and then.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge_dassdp.harness import rolling_accuracy
from edge_dassdp.report.screens import checkpoints
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.target import Outcome

_LINES = 10
_BARS = "▁▂▃▄▅▆▇█"
_SPARKS = 60


class Monitor:
    """To be called with the number of samples done, as the progress of `harness.verify`.

    outcomes: of the samples so far; whoever runs the stream appends to it. labels: (n,) integers.
    window: samples that the rolling accuracy is over. link: whose frames and retries are shown.
    """

    def __init__(self, console: Console, outcomes: Sequence[Outcome], labels: NDArray[Any], *,
                 window: int, link: LinkTarget | None = None) -> None:
        self._console = console
        self._outcomes = outcomes
        self._labels = np.asarray(labels)
        self._window = window
        self._link = link
        self._stops = set(checkpoints(len(self._labels), _LINES))
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, done: int) -> None:
        if self._live:
            self._live.update(self._panel(done), refresh=True)
        elif done in self._stops:
            self._console.print(Text(", ".join(f"{name} {value}" for name, value
                                               in self.fields(done).items())))

    def rolling(self, done: int) -> NDArray[np.float64]:
        """Accuracy over the last `window` samples after each of the first `done`, 0 to 1."""
        hits = [o.class_idx == y for o, y in zip(self._outcomes[:done], self._labels, strict=False)]
        return rolling_accuracy(np.array(hits), self._window)

    def fields(self, done: int) -> dict[str, str]:
        """What is shown after `done` samples, by name."""
        outcomes = self._outcomes[:done]
        shown = {
            "samples": f"{done:,} of {len(self._labels):,}",
            f"accuracy({self._window})": f"{100 * self.rolling(done)[-1]:.1f} %",
            "written": f"{sum(o.is_updated for o in outcomes):,}",
            "skipped": f"{sum(o.is_skipped for o in outcomes):,}",
            "replayed": f"{sum(o.n_replayed for o in outcomes):,}",
        }
        if any(o.is_held for o in outcomes):
            shown["held back"] = f"{sum(o.is_held for o in outcomes):,}"
        if self._link:
            shown["link"] = f"{self._link.link_frames:,} frames {self._link.link_retries:,} retries"
        return shown

    def _panel(self, done: int) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, value in self.fields(done).items():
            table.add_row(Text(name, "bold"), Text(value))
        table.add_row("", Text(sparkline(self.rolling(done), _SPARKS), "cyan"))
        return table


def sparkline(shares: NDArray[np.float64], width: int) -> str:
    """Shares (n,), 0 to 1, as at most `width` bars, the last one that of the last share."""
    last = len(shares) - 1
    places = np.linspace(0, last, min(last + 1, width)).round().astype(np.int64)
    return "".join(_BARS[min(int(shares[i] * len(_BARS)), len(_BARS) - 1)] for i in places)
