"""Logs of current as instruments export them, of a board whose every figure is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Recording:
    """rate_hz rows a second; each pulse so long, with gap_s before, between and behind. Amperes
    while the marker is high and low, with noise of that deviation."""

    pulses_s: Sequence[float]
    rate_hz: float = 20_000.0
    gap_s: float = 0.01
    high_a: float = 8e-3
    idle_a: float = 5e-3
    noise_a: float = 1e-4

    @property
    def rows(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Seconds, amperes, marker."""
        edges = np.cumsum([d for pulse in self.pulses_s for d in (self.gap_s, pulse)])
        k = np.arange(round((edges[-1] + self.gap_s) * self.rate_hz))
        high = np.searchsorted(np.round(edges * self.rate_hz), k, "right") % 2 == 1
        noise = np.random.default_rng(1).normal(0, self.noise_a, k.size)
        return k / self.rate_hz, np.where(high, self.high_a, self.idle_a) + noise, high

    def joules(self, volts: float) -> float:
        """Of the first pulse."""
        return volts * self.high_a * self.pulses_s[0]

    def with_(self, **changes: float) -> Recording:
        return replace(self, **changes)  # type: ignore[arg-type]


Writer = Callable[[Path, Recording], Path]


def write(path: Path, header: str, lines: Sequence[str]) -> Path:
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def ppk2(path: Path, recording: Recording) -> Path:
    t, i, high = recording.rows
    return write(path, "Timestamp(ms),Current(uA),D0-D7", [
        f"{1e3 * a:.4f},{1e6 * b:.3f},{int(c)}0000000" for a, b, c in zip(t, i, high, strict=True)])


def ppk2_apart(path: Path, recording: Recording) -> Path:
    t, i, high = recording.rows
    return write(path, "Timestamp(ms),Current(uA),D0,D1,D2,D3,D4,D5,D6,D7", [
        f"{1e3 * a:.4f},{1e6 * b:.3f},{int(c)},0,0,0,0,0,0,0"
        for a, b, c in zip(t, i, high, strict=True)])


def otii(path: Path, recording: Recording) -> Path:
    t, i, high = recording.rows
    return write(path, '"Timestamp","Arc Main Current (A)","Arc Main Voltage (V)","Arc GPI 1"', [
        f'"{a:.6f}","{b:.9f}","3.0","{int(c)}"' for a, b, c in zip(t, i, high, strict=True)])


def joulescope(path: Path, recording: Recording) -> Path:
    t, i, high = recording.rows
    return write(path, "#time,current,voltage,power,current_lsb,voltage_lsb", [
        f"{a:.7f},{b:.9g},3.0,{3 * b:.9g},{int(c)},0" for a, b, c in zip(t, i, high, strict=True)])


def spreadsheet(path: Path, recording: Recording) -> Path:
    """As a spreadsheet in a country of decimal commas saves it, with a byte order mark."""
    t, i, high = recording.rows
    lines = [f"{a:.6f};{1e3 * b:.6f};{int(c)}".replace(".", ",")
             for a, b, c in zip(t, i, high, strict=True)]
    return write(path, "\ufeffRecorded on a Tuesday\nTime [s];I current [mA];Marker", lines)


WRITERS: dict[str, Writer] = {
    "ppk2": ppk2, "ppk2, bits apart": ppk2_apart, "otii": otii, "joulescope": joulescope,
    "a spreadsheet": spreadsheet}
