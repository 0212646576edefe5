"""What int8 codes lose of float samples: values beyond their ends, and values that are nothing
beside their steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.numbers import sample_array
from edge_dassdp.base.qformat import MOST_FRAC_BITS, QInputScale
from edge_dassdp.ir import Input

MOST_CLIPPED, MOST_OF_FEATURE = 0.01, 0.1
"""Of all values, and of those of one feature, before there is a warning."""
FEW_STEPS = 3
"""Of 127: the largest value that a network is quantized for has 32 at least."""
LEAST_SAMPLES = 16
"""That features are judged of one by one, and small values at all."""
MOST_NAMED = 5
"""Features that a list names."""


@dataclass(frozen=True)
class FeatureClipping:
    """A feature, by its input and its index in a frame, and the share of its values, 0 to 1."""

    input: str
    feature: int
    share: float


@dataclass(frozen=True)
class FeatureReach:
    """A feature, None for an input whose features share a step, and how many of the 127 steps its
    values reach."""

    input: str
    feature: int | None
    n_steps: int


@dataclass(frozen=True)
class Clipping:
    """How many values of samples lie beyond the int8 codes of their input, and are clipped.

    n_values: currents and raw values, spikes are none. worst: features of which most are clipped,
    the worst first, none that clips nothing. small: features whose values differ, by FEW_STEPS at
    most, the smallest first. warning: a sentence where these are not the units that the model is
    made for, else "".
    """

    n_values: int
    n_clipped: int
    worst: tuple[FeatureClipping, ...]
    small: tuple[FeatureReach, ...] = ()
    warning: str = ""

    @property
    def share(self) -> float:
        """Of all values, 0 to 1."""
        return self.n_clipped / max(self.n_values, 1)


@dataclass(frozen=True, eq=False)
class InputValues:
    """Values of one input of currents or raw values, (n rows, n_raw), and their scale."""

    source: Input
    scale: QInputScale
    values: NDArray[np.float64]

    @property
    def n_cut(self) -> NDArray[np.int64]:
        """How many values of each feature lie beyond its codes, (n_raw,). 2^7 steps of an encoder,
        as its 1 with 7 frac_bits, are no fault: it takes them as 127."""
        values = self.values * 127 / 128 if self.source.encoder else self.values
        return np.asarray(self.scale.cuts(values).sum(axis=0))

    @property
    def is_coarsest(self) -> bool:
        """There is no coarser step."""
        return bool((self.scale.frac_bits == -MOST_FRAC_BITS).any())

    @property
    def is_finest(self) -> bool:
        """There is no finer step."""
        return bool((self.scale.frac_bits == MOST_FRAC_BITS).any())

    @property
    def encoded(self) -> str:
        """For people."""
        return (f"what the encoder of '{self.source.name}' takes, {self.largest:.3g} with "
                f"frac_bits={self.scale.frac_bits[0]}; scale them")

    @property
    def largest(self) -> float:
        """What a code stands for at most."""
        return float(self.scale.values(np.array(127)).max())

    def small(self) -> Iterator[FeatureReach]:
        """Where a feature counts from its middle, that is what its values differ by."""
        codes, name = self.scale.codes(self.values).astype(np.int64), self.source.name
        moves = self.values.min(axis=0) < self.values.max(axis=0)
        reach = np.where(self.scale.zero != 0, np.ptp(codes, axis=0) // 2,
                         np.abs(codes).max(axis=0))
        if self.scale.is_uniform:
            if moves.any() and reach.max() <= FEW_STEPS:
                yield FeatureReach(name, None, int(reach.max()))
            return
        for i in np.flatnonzero(moves & (reach <= FEW_STEPS)):
            yield FeatureReach(name, int(i), int(reach[i]))


def input_values(inputs: Sequence[Input], scales: Sequence[QInputScale],
                 x: NDArray[np.float32]) -> Iterator[InputValues]:
    """Of float samples (n, values of all inputs), those that become codes. Raises EdgeError E104
    unless they are finite numbers."""
    samples, start = np.atleast_2d(sample_array(x)), 0
    for source, scale in zip(inputs, scales, strict=True):
        values = samples[:, start : start + source.n_values].reshape(-1, source.n_raw)
        start += source.n_values
        if len(values) and (source.encoder or not source.spikes):
            yield InputValues(source, scale, values)


def clipping(inputs: Sequence[Input], scales: Sequence[QInputScale],
             x: NDArray[np.float32]) -> Clipping:
    """What the codes of a network lose of float samples (n, values of all inputs). Raises EdgeError
    E104 unless they are finite numbers."""
    coded = {i.source.name: i for i in input_values(inputs, scales, x)}
    is_judged = len(np.atleast_2d(x)) >= LEAST_SAMPLES
    worst, n_clipped = [], 0
    for name, i in coded.items():
        n_cut = i.n_cut
        n_clipped += int(n_cut.sum())
        worst += [FeatureClipping(name, int(k), float(n_cut[k] / len(i.values)))
                  for k in np.flatnonzero(n_cut)]
    worst.sort(key=lambda f: -f.share)
    small = [f for i in coded.values() for f in i.small()] if is_judged else []
    small.sort(key=lambda f: f.n_steps)
    found = Clipping(sum(i.values.size for i in coded.values()), n_clipped,
                     tuple(worst[:MOST_NAMED]), tuple(small[:MOST_NAMED]))
    said = []
    if found.share > MOST_CLIPPED or (is_judged and worst and worst[0].share > MOST_OF_FEATURE):
        said.append(_too_large(found, coded[worst[0].input]))
    if small:
        said.append(too_small(found, coded[small[0].input]))
    return replace(found, warning="; ".join(said))


def _too_large(found: Clipping, i: InputValues) -> str:
    """i: the input with the feature most of which is clipped."""
    worst = ", ".join(f"{f.input}[{f.feature}] {100 * f.share:.0f} %" for f in found.worst)
    why = ("what the network was quantized for; scale them alike, or quantize with samples that "
           "reach as far (--data, x in Python; --input-range all takes in rare ones)")
    if i.source.encoder:
        why = f"{i.encoded}, or give it fewer frac_bits"
    elif i.is_coarsest:
        why = f"what any step of int8 holds, {i.largest:.3g}; scale them down"
    return (f"{100 * found.share:.1f} % of the input values are clipped at the ends of int8 "
            f"(most of {worst}): they reach beyond {why}")


def too_small(found: Clipping, i: InputValues) -> str:
    """i: the input with the feature of the fewest steps."""
    small = ", ".join(f"{f.n_steps} in {f.input}" + ("" if f.feature is None else f"[{f.feature}]")
                      for f in found.small)
    why = ("those that the network was quantized for; scale them alike, or quantize with such "
           "samples (--data, x in Python)")
    if i.source.encoder:
        why = f"{i.encoded}, or give it more frac_bits"
    elif i.is_finest:
        why = "any step of int8; scale them up, as in the training of the network"
    return (f"input values use hardly any of the 127 steps of int8 ({small}): they are far smaller "
            f"than {why}")
