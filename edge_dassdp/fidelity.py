"""What quantization cost: scales, proven ranges, flipped spikes and accuracy, by population."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp import ir
from edge_dassdp.bounds import Bound
from edge_dassdp.errors import EdgeError
from edge_dassdp.floatmodel import FloatModel
from edge_dassdp.qformat import to_int
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.quantize import Quantized, input_x
from edge_dassdp.reference import Reference

_CHUNK = 128


@dataclass(frozen=True)
class ProjectionFidelity:
    """scale_min, scale_max: real value of one (8-bit) weight step, over postsynaptic neurons.

    clipped: share of weights that did not fit their bits, 0 to 1.
    """

    name: str
    weight_bits: int
    is_plastic: bool
    scale_min: float
    scale_max: float
    clipped: float


@dataclass(frozen=True)
class PopulationFidelity:
    """One population with the projections into it.

    proofs: worst-case peaks against their containers, of the population and its projections.
    saturates: the int16 membrane may clip, as asked for. flipped: share of neuron-steps whose
    spike differs from the float model's, 0 to 1; None without samples, and at a readout whose
    membrane is summed, where spikes mean nothing.
    """

    name: str
    size: int
    projections: tuple[ProjectionFidelity, ...]
    proofs: tuple[Bound, ...]
    saturates: bool
    flipped: float | None


@dataclass(frozen=True)
class Fidelity:
    """Accuracies are shares from 0 to 1; agreement: share of samples given the same class."""

    populations: tuple[PopulationFidelity, ...]
    n_samples: int
    float_accuracy: float | None
    integer_accuracy: float | None
    agreement: float | None


def measure_fidelity(network: ir.Network, quantized: Quantized,
                     x: NDArray[np.float32] | None = None,
                     y: ArrayLike | None = None) -> Fidelity:
    """Compare a float network with its quantized self.

    x: float32 (n, n_inputs), None for scales and proofs alone. y: (n,) class labels, None for no
    accuracies. The integer side is the reference, at factory weights.
    Raises EdgeError E104 for another shape, no samples, or values that are not finite.
    """
    flips = {p.name: 0 for p in network.populations}
    floats = integers = np.zeros(0, np.int64)
    if x is not None:
        if len(x) == 0:
            raise EdgeError("E104", "there are no samples to compare with")
        floats, integers, flips = _compare(network, quantized.network, x)
    n = len(floats)
    labels = None if y is None or n == 0 else np.asarray(y)
    if labels is not None and labels.shape != (n,):
        raise EdgeError("E104", f"{n} samples but labels of shape {labels.shape}")
    populations = tuple(
        _population(network, quantized, p.name,
                    flips[p.name] / (n * network.n_steps * p.size) if n else None)
        for p in network.populations)
    return Fidelity(
        populations, n,
        float_accuracy=None if labels is None else float((floats == labels).mean()),
        integer_accuracy=None if labels is None else float((integers == labels).mean()),
        agreement=float((floats == integers).mean()) if n else None)


def _compare(network: ir.Network, quantized: QNetwork, x: NDArray[np.float32],
             ) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, int]]:
    """Classes of both, and by population the neuron-steps whose spikes differ."""
    model, reference = FloatModel(network), Reference(quantized)
    flips = {p.name: 0 for p in network.populations}
    floats, integers = [], []
    for first in range(0, len(x), _CHUNK):
        chunk = x[first : first + _CHUNK]
        trace = model.run(chunk)
        reference.begin(input_x(quantized, chunk))
        for t_step in range(network.n_steps):
            reference.step(t_step)
            for name, fired in reference.spikes.items():
                flips[name] += int((fired != trace.spikes[name][:, t_step]).sum())
        floats.append(trace.classes)
        integers.append(reference.end())
    return np.concatenate(floats), np.concatenate(integers), flips


def _population(network: ir.Network, quantized: Quantized, name: str,
                flipped: float | None) -> PopulationFidelity:
    p = quantized.network.population(name)
    projections = tuple(_projection(network.projection(q.name), q)
                        for q in quantized.network.into(name))
    owners = (name, *(q.name for q in projections))
    proofs = tuple(b for b in quantized.proofs if b.what.partition(":")[0] in owners)
    silent = name == network.readout.population and network.readout.kind == "membrane_sum"
    return PopulationFidelity(name, p.size, projections, proofs, p.saturates,
                              None if silent else flipped)


def _projection(p: ir.Projection, q: QProjection) -> ProjectionFidelity:
    w_max = (1 << (q.weight_bits - 1)) - 1
    wanted = np.abs(to_int(p.weight / q.scale * (256 if q.weight_bits == 16 else 1)))
    return ProjectionFidelity(q.name, q.weight_bits, q.is_plastic, float(q.scale.min()),
                              float(q.scale.max()), float((wanted > w_max).mean()))
