"""Raw samples into spikes, in the integers that the device uses (firmware/src/encode.c)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import Encoder
from edge_dassdp.qformat import IntArray, quantize_input

Q_ONE = 127
"""The largest code."""


def encode(encoder: Encoder, x: NDArray[np.float32], n_steps: int) -> NDArray[np.bool_]:
    """Spikes (n, n_steps, neurons) of raw frames x, (n, n_frames, n_raw)."""
    return encode_codes(encoder, quantize_input(x, encoder.frac_bits).astype(np.int64), n_steps)


def encode_codes(encoder: Encoder, q: IntArray, n_steps: int) -> NDArray[np.bool_]:
    """`encode` of int8 codes q, (n, n_frames, n_raw)."""
    if encoder.kind == "latency":
        return _latency(q[:, 0], n_steps)
    return _rate(q[:, 0], n_steps, encoder.seed) if encoder.kind == "rate" \
        else _delta(q, encoder.step)


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


def _delta(q: IntArray, step: int) -> NDArray[np.bool_]:
    """The level starts at the first frame and follows by `step` with every spike; at most one spike
    a step. Neurons ON first, then OFF."""
    level = q[:, 0].copy()
    spikes = np.zeros((*q.shape[:2], 2, q.shape[2]), bool)
    for t_step in range(q.shape[1]):
        change = q[:, t_step] - level
        spikes[:, t_step, 0] = change >= step
        spikes[:, t_step, 1] = change <= -step
        level += step * (spikes[:, t_step, 0].astype(np.int64) - spikes[:, t_step, 1])
    return spikes.reshape(*q.shape[:2], -1)
