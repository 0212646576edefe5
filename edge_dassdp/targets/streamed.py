"""Streams of frames: what may be asked of one, and how the reference runs it (docs/streams.md)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.numbers import array_of, is_int
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir import QNetwork, frame_bytes
from edge_dassdp.qir.lesson import Record
from edge_dassdp.qir.samples import (
    END_OF_STEP,
    Q_ONE,
    push_bytes,
    pushes_a_step,
    require_streams,
)
from edge_dassdp.reference.model import IntegerModel
from edge_dassdp.reference.outcome import Decision
from edge_dassdp.wire.messages import CHUNK_BYTES, MESSAGES, STATUS_TEXTS, STATUSES

_Target = TypeVar("_Target")


def check_hop(network: QNetwork, hop: Any) -> None:
    """EdgeError E503 unless devices of this model have streams, E105 unless one may have this hop.
    """
    require_streams(network)
    refuse_unless("E105", is_int(hop) and network.hop <= hop <= network.n_steps,
                  f"a hop of {hop!r} frames cannot be",
                  cause=f"a window has {network.n_steps:,} frames, and the model's memory is for a "
                  f"hop of {network.hop:,} or more",
                  help=f"give {network.hop} to {network.n_steps}, or quantize with a smaller --hop")


def checked_push(network: QNetwork, frame: Any) -> NDArray[np.int8]:
    """What a stream is given at once, int8 of `qir.samples.push_bytes`, or of events the addresses
    of a step with END_OF_STEP behind them. EdgeError E104 for anything else."""
    given, size = array_of(frame, "a frame"), push_bytes(network)
    is_list = not size and given.size % 2 == 0
    fits = given.dtype == np.int8 and given.ndim == 1 and (is_list or given.size == size)
    if fits and not size:
        ends = np.ascontiguousarray(given).view("<u2") == END_OF_STEP
        fits = bool(ends.size and ends[-1] and not ends[:-1].any())
    expected = f"int8 of shape ({size},)" if size else "int16 addresses and one 65535 behind them"
    refuse_unless("E104", fits, "a frame has the wrong shape or type",
                  cause=f"{given.dtype} of shape {given.shape}, expected {expected}",
                  help="qir.samples.frame_x makes frames of real numbers")
    return np.ascontiguousarray(given)


def no_stream() -> EdgeError:
    """Nothing can be pushed."""
    return EdgeError("E503", STATUS_TEXTS[STATUSES["E_ORDER"]],
                     cause="no stream is open", help="open one before the first frame")


_WAIT = (*(name.lower() for name, message in MESSAGES.items() if message.needs_whole
           and name not in ("PUT_SAMPLE", "PUSH", "STREAM")),
         "run", "classify", "allow_profile", "write_learning", "restore", "open_stream")
"""What needs all that is learned, by the names of its requests, and what consists of such."""


def waits_for_streams(target: type[_Target]) -> type[_Target]:
    """A class of targets that know `is_streaming`: while they are, they refuse what a device
    refuses over the link."""
    for name in _WAIT:
        setattr(target, name, _waiting(getattr(target, name)))
    return target


def _waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def asked(self: Any, *given: Any, **named: Any) -> Any:
        refuse_unless("E503", not self.is_streaming, STATUS_TEXTS[STATUSES["E_ORDER"]],
                      cause=f"a stream is open, and {method.__name__} waits for its end",
                      help="close the stream first")
        return method(self, *given, **named)

    return asked


def pieces(frame: bytes) -> list[tuple[int, bytes]]:
    """Offsets and bytes of what the link carries at once, the last of which runs the step."""
    return [(at, frame[at : at + CHUNK_BYTES]) for at in range(0, len(frame), CHUNK_BYTES)]


class Windows:
    """A stream on the reference. Membranes are never reset; the logits of a window are what the
    readout gave in its n_steps frames."""

    def __init__(self, model: IntegerModel, hop: int) -> None:
        self._model, self._hop = model, hop
        net = model.network
        self._source = net.inputs[0]
        n_x_saturated = model.n_x_saturated
        model.begin(np.zeros((1, net.x_bytes), np.int8))
        model.n_x_saturated = n_x_saturated
        model.x = np.zeros((1, net.code_bytes), np.int8)
        self._n_frames = 0
        self._sums = np.zeros(net.n_classes, np.int64)
        self._starts: deque[IntArray] = deque([self._sums.copy()])
        self._codes: list[NDArray[np.int8]] = []

    def push(self, piece: NDArray[np.int8]) -> Decision | None:
        """A frame, or a reading of a sensor; what was decided behind it."""
        worn = self._model.worn
        if worn is not None:
            counts = piece.view("<i2")[None, None]
            self._codes.append(worn.sensor.codes(counts, worn.profile).reshape(-1))
            if len(self._codes) < pushes_a_step(self._model.network):
                return None
            piece, self._codes = np.concatenate(self._codes), []
        self._put(piece)
        return self._step()

    def _put(self, frame: NDArray[np.int8]) -> None:
        model, source = self._model, self._source
        t_step = self._n_frames % model.network.n_steps
        if source.n_events:
            spikes = np.bincount(frame.view("<u2").astype(np.int64), minlength=END_OF_STEP + 1)
            model.coded[source.name][0, t_step] = np.minimum(
                spikes[: source.size], 255 if source.counts else 1)
            return
        n_bytes = frame_bytes(source)
        model.x[0, t_step * n_bytes : (t_step + 1) * n_bytes] = frame
        if not source.spikes:
            model.n_x_saturated += int(((frame == Q_ONE) | (frame <= -Q_ONE)).sum())

    def _step(self) -> Decision | None:
        model, net = self._model, self._model.network
        t_step = self._n_frames % net.n_steps
        if self._n_frames and t_step == 0:
            for records in model.records.values():
                records[model.slot] = Record.empty(records[model.slot].count.size)
        model.sums[:] = 0
        model.step(t_step)
        self._sums += model.sums[0]
        self._n_frames += 1
        n_behind = self._n_frames - net.n_steps
        decision = self._decide(n_behind) if n_behind >= 0 and n_behind % self._hop == 0 else None
        if self._n_frames % self._hop == 0:
            self._starts.append(self._sums.copy())
        return decision

    def _decide(self, n_behind: int) -> Decision:
        model = self._model
        model.sums[0] = self._sums - self._starts.popleft()
        class_idx = int(model.end()[0]) if n_behind == 0 else int(model.sums[0].argmax())
        return Decision(class_idx, model.sums[0].astype(np.int32))
