"""Signs, gains and offsets of channels, fitted from class means and standard deviations, in int32.

The C of it is firmware/src/sensor/channels.c, bit for bit.
"""

from __future__ import annotations

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.sensor.profile import QProfile


def fit(then_mean: IntArray, then_std: IntArray, mean_sums: IntArray, std_sums: IntArray,
        n_seen: IntArray) -> QProfile:
    """The signs, gains and offsets under which the classes' statistics are the factory's.

    then_mean, then_std: int16 (n_classes, n_channels), the factory's, std of single readings.
    mean_sums, std_sums: int32 (n_classes, n_channels), sums of as many window means and standard
    deviations as n_seen says, uint16 (n_classes,); classes with 0 are left out.
    """
    raise NotImplementedError
