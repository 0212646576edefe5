"""Runs an `ir.Network` in float32, a batch of samples at a time.

Operations stand in the order of the framework that the network comes from (x @ W + b, then
`floatcells`), so spikes agree wherever the sums of currents do.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import sample_array
from edge_dassdp.ir import Network, Projection
from edge_dassdp.ir.cells import Cell, Float32Array, Spikes
from edge_dassdp.ir.currents import Currents
from edge_dassdp.qir.samples import encode

__all__ = ["Float32Array", "FloatModel", "Spikes", "Trace"]


@dataclass(frozen=True, eq=False)
class Trace:
    """What a batch of samples did.

    spikes[population]: bool (n_samples, n_steps, size), int32 where neurons may fire several
    times a step. membranes[population]: float32, the same shape, as stored after the step (behind
    an immediate reset). logits: float32 (n_samples, n_classes). classes: int64 (n_samples,), the
    lowest index on a tie.
    """

    spikes: dict[str, Spikes]
    membranes: dict[str, Float32Array]
    logits: Float32Array
    classes: NDArray[np.int64]


class FloatModel:
    """Float32 executor. `weights` (projection name -> float32 as in `Projection`) may change."""

    def __init__(self, network: Network) -> None:
        if not isinstance(network, Network):
            raise EdgeError("E101", f"a {type(network).__name__} is no network")
        self.network = network
        self._currents = Currents(network)
        self.weights = self._currents.weights
        self._place = {p.name: index for index, p in enumerate(network.populations)}
        self._into = {name: [p for p in network.projections if p.post == name]
                      for name in self._place}

    def run(self, x: ArrayLike) -> Trace:
        """x: (n_samples, n_inputs), per input n_frames * size values, frame after frame.

        Raises EdgeError E104 for another shape or for values that are not finite.
        """
        samples = self._checked(x)
        return self._run(tuple(self._place), self._input_drive(samples), {}, len(samples))

    def rerun(self, rasters: Mapping[str, NDArray[np.bool_]], part: Sequence[str]) -> Trace:
        """The populations `part` alone, in network order, from their start.

        rasters: population -> bool (n_samples, n_steps, size), what enters the part; no input may,
        and the readout must be in it. The trace has these rasters and the part. Raises EdgeError
        E104 for rasters that are missing or of another shape.
        """
        self._check_rasters(rasters, part)
        return self._run(part, {}, dict(rasters), len(next(iter(rasters.values()))))

    def _run(self, names: Sequence[str], drive: dict[str, Float32Array],
             spikes: dict[str, Spikes], n_samples: int) -> Trace:
        """drive (as `_input_drive`) and spikes: what is known before; both are added to."""
        network = self.network
        membranes: dict[str, Float32Array] = {}
        for block in self._blocks(names):
            drive |= {p.name: self._drive(p, spikes[p.pre])
                      for name in block for p in self._into[name] if p.pre in spikes}
            cells: dict[str, Cell] = {}
            for name in block:
                population = network.population(name)
                shape = (n_samples, network.n_steps, population.size)
                spikes[name] = np.zeros(shape, np.int32 if population.is_multi_spike else np.bool_)
                membranes[name] = np.zeros(shape, np.float32)
                cells[name] = Cell(population, n_samples)
            known = {name: self._known(name, drive) for name in block}
            for t_step in range(network.n_steps):
                for name in block:
                    total = known[name]
                    current = (self._current(name, t_step, drive, spikes) if total is None
                               else total[:, t_step])
                    spikes[name][:, t_step] = cells[name].step(current)
                    membranes[name][:, t_step] = cells[name].v
        out = network.readout.population
        summed = spikes[out] if network.readout.kind == "spike_count" else membranes[out]
        logits = summed.sum(axis=1, dtype=np.float32)
        return Trace(spikes, membranes, logits, logits[:, : network.n_known].argmax(axis=1))

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

    def _check_rasters(self, rasters: Mapping[str, NDArray[np.bool_]], part: Sequence[str]) -> None:
        n_samples = len(next(iter(rasters.values()), ()))
        for name in {p.pre for p in self.network.projections if p.post in part} - set(part):
            found = np.shape(rasters.get(name, ()))
            expected = (n_samples, self.network.n_steps, self.network.population(name).size)
            if found != expected:
                raise EdgeError("E104", f"the raster of '{name}' has shape {found}, expected "
                                f"{expected}")

    def _checked(self, x: ArrayLike) -> Float32Array:
        with np.errstate(over="ignore"):
            samples = sample_array(x).astype(np.float32)
        if samples.ndim != 2 or samples.shape[1] != self.network.n_inputs:
            raise EdgeError("E104", f"samples have shape {samples.shape}, expected (n_samples, "
                            f"{self.network.n_inputs})")
        if not np.isfinite(samples).all():
            raise EdgeError("E104", "a sample holds a number beyond float32")
        return samples

    def _input_drive(self, samples: Float32Array) -> dict[str, Float32Array]:
        """What every projection from an input brings: (n_samples, n_frames, n_post)."""
        frames = self.frames(samples)
        return {p.name: self._drive(p, frames[p.pre]) for p in self.network.projections
                if p.pre in frames}

    def frames(self, samples: Float32Array) -> dict[str, Float32Array]:
        """What each input gives of samples (n_samples, n_inputs): (n_samples, n_frames, size)."""
        given: dict[str, Float32Array] = {}
        start = 0
        for source in self.network.inputs:
            frames = samples[:, start : start + source.n_values]
            frames = frames.reshape(len(samples), source.n_frames, source.n_raw)
            start += source.n_values
            if source.encoder:
                frames = encode(source, frames, self.network.n_steps).astype(np.float32)
            given[source.name] = frames
        return given

    def _drive(self, p: Projection, raster: NDArray[Any]) -> Float32Array:
        """Current of a projection from a whole raster: (n_samples, n_steps, n_post)."""
        currents = self._currents
        return currents.sums(p, currents.later(p, raster, self.network.n_steps))

    def _known(self, population: str, drive: dict[str, Float32Array]) -> Float32Array | None:
        """Summed current of all steps, (n_samples, n_steps, size), where no term is missing."""
        into = self._into[population]
        if not into or any(p.name not in drive for p in into):
            return None
        total = functools.reduce(np.add, (drive[p.name] for p in into))
        n_samples, _, size = total.shape
        return np.broadcast_to(total, (n_samples, self.network.n_steps, size))

    def _current(self, population: str, t_step: int, drive: dict[str, Float32Array],
                 spikes: dict[str, Spikes]) -> Float32Array:
        """Summed current of all projections into `population`: (n_samples, size)."""
        terms: list[Float32Array] = []
        for p in self._into[population]:
            if p.name in drive:
                terms.append(drive[p.name][:, min(t_step, drive[p.name].shape[1] - 1)])
            else:
                arrived = self._currents.arriving(p, t_step, spikes[p.pre])
                terms.append(self._currents.sums(p, arrived)[:, 0])
        return functools.reduce(np.add, terms)
