"""An emulator whose lessons run in slices, and budgets to try."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork
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
        self._has_sensor = network.sensor is not None

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
        given = self._ffi.from_buffer("int8_t[]", np.ascontiguousarray(x))
        if self._has_sensor:
            self.call("dassdp_emulator_begin", given)  # counts become the sample in the state
        self.call("dassdp_note", self._ffi.NULL if self._has_sensor else given)
        before = self.infer(x, digest=digest)
        self._check(self.call("dassdp_learn_begin", label, loss_q8))
        done = self._finish(before.class_idx)
        return Outcome(done.class_idx, before.logits, done.loss_q8, bool(done.is_skipped),
                       bool(done.is_updated), before.forward_digest,
                       self.statistics().learned_digest if digest else None,
                       n_replayed=done.n_replayed, is_fallen_back=bool(done.is_fallen_back),
                       is_held=bool(done.is_held),
                       lessons_digest=self.call("dassdp_lessons_digest"))

    def idle(self, n_steps: int) -> int:
        self._check(self.call("dassdp_idle_begin", n_steps))
        return int(self._finish(0).n_replayed)

    def _finish(self, class_idx: int) -> Any:
        """The result of a lesson that has begun."""
        result = self.new("dassdp_result_t *")
        result.class_idx, status = class_idx, 1
        while status > 0:
            status = self.call("dassdp_learn_step", next(self.given), result)
            self.n_slices += 1
        self._check(status)
        return result
