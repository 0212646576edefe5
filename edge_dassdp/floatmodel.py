"""Runs an `ir.Network` in float32, a batch of samples at a time.

Operations stand in the order PyTorch and snnTorch do them (x @ W + b, beta * v + i - r * theta),
so spikes agree wherever the matrix product does.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.errors import EdgeError
from edge_dassdp.ir import Network, Population, Projection

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Trace:
    """What a batch of samples did.

    spikes[population]: bool (n_samples, n_steps, size). membranes[population]: float32, the same
    shape, as stored after the step (behind an immediate reset). logits: float32
    (n_samples, n_classes). classes: int64 (n_samples,), the lowest index on a tie.
    """

    spikes: dict[str, NDArray[np.bool_]]
    membranes: dict[str, Float32Array]
    logits: Float32Array
    classes: NDArray[np.int64]


class FloatModel:
    """Float32 executor. `weights` (projection name -> (n_pre, n_post) float32) may be changed."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.weights: dict[str, Float32Array] = {
            p.name: p.weight.astype(np.float32) for p in network.projections
        }
        self._biases = {
            p.name: np.zeros(p.weight.shape[1], np.float32) if p.bias is None
            else p.bias.astype(np.float32)
            for p in network.projections
        }
        self._place = {p.name: index for index, p in enumerate(network.populations)}
        self._into = {name: [p for p in network.projections if p.post == name]
                      for name in self._place}
        self._cells = {p.name: _Cell(p) for p in network.populations}

    def run(self, x: ArrayLike) -> Trace:
        """x: (n_samples, n_inputs), per input n_frames * size values, frame after frame.

        Raises EdgeError E104 for another shape or for values that are not finite.
        """
        samples = self._checked(x)
        return self._run(tuple(self._place), self._input_drive(samples), {}, len(samples))

    def rerun(self, rasters: Mapping[str, NDArray[np.bool_]], part: Sequence[str]) -> Trace:
        """The populations `part` alone, in network order, from their start.

        rasters: population -> bool (n_samples, n_steps, size), what enters the part; no input may,
        and the readout must be in it. The trace has these rasters and the part.
        """
        return self._run(part, {}, dict(rasters), len(next(iter(rasters.values()))))

    def _run(self, names: Sequence[str], drive: dict[str, Float32Array],
             spikes: dict[str, NDArray[np.bool_]], n_samples: int) -> Trace:
        """drive (as `_input_drive`) and spikes: what is known before; both are added to."""
        network = self.network
        membranes: dict[str, Float32Array] = {}
        for block in self._blocks(names):
            drive |= {p.name: self._spike_drive(p, spikes[p.pre])
                      for name in block for p in self._into[name] if p.pre in spikes}
            for name in block:
                shape = (n_samples, network.n_steps, network.population(name).size)
                spikes[name] = np.zeros(shape, np.bool_)
                membranes[name] = np.zeros(shape, np.float32)
            known = {name: self._known(name, drive) for name in block}
            v = {name: np.zeros_like(membranes[name][:, 0]) for name in block}
            for t_step in range(network.n_steps):
                for name in block:
                    total = known[name]
                    current = (self._current(name, t_step, drive, spikes) if total is None
                               else total[:, t_step])
                    v[name], spikes[name][:, t_step] = self._cells[name].step(v[name], current)
                    membranes[name][:, t_step] = v[name]
        out = network.readout.population
        summed = spikes[out] if network.readout.kind == "spike_count" else membranes[out]
        logits = summed.sum(axis=1, dtype=np.float32)
        return Trace(spikes, membranes, logits, logits.argmax(axis=1))

    def _blocks(self, names: Sequence[str]) -> list[list[str]]:
        """The populations so parted that no spike goes back from a block to an earlier one."""
        blocks: list[list[str]] = []
        last = -1
        for name in names:
            if self._place[name] > last:
                blocks.append([])
            blocks[-1].append(name)
            last = max([last, *(self._place[p.pre] for p in self._into[name] if p.pre in names)])
        return blocks

    def _checked(self, x: ArrayLike) -> Float32Array:
        samples = np.asarray(x, dtype=np.float32)
        if samples.ndim != 2 or samples.shape[1] != self.network.n_inputs:
            raise EdgeError("E104", f"samples have shape {samples.shape}, expected (n_samples, "
                            f"{self.network.n_inputs})")
        if not np.isfinite(samples).all():
            raise EdgeError("E104", "samples hold a NaN or an infinity")
        return samples

    def _input_drive(self, samples: Float32Array) -> dict[str, Float32Array]:
        """x @ W + b of every projection from an input: (n_samples, n_frames, n_post)."""
        drive: dict[str, Float32Array] = {}
        start = 0
        for source in self.network.inputs:
            width = source.n_frames * source.size
            rows = samples[:, start : start + width].reshape(-1, source.size)
            start += width
            for p in self.network.projections:
                if p.pre == source.name:
                    current = rows @ self.weights[p.name] + self._biases[p.name]
                    drive[p.name] = current.reshape(len(samples), source.n_frames, -1)
        return drive

    def _spike_drive(self, p: Projection, raster: NDArray[np.bool_]) -> Float32Array:
        """Current of a projection from a whole raster: (n_samples, n_steps, n_post)."""
        n_samples, n_steps, n_pre = raster.shape
        rows = raster.reshape(-1, n_pre).astype(np.float32)
        current = (rows @ self.weights[p.name] + self._biases[p.name]).reshape(
            n_samples, n_steps, -1)
        if self._place[p.pre] >= self._place[p.post]:
            current = np.roll(current, 1, axis=1)
            current[:, 0] = self._biases[p.name]
        return current

    def _known(self, population: str, drive: dict[str, Float32Array]) -> Float32Array | None:
        """Summed current of all steps, (n_samples, n_steps, size), where no term is missing."""
        into = self._into[population]
        if not into or any(p.name not in drive for p in into):
            return None
        total = functools.reduce(np.add, (drive[p.name] for p in into))
        n_samples, _, size = total.shape
        return np.broadcast_to(total, (n_samples, self.network.n_steps, size))

    def _current(
        self,
        population: str,
        t_step: int,
        drive: dict[str, Float32Array],
        spikes: dict[str, NDArray[np.bool_]],
    ) -> Float32Array:
        """Summed current of all projections into `population`: (n_samples, size)."""
        terms: list[Float32Array] = []
        for p in self._into[population]:
            if p.name in drive:
                terms.append(drive[p.name][:, min(t_step, drive[p.name].shape[1] - 1)])
                continue
            source_step = t_step - (self._place[p.pre] >= self._place[p.post])
            if source_step < 0:
                n_samples = len(spikes[p.pre])
                terms.append(np.tile(self._biases[p.name], (n_samples, 1)))
            else:
                fired = spikes[p.pre][:, source_step].astype(np.float32)
                terms.append(fired @ self.weights[p.name] + self._biases[p.name])
        return functools.reduce(np.add, terms)


class _Cell:
    """The neurons of a population, in float32."""

    def __init__(self, population: Population) -> None:
        self.reset = population.reset
        self.at_once = not population.reset_delay
        self.beta = population.beta.astype(np.float32)
        self.theta = population.threshold.astype(np.float32)
        self.exceeds = np.greater if population.strict else np.greater_equal

    def step(self, v: Float32Array, current: Float32Array
             ) -> tuple[Float32Array, NDArray[np.bool_]]:
        """One step of `ir.Population`'s equations: the stored membrane and the spikes.

        v, current: float32 (n_samples, size).
        """
        if self.reset == "none":
            v = self.beta * v + current
            return v, self.exceeds(v, self.theta)
        r = self.exceeds(v, self.theta).astype(np.float32)
        if self.reset == "subtract":
            v = (self.beta * v + current) - r * self.theta
        else:
            v = self.beta * ((np.float32(1) - r) * v) + current
        fired = self.exceeds(v, self.theta)
        if self.at_once:
            late = fired.astype(np.float32) - r
            v = v - late * (self.theta if self.reset == "subtract" else v)
        return v, fired
