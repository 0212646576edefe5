"""An emulator whose lessons run in slices, and budgets to try."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import target_q11
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.target import NO_LABEL, OWN_LOSS, Outcome

WHOLE = 1 << 31
"""A budget from which on a slice is the last one."""


def budgets(kind: str) -> Iterator[int]:
    """Of one slice after another: `random`, or a number."""
    if kind == "random":
        rng = Random(5)
        return iter(lambda: rng.choice([1, 10, 300, 2_000, 30_000, WHOLE]), 0)
    return repeat(int(kind))


class Sliced(Emulator):
    """Whatever learns takes as many slices as it needs; n_slices: how many so far."""

    def __init__(self, network: QNetwork, given: Iterator[int]) -> None:
        super().__init__(network, checked=True)
        self.given, self.n_slices = given, 0

    def call(self, name: str, *args: Any) -> int:
        """What a function of dassdp.h returns, of model, state and these arguments; 0 for none."""
        return int(getattr(self._lib, name)(self._model, self._state, *args) or 0)

    def new(self, ctype: str) -> Any:
        return self._ffi.new(ctype)

    def memory(self) -> bytes:
        """The whole state."""
        return bytes(self._ffi.buffer(self._state))

    def learn(self, x: NDArray[np.int8], label: int = NO_LABEL, *, loss_q8: int = OWN_LOSS,
              digest: bool = False) -> Outcome:
        crc = self._forward(x)
        logits = np.array(self._ffi.unpack(self._lib.dassdp_logits(self._model, self._state),
                                           self.n_classes))
        self._check(self.call("dassdp_learn_begin", label, loss_q8))
        done = self._finish()
        return Outcome(done.class_idx, logits, done.loss_q8, bool(done.is_skipped),
                       bool(done.is_updated), crc if digest else None,
                       self.statistics().learned_digest if digest else None,
                       n_replayed=done.n_replayed, is_fallen_back=bool(done.is_fallen_back),
                       is_held=bool(done.is_held), lessons_digest=self.lessons())

    def _forward(self, x: NDArray[np.int8]) -> int:
        """A sample noted and run, reading by reading where there is a sensor; its digest."""
        sample = np.ascontiguousarray(x)
        given = self._ffi.from_buffer("int8_t[]", sample)
        if self.network.sensor is not None:
            for counts in sample.view(np.int16).reshape(-1, self.network.sensor.n_channels):
                self.call("dassdp_read", self._ffi.from_buffer("int16_t[]", counts))
            given = self._ffi.NULL
        if self.network.values is not None:
            target = target_q11(self.network, sample[None])[0].astype(np.int16)
            self._check(self.call("dassdp_set_target", self._ffi.from_buffer("int16_t[]", target)))
        self.call("dassdp_note", given)
        self.call("dassdp_begin", given)
        crc = 0
        for _ in range(self.network.n_steps):
            self.call("dassdp_step")
            crc = self.call("dassdp_digest_step", crc)
        self.call("dassdp_end", self.new("dassdp_result_t *"))
        return self.call("dassdp_digest_logits", crc)

    def lessons(self) -> int:
        return self.call("dassdp_lessons_digest")

    def idle(self, n_steps: int) -> int:
        self._check(self.call("dassdp_idle_begin", n_steps))
        return int(self._finish().n_replayed)

    def _finish(self) -> Any:
        """The result of a lesson that has begun."""
        result, status = self.new("dassdp_result_t *"), 1
        while status > 0:
            status = self.call("dassdp_learn_step", next(self.given), result)
            self.n_slices += 1
        self._check(status)
        return result
