"""Spikes step by step: read from a target that is stopped after each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.target import Progress, Target

MOST_SPIKES = 200_000
"""Steps times neurons that are read: what a page can show."""


def rasters(targets: Sequence[Target], network: QNetwork, x: NDArray[np.int8],
            progress: Progress | None = None) -> dict[str, Any]:
    """The spikes of samples x, int8 (n, x_bytes), on each target, by inference alone.

    populations, with name and size in order; n_steps; spikes of each target: [step, neuron] pairs,
    steps counted on from sample to sample, neurons from population to population. progress: is told
    the samples done, of each target.
    """
    sizes = [p.size for p in network.populations]
    n_samples = max(1, min(len(x), MOST_SPIKES // max(1, network.n_steps * sum(sizes))))
    return {"populations": [{"name": p.name, "size": p.size} for p in network.populations],
            "n_steps": network.n_steps, "n_samples": n_samples,
            "spikes": {t.name: _spikes(t, network, x[:n_samples], progress) for t in targets}}


def _spikes(target: Target, network: QNetwork, x: NDArray[np.int8],
            progress: Progress | None) -> list[list[int]]:
    found: list[list[int]] = []
    for i, sample in enumerate(x):
        for t_step in range(network.n_steps):
            target.infer(sample, n_steps=t_step + 1)
            state = target.named_state()
            spikes = np.concatenate([np.ravel(state[f"spk_{p.name}"])
                                     for p in network.populations])
            found += [[i * network.n_steps + t_step, int(j)] for j in np.flatnonzero(spikes)]
        if progress:
            progress(i + 1)
    return found
