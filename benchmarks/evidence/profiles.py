"""Profiles of a worn sensor, fitted before or while a stream is learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.data import calibration
from edge_dassdp.data.datasets import Samples
from evidence.methods import Constants
from evidence.tasks import Task

PER_CLASS = 2
"""Labelled windows of each class that an orientation is fitted from."""


@dataclass(frozen=True)
class Fitted:
    """stream: in the order it is learned, its first n_fit samples those that the fit saw. seen:
    what a sample is before it reaches the device, the identity unless the host fits."""

    stream: Samples
    n_fit: int = 0
    seen: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda x: x


def first_of_each(stream: Samples) -> Samples:
    """The stream with the first PER_CLASS samples of each class in front."""
    front = np.zeros(len(stream), np.bool_)
    for label in np.unique(stream.y):
        front[np.flatnonzero(stream.y == label)[:PER_CLASS]] = True
    rows = np.concatenate([np.flatnonzero(front), np.flatnonzero(~front)])
    return Samples(stream.x[rows], stream.y[rows])


def on_host(t: Task, constants: Constants,
            classify: Callable[[NDArray[np.float32]], NDArray[np.int64]]) -> Fitted:
    """Sign, gain and offset of each channel, from the first samples of the stream."""
    assert t.n_channels is not None
    n = int(constants["n_fit"])
    given = Samples(t.stream.x[:n], t.stream.y[:n])
    choices = calibration.fit(t.training, given, t.n_channels, most_gain=constants["most_gain"])
    best = calibration.best(choices, classify, given)
    return Fitted(t.stream, n, best.apply)
