"""Runs an `ir.Network` in float32, a batch of samples at a time.

Operations stand in the order PyTorch and snnTorch do them (x @ W + b, beta * v + i - r * theta),
so spikes agree wherever the matrix product does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.errors import EdgeError
from edge_dassdp.ir import Network, Population

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

    def run(self, x: ArrayLike) -> Trace:
        """x: (n_samples, n_inputs), per input n_frames * size values, frame after frame.

        Raises EdgeError E104 for another shape or for values that are not finite.
        """
        samples = self._checked(x)
        drive = self._input_drive(samples)
        network, n_samples = self.network, len(samples)
        shapes = {p.name: (n_samples, network.n_steps, p.size) for p in network.populations}
        spikes = {name: np.zeros(shape, np.bool_) for name, shape in shapes.items()}
        membranes = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        for t_step in range(network.n_steps):
            for population in network.populations:
                name = population.name
                before = (
                    membranes[name][:, t_step - 1] if t_step
                    else np.zeros((n_samples, population.size), np.float32)
                )
                current = self._current(name, t_step, drive, spikes)
                v, s = neuron_step(population, before, current)
                membranes[name][:, t_step], spikes[name][:, t_step] = v, s
        out = network.readout.population
        summed = spikes[out] if network.readout.kind == "spike_count" else membranes[out]
        logits = summed.sum(axis=1, dtype=np.float32)
        return Trace(spikes, membranes, logits, logits.argmax(axis=1))

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

    def _current(
        self,
        population: str,
        t_step: int,
        drive: dict[str, Float32Array],
        spikes: dict[str, NDArray[np.bool_]],
    ) -> Float32Array:
        """Summed current of all projections into `population`: (n_samples, size)."""
        terms: list[Float32Array] = []
        for p in self.network.projections:
            if p.post != population:
                continue
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
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


def neuron_step(
    population: Population, v: Float32Array, current: Float32Array
) -> tuple[Float32Array, NDArray[np.bool_]]:
    """One step of `ir.Population`'s equations: the stored membrane and the spikes.

    v, current: float32 (n_samples, size).
    """
    beta = population.beta.astype(np.float32)
    theta = population.threshold.astype(np.float32)
    exceeds = np.greater if population.strict else np.greater_equal
    r = exceeds(v, theta).astype(np.float32)
    if population.reset == "subtract":
        v = (beta * v + current) - r * theta
    elif population.reset == "zero":
        v = beta * ((np.float32(1) - r) * v) + current
    else:
        v = beta * v + current
    fired = exceeds(v, theta)
    if not population.reset_delay and population.reset != "none":
        late = fired.astype(np.float32) - r
        v = v - late * (theta if population.reset == "subtract" else v)
    return v, fired
