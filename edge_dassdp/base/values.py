"""A readout of values in place of classes: what its logits stand for, and targets as the device has
them (docs/regression.md).

A value counts in Q11 of a scale, the standard deviation of the training's targets, from a centre,
their mean. `value = centre + scale * value_q11 / 2^11`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import array_of, finite
from edge_dassdp.base.qformat import INT16_MAX, IntArray, round_shift, to_int
from edge_dassdp.base.quantities import QUANTITIES

FRAC_BITS = QUANTITIES["value_frac_bits"]
ERROR_MAX_Q8 = QUANTITIES["value_error_max_q8"]
MOST_OUTPUTS = 256
"""So that the sum of their squared errors fits 32 bits."""
Targets = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QValues:
    """value_q11 = round(logit mul / 2^shift) - centre_q11.

    mul: 1 to 2^15 - 1. shift: 0 to 46. centre_q11: (n_outputs,) int32. scale: (n_outputs,), of one
    unit, kept for people: no target uses it. names: of the outputs, empty where nobody said any.
    """

    mul: int
    shift: int
    centre_q11: IntArray
    scale: NDArray[np.float64]
    names: tuple[str, ...] = ()

    @property
    def n_outputs(self) -> int:
        return int(self.centre_q11.size)

    @property
    def centre(self) -> Targets:
        """(n_outputs,) in the targets' unit."""
        return np.asarray(self.centre_q11 / 2.0**FRAC_BITS * self.scale)

    def name(self, output: int) -> str:
        """For people."""
        return f"'{self.names[output]}'" if self.names else f"output {output}"

    def of_logits(self, logits: ArrayLike) -> Targets:
        """Values (n, n_outputs) in the targets' unit, of logits (n, n_outputs), as the device takes
        them for its error, before rounding."""
        return np.asarray(np.asarray(logits) * (self.mul / 2.0 ** (self.shift + FRAC_BITS))
                          * self.scale)

    def value_q11(self, logits: IntArray) -> IntArray:
        """As the device has them, (n_outputs,) of logits (n_outputs,)."""
        return np.asarray(round_shift(logits.astype(np.int64) * self.mul, self.shift)
                          - self.centre_q11)

    def in_q11(self, targets: Targets, told: Callable[[int, str], str] | None = None
               ) -> NDArray[np.int16]:
        """Targets (n, n_outputs) as the device takes them. told: what stands where sample i does,
        for people. Raises EdgeError E104, with how many and the range, for those beyond 16 scales
        of the centre, which an int16 does not hold."""
        with np.errstate(over="ignore"):
            found = (targets - self.centre) / self.scale * 2.0**FRAC_BITS
        counts = to_int(np.clip(found, -(2.0**40), 2.0**40))
        wrong = np.abs(counts) > INT16_MAX
        if wrong.any():
            i, c = (int(k) for k in np.argwhere(wrong)[0])
            reach = INT16_MAX / 2.0**FRAC_BITS * self.scale[c]
            value = f"{targets[i, c]:.6g}"
            where = told(i, value) if told else f"the target of sample {i} is {value}"
            raise EdgeError(
                "E104", f"{where} for {self.name(c)}, which is out of range",
                cause=f"{int(wrong.sum()):,} of {wrong.size:,} targets are; the model "
                f"takes {self.centre[c] - reach:.4g} to {self.centre[c] + reach:.4g} there, 16 "
                "standard deviations of its training", help="give targets in the training's unit, "
                "leave such samples out, or quantize anew with targets of this range")
        return counts.astype(np.int16)


def checked_targets(y: ArrayLike, n: int, n_outputs: int, where: str = "") -> Targets:
    """Targets of n samples, float64 (n, n_outputs), also of (n,) for one output. Raises EdgeError
    E104 for anything else, for truth values, and for a target that is not finite."""
    given = array_of(y, "targets")
    rows = given[:, None] if given.ndim == 1 and n_outputs == 1 else given
    if given.dtype.kind not in "fiu" or rows.shape != (n, n_outputs):
        told = "they are truth values, which are classes" if given.dtype.kind == "b" else ""
        raise EdgeError("E104", f"{where}targets are {given.dtype} of shape {given.shape}, "
                        f"expected numbers ({n}, {n_outputs})", cause=told,
                        help="give a number for each output of each sample; the model has values, "
                        "and no classes")
    return finite(rows, f"{where}targets")


def nrmse(errors: NDArray[np.float64], targets: Targets) -> NDArray[np.float64]:
    """Root mean square of errors (n, n_outputs) over the standard deviation of the targets, by
    output: 1 is what their mean would give. Raises EdgeError E104 where targets are constant."""
    spread = targets.std(axis=0)
    if not len(targets) or (spread <= 1e-12 * np.maximum(1, np.abs(targets).max(axis=0))).any():
        raise EdgeError("E104", "the targets are constant, so no error can be told in their spread",
                        help="give samples whose targets differ; MAE is told of any")
    return np.asarray(np.sqrt((errors**2).mean(axis=0)) / spread)
