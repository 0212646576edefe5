"""Figures of a comparison, as SVG: the same bytes every time."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.comparison.methods import FROZEN
from edge_dassdp.comparison.results import Comparison, Line
from edge_dassdp.report.plots import PALETTE, confusion, literal

_INK, _GRID = "#222222", "#DDDDDD"
MOST_NUMBERED = 12
"""Classes of a confusion matrix whose cells show their numbers."""


def _figure(width_in: float, height_in: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise EdgeError("E303", "plots need matplotlib", cause=str(problem),
                        help="pip install 'edge-dassdp[compare]', or give --no-plots") from None
    return Figure(figsize=(width_in, height_in), layout="constrained")


def accuracy(made: Comparison) -> Any:
    """Of each method before, while learning, after, and without the shift: mean and std over seeds,
    and each seed as a point."""
    found = [line for line in made.lines if not line.refused]
    columns = {"after learning": "shifted", "while learning": "online",
               "without the shift": "original"}
    shown = {title: c for title, c in columns.items() if any(c in line.means for line in found)}
    figure = _figure(8.6, 1.6 + 0.62 * max(len(found), 1))
    axes = figure.add_subplot()
    for k, (title, column) in enumerate(shown.items()):
        at = np.arange(len(found)) + (k - (len(shown) - 1) / 2) * 0.22
        means = [line.means[column].mean for line in found]
        spreads = [line.means[column].spread for line in found]
        axes.errorbar(means, at, xerr=np.nan_to_num(spreads), fmt="os^"[k], color=PALETTE[k],
                      label=title, capsize=3, markersize=6, zorder=3)
        for place, line in zip(at, found, strict=True):
            values = [getattr(r, column) for r in made.rows if r.method == line.method
                      and not r.refused]
            axes.plot(values, [place] * len(values), "|", color=PALETTE[k], alpha=0.5, zorder=2)
    frozen = next((line for line in found if line.method == FROZEN), None)
    if frozen is not None:
        axes.axvline(frozen.means["shifted"].mean, color=_INK, linewidth=1, linestyle="--",
                     label="frozen, test samples", zorder=1)
    _finish(axes, found, "Accuracy (%)",
            "Test samples: mean, standard deviation over seeds, and each seed")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def differences(made: Comparison) -> Any:
    """Points of accuracy against the frozen network and the baseline, with their intervals."""
    found = [line for line in made.lines if line.against]
    others = [o for o in (FROZEN, made.baseline) if o is not None]
    figure = _figure(8.6, 1.6 + 0.5 * max(len(found), 1))
    axes = figure.add_subplot()
    for k, other in enumerate(others):
        rows = [(place, line.against[other]) for place, line in enumerate(found)
                if other in line.against]
        at = [place + (k - (len(others) - 1) / 2) * 0.24 for place, _ in rows]
        means = np.array([d.estimate.mean for _, d in rows])
        low = np.array([d.interval.low if d.interval else d.estimate.mean for _, d in rows])
        high = np.array([d.interval.high if d.interval else d.estimate.mean for _, d in rows])
        axes.errorbar(means, at, xerr=np.clip([means - low, high - means], 0, None), fmt="os"[k],
                      color=PALETTE[k], label=f"against {literal(other)}", capsize=3, zorder=3)
    axes.axvline(0, color=_INK, linewidth=1, zorder=1)
    interval = made.interval
    _finish(axes, found, "Points of accuracy, seed by seed",
            f"Mean difference, {interval.name}" if interval else "Mean difference")
    if found:
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _finish(axes: Any, found: list[Line], label: str, title: str) -> None:
    axes.set_yticks(range(len(found)), [literal(line.method) for line in found])
    axes.set_ylim(max(len(found), 1) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.set_title(literal(title), loc="left", fontsize=10)
    axes.grid(axis="x", color=_GRID, linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


def confusions(made: Comparison) -> Any:
    """A matrix a method, samples of all seeds; the frozen network's is that before."""
    found = [line for line in made.lines if line.confusion is not None]
    n, n_classes = max(len(found), 1), len(made.classes)
    n_columns = min(n, 3)
    side = 1.4 + min(0.34 * n_classes, 5.0)
    figure = _figure(n_columns * side + 0.6, -(-n // n_columns) * side + 0.4)
    for place, line in enumerate(found):
        axes = figure.add_subplot(-(-n // n_columns), n_columns, place + 1)
        confusion(axes, np.asarray(line.confusion), made.classes, most=MOST_NUMBERED)
        title = "before (frozen)" if line.method == FROZEN else f"after {line.method}"
        axes.set_title(literal(title), fontsize=9)
    return figure
