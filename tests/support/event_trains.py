"""Event trains for networks whose data sets are not at hand: digits that a moving camera sees, and
seeded Poisson trains."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SIZE, DIGIT = 34, 22
"""Pixels of the camera, and of a digit in it: those of N-MNIST."""
TRAVEL = 6.0
"""Pixels that the camera moves: three saccades along a triangle."""
CORNERS = ((0.0, 0.0), (1.0, 0.5), (0.0, 1.0), (0.0, 0.0))


@cache
def _digits() -> NDArray[np.float64]:
    """The mean image of each digit of scikit-learn's 8 x 8 images, 0 to 1."""
    from sklearn.datasets import load_digits

    data = load_digits()
    means = np.stack([data.images[data.target == k].mean(axis=0) for k in range(10)])
    return np.asarray(means / means.max(axis=(1, 2), keepdims=True))


def digit_trains(n: int, n_steps: int = 300, *, gain: float = 8.0,
                 seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """n digits in turn, seen in three saccades: numbers of events (n, n_steps * 2 * 34 * 34), ON
    first, and the digits. gain: events of a pixel that turns from dark to bright."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    trains = np.stack([_train(_stroke(_digits()[k]), n_steps, gain, rng) for k in labels])
    return trains.reshape(n, -1).astype(np.float32), labels


def _stroke(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Enlarged to the camera's pixels, with sharper edges."""
    at = np.linspace(0, 7, DIGIT)
    low = np.minimum(at.astype(int), 6)
    part = at - low
    rows = image[low] * (1 - part)[:, None] + image[low + 1] * part[:, None]
    pixels = rows[:, low] * (1 - part) + rows[:, low + 1] * part
    margin = (SIZE - DIGIT) // 2
    return np.pad(np.clip((pixels - 0.6) / 0.3 + 0.5, 0, 1), margin)


def _train(stroke: NDArray[np.float64], n_steps: int, gain: float,
           rng: np.random.Generator) -> NDArray[np.int64]:
    events = np.zeros((n_steps, 2, SIZE, SIZE), np.int64)
    before = _seen(stroke, 0.0)
    for t_step in range(1, n_steps):
        now = _seen(stroke, 3 * t_step / n_steps)
        drawn = rng.poisson(gain * np.abs(now - before))
        events[t_step] = drawn * np.stack([now > before, now < before])
        before = now
    return events


def _seen(stroke: NDArray[np.float64], place: float) -> NDArray[np.float64]:
    """The stroke, moved; place: 0 to 3 along the triangle."""
    side = min(int(place), 2)
    part = place - side
    part = part * part * (3 - 2 * part)
    down, right = ((a * (1 - part) + b * part - 0.5) * TRAVEL
                   for a, b in zip(CORNERS[side], CORNERS[side + 1], strict=True))
    y, x = int(np.floor(down)), int(np.floor(right))
    fy, fx = down - y, right - x

    def rolled(dy: int, dx: int) -> NDArray[np.float64]:
        return np.roll(stroke, (y + dy, x + dx), axis=(0, 1))

    return np.asarray((1 - fy) * ((1 - fx) * rolled(0, 0) + fx * rolled(0, 1))
                      + fy * ((1 - fx) * rolled(1, 0) + fx * rolled(1, 1)))


def poisson_trains(n: int, n_steps: int, size: int, rate: float,
                   seed: int = 0) -> NDArray[np.float32]:
    """n trains of spikes (n, n_steps * size), each with its own rates of neurons, `rate` in the
    mean."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.5, rate / 0.5, (n, 1, size))
    return (rng.random((n, n_steps, size)) < rates).astype(np.float32).reshape(n, -1)
