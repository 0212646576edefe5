"""The route of each projection: how spikes or currents of its source reach its weights, as tables
that dassdp_path_t holds, with the kernel that adds them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir.geometry import Volume, size
from edge_dassdp.plan import kernels
from edge_dassdp.plan.convolution import Axis, ConvTables, conv_tables, pool_axes, pooled_volume
from edge_dassdp.plan.kernels import Kernel, Kind
from edge_dassdp.qir import QNetwork, QProjection


@dataclass(frozen=True, eq=False)
class Lags:
    """Steps from the row of this step back to the spikes that arrive.

    lags: (1,) or (size of pre,). steps: those that occur, ascending. masks: the neurons of each as
    words of 32, one behind the other; empty where all share one lag.
    """

    lags: IntArray
    steps: tuple[int, ...]
    masks: NDArray[np.uint32]

    @classmethod
    def of(cls, lags: IntArray, n: int) -> Lags:
        """lags of n neurons, (1,) or (n,)."""
        steps = tuple(sorted(set(lags.tolist())))
        if len(steps) == 1:
            return cls(lags, steps, np.zeros(0, np.uint32))
        bits = np.zeros((len(steps), -(-n // 32) * 32), np.uint8)
        bits[:, :n] = lags[None, :] == np.array(steps)[:, None]
        return cls(lags, steps, np.packbits(bits, axis=1, bitorder="little").view("<u4").ravel())


@dataclass(frozen=True, eq=False)
class Route:
    """How the source of one projection reaches its weights.

    kind: matrix, between the bits (or currents) of one step; rows, channels or conv, what a spike
    adds on a longer way; currents, the same of an analogue input. is_dense: silent rows are taken
    off the sum of all. counts: neurons of the source fire several times a step. pooled: the volume
    that its weights see, as it lies on the device. pool: its windows down and across. conv: of
    conv, channels and currents.
    """

    kind: Kind
    is_dense: bool
    counts: bool
    kernel: Kernel
    pooled: Volume
    pool: tuple[Axis, Axis] | None
    delay: Lags | None
    conv: ConvTables | None

    @property
    def has_path(self) -> bool:
        """More than a matrix between the bits of one step: dassdp_path_t."""
        return self.kind != "matrix"

    @property
    def image(self) -> NDArray[Any] | None:
        """Of a scattered kernel, int8 or int16; None where the image is one of rows."""
        if self.conv is None or self.kind == "channels":
            return None
        return self.conv.image


def routes(network: QNetwork) -> dict[str, Route]:
    """The route of every projection, by name."""
    return {q.name: _route(network, q) for q in network.projections}


def _route(network: QNetwork, q: QProjection) -> Route:
    counts = not q.is_analogue and network.max_spikes(q.pre) > 1
    kind = _kind(q) if not q.is_plain or counts else "matrix"
    return Route(
        kind, q.is_dense and kind == "matrix", counts,
        kernels.of_projection(network, q, kind), pooled_volume(q),
        pool_axes(q.pool, q.volume) if q.pool else None,
        _delay(network, q) if q.delay is not None else None,
        conv_tables(network, q) if kind in ("conv", "channels", "currents") else None)


def _kind(q: QProjection) -> Literal["rows", "channels", "conv", "currents"]:
    if q.is_analogue:
        return "currents"
    if q.conv is None:
        return "rows"
    is_matrix = q.w.ndim == 2 and q.result_pool is None
    return "channels" if is_matrix and (q.is_plastic or q.weight_bits == 16) else "conv"


def _delay(network: QNetwork, q: QProjection) -> Lags:
    assert q.delay is not None
    names = [p.name for p in network.populations]
    is_later = q.pre in names and names.index(q.pre) >= names.index(q.post)
    return Lags.of(q.delay.astype(np.int64) + int(is_later), size(q.volume))


def history(network: QNetwork, found: Mapping[str, Route], source: str) -> int:
    """Steps whose spikes of an input made on the device are kept for delays."""
    deep = [int(route.delay.lags.max()) for q in network.projections
            if q.pre == source and (route := found[q.name]).delay is not None]
    return 1 + max(deep) if deep else 0
