"""A stream that knows at any moment how far it got, and that can be taken up where it was left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.progress import Progress
from edge_dassdp.harness.stream import Stream, lessons, was_carried_out
from edge_dassdp.harness.worn import Fitted
from edge_dassdp.interrupts import held
from edge_dassdp.storage.memory import Memory
from edge_dassdp.storage.state import made
from edge_dassdp.targets.target import Target
from edge_dassdp.wire.messages import IDLE_STEPS

Told = Callable[[int, Stream], None]
"""Told the place in the stream and what was learned there."""


class Course:
    """Samples x, int8 (n, x_bytes), and labels (n,) on a device, each once, in order.

    The first n_warm of them fit the dopamine gates. file: where progress is kept, in a block of
    `kept`, as long as it can be written; `done` removes it. looks: the device observes each sample
    before, without its label. Ctrl-C waits for the sample that runs.
    """

    def __init__(self, device: Target, x: NDArray[np.int8], labels: NDArray[np.int64], n_warm: int,
                 file: Path | None = None, *, looks: bool = False) -> None:
        self.device = device
        self.looks = looks
        self.x, self.labels = x, labels
        self.n_warm = n_warm
        self.file = file
        self.progress = Progress(len(x) - n_warm)
        self.first = 0
        self.unkept: EdgeError | None = None
        """Why progress is kept no more."""
        self.pieces: list[Stream] = []
        self.profile: Fitted | None = None
        """What was found before of how the sensor is worn."""

    @property
    def stream(self) -> Stream:
        """What was learned since it was begun or taken up."""
        return Stream.of(self.pieces)

    def begin(self, before: float | None = None) -> None:
        """Show the samples of the warm-up."""
        self._keep(before=before, n_taught=self._teach())
        with held() as raise_if_pressed:
            for i in range(self.n_warm):
                with self._unless_carried_out():
                    self.device.warm_up(self.x[i], int(self.labels[i]))
                self._keep(n_warm=i + 1)
                raise_if_pressed()
            if self.n_warm:
                self.device.fit_gate()
            self._keep(n_labelled=self.device.statistics().n_taken)

    def take_up(self, restore: Callable[[], None] | None = None) -> None:
        """Go on where the stream was left. restore: puts the device back, if it is not there.

        Raises EdgeError E105 where none was left, E505 where the device stands elsewhere.
        """
        if self.file is None:
            raise EdgeError("E105", "no stream can be taken up: there is no file of its progress")
        self.progress = Progress.read(self.file)
        try:
            self.first = self.progress.learned_by(self.device.statistics())
            self.progress.require_last(self._memory.n_taught if self._memory else None)
        except EdgeError as problem:
            if restore is None or problem.code != "E505":
                raise
            restore()
            self.first = self.progress.learned_by(self.device.statistics())
        self._keep(n_learned=self.first, in_doubt=False, digest=None, n_taught=self._teach())

    def learn(self, told: Told) -> None:
        """Learn what is left of the samples."""
        first = self.n_warm + self.first
        pieces = lessons(self.device, self.x[first:], self.labels[first:], looks=self.looks)
        with held() as raise_if_pressed:
            while (piece := self._next(pieces)) is not None:
                self._keep()
                self.pieces.append(piece)
                told(self.progress.n_learned - len(piece.labels), piece)
                raise_if_pressed()

    def idle(self, n_steps: int) -> int:
        """Learn again from stored samples, what is left of n_steps; how many there were in all."""
        n_before = self.progress.n_replayed
        if n_before is None:
            n_before = self.device.statistics().n_replayed
            self._keep(n_replayed=n_before)
        with held() as raise_if_pressed:
            n_done, n_last = self.device.statistics().n_replayed - n_before, -1
            while n_last < n_done < n_steps:
                with self._unless_carried_out():
                    self.device.idle(min(n_steps - n_done, IDLE_STEPS))
                n_done, n_last = self.device.statistics().n_replayed - n_before, n_done
                raise_if_pressed()
        return n_done

    def done(self) -> None:
        """There is nothing to take up any more."""
        if self.file:
            self.file.unlink(missing_ok=True)

    def give_up(self) -> None:
        """What was learned is gone: there is nothing to take up."""
        self.done()
        self.file = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """When the block fails, what is certain then is kept."""
        try:
            yield
        except BaseException as problem:
            if isinstance(problem, EdgeError) and not self._may_have_run(problem):
                self.progress = replace(self.progress, in_doubt=False)
            elif not self.progress.in_doubt:
                self.progress = replace(self.progress, digest=self._digest())
            self._write(self.progress)
            raise

    def _may_have_run(self, problem: EdgeError) -> bool:
        """Whether the request may have been carried out whose answer nobody has: it was lost, or a
        log of this host could not be written."""
        return problem.code == "E103" or (problem.code == "E502"
                                          and self.device.lost_request_ran is None)

    @property
    def _memory(self) -> Memory | None:
        """Of a board, on this computer."""
        return getattr(self.device, "memory", None)

    def _teach(self) -> int | None:
        return self._memory.teach() if self._memory else None

    def _digest(self) -> int | None:
        try:
            return self.device.statistics().learned_digest
        except EdgeError:
            return None

    @contextmanager
    def _unless_carried_out(self) -> Iterator[None]:
        """An answer that is lost, and not needed, is no failure."""
        try:
            yield
        except EdgeError as problem:
            if not was_carried_out(self.device, problem):
                raise

    def _next(self, pieces: Iterator[Stream]) -> Stream | None:
        """A piece; a failure in it leaves one sample in doubt."""
        self.progress = replace(self.progress, in_doubt=True)
        piece = next(pieces, None)
        n_learned = self.progress.n_learned + (0 if piece is None else len(piece.labels))
        self.progress = replace(self.progress, n_learned=n_learned, in_doubt=False)
        return piece

    def _keep(self, **changes: Any) -> None:
        """Whoever dies after this may have had one more sample learned."""
        self.progress = replace(self.progress, **changes)
        self._write(replace(self.progress, in_doubt=True))

    def _write(self, progress: Progress) -> None:
        if self.file is None:
            return
        try:
            made(self.file.parent)
            progress.write(self.file)
        except EdgeError as problem:
            self.file, self.unkept = None, problem
