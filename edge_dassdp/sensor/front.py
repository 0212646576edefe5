"""The front end of a network: raw counts through a profile into int8 codes, reading by reading.

The C of it is firmware/src/sensor/sensor.c, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.qformat import IntArray, scalar_to_int
from edge_dassdp.sensor.drift import QDrift
from edge_dassdp.sensor.profile import QProfile, QTriad

MOST_CODE = 127
MUL_MAX, ADD_MAX, MOST_SHIFT = 2**15 - 1, 2**30 - 1, 30
"""|mul count + add| stays below 2^31."""
NO_MEAN = -(2**15)
"""First number of the factory mean of a class without samples: it is not observed."""


@dataclass(frozen=True, eq=False)
class QSensor:
    """code = clip((mul count' + add) >> shift, -127, 127), channel by channel, count' the int16
    counts behind the profile; half of 2^shift is in `add`.

    mul (+-32,767), add (below 2^30), shift (0 to 30): (n_channels,). triads: the polar one first,
    or none at all. unit: counts of one unit of the polar triad. class_means: int16 (n_classes,
    n_channels), factory means of counts by class, NO_MEAN for one without samples; None: the device
    fits nothing. class_stds: as many, of readings within samples; they stay on the host. drift:
    what windows are compared with, without labels, or None. Raises EdgeError E101 for what no
    device could run.
    """

    n_channels: int
    mul: IntArray
    add: IntArray
    shift: IntArray
    triads: tuple[QTriad, ...] = ()
    unit: int = 0
    class_means: IntArray | None = None
    class_stds: IntArray | None = None
    drift: QDrift | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "triads", tuple(
            QTriad((int(t[0][0]), int(t[0][1]), int(t[0][2])), bool(t[1])) for t in self.triads))
        for name, low, high in (("mul", -MUL_MAX, MUL_MAX), ("add", -ADD_MAX, ADD_MAX),
                                ("shift", 0, MOST_SHIFT)):
            values = getattr(self, name)
            refuse_unless("E101", values.shape == (self.n_channels,)
                          and bool(((values >= low) & (values <= high)).all()),
                          f"sensor: {name} is not {self.n_channels} integers of {low} to {high}")
        channels = [c for t in self.triads for c in t.channels]
        polar = [t for t in self.triads if not t.axial]
        if len(set(channels)) != len(channels) or list(self.triads[:1]) != polar or not all(
                0 <= c < self.n_channels for c in channels):
            raise EdgeError("E101", "sensor: its triads do not stand on its channels")

    @property
    def fits(self) -> bool:
        """The device fits an orientation of its own."""
        return self.class_means is not None and bool(self.triads)

    @property
    def polar_means(self) -> IntArray:
        """Factory means of the polar triad, (n_classes, 3)."""
        assert self.class_means is not None
        return self.class_means[:, list(self.triads[0].channels)]

    def codes(self, counts: NDArray[np.int16], profile: QProfile) -> NDArray[np.int8]:
        """Readings (..., n_channels) as int8 of the same shape."""
        worn = profile.apply(counts, self.triads).astype(np.int64)
        made = (self.mul * worn + self.add) >> self.shift
        return np.asarray(np.clip(made, -MOST_CODE, MOST_CODE), np.int8)


def affine(scale: float, offset: float) -> tuple[int, int, int]:
    """(mul, add, shift) of floor(scale count + offset + 1/2), as many digits as fit. Raises
    EdgeError E201 for a scale that an integer does not hold."""
    for shift in range(MOST_SHIFT, -1, -1):
        mul = scalar_to_int(scale * 2.0**shift)
        add = scalar_to_int((offset + 0.5) * 2.0**shift)
        if abs(mul) <= MUL_MAX and abs(add) <= ADD_MAX:
            if mul:
                return mul, add, shift
            break
    raise EdgeError("E201", f"a count of the sensor is {scale:.3g} steps of an int8 input, and "
                    f"0 is {offset:.3g} of them", help="state scale and offset so that counts of "
                    "int16 reach what the network was trained on")
