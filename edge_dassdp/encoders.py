"""Raw samples into spikes, in the integers that the device uses (firmware/src/paths/encode.c)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import Input
from edge_dassdp.order import device_order, device_volume, natural_order
from edge_dassdp.qformat import IntArray, quantize_input
from edge_dassdp.wiring import volume

Q_ONE = 127
"""The largest code."""


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
