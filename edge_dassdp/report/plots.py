"""Figures that stand alone: axes with units, a legend, colours for the colour-blind.

Plain data in, a matplotlib Figure out; the caller decides where it is written. Without matplotlib
every function raises EdgeError E303.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness import rolling_accuracy

# Okabe and Ito, Color Universal Design; yellow is left out, it is too light for lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_INK, _GRID = "#222222", "#DDDDDD"
_DPI = 160


def learning_curve(hits: Mapping[str, NDArray[Any]], *, window: int = 50,
                   title: str = "Accuracy while learning",
                   emphasis: str | None = None) -> Any:
    """Rolling accuracy over a stream: one line per method, the mean over runs with its std.

    hits: by method, (n_runs, n_samples) or (n_samples,), 1 where a sample was classified right
    before it was learned. emphasis: the method drawn with a heavier line.
    """
    hits = {literal(name): h for name, h in hits.items()}
    curves = {name: 100 * rolling_accuracy(np.atleast_2d(h), window) for name, h in hits.items()}
    figure, axes = _axes(9.2, 4.4)
    first = window // 2
    order = sorted(curves, key=lambda name: -float(curves[name][:, -1].mean()))
    for place, name in enumerate(hits):
        runs = curves[name][:, first:]
        samples = np.arange(first + 1, curves[name].shape[1] + 1)
        mean = runs.mean(axis=0)
        heavy = emphasis is not None and name == literal(emphasis)
        axes.plot(samples, mean, label=name, color=PALETTE[place % len(PALETTE)],
                  linestyle=_DASHES[place % len(_DASHES)] if not heavy else "-",
                  linewidth=2.4 if heavy else 1.5, zorder=4 if heavy else 3)
        if len(runs) > 1:
            spread = runs.std(axis=0, ddof=1)
            axes.fill_between(samples, mean - spread, mean + spread, linewidth=0,
                              alpha=0.18 if heavy else 0.09, color=PALETTE[place % len(PALETTE)])
    n_runs = max((len(c) for c in curves.values()), default=0)
    axes.set_xlabel("Samples learned")
    axes.set_ylabel(f"Accuracy over the last {window} samples (%)")
    axes.set_xlim(0, max((c.shape[1] for c in curves.values()), default=1))
    axes.set_ylim(top=min(100.0, axes.get_ylim()[1]))
    note = f"mean and standard deviation over {n_runs} runs" if n_runs > 1 else "one run"
    _title(axes, title, note)
    lines = dict(zip(hits, axes.get_lines(), strict=True))
    axes.legend([lines[name] for name in order], order, loc="center left",
                bbox_to_anchor=(1.01, 0.5), frameon=False, handlelength=3)
    return figure


def ram_bars(bars: Mapping[str, Mapping[str, int]], *, budget: int | None = None,
             budget_name: str = "RAM of the board", title: str = "Static RAM") -> Any:
    """Stacked horizontal bars of RAM in bytes, one per entry of `bars`: {bar: {owner: bytes}}.

    Owners keep the order of their first appearance. budget: bytes, drawn as a line; when it lies
    beyond twice the longest bar it is written below the title instead.
    """
    bars = {literal(bar): {literal(owner): size for owner, size in parts.items()}
            for bar, parts in bars.items()}
    owners = list(dict.fromkeys(owner for parts in bars.values() for owner in parts))
    figure, axes = _axes(8.4, 1.9 + 0.5 * len(bars))
    starts = dict.fromkeys(bars, 0)
    longest = max((sum(parts.values()) for parts in bars.values()), default=0)
    for place, owner in enumerate(owners):
        colour = PALETTE[place % len(PALETTE)]
        for bar, parts in bars.items():
            size = parts.get(owner, 0)
            axes.barh(bar, size, left=starts[bar], height=0.62, color=colour, edgecolor="white",
                      linewidth=0.8, label=owner if bar == next(iter(bars)) else None, zorder=3)
            if size > 0.08 * longest:
                axes.text(starts[bar] + size / 2, bar, f"{size:,}", ha="center", va="center",
                          fontsize=8, color=_text_on(colour), zorder=4)
            starts[bar] += size
    for bar, total in starts.items():
        axes.annotate(f"{total:,} B", (total, bar), (5, 0), textcoords="offset points",
                      va="center", fontsize=9, color=_INK)
    near = budget is not None and budget <= 2 * longest
    axes.set_xlim(0, 1.16 * max(longest, budget if near and budget else 0, 1))
    note = "" if budget is None else f"{budget_name}: {budget:,} B"
    if near and budget is not None:
        axes.axvline(budget, color=_INK, linewidth=1.4, linestyle="--", zorder=5)
        axes.annotate("budget", (budget, 1), (0, 4), xycoords=axes.get_xaxis_transform(),
                      textcoords="offset points", ha="center", fontsize=9, color=_INK)
    elif budget:
        note += f" ({100 * longest / budget:.1f} % used)"
    _title(axes, title, note)
    axes.set_xlabel("Bytes")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    figure.legend(*_first_labels(axes, owners), loc="outside lower center",
                  ncols=min(len(owners), 7), frameon=False, fontsize=9, handlelength=1,
                  handleheight=1, columnspacing=1.4)
    return figure


def _first_labels(axes: Any, owners: Sequence[str]) -> tuple[list[Any], list[str]]:
    handles, labels = axes.get_legend_handles_labels()
    by_label = dict(zip(labels, handles, strict=True))
    return [by_label[o] for o in owners], list(owners)


def _text_on(colour: str) -> str:
    """White or ink, whichever reads better on `colour`."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else _INK


def _axes(width_in: float, height_in: float) -> tuple[Any, Any]:
    """A figure with one pair of axes; no global state of matplotlib is touched."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as problem:
        raise EdgeError("E303", "plots need matplotlib", cause=str(problem),
                        help="pip install 'edge-dassdp[plot]'") from None
    layout: Any = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    figure = Figure(figsize=(width_in, height_in), dpi=_DPI, layout=layout)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.grid(color=_GRID, linewidth=0.7, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=9)
    return figure, axes


def _title(axes: Any, title: str, note: str) -> None:
    axes.set_title(literal(title), loc="left", fontsize=12, fontweight="bold", color=_INK,
                   pad=22 if note else 8)
    if note:
        axes.annotate(literal(note), (0, 1), (0, 7), xycoords="axes fraction",
                      textcoords="offset points", fontsize=9, color="#666666")


def literal(text: str) -> str:
    """Without formulas, which dollars would begin."""
    return text.replace("$", r"\$")


def confusion(axes: Any, counts: NDArray[Any], classes: Sequence[str], *, most: int) -> None:
    """A matrix of samples into axes: counts (true, answered), shaded by their share of a row, right
    ones in another colour. Up to `most` classes cells show their counts."""
    from matplotlib.patches import Rectangle

    n = len(counts)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for i, j in np.ndindex(n, n):
        axes.add_patch(Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, edgecolor="none",
                                 facecolor=PALETTE[2 if i == j else 1],
                                 alpha=0.06 + 0.8 * float(share[i, j])))
        if counts[i, j] and n <= most:
            axes.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", fontsize=10)
    names = [literal(name if len(name) <= 10 else f"{name[:9]}…") for name in classes]
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_xticks(range(n), names, rotation=90 if max(map(len, names), default=0) > 3 else 0)
    axes.set_yticks(range(n), names)
    axes.tick_params(length=0)
    axes.set_xlabel("answered")
    axes.set_ylabel("true")


def svg(figure: Any, salt: str) -> str:
    """As SVG with text as text: the same bytes every time. salt: tells its ids from others'."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
