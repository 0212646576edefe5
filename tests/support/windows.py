"""Windows of a sensor as a body gives them, and as it gives them worn otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.sensor.profile import QProfile, QTriad

Counts = NDArray[np.int16]
TRIADS = (QTriad((0, 1, 2)), QTriad((3, 4, 5), axial=True))
UNIT, N_CLASSES, N_READINGS, N_CHANNELS = 512, 5, 40, 7
MIRROR = np.diag([-1, 1, 1]) * 16384


def worn(seed: int, y: NDArray[np.int64]) -> Counts:
    """Windows of a sensor with gravity and turning, and a channel that is no part of a triad; which
    classes move how is the same for all seeds."""
    rng, kinds = np.random.default_rng(seed), np.random.default_rng(1)
    gravity = kinds.normal(size=(N_CLASSES, 3))
    gravity *= UNIT / np.linalg.norm(gravity, axis=1, keepdims=True)
    level = np.concatenate([gravity, np.zeros((N_CLASSES, 3)),
                            kinds.uniform(2800, 3200, (N_CLASSES, 1))], axis=1)
    swing = kinds.uniform(20, 300, (N_CLASSES, N_CHANNELS))
    phase = rng.uniform(0, 2 * np.pi, (len(y), 1, N_CHANNELS))
    steps = np.arange(N_READINGS)[:, None]
    wave = np.sin(0.4 * steps + phase) + 0.2 * rng.normal(size=(len(y), N_READINGS, N_CHANNELS))
    mean = level[y] + 80 * rng.normal(size=(len(y), N_CHANNELS))
    strength = np.exp(0.3 * rng.normal(size=(len(y), N_CHANNELS)))
    return np.round(mean[:, None] + (swing[y] * strength)[:, None] * wave).astype(np.int16)


def labels(n: int, *, is_blocked: bool = False) -> NDArray[np.int64]:
    y = np.arange(n) % N_CLASSES
    return np.sort(y) if is_blocked else y


def rotation(seed: int) -> NDArray[np.int64]:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return np.round(q * np.sign(np.linalg.det(q)) * 16384).astype(np.int64)


def turned(counts: Counts, q_q14: NDArray[np.int64]) -> Counts:
    det = 1 if np.linalg.det(q_q14 / 16384) > 0 else -1
    rows = tuple(tuple(int(v) for v in row) for row in q_q14)
    return QProfile.oriented(rows, det, N_CHANNELS).apply(counts, TRIADS)


def rescaled(counts: Counts) -> Counts:
    gain = np.array([0.6, 1.5, 0.8, 1.9, 0.5, 1.0, 1.4])
    return np.round(counts * gain + [90, -200, 300, 40, 0, -70, 500]).astype(np.int16)


def dead(counts: Counts) -> Counts:
    made = counts.copy()
    made[..., [1, 5]] = 0
    return made
