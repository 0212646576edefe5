"""Constants of neurons in membrane units, each of which an integer must hold.

What an integer does not hold is refused with the neuron that asks for it: the proofs of `bounds`
begin with constants that have a form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import INT32_MAX
from edge_dassdp.ir import FloatArray, Population
from edge_dassdp.qir.ranges import RICH_MAX

COARSER = "give the population fewer threshold bits (--threshold-bits), which makes units coarser"
HELP = {
    "threshold": f"{COARSER}, or bring the smallest threshold and the largest weight closer "
    "together; where nothing reads its spikes, any smaller threshold does",
    "bias": f"{COARSER}, or scale weights and thresholds up",
    "v_bias": f"{COARSER}, or scale weights and thresholds up",
    "v_init": f"{COARSER}, or start membranes nearer to their thresholds",
    "v_min": f"{COARSER}, or leave out a floor that no membrane reaches",
}


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
