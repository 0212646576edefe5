"""One figure: what each method makes of each scenario, every wearer new in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from edge_dassdp.comparison.statistics import mean_std
from edge_dassdp.report.plots import PALETTE
from evidence.methods import FROZEN, TITLES, replay_of
from evidence.report import SHIFTED, in_folds, settings
from evidence.results import Results
from evidence.tasks import FOLDS

SHOWN = (FROZEN, "delta_k3", "touch_k3", "oriented_frozen", "oriented_gate", "unlabelled_frozen",
         "unlabelled")
MARKERS = ("o", "P", "v", "s", "D", "^", "X")
NAMES = {"Ap": "Ap: left wrist,\none wearer", "A": "A: left wrist,\nknown wearers",
         "B": "B: new\nwearers", "C": "C: gain and\noffset*", "D": "D: dead\naxes*",
         "E": "E: rotated\nmounting*", "N": "N: no\nshift"}


def draw(results: Results) -> Any:
    """Accuracy under the shift above, without it below; mean and std over the seeds."""
    figure = Figure(figsize=(11, 8.2), dpi=150, layout="constrained")
    figure.suptitle("The watch, ten networks, every wearer new in turn: bits of the device",
                    x=0.01, ha="left", fontsize=12)
    for axes, column, title in zip(
            figure.subplots(2, 1, sharex=True, height_ratios=(3, 2)), ("shifted", "original"),
            ("After one pass over the stream, on later windows under the same shift",
             "What is left without the shift"), strict=True):
        for place, method in enumerate(SHOWN):
            _points(axes, results, place, method, column)
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
        axes.set_ylabel("Accuracy (%)")
        axes.set_ylim(top=101)
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xticks(range(len(NAMES)), list(NAMES.values()))
    axes.set_xlabel("* synthetic shift. Points: mean over networks; bars: standard deviation")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _points(axes: Any, results: Results, place: int, method: str, column: str) -> None:
    at, means, spreads = [], [], []
    for k, name in enumerate((*SHIFTED, "N")):
        values = list(results.by_seed(in_folds(results, method), settings([name], FOLDS)[0], column,
                                      replay_of(method)).values())
        if values:
            made = mean_std(values)
            at.append(k + (place - len(SHOWN) / 2 + 0.5) * 0.11)
            means.append(made.mean)
            spreads.append(0.0 if np.isnan(made.spread) else made.spread)
    if at:
        axes.errorbar(at, means, yerr=spreads, fmt=MARKERS[place], color=PALETTE[place],
                      label=TITLES[method], markersize=6, linewidth=1.2, capsize=2)
