"""What flowed while a marker was high: a log of current, cut by its digital channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.measured.columns import Digital
from edge_dassdp.measured.log import Block, CurrentLog

MOST_PULSES = 1 << 17
_GAP = 4.0
"""Periods of the log from which on rows are missing."""
_HIGH = ("1", "X", "T", "t", "H", "h")
"""Letters of a high cell; X: PPK2 saw both within a row."""


@dataclass(frozen=True)
class Pulse:
    """A time of one level: from begin_s on, so long, charge and energy, over so many rows. peak_a,
    peaks: the largest current, and the rows that have it. lost_s: of it, without a current."""

    begin_s: float
    seconds: float
    coulombs: float
    joules: float
    rows: int
    peak_a: float
    peaks: int
    lost_s: float

    def with_(self, other: Pulse) -> Pulse:
        """The two as one: the other goes on where this ends."""
        peak = max(self.peak_a, other.peak_a)
        return Pulse(self.begin_s, self.seconds + other.seconds, self.coulombs + other.coulombs,
                     self.joules + other.joules, self.rows + other.rows, peak,
                     self.peaks * (self.peak_a == peak) + other.peaks * (other.peak_a == peak),
                     self.lost_s + other.lost_s)


@dataclass
class Cut:
    """A log by its marker: pulses in order, and all between two of them as one.

    period_s: between two rows. rises: of every channel, by name.
    """

    pulses: list[Pulse] = field(default_factory=list)
    idle: Pulse | None = None
    period_s: float = 0.0
    rises: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Rows:
    """Rows of a log: seconds, amperes, watts, and whether the marker is high."""

    t_s: NDArray[np.float64]
    i_a: NDArray[np.float64]
    power_w: NDArray[np.float64]
    high: NDArray[np.bool_]

    def at(self, part: slice) -> _Rows:
        return _Rows(self.t_s[part], self.i_a[part], self.power_w[part], self.high[part])

    def before(self, other: _Rows) -> _Rows:
        """These, and then the others."""
        return _Rows(np.append(self.t_s, other.t_s), np.append(self.i_a, other.i_a),
                     np.append(self.power_w, other.power_w), np.append(self.high, other.high))


def cut(log: CurrentLog, channel: Digital, volts: float | None) -> Cut:
    """Cut a log by a digital channel, at `volts`, or by the log's own where that is None.

    Raises EdgeError E104 for a log that is high at its begin or its end, whose time runs backwards,
    or without rows.
    """
    found = Cut()
    waiting: Pulse | None = None  # the low time behind the last pulse
    parts = _segments(log, channel, volts, found)
    first = last = None
    for is_high, pulse in _joined(parts):
        first = is_high if first is None else first
        last = is_high
        if not is_high:
            waiting = pulse if found.pulses else None
            continue
        if waiting is not None:
            found.idle = waiting if found.idle is None else found.idle.with_(waiting)
        found.pulses.append(pulse)
        if len(found.pulses) > MOST_PULSES:
            raise EdgeError("E104", f"{log.path}: {channel.name} rises more than {MOST_PULSES:,} "
                            "times", help="is that the channel of the marker? --channel names one")
    if first is None:
        raise EdgeError("E104", f"{log.path} holds no rows", help="export it again")
    if (first or last) and any(found.rises.values()):
        raise EdgeError("E104", f"{log.path} {'begins' if first else 'ends'} while {channel.name} "
                        "is high", help="record from before the first sample to behind the last")
    return found


def _joined(parts: Iterator[tuple[bool, Pulse]]) -> Iterator[tuple[bool, Pulse]]:
    """Neighbours of one level as one."""
    held: tuple[bool, Pulse] | None = None
    for is_high, pulse in parts:
        if held is not None and held[0] == is_high:
            held = is_high, held[1].with_(pulse)
            continue
        if held is not None:
            yield held
        held = is_high, pulse
    if held is not None:
        yield held


def _segments(log: CurrentLog, channel: Digital, volts: float | None,
              found: Cut) -> Iterator[tuple[bool, Pulse]]:
    """Times of one level within a block; the last row of a block ends with the next block."""
    levels = {c.name: False for c in log.columns.digital}
    is_first = True
    rest: _Rows | None = None
    for block in log.blocks():
        if not len(block.t_s):
            continue
        high: NDArray[np.bool_] = np.zeros(0, bool)
        for one in log.columns.digital:
            level = _level(block, one, levels[one.name])
            before = level[0] if is_first else levels[one.name]
            n = int((~np.concatenate(([before], level[:-1])) & level).sum())
            found.rises[one.name] = found.rises.get(one.name, 0) + n
            levels[one.name] = bool(level[-1])
            high = level if one == channel else high
        is_first = False
        rows = _Rows(block.t_s, block.i_a, block.power_w(volts), high)
        rows = rows if rest is None else rest.before(rows)
        rest = rows.at(slice(-1, None))
        yield from _of_rows(log, rows, found)


def _of_rows(log: CurrentLog, rows: _Rows, found: Cut) -> Iterator[tuple[bool, Pulse]]:
    """A row holds until the next one; the last row is left out."""
    t_s, dt = rows.t_s, np.diff(rows.t_s)
    if not len(dt):
        return
    if (dt < 0).any():
        at = int(np.argmax(dt < 0))
        raise EdgeError("E104", f"{log.path}: its time runs backwards at {t_s[at]:.6g} s",
                        help="export one recording, in its order")
    if not found.period_s:
        found.period_s = float(np.median(dt))
    i_a, power_w, high = rows.i_a[:-1], rows.power_w[:-1], rows.high[:-1]
    is_lost = ~np.isfinite(power_w) | (dt > _GAP * found.period_s)
    charge, energy = (np.where(is_lost, 0.0, flow * dt) for flow in (i_a, power_w))
    starts = np.concatenate(([0], np.flatnonzero(high[1:] != high[:-1]) + 1))
    shown = np.where(np.isnan(i_a), -np.inf, i_a)
    peaks = np.maximum.reduceat(shown, starts)
    lengths = np.diff(np.append(starts, len(high)))
    at_peak = np.add.reduceat((shown == np.repeat(peaks, lengths)).astype(int), starts)
    sums = [np.add.reduceat(part, starts) for part in (
        dt, charge, energy, np.where(is_lost, dt, 0.0))]
    for k, start in enumerate(starts):
        yield bool(high[start]), Pulse(
            float(t_s[start]), float(sums[0][k]), float(sums[1][k]), float(sums[2][k]),
            int(lengths[k]), float(peaks[k]), int(at_peak[k]), float(sums[3][k]))


def _level(block: Block, channel: Digital, before: bool) -> NDArray[np.bool_]:
    """Whether a channel is high, row by row; an empty cell leaves it as it was."""
    cells = np.ascontiguousarray(block.cells[channel.column])
    place = channel.letter or 0
    letters = cells.view("U1").reshape(len(cells), -1)[:, place]
    level = np.isin(letters, _HIGH)
    empty = (letters == "") | (letters == "-")
    if empty.any():
        last = np.maximum.accumulate(np.where(empty, -1, np.arange(len(cells))))
        level = np.where(last < 0, before, level[np.maximum(last, 0)])
    return level
