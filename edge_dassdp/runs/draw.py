"""The figures of a page that stand still, as SVG that takes its colours from the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import QNetwork
from edge_dassdp.report import plots
from edge_dassdp.report.plots import PALETTE

_INK, _FAINT, _SHADE = "#010203", "#010204", "#010205"
"""Stand for colours of the page in a figure."""
_OF_PAGE = {_INK: "currentColor", _FAINT: "var(--line)", _SHADE: "var(--shade)"}
_WIDTH_IN = 5.2
"""So that its letters can be read on a phone."""


def _svg(draw: Any, height_in: float, title: str, width_in: float = _WIDTH_IN) -> str:
    """`draw(axes, figure)` as an SVG element. Raises EdgeError E303 without matplotlib."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise EdgeError("E303", "a report needs matplotlib", cause=str(problem),
                        help="pip install 'edge-dassdp[plot]'") from None
    settings: Any = {
        "font.size": 11, "text.color": _INK, "font.family": "sans-serif",
        "axes.labelcolor": _INK, "axes.edgecolor": _FAINT, "xtick.color": _INK,
        "ytick.color": _INK}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes, figure)
        return _for_page(plots.svg(figure, title), title)


def _for_page(svg: str, title: str) -> str:
    """Without a head of its own; ids, which a page has once each, bear the figure's name."""
    text = svg[svg.index("<svg"):]
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', f'role="img" aria-label="{title}"', text,
                  count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for stands_for, colour in _OF_PAGE.items():
        text = text.replace(stands_for, colour)
    text = re.sub(r"font: [^;\"]*?([\d.]+px)[^;\"]*", r"font: \1 inherit", text)
    name = re.sub(r"\W+", "-", title)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(href=")#', rf"\1#{name}-", text)
    return re.sub(r"url\(#", f"url(#{name}-", text)


def weights(network: QNetwork) -> str:
    """Boxes of the weights' magnitudes that are not 0, by projection, with the range that their
    bits can represent shaded."""
    rows = []
    for q in network.projections:
        real = np.abs(np.asarray(q.w, np.float64) * q.steps).ravel()
        steps = np.atleast_1d(np.asarray(q.steps, np.float64)).ravel()
        top = 1 << (q.weight_bits - 1)
        rows.append((q.name, q.weight_bits, real[real > 0], float(steps.min()),
                     float(steps.max()) * top))

    def draw(axes: Any, _: Any) -> None:
        for i, (_name, _bits, values, low, high) in enumerate(rows):
            axes.barh(i, high - low, left=low, height=0.8, color=_SHADE, edgecolor="none")
            if values.size:
                axes.boxplot(values, positions=[i], orientation="horizontal", widths=0.42,
                             whis=(0, 100), patch_artist=True, manage_ticks=False,
                             boxprops={"facecolor": PALETTE[0], "edgecolor": PALETTE[0],
                                       "alpha": 0.75},
                             medianprops={"color": _INK}, whiskerprops={"color": _INK},
                             capprops={"color": _INK})
        axes.set_xscale("log", base=2)
        axes.set_xlim(0.7 * min(low for *_, low, _ in rows), 1.4 * max(r[-1] for r in rows))
        axes.set_yticks(range(len(rows)), [f"{name}, {bits} bits" for name, bits, *_ in rows])
        axes.invert_yaxis()
        axes.set_xlabel("magnitude of a weight; shaded: its bits can hold it")
        axes.grid(axis="x", color=_FAINT, linewidth=0.7)
        axes.set_axisbelow(True)

    return _svg(draw, 1.1 + 0.5 * len(rows), "weights and their range")


def bars(values: Mapping[str, float], label: str, title: str) -> str:
    """Horizontal bars."""
    def draw(axes: Any, _: Any) -> None:
        names = list(values)
        made = axes.barh(range(len(names)), list(values.values()), height=0.6, color=PALETTE[0])
        axes.bar_label(made, [f"{v:.2f}" for v in values.values()], padding=4)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, max(1e-9, *values.values()) * 1.18)
        axes.set_xlabel(label)

    return _svg(draw, 1.0 + 0.42 * len(values), title)


def memory(parts: Mapping[str, Mapping[str, int]]) -> str:
    """Stacked bars of RAM by symbol, predicted and linked."""
    owners = list(dict.fromkeys(owner for held in parts.values() for owner in held))

    def draw(axes: Any, figure: Any) -> None:
        starts = dict.fromkeys(parts, 0)
        for place, owner in enumerate(owners):
            for bar, held in parts.items():
                size = held.get(owner, 0)
                axes.barh(bar, size, left=starts[bar], height=0.6, edgecolor="none",
                          color=PALETTE[place % 6], alpha=1 if place < 6 else 0.5,
                          label=owner if bar == next(iter(parts)) else None)
                starts[bar] += size
        axes.invert_yaxis()
        axes.set_xlabel("bytes of RAM")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.locator_params(axis="x", nbins=4)
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=10)

    return _svg(draw, 1.3 + 0.45 * len(parts) + 0.24 * (-(-len(owners) // 2)), "static RAM")


def confusion(counts: NDArray[Any], classes: Sequence[str], title: str) -> str:
    """counts: (true, answered)."""
    side = min(6.0, 1.6 + 0.34 * len(counts))
    return _svg(lambda axes, _: plots.confusion(axes, counts, classes, most=len(counts)), side,
                title, side)


def changes(name: str, apart: NDArray[Any]) -> str:
    """Heat map of what learning changed: (n_pre, n_post) weight steps."""
    most = int(np.abs(apart).max(initial=0)) or 1

    def draw(axes: Any, figure: Any) -> None:
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.ticker import MaxNLocator

        map_ = LinearSegmentedColormap.from_list("of", [PALETTE[1], "#B9BDC3", PALETTE[0]])
        shown = axes.imshow(apart, cmap=map_, vmin=-most, vmax=most, aspect="auto",
                            interpolation="nearest")
        axes.set_xlabel("postsynaptic")
        axes.set_ylabel("presynaptic")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        bar = figure.colorbar(shown, label="weight steps")
        bar.outline.set_visible(False)

    return _svg(draw, 3.2, f"changes of {name}")
