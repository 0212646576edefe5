"""Profiles of a worn sensor, fitted before a stream is learned behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.labels import first_of_each
from edge_dassdp.harness import Device
from edge_dassdp.sensor.profile import Kind

PER_CLASS = 2
"""Labelled samples of each class that an orientation is fitted to."""
Seen = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Fitted:
    """stream: in the order that it is learned in, its first n_fit samples those that the fit saw.
    seen: what the host makes of samples before the device has them, if anything. on_device: what
    was fitted is a profile in use there."""

    stream: Samples
    n_fit: int = 0
    seen: Seen | None = None
    on_device: bool = False

    def samples(self, given: Samples) -> Samples:
        return Samples(self.seen(given.x), given.y) if self.seen else given


Fit = Callable[[Device, Samples], Fitted]
"""Fits to a stream; what it stores on the device is in use from then on."""


def by_labels(device: Device, stream: Samples) -> Fitted:
    """The device fits to the first samples of each class."""
    first, n = first_in_front(stream)
    device.fit_profile(first.x[:n], first.y[:n])
    return Fitted(first, n, on_device=True)


def by_itself(device: Device, stream: Samples) -> Fitted:
    """The device finds one without labels, if it does."""
    device.allow_profile()
    device.observe(stream.x)
    return Fitted(stream, on_device=True)


@contextmanager
def factory(device: Device) -> Iterator[None]:
    """The factory profile, and then the one in use again."""
    used = device.profile.selected
    device.target.select_profile(Kind.FACTORY)
    yield
    device.target.select_profile(used.kind)


def first_in_front(stream: Samples) -> tuple[Samples, int]:
    """The stream with the first PER_CLASS samples of each class in front, and how many these are.
    """
    first = first_of_each(stream.y, PER_CLASS)
    rows = np.concatenate([first, np.setdiff1d(np.arange(len(stream)), first)])
    return Samples(stream.x[rows], stream.y[rows]), len(first)
