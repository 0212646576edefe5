"""Float samples as the bytes of the device, and what its encoders make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import sample_array
from edge_dassdp.base.qformat import IntArray, QInputScale, quantize_input
from edge_dassdp.base.values import Targets
from edge_dassdp.data.labels import Origin
from edge_dassdp.ir import Input
from edge_dassdp.ir.geometry import volume
from edge_dassdp.qir.network import QNetwork, frame_bytes, input_bytes
from edge_dassdp.qir.order import device_order, device_volume, natural_order

Q_ONE = 127
"""The largest code of an encoder."""
END_OF_STEP = 0xFFFF
"""Ends each step of a list of events, which are 16-bit addresses on the device."""


def input_x(network: QNetwork, x: NDArray[np.float32]) -> NDArray[np.int8]:
    """Float samples (n, values of all inputs) as the samples of the device, int8 (n, x_bytes):
    currents and raw values at their input's scale, spikes packed, or as lists of events. With a
    sensor, the bytes of the nearest counts.

    Raises EdgeError E104 for another shape, a value that is not finite, a spike that is neither
    0 nor 1 (or no count), or more events than a list holds.
    """
    samples = np.atleast_2d(sample_array(x))
    n_values = sum(i.n_values for i in network.inputs)
    if samples.ndim != 2 or samples.shape[1] != n_values:
        raise EdgeError("E104", f"samples have shape {np.asarray(x).shape}, expected "
                        f"(n, {n_values})")
    if not len(samples):
        return np.zeros((0, network.x_bytes), np.int8)
    sensor = network.inputs[0].sensor
    if network.sensor is not None and sensor is not None:
        frames = samples.reshape(len(samples), network.inputs[0].n_frames, -1)
        ordered = frames[:, :, network.input_order[network.inputs[0].name]]
        return counts_x(network, sensor.counts(ordered.reshape(len(samples), -1,
                                                               sensor.n_channels)))
    out, start = np.zeros((len(samples), network.x_bytes), np.int8), 0
    for source, scale in zip(network.inputs, network.x_scales, strict=True):
        values = samples[:, start : start + source.n_values]
        start += source.n_values
        packed = _packed(source, values, scale, network.input_order[source.name])
        at = network.x_offsets[source.name]
        out[:, at : at + packed.shape[1]] = packed
    return out


def with_targets(network: QNetwork, x: NDArray[np.int8],
                 targets_q11: NDArray[np.int16]) -> NDArray[np.int8]:
    """Samples of a model of values, int8 (n, x_bytes), with their targets (n, n_outputs)."""
    made = x.copy()
    made[:, network.code_bytes:] = np.ascontiguousarray(targets_q11, "<i2").view(np.int8)
    return made


def with_lesson(network: QNetwork, x: NDArray[np.int8], targets: Targets,
                origin: Origin | None = None) -> tuple[NDArray[np.int8], IntArray]:
    """Samples with their targets (n, n_outputs) in the unit of the training, and the labels that
    say that they have some, (n,). origin: where they stand. Raises EdgeError E104 for targets out
    of range."""
    assert network.values is not None
    targets_q11 = network.values.in_q11(targets, origin.told if origin else None)
    return with_targets(network, x, targets_q11), np.zeros(len(x), np.int64)


def target_q11(network: QNetwork, x: NDArray[np.int8]) -> IntArray:
    """The reverse, int64 (n, n_outputs)."""
    behind = np.ascontiguousarray(x[:, network.code_bytes:])
    return behind.view("<i2").astype(np.int64)


def counts_x(network: QNetwork, counts: ArrayLike) -> NDArray[np.int8]:
    """Raw counts of a network's sensor, integers (n, n_readings, n_channels) or (n, all of them),
    as the samples of the device, int8 (n, x_bytes). Raises EdgeError E104 for another shape, or
    counts beyond int16."""
    given, sensor = np.asarray(counts), network.sensor
    shape = (network.n_readings, 0 if sensor is None else sensor.n_channels)
    if sensor is None or given.dtype.kind not in "iu" or given.shape[1:] not in (
            shape, (shape[0] * shape[1],)):
        raise EdgeError("E104", f"counts are {given.dtype} of shape {given.shape}, expected "
                        f"integers (n, {shape[0]}, {shape[1]})")
    if given.size and not -(2**15) <= int(given.min()) <= int(given.max()) < 2**15:
        raise EdgeError("E104", f"counts reach from {given.min():,} to {given.max():,}, a sensor "
                        "gives int16")
    whole = np.ascontiguousarray(given.reshape(len(given), shape[0] * shape[1]), "<i2")
    return whole.view(np.int8)


def obstacle(network: QNetwork) -> str:
    """Why a device of this network can take no frames while it runs; empty where it can."""
    source = network.inputs[0]
    if network.values is not None:
        return "its outputs are values, and a stream decides classes"
    if network.keeps_classes:
        return "class means and spare classes decide where a sample ends"
    if len(network.inputs) > 1:
        return f"it has {len(network.inputs)} inputs, and frames arrive of one"
    if source.encoder is not None:
        return f"the device makes the spikes of '{source.name}' from a whole sample"
    if source.n_frames == 1:
        return f"'{source.name}' is one frame for all steps, and nothing arrives in between"
    delayed = [q.name for q in network.projections if q.delay is not None]
    if delayed:
        return f"'{delayed[0]}' delays spikes, and where a sample ends their past is cut off"
    return ""


def require_streams(network: QNetwork) -> None:
    """EdgeError E503 unless a device of this model takes frames while it runs."""
    why = obstacle(network)
    if not network.hop:
        raise EdgeError("E503", "the model was built without streams",
                        cause=why or "it was quantized without --hop",
                        help="" if why else "quantize it with --hop N: a decision every N frames, "
                        f"1 to {network.n_steps}")


def push_bytes(network: QNetwork) -> int:
    """Of what a stream is given at once: a frame, or of a model with a sensor the int16 counts of a
    reading; 0 of events, which are as many as a step has."""
    source = network.inputs[0]
    if network.sensor is not None:
        return 2 * network.sensor.n_channels
    return 0 if source.n_events else frame_bytes(source)


def pushed_bytes(network: QNetwork) -> int:
    """The most that a stream is given at once: `push_bytes`, or all events of a sample."""
    return push_bytes(network) or input_bytes(replace(network.inputs[0], n_frames=1))


def pushes_a_step(network: QNetwork) -> int:
    """1, or the readings of a frame."""
    if network.sensor is None:
        return 1
    return frame_bytes(network.inputs[0]) // network.sensor.n_channels


def frame_x(network: QNetwork, frame: ArrayLike) -> NDArray[np.int8]:
    """What a stream is given at once, in its natural shape, as the device takes it.

    frame: float, (n_values,) of a frame or of its shape; of a sensor one reading (n_channels,) of
    integers, its raw counts, or of floats, what the network takes of them. Raises EdgeError E104 as
    `input_x` does.
    """
    given, source = sample_array(frame), network.inputs[0]
    if network.sensor is not None:
        return _reading_x(network, np.asarray(frame))
    if given.shape not in ((source.n_raw,), source.raw_shape):
        shapes = " or ".join(map(str, dict.fromkeys(((source.n_raw,), source.raw_shape))))
        raise EdgeError("E104", f"a frame has shape {given.shape}, expected {shapes}")
    one = replace(source, n_frames=1)
    packed = _packed(one, given.reshape(1, -1).astype(np.float32), network.x_scales[0],
                     network.input_order[source.name]).reshape(-1)
    if not source.n_events:
        return packed
    words = packed.view("<u2")
    ended = words[: int((words == END_OF_STEP).argmax()) + 1]
    return np.asarray(np.ascontiguousarray(ended).view(np.int8))


def _reading_x(network: QNetwork, reading: NDArray[Any]) -> NDArray[np.int8]:
    sensor, source = network.sensor, network.inputs[0].sensor
    assert sensor is not None and source is not None
    if reading.shape != (sensor.n_channels,):
        raise EdgeError("E104", f"a reading has shape {reading.shape}, expected "
                        f"({sensor.n_channels},)")
    if reading.dtype.kind not in "iu":
        reading = source.counts(reading.astype(np.float32)[None, None])[0, 0]
    if not -(2**15) <= int(reading.min()) <= int(reading.max()) < 2**15:
        raise EdgeError("E104", f"counts reach from {reading.min():,} to {reading.max():,}, a "
                        "sensor gives int16")
    return np.ascontiguousarray(reading, "<i2").view(np.int8)


def frames_of(network: QNetwork, x: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    """A sample, int8 (x_bytes,), as what a stream is given one by one: n_steps times
    `pushes_a_step` of them."""
    source = network.inputs[0]
    if not source.n_events:
        return list(x.reshape(-1, push_bytes(network)))
    words = np.ascontiguousarray(x).view("<u2")[: network.n_steps + source.n_events]
    ends = np.flatnonzero(words == END_OF_STEP)[: network.n_steps]
    steps = np.split(words, ends + 1)[: network.n_steps]
    ended = [s if s.size and s[-1] == END_OF_STEP else np.append(s, END_OF_STEP) for s in steps]
    ended += [np.array([END_OF_STEP])] * (network.n_steps - len(ended))
    return [np.ascontiguousarray(s, "<u2").view(np.int8) for s in ended]


def x_counts(network: QNetwork, x: NDArray[np.int8]) -> NDArray[np.int16]:
    """The reverse of `counts_x`, int16 (n, n_readings, n_channels)."""
    assert network.sensor is not None
    whole = np.ascontiguousarray(x).view("<i2")
    return np.asarray(whole.reshape(len(x), network.n_readings, network.sensor.n_channels))


def random_samples(network: QNetwork, n: int, seed: int = 0) -> NDArray[np.int8]:
    """n samples of the device, int8 (n, x_bytes), for a network without data at hand: currents and
    raw values of all sizes, a tenth of the spikes, events for half of a list."""
    rng = np.random.default_rng(seed)
    parts = []
    for source, scale in zip(network.inputs, network.x_scales, strict=True):
        shape = (n, source.n_values)
        if not source.spikes or source.encoder:
            codes = np.clip(rng.normal(0, 48, shape), -127, 127)
            parts.append(scale.values(codes.reshape(-1, source.n_raw)).reshape(shape))
            continue
        rate = 0.1
        if source.n_events:
            rate = min(rate, 0.5 * source.n_events / source.n_values)
        spikes = rng.poisson(rate, shape) if source.counts else rng.random(shape) < rate
        parts.append(spikes.astype(np.float64))
    return input_x(network, np.concatenate(parts, axis=1).astype(np.float32))


def _packed(source: Input, values: NDArray[np.float64], scale: QInputScale,
            order: IntArray) -> NDArray[np.int8]:
    """The bytes of one input, (n, its bytes)."""
    frames = values.reshape(len(values), source.n_frames, source.n_raw)
    if not source.spikes or source.encoder:
        return scale.codes(frames)[:, :, order].reshape(values.shape)
    most = 255 if source.counts else 1
    if not (np.equal(np.mod(values, 1), 0) & (values >= 0) & (values <= most)).all():
        what = "numbers of spikes, each 0 to 255" if source.counts else "spikes, each 0 or 1"
        raise EdgeError("E104", f"input '{source.name}' takes {what}")
    spikes = frames[:, :, order].astype(np.int64)
    return _event_lists(source, spikes) if source.n_events else _pack_spikes(source, spikes)


def _event_lists(source: Input, spikes: IntArray) -> NDArray[np.int8]:
    """Addresses of the spikes of a step, ascending, then END_OF_STEP; END_OF_STEP fills up."""
    lists = np.full((len(spikes), input_bytes(source) // 2), END_OF_STEP, "<u2")
    for row, frames in zip(lists, spikes, strict=True):
        n_events = int(frames.sum())
        if n_events > source.n_events:
            raise EdgeError("E104", f"a sample has {n_events:,} events, input '{source.name}' "
                            f"holds {source.n_events:,}", help="give the input more n_events")
        steps, address = np.nonzero(frames)
        steps, address = (np.repeat(a, frames[steps, address]) for a in (steps, address))
        row[np.arange(n_events) + steps] = address
    return lists.view(np.int8)


def read_events(source: Input, lists: NDArray[np.int8], n_steps: int) -> IntArray:
    """Spikes (n, n_steps, size) of lists of events, (n, input_bytes), as a device reads them: an
    address beyond the input is ignored, what is missing is silence."""
    words = np.ascontiguousarray(lists).view("<u2").astype(np.int64)
    words = words[:, : n_steps + source.n_events]
    spikes = np.zeros((len(words), n_steps, source.size), np.int64)
    t_step = np.cumsum(words == END_OF_STEP, axis=1)
    sample, place = np.nonzero((words < source.size) & (t_step < n_steps))
    np.add.at(spikes, (sample, t_step[sample, place], words[sample, place]), 1)
    return np.minimum(spikes, 255 if source.counts else 1)


def _pack_spikes(source: Input, spikes: IntArray) -> NDArray[np.int8]:
    """Frames of n samples, (n, n_frames, size), as words of 32 spikes."""
    frames = np.zeros((len(spikes), source.n_frames, 8 * frame_bytes(source)), np.uint8)
    frames[:, :, : source.size] = spikes
    packed = np.packbits(frames, axis=2, bitorder="little")
    return packed.reshape(len(spikes), input_bytes(source)).view(np.int8)


def encode(source: Input, x: NDArray[np.float32], n_steps: int) -> NDArray[np.bool_]:
    """Spikes (n, n_steps, size) of raw frames x, (n, n_frames, n_raw); both in natural order."""
    assert source.encoder is not None
    codes = quantize_input(x, source.encoder.frac_bits).astype(np.int64)
    raw, made = (natural_order(s, device_volume(s, pads=False))
                 for s in (source.raw_shape, source.shape))
    return encode_codes(source, codes[:, :, raw], n_steps)[:, :, device_order(made)]


def encode_codes(source: Input, q: IntArray, n_steps: int) -> NDArray[np.bool_]:
    """The same of int8 codes q, (n, n_frames, n_raw), as they lie on the device."""
    assert source.encoder is not None
    if source.encoder.kind == "latency":
        return _latency(q[:, 0], n_steps)
    if source.encoder.kind == "rate":
        return _rate(q[:, 0], n_steps, source.encoder.seed)
    return _delta(q, source.encoder.step, volume(source.raw_shape)[0])


def _latency(q: IntArray, n_steps: int) -> NDArray[np.bool_]:
    """One spike in step n_steps - 1 - floor((q (n_steps - 1) + 63) / 127), none where q <= 0."""
    step = n_steps - 1 - (np.maximum(q, 0) * (n_steps - 1) + Q_ONE // 2) // Q_ONE
    return np.asarray((np.arange(n_steps)[:, None] == step[:, None]) & (q > 0)[:, None])


def _rate(q: IntArray, n_steps: int, seed: int) -> NDArray[np.bool_]:
    """A word of xorshift32 for every group of four neurons, ascending, in every step; neuron k of
    the group fires if (byte k of the word) >> 1 is below q."""
    n_words = -(-q.shape[1] // 4)
    words = np.zeros((n_steps, n_words), "<u4")
    state = seed
    for t_step in range(n_steps):
        for i in range(n_words):
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state ^= state << 5 & 0xFFFFFFFF
            words[t_step, i] = state
    threshold = (words.view(np.uint8)[:, : q.shape[1]] >> 1).astype(np.int64)
    return np.asarray(threshold < q[:, None])


def _delta(q: IntArray, step: int, n_channels: int) -> NDArray[np.bool_]:
    """The level starts at the first frame and follows by `step` with every spike; at most one spike
    a step. At every place channels ON first, then OFF."""
    level = q[:, 0].copy()
    spikes = np.zeros((*q.shape[:2], q.shape[2] // n_channels, 2, n_channels), bool)
    for t_step in range(q.shape[1]):
        change = q[:, t_step] - level
        rises, falls = change >= step, change <= -step
        spikes[:, t_step] = np.stack([rises, falls], axis=1).reshape(
            len(q), 2, -1, n_channels).swapaxes(1, 2)
        level += step * (rises.astype(np.int64) - falls)
    return spikes.reshape(*q.shape[:2], -1)
