"""What NeuroBench sees of a projection: a layer of weights, and what each input value meets there.
Neurons and weights stand in the order of the float network, without the padding of a device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import Network, geometry
from edge_dassdp.ir.currents import later
from edge_dassdp.ir.geometry import Conv, Pool, Volume, volume
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.order import device_order, device_volume, natural_order

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Layer:
    """pre: its source, of a shape. weight: (n_pre, n_post), or a kernel, of any number type.
    weight_bits: of one. n_biases: beside it. lag: steps that what it hears comes later, (1,) or of
    each source neuron."""

    pre: str
    shape: Volume
    weight: NDArray[Any]
    weight_bits: int
    n_biases: int
    conv: Conv | None
    pool: Pool | None
    lag: IntArray

    @cached_property
    def is_one_to_one(self) -> bool:
        """Each value reaches one neuron alone: for NeuroBench, which asks for Linear and Conv
        modules, no layer."""
        w = self.weight
        if self.conv is not None:
            return w.shape[1:] == (1, 1, 1) and self.conv == Conv(groups=w.shape[0])
        return w.shape[0] == w.shape[1] > 1 and not (w - np.diag(np.diag(w))).any()

    @property
    def n_weights(self) -> int:
        """Numbers of its own: of one to one, one where all are the same."""
        shared = self.is_one_to_one and bool((self.weight == self.weight.flat[0]).all())
        return 1 if shared and self.conv is not None else self.weight.size

    def fan_out(self, is_connected: NDArray[np.bool_]) -> IntArray:
        """How many of these weights, shaped as `weight`, each value (behind the pool) meets."""
        if self.conv is None:
            return np.asarray(is_connected.sum(axis=1, dtype=np.int64))
        shape = self.pool.out(self.shape) if self.pool else self.shape
        return self.conv.fan_out(is_connected, shape)

    def heard(self, raster: NDArray[Any], n_steps: int) -> NDArray[Any]:
        """What its weights take, (n_samples, n_frames, n), of a raster of its source: delayed and
        pooled, sums as shares of their window, which is what average pooling makes."""
        arrived = later(raster, self.lag, n_steps)
        if self.pool is None:
            return arrived
        n, n_frames, size = arrived.shape
        pooled = self.pool.apply(arrived.reshape(-1, size).astype(np.float32), self.shape)
        share = geometry.size(self.pool.kernel) if self.pool.kind == "sum" else 1
        return np.asarray(pooled.reshape(n, n_frames, -1) / np.float32(share))


def layers_of(network: Network | QNetwork) -> tuple[Layer, ...]:
    """Every projection, of either kind of network."""
    shapes, inputs = shapes_of(network), {i.name for i in network.inputs}
    place = {name: index for index, name in enumerate(n for n in shapes if n not in inputs)}
    found = []
    for q in network.projections:
        is_back = place.get(q.pre, -1) >= place[q.post]
        lag = int(is_back) + (np.zeros(1, np.int64) if q.delay is None else q.delay)
        if isinstance(q, QProjection):
            shape, pads = shapes[q.pre], q.pre in place
            if lag.size > 1:
                lag = lag[device_order(natural_order(shape, device_volume(shape, pads=pads)))]
            weight, bits, n_biases = _natural(q, shape, shapes[q.post], pads), q.weight_bits, 0
        else:
            weight, bits = q.weight, 32
            n_biases = 0 if q.bias is None else q.bias.size
        found.append(Layer(q.pre, volume(shapes[q.pre]), weight, bits, n_biases, q.conv, q.pool,
                           lag))
    return tuple(found)


def shapes_of(network: Network | QNetwork) -> dict[str, Shape]:
    """Of inputs and populations, without padding."""
    if isinstance(network, QNetwork):
        populations = {p.name: p.natural_shape for p in network.populations}
    else:
        populations = {p.name: p.shape for p in network.populations}
    return {i.name: i.shape for i in network.inputs} | populations


def _natural(q: QProjection, pre: Shape, post: Shape, pads: bool) -> NDArray[Any]:
    """Weights of a device in the order of the float network."""
    if q.conv is not None:
        return q.w if q.w.ndim == 4 else q.w.T[:, :, None, None]
    before, on_device = volume(pre), device_volume(pre, pads=pads)
    if q.pool is not None:
        before, on_device = q.pool.out(before), q.pool.out(on_device)
    rows = device_order(natural_order(before, on_device))
    return q.w[np.ix_(rows, device_order(natural_order(post, device_volume(post, pads=True))))]
