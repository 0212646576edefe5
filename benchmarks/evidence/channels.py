"""Sign, gain and offset of each channel of a worn sensor, fitted on the host."""

from __future__ import annotations

from edge_dassdp.comparison.profiles import Fitted
from edge_dassdp.data import calibration
from edge_dassdp.data.datasets import Samples
from edge_dassdp.harness import Device
from evidence.methods import Constants


def on_the_host(training: Samples, n_channels: int, constants: Constants, device: Device,
                stream: Samples) -> Fitted:
    """From the first samples of the stream."""
    n = int(constants["n_fit"])
    given = Samples(stream.x[:n], stream.y[:n])
    choices = calibration.fit(training, given, n_channels, most_gain=constants["most_gain"])
    return Fitted(stream, n, calibration.best(choices, device.classify, given).apply)
