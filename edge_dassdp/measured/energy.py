"""Energy of inferences and lessons, from a log of the board's current cut by the marker that its
firmware moves: high while a sample runs, and on while it is learned from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.build.board import Board
from edge_dassdp.measured.log import CurrentLog
from edge_dassdp.measured.pulses import Cut, Pulse, cut
from edge_dassdp.measured.spread import Spread

MOST_V = 60.0
_FEW_ROWS = 20
"""Rows of a pulse below which its two ends matter: each is known to a row."""
_LEAST_A, _MOST_A = 10e-9, 10.0
"""Mean currents of a board, beyond which its unit is doubted."""
_OTHER_VOLTS = 0.01
"""By which a voltage that is given may differ from the log's own."""
_CLIPPED, _FLAT = 0.01, 1.05
"""Share of rows at the largest current that no signal has, unless that is hardly above the mean."""


@dataclass(frozen=True)
class Energy:
    """Joules of whole pulses, nothing subtracted, and of the same with the idle current taken off.

    inference, lesson, written: of inferences, of lessons (the inference that a lesson begins with
    is in it), and of those of them that wrote weights; None where there was none. inference_a,
    lesson_a: mean current in amperes. idle_a: mean current between the pulses, while the board
    waits and talks to its host; None where nothing is between. volts: given, None where the log has
    its own, which counts. period_s: between two rows. seconds: of pulses. warnings: what makes them
    less sure.
    """

    channel: str
    volts: float | None
    period_s: float
    inference: Spread
    lesson: Spread | None
    written: Spread | None
    inference_above: Spread | None
    lesson_above: Spread | None
    inference_s: Spread
    lesson_s: Spread | None
    inference_a: float
    lesson_a: float | None
    idle_a: float | None
    warnings: tuple[str, ...]


def energy_of(path: Path, board: Board, n_inferences: int, wrote: Sequence[bool], *,
              format: str | None = None, volts: float | None = None,
              channel: str | None = None) -> Energy:
    """Energy from the log at `path` of a measurement: so many inferences, then a lesson for each of
    `wrote`, which says whether it wrote weights.

    format, channel: see `CurrentLog` and `Columns.channel`. volts: of the supply, where the log has
    none, or what that has. Raises EdgeError E103, E104 and E105 for a log, or a board, that does
    not tell it.
    """
    refuse_unless("E105", board.marker is not None, f"board {board.name} has no marker",
                  cause="its board.toml has no [marker], so its firmware moves no pin around a "
                  "sample", help="name a free pin there (docs/measuring.md), and flash it again")
    refuse_unless("E105", volts is None or (math.isfinite(volts) and 0 < volts <= MOST_V),
                  f"a supply of {volts} V", help=f"a voltage is above 0 and at most {MOST_V:g}")
    log = CurrentLog(path, format)
    refuse_unless("E105", volts is not None or log.columns.voltage is not None,
                  f"{path} has no column of voltage", help="say what the board was supplied with: "
                  "--volts 3.0")
    marker = log.columns.channel(path, channel)
    given, volts = volts, None if log.columns.voltage is not None else volts
    found = cut(log, marker, volts)
    _require_pulses(path, found, marker.name, n_inferences, len(wrote), board)
    inferences, lessons = found.pulses[:n_inferences], found.pulses[n_inferences:]
    for pulses in filter(None, (inferences, lessons)):
        _require_current(path, pulses, marker.name)
    if given is not None and volts is None:
        _require_volts(path, found.pulses, given)
    idle = found.idle
    known_s = idle.seconds - idle.lost_s if idle else 0.0
    idle_a, idle_w = (idle.coulombs / known_s, idle.joules / known_s) \
        if idle and known_s > 0 else (None, None)
    inference = _joules(inferences)
    assert inference is not None  # there is a sample at least
    seconds = Spread.of([p.seconds for p in inferences])
    assert seconds is not None
    return Energy(
        marker.name, volts, found.period_s, inference, _joules(lessons),
        _joules([p for p, w in zip(lessons, wrote, strict=True) if w]),
        _joules(inferences, idle_w), _joules(lessons, idle_w), seconds,
        Spread.of([p.seconds for p in lessons]), _mean_a(inferences),
        _mean_a(lessons) if lessons else None, idle_a,
        tuple(_doubts(found, *log.columns.read)))


def _joules(pulses: Sequence[Pulse], idle_w: float | None = 0.0) -> Spread | None:
    """With the power of waiting taken off; None where that is not known."""
    return None if idle_w is None else Spread.of([p.joules - idle_w * p.seconds for p in pulses])


def _mean_a(pulses: Sequence[Pulse]) -> float:
    return sum(p.coulombs for p in pulses) / sum(p.seconds for p in pulses)


def _require_pulses(path: Path, found: Cut, marker: str, n_inferences: int, n_lessons: int,
                    board: Board) -> None:
    """As many as there were samples, each of them whole. Raises EdgeError E104."""
    expected, others = n_inferences + n_lessons, {
        name: n for name, n in found.rises.items() if n and name != marker}
    if not found.pulses:
        moving = [name for name, n in others.items() if n == expected] or list(others)
        pin = board.marker.pin if board.marker else ""
        raise EdgeError("E104", f"{path}: {marker} never rises",
                        cause=f"the marker of {board.name} is {pin}",
                        help=f"{', '.join(moving)} does: name it with --channel" if moving else
                        "connect that pin to a digital input of the instrument")
    if len(found.pulses) != expected:
        raise EdgeError(
            "E104", f"{path}: {marker} rises {len(found.pulses):,} times, expected {expected:,}",
            cause=f"{n_inferences:,} inferences, then {n_lessons:,} lessons",
            help="give the model, --data, --limit and --shift-seed of the measurement that was "
                 "recorded, record nothing else, and log faster if pulses are shorter than two "
                 f"rows ({found.period_s:.3g} s)")
    for n, pulse in enumerate(found.pulses):
        what = f"inference {n + 1}" if n < n_inferences else f"lesson {n - n_inferences + 1}"
        if pulse.lost_s > 0:
            raise EdgeError("E104", f"{path} has a gap of {pulse.lost_s:.3g} s in {what}",
                            cause=f"it begins at {pulse.begin_s:.6g} s",
                            help="record again: lower the sample rate, or close other programs")


def _require_current(path: Path, pulses: Sequence[Pulse], marker: str) -> None:
    """Raises EdgeError E104 for pulses in which nothing flows, or backwards."""
    refuse_unless("E104", any(p.seconds > 0 for p in pulses),
                  f"{path}: its time stands still while {marker} is high",
                  help="export time with more digits")
    mean_a = _mean_a(pulses)
    refuse_unless("E104", mean_a > 0,
                  f"{path}: the mean current while {marker} is high is {1e3 * mean_a:.4g} mA",
                  cause="the instrument's leads are swapped, or the board is not supplied by it",
                  help="connect the board's supply to its output, and record again")


def _require_volts(path: Path, pulses: Sequence[Pulse], given: float) -> None:
    """Raises EdgeError E105 for another voltage than the log has while current flows in pulses."""
    own = sum(p.joules for p in pulses) / sum(p.coulombs for p in pulses)
    refuse_unless("E105", abs(own - given) <= _OTHER_VOLTS * given,
                  f"{path} has {own:.4g} V in its column of voltage, --volts says {given:g}",
                  help="leave --volts out, or export the log without that column")


def _doubts(found: Cut, read_time: str, read_current: str) -> list[str]:
    """Why figures are less sure than they look. read_time, read_current: see `Columns.read`."""
    doubts, fewest = [], min(p.rows for p in found.pulses)
    mean_a, shortest_s = _mean_a(found.pulses), min(p.seconds for p in found.pulses)
    if not _LEAST_A <= mean_a <= _MOST_A:
        doubts.append(f"The mean current in pulses is {mean_a:.3g} A: is its unit right? Its "
                      f"{read_current}.")
    if fewest == 1 or shortest_s < found.period_s:
        doubts.append(f"A row of the log takes {found.period_s:.3g} s, the shortest pulse no "
                      "longer than that: its energy is not known. Log faster, or is its unit "
                      f"wrong? Its {read_time}.")
    elif fewest < _FEW_ROWS:
        doubts.append(f"The shortest pulse has {fewest} rows of the log: its ends are known to "
                      f"{found.period_s:.3g} s each, its energy to some {100 / fewest:.0f} %. Log "
                      "faster.")
    peak = max(p.peak_a for p in found.pulses)
    at_peak = sum(p.peaks for p in found.pulses if p.peak_a == peak)
    rows = sum(p.rows for p in found.pulses)
    if at_peak > max(_CLIPPED * rows, 3) and peak > _FLAT * mean_a:
        doubts.append(f"{100 * at_peak / rows:.1f} % of the rows in pulses stand at the largest "
                      f"current, {1e3 * peak:.4g} mA: the log may be clipped there, and the energy "
                      "larger. Record in a larger range.")
    if found.idle and found.idle.lost_s > 0:
        doubts.append(f"Between pulses the log has gaps of {found.idle.lost_s:.3g} s: the idle "
                      "current is that of the rest.")
    return doubts
