"""An imported network against its source: both run on a few random samples, and the first
difference is named.

Every population hears the spikes that the *source* fired, so that each is judged alone and a tie
at a threshold changes nothing behind it. A spike may differ where the membrane lies within
rounding of the threshold; that neuron is left out from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import ROUNDING, Input, Network, Population
from edge_dassdp.ir.cells import Cell, Float32Array, Spikes
from edge_dassdp.ir.currents import Currents

N_SAMPLES, N_STEPS = 4, 8
SCALES = (1.0, 4.0, 16.0, 64.0)
"""Of the inputs, one after the other until every population of the source fires."""


@dataclass(frozen=True, eq=False)
class Did:
    """What a population did, each (N_SAMPLES, N_STEPS, size): spikes, or how many; membranes as
    stored after a step. None where the source does not show it. at: what messages call it."""

    spikes: NDArray[Any] | None = None
    membranes: NDArray[Any] | None = None
    at: str = ""


Source = Callable[[Mapping[str, Float32Array]], Mapping[str, Did]]
"""Values of every input by name, (N_SAMPLES, N_STEPS, size), spikes of encoders among them -> what
every population did from its start, by name; those it does not name are heard as we compute them.
Spikes may be counts above 1."""


def compare(network: Network, source: Source, rounding: float = ROUNDING) -> None:
    """Raises EdgeError E107 at the first difference between a network and its source.

    rounding: relative error of the source's numbers.
    """
    for number, scale in enumerate(SCALES):
        x = _samples(network, scale, seed=number)
        did = source(x)
        _Comparison(network, x, did, rounding).run()
        if all(d.spikes is None or d.spikes.any() for d in did.values()):
            return


def different(message: str, cause: str = "", help: str = "look for what changes the forward pass: "
              "hooks, replaced functions, subclasses, options of another version") -> EdgeError:
    return EdgeError("E107", message, cause=cause, help=f"{help}; or pass check=False to import it "
                     "as its classes and settings say")


def _samples(network: Network, scale: float, seed: int) -> dict[str, Float32Array]:
    """Of several amplitudes; spikes become counts where they are scaled."""
    rng = np.random.default_rng(seed)
    return {i.name: _values(i, scale, rng) for i in network.inputs}


def _values(source: Input, scale: float, rng: np.random.Generator) -> Float32Array:
    shape = (N_SAMPLES, N_STEPS, source.size)
    if source.spikes:
        return np.asarray((rng.random(shape) < 0.3) * scale, np.float32)
    amplitude = scale * 2.0 ** np.arange(-1, N_SAMPLES - 1)
    return np.asarray(rng.normal(0.1, 1.0, shape) * amplitude[:, None, None], np.float32)


class _Watched(Cell):
    """Knows how far membranes were from their thresholds when those were last asked."""

    def __init__(self, population: Population, n: int) -> None:
        super().__init__(population, n)
        compared, self.distance = self.exceeds, np.zeros((n, population.size), np.float32)

        def exceeds(v: Float32Array, theta: Float32Array) -> Any:
            nearest = theta * np.maximum(np.round(v / theta), 1) if population.is_multi_spike \
                else theta
            self.distance = np.minimum(self.distance, np.abs(v - nearest))
            return compared(v, theta)

        self.exceeds = exceeds  # type: ignore[assignment]

    def step(self, current: Float32Array) -> Spikes:
        self.distance = np.full_like(self.distance, np.inf)
        return super().step(current)


class _Comparison:
    """errors: how far a membrane may be from its source's by rounding, which grows by the step.
    alike: neurons that decided alike so far, (N_SAMPLES, size)."""

    def __init__(self, network: Network, x: Mapping[str, Float32Array], did: Mapping[str, Did],
                 rounding: float) -> None:
        self.network, self.did, self.rounding = network, did, rounding
        self.currents = Currents(network)
        self.cells = {p.name: _Watched(p, N_SAMPLES) for p in network.populations}
        self.errors = {p.name: np.zeros((N_SAMPLES, p.size)) for p in network.populations}
        self.alike = {p.name: np.ones((N_SAMPLES, p.size), bool) for p in network.populations}
        self.heard: dict[str, NDArray[Any]] = dict(x)
        for p in network.populations:
            spikes = did.get(p.name, Did()).spikes
            self.heard[p.name] = np.zeros((N_SAMPLES, N_STEPS, p.size), np.float32) \
                if spikes is None else spikes

    def run(self) -> None:
        for t_step in range(N_STEPS):
            for population in self.network.populations:
                self._step(t_step, population)

    def _step(self, t_step: int, population: Population) -> None:
        name, cell = population.name, self.cells[population.name]
        current, largest = self._current(t_step, name)
        self.errors[name] += self.rounding * (
            cell.theta + np.abs(cell.v) + np.maximum(cell.gain, 1) * (np.abs(current) + largest))
        fired, did = cell.step(current), self.did.get(name, Did())
        if did.spikes is None:
            self.heard[name][:, t_step] = fired
        if did.membranes is not None:
            theirs = did.membranes[:, t_step]
            with np.errstate(invalid="ignore"):
                agrees = np.abs(cell.v - theirs) <= self.errors[name]
            self._judge(t_step, population, "has a membrane of", cell.v, theirs, agrees)
        if did.spikes is not None:
            theirs = did.spikes[:, t_step]
            self._judge(t_step, population, "fires", fired, theirs, fired == theirs)

    def _current(self, t_step: int, name: str) -> tuple[Float32Array, Float32Array]:
        """Summed, (N_SAMPLES, size), and what its rounding is measured by, (N_SAMPLES, 1)."""
        sums, largest = [], np.zeros((N_SAMPLES, 1), np.float32)
        for p in self.network.projections:
            if p.post == name:
                arrived = self.currents.arriving(p, t_step, self.heard[p.pre])
                sums.append(self.currents.sums(p, arrived)[:, 0])
                bias = 0.0 if p.bias is None else np.abs(p.bias).max()
                area = np.prod(p.pool.kernel) if p.pool else 1
                length = np.linalg.norm(arrived[:, 0], axis=1, keepdims=True)
                largest += np.float32(np.abs(p.weight).max() * area) * length + np.float32(bias)
        return reduce(np.add, sums), largest

    def _judge(self, t_step: int, population: Population, what: str, ours: NDArray[Any],
               theirs: NDArray[Any], agrees: NDArray[np.bool_]) -> None:
        """Leaves out what a tie may have decided otherwise; refuses what differs without one."""
        name = population.name
        differs = self.alike[name] & ~agrees
        is_tie = self.cells[name].distance <= self.errors[name]
        self.alike[name] &= ~(differs & is_tie)
        found = np.argwhere(differs & ~is_tie)
        if len(found):
            at, place = self.did[name].at or "its source", tuple(found[0])
            raise different(
                f"population '{name}' is not what {at} computes: in step {t_step} of sample "
                f"{place[0]}, neuron {place[1]} {what} {float(ours[place]):.7g}, but "
                f"{float(theirs[place]):.7g} in the source",
                f"both ran on {N_SAMPLES} random samples; {len(found)} of "
                f"{N_SAMPLES * population.size} values of that step differ")
