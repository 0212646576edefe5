"""Where neurons and weights lie on the device: a volume place by place, a place's channels side by
side.

So one spike reaches all channels of a place as one row of weights. A population's channels are
padded to a multiple of four, the group that kernels read; an input's are not. Rows of weights
follow the neurons of the source (pooled ones behind a pool) and columns those of the target; a
1 x 1 convolution is a matrix between channels, and any other convolution keeps its kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import Network, Projection, geometry
from edge_dassdp.ir.geometry import Volume, volume
from edge_dassdp.qir.nodes import QProjection

CHANNEL_ALIGN = 4


def device_volume(shape: tuple[int, ...], *, pads: bool) -> Volume:
    """(channels with padding, height, width) of a population (pads) or an input."""
    c, height, width = volume(shape)
    if height * width > 1 and pads:
        c = -(-c // CHANNEL_ALIGN) * CHANNEL_ALIGN
    return c, height, width


def natural_order(shape: tuple[int, ...], on_device: Volume) -> IntArray:
    """The index in `shape` of each neuron of the device's volume, -1 for padding."""
    c, height, width = volume(shape)
    natural = np.full((height * width, on_device[0]), -1, np.int64)
    natural[:, :c] = np.arange(c * height * width).reshape(c, -1).T
    return natural.ravel()


def device_order(natural: IntArray) -> IntArray:
    """Where each natural neuron lies on the device: the reverse of `natural_order`."""
    places = np.empty(int(natural.max()) + 1, np.int64)
    places[natural[natural >= 0]] = np.flatnonzero(natural >= 0)
    return places


def to_device(values: NDArray[Any], natural: IntArray, padding: float = 0) -> NDArray[Any]:
    """Values (..., n) in natural order as they lie on the device."""
    return np.asarray(np.where(natural >= 0, values[..., np.maximum(natural, 0)], padding))


def result_volume(q: QProjection) -> Volume:
    """What the convolution of a projection makes, before it is pooled."""
    assert q.conv is not None
    shape = q.pool.out(q.volume) if q.pool else q.volume
    kernel = q.w.shape if q.w.ndim == 4 else (*q.w.shape[::-1], 1, 1)
    out = q.conv.out((kernel[1] * q.conv.groups, *shape[1:]), kernel)
    return -(-out[0] // CHANNEL_ALIGN) * CHANNEL_ALIGN, *out[1:]


def source_order(network: Network, p: Projection) -> IntArray:
    """The natural index of each neuron of a projection's source, -1 for padding."""
    return natural_order(*_source(network, p))


def to_device_weight(network: Network, p: Projection, weight: NDArray[Any]) -> NDArray[Any]:
    """A weight in the layout of `Projection.weight` as `QProjection.w` has it, padding 0."""
    if p.is_pointwise:
        return weight[:, :, 0, 0].T
    if p.conv is not None:
        return weight
    rows, columns = _orders(network, p)
    return to_device(to_device(weight, columns).T, rows).T


def to_natural_weight(network: Network, p: Projection, w: NDArray[Any]) -> NDArray[Any]:
    """The reverse of `to_device_weight`; what pads is dropped."""
    if p.is_pointwise:
        return w.T[:, :, None, None]
    if p.conv is not None:
        return w
    rows, columns = _orders(network, p)
    is_row, is_column = rows >= 0, columns >= 0
    weight = np.zeros(p.weight.shape, w.dtype)
    weight[np.ix_(rows[is_row], columns[is_column])] = w[np.ix_(is_row, is_column)]
    return weight


def history_depths(order: Sequence[str], projections: Iterable[QProjection]) -> dict[str, int]:
    """Rows of past spikes by source, as many as the longest delay looks back. order: the names of
    populations; a source that is none of them is an input."""
    place, depths = {name: index for index, name in enumerate(order)}, dict[str, int]()
    for q in projections:
        lag = 0 if q.delay is None else 1 + int(q.delay.max()) \
            + int(q.pre in place and place[q.pre] >= place[q.post])
        depths[q.pre] = max(depths.get(q.pre, 0), lag)
    return depths


def _orders(network: Network, p: Projection) -> tuple[IntArray, IntArray]:
    """The natural index of each row and column of a matrix on the device, -1 for padding."""
    post = network.population(p.post).shape
    columns = natural_order(post, device_volume(post, pads=True))
    if p.pool is None:
        return source_order(network, p), columns
    shape, on_device = _source(network, p)
    return natural_order(p.pool.out(geometry.volume(shape)), p.pool.out(on_device)), columns


def _source(network: Network, p: Projection) -> tuple[tuple[int, ...], Volume]:
    """Shape of a projection's source, and its volume on the device."""
    for i in network.inputs:
        if i.name == p.pre:
            return i.shape, device_volume(i.shape, pads=False)
    shape = network.population(p.pre).shape
    return shape, device_volume(shape, pads=True)
