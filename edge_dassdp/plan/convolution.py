"""Convolutions and pools as an event meets them: their geometry as tables that hold no division
(dassdp_conv_t, dassdp_pool_t), and images of kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir.geometry import Conv, Pool, Volume
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.order import result_volume
from edge_dassdp.qir.packing import LANES, columns

_GROUP = 4
"""Columns that lie in one word of an image (kernels.h)."""


@dataclass(frozen=True)
class Divisor:
    """floor(n / divisor) = (n factor + addend) >> shift."""

    factor: int
    addend: int
    shift: int


@dataclass(frozen=True)
class Axis:
    """dassdp_axis_t: windows along height or width."""

    kernel: int
    stride: int
    padding: int
    n_out: int
    by_stride: Divisor


@dataclass(frozen=True)
class Taps:
    """dassdp_taps_t: n_taps places of a kernel, the first one in the image, on consecutive
    outputs."""

    phase: int
    quotient: int
    first: int
    n_taps: int


@dataclass(frozen=True, eq=False)
class ConvTables:
    """dassdp_conv_t. image: int8, or int16 of 16-bit weights."""

    source: Volume
    y: Axis
    x: Axis
    out_channels: int
    channel_bytes: int
    row_bytes: int
    tap_bytes: int
    tap_columns: int
    group_channels: int
    down: tuple[Taps, ...]
    across: tuple[Taps, ...]
    image: NDArray[Any]


@cache
def divisor(d: int, most: int) -> Divisor:
    """Exact for 0 <= n <= most < 2^17, without leaving 32 bits: a factor rounded up, or rounded
    down and added once more (Robison, N-bit unsigned division via N-bit multiply-add, ARITH 2005).

    Raises EdgeError E201 if there is none.
    """
    n = np.arange(most + 1, dtype=np.int64)
    for shift in range(31, -1, -1):
        down = (1 << shift) // d
        for made in (Divisor(-(-(1 << shift) // d), 0, shift), Divisor(down, down, shift)):
            if most * made.factor + made.addend < 1 << 32 and (
                    (n * made.factor + made.addend) >> shift == n // d).all():
                return made
    raise EdgeError("E201", f"no multiplication divides {most:,} by {d}")


def pooled_volume(q: QProjection) -> Volume:
    """What its weights see, as it lies on the device."""
    return q.pool.out(q.volume) if q.pool else q.volume


def pool_axes(pool: Pool, source: Volume) -> tuple[Axis, Axis]:
    """Windows down and across."""
    out = pool.out(source)[1:]
    down, across = (_axis(*values) for values in zip(
        source[1:], pool.kernel, pool.stride, pool.padding, out, strict=True))
    return down, across


def _axis(n: int, kernel: int, stride: int, padding: int, n_out: int) -> Axis:
    return Axis(kernel, stride, padding, n_out, divisor(stride, n + padding + stride))


def kernel_of(q: QProjection) -> NDArray[np.int64]:
    """Weights as a kernel (c_out, c_in / groups, height, width)."""
    w = q.w.astype(np.int64)
    if q.conv is None:  # one that covers all of its source
        c, height, width = pooled_volume(q)
        return w.reshape(height, width, c, -1).transpose(3, 2, 0, 1)
    return np.asarray(w.T[:, :, None, None] if w.ndim == 2 else w)


def conv_tables(network: QNetwork, q: QProjection) -> ConvTables:
    """Of a projection of kind conv, channels or currents."""
    post = network.population(q.post)
    kernel, conv, source = kernel_of(q), q.conv or Conv(), pooled_volume(q)
    c_out, c_group, *places = kernel.shape
    result = result_volume(q) if q.result_pool is not None else post.shape
    out = (1, 1) if q.conv is None else result[1:]
    merges = conv.groups == 1
    tap_columns = -(-c_out // _GROUP) * _GROUP if merges else c_out // conv.groups
    (rows, down), (taps, across) = (
        _taps(*values) for values in zip(places, conv.stride, conv.dilation, strict=True))
    y, x = (_axis(n, 1, s, p, m) for n, s, p, m in
            zip(source[1:], conv.stride, conv.padding, out, strict=True))
    image = _image(kernel[:, :, rows][..., taps], conv.groups, tap_columns, q.weight_bits)
    tap_bytes = tap_columns * image.itemsize
    row_bytes = places[1] * tap_bytes
    return ConvTables(
        source, y, x, columns(c_out) if q.conv is None else result[0],
        row_bytes * places[0], row_bytes, tap_bytes, tap_columns, 0 if merges else c_group,
        tuple(down), tuple(across), image)


def _taps(n: int, stride: int, dilation: int) -> tuple[list[int], list[Taps]]:
    """Order of the taps of an axis in the image, and runs of those that reach consecutive outputs:
    without dilation all of one phase, backwards."""
    if dilation > 1:
        return list(range(n)), [Taps(k * dilation % stride, k * dilation // stride, k, 1)
                                for k in range(n)]
    order: list[int] = []
    runs = []
    for phase in range(min(stride, n)):
        taps = list(range(phase, n, stride))
        runs.append(Taps(phase, len(taps) - 1, len(order), len(taps)))
        order += reversed(taps)
    return order, runs


def _image(kernel: NDArray[np.int64], groups: int, tap_columns: int,
           weight_bits: int) -> NDArray[Any]:
    """By input channel, row of the kernel and tap signed weights: bytes in groups of four columns
    in the order of `LANES`; int16, or behind groups of channels, in natural order."""
    c_out, c_group, height, width = kernel.shape
    kind = np.int16 if weight_bits == 16 else np.int8
    if groups > 1:
        by_group = kernel.reshape(groups, tap_columns, c_group, height, width)
        return by_group.transpose(0, 2, 3, 4, 1).astype(kind).reshape(-1)
    rows = np.zeros((c_group, height, width, tap_columns), kind)
    rows[..., :c_out] = kernel.transpose(1, 2, 3, 0)
    lanes = list(LANES) if weight_bits <= 8 else slice(None)
    return rows.reshape(-1, _GROUP)[:, lanes].reshape(-1)
