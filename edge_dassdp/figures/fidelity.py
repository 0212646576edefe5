"""What quantization came to: scales, kernels, proven ranges, weights that became 0, and on samples
clipped inputs and membranes, flipped spikes, values read out and accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray, to_int
from edge_dassdp.data.clipping import Clipping, clipping
from edge_dassdp.harness import Errors
from edge_dassdp.ir.canonical import canonical
from edge_dassdp.plan import Plan, kernels
from edge_dassdp.plan.routes import Route
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.order import device_order, to_natural_weight
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import Quantized
from edge_dassdp.quantize.inputs import in_codes
from edge_dassdp.reference import Reference
from edge_dassdp.reference.outcome import Progress, behind
from edge_dassdp.twin.model import FloatModel

_CHUNK = 128


@dataclass(frozen=True)
class ProjectionFidelity:
    """scale_min, scale_max: real value of one (8-bit) weight step, over postsynaptic neurons.

    clipped: share of weights that did not fit their bits, 0 to 1. vanished: share of those that are
    not 0 in float and are in integers. kernel: its symbol; reason: why
    it runs there. activity: share of presynaptic neurons that are active in a step, 0 to 1, None
    where it was not measured. byte_rows: rows that may add up in byte lanes, None for currents.
    """

    name: str
    weight_bits: int
    is_plastic: bool
    scale_min: float
    scale_max: float
    clipped: float
    vanished: float
    kernel: str
    reason: str
    activity: float | None
    byte_rows: int | None


@dataclass(frozen=True)
class PopulationFidelity:
    """One population with the projections into it.

    proofs: worst-case peaks against their containers, of the population and its projections.
    kernel: symbol of its update; membrane: how membranes are kept, and why not in pairs.
    saturates: the int16 membrane may clip; saturated: share of neuron-steps in which one did, 0 to
    1, None without samples and where it is proven that none can. flipped: share of neuron-steps
    whose spike differs from the float model's, 0 to 1; None without samples, and at a readout
    whose membrane is summed, where spikes mean nothing. diverges_at: the first step, from 0, in
    which a spike of any sample differs, None where none does.
    """

    name: str
    size: int
    projections: tuple[ProjectionFidelity, ...]
    proofs: tuple[Bound, ...]
    kernel: str
    membrane: str
    saturates: bool
    saturated: float | None
    flipped: float | None
    diverges_at: int | None


@dataclass(frozen=True)
class Values:
    """Values read out, the logits, in integers against float: what a class does not show.

    rms, largest: error in units of the float network, over samples and outputs. spread: standard
    deviation of the float values over samples, the root of the mean square over outputs.
    correlation: of values less their mean over samples, None where either has no spread.
    """

    rms: float
    largest: float
    spread: float
    correlation: float | None

    @classmethod
    def compared(cls, floats: NDArray[np.float64], integers: NDArray[np.float64]) -> Values:
        """Both (n_samples, n_outputs), in the same unit."""
        error = integers - floats
        a, b = (v - v.mean(axis=0) for v in (floats, integers))
        scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
        return cls(float(np.sqrt((error**2).mean())), float(np.abs(error).max()),
                   float(np.sqrt((a**2).mean())), float((a * b).sum()) / scale if scale else None)

    @property
    def relative(self) -> float | None:
        """rms as a share of the spread, None without one."""
        return self.rms / self.spread if self.spread else None


@dataclass(frozen=True)
class Fidelity:
    """Accuracies are shares from 0 to 1; agreement: share of samples given the same class. None of
    them stands where there is one output alone: `values` compares what is read out. clipping: what
    the samples' values clip. float_errors, integer_errors: of values, where samples have targets.
    All None without samples."""

    populations: tuple[PopulationFidelity, ...]
    n_samples: int
    float_accuracy: float | None
    integer_accuracy: float | None
    agreement: float | None
    values: Values | None
    clipping: Clipping | None
    float_errors: Errors | None = None
    integer_errors: Errors | None = None


def measure_fidelity(network: ir.Network, quantized: Quantized,
                     x: NDArray[np.float32] | None = None,
                     y: ArrayLike | None = None, told: Progress | None = None) -> Fidelity:
    """Compare a float network with its quantized self.

    x: float32 (n, n_inputs), None for scales and proofs alone. y: (n,) class labels, None for no
    accuracies. told: gets the number of samples compared. The integer side is the reference, at
    factory weights. Raises EdgeError E104 for another shape, no samples, or values that are not
    finite.
    """
    found = _Comparison.empty(network)
    plain = in_codes(canonical(network), quantized.network.x_scales)
    if x is not None:
        if len(x) == 0:
            raise EdgeError("E104", "there are no samples to compare with")
        found = _compare(network, quantized.network, x, behind(told))
    n = len(found.floats)
    targets = None if y is None or n == 0 or quantized.network.values is None else np.asarray(y)
    labels = None if y is None or n == 0 or targets is not None else np.asarray(y)
    if labels is not None and labels.shape != (n,):
        raise EdgeError("E104", f"{n} samples but labels of shape {labels.shape}")
    has_classes = network.n_classes > 1 and quantized.network.values is None

    names = quantized.network.values.names if quantized.network.values else ()

    def errors(logits: NDArray[np.float64]) -> Errors | None:
        return None if targets is None else \
            Errors.of(logits / network.readout.temperature, targets, names)

    def share(classes: IntArray, wanted: IntArray | None) -> float | None:
        return None if wanted is None or not n or not has_classes \
            else float((classes == wanted).mean())

    return Fidelity(
        tuple(_population(plain, quantized, p.name, found) for p in network.populations), n,
        float_accuracy=share(found.floats, labels), integer_accuracy=share(found.integers, labels),
        agreement=share(found.floats, found.integers),
        float_errors=errors(found.values[0]), integer_errors=errors(found.values[1]),
        values=Values.compared(*found.values) if n else None,
        clipping=None if x is None else clipping(
            quantized.network.inputs, quantized.network.x_scales, x))


@dataclass(frozen=True, eq=False)
class _Comparison:
    """Classes and logits of both models, and by population the neuron-steps whose spikes differ,
    those whose membranes clipped, and the first step in which a spike differs."""

    floats: IntArray
    integers: IntArray
    values: tuple[NDArray[np.float64], NDArray[np.float64]]
    flips: dict[str, int]
    clips: dict[str, int]
    diverged: dict[str, int]

    @staticmethod
    def empty(network: ir.Network) -> _Comparison:
        none, zeros = np.zeros(0, np.int64), {p.name: 0 for p in network.populations}
        values = np.zeros((0, network.n_classes))
        return _Comparison(none, none, (values, values), zeros, zeros, {})


def _compare(network: ir.Network, quantized: QNetwork, x: NDArray[np.float32],
             told: Progress) -> _Comparison:
    model, reference = FloatModel(network), Reference(quantized)
    flips, clips = ({p.name: 0 for p in network.populations} for _ in range(2))
    diverged: dict[str, int] = {}
    floats, integers, read, made = [], [], [], []
    natural = {p.name: slice(None) if p.natural is None else device_order(p.natural)
               for p in quantized.populations}
    for first in range(0, len(x), _CHUNK):
        chunk = x[first : first + _CHUNK]
        trace = model.run(chunk)
        reference.begin(input_x(quantized, chunk))
        for t_step in range(network.n_steps):
            reference.step(t_step)
            for name, fired in reference.spikes.items():
                differ = int((fired[:, natural[name]] != trace.spikes[name][:, t_step]).sum())
                flips[name] += differ
                if differ:
                    diverged[name] = min(diverged.get(name, t_step), t_step)
                clips[name] += int(reference.clipped[name].sum())
        floats.append(trace.classes)
        integers.append(reference.end())
        known = slice(network.n_known)
        read.append(trace.logits[:, known].astype(np.float64))
        made.append(reference.sums[:, natural[quantized.readout]][:, known]
                    * _logit_units(quantized)[..., known])
        told(first + len(chunk))
    return _Comparison(np.concatenate(floats), np.concatenate(integers),
                       (np.concatenate(read), np.concatenate(made)), flips, clips, diverged)


def _logit_units(network: QNetwork) -> NDArray[np.float64]:
    """Of each logit, in the unit of the float network's: outputs that are values count in the scale
    of their targets."""
    scale = np.ones(1) if network.values is None else network.values.scale
    return np.asarray(network.logit_unit * scale)


def _population(network: ir.Network, quantized: Quantized, name: str,
                found: _Comparison) -> PopulationFidelity:
    p, plan = quantized.network.population(name), Plan.of(quantized.network)
    projections = tuple(_projection(network, q, plan.routes[q.name],
                                    quantized.network.is_packed(q))
                        for q in quantized.network.into(name))
    owners = (name, *(q.name for q in projections))
    proofs = tuple(b for b in quantized.proofs if b.what.partition(":")[0] in owners)
    peak = next(b.peak for b in proofs if b.what == f"{name}: membrane")
    kernel = kernels.of_population(p, peak)
    silent = name == network.readout.population and network.readout.kind == "membrane_sum"
    n = len(found.floats) * network.n_steps * p.size
    return PopulationFidelity(
        name, p.size, projections, proofs, kernel.symbol, kernel.reason, p.saturates,
        saturated=found.clips[name] / n if n and p.saturates else None,
        flipped=found.flips[name] / n if n and not silent else None,
        diverges_at=None if silent else found.diverged.get(name))


def vanished(network: ir.Network, quantized: QNetwork) -> dict[str, float]:
    """By projection: share of weights, 0 to 1, that are not 0 in float and are in integers."""
    plain = in_codes(canonical(network), quantized.x_scales)
    return {q.name: _vanished(plain, q) for q in quantized.projections}


def _wanted(network: ir.Network, q: QProjection) -> IntArray:
    """The integers that the weights of q round to, without a limit of their bits."""
    p = network.projection(q.name)
    steps = to_natural_weight(network, p, np.broadcast_to(q.steps, q.w.shape))
    return to_int(p.weight / steps)


def _vanished(network: ir.Network, q: QProjection) -> float:
    weight = network.projection(q.name).weight
    return float((_wanted(network, q)[weight != 0] == 0).mean()) if weight.any() else 0.0


def _projection(network: ir.Network, q: QProjection, route: Route,
                is_packed: bool) -> ProjectionFidelity:
    w_max = (1 << (q.weight_bits - 1)) - 1
    return ProjectionFidelity(
        q.name, q.weight_bits, q.is_plastic, float(q.scale.min()), float(q.scale.max()),
        float((np.abs(_wanted(network, q)) > w_max).mean()), _vanished(network, q),
        route.kernel.symbol, route.kernel.reason, q.activity,
        None if q.is_analogue else kernels.byte_rows(q.weight_bits, is_packed))
