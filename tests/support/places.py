"""Networks by the kind of place where a rule may be asked to learn, all small, on spikes.

`PLACES` maps a name to (network, projection). Some places no rule takes; each is refused there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from support.wired_networks import SINABS, Builder

from edge_dassdp.ir import Input, Network, Readout
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool

N_STEPS = 6


def _volumes(channels: int = 8) -> Builder:
    return Builder(Input("x", 2 * 3 * 3, N_STEPS, True, (2, 3, 3)), N_STEPS, 5).conv(
        "a", channels, (3, 3), conv=Conv((1, 1), (1, 1)))


def _chain(**neurons: Any) -> Builder:
    return Builder(Input("x", 12, N_STEPS, True), N_STEPS, 3).dense("a", 11, **neurons)


def _into_readout(size: int, kind: str) -> Network:
    """A 1 x 1 convolution into a readout of size x size positions."""
    neurons: dict[str, Any] = {"beta": 0.9} if kind == "spike_count" else {
        "beta": 0.0, "reset": "none"}
    builder = _volumes().conv("b", 8, (4 - size, 4 - size)).conv("out", 4, (1, 1), **neurons)
    return Network((builder.source,), tuple(builder.populations), tuple(builder.projections),
                   Readout("out", kind), N_STEPS)  # type: ignore[arg-type]


def _kernel(weight_shape: tuple[int, ...], conv: Conv, pool: Pool | None = None,
            delay: int = 0) -> Network:
    builder = _volumes().conv("b", weight_shape[0], (weight_shape[2], weight_shape[3]), conv=conv,
                              pool=pool)
    *others, last = builder.projections
    builder.projections = [*others, replace(last, delay=np.array([delay]))]
    return builder.out()


def _feedback() -> Network:
    return _chain().dense("b", 9).join("b", "a").out()


PLACES: dict[str, tuple[Network, str]] = {
    "matrix": (_chain().dense("b", 9).out(), "a_b"),
    "matrix into the readout": (_chain().dense("b", 9).out(), "b_out"),
    "matrix into a readout of spikes": (_chain().out(kind="spike_count"), "a_out"),
    "recurrence": (_chain().dense("b", 9).join("b", "b").out(), "b_to_b"),
    "matrix that runs back": (_feedback(), "b_to_a"),
    "matrix with a delay": (_chain().dense("b", 9, delay=2).out(), "a_b"),
    "matrix of neurons that fire several times": (
        _chain(**{**SINABS, "beta": 1.0}).dense("b", 9).out(), "a_b"),
    "matrix behind a volume": (_volumes().dense("b", 9).out(), "a_b"),
    "matrix behind a padded volume": (_volumes(6).dense("b", 9).out(), "a_b"),
    "matrix behind a pool": (_volumes().dense("b", 9, pool=Pool("max", (2, 2), (1, 1))).out(),
                             "a_b"),
    "matrix from the input": (_chain().out(), "x_a"),
    "matrix before a convolution": (
        Builder(Input("x", 9, N_STEPS, True), N_STEPS).dense("p", 10)
        .dense("a", 36, shape=(4, 3, 3)).conv("b", 4, (2, 2)).out(), "p_a"),
    "channels": (_kernel((8, 8, 1, 1), Conv()), "a_b"),
    "channels, padded": (_volumes(6).conv("b", 5, (1, 1)).out(), "a_b"),
    "channels of several spikes": (
        _volumes().conv("b", 5, (1, 1), beta=1.0, bias=False, **SINABS).out(), "a_b"),
    "channels with a stride": (_kernel((8, 8, 1, 1), Conv((2, 2))), "a_b"),
    "channels with a padding": (_kernel((8, 8, 1, 1), Conv((1, 1), (1, 1))), "a_b"),
    "channels in groups": (_kernel((8, 4, 1, 1), Conv(groups=2)), "a_b"),
    "channels behind a pool": (_kernel((8, 8, 1, 1), Conv(), Pool("max", (2, 2), (1, 1))), "a_b"),
    "channels whose result is pooled": (
        _volumes().conv("b", 8, (1, 1), result=MaxPool((2, 2), (1, 1))).out(), "a_b"),
    "channels with a delay": (_kernel((8, 8, 1, 1), Conv(), delay=1), "a_b"),
    "convolution": (_kernel((8, 8, 2, 2), Conv()), "a_b"),
    "channels from the input": (
        Builder(Input("x", 18, N_STEPS, True, (2, 3, 3)), N_STEPS).conv("a", 4, (1, 1)).out(),
        "x_a"),
    "channels into the readout": (_into_readout(1, "membrane_sum"), "b_out"),
    "channels into a readout of spikes": (_into_readout(1, "spike_count"), "b_out"),
    "channels into a readout of positions": (_into_readout(2, "membrane_sum"), "b_out"),
    "channels into a readout of spikes and positions": (_into_readout(2, "spike_count"), "b_out"),
}
