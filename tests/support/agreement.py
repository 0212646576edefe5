"""Compares the float executor with a source framework, spike by spike.

Both compute in float32, and the sums of currents may be added up in another order. A difference is
therefore allowed where the membrane stood within rounding of the threshold, and nowhere else: each
such place is listed. What follows from it in the same sample is not counted again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_dassdp.ir import Network
from edge_dassdp.ir.cells import Cell
from edge_dassdp.twin import model
from edge_dassdp.twin.model import FloatModel, Trace

MAX_ULPS = 16.0
"""Of the largest number that the neuron's membrane has been, or of its threshold."""


@dataclass(frozen=True)
class Difference:
    population: str
    sample: int
    t_step: int
    neuron: int
    ours: int
    source: int
    ulps: float


def decisions(network: Network, x: np.ndarray) -> tuple[Trace, dict[str, np.ndarray]]:
    """The trace, and the membranes (n_samples, n_steps, size) that were compared with the
    threshold, before any reset at once."""
    compared: dict[str, list[np.ndarray]] = {p.name: [] for p in network.populations}

    class Watched(Cell):
        def step(self, current):
            exceeds = self.exceeds

            def watching(v, theta):
                last[:] = [v]
                return exceeds(v, theta)

            last: list[np.ndarray] = []
            self.exceeds = watching
            fired = super().step(current)
            self.exceeds = exceeds
            compared[self.p.name].append(np.array(last[0]))
            return fired

    usual, model.Cell = model.Cell, Watched
    try:
        trace = FloatModel(network).run(x)
    finally:
        model.Cell = usual
    return trace, {name: np.stack(v, axis=1) for name, v in compared.items()}


def differences(network: Network, trace: Trace, membranes: dict[str, np.ndarray],
                source: dict[str, np.ndarray]) -> list[Difference]:
    """The first ones of every sample: in its first step with any, of the first population."""
    found = []
    differs = {name: trace.spikes[name].astype(int) != s for name, s in source.items()}
    for sample in range(len(next(iter(source.values())))):
        steps = [(np.flatnonzero(d[sample].any(axis=1))[:1], place, name)
                 for place, (name, d) in enumerate(differs.items())]
        begun = [(int(step[0]), place, name) for step, place, name in steps if len(step)]
        if not begun:
            continue
        t_step, _, name = min(begun)
        for neuron in np.flatnonzero(differs[name][sample, t_step]):
            theta = np.float32(network.population(name).threshold[neuron])
            history = membranes[name][sample, : t_step + 1, neuron]
            v = history[-1]
            nearest = theta * max(1.0, float(np.round(v / theta)))
            largest = max(float(np.abs(history).max()), float(theta))
            found.append(Difference(
                name, sample, t_step, int(neuron), int(trace.spikes[name][sample, t_step, neuron]),
                int(source[name][sample, t_step, neuron]),
                abs(float(v) - nearest) / float(np.spacing(np.float32(largest)))))
    return found


def assert_agrees(network: Network, x: np.ndarray, source: dict[str, np.ndarray],
                  most: int = 0) -> tuple[Trace, dict[str, np.ndarray]]:
    """Spikes (n_samples, n_steps, size) of `source` are ours, with at most `most` first differences
    in all samples together, each of them within MAX_ULPS of the threshold."""
    trace, membranes = decisions(network, x)
    for name, spikes in source.items():
        assert spikes.any(), f"{name} never fires"
        assert (spikes == 0).any(), f"{name} always fires"
        assert trace.spikes[name].shape == spikes.shape
    found = differences(network, trace, membranes, source)
    listed = "\n".join(map(str, found))
    assert all(d.ulps <= MAX_ULPS for d in found), f"not by rounding:\n{listed}"
    assert len(found) <= most, f"{len(found)} differences by rounding, expected {most}:\n{listed}"
    return trace, membranes
