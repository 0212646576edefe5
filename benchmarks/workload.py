"""The network that the benchmarks run: 256-128-64-10, spikes in, LIF with soft reset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.demo.adaptation import learning_of
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import ErrorSSDP
from edge_dassdp.twin.model import FloatModel

SIZES = (256, 128, 64, 10)
N_STEPS, BETA, SEED = 25, 0.9, 1


def network(activity: float, sizes: tuple[int, ...] = SIZES) -> Network:
    """Random weights; biases set, layer by layer, so that a share `activity` of each layer fires
    in a step when a share `activity` of the input does. At 1.0 everything fires always."""
    rng = np.random.default_rng(SEED)
    names = ["x", *[f"h{k}" for k in range(1, len(sizes) - 1)], "out"]
    populations = tuple(Population(name, size, BETA, 1.0, "subtract")
                        for name, size in zip(names[1:], sizes[1:], strict=True))
    projections = [
        Projection(f"fc{k}", pre, post, rng.normal(0, 1 / np.sqrt(n_pre), (n_pre, n_post)),
                   np.full(n_post, 5.0))
        for k, (pre, post, n_pre, n_post) in enumerate(
            zip(names, names[1:], sizes, sizes[1:], strict=False), 1)]
    x = spikes(8, activity, sizes[0])

    def made() -> Network:
        return Network((Input("x", sizes[0], N_STEPS, spikes=True),), populations,
                       tuple(projections), Readout("out", "spike_count"), N_STEPS)

    for k, population in enumerate(populations if activity < 1 else ()):
        low, high = -1.0, 1.0
        for _ in range(12):
            old = projections[k]
            bias = np.full(population.size, (low + high) / 2)
            projections[k] = Projection(old.name, old.pre, old.post, old.weight, bias)
            rate = FloatModel(made()).run(x).spikes[population.name].mean()
            low, high = ((low + high) / 2, high) if rate < activity else (low, (low + high) / 2)
    return made()


def spikes(n_samples: int, activity: float, n_inputs: int = SIZES[0]) -> NDArray[np.float32]:
    """Samples (n, N_STEPS * n_inputs): in every frame exactly round(activity * n) inputs spike."""
    rng = np.random.default_rng(SEED + 1)
    order = rng.random((n_samples, N_STEPS, n_inputs)).argsort(axis=2)
    frames = order < round(activity * n_inputs)
    return frames.reshape(n_samples, -1).astype(np.float32)


def quantized(activity: float, weight_bits: int, *, learns: bool = False,
              sizes: tuple[int, ...] = SIZES) -> tuple[QNetwork, NDArray[np.int8]]:
    """The network on the device, and 8 samples for it. With learns both deeper projections are
    plastic; nothing is taken to be dense, so that event-driven kernels are what is counted."""
    float_network = network(activity, sizes)
    learning = learning_of(float_network, ErrorSSDP()) if learns else None
    made = quantize(float_network, learning, Settings(weight_bits=weight_bits)).network
    return made, input_x(made, spikes(8, activity, sizes[0]))
