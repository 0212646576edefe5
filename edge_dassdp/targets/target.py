"""The Target interface: what a network can be asked to do, wherever it runs.

A script written against `Target` changes one word to go from the emulator to a board.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.reference.outcome import NO_LABEL, OWN_LOSS, Outcome, Progress, Statistics

__all__ = ["NO_LABEL", "OWN_LOSS", "Outcome", "Progress", "Statistics", "Target"]


class Target(ABC):
    """A network that runs somewhere. Samples are int8 arrays of shape (x_bytes,)."""

    name: str

    @abstractmethod
    def infer(self, x: NDArray[np.int8], *, digest: bool = False,
              n_steps: int | None = None) -> Outcome:
        """Run one sample; n_steps below the model's stops early, for finding a divergence."""

    def classify(self, x: NDArray[np.int8],
                 progress: Progress | None = None) -> NDArray[np.int64]:
        """Classes (n,) of samples x, int8 (n, x_bytes), by inference alone."""
        classes = np.zeros(len(x), np.int64)
        for i, sample in enumerate(x):
            classes[i] = self.infer(sample).class_idx
            if progress:
                progress(i + 1)
        return classes

    @abstractmethod
    def learn(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
              digest: bool = False) -> Outcome:
        """Run one sample and learn from it, exactly once."""

    @abstractmethod
    def warm_up(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
                digest: bool = False) -> Outcome:
        """Run one sample and record it for the DA-SSDP gates; no weight changes."""

    @abstractmethod
    def fit_gate(self) -> None:
        """Fix the gates' statistics from the records so far."""

    @abstractmethod
    def idle(self, n_steps: int) -> int:
        """Learn again from up to n_steps stored samples; how many there were. E503 if it has no
        replay."""

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
    def named_state(self) -> dict[str, NDArray[Any]]:
        """The whole state as integer arrays by name: v_*, spk_*, count_*, w_*, learning.*, ..."""

    @abstractmethod
    def reset(self) -> None:
        """Factory weights and initial learning state."""

    @abstractmethod
    def statistics(self) -> Statistics:
        """Counters, and on a device stack and link figures."""

    def close(self) -> None:  # noqa: B027 - most targets hold nothing
        """Let go of what the target holds; harmless when repeated."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
