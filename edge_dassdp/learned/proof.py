"""A log of lessons, replayed in the emulator: does what a device has learned come from it?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.learned.compare import Difference, compare, named_learning
from edge_dassdp.learned.log import LESSONS, Event, ReadLog
from edge_dassdp.learned.portable import Learned, decode
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import profile_of
from edge_dassdp.reference.outcome import NO_LABEL, Outcome
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.learning import taught_in
from edge_dassdp.targets.target import Progress

PROVEN = "proven"


@dataclass(frozen=True)
class Proof:
    """What the replay gave. verdict: PROVEN, or "lesson", the first that differs; "lessons", where
    some do, and no digest in the log says which; "weights", where all lessons agree and what was
    learned does not; "ends", the log before the snapshot; "beyond",
    the snapshot before the log. n_lessons: replayed, of them `n_told` with a digest to be compared;
    number, label, line: of the lesson that differs, counted by the device from 1 on. left: lines of
    the log behind the snapshot. why: a sentence."""

    verdict: str
    n_lessons: int
    n_told: int
    why: str = ""
    number: int | None = None
    label: int | None = None
    line: int | None = None
    left: int = 0
    difference: Difference | None = None

    @property
    def is_proven(self) -> bool:
        return self.verdict == PROVEN


def prove(network: QNetwork, log: ReadLog, snapshot: Learned, start: Learned | None = None,
          progress: Progress | None = None) -> Proof:
    """Whether a snapshot of this network is what the lessons of a log leave of `start`, the factory
    weights without it. Raises EdgeError E105 where the log began elsewhere, and E103 as `ReadLog`
    does."""
    with Emulator(network) as emulator:
        if start is not None:
            emulator.restore(start.weights, start.learning)
        _require_start(emulator, log, start)
        return _Replay(network, emulator, snapshot, progress).run(log)


def _require_start(emulator: Emulator, log: ReadLog, start: Learned | None) -> None:
    now, head = emulator.statistics(), log.head
    if now.learned_digest == head.learned:
        return
    what = "factory weights are" if start is None else "that of --start is"
    raise EdgeError("E105", "the log begins with something else learned",
                    cause=f"it began with digest {head.learned:08x} after {head.n_lessons:,} "
                          f"lessons, {what} {now.learned_digest:08x} after {now.n_lessons:,}",
                    help="give the snapshot that was there when the log began: --start FILE")


class _Replay:
    def __init__(self, network: QNetwork, emulator: Emulator, snapshot: Learned,
                 progress: Progress | None) -> None:
        self._network, self._emulator, self._snapshot = network, emulator, snapshot
        self._progress = progress
        wanted = named_learning(network, snapshot.learning)
        self._n_wanted = int(wanted["learning.n_lessons"][0])
        self._digest_wanted = int(wanted["learning.lessons_digest"][0])
        self._n_begin = self._n = emulator.statistics().n_lessons
        self._digest = emulator.statistics().lessons_digest
        self._n_told = 0
        self._last: Event | None = None
        self._class_idx: int | None = None
        self._before = b""

    def run(self, log: ReadLog) -> Proof:
        events = log.events()
        if self._is_there():
            return self._made(PROVEN, left=sum(1 for _ in events))
        for event in events:
            if self._n + (event.do in LESSONS) > self._n_wanted:
                return self._behind()
            try:
                self._do(event)
            except EdgeError as problem:
                raise log.undone(event, problem) from None
            if found := self._differs(event):
                return found
            if self._is_there():
                return self._made(PROVEN, left=sum(1 for _ in events))
        return self._ended(log)

    def _do(self, event: Event) -> None:
        target = self._emulator
        x = np.frombuffer(event.x, np.int8)
        self._last, self._class_idx = event, None
        if event.do in LESSONS:
            self._before = target.exported()
            done = self._teach(event)
            self._n, self._digest = self._n + 1, done.lessons_digest or 0
            self._class_idx = done.class_idx
            if self._progress:
                self._progress(self._n - self._n_begin)
            return
        if event.do == "observe":
            target.observe(x, event.label)
        elif event.do in ("idle", "select_profile"):
            getattr(target, event.do)(event.n)
        elif event.do in ("new_class", "forget_class"):
            getattr(target, event.do)(event.name)
        elif event.do == "write_profile":
            numbers = np.array(event.profile, np.int64)
            target.write_profile(self._network, profile_of(event.n, numbers))
        elif event.do == "allow_profile":
            target.allow_profile(event.n != 0)
        else:
            getattr(target, event.do)()
        self._digest = target.statistics().lessons_digest

    def _teach(self, event: Event) -> Outcome:
        teach = self._emulator.learn if event.do == "learn" else self._emulator.warm_up
        return teach(np.frombuffer(event.x, np.int8), event.label, loss_q8=event.loss_q8)

    def _given(self, event: Event) -> str:
        """What the device was given in its place, as far as its digest tells."""
        for label in range(NO_LABEL, self._network.n_classes):
            if label == event.label or (label == NO_LABEL and event.do == "warm_up"):
                continue
            self._emulator.import_(self._before)
            if label in self._spare():
                continue
            if self._teach(replace(event, label=label)).lessons_digest == event.digest:
                return "no label" if label == NO_LABEL else f"label {label}"
        return "another sample or loss"

    def _spare(self) -> set[int]:
        """Classes that were not taught."""
        taught = taught_in(self._network, self._emulator.read_learning())
        return {*range(self._network.n_known, self._network.n_classes)} - set(taught.values())

    def _differs(self, event: Event) -> Proof | None:
        if event.digest is None:
            return None
        self._n_told += 1
        if event.digest == self._digest:
            return None
        told, found = f"{event.digest:08x}", f"{self._digest:08x}"
        if event.do not in LESSONS:
            return self._lesson(f"the device's digest is {told}, the replay's {found}")
        what = f"the device was given {self._given(event)}"
        if event.class_idx is not None and event.class_idx != self._class_idx:
            what += f" and answered class {event.class_idx}, the replay {self._class_idx}"
        return self._lesson(f"{what}: its digest is {told}, the replay's {found}")

    def _lesson(self, why: str) -> Proof:
        event = self._last
        return self._made("lesson", why, number=self._n, label=event.label if event else None,
                          line=event.line if event else None)

    def _is_there(self) -> bool:
        return self._n == self._n_wanted and self._digest == self._digest_wanted \
            and self._compared().is_same

    def _compared(self) -> Difference:
        return compare(self._network, decode(self._network, self._emulator.exported()),
                       self._snapshot)

    def _behind(self) -> Proof:
        """The log goes on behind the lesson that the snapshot ends with, and it was not that."""
        if self._n == self._n_wanted:
            return self._at_end()
        return self._made("beyond", f"the snapshot has had {self._n_wanted:,} lessons, the log "
                                    f"begins behind {self._n_begin:,}")

    def _ended(self, log: ReadLog) -> Proof:
        if self._n == self._n_wanted:
            return self._at_end()
        cut = "; its last line was cut off as it was written" if log.is_cut else ""
        return self._made("ends", f"the log ends with lesson {self._n:,}, the snapshot has had "
                                  f"{self._n_wanted:,}{cut}")

    def _at_end(self) -> Proof:
        if self._digest != self._digest_wanted:
            return self._made("lessons", "the snapshot's digest of lessons is "
                              f"{self._digest_wanted:08x}, the log's {self._digest:08x}")
        return self._made("weights", "every lesson agrees, and what was learned does not: "
                                     "something else has written it", difference=self._compared())

    def _made(self, verdict: str, why: str = "", **more: Any) -> Proof:
        return Proof(verdict, self._n - self._n_begin, self._n_told, why, **more)


