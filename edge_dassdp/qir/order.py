"""Where the neurons of a volume lie on the device: place by place, a place's channels side by side.

So one spike reaches all channels of a place as one row of weights. A population's channels are
padded to a multiple of four, the group that kernels read; an input's are not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir.geometry import Volume, volume

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


def to_device(values: NDArray, natural: IntArray, padding: float = 0) -> NDArray:  # type: ignore[type-arg]
    """Values (..., n) in natural order as they lie on the device."""
    return np.asarray(np.where(natural >= 0, values[..., np.maximum(natural, 0)], padding))
