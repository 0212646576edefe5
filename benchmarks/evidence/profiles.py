"""Profiles of a worn sensor, fitted before a stream is learned behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.data import calibration
from edge_dassdp.data.datasets import Samples
from edge_dassdp.harness import Device
from edge_dassdp.sensor.profile import Kind
from evidence.methods import Constants, Fits
from evidence.tasks import Task

PER_CLASS = 2
"""Labelled samples of each class that an orientation is fitted to."""
ON_DEVICE: tuple[Fits, ...] = ("labels", "stream")
Seen = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Fitted:
    """stream: in the order that it is learned in, its first n_fit samples those that the fit saw.
    seen: what the host makes of samples before the device has them, if anything."""

    stream: Samples
    n_fit: int = 0
    seen: Seen | None = None

    def samples(self, given: Samples) -> Samples:
        return Samples(self.seen(given.x), given.y) if self.seen else given


def fit(what: Fits | None, device: Device, t: Task, constants: Constants) -> Fitted:
    """What the method fits, stored and in use on the device where it is the device's."""
    if what == "host" and t.n_channels is not None:
        return _on_host(t, constants, device.classify)
    if what == "labels":
        stream, n = first_of_each(t.stream)
        device.fit_profile(stream.x[:n], stream.y[:n])
        return Fitted(stream, n)
    if what == "stream":
        device.allow_profile()
        device.observe(t.stream.x)
    return Fitted(t.stream)


@contextmanager
def factory(device: Device) -> Iterator[None]:
    """The factory profile, and then the one in use again."""
    used = device.profile.selected
    device.target.select_profile(Kind.FACTORY)
    yield
    device.target.select_profile(used.kind)


def first_of_each(stream: Samples) -> tuple[Samples, int]:
    """The stream with the first PER_CLASS samples of each class in front, and how many these are.
    """
    in_front = np.zeros(len(stream), np.bool_)
    for label in np.unique(stream.y):
        in_front[np.flatnonzero(stream.y == label)[:PER_CLASS]] = True
    rows = np.concatenate([np.flatnonzero(in_front), np.flatnonzero(~in_front)])
    return Samples(stream.x[rows], stream.y[rows]), int(in_front.sum())


def _on_host(t: Task, constants: Constants, classify: Callable[..., NDArray[np.int64]]) -> Fitted:
    """Sign, gain and offset of each channel, from the first samples of the stream."""
    assert t.n_channels is not None
    n = int(constants["n_fit"])
    given = Samples(t.stream.x[:n], t.stream.y[:n])
    choices = calibration.fit(t.training, given, t.n_channels, most_gain=constants["most_gain"])
    return Fitted(t.stream, n, calibration.best(choices, classify, given).apply)
