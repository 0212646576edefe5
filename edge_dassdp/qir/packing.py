"""How integers lie in bytes on every target: spikes, fields, weight images, learning state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.sensor.profile import Kind, QProfile, as_matrix

COLUMN_ALIGN = QUANTITIES["column_align"]
"""Columns of a weight image are padded with zero weights to a multiple of this (kernels.h)."""

LANES = (0, 2, 1, 3)
"""Byte k of a group of four columns holds column LANES[k]; the order is its own inverse."""

LEARNING_DTYPE = np.dtype([
    ("rng", "<u4"), ("n_labelled", "<u4"), ("n_skipped", "<u4"), ("n_updates", "<u4"),
    ("n_vanished", "<u4"), ("batch_idx", "<u2"), ("batch_kind", "u1"), ("miss_share_q8", "u1"),
    ("n_lessons", "<u4"), ("lessons_digest", "<u4"),
])
"""dassdp_learning_t of core/state.h."""

LESSON_DTYPE = np.dtype([
    ("kind", "u1"), ("flags", "u1"), ("n_replayed", "<u2"), ("label", "<i4"), ("loss_q8", "<i4"),
    ("x_crc", "<u4"), ("class_idx", "<u2"), ("own_loss_q8", "<u2"),
])
"""dassdp_lesson_t of core/state.h."""

REPLAY_DTYPE = np.dtype([
    ("n_replayed", "<u4"), ("n_replay_skipped", "<u4"), ("flash_idx", "<u2"), ("ring_idx", "<u2"),
])
"""dassdp_replay_t of dassdp.h."""

GUARD_DTYPE = np.dtype([
    ("hits_bits", "<u4"), ("factory_hits_bits", "<u4"), ("n_judged", "<u2"), ("n_fallbacks", "<u2"),
])
"""dassdp_guard_t of dassdp.h."""

CUSUM_DTYPE = np.dtype([
    ("n_held", "<u4"), ("sum_q10", "<u2"), ("n_due", "<u2"), ("is_open", "<u2"),
    ("reserved", "<u2"),
])
"""dassdp_cusum_t of learn.h."""
SENSOR_DTYPE = np.dtype([
    ("selected", "u1"), ("stored", "u1"), ("has_learned", "u1"), ("reserved", "u1"),
    ("profile_idx", "<u2"), ("learned_idx", "<u2"),
])
"""dassdp_sensor_state_t of core/state.h."""

PROFILE_CHANNEL = 10
"""Numbers of a stored profile before those of its channels: det, then q_q14 row by row; behind them
gain_q12 of every channel, then the offset of every channel, as sensor/sensor.h has them."""


def n_profile(n_channels: int) -> int:
    """Numbers of a stored profile."""
    return PROFILE_CHANNEL + 2 * n_channels


def profile_numbers(profile: QProfile) -> IntArray:
    """(n_profile,) integers."""
    return np.array([profile.det, *(q for row in profile.q_q14 for q in row), *profile.gain_q12,
                     *profile.offset], np.int64)


def profile_of(kind: int, numbers: IntArray) -> QProfile:
    """The reverse. Raises EdgeError E105 for numbers that are no profile of that kind."""
    det, q_q14 = int(numbers[0]), as_matrix(numbers[1:PROFILE_CHANNEL].reshape(3, 3))
    gains, offsets = numbers[PROFILE_CHANNEL:].reshape(2, -1).tolist()
    return QProfile(Kind(kind), q_q14, det, tuple(gains), tuple(offsets))


def columns(n: int) -> int:
    """n and its padding."""
    return -(-n // COLUMN_ALIGN) * COLUMN_ALIGN


def nibbles_log2(weight_bits: int, is_packed: bool = False) -> int:
    """Of a weight of an image: 0 where two stand in a byte, 1 of bytes, 2 of half-words."""
    return 2 if weight_bits == 16 else int(not is_packed)


def row_bytes(n_post: int, weight_bits: int, is_packed: bool = False) -> int:
    return columns(n_post) << nibbles_log2(weight_bits, is_packed) >> 1


def words(n: int) -> int:
    """Words of n packed spikes."""
    return -(-n // 32)


def by_word(values: NDArray[Any]) -> NDArray[Any]:
    """(n, size) as (n, words, 32), padded with zeros."""
    n_words = words(values.shape[1])
    padded = np.pad(values, ((0, 0), (0, 32 * n_words - values.shape[1])))
    return padded.reshape(len(values), n_words, 32)


def pack_bits(spikes: NDArray[np.bool_]) -> bytes:
    """Spikes (n,) one bit each, neuron i in word i >> 5, bit i & 31; tail bits zero."""
    return np.packbits(spikes, bitorder="little").tobytes().ljust(4 * words(spikes.size), b"\0")


def unpack_bits(data: bytes, n: int) -> IntArray:
    return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:n].astype(np.int64)


def unpack_rows(data: bytes, n: int) -> IntArray:
    """Rows of n packed spikes, (n_rows, n)."""
    rows = np.frombuffer(data, np.uint8).reshape(-1, 4 * words(n))
    return np.unpackbits(rows, axis=1, count=n, bitorder="little").astype(np.int64)


def unpack_planes(data: bytes, n: int, bits: int) -> IntArray:
    """n values in bit planes: bit b of neuron i is bit i & 31 of word (i >> 5) bits + b; a silent
    latency is all ones."""
    planes = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").reshape(-1, bits, 32)
    values = (1 << np.arange(bits)) @ planes.astype(np.int64)
    return np.asarray(values.reshape(-1)[:n])


def pack_planes(values: IntArray, bits: int) -> bytes:
    """The reverse of `unpack_planes`, for values (n,) below 2^bits; planes of the tail are zero."""
    n_words = words(values.size)
    padded = np.zeros(32 * n_words, np.int64)
    padded[: values.size] = values
    planes = (padded.reshape(n_words, 1, 32) >> np.arange(bits)[None, :, None]) & 1
    return np.packbits(planes.astype(np.uint8), axis=2, bitorder="little").tobytes()


def pack_weights(w: NDArray[Any], weight_bits: int, is_packed: bool = False) -> bytes:
    """The weight image of w (n_pre, n_post): rows by presynaptic neuron, padded columns.

    4 to 8 bits: biased bytes w + 2^(bits-1), a group of four columns in the order n0 n2 n1 n3.
    16 bits: int16, natural order. is_packed, of 4 bits alone: a group of four in the low nibbles
    of four bytes, the next one in their high ones.
    """
    n_pre, n_post = w.shape
    padded = np.zeros((n_pre, columns(n_post)), np.int64)
    padded[:, :n_post] = w
    if weight_bits == 16:
        return padded.astype("<i2").tobytes()
    biased = (padded + (1 << (weight_bits - 1))).astype(np.uint8)
    groups = biased.reshape(n_pre, -1, 4)[:, :, list(LANES)]
    return (groups[:, ::2] | groups[:, 1::2] << 4 if is_packed else groups).tobytes()


def unpack_weights(image: bytes, n_pre: int, n_post: int, weight_bits: int,
                   is_packed: bool = False) -> IntArray:
    if weight_bits == 16:
        natural = np.frombuffer(image, "<i2").reshape(n_pre, -1).astype(np.int64)
        return natural[:, :n_post]
    groups = np.frombuffer(image, np.uint8).reshape(n_pre, -1, 4)
    if is_packed:
        groups = np.stack([groups & 15, groups >> 4], axis=2).reshape(n_pre, -1, 4)
    biased = groups[:, :, list(LANES)]
    return biased.reshape(n_pre, -1)[:, :n_post].astype(np.int64) - (1 << (weight_bits - 1))
