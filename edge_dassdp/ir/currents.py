"""What projections bring in float32: which spikes arrive in a step, and the currents they make."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.ir import geometry
from edge_dassdp.ir.cells import Float32Array
from edge_dassdp.ir.network import Network
from edge_dassdp.ir.nodes import Projection


class Currents:
    """`weights` (projection name -> float32 as in `Projection`) may change."""

    def __init__(self, network: Network) -> None:
        self.weights: dict[str, Float32Array] = {
            p.name: p.weight.astype(np.float32) for p in network.projections}
        self._biases = {p.name: _bias(network, p) for p in network.projections}
        self._shapes = {n.name: geometry.volume(n.shape) for n in network.nodes}
        self._place = {p.name: index for index, p in enumerate(network.populations)}

    def lags(self, p: Projection) -> IntArray:
        """Steps, one for all or of each presynaptic neuron, that its spikes are heard later; spikes
        of the same or a later population are those of the step before."""
        is_back = p.pre in self._place and self._place[p.pre] >= self._place[p.post]
        return int(is_back) + (np.zeros(1, np.int64) if p.delay is None else p.delay)

    def later(self, p: Projection, raster: NDArray[Any], n_steps: int) -> NDArray[Any]:
        """A raster (n_samples, n_frames, n_pre) as it arrives."""
        return later(raster, self.lags(p), n_steps)

    def arriving(self, p: Projection, t_step: int, raster: NDArray[Any]) -> NDArray[Any]:
        """What arrives in one step, (n_samples, 1, n_pre), of a raster known up to there."""
        step = np.broadcast_to(t_step - self.lags(p), raster.shape[2:])
        arrived = raster[:, np.maximum(step, 0), np.arange(raster.shape[2])]
        return np.where(step >= 0, arrived, 0)[:, None, :]

    def sums(self, p: Projection, raster: NDArray[Any]) -> Float32Array:
        """Currents (n_samples, n_frames, n_post) of what arrives, (n_samples, n_frames, n_pre)."""
        n_samples, n_frames, n_pre = raster.shape
        rows = raster.reshape(-1, n_pre).astype(np.float32)
        shape = self._shapes[p.pre]
        if p.pool:
            rows, shape = p.pool.apply(rows, shape), p.pool.out(shape)
        weight = self.weights[p.name]
        sums = p.conv.apply(rows, weight, shape) if p.conv else rows @ weight
        if p.conv and p.result_pool:
            sums = p.result_pool.apply(sums, p.conv.out(shape, weight.shape))
        bias = self._biases[p.name]
        return np.asarray((sums + bias).reshape(n_samples, n_frames, bias.size))


def later(raster: NDArray[Any], lags: IntArray, n_steps: int) -> NDArray[Any]:
    """A raster (n_samples, n_frames, n) so many steps later, (1,) or (n,); before it there is 0."""
    if not lags.any():
        return raster
    raster = np.broadcast_to(raster, (len(raster), n_steps, raster.shape[2]))
    step = np.arange(n_steps)[:, None] - lags
    arrived = np.take_along_axis(
        raster, np.broadcast_to(np.maximum(step, 0), raster.shape[1:])[None], axis=1)
    return np.where(step >= 0, arrived, 0)


def _bias(network: Network, p: Projection) -> Float32Array:
    """Of every postsynaptic neuron."""
    size = network.population(p.post).size
    if p.bias is None:
        return np.zeros(size, np.float32)
    return np.repeat(p.bias, size // p.n_columns).astype(np.float32)
