"""What a quantized projection brings to its population: pools, kernels and matrices on the device's
order of neurons. The reference runs on it, and the proofs bound it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir.geometry import Volume
from edge_dassdp.qir.nodes import QProjection
from edge_dassdp.qir.order import result_volume


def sums(q: QProjection, x: NDArray[Any], w: NDArray[Any], post: Volume) -> IntArray:
    """Sums (n, neurons of post) of weights w, shaped as q.w, over what arrives: x (n, neurons of
    the source), how often each fired, or currents."""
    if q.result_pool is None:
        return convolved(q, x, w, post)
    out = result_volume(q)
    made = q.result_pool.apply(_planes(convolved(q, x, w, out), out), out)
    by_place = made.reshape(len(x), out[0], -1).transpose(0, 2, 1)[:, :, : post[0]]
    return np.ascontiguousarray(by_place).reshape(len(x), -1)


def convolved(q: QProjection, x: NDArray[Any], w: NDArray[Any], out: Volume) -> IntArray:
    """The same before the result of a convolution is pooled: (n, neurons of out)."""
    if q.is_plain:
        return product(x, w)
    arrived, volume = _pooled(q, x)
    if q.conv is None:
        return product(arrived, w)
    kernel = w.T[:, :, None, None] if w.ndim == 2 else w
    channels = kernel.shape[1] * q.conv.groups
    planes = _planes(arrived.astype(np.float64), volume)[:, : channels * volume[1] * volume[2]]
    planes = q.conv.apply(planes, kernel.astype(np.float64), (channels, *volume[1:]))
    made = np.zeros((len(x), out[1] * out[2], out[0]), np.int64)
    made[:, :, : len(kernel)] = planes.reshape(len(x), len(kernel), -1).transpose(0, 2, 1)
    return made.reshape(len(x), -1)


def product(x: NDArray[Any], w: NDArray[Any]) -> IntArray:
    """x @ w of integers, x (n, n_pre), w (n_pre, n_post), as int64.

    Of one row, whose neurons are mostly silent, over the active ones alone. Of many in floating
    point, which is much faster and as exact: float32 where no sum comes to 2^24, else float64,
    which holds all integers below 2^53: x and w have at most 16 bits, and n_pre is at most 2^16.
    """
    if len(x) == 1:
        active = x[0].nonzero()[0]
        return np.asarray(x[:, active] @ w[active], np.int64)
    most = int(np.abs(x).max(initial=0)) * int(np.abs(w).max(initial=0)) * len(w)
    exact = np.float32 if most < 1 << 24 else np.float64
    return np.asarray(x.astype(exact) @ w.astype(exact), np.int64)


def _pooled(q: QProjection, x: NDArray[Any]) -> tuple[NDArray[Any], Volume]:
    if q.pool is None:
        return x, q.volume
    volume = q.pool.out(q.volume)
    planes = q.pool.apply(_planes(np.asarray(x, np.int64), q.volume), q.volume)
    by_place = planes.reshape(len(x), volume[0], -1).transpose(0, 2, 1)
    return np.ascontiguousarray(by_place).reshape(len(x), -1), volume


def _planes(x: NDArray[Any], volume: Volume) -> NDArray[Any]:
    """Place by place to channel by channel."""
    by_place = x.reshape(len(x), -1, volume[0]).transpose(0, 2, 1)
    return np.ascontiguousarray(by_place).reshape(len(x), -1)
