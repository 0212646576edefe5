"""Float samples as the bytes of the device."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.errors import EdgeError
from edge_dassdp.ir import Input
from edge_dassdp.kinds import sample_array
from edge_dassdp.qformat import quantize_input
from edge_dassdp.qir import QNetwork, frame_bytes


def input_x(network: QNetwork, x: NDArray[np.float32]) -> NDArray[np.int8]:
    """Float samples (n, values of all inputs) as the samples of the device, int8 (n, x_bytes):
    currents at their input's scale, spikes packed.

    Raises EdgeError E104 for another shape, a value that is not finite, or a spike that is neither
    0 nor 1.
    """
    samples = np.atleast_2d(sample_array(x))
    n_values = sum(i.n_values for i in network.inputs)
    if samples.ndim != 2 or samples.shape[1] != n_values:
        raise EdgeError("E104", f"samples have shape {np.asarray(x).shape}, expected "
                        f"(n, {n_values})")
    out, start = np.zeros((len(samples), network.x_bytes), np.int8), 0
    for source, bits in zip(network.inputs, network.x_frac_bits, strict=True):
        values = samples[:, start : start + source.n_values]
        start += source.n_values
        packed = _pack_spikes(source, values) if source.spikes else quantize_input(values, bits)
        at = network.x_offsets[source.name]
        out[:, at : at + packed.shape[1]] = packed
    return out


def _pack_spikes(source: Input, values: NDArray[np.float64]) -> NDArray[np.int8]:
    """Frames of n samples, (n, n_frames * size), as words of 32 spikes."""
    if not np.isin(values, (0, 1)).all():
        raise EdgeError("E104", f"input '{source.name}' takes spikes, each 0 or 1")
    frames = np.zeros((len(values), source.n_frames, 8 * frame_bytes(source)), np.uint8)
    frames[:, :, : source.size] = values.reshape(len(values), source.n_frames, source.size)
    packed = np.packbits(frames, axis=2, bitorder="little")
    return packed.reshape(len(values), -1).view(np.int8)
