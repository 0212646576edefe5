"""Instructions of a step by the share of neurons that fire, beside dense peers, log-log."""

from __future__ import annotations

from pathlib import Path

import convolutions
import numpy as np
from counting import Record
from matplotlib.figure import Figure

DENSE = "layer 256 to 128"


def even(mine: list[Record], peer: float) -> str:
    """The share at which both take as much, in words; mine: at convolutions.CURVE."""
    spent = np.array([r.instructions for r in mine])
    if spent[-1] <= peer:
        return "no share: fewer here"
    if spent[0] >= peer:
        return "no share: fewer there"
    at = np.exp(np.interp(np.log(peer), np.log(spent), np.log(convolutions.CURVE)))
    return f"{100 * at:.0f} %"


def draw(slopes: list[Record], curves: list[Record], peers: list[Record], path: Path) -> None:
    """Of the M4: a dense layer and a convolution, here and by CMSIS-NN."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    layer = [r for r in slopes if r.what.startswith(DENSE + ",")]
    axes.plot([float(r.name.rsplit("_", 1)[1]) for r in layer], [r.instructions for r in layer],
              "o-", color="tab:blue", label=f"{DENSE}, here (neurons included)")
    conv = convolutions.LAYERS[0]
    points = [r for r in curves if r.core == "M4" and r.name.startswith(conv.name)]
    axes.plot([100 * share for share in convolutions.CURVE], [r.instructions for r in points],
              "s-", color="tab:green", label=f"{conv.what}, here")
    for what, colour in (("arm_fully_connected_s8 256x128", "tab:blue"),
                         (conv.what, "tab:green")):
        for peer in (p for p in peers if (p.core, p.what) == ("M4", what)):
            axes.axhline(peer.instructions, color=colour, linestyle="--",
                         label=f"{peer.name}, {what}")
    axes.set(xscale="log", yscale="log", xlabel="% of the source that fires in a step",
             ylabel="instructions, Cortex-M4")
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)
