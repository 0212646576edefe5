"""The Target interface: what a network can be asked to do, wherever it runs.

A script written against `Target` changes one word to go from the emulator to a board.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import array_of
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.asked import check_mode, checked_lessons
from edge_dassdp.reference.outcome import (
    NO_LABEL,
    OWN_LOSS,
    BatchOutcome,
    Decision,
    Outcome,
    Progress,
    Statistics,
)
from edge_dassdp.sensor.monitor import DriftReport, Event
from edge_dassdp.sensor.orientation import Orientation
from edge_dassdp.sensor.profile import QProfile
from edge_dassdp.targets.profiles import with_profile
from edge_dassdp.wire.saved import Saved

__all__ = ["INFER", "LEARN", "NO_LABEL", "OWN_LOSS", "WARM_UP", "BatchOutcome", "Decision",
           "Outcome", "Progress", "Statistics", "Target", "was_carried_out"]
MODES = INFER, LEARN, WARM_UP = 0, 1, 2
"""What `Target.run` does with its samples."""


class Target(ABC):
    """A network that runs somewhere. Samples are int8 arrays of shape (x_bytes,).

    Whatever a call is given is held to `reference.asked` before anything of it is carried out:
    E104 for what is no sample, no label and no loss, E503 for one that is out of range.
    """

    name: str
    at_once: ClassVar[int] = 1
    """Samples that `run` may take in one piece where somebody waits to see them learned."""

    @property
    @abstractmethod
    def n_classes(self) -> int: ...

    @abstractmethod
    def infer(self, x: NDArray[np.int8], *, digest: bool = False,
              n_steps: int | None = None) -> Outcome:
        """Run one sample; n_steps below the model's stops early, for finding a divergence."""

    def classify(self, x: NDArray[np.int8],
                 progress: Progress | None = None) -> NDArray[np.int64]:
        """Classes (n,) of samples x, int8 (n, x_bytes), by inference alone."""
        return self.run(x, progress=progress).class_idx

    def run(self, x: NDArray[np.int8], labels: NDArray[Any] | None = None,
            losses_q8: NDArray[Any] | None = None, *, mode: int = INFER, digest: bool = False,
            progress: Progress | None = None) -> BatchOutcome:
        """Samples x, int8 (n, x_bytes), in order; the state is then that after the last one.

        labels, losses_q8: (n,) integers, None for NO_LABEL and OWN_LOSS. mode: INFER, LEARN or
        WARM_UP. Raises what the method of that name does, E104 for another shape.
        """
        check_mode(mode, len(MODES))
        samples = array_of(x, "samples")
        refuse_unless("E104", samples.ndim == 2, f"samples have shape {samples.shape}, expected "
                      "int8 (n, x_bytes)")
        given = checked_lessons(len(samples), self.n_classes, labels, losses_q8,
                                records=mode == WARM_UP)
        outcomes: list[Outcome] = []
        for sample, label, loss_q8 in zip(samples, *given, strict=True):
            if mode == INFER:
                outcomes.append(self.infer(sample, digest=digest))
            else:
                lesson = self.learn if mode == LEARN else self.warm_up
                outcomes.append(lesson(sample, int(label), loss_q8=int(loss_q8), digest=digest))
            if progress:
                progress(len(outcomes))
        return BatchOutcome.of(outcomes)

    @abstractmethod
    def learn(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
              digest: bool = False) -> Outcome:
        """Run one sample and learn from it, exactly once."""

    @abstractmethod
    def warm_up(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
                digest: bool = False) -> Outcome:
        """Run one sample and record it for the dopamine gates; no weight changes."""

    @abstractmethod
    def fit_gate(self) -> None:
        """Fix the dopamine gates' statistics from the records so far."""

    @abstractmethod
    def idle(self, n_steps: int) -> int:
        """Learn again from up to n_steps stored samples; how many there were. E503 if it has no
        replay."""

    @abstractmethod
    def open_stream(self, hop: int) -> None:
        """Membranes at rest; frames come by `push`, and it decides behind the first n_steps of them
        and every hop from there on. hop: the model's to n_steps. Until `close_stream` nothing else
        runs. E503 of a model without streams, or while one is open; E105 for another hop."""

    @abstractmethod
    def push(self, frame: NDArray[np.int8]) -> Decision | None:
        """A frame as `qir.samples.frame_x` makes it runs its step; what was decided behind it. Of a
        sensor one reading. E104 for what is no frame, E503 where no stream is open."""

    @abstractmethod
    def close_stream(self) -> None:
        """The stream is over; harmless without one."""

    @abstractmethod
    def observe(self, x: NDArray[np.int8], label: int = NO_LABEL) -> Event:
        """A sample of counts is one of that class, as the sensor is worn now; nothing is run. With
        or without a label it is compared with what the factory saw: the answer says what followed.
        E503 where the model has no sensor that makes anything of it."""

    @abstractmethod
    def drift(self) -> DriftReport:
        """How far its sensor has drifted, of the samples observed. E503 where it compares none."""

    @abstractmethod
    def allow_profile(self, is_allowed: bool = True) -> None:
        """Whether another profile than the factory's may be taken from samples observed, without
        labels. E503 where the model keeps no windows."""

    @abstractmethod
    def fit_profile(self) -> Orientation:
        """Fit the orientation to what was observed since the last reset; where it is clearly better
        it is stored and in use. E503 as for `observe`."""

    @abstractmethod
    def select_profile(self, kind: int) -> None:
        """Use the factory profile, 0, or the stored one, by its kind. E503 for another."""

    def write_profile(self, network: QNetwork, profile: QProfile) -> None:
        """Store a profile fitted elsewhere, of this network's sensor, and use it. E503 without a
        sensor, E105 for a profile of another one."""
        self.write_learning(with_profile(network, self.read_learning(), profile))

    @abstractmethod
    def new_class(self, name: str) -> int:
        """Take the first spare class for a name, 1 to 16 letters of ASCII; the index that its
        samples are learned as. E105 for another name and for one that there is, E503 where none is
        spare."""

    @abstractmethod
    def forget_class(self, name: str) -> None:
        """A class that was taught is spare again: its weights, means and stored samples are gone.
        E105 for one that was not, E503 where the model has no spare classes."""

    @abstractmethod
    def save(self) -> None:
        """Copy the plastic weights on the device. E503 where the model keeps no copy."""

    @abstractmethod
    def rollback(self) -> None:
        """Put the copy back; factory weights where none was made. E503 as for `save`."""

    @abstractmethod
    def read_weights(self, projection: str) -> NDArray[np.int16]:
        """Integer weights of one projection, shape (n_pre, n_post)."""

    @abstractmethod
    def write_weights(self, projection: str, w: NDArray[np.int16]) -> None:
        """Replace the weights of one plastic projection; all of them or none."""

    @abstractmethod
    def restore(self, weights: Mapping[str, NDArray[np.int16]], learning: bytes) -> None:
        """Put a snapshot back, weights of plastic projections and the learning state: all of it or
        nothing. Raises what `write_weights` and `write_learning` do."""

    @abstractmethod
    def read_learning(self) -> bytes:
        """The learning state as it lies on the device: what a snapshot holds beside the weights."""

    @abstractmethod
    def write_learning(self, data: bytes) -> None:
        """Put back what `read_learning` gave, or nothing of it. Raises EdgeError E104 for another
        number of bytes, E503 for a value out of its range."""

    @abstractmethod
    def named_state(self) -> dict[str, NDArray[Any]]:
        """The whole state as integer arrays by name: v_*, spk_*, count_*, w_*, learning.*, ..."""

    @abstractmethod
    def reset(self, *, factory: bool = False) -> None:
        """Factory weights and initial learning state. factory: what was saved to flash is erased,
        too; else it counts at the next start. E503 where there are no slots to erase, or flash does
        not take it."""

    @property
    @abstractmethod
    def in_flash(self) -> Saved:
        """What its slots in flash hold."""

    @abstractmethod
    def store(self) -> Saved:
        """Save plastic weights and learning state to flash, for the next start; gives what it holds
        now. E503 where nothing learns, there are no slots, or flash does not take it: the save
        before then counts still."""

    @abstractmethod
    def statistics(self) -> Statistics:
        """Counters, and on a device stack and link figures."""

    @property
    def is_read_only(self) -> bool:
        """Whether nothing may be changed on it: a locked board without its key."""
        return False

    def require_key(self, what: str) -> None:  # noqa: B027 - most targets have no lock
        """Before anything begins that ends in writing. what: does so, for people. Raises EdgeError
        E509 where a board is locked and no key was given."""

    @property
    def link_frames(self) -> int | None:
        """Frames sent so far; None without a link."""
        return None

    @property
    def link_retries(self) -> int | None:
        """Of these, repeated ones."""
        return None

    @property
    def link_recovered(self) -> int | None:
        """Requests that were never answered, after which a new session went on."""
        return None

    @property
    def lost_request_ran(self) -> bool | None:
        """Of the last request without an answer: whether it was carried out; None if not known."""
        return None

    def close(self) -> None:  # noqa: B027 - most targets hold nothing
        """Let go of what the target holds; harmless when repeated."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def was_carried_out(target: Target, problem: EdgeError) -> bool:
    """Whether only the answer to the request that failed was lost."""
    return problem.code == "E502" and bool(target.lost_request_ran)
