"""Narrower weights: what they would cost in accuracy, and what they would save in instructions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.figures import prices
from edge_dassdp.figures.fidelity import measure_fidelity
from edge_dassdp.figures.work import OPERATIONS, Work, inference_work
from edge_dassdp.ir import Network
from edge_dassdp.plan import kernels
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import Quantized, quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.reference.outcome import Progress, behind
from edge_dassdp.rules import Learning

WIDTHS = (8, 7, 6)
"""Bits that differ in speed: rows of at most 7 add up in byte lanes, two at a time, of 6 four."""
N_PRICED = 32
"""Samples whose instructions are predicted."""
_CHUNK = 128
_SUMS = tuple(name for name in OPERATIONS if name.startswith((
    "list", "rows_summed", "part_columns", "synaptic_ops", "events_delivered", "events_pooled",
    "windows_visited", "words_prepared", "patches", "kernels_scattered", "runs_scattered",
    "scattered", "taps_scattered")))
"""Operations of `Work` that sums of rows and convolutions are made of."""


@dataclass(frozen=True)
class Width:
    """A network with weights of `weight_bits` bits, all else as asked for.

    accuracy: share of the samples classified right, 0 to 1. byte_rows: rows that may add up in byte
    lanes. sums: predicted instructions of a synaptic operation, and inference: those of a sample,
    by cpu, without cpus that lack a price; sums is empty where nothing spikes. refused: why there
    is no such network, "" if there is. off: where there is one output and so no accuracy, the error
    of its values, rms as a share of their spread.
    """

    weight_bits: int
    byte_rows: int
    accuracy: float | None = None
    sums: Mapping[str, float] = field(default_factory=dict)
    inference: Mapping[str, float] = field(default_factory=dict)
    refused: str = ""
    off: float | None = None

    @property
    def score(self) -> float | None:
        """A share, the more the better: 1 where nothing is wrong."""
        return self.accuracy if self.off is None else 1 - self.off


def compare_widths(network: Network, learning: Learning | None, settings: Settings,
                   calibration: Samples, samples: Samples,
                   widths: Collection[int] = WIDTHS,
                   told: Progress | None = None) -> tuple[Width, ...]:
    """The network at each width, widest first, measured on samples with the reference.

    told: gets the number of samples done, those of the calibration included, of all widths.
    Projections with bits of their own keep them. Raises EdgeError E104 for samples that do not fit.
    """
    each = len(calibration.x) + len(samples.x)
    return tuple(_measure(network, learning, replace(settings, weight_bits=bits), calibration,
                          samples, behind(told, k * each))
                 for k, bits in enumerate(sorted(widths, reverse=True)))


def narrowest(found: Sequence[Width], within: float) -> int:
    """Least bits whose score is at most `within` percentage points below that of the widest.

    Raises EdgeError E105 if the widest is refused.
    """
    widest = found[0]
    if widest.score is None:
        raise EdgeError("E105", f"{widest.weight_bits}-bit weights, which narrower ones are "
                        "compared with, are refused", cause=widest.refused,
                        help="give --weight-bits a number")
    least = widest.score - within / 100 - 1e-9
    return min(w.weight_bits for w in found if w.score is not None and w.score >= least)


def _measure(network: Network, learning: Learning | None, settings: Settings,
             calibration: Samples, samples: Samples, told: Progress) -> Width:
    bits = settings.weight_bits
    rows = kernels.byte_rows(bits, is_packed=bits == 4)
    try:
        labels = calibration.y if learning and learning.class_means else None
        quantized = quantize(network, learning, settings, calibration.x, labels)
    except EdgeError as problem:
        if problem.code not in ("E105", "E201", "E202"):
            raise
        return Width(bits, rows, refused=problem.message)
    made = quantized.network
    x = input_x(made, samples.x)
    told(len(calibration.x))
    accuracy, off = _judged(network, quantized, samples, x, behind(told, len(calibration.x)))
    work = inference_work(made, x[:N_PRICED])
    n_ops = sum(w.synaptic_ops for w in work)
    sums = _priced([_sums_of(w) for w in work], n_ops) if n_ops else {}
    return Width(bits, rows, accuracy, sums, _priced(work, len(work)), off=off)


def _judged(network: Network, quantized: Quantized, samples: Samples,
            x: NDArray[np.int8], told: Progress) -> tuple[float | None, float | None]:
    """`Width.accuracy` and `Width.off`, of which one is None."""
    if network.n_classes == 1:
        values = measure_fidelity(network, quantized, samples.x, told=told).values
        return None, None if values is None else values.relative
    reference = Reference(quantized.network)
    classes = []
    for i in range(0, len(x), _CHUNK):
        classes.append(reference.classify(x[i : i + _CHUNK]))
        told(min(i + _CHUNK, len(x)))
    return float((np.concatenate(classes) == samples.y).mean()), None


def _priced(work: Sequence[Work], n: int) -> dict[str, float]:
    """Instructions of all of `work` by cpu, an n-th of them."""
    cpus = sorted(prices.priced_cpus(), key=lambda cpu: (len(cpu), cpu))
    return {cpu: total / n for cpu in cpus if (total := prices.price_all(work, cpu)) is not None}


def _sums_of(work: Work) -> Work:
    return Work(**{name: getattr(work, name) for name in _SUMS})
