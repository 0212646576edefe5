"""A target whose lessons are written down as they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.learned.log import LESSONS, MOST_IDLE, Event, Head, LessonLog, ReadLog
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import profile_numbers
from edge_dassdp.reference.outcome import NO_LABEL, OWN_LOSS, BatchOutcome, Outcome
from edge_dassdp.targets.target import INFER, LEARN, Target

Written = Callable[..., list[Event]]
"""Of what a method was given, and its answer, None where that was lost."""


def watch(target: Target, network: QNetwork, path: Path) -> LessonLog:
    """From now on whatever changes what the target has learned is written to a log, as soon as it
    was carried out. Raises EdgeError E103 where it cannot be written, now or then."""
    now = target.statistics()
    return _put_on(target, LessonLog(path, Head(network.sha256, now.learned_digest, now.n_lessons,
                                                now.lessons_digest)))


def watch_on(target: Target, network: QNetwork, path: Path, lost: Event | None) -> LessonLog:
    """The same for a log that was left in the middle. lost: the lesson that the device may have had
    since. Raises EdgeError E105 where the log does not lead to what the device has learned."""
    with ReadLog(network, path) as log:
        n = log.head.n_lessons
        digest: int | None = log.head.lessons
        for event in log.events():
            n, digest = n + (event.do in LESSONS), event.digest
    now = target.statistics()
    is_there = n == now.n_lessons
    if not is_there and not (lost is not None and n + 1 == now.n_lessons):
        raise _elsewhere(path, f"it ends with lesson {n:,}, the device has had {now.n_lessons:,}")
    if is_there and digest not in (None, now.lessons_digest):
        raise _elsewhere(path, f"behind lesson {n:,} its digest is {digest:08x}, the device's "
                               f"{now.lessons_digest:08x}")
    made = LessonLog(path, log.n_whole_bytes)
    if not is_there and lost is not None:
        made.write(replace(lost, digest=now.lessons_digest))
    return _put_on(target, made)


def _elsewhere(path: Path, cause: str) -> EdgeError:
    return EdgeError("E105", f"{path} does not lead to what the device has learned", cause=cause,
                     help="give the log that this stream was begun with, or go on without one")


def _put_on(target: Target, log: LessonLog) -> LessonLog:
    for name, written in _WRITTEN.items():
        setattr(target, name, _watched(target, log, getattr(target, name), written))
    return log


def _watched(target: Target, log: LessonLog, method: Callable[..., Any],
             written: Written) -> Callable[..., Any]:
    @wraps(method)
    def call(*given: Any, **named: Any) -> Any:
        if log.is_closed:
            return method(*given, **named)
        n_before = log.n_written
        try:
            answer = method(*given, **named)
        except EdgeError as problem:
            if problem.code == "E502" and target.lost_request_ran and log.n_written == n_before:
                _write(log, written(None, *given, **named))
            raise
        if log.n_written == n_before:  # else a method that this one calls has written it
            _write(log, written(answer, *given, **named))
        return answer

    return call


def _write(log: LessonLog, events: list[Event]) -> None:
    for event in events:
        log.write(event)


def _bytes(x: Any) -> bytes:
    return np.asarray(x).astype(np.int8).tobytes()


def _lesson(do: str) -> Written:
    def written(answer: Outcome | None, x: Any, label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
                digest: bool = False) -> list[Event]:
        return [Event(do, _bytes(x), int(label), int(loss_q8),
                      class_idx=None if answer is None else answer.class_idx,
                      digest=None if answer is None else answer.lessons_digest)]

    return written


def _run(answer: BatchOutcome | None, x: Any, labels: Any = None, losses_q8: Any = None, *,
         mode: int = INFER, **_: Any) -> list[Event]:
    if mode == INFER:
        return []
    n = len(x)
    rows = [np.full(n, none) if row is None else np.asarray(row)
            for row, none in ((labels, NO_LABEL), (losses_q8, OWN_LOSS))]
    answers: list[tuple[int | None, int | None]] = [(None, None)] * n
    if answer is not None and answer.lessons_digest is not None:
        answers = list(zip(answer.class_idx.tolist(), answer.lessons_digest.tolist(), strict=True))
    return [Event("learn" if mode == LEARN else "warm_up", _bytes(sample), int(label), int(loss),
                  class_idx=class_idx, digest=digest)
            for sample, label, loss, (class_idx, digest) in zip(x, *rows, answers, strict=True)]


def _observe(_: Any, x: Any, label: int = NO_LABEL) -> list[Event]:
    return [Event("observe", _bytes(x), int(label))]


def _idle(answer: int | None, n_steps: int) -> list[Event]:
    n = n_steps if answer is None else answer
    return [Event("idle", n=min(n - begin, MOST_IDLE)) for begin in range(0, n, MOST_IDLE)]


def _number(do: str) -> Written:
    return lambda _, number=1: [Event(do, n=int(number))]


def _named(do: str) -> Written:
    return lambda _, name: [Event(do, name=str(name))]


def _alone(do: str) -> Written:
    return lambda _: [Event(do)]


_WRITTEN: dict[str, Written] = {
    "learn": _lesson("learn"), "warm_up": _lesson("warm_up"), "run": _run, "observe": _observe,
    "idle": _idle, "select_profile": _number("select_profile"),
    "allow_profile": _number("allow_profile"),
    "write_profile": lambda _, network, profile: [Event(
        "write_profile", n=int(profile.kind),
        profile=tuple(int(v) for v in profile_numbers(profile)))],
    **{do: _named(do) for do in ("new_class", "forget_class")},
    **{do: _alone(do) for do in ("fit_gate", "rollback", "save", "fit_profile")}}
