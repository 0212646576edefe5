"""A network measured on the board that runs it: its ticks per sample, its stack, its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.measured.counter import Ticks, ticks_of
from edge_dassdp.measured.spread import Spread
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.outcome import Outcome, Progress, Statistics
from edge_dassdp.targets.link import LinkTarget

_PARTS = 2
"""Of an inference beside its steps, timed one by one: its begin and its end."""
_SLEEP = "cycles asleep: the counter is read while a sample runs, between requests it is not"


@dataclass(frozen=True)
class Stack:
    """Bytes of the painted stack: reserved, and written to since the board started, up to before
    the measurement, after all inferences and after all lessons."""

    reserved: int
    before: int
    inferred: int
    learned: int


@dataclass(frozen=True)
class OnBoard:
    """What a board told of a network.

    inference, learning, written: ticks of inferences, of the learning part of every lesson, and of
    those that wrote weights; None where nothing counts or learns. inference_s, lesson_s: seconds of
    whole requests on this computer, the link's included. n_written: lessons that wrote. untold:
    what it could not tell, a sentence each. reading_per_inference: ticks of an inference that its
    readings take; of a lesson those of one reading are in it.
    """

    name: str
    build_hash: str
    image_crc: int
    ticks: Ticks
    inference: Spread | None
    learning: Spread | None
    written: Spread | None
    inference_s: Spread
    lesson_s: Spread | None
    n_written: int
    stack: Stack | None
    untold: tuple[str, ...]
    reading_per_inference: int | None = None

    def ms(self, spread: Spread | None) -> Spread | None:
        """Ticks as milliseconds; None where the counter's clock is not known."""
        return spread.times(1e3 / self.ticks.hz) if spread and self.ticks.hz else None


@dataclass
class _Course:
    """Outcomes as they come, and the seconds that each took."""

    progress: Progress | None
    inferred: list[Outcome] = field(default_factory=list)
    learned: list[Outcome] = field(default_factory=list)
    inferred_s: list[float] = field(default_factory=list)
    learned_s: list[float] = field(default_factory=list)

    def do(self, outcomes: list[Outcome], seconds: list[float],
           ask: Callable[[], Outcome]) -> None:
        begin = time.perf_counter()
        outcomes.append(ask())
        seconds.append(time.perf_counter() - begin)
        if self.progress:
            self.progress(len(self.inferred) + len(self.learned))

    @property
    def told(self) -> str:
        return (f"{len(self.inferred):,} inferences and {len(self.learned):,} lessons were "
                "measured before")

    @property
    def timed(self) -> list[tuple[int, float]]:
        """Ticks and seconds of each request that has ticks."""
        return [((o.forward_ticks or 0) + (o.learn_ticks or 0), s) for o, s in zip(
            self.inferred + self.learned, self.inferred_s + self.learned_s, strict=True)
            if o.forward_ticks is not None]


def measure(device: LinkTarget, network: QNetwork, board: Board | None, x: NDArray[np.int8],
            y: NDArray[Any] | None = None, progress: Progress | None = None) -> OnBoard:
    """Classify samples x, int8 (n, x_bytes), one by one, then, if the network learns and labels y
    (n,) are given, learn each once, in order. board: what is known of it.

    Raises EdgeError as the link does; E502, E504 and E505 say how much was measured before.
    """
    before, course = device.statistics(), _Course(progress)
    lessons = zip(x, y, strict=True) if network.plastic and y is not None else ()
    try:
        for sample in x:
            course.do(course.inferred, course.inferred_s, partial(device.infer, sample))
        between = device.statistics()
        for sample, label in lessons:
            course.do(course.learned, course.learned_s,
                      partial(device.learn, sample, int(label)))
        after = device.statistics()
    except EdgeError as problem:
        if course.inferred:
            problem.message += f"; {course.told}"
        raise
    return _figures(device, board, course, (before, between, after))


def _figures(device: LinkTarget, board: Board | None, course: _Course,
             said: tuple[Statistics, Statistics, Statistics]) -> OnBoard:
    ticks = ticks_of(board, device.info, course.timed)
    inference_s = Spread.of(course.inferred_s)
    assert inference_s is not None  # there is a sample at least
    stack, of_stack = _stack(said)
    counts = any(n for n, _ in course.timed)
    return OnBoard(
        device.info.board, device.info.build_hash, device.info.start.image_crc, ticks,
        _ticks([o.forward_ticks for o in course.inferred], counts),
        _ticks([o.learn_ticks for o in course.learned], counts),
        _ticks([o.learn_ticks for o in course.learned if o.is_updated], counts),
        inference_s, Spread.of(course.learned_s), sum(o.is_updated for o in course.learned), stack,
        (*ticks.untold, *of_stack, _SLEEP),
        ticks.reading * (device.info.n_steps + _PARTS) if counts else None)


def _ticks(ticks: list[int | None], counts: bool) -> Spread | None:
    return Spread.of([t for t in ticks if t is not None]) if counts else None


def _stack(said: tuple[Statistics, Statistics, Statistics]) -> tuple[Stack | None, list[str]]:
    """What was painted, and what that leaves open."""
    size, used = said[2].stack_size, [one.stack_used for one in said]
    if size is None or None in used:
        return None, ["its stack: the firmware paints none"]
    found = Stack(size, *(n or 0 for n in used))
    if found.learned >= size:
        return found, ["how deep its stack was: all that is reserved was written to, or the paint "
                       "was overwritten"]
    return found, []
