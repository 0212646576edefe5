"""What stands before an input: a sensor whose raw counts the device takes itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.storage.foreign import reading
from edge_dassdp.storage.toml import read_toml

MOST_CHANNELS = QUANTITIES["sensor_channels"]
"""A reading is one piece of the link."""
_MOST_UNIT, _MOST = 2**15 - 1, 1e30
_EXAMPLE = "docs/sensor.md has an example"


@dataclass(frozen=True)
class Triad:
    """Three channels x, y, z of one vector. polar: acceleration; axial: angular rate or magnetic
    field, whose signs a mirror reverses."""

    kind: Literal["polar", "axial"]
    channels: tuple[int, int, int]


@dataclass(frozen=True)
class Sensor:
    """A sensor of int16 counts: x[c] = scale[c] count[c] + offset[c] is what the network takes.

    A sample holds readings one behind the other, the channels of a reading side by side. scale,
    offset: one of each channel; a number alone stands for all. triads: channels that turn with the
    sensor, one of them polar, so that the device can learn how it is worn. unit: counts of one unit
    of the polar triad, as of 1 g, 1 to 32,767. data: what data files of the command line hold,
    values that the network takes or raw counts. Raises EdgeError E101.
    """

    n_channels: int
    scale: tuple[float, ...]
    offset: tuple[float, ...] = (0.0,)
    triads: tuple[Triad, ...] = ()
    unit: int | None = None
    data: Literal["values", "counts"] = "values"

    def __post_init__(self) -> None:
        _require(is_int(self.n_channels) and 1 <= self.n_channels <= MOST_CHANNELS,
                 f"n_channels is {self.n_channels!r}, expected 1 to {MOST_CHANNELS}")
        _require(isinstance(self.data, str) and self.data in ("values", "counts"),
                 f"data is {self.data!r}, expected values or counts")
        for name in ("scale", "offset"):
            object.__setattr__(self, name, self._each(name))
        _require(all(self.scale), "a scale is 0: that channel would say nothing")
        _require(isinstance(self.triads, tuple | list), "triads is no tuple of triads")
        object.__setattr__(self, "triads", tuple(sorted(map(_triad, self.triads),
                                                        key=lambda t: t.kind != "polar")))
        self._check_triads()

    def _each(self, name: str) -> tuple[float, ...]:
        """One finite number for each channel."""
        given = getattr(self, name)
        row = tuple(given) if isinstance(given, tuple | list | np.ndarray) else (given,)
        row = row * self.n_channels if len(row) == 1 else row
        _require(len(row) == self.n_channels, f"{name} has {len(row)} numbers for "
                 f"{self.n_channels} channels")
        for c, v in enumerate(row):
            _require(is_real(v) and abs(v) < _MOST, f"{name} of channel {c} is {v!r:.40}, expected "
                     f"a finite number between {-_MOST:g} and {_MOST:g}")
        return tuple(map(float, row))

    def _check_triads(self) -> None:
        seen: set[int] = set()
        for triad in self.triads:
            for c in triad.channels:
                _require(0 <= c < self.n_channels, f"a triad names channel {c}, the sensor has 0 "
                         f"to {self.n_channels - 1}")
                _require(c not in seen, f"channel {c} is named twice in triads")
                seen.add(c)
        n_polar = sum(t.kind == "polar" for t in self.triads)
        _require(n_polar <= 1, f"{n_polar} triads are polar, expected one: the acceleration")
        _require(not self.triads or n_polar == 1, "no triad is polar: an axial one turns with the "
                 "acceleration, which must be declared, too")
        if self.triads:
            _require(is_int(self.unit) and 1 <= int(self.unit or 0) <= _MOST_UNIT,
                     f"unit is {self.unit!r}, expected the counts of 1 g, an integer from 1 to "
                     f"{_MOST_UNIT:,}")
        else:
            _require(self.unit is None, "unit belongs to a polar triad, and there is none")

    def values(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """What the network takes for counts (..., n_channels)."""
        return np.asarray(counts * np.array(self.scale) + np.array(self.offset))

    def counts(self, x: ArrayLike) -> NDArray[np.int16]:
        """The counts nearest to values (..., n_channels), limited to int16."""
        return np.asarray(np.clip(np.floor(self.exact(x) + 0.5), -2.0**15, 2.0**15 - 1), np.int16)

    def exact(self, x: ArrayLike) -> NDArray[np.float64]:
        """Counts of values (..., n_channels), neither rounded nor limited."""
        return np.asarray((np.asarray(x, np.float64) - np.array(self.offset))
                          / np.array(self.scale))

    @classmethod
    def load(cls, path: Path | str) -> Sensor:
        """Read a description in TOML: the fields above, each triad as [[triad]]. Raises EdgeError
        E103 for what cannot be read, E105 for what does not fit."""
        with reading(path, "sensor"):
            given = read_toml(path, "sensor", f"mend that line; {_EXAMPLE}")
        known = {f.name for f in fields(cls)} - {"triads"} | {"triad"}
        try:
            unknown = sorted(given.keys() - known)
            _require(not unknown, f"'{', '.join(unknown)}' is unknown; known are "
                     f"{', '.join(sorted(known))}")
            missing = sorted({"n_channels", "scale"} - given.keys())
            _require(not missing, f"{' and '.join(missing)} must be given")
            triads = given.pop("triad", [])
            _require(isinstance(triads, list), "a triad begins with [[triad]]")
            return cls(**given, triads=triads)
        except EdgeError as problem:
            raise EdgeError("E105", f"{path}: {problem.message.removeprefix('sensor: ')}",
                            help=_EXAMPLE) from None


def _triad(given: Any) -> Triad:
    """A triad, or a mapping of its fields."""
    parts: Mapping[str, Any] = given if isinstance(given, Mapping) else {
        "kind": getattr(given, "kind", None), "channels": getattr(given, "channels", None)}
    kind, channels = parts.get("kind"), parts.get("channels")
    if kind not in ("polar", "axial"):
        raise _malformed(f"a triad is of kind {kind!r}, expected polar or axial")
    if not isinstance(channels, tuple | list) or len(channels) != 3 or not all(
            map(is_int, channels)):
        raise _malformed(f"a triad has channels {channels!r}, expected three integers")
    return Triad(kind, (int(channels[0]), int(channels[1]), int(channels[2])))


def _malformed(message: str) -> EdgeError:
    return EdgeError("E101", f"sensor: {message}", help=_EXAMPLE)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise _malformed(message)
