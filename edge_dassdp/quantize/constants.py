"""Constants of neurons in membrane units, each of which an integer must hold.

What an integer does not hold is refused with the neuron that asks for it, or with the samples that
are out of size: the proofs of `bounds` begin with constants that have a form.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import sample_array
from edge_dassdp.base.qformat import INT32_MAX
from edge_dassdp.ir import FloatArray, Network, Population
from edge_dassdp.qir.ranges import RICH_MAX
from edge_dassdp.quantize.inputs import feature_norms
from edge_dassdp.quantize.settings import Settings

COARSER = "give the population fewer threshold bits (--threshold-bits), which makes units coarser"
HELP = {
    "threshold": f"{COARSER}, or bring the smallest threshold and the largest weight closer "
    "together; where nothing reads its spikes, any smaller threshold does",
    "bias": f"{COARSER}, or scale weights and thresholds up",
    "v_bias": f"{COARSER}, or scale weights and thresholds up",
    "v_init": f"{COARSER}, or start membranes nearer to their thresholds",
    "v_min": f"{COARSER}, or leave out a floor that no membrane reaches",
}
MOST_MOVED, MOST_REACHED = 1000.0, 100.0
"""Thresholds that a feature moves a neuron by in a step, and what it reaches, before samples are
blamed."""


@dataclass(frozen=True, eq=False)
class InUnits:
    """Constants of one population as reals in its unit, (1,) or (size,), neurons in the float
    network's order, once they are known to round to what an int32 holds. Each raises E201."""

    population: Population

    def threshold(self, unit: FloatArray, fires: bool) -> FloatArray:
        """fires: its spikes go somewhere, so that a threshold of 0 would let it fire for ever."""
        values = self.population.threshold
        exact = self._within("threshold", values, values / unit, INT32_MAX - 1)
        is_lost = exact < 0.5
        if fires and is_lost.any():
            raise self._refused(
                "threshold", values, is_lost,
                f"rounds to 0 membrane units, of which one is {np.max(unit):.4g}",
                "raise it, or make weights and biases of the population smaller; unequal neurons "
                "have units of their own with --per-neuron, and currents in finer steps "
                "(x_frac_bits, --input-scale feature) have smaller ones")
        return exact

    def bias(self, values: FloatArray, unit: FloatArray) -> FloatArray:
        return self._within("bias", values, values / unit, INT32_MAX)

    def term(self, name: str, values: FloatArray, unit: FloatArray) -> FloatArray:
        """One of `QDynamics`, whose membranes keep away from the ends of an int32."""
        return self._within(name, values, values / unit, RICH_MAX)

    def _within(self, what: str, values: FloatArray, exact: FloatArray,
                limit: int) -> FloatArray:
        beyond = ~(np.abs(exact) < limit + 0.5)
        if beyond.any():
            worst = float(np.broadcast_to(exact, beyond.shape)[beyond][0])
            raise self._refused(what, values, beyond, f"is {worst:,.0f} membrane units, more than "
                                f"{limit:,}", HELP[what])
        return exact

    def _refused(self, what: str, values: FloatArray, where: NDArray[np.bool_], why: str,
                 cure: str) -> EdgeError:
        """Names the first neuron of those that `where` marks."""
        size = self.population.size
        marked = np.flatnonzero(np.broadcast_to(where, size))
        first = int(marked[0])
        others = f", as of {marked.size - 1:,} more" if marked.size > 1 else ""
        value = float(np.broadcast_to(values, size)[first])
        return EdgeError("E201", f"population '{self.population.name}': the {what} of neuron "
                         f"{first}, {value:.6g}{others}, has no integer form",
                         cause=f"it {why}", help=cure)


@contextmanager
def samples_blamed(network: Network, settings: Settings,
                   calibration: NDArray[np.float32] | None) -> Iterator[None]:
    """A block that makes integers of a canonical network: where it raises E101, E201 or E202, and
    samples, float32 (n, n_inputs), reach far beyond what thresholds are made for, an EdgeError
    names the feature: E202 where a proof failed, else E201."""
    try:
        yield
    except EdgeError as problem:
        told = None if calibration is None or problem.code not in ("E101", "E201", "E202") \
            else _out_of_size(network, sample_array(calibration))
        if told is None:
            raise
        own = ("; where it was trained on such values, give each feature its own step and zero "
               "with --input-scale feature") * (settings.input_scale == "uniform")
        raise EdgeError("E202" if problem.code == "E202" else "E201", told, cause=problem.message,
                        help="scale the samples as in the training of the network: they are in "
                        f"other units, or not scaled{own}") from None


def _out_of_size(network: Network, samples: NDArray[np.float64]) -> str | None:
    """The feature of samples (n, n_inputs) beyond MOST_REACHED that moves neurons most, where that
    is by more than MOST_MOVED thresholds in a step."""
    start, found = 0, [(0.0, "")]
    for source in network.inputs:
        stop = start + source.n_values
        peak = np.abs(samples[:, start:stop]).reshape(-1, source.n_raw).max(axis=0)
        start = stop
        for p in () if source.spikes else (p for p in network.projections if p.pre == source.name):
            moved = np.where(peak > MOST_REACHED, peak, 0) / network.population(
                p.post).threshold.max() * feature_norms(p, source)
            k = int(moved.argmax())
            found.append((float(moved[k]), f"training samples reach {peak[k]:.3g} in "
                          f"{source.name}[{k}], which moves neurons of '{p.post}' by "
                          f"{moved[k]:.2g} thresholds in a step"))
    most, told = max(found)
    return told if most > MOST_MOVED else None
