"""The steps of int8 inputs, from calibration samples and from what the weights make of rounding.

A step holds twice the calibration's range, glitches left aside. All values of an input share one,
unless rounding to it, or rounding the weights that then belong to it, changes the currents of
neurons clearly more: then each feature (each channel, where neighbours are convolved or pooled) has
its own step and zero. Weights and biases absorb both, so a device knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import sample_array
from edge_dassdp.base.qformat import INT32_MAX, MOST_FRAC_BITS, IntArray, QInputScale, to_int
from edge_dassdp.data.labels import classes_told
from edge_dassdp.ir import FloatArray, Input, Network, Projection, Sensor, geometry
from edge_dassdp.ir.geometry import Volume
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.sensor.drift import MOST_CLASSES, N_ALARM, QDrift, statistics
from edge_dassdp.sensor.front import NO_MEAN, QSensor, affine
from edge_dassdp.sensor.profile import QTriad
from edge_dassdp.sensor.search import LEAST_CLASSES
from edge_dassdp.sensor.window import MOST_READINGS

STANDARDIZED = 4.0
"""What inputs reach without calibration samples."""
MOST_NOISE = 0.05
"""Of rounding values to one step for all, or weights with it, in currents, as a share of their
spread."""
CLEARLY = 4.0
"""How many times the noise of steps by feature it must be."""
MOST_STILL = 16.0
"""Weight of a feature that never moved, as a multiple of the largest that does, in codes: a larger
one leaves others hardly any steps, and becomes part of the bias."""
N_JUDGED = 4096
"""Samples that noise and medians are taken of."""
GAP, TAIL, LEAST_BODY = 6.0, 0.01, 20
"""Of the values that differ from a feature's median, LEAST_BODY at least, a share TAIL may be
glitches: those beyond the first gap in which the distance from the median grows GAP-fold."""


@dataclass(frozen=True, eq=False)
class InputScales:
    """Of every input; None for spikes that nothing encodes."""

    scales: tuple[QInputScale, ...]

    @property
    def frac_bits(self) -> tuple[int, ...]:
        return tuple(int(s.frac_bits.min()) for s in self.scales)

    @property
    def features(self) -> tuple[QInputScale | None, ...] | None:
        """As `QNetwork.x_features`."""
        if all(s.is_uniform for s in self.scales):
            return None
        return tuple(None if s.is_uniform else s for s in self.scales)


def input_scales(network: Network, settings: Settings,
                 calibration: NDArray[np.float32] | None) -> InputScales:
    """Of a canonical network. Raises EdgeError E104 for samples of another shape or without finite
    values, E105 where steps by feature are asked for without samples."""
    samples = None if calibration is None else _checked(network, calibration)
    if samples is not None and network.inputs[0].sensor is not None:
        _require_counts(network.inputs[0], network.inputs[0].sensor, samples)
    refuse_unless("E105", samples is not None or settings.input_scale != "feature",
                  "steps by feature are taken from samples", help="give training samples: --data, "
                  "or x in Python")
    scales, start = [], 0
    for source in network.inputs:
        stop = start + source.n_values
        values = None if samples is None else samples[:, start:stop].reshape(-1, source.n_raw)
        scales.append(_scale(network, source, settings, values))
        start = stop
    return InputScales(tuple(scales))


def in_codes(network: Network, scales: Sequence[QInputScale]) -> Network:
    """A canonical network as the device computes it: weights of a feature count in the coarsest
    step of its input, and biases have what code 0 stands for."""
    own = {i.name: (i, s) for i, s in zip(network.inputs, scales, strict=True) if not s.is_uniform}
    return replace(network, projections=tuple(
        _absorbed(p, *own[p.pre]) if p.pre in own else p for p in network.projections))


def sensor_of(source: Input, scale: QInputScale, n_classes: int,
              calibration: NDArray[np.float32] | None, labels: NDArray[np.int64] | None,
              drift: str = "off") -> QSensor | None:
    """The integers of an input's sensor; None without one. With calibration samples, (n, n_values),
    and their labels it has the factory's class means, and what windows are compared with. Raises
    EdgeError E201 where counts and codes differ too much in size."""
    sensor = source.sensor
    compares = sensor is not None and calibration is not None and labels is not None
    refuse_unless("E105", drift != "profile" or compares,
                  "a profile is found without labels by what a sensor gave the training: there is "
                  f"no {'sensor' if sensor is None else 'labelled sample'}",
                  help="give --sensor and --data, or leave out --drift profile")
    if sensor is None:
        return None
    first = [int(np.flatnonzero(source.sensor_channels == c)[0]) for c in range(sensor.n_channels)]
    frac_bits, zero = (np.broadcast_to(v, source.n_raw)[first] for v in (scale.frac_bits,
                                                                         scale.zero))
    step = 2.0**frac_bits
    mul, add, shift = np.array([affine(*pair) for pair in zip(
        sensor.scale * step, sensor.offset * step - zero, strict=True)], np.int64).T
    means = stds = None
    if calibration is not None and labels is not None and sensor.triads:
        means, stds = _by_class(source, sensor, n_classes, sample_array(calibration), labels)
    triads = tuple(QTriad(t.channels, t.kind == "axial") for t in sensor.triads)
    compared = None
    if drift != "off" and calibration is not None and labels is not None:
        compared = _windows(source, sensor, triads, calibration, labels, drift == "profile")
    return QSensor(sensor.n_channels, mul, add, shift, triads, sensor.unit or 0, means, stds,
                   compared)


def _require_counts(source: Input, sensor: Sensor, samples: NDArray[np.float64]) -> None:
    """E104 where more than glitches would be counts beyond int16."""
    counts = np.abs(sensor.exact(source.readings(samples)))
    if (counts > 2**15).mean() <= TAIL:
        return
    told = f"counts up to {counts.max():,.0f}, and a sensor's end at {2**15 - 1:,}"
    if sensor.data == "counts":
        raise EdgeError("E104", f"samples hold {told}", help="give the counts as the sensor's int16"
                        ' has them, or write data = "values" into its description where they are '
                        "what the network was trained on")
    raise EdgeError("E104", f"by the sensor's scale and offset values become {told}",
                    cause="its description says that samples hold what the network was trained on",
                    help='did you mean data = "counts"? Else mend scale, the value of one count')


def _by_class(source: Input, sensor: Sensor, n_classes: int, samples: NDArray[np.float64],
              labels: NDArray[np.int64]) -> tuple[IntArray, IntArray]:
    """Means of counts by class, and of their deviations within samples, (n_classes, n_channels)."""
    counts = sensor.counts(source.readings(samples)).astype(np.float64)
    means = np.full((n_classes, sensor.n_channels), NO_MEAN, np.int64)
    stds = np.zeros_like(means)
    for label in np.unique(labels):
        mine = counts[labels == label]
        means[label] = np.round(mine.mean(axis=(0, 1)))
        stds[label] = np.round(mine.std(axis=1).mean(axis=0))
    return means, stds


def _windows(source: Input, sensor: Sensor, triads: tuple[QTriad, ...],
             calibration: NDArray[np.float32], labels: NDArray[np.int64], keeps: bool
             ) -> QDrift | None:
    """Statistics of training windows; None of windows too long, or too many classes. Raises
    EdgeError E105 where a profile is to be found in them and cannot be."""
    counts = sensor.counts(source.readings(sample_array(calibration)))
    n_classes = len(np.unique(labels))
    if counts.shape[1] > MOST_READINGS or n_classes > MOST_CLASSES:
        refuse_unless("E105", not keeps, f"samples of {counts.shape[1]:,} readings and "
                      f"{n_classes} classes are not compared without labels", help="leave out "
                      "--drift profile")
        return None
    refuse_unless("E105", not keeps or n_classes >= LEAST_CLASSES, "a profile is found without "
                  f"labels among {LEAST_CLASSES} classes or more, and the training samples are of "
                  f"{classes_told(np.unique(labels), None)} alone", help="give training samples "
                  "of more classes, or choose --drift alarm, which needs no more than one")
    return statistics(counts, labels, triads, sensor.unit or 0, N_ALARM if keeps else 0)


def _checked(network: Network, calibration: NDArray[np.float32]) -> NDArray[np.float64]:
    samples = sample_array(calibration)
    refuse_unless("E104", samples.ndim == 2 and samples.shape[1] == network.n_inputs
                  and len(samples) > 0, f"calibration samples have shape {samples.shape}, expected "
                  f"(n, {network.n_inputs})")
    return samples


def _scale(network: Network, source: Input, settings: Settings,
           values: NDArray[np.float64] | None) -> QInputScale:
    """values: (n frames, n_raw) of calibration samples."""
    if source.spikes:
        return QInputScale.uniform(source.encoder.frac_bits if source.encoder else 0)
    if settings.x_frac_bits is not None:
        return QInputScale.uniform(settings.x_frac_bits)
    if values is None:
        return QInputScale.uniform(_frac_bits(STANDARDIZED / 2))
    heard = [p for p in network.projections if p.pre == source.name]
    whole = settings.input_range == "all"
    low, high = _by_channel(source, heard, *(
        (values.min(axis=0), values.max(axis=0)) if whole else _range(values)))
    plain = QInputScale.uniform(_frac_bits(float(np.maximum(high, -low).max())))
    if settings.input_scale == "uniform":
        return plain
    own = _by_feature(heard, low, high, int(plain.frac_bits[0]))
    if len(values) >= LEAST_BODY and not source.sensor:
        own = _without_still(source, heard, low, high, own)
    if settings.input_scale == "feature":
        return own
    noise, least = (np.array(_noise(source, heard, values, scale, settings))
                    for scale in (plain, own))
    return own if (noise > np.maximum(MOST_NOISE, CLEARLY * least)).any() else plain


def _frac_bits(peak: float) -> int:
    """So that twice the peak still fits an int8."""
    bits = np.floor(np.log2(127 / (2 * max(peak, 2.0**-40))))
    return int(np.clip(bits, -MOST_FRAC_BITS, MOST_FRAC_BITS))


def _range(values: NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
    """The least and the largest value of each column, glitches left aside."""
    away = np.abs(values - np.median(values[:: -(-len(values) // N_JUDGED)], axis=0))
    n_moved = (away > 0).sum(axis=0)
    n_tail = np.ceil(TAIL * n_moved).astype(np.int64)
    n_top = min(int(n_tail.max()) + 1, len(away))
    top = np.sort(np.partition(away, len(away) - n_top, axis=0)[-n_top:], axis=0)
    in_tail = np.arange(n_top - 1)[:, None] >= n_top - 1 - n_tail
    gap = in_tail & (top[1:] > GAP * top[:-1]) & (n_moved >= LEAST_BODY)
    limit = np.where(gap.any(axis=0), np.take_along_axis(
        top, gap.argmax(axis=0)[None] if n_top > 1 else np.zeros((1, top.shape[1]), int), axis=0),
        np.inf)
    kept = away <= limit
    return (np.where(kept, values, np.inf).min(axis=0),
            np.where(kept, values, -np.inf).max(axis=0))


def _noise(source: Input, heard: Sequence[Projection], values: NDArray[np.float64],
           scale: QInputScale, settings: Settings) -> tuple[float, float]:
    """How much rounding values, and rounding weights, changes currents, as a share of their spread:
    the root mean squares over neurons, features taken as independent."""
    judged = values[:: -(-len(values) // N_JUDGED)]
    inside = np.clip(judged, scale.values(np.array(-127)), scale.values(np.array(127)))
    codes = scale.codes(inside).astype(np.float64)
    error = ((inside - scale.values(codes))**2).mean(axis=0)
    squares = (codes**2).mean(axis=0) * 4.0**-scale.frac_bits.min()
    shares = [np.zeros((2, 1))]
    for p in heard:
        lost = _rounding(p if scale.is_uniform else _absorbed(p, source, scale), settings)
        of_values, of_weights, signal = (
            energy @ of.reshape(energy.shape[1], -1).mean(axis=1)
            for q, of in ((p, error), (lost, squares), (p, inside.var(axis=0)))
            for energy in [_energy(q, geometry.volume(source.shape))])
        shares.append(np.array([of_values, of_weights])[:, signal > 0] / signal[signal > 0])
    values_noise, weights_noise = np.sqrt(np.concatenate(shares, axis=1).mean(axis=1))
    return float(values_noise), float(weights_noise)


def _rounding(p: Projection, settings: Settings) -> Projection:
    """What rounding to their bits changes of the weights of p."""
    w_max = (1 << (settings.bits_of.get(p.name, settings.weight_bits) - 1)) - 1
    axes = None if not settings.per_neuron else (1, 2, 3) if p.conv else 0
    step = np.abs(p.weight).max(axis=axes, keepdims=True) / w_max
    step = np.where(step > 0, step, 1.0)
    return replace(p, weight=p.weight - to_int(p.weight / step) * step)


def _energy(p: Projection, shape: Volume) -> FloatArray:
    """Squares of weights, (outputs, features), or (outputs, channels) of a convolution or pool."""
    squares = p.weight**2
    if p.conv is None:
        rows = squares if p.pool is None else squares.reshape(shape[0], -1, p.n_columns).sum(axis=1)
        return np.asarray(rows.T)
    taps = squares.sum(axis=(2, 3)).reshape(p.conv.groups, -1, squares.shape[1])
    spread = np.zeros((p.conv.groups, taps.shape[1], p.conv.groups, taps.shape[2]))
    for group, own in enumerate(taps):
        spread[group, :, group] = own
    return spread.reshape(p.n_columns, shape[0])


def feature_norms(p: Projection, source: Input) -> FloatArray:
    """Of the weights behind each value of a frame, the largest over the outputs of p, (n_raw,)."""
    norms = np.sqrt(_energy(p, geometry.volume(source.shape)).max(axis=0))
    return np.repeat(norms, source.n_raw // norms.size)


def _by_channel(source: Input, heard: Sequence[Projection], low: FloatArray, high: FloatArray
                ) -> tuple[FloatArray, FloatArray]:
    """The ends of all values of a channel for each, where neighbours are convolved or pooled, or a
    sensor's readings."""
    if source.sensor is not None:
        channels = source.sensor_channels
        ends = [(low[channels == c].min(), high[channels == c].max())
                for c in range(source.sensor.n_channels)]
        return np.array(ends)[channels, 0], np.array(ends)[channels, 1]
    if not any(p.conv or p.pool for p in heard):
        return low, high
    n_places = source.n_raw // geometry.volume(source.shape)[0]
    return (np.repeat(low.reshape(-1, n_places).min(axis=1), n_places),
            np.repeat(high.reshape(-1, n_places).max(axis=1), n_places))


def _by_feature(heard: Sequence[Projection], low: FloatArray, high: FloatArray,
                coarsest: int) -> QInputScale:
    """Steps and zeros of features that reach from low to high, (n_raw,) each; a feature counts
    from its middle where that gives it more bits and nothing is padded with zeros. coarsest: bits
    of what was always 0."""
    peak, half, middle = np.maximum(high, -low), (high - low) / 2, (high + low) / 2
    around_0 = np.array([_frac_bits(p) if p else coarsest for p in peak])
    centred = np.minimum([_frac_bits(h) for h in half],
                         MOST_FRAC_BITS - np.ceil(np.log2(np.maximum(peak, 2.0**-40))))
    moves = (half > 0) & (centred > around_0) & (not any(map(_pads, heard)))
    frac_bits = np.where(moves, centred, around_0).astype(np.int64)
    return QInputScale(frac_bits, _zeros(np.where(moves, middle, 0), frac_bits))


def _zeros(middle: FloatArray, frac_bits: IntArray) -> IntArray:
    """Of middles in steps, as far as an int32 holds them."""
    return to_int(np.clip(middle * 2.0**frac_bits, -INT32_MAX, INT32_MAX))


def _without_still(source: Input, heard: Sequence[Projection], low: FloatArray, high: FloatArray,
                   scale: QInputScale) -> QInputScale:
    """With code 0 and the finest steps for what never moved, where its weights, arbitrary as those
    behind a BatchNorm of no variance, would take the steps of all others."""
    largest = np.max([feature_norms(p, source) for p in heard], axis=0, initial=0.0)
    still, counted = low == high, largest * 2.0**-scale.frac_bits
    crushes = still & (counted > MOST_STILL * counted.max(where=~still, initial=0))
    crushes &= not still.all()
    if any(map(_pads, heard)):  # with what 0 stands for
        crushes &= low == 0
    finest = np.maximum(MOST_FRAC_BITS - np.ceil(np.log2(np.maximum(np.abs(low), 1.0))),
                        -MOST_FRAC_BITS)
    frac_bits = np.where(crushes, finest, scale.frac_bits).astype(np.int64)
    return QInputScale(frac_bits, np.where(crushes, _zeros(low, frac_bits), scale.zero))


def _pads(p: Projection) -> bool:
    return any(geometry_of is not None and any(geometry_of.padding)
               for geometry_of in (p.conv, p.pool))


def _absorbed(p: Projection, source: Input, scale: QInputScale) -> Projection:
    """A projection from an input in its codes."""
    shape = geometry.volume(source.shape)
    gain = 2.0 ** (scale.frac_bits.min() - scale.frac_bits)
    by_channel = gain.reshape(shape[0], -1)[:, 0]
    if p.conv:
        own = by_channel.reshape(p.conv.groups, 1, -1)
        factor = np.broadcast_to(own, (p.conv.groups, p.n_columns // p.conv.groups, own.shape[2]))
        factor = factor.reshape(p.n_columns, -1, 1, 1)
    elif p.pool:
        factor = np.repeat(by_channel, len(p.weight) // shape[0])[:, None]
    else:
        factor = gain[:, None]
    bias = np.zeros(p.n_columns) if p.bias is None else p.bias
    return replace(p, weight=p.weight * factor, bias=bias + _offset(p, scale.offset, shape))


def _offset(p: Projection, x: FloatArray, shape: Volume) -> FloatArray:
    """What x, (n_raw,), brings to each column of p."""
    rows = x[None]
    if p.pool:
        rows, shape = p.pool.apply(rows, shape), p.pool.out(shape)
    sums = p.conv.apply(rows, p.weight, shape) if p.conv else rows @ p.weight
    return np.asarray(sums.reshape(p.n_columns, -1)[:, 0])
