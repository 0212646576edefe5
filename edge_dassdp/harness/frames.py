"""A stream of frames on a device: a decision every hop, and no whole sample anywhere."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.stream import UNKNOWN
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import frame_x, pushes_a_step
from edge_dassdp.targets.streamed import check_hop
from edge_dassdp.targets.target import Decision, Target, was_carried_out


class FrameStream:
    """An open stream; a context manager that closes it.

    hop: frames from decision to decision. n_frames: those whose step has run. n_unanswered: pushes
    that the device carried out and whose answer the link lost.
    """

    def __init__(self, network: QNetwork, target: Target, hop: int,
                 closed: Callable[[], None] = lambda: None) -> None:
        check_hop(network, hop)
        target.open_stream(hop)
        self.hop = hop
        self.n_unanswered = self._n_pushed = 0
        self._network, self._target, self._closed = network, target, closed
        self._is_open = True

    @property
    def n_frames(self) -> int:
        return self._n_pushed // pushes_a_step(self._network)

    def push(self, frame: ArrayLike) -> Decision | None:
        """A frame in its natural shape, finite floats, (n_values,) or of its shape, runs its step;
        of a model with a sensor one reading (n_channels,), integers for its raw counts. Gives the
        decision over the last n_steps frames where one was due, else None; of a decision whose
        answer the link lost class_idx is `UNKNOWN`.

        Raises EdgeError E104 for what is no frame, E105 after `close`, E503 or E505 where the
        device knows this stream no more.
        """
        self._require_open()
        return self.push_packed(frame_x(self._network, frame))

    def push_packed(self, frame: NDArray[np.int8]) -> Decision | None:
        """The same of a frame as the device takes it (`qir.samples.frames_of`)."""
        self._require_open()
        try:
            decision = self._target.push(frame)
        except EdgeError as problem:
            if not was_carried_out(self._target, problem):
                raise
            self.n_unanswered += 1
            decision = self._unknown() if self._is_due() else None
        self._n_pushed += 1
        return decision

    def _require_open(self) -> None:
        if not self._is_open:
            raise EdgeError("E105", "the stream was closed", help="open another: device.stream()")

    def _is_due(self) -> bool:
        """Whether the push that is under way ends a window."""
        n_behind, rest = divmod(self._n_pushed + 1, pushes_a_step(self._network))
        n_behind -= self._network.n_steps
        return not rest and n_behind >= 0 and n_behind % self.hop == 0

    def _unknown(self) -> Decision:
        return Decision(UNKNOWN, np.zeros(self._network.n_classes, np.int32))

    def close(self) -> None:
        """The stream is over; harmless when repeated, and where the device is gone."""
        if self._is_open:
            self._is_open = False
            self._closed()
            self._target.close_stream()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        try:
            self.close()
        except EdgeError:
            if problem is None:
                raise
