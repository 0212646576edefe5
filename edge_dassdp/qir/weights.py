"""Weights of a projection as the float network has them and as they lie on the device.

On the device rows follow the neurons of the source (pooled ones behind a pool) and columns those of
the target, both in the order of `order`; a 1 x 1 convolution is a matrix between channels, and any
other convolution keeps its kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import Network, Projection, geometry
from edge_dassdp.ir.geometry import Volume
from edge_dassdp.qir.order import device_volume, natural_order, to_device


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
